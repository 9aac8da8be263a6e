"""What hangs on a leak, as a tree; and what hangs on several of them, once.  Pure.

Every object of the garbage is in one row of the lens: a leak's, or one of those that are held
jointly.  So the lines of all trees, uncut, are all the garbage, each object once; a reference to an
object of another row, or to one that stands above, is a line that says so.
"""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ..records import Leak, Object, Reference
from ..session import Session

CHILDREN_A_PART = 32
HOLDERS_MAX = 64  # rows that hold one jointly, that are looked at
JOINT_MAX = 10_000  # rows of which those are chosen that some leaks hold


class Branch(NamedTuple):
    """A line of a tree."""

    depth: int  # 1: what the root holds
    slot: str
    object: Object
    note: str  # "again": stands above; "joint": hangs on others too; "leak": a leak itself
    row: int  # the number of the lens's row that the object is in


class Tree(NamedTuple):
    branches: Sequence[Branch] = ()
    more: int = 0  # objects of the row that are not in it


class Joint(NamedTuple):
    """A set of objects that several rows hold; it goes with the last of them."""

    leak: Leak  # its root with a value
    holders: Dict[int, int]  # the numbers of those rows and their roots' addresses, HOLDERS_MAX
    holder_count: int
    tree: Tree


def note(session: Session, leak: Leak, target: int, met: Set[int]) -> Optional[Tuple[str, int]]:
    """How an object that the leak holds belongs to it, and its row; None: it is no garbage."""
    index = session.lens.snapshot_find(target)
    number = None if index is None else session.lens.leak_of(index)
    if number is None:
        return None
    if number == leak.number:
        return ("again" if target in met else ""), number
    return ("joint" if session.lens.leak(number).kind == "joint" else "leak"), number


def references(session: Session, holder: Object) -> Iterator[Reference]:
    """What an object owns, a part at a time: a list may hold millions."""
    first, total = 0, 1
    while first < total:
        part, total = session.lens.references(holder.address, first, CHILDREN_A_PART)
        yield from (each for each in part if each.kind in ("strong", "opaque"))
        if not part:
            return
        first += len(part)


def of(session: Session, leak: Leak, most: int) -> Tree:
    """What hangs on a row's root, at most so many lines.  A cycle is opened at its root."""
    branches: List[Branch] = []
    met = {leak.root.address}
    stack = [references(session, leak.root)]
    shown = 1
    while stack and len(branches) < most:
        reference = next(stack[-1], None)
        if reference is None:
            stack.pop()
            continue
        belongs = note(session, leak, reference.target, met)
        target = None if belongs is None else session.lens.object_at(reference.target)
        if target is None or belongs is None:
            continue
        branches.append(Branch(len(stack), reference.slot_name, session.describe(target),
                               *belongs))
        if belongs[0] == "":
            shown += 1
            met.add(target.address)
            stack.append(references(session, target))
    return Tree(branches, max(0, leak.objects - shown))


# ---- what is held jointly -----------------------------------------------------------------------

def joints(session: Session, chosen: Optional[Set[int]], limit: int, most: int
           ) -> Tuple[List[Joint], int]:
    """What is held jointly, the most bytes first, at most `limit` (0: all) with trees of at most
    so many lines; and how many there are.  With `chosen`: what some of these rows hold."""
    if chosen is None:
        rows, matched = session.lens.leak_joint(limit)
    else:
        listed, _ = session.lens.leak_joint(JOINT_MAX)
        mine = [row for row in listed if not chosen.isdisjoint(leaks_of(session, row.number))]
        rows, matched = (mine[:limit] if limit else mine), len(mine)
    return [_joint(session, row, most) for row in rows], matched


def _joint(session: Session, row: Leak, most: int) -> Joint:
    holders, count = session.lens.leak_holders(row.number, HOLDERS_MAX)
    described = row._replace(root=session.describe(row.root))
    roots = [(session.lens.leak(number).root.address, number) for number in holders]
    return Joint(described, {number: root for root, number in sorted(roots)}, count,
                 of(session, row, most))


def leaks_of(session: Session, number: int) -> List[int]:
    """The leaks that a row hangs on, through others that are held jointly, too."""
    found: List[int] = []
    queue: List[int] = [number]
    met = {number}
    for row in queue:  # grows meanwhile
        kind = session.lens.leak(row).kind
        if kind != "joint":
            found.append(row)
            continue
        for holder in session.lens.leak_holders(row, HOLDERS_MAX)[0]:
            if holder not in met:
                met.add(holder)
                queue.append(holder)
    return sorted(found)


# ---- slots, for rules ---------------------------------------------------------------------------

Edge = Tuple[Object, Reference]


def edges(session: Session, leak: Leak, most: int) -> Iterator[Edge]:
    """The references between the objects of a leak, from the root on, breadth first, of at most so
    many objects."""
    queue, met = [leak.root], {leak.root.address}
    for holder in queue:  # grows meanwhile
        for reference in references(session, holder):
            belongs = note(session, leak, reference.target, met)
            if belongs is None or belongs[0] not in ("", "again"):
                continue
            target = session.lens.object_at(reference.target)
            if target is None:
                continue
            if belongs[0] == "":
                if len(queue) >= most:
                    return
                met.add(target.address)
                queue.append(target)
            yield holder, reference


def slot_path(holder: Object, reference: Reference) -> str:
    """`session.peer`; all elements of a list or a dict are `list[]`."""
    name = reference.slot_name
    return f"{holder.type_name}[]" if name.startswith("[") else f"{holder.type_name}.{name}"


def slot_paths(session: Session, leak: Leak, most: int) -> Iterable[str]:
    return (slot_path(holder, reference) for holder, reference in edges(session, leak, most))
