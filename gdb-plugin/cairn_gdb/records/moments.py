"""What was on the heap at other times, and what has changed since."""

from typing import NamedTuple, Sequence, Tuple

from .program import Place


class MomentInfo(NamedTuple):
    """What a kept moment says of itself."""

    label: str  # how the user calls it
    kind: str  # of the target
    process: int  # 0: not known
    executable: str
    time: int  # seconds since 1970; 0: not known
    objects: int
    bytes: int  # blocks and the buffers that objects own
    sites: int
    frames: int
    serials: int  # objects that have one
    dying: int
    damaged_blocks: int
    unreadable_bytes: int
    exactness: str


class DiffTotals(NamedTuple):
    """What two moments have in common, and what not; of the objects that match the filter."""

    count_a: int
    count_b: int
    bytes_a: int
    bytes_b: int
    kept: int
    added: int
    gone: int
    reused: int  # addresses that another object took
    resized: int
    kept_by_address: int  # of those kept, without serials
    types_unchanged: int
    process: str  # "same", "other", "unknown": by the addresses of its heaps
    exactness: str


class DiffRow(NamedTuple):
    """A type, or a type and who allocated it, in two moments."""

    type_name: str
    count_a: int
    count_b: int
    bytes_a: int
    bytes_b: int
    kept: int
    added: int
    gone: int
    places: Sequence[Place] = ()  # the innermost caller first


class DiffObject(NamedTuple):
    """An object that only one of two moments has, or whose size differs."""

    address: int
    serial: int  # 0: not known
    type_name: str
    change: str  # "new", "gone", "resized"
    bytes_a: int
    bytes_b: int
    reused: bool  # another object was, or is now, at its address
    places: Tuple[Place, ...] = ()
