"""Which line stored a reference of a ring, by the events that the program tracked.  Pure.

A slot that owns retained what it holds, so of the target's takes that are still held one is the
slot's.  Which one it is:

  certain    the event names the holder, and no list, dict or set, from which an object can be
             popped and given back without an event; or the only time that a container took the
             object
  likely     pairing leaves one place (docs/TRACKING.md)
  possible   several places, or events are missing; the latest of them is named, and the others.
             So it is where pairing is a guess: any take of which that is said may be meant

Of several references of the ring through one slot the one that was stored last is named.
"""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Tuple

from ..records import Deed, Object, Pairing, Place
from ..session import Session
from . import pairing

EDGES_MAX = 8  # of a ring, that are looked at
_MOVING = ("list", "dict", "set")
SURENESS = ("certain", "likely", "possible")


class Stored(NamedTuple):
    """The line that stored a reference."""

    place: Place
    sureness: str
    others: Sequence[Place]  # that may be it instead
    holder: Object
    target: Object
    sequence: int  # of the event


def known(session: Session) -> bool:
    """Learns from the events, where the program keeps any; all counts are judged for that."""
    if not session.pairs():
        return False
    roots = session.roots()
    session.lens.audit("", not roots.complete, False, session.target.progress)
    return pairing.learn(session)


def closing(session: Session, edges: Sequence[Tuple[Object, Object]]) -> Optional[Stored]:
    """Of these references, holder and target, the one that was stored last; None where the events
    tell of none."""
    looked_at = [store_of(session, holder, target) for holder, target in edges[:EDGES_MAX]]
    stores = [store for store in looked_at if store is not None]
    if not stores:
        return None
    last = max(stores, key=lambda store: store.sequence)
    # Another one may have been later: where it is not known, or where one of several is meant.
    sure = max((store.sureness for store in stores), key=SURENESS.index)
    if len(stores) < len(edges):
        sure = "possible"
    return last._replace(sureness=sure)


def store_of(session: Session, holder: Object, target: Object) -> Optional[Stored]:
    """The store of one reference."""
    lens = session.lens
    track = lens.track_at(target.address)
    if track is None or not track.serial:
        return None
    paired = lens.pairing(track.heap, track.serial)
    if paired is None:
        return None
    takes = [deed for deed in lens.deeds() if deed.op in ("allocate", "retain")]
    told = [deed for deed in takes if deed.known and deed.fate == "held"
            and 0 <= deed.holder - holder.address < holder.size_bytes]
    meant = told or _meant(takes, _born(session, holder))
    if not meant:
        return None
    sites: List[int] = []
    for deed in sorted(meant, key=lambda deed: -deed.sequence):
        if deed.site not in sites:
            sites.append(deed.site)
    found = [places[0] for places in (pairing.places_of(session, site) for site in sites)
             if places]
    if not found:
        return None
    sureness = ("possible" if len(sites) > 1 else "likely" if holder.type_name in _MOVING else
                "certain") if told else _sureness(takes, meant, len(sites), paired)
    return Stored(found[0], sureness, found[1:], holder, target,
                  max(deed.sequence for deed in meant))


def _meant(takes: Sequence[Deed], born: int) -> List[Deed]:
    """The takes that may be the slot's: still held, by a container where any was, and not before
    the holder was made."""
    held = [deed for deed in takes if deed.fate in ("held", "root")] or [
        deed for deed in takes if deed.fate == "unmatched"]
    if any(deed.guessed for deed in held):
        held = [deed for deed in takes if deed.guessed or deed in held]
    later = [deed for deed in held if deed.sequence > born] or held
    return [deed for deed in later if deed.inner] or later


def _sureness(takes: Sequence[Deed], meant: Sequence[Deed], places: int, paired: Pairing) -> str:
    if places > 1 or paired.gaps or paired.cut or paired.lost_refs:
        return "possible"
    inner = [deed for deed in takes if deed.inner]
    if len(inner) == 1 and meant[0].inner:
        return "certain"
    return "possible" if any(deed.guessed for deed in meant) else "likely"


def _born(session: Session, holder: Object) -> int:
    """The event that made the holder; 0 where that is not known."""
    track = session.lens.track_at(holder.address)
    if track is None or not track.serial:
        return 0
    events, _ = session.lens.events(track.heap, track.base, track.serial, 1)
    return events[0].sequence if events and events[0].op == "allocate" else 0
