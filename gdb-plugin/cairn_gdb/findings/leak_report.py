"""The leaks of a program, as its user wants them: rows with their sites, what rules set aside, and
groups for a report.  Pure."""

from __future__ import annotations

from typing import Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Set, Tuple

from ..records import Leak, Place
from ..session import Session, tracked
from . import leak_tree
from .leak_baseline import Baseline
from .leak_rules import Facts, Rule
from .leak_tree import Tree

SLOT_OBJECTS_MAX = 2000  # of one leak, that are asked for their slots


class Row(NamedTuple):
    leak: Leak  # its root with a value
    places: Sequence[Place]  # that allocated the root, the innermost first
    outside_bytes: int  # that the root keeps outside the heap
    tree: Tree = Tree()


class SetAside(NamedTuple):
    leak: Leak
    places: Sequence[Place]
    why: str


class Sifted(NamedTuple):
    left: List[Leak]
    aside: List[SetAside]
    unused: List[Rule]  # that fitted no leak


def row_of(session: Session, leak: Leak) -> Row:
    root = session.describe(leak.root)
    outside = session.lens.external_bytes(root.heap, root.address)
    return Row(leak._replace(root=root), places_of(session, leak), outside)


def places_of(session: Session, leak: Leak) -> Sequence[Place]:
    known = tracked.of(session, leak.root.address)
    return () if known is None or known.track.place not in ("object", "dying") else known.allocated


# ---- what is set aside --------------------------------------------------------------------------

def sift(session: Session, leaks: Sequence[Leak], rules: Sequence[Rule],
         baseline: Optional[Baseline]) -> Sifted:
    """The leaks that rules and the baseline leave, and those that they do not."""
    sifted = Sifted([], [], [])
    used: Set[str] = set()
    for leak in leaks:
        places = places_of(session, leak)
        facts = Facts(leak.kind, leak.root.type_name, places, _Slots(session, leak))
        fitting = [rule.where for rule in rules if rule.fits(facts)]
        used.update(fitting)
        why = f"suppressed by {fitting[0]}" if fitting else ""
        if not why and baseline is not None:
            why = baseline.takes(leak, places)
        if why:
            sifted.aside.append(SetAside(leak, places, why))
        else:
            sifted.left.append(leak)
    sifted.unused.extend(rule for rule in rules if rule.where not in used)
    return sifted


class _Slots:
    """The slots by which objects of a leak hold each other, found when they are first asked for."""

    def __init__(self, session: Session, leak: Leak) -> None:
        self._session, self._leak = session, leak
        self._found: Optional[FrozenSet[str]] = None

    def __call__(self) -> FrozenSet[str]:
        if self._found is None:
            self._found = frozenset(leak_tree.slot_paths(self._session, self._leak,
                                                         SLOT_OBJECTS_MAX))
        return self._found


# ---- groups, for a report -----------------------------------------------------------------------

class Group(NamedTuple):
    """Leaks of one kind, type and place."""

    kind: str
    type_name: str
    place: Optional[Place]  # that allocated their roots; None: not known
    leaks: List[Leak]
    why: str  # why they are set aside; "": they are not

    @property
    def objects(self) -> int:
        return sum(leak.objects for leak in self.leaks)

    @property
    def bytes(self) -> int:
        return sum(leak.bytes for leak in self.leaks)


def groups(session: Session, sifted: Sifted) -> List[Group]:
    """The leaks by kind, type and place, those with the most bytes first."""
    found: Dict[Tuple[str, str, str, str], Group] = {}
    listed = [(leak, places_of(session, leak), "") for leak in sifted.left]
    listed += [(one.leak, one.places, one.why) for one in sifted.aside]
    for leak, places, why in listed:
        place = places[0] if places else None
        key = (leak.kind, leak.root.type_name, tracked.place_text(place), why)
        if key not in found:
            found[key] = Group(leak.kind, leak.root.type_name, place, [], why)
        found[key].leaks.append(leak)
    return [found[key] for key in sorted(found, key=lambda key: (
        bool(key[3]), -found[key].bytes, key))]
