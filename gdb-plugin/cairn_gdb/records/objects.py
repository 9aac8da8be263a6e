"""One object: its header, its fields, what it holds and who holds it."""

from typing import NamedTuple, Optional


class Object(NamedTuple):
    """A block with a counted header, as a row of a listing."""

    address: int
    size_bytes: int
    type: int
    type_name: str
    refcount: int
    state: frozenset  # of "immortal", "dying", "candidate", "held", "finalized", "weakly", ...
    heap: int
    arena: int
    value: str = ""  # a short text, "" where none is known

    @property
    def immortal(self) -> bool:
        return "immortal" in self.state or "saturated" in self.state


class Reference(NamedTuple):
    """One slot of an object and what it holds."""

    slot_address: int
    target: int
    kind: str  # "strong", "weak", "borrowed", "opaque"
    slot_name: str
    target_place: str


class Referrer(NamedTuple):
    """Who holds an object, and by which slot."""

    holder: int
    reference: Reference
    holder_dying: bool


class Field(NamedTuple):
    """A plain value in an object, as its type describes it."""

    name: str
    kind: str
    address: int
    width: int
    text: str


class Root(NamedTuple):
    """A slot outside the heap that holds an object."""

    slot_address: int  # 0: a register
    value: int
    kind: str  # "arg", "local", "static", "global", "tls", "register", "word", "foreign"
    confidence: str
    name: str = ""
    thread: Optional[int] = None
    frame: Optional[int] = None
    interior: bool = False
    object: Optional[int] = None  # snapshot index; None until the lens resolved it
    unmerged: bool = False  # surely the place of one variable alone: its code is not optimised


class Account(NamedTuple):
    """What explains the count of an object, and what is left over."""

    refcount: int
    heap_refs: int
    runtime_refs: int
    root_refs: int
    surplus: int
    verdict: str  # "balanced", "over-retained", "under-retained", "immortal", "unknown"
    exactness: str


class Shortcut(NamedTuple):
    """How to look at one object without the lens: masks of its header, offsets of arenas."""

    live: int
    dying: int
    buffer: int
    quarantined: int
    saturated: int
    count_mask: int
    type_mask: int  # of the header shifted by type_shift
    type_shift: int
    arena_alignment: int
    arena_heap: int
    heap_id: int


class Head(NamedTuple):
    """An object's header, decoded."""

    live: bool  # an object that is not dying
    refcount: int
    type_index: int  # in its heap's types
