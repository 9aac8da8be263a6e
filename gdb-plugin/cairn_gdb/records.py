"""What the lens and the target answer, as plain data.

Pure: no gdb, no ctypes, no text for the user.  Addresses are ints, sizes are bytes.  The field
names are the words of lens.h; enumerations are given by name, so that no other room knows the
numbers.
"""

from typing import Any, NamedTuple, Optional, Sequence, Tuple

EXACT, TOLERANT, CONSERVATIVE = "exact", "tolerant", "conservative"
EXACTNESS = (EXACT, TOLERANT, CONSERVATIVE)  # in the order of lens.h: each less sure than the last


def least_sure(*answers: str) -> str:
    """The least sure of some exactness words."""
    return EXACTNESS[max(EXACTNESS.index(answer) for answer in answers)]


class Identity(NamedTuple):
    """Which program is being looked at."""

    kind: str  # "native", "core" or "remote"
    pid: int  # 0 where it is not known
    executable: str  # "" where it is not known
    core: str = ""  # path of the core file


class Region(NamedTuple):
    start: int
    end: int
    flags: frozenset  # of "read", "write", "execute", "file", "stack", "absent"
    name: str = ""


class Section(NamedTuple):
    """A section of a program or library, where it lies in memory."""

    start: int
    end: int
    name: str
    file: str  # "" for the program itself


class Value(NamedTuple):
    """What a GDB expression came to, as far as an object argument is concerned."""

    address: int  # the pointer's value, or the address of an object that was named itself
    text: str  # the expression as it was typed


class RootRecord(NamedTuple):
    address: int
    major: int
    found: str  # "hint", "note" or "scan"
    runtime: str
    heap_count: int


class Heap(NamedTuple):
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


class Arena(NamedTuple):
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
    address: int
    bytes: int
    block_bytes: int
    kind: str  # "free", "meta", "blocks", "large", "large_tail", "damaged"
    block_count: int
    fresh: int
    used_count: int
    span_pages: int


class Type(NamedTuple):
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


class Location(NamedTuple):
    """Where an address lies in the heaps."""

    # "nothing", "object", "dying", "buffer", "freed", "fresh", "free_page", "arena_meta",
    # "heap_meta", "unreadable", "damaged", "quarantined"
    place: str
    heap: int
    arena: int
    page: int
    base: int
    block_bytes: int
    offset: int


class Object(NamedTuple):
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
    holder: int
    reference: Reference
    holder_dying: bool


class Field(NamedTuple):
    name: str
    kind: str
    address: int
    width: int
    text: str


class Tracking(NamedTuple):
    """What a heap records of its objects."""

    switches: frozenset  # of "sites", "events", "quarantine", "probes"
    on: bool
    backtrace: int
    site_count: int
    serial_last: int
    event_capacity: int
    event_count: int
    event_lost: int
    site_lost: int
    quarantine_count: int
    quarantine_bytes: int
    quarantine_limit: int
    misuse_count: int


class Track(NamedTuple):
    """What is known of the object in a block, or of the last one that was in it."""

    base: int
    serial: int  # 0: a buffer, or nothing is known
    place: str  # of the block, as Location has it
    heap: int
    type: Optional[int]
    site: int  # number of the site; 0: not known
    freed_site: int
    freed_thread: int


class Event(NamedTuple):
    sequence: int
    object: int  # 0: a collection
    serial: int
    caller: int  # a return address; 0: not known
    op: str  # "allocate", "free", "retain", "release", "collect_start", "collect_end", "other"
    refcount: int  # after it
    type: Optional[int]
    thread: int
    site: int
    heap: int
    inner: bool = False  # the runtime did it on behalf of the caller: a container, a death


class Site(NamedTuple):
    number: int
    objects: int  # that live and were allocated here
    bytes: int
    allocations: int  # ever
    frames: Tuple[int, ...]  # return addresses, the innermost first


class PairSite(NamedTuple):
    """A place that allocates, retains or releases."""

    caller: int  # a return address; 0: not known
    heap: int
    site: int  # number of the site with the callers around it; 0: there are none


class Deed(NamedTuple):
    """An event of an object, and what it goes with."""

    sequence: int
    partner: int  # the event that it is paired with; 0: none
    op: str
    refcount: int  # after it
    thread: int
    site: int  # a PairSite's index
    inner: bool  # the runtime did it on behalf of the caller
    fate: str  # "none", "paired", "held", "root", "gone", "lost", "unmatched", "cut"


