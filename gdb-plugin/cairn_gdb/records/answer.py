"""How sure an answer is, what a command found, and what a user asked for."""

from typing import Any, NamedTuple, Optional, Sequence

EXACT, TOLERANT, CONSERVATIVE = "exact", "tolerant", "conservative"
EXACTNESS = (EXACT, TOLERANT, CONSERVATIVE)  # in the order of lens.h: each less sure than the last


def least_sure(*answers: str) -> str:
    """The least sure of some exactness words."""
    return EXACTNESS[max(EXACTNESS.index(answer) for answer in answers)]


class Result:
    """What a command found.  `records` is the command's own; it alone renders them."""

    def __init__(self, records: Any, exactness: str = EXACT, warnings: Sequence[str] = (),
                 status: int = 0) -> None:
        self.records = records
        self.exactness = exactness
        self.warnings = list(warnings)  # for people and in the JSON document
        self.status = status  # of $cairn_status: 0 nothing wrong, 1 a problem was found


class Value(NamedTuple):
    """What a GDB expression came to, as far as an object argument is concerned."""

    address: int  # the pointer's value, or the address of an object that was named itself
    text: str  # the expression as it was typed


class Range(NamedTuple):
    """An inclusive range of a number that a user asked for."""

    low: int
    high: int  # UNBOUNDED: no upper end


UNBOUNDED = (1 << 64) - 1
EVERYTHING = Range(0, UNBOUNDED)


class Filter(NamedTuple):
    """Which objects a listing is of, and in which order."""

    type_glob: str = ""
    refcount: Range = EVERYTHING
    size: Range = EVERYTHING
    heap: Optional[int] = None
    sort: str = "refcount"  # "refcount", "size", "address", "type"
    reverse: bool = False
