"""What the program tracked of one object: its serial, who allocated and freed it, its last events.

Pure: places in the code come from the target, everything else from the lens.  Where a program did
not track its heap, all of this is absent and costs one question to the lens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, List, NamedTuple, Optional, Sequence

from ..records import Event, Place, Track

if TYPE_CHECKING:
    from .session import Session


class Happened(NamedTuple):
    """An event and where in the program it happened."""

    event: Event
    place: Optional[Place]


class Tracked(NamedTuple):
    track: Track
    allocated: Sequence[Place] = ()  # the innermost caller first; () where it is not known
    freed: Sequence[Place] = ()
    events: Sequence[Happened] = ()  # the last ones, in order
    event_count: int = 0  # of this object, those that are still in the ring
    lost: int = 0  # events of all objects that were overwritten: earlier ones of this may be


def of(session: Session, address: int, event_limit: int = 0) -> Optional[Tracked]:
    """What is known of the object in the block that holds the address, or of the last one there."""
    track = session.lens.track_at(address)
    if track is None:
        return None
    events: List[Event] = []
    count = 0
    if event_limit and track.serial:
        events, count = session.lens.events(track.heap, track.base, track.serial, event_limit,
                                            newest_first=True)
    whole = not event_limit or bool(events and events[-1].op == "allocate")
    tracking = None if whole else session.lens.tracking(track.heap)
    lost = 0 if tracking is None else tracking.event_lost
    happened = [Happened(event, _place(session, event.caller)) for event in reversed(events)]
    return Tracked(track, _site(session, track.heap, track.site),
                   _site(session, track.heap, track.freed_site), happened, count, lost)


CAUGHT_MAX = 4  # of each heap


class Caught(NamedTuple):
    """Uses of freed objects that were caught in quarantine."""

    matched: int = 0  # of the types that were asked for
    others: int = 0
    unknown: int = 0  # where types were asked for: nobody knows of which they were
    last: Sequence[Happened] = ()  # of those that matched, as far as their events are left


def caught(session: Session, type_glob: str) -> Caught:
    found = Caught()
    for heap in range(len(session.lens.heaps())):
        here = session.lens.misuses(heap, type_glob, CAUGHT_MAX)
        last = [Happened(event, _place(session, event.caller)) for event in here.last]
        found = Caught(found.matched + here.matched, found.others + here.others,
                       found.unknown + here.unknown, [*found.last, *last])
    return found


def _place(session: Session, caller: int) -> Optional[Place]:
    return session.target.place_of(caller, session.lens) if caller else None


def _site(session: Session, heap: int, number: int) -> List[Place]:
    site = session.lens.site(heap, number) if number else None
    if site is None:
        return []
    return [session.target.place_of(caller, session.lens) for caller in site.frames]


# ---- in words -----------------------------------------------------------------------------------

def place_text(place: Optional[Place]) -> str:
    """`main.c:42 in main`, or `server+0x1234`, or the address."""
    if place is None:
        return "an unknown place"
    if place.file:
        short = place.file.rsplit("/", 1)[-1]
        where = f" in {place.function}" if place.function else ""
        return f"{short}:{place.line}{where}"
    module = f"{place.module}+{place.offset:#x}" if place.module else f"{place.address:#x}"
    return f"{place.function} ({module})" if place.function else module


def gone_text(tracked: Tracked, type_name: str) -> str:
    """What was in a block that was freed: `a list, serial 17, freed at main.c:42 in main`."""
    track = tracked.track
    if not track.serial:
        said = "a buffer"
    else:
        said = f"{type_name or 'an object'}, serial {track.serial}"
    if tracked.allocated:
        said += f", allocated at {place_text(tracked.allocated[0])}"
    if tracked.freed:
        said += f", freed at {place_text(tracked.freed[0])}"
    if track.freed_thread:
        said += f" by thread {track.freed_thread}"
    return said