class Unmatched(NamedTuple):
    """What is left over at one place."""

    site: Optional[int]  # a PairSite's index; None: not known, or no place
    op: str  # "allocate", "retain", "release"; "other": a slot that retained nothing
    inner: bool
    sureness: str  # "certain", "likely", "possible"
    refs: int  # how many references
    objects: int
    partner: Optional[int]  # the place that it goes with in other objects
    partner_count: int  # how often
    other: Optional[int] = None  # where it is only possible: the next best place


class Pairing(NamedTuple):
    object: int
    serial: int
    heap: int
    deed_count: int
    lost_refs: int  # references that are older than the first event that is left
    freed: bool
    cut: bool  # only its last events were paired
    gaps: bool  # events are missing between those that are left
    unmatched_count: int


class Place(NamedTuple):
    """Where in the program's code an address is, as far as its files tell."""

    address: int
    function: str = ""
    file: str = ""
    line: int = 0
    module: str = ""  # the file that is mapped there
    offset: int = 0  # from where that file begins in memory


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
    refcount: int
    heap_refs: int
    runtime_refs: int
    root_refs: int
    surplus: int
    verdict: str  # "balanced", "over-retained", "under-retained", "immortal", "unknown"
    exactness: str


class Finding(NamedTuple):
    """A count that is not explained."""

    address: int
    object: Optional[int]  # snapshot index; None: it was freed, and slots hold it still
    account: Account
    guessed_refs: int  # of its roots: raw words and the like
    size_bytes: int
    type: Optional[int]  # None: not known any more
    doubts: frozenset  # of "stand-in", "flux", "opaque", "unreadable", "roots", "guessed"


class AuditTotals(NamedTuple):
    """Objects of each verdict; over and under without a doubt."""

    balanced: int
    over: int
    under: int
    immortal: int
    unknown: int
    over_doubtful: int
    under_doubtful: int
    freed: int  # that strong slots hold still; counted in `under`
    stray: int  # strong slots that lead to no block at all
    guessed: int  # balanced only where raw words own them
    surplus: int  # references
    deficit: int
    findings: int
    exactness: str


class Leak(NamedTuple):
    """A set of garbage objects that hold each other, and that nothing else explains."""

    number: int
    kind: str  # "cycle": the collector frees it; "lost": references are counted that nobody holds
    root: Object
    held: bool  # other leaks hold it too
    own_objects: int
    own_bytes: int
    objects: int  # with what hangs on it alone
    bytes: int
    surplus: int  # references that nobody holds
    root_refs: int = 0  # roots that point to it without being counted


class LeakTotals(NamedTuple):
    objects: int  # all garbage
    bytes: int
    cycles: int
    cycle_objects: int
    cycle_bytes: int
    lost: int
    lost_objects: int
    lost_bytes: int
    shared_objects: int  # that hang on several leaks
    shared_bytes: int
    roots: int
    guessed_roots: int  # that only look like one
    guessed_registers: int = 0
    guessed_words: int = 0
    guessed_foreign: int = 0


class LeakCensus(NamedTuple):
    type_name: str  # "": not known
    kind: str
    leaks: int
    objects: int
    bytes: int


class Way(NamedTuple):
    """A way to an object from what holds it from outside."""

    number: int  # for Lens.way_objects
    start: str  # "root", "runtime", "immortal", "dying"
    root: int  # its number, where it starts at one
    objects: int  # on the way, both ends included
    variant: bool  # another way from the same start stands before it


class PathTotals(NamedTuple):
    starts: int  # that lead to the object, as far as was looked
    holders: int  # objects that lead to it, itself included
    complete: bool  # all were looked at
    given_up: bool  # there may be more variants


class Collected(NamedTuple):
    """What a collection would do."""

    members: int  # objects that it looks at
    candidates: int  # of them
    kept: int  # members that something outside holds
    reached: int  # members that those reach
    garbage: int  # members that go
    falls: int  # other objects that only what goes holds
    swept: int  # interned strs that only the intern table holds
    freed_objects: int
    freed_bytes: int
    finalizers: int  # freed objects whose finalizer runs first, and may bring them back
    opaque: int  # members whose references are guessed
    busy_heaps: int
    full_heaps: int  # heaps that are looked at whole


class CollectRow(NamedTuple):
    object: Object
    verdict: str  # "none", "kept", "reached", "garbage", "falls", "swept"
    internal: int
    external: int


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


