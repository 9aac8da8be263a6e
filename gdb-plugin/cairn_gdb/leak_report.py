"""The leaks of a program, as its user wants them: rows with their sites, what rules set aside, what
hangs on each.  Pure."""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from . import tracked
from .leak_rules import Baseline, Facts, Rule, key_of
from .records import Leak, Object, Place, Reference
from .session import Session

SLOT_OBJECTS_MAX = 2000  # of one leak, that are asked for their slots
CHILDREN_A_PART = 32


class Row(NamedTuple):
    leak: Leak  # its root with a value
    places: Sequence[Place]  # that allocated the root, the innermost first
    outside_bytes: int  # that the root keeps outside the heap
    tree: Sequence[Branch] = ()
    tree_more: int = 0  # objects that hang on it and are not in the tree


class Branch(NamedTuple):
    """A line of a leak's tree."""

    depth: int  # 1: what the root holds
    slot: str
    object: Object
    note: str  # "again": stands above; "shared": hangs on other leaks too; "other": a leak itself


class SetAside(NamedTuple):
    leak: Leak
    places: Sequence[Place]
    why: str


def row_of(session: Session, leak: Leak) -> Row:
    root = session.describe(leak.root)
    outside = session.lens.external_bytes(root.heap, root.address)
    return Row(leak._replace(root=root), places_of(session, leak), outside)


def places_of(session: Session, leak: Leak) -> Sequence[Place]:
    known = tracked.of(session, leak.root.address)
    return () if known is None or known.track.place not in ("object", "dying") else known.allocated


# ---- what is set aside --------------------------------------------------------------------------

def sift(session: Session, leaks: Sequence[Leak], rules: Sequence[Rule],
         baseline: Optional[Baseline]) -> Tuple[List[Leak], List[SetAside], List[Rule]]:
    """The leaks that are left, those that are not, and the rules that fitted none."""
    left: List[Leak] = []
    aside: List[SetAside] = []
    used: Set[str] = set()
    for leak in leaks:
        places = places_of(session, leak)
        facts = Facts(leak.kind, leak.root.type_name, places, _Slots(session, leak))
        fitting = next((rule for rule in rules if rule.fits(facts)), None)
        if fitting is not None:
            used.add(fitting.where)
            aside.append(SetAside(leak, places, f"suppressed by {fitting.where}"))
        elif baseline is not None and baseline.take(key_of(leak.kind, leak.root.type_name,
                                                           places)):
            aside.append(SetAside(leak, places, f"in the baseline {baseline.path}"))
        else:
            left.append(leak)
    return left, aside, [rule for rule in rules if rule.where not in used]


class _Slots:
    """The slots by which objects of a leak hold each other, found when they are first asked for."""

    def __init__(self, session: Session, leak: Leak) -> None:
        self._session, self._leak = session, leak
        self._found: Optional[FrozenSet[str]] = None

    def __call__(self) -> FrozenSet[str]:
        if self._found is None:
            self._found = frozenset(
                slot_path(holder, reference) for holder, reference, _, note in
                _edges(self._session, self._leak, SLOT_OBJECTS_MAX) if note in ("", "again"))
        return self._found


def slot_path(holder: Object, reference: Reference) -> str:
    """`session.peer`; all elements of a list or a dict are `list[]`."""
    name = reference.slot_name
    return f"{holder.type_name}[]" if name.startswith("[") else f"{holder.type_name}.{name}"


# ---- what hangs on a leak -----------------------------------------------------------------------

Edge = Tuple[Object, Reference, Object, str]  # holder, slot, what it holds, note


def _note(session: Session, leak: Leak, target: int, met: Set[int]) -> Optional[str]:
    """How an object that the leak holds belongs to it; None: it is no garbage."""
    index = session.lens.snapshot_find(target)
    number = None if index is None else session.lens.leak_of(index)
    if number is None:
        return None
    if target in met:
        return "again"
    return "" if number == leak.number else "shared" if number < 0 else "other"


def _edges(session: Session, leak: Leak, most: int) -> Iterator[Edge]:
    """The references between the objects of a leak and to other garbage, from the root on, breadth
    first, of at most so many objects."""
    queue, met = [leak.root], {leak.root.address}
    for holder in queue:  # grows meanwhile
        for reference in _references(session, holder):
            note = _note(session, leak, reference.target, met)
            target = None if note is None else session.lens.object_at(reference.target)
            if target is None or note is None:
                continue
            if note == "":
                if len(queue) >= most:
                    return
                met.add(target.address)
                queue.append(target)
            yield holder, reference, target, note


def _references(session: Session, holder: Object) -> Iterator[Reference]:
    """What an object owns, a part at a time: a list may hold millions."""
    first, total = 0, 1
    while first < total:
        part, total = session.lens.references(holder.address, first, CHILDREN_A_PART)
        yield from (each for each in part if each.kind in ("strong", "opaque"))
        if not part:
            return
        first += len(part)


def with_tree(session: Session, row: Row, most: int) -> Row:
    """The row with what hangs on its root, at most so many lines."""
    branches: List[Branch] = []
    met = {row.leak.root.address}
    stack = [_references(session, row.leak.root)]
    shown = 1
    while stack and len(branches) < most:
        reference = next(stack[-1], None)
        if reference is None:
            stack.pop()
            continue
        note = _note(session, row.leak, reference.target, met)
        target = None if note is None else session.lens.object_at(reference.target)
        if target is None or note is None:
            continue
        branches.append(Branch(len(stack), reference.slot_name, session.describe(target), note))
        shown += note == ""
        if note in ("", "shared"):
            met.add(target.address)
            stack.append(_references(session, target))
    return row._replace(tree=branches, tree_more=max(0, row.leak.objects - shown))


# ---- groups, for a report -----------------------------------------------------------------------

class Group(NamedTuple):
    """Leaks of one kind, type and place."""

    kind: str
    type_name: str
    place: str  # "" where it is not known
    leaks: List[Leak]
    why: str  # why they are set aside; "": they are not


def groups(session: Session, left: Sequence[Leak], aside: Sequence[SetAside]) -> List[Group]:
    """The leaks by kind, type and place, those with the most bytes first."""
    found: Dict[Tuple[str, str, str, str], Group] = {}
    listed = [(leak, places_of(session, leak), "") for leak in left]
    for leak, places, why in [*listed, *((one.leak, one.places, one.why) for one in aside)]:
        place = tracked.place_text(places[0]) if places else ""
        key = (leak.kind, leak.root.type_name, place, why)
        if key not in found:
            found[key] = Group(leak.kind, leak.root.type_name, place, [], why)
        found[key].leaks.append(leak)
    return sorted(found.values(),
                  key=lambda group: (bool(group.why), -sum(leak.bytes for leak in group.leaks),
                                     group.kind, group.type_name, group.place, group.why))
