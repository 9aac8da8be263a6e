"""The heaps and what they are made of; where an address lies; what is counted; what is damaged."""

from typing import NamedTuple, Optional


class RootRecord(NamedTuple):
    """What the program tells of a runtime in it: where all that a reader needs begins."""

    address: int
    major: int
    found: str  # "hint", "note" or "scan"
    runtime: str
    heap_count: int


class Heap(NamedTuple):
    """A heap as it says of itself; the bytes are those of blocks, but for what is reserved."""

    position: int  # in the lens's list
    address: int
    id: int
    name: str
    object_count: int
    buffer_count: int
    used_bytes: int
    reserved_bytes: int
    returned_bytes: int
    limit_bytes: int
    external_bytes: int
    arena_count: int
    collection_count: int
    collected_count: int
    candidate_count: int
    flux_object: int
    flux: str
    type_count: int
    shared: bool = False  # all threads use it; other heaps' objects hold its objects
    soft_limit_bytes: int = 0
    taken_bytes: int = 0  # what limits speak of
    peak_bytes: int = 0
    group_limit_bytes: int = 0
    group_taken_bytes: int = 0
    group: Optional[str] = None  # the name of the heaps that share a limit with it
    manual_collection: bool = False  # it collects when the program asks, and else never


class Arena(NamedTuple):
    """An aligned segment of a heap: its pages, and how full they are."""

    position: int  # in the lens's list
    address: int
    bytes: int
    page_bytes: int
    page_count: int
    page_free_count: int
    heap: int
    blocks_used: int
    blocks_free: int
    bytes_used: int
    side: int = 0  # the collector's own memory beside the arena
    side_bytes: int = 0


class Page(NamedTuple):
    """A part of an arena: blocks of one size, or a part of one large block."""

    address: int
    bytes: int
    block_bytes: int
    kind: str  # "free", "meta", "blocks", "large", "large_tail", "damaged"
    block_count: int
    fresh: int
    used_count: int
    span_pages: int


class Type(NamedTuple):
    """A type that a heap has defined or that is built in."""

    position: int  # flat, over all heaps
    address: int
    size_bytes: int
    name: str
    display: str
    heap: int
    opaque: bool
    acyclic: bool
    builtin: bool
    damaged: bool
    slot_count: int
    field_count: int


GONE = ("freed", "quarantined", "touched")  # the places where an object was, and is no more


class Location(NamedTuple):
    """Where an address lies in the heaps."""

    # "nothing", "object", "dying", "buffer", "freed", "fresh", "free_page", "arena_meta",
    # "heap_meta", "unreadable", "damaged", "quarantined", "touched" (freed, and retained since)
    place: str
    heap: int
    arena: int
    page: int
    base: int
    block_bytes: int
    offset: int


class TypeCensus(NamedTuple):
    """The objects of one type."""

    type: int
    type_name: str
    objects: int
    bytes: int
    refcount_min: int
    refcount_max: int


class CountCensus(NamedTuple):
    """The objects that have one count."""

    refcount: int
    immortal: bool
    objects: int
    bytes: int


class WalkTotals(NamedTuple):
    """What a walk over all heaps found, and what it could not read."""

    objects: int
    object_bytes: int
    buffers: int
    buffer_bytes: int
    dying: int
    orphan_buffers: int
    damaged_blocks: int
    unreadable_bytes: int
    pages: int
    arenas: int
    touched_blocks: int  # of the damaged ones: freed, and retained since
    exactness: str


class CheckTotals(NamedTuple):
    """How much a check has looked at, and what it found."""

    objects: int
    pages: int
    arenas: int
    problems: int


class Problem(NamedTuple):
    """Something that is wrong with the heap or could not be read, in words."""

    address: int
    severity: str  # "note", "warning", "damage"
    repeated: int
    text: str