class Stop(NamedTuple):
    """A breakpoint or watchpoint that was set."""

    number: int  # of GDB's
    kind: str  # "watch", "free", "alloc", "collect"
    what: str  # in words: what it waits for
    address: int  # of the object it is about; 0: of any
    location: str  # as GDB calls it
    pending: bool = False  # it has no place in the program yet
    after: int = 1  # it stops at this time, and from then on


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
    address: int
    serial: int  # 0: not known
    type_name: str
    change: str  # "new", "gone", "resized"
    bytes_a: int
    bytes_b: int
    reused: bool  # another object was, or is now, at its address
    places: Tuple[Place, ...] = ()


class Cycle(NamedTuple):
    """Objects that hold each other."""

    number: int  # the lens's
    objects: int
    bytes: int  # of its objects with the buffers that they own
    first: int  # snapshot index of its lowest object
    garbage: bool


class CyclesTotals(NamedTuple):
    garbage_cycles: int
    garbage_objects: int
    garbage_bytes: int
    live_cycles: int
    live_objects: int
    live_bytes: int


class CycleOpened(NamedTuple):
    """What is known of one cycle when it is looked into."""

    slots: int  # references between its objects
    ring: int  # the first of them: a shortest ring through its lowest object
    outside_refs: int  # what the counts own beyond them
    untried: int  # declared slots that were not tried, as the cycle is too large


class CycleSlot(NamedTuple):
    holder: Object
    target: Object
    reference: Reference


class CycleBreak(NamedTuple):
    """A declared slot, and what of the cycle would go if it were weak."""

    type_name: str
    name: str
    part: str  # "key" of a table's keys, else ""
    holder: Object  # the first that holds another by it
    slots: int
    objects: int
    bytes: int
    tried: bool
    builtin: bool  # of a type of the runtime's own


class Retained(NamedTuple):
    """What would go if one object went."""

    bytes: int  # its own and that of all that only it leads to; 0 where it is not reached
    objects: int
    dominator: Optional[int]  # snapshot index of the object that alone keeps it, directly
    root_count: int  # roots that alone, all together, keep it directly; 0: others do, too
    reached: bool


class RetainedTotals(NamedTuple):
    objects: int  # reached
    bytes: int
    lost_objects: int  # not reached
    lost_bytes: int
    shared_objects: int  # reached, and no single root keeps them
    shared_bytes: int
    roots: int


class RetainedRoot(NamedTuple):
    """What would go if all roots of one object were cleared."""

    object: int  # snapshot index
    root_count: int
    bytes: int
    objects: int


class RetainedType(NamedTuple):
    """What would go if all objects of a type went."""

    type: int
    type_name: str
    members: int  # its objects that are reached
    own_bytes: int
    bytes: int
    objects: int


class TypeCensus(NamedTuple):
    type: int
    type_name: str
    objects: int
    bytes: int
    refcount_min: int
    refcount_max: int


class CountCensus(NamedTuple):
    refcount: int
    immortal: bool
    objects: int
    bytes: int


class WalkTotals(NamedTuple):
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
    exactness: str


class CheckTotals(NamedTuple):
    objects: int
    pages: int
    arenas: int
    problems: int


class Problem(NamedTuple):
    address: int
    severity: str  # "note", "warning", "damage"
    repeated: int
    text: str


class Thread(NamedTuple):
    """A thread of a core file, as the file states it."""

    id: int
    pc: int
    sp: int
    registers: Tuple[Tuple[str, int], ...]


class Range(NamedTuple):
    """An inclusive range of a number that a user asked for."""

    low: int
    high: int  # UNBOUNDED: no upper end


UNBOUNDED = (1 << 64) - 1
EVERYTHING = Range(0, UNBOUNDED)


class Filter(NamedTuple):
    type_glob: str = ""
    refcount: Range = EVERYTHING
    size: Range = EVERYTHING
    heap: Optional[int] = None
    sort: str = "refcount"  # "refcount", "size", "address", "type"
    reverse: bool = False


class Result:
    """What a command found.  `records` is the command's own; it alone renders them."""

    def __init__(self, records: Any, exactness: str = EXACT, warnings: Sequence[str] = (),
                 status: int = 0) -> None:
        self.records = records
        self.exactness = exactness
        self.warnings = list(warnings)  # for people and in the JSON document
        self.status = status  # of $cairn_status: 0 nothing wrong, 1 a problem was found
