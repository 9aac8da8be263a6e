"""What the program tracked: who allocated, retained and released, and what goes with what."""

from typing import NamedTuple, Optional, Sequence, Tuple


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
    """One thing that happened to an object, as the ring of its heap has it."""

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
    caught: bool = False  # of a freed object in quarantine: it changed nothing
    stack: int = 0  # where the caller's stack ended at its call; 0: not known
    holder: int = 0  # the object or slot that took or gave up the reference; 0: the caller


class Misuses(NamedTuple):
    """Uses of freed objects that were caught in quarantine."""

    matched: int  # of the types that were asked for
    others: int  # of other types
    unknown: int  # of types that nobody knows any more, where some were asked for
    last: Sequence[Event]  # of those that matched, the newest first


class Site(NamedTuple):
    """A place that allocated, with its callers, and what lives of it."""

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
    guessed: bool = False  # what it goes with, or its fate: it might as well be another place's
    known: bool = False  # what it goes with, and its fate, are a fact: the target says for whom
    holder: int = 0  # as an Event's


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
    others: Sequence[int] = ()  # where it is only possible: what it might be instead
    other_more: int = 0  # and how many places more


class Pairing(NamedTuple):
    """What was found out by pairing the events of one object."""

    object: int
    serial: int
    heap: int
    deed_count: int
    lost_refs: int  # references that are older than the first event that is left
    freed: bool
    cut: bool  # only its last events were paired
    gaps: bool  # events are missing between those that are left
    unmatched_count: int
