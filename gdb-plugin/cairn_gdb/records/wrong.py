"""What is wrong: counts that nothing explains, leaks, cycles, what a collection would free."""

from typing import NamedTuple, Optional

from .objects import Account, Object, Reference


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
    """A set of garbage objects that hold each other, with what hangs on it alone."""

    number: int  # the lens's
    # "cycle": the collector frees it; "lost": references are counted that nobody holds; "joint": no
    # leak, but what several rows hold
    kind: str
    root: Object
    held: bool  # other rows hold it too
    own_objects: int
    own_bytes: int
    objects: int  # with what hangs on it alone
    bytes: int
    surplus: int  # references that nobody holds
    root_refs: int = 0  # roots that point to it without being counted


class LeakTotals(NamedTuple):
    """All that leaks, by kind."""

    objects: int  # all garbage
    bytes: int
    cycles: int
    cycle_objects: int
    cycle_bytes: int
    lost: int
    lost_objects: int
    lost_bytes: int
    joints: int  # sets that are held jointly, by several leaks
    shared_objects: int  # in them
    shared_bytes: int
    roots: int
    guessed_roots: int  # that only look like one
    guessed_registers: int = 0
    guessed_words: int = 0
    guessed_foreign: int = 0
    stale_words: int = 0  # no roots: in blocks that malloc got back


class LeakCensus(NamedTuple):
    """The leaks of one kind whose roots have one type."""

    type_name: str  # "": not known
    kind: str
    leaks: int
    objects: int
    bytes: int


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
    """What the collector would do with an object: its count is internal + external."""

    object: Object
    verdict: str  # "none", "kept", "reached", "garbage", "falls", "swept"
    internal: int
    external: int


class Cycle(NamedTuple):
    """Objects that hold each other."""

    number: int  # the lens's
    objects: int
    bytes: int  # of its objects with the buffers that they own
    first: int  # snapshot index of its lowest object
    garbage: bool


class CycleGroup(NamedTuple):
    """Cycles that are alike: the same slots lead to the same types."""

    number: int  # the lens's
    cycles: int
    objects: int
    bytes: int
    least: int  # objects of one cycle
    most: int
    cycle: int  # the largest of them
    garbage: bool
    held: bool  # of garbage: their counts own more than they hold of each other


class CyclesTotals(NamedTuple):
    """How many cycles there are, and how many objects are in them."""

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
    """A slot by which one object of a cycle holds another."""

    holder: Object
    target: Object
    reference: Reference
    slot: int = 0  # row of the holder's type, as CycleBreak has it
    part: int = 0


class CycleBreak(NamedTuple):
    """A declared slot, and what of the cycle would go if it were weak."""

    type_name: str
    name: str
    part: str  # "key" of a table's keys, else ""
    holder: Object  # the first that holds another by it, on the ring where that uses it
    slots: int
    objects: int
    bytes: int
    tried: bool
    builtin: bool  # of a type of the runtime's own
    owner: bool = False  # whatever it holds, anywhere in the heap, it holds alone
    target: Optional[Object] = None  # what that holder holds
    slot: int = 0  # row of the type's slots
    number: int = 0  # 0 or 1: keys or values of a table
