"""What is left over of an object's retains and releases, with its places in the code.

The lens pairs and sums up; here places get their names, and the rows their words.  Pure.
"""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence

from ..records import Place, Unmatched
from ..session import Session, tracked


class Left(NamedTuple):
    """What is left over at one place."""

    row: Unmatched
    places: Sequence[Place]  # the innermost caller first; () where it is not known
    partner: Optional[Place]  # where such a reference goes in other objects
    others: Sequence[Place] = ()  # where it is only possible: what it might be instead

    @property
    def place(self) -> Optional[Place]:
        return self.places[0] if self.places else None


def learn(session: Session) -> bool:
    """Reads the events and learns which places go together; False: no heap records events."""
    if not session.pairs():
        return False
    session.lens.learn_pairs(session.target.progress)
    return True


def left(session: Session, rows: Sequence[Unmatched]) -> List[Left]:
    """The rows with their places, the most references first."""
    ordered = sorted(rows, key=lambda row: -row.refs)
    return [Left(row, places_of(session, row.site), _innermost(session, row.partner),
                 _others(session, row)) for row in ordered]


def _others(session: Session, row: Unmatched) -> List[Place]:
    found = [_innermost(session, index) for index in row.others]
    return [place for place in found if place is not None]


def _innermost(session: Session, index: Optional[int]) -> Optional[Place]:
    return next(iter(places_of(session, index)), None)


def places_of(session: Session, index: Optional[int]) -> List[Place]:
    """The places of a pair site, the innermost caller first."""
    if index is None:
        return []
    lens = session.lens
    known = lens.pair_site(index)
    site = lens.site(known.heap, known.site) if known.site else None
    callers = site.frames if site is not None and site.frames else (known.caller,)
    return [session.target.place_of(caller, lens) for caller in callers if caller]


# ---- in words -----------------------------------------------------------------------------------

def deed_text(left_over: Left) -> str:
    """`retained at server.c:212 in session_get, never released`."""
    row = left_over.row
    if row.op == "other":
        return "held by a slot without having been retained"
    if left_over.row.site is None:
        return "taken before the events that are left; where is not known any more"
    where = tracked.place_text(left_over.place)
    if row.op == "release":
        return f"released at {where}, with no retain for it"
    verb = "allocated" if row.op == "allocate" else "retained"
    return f"{verb} at {where}, never released"


def partner_text(left_over: Left) -> str:
    """Where it goes elsewhere; "" where nobody knows."""
    if left_over.partner is None:
        return ""
    verb = "retained" if left_over.row.op == "release" else "released"
    times = "once" if left_over.row.partner_count == 1 else f"{left_over.row.partner_count:,} times"
    return f"of other objects it was {verb} at {tracked.place_text(left_over.partner)} ({times})"
