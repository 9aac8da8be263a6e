"""Ways to an object, step by step, with their slots by name.  Pure.

A long way is told by its two ends: who began to hold, and who holds at last.
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Union

from ..outside.rootset import Roots
from ..records import Object, PathTotals, Root, Way
from ..session import Session

END_STEPS = 16  # of a long way, at each of its ends

Texts = Dict[int, Object]  # with their values, by index: ways share most of their objects


class Step(NamedTuple):
    object: Object
    display: str  # of its type: "record", "list", ...
    slot: str  # by which it holds the next one; "" for the last
    kind: str  # of that slot: "strong", "weak", "borrowed", "opaque"; "" for the last


class Skipped(NamedTuple):
    objects: int  # that are left out


class Path(NamedTuple):
    way: Way
    root: Optional[Root]  # None: it starts at the runtime, or at what is never freed or is dying
    place: str  # of a root in a frame: "server.c:88"; "" where it is not known
    steps: List[Union[Step, Skipped]]  # the object itself is the last
    runtime_name: str  # what the runtime keeps there: "the intern table"; ""


class Found(NamedTuple):
    object: Object
    paths: List[Path]
    totals: PathTotals
    soft: bool  # weak and borrowed slots were followed
    only_soft: bool  # because no other way was found
    distinct: bool  # one way for each start, no variants


def find(session: Session, index: int, wanted: int, soft: bool, distinct: bool) -> Found:
    """The ways to the object; over weak and borrowed slots too where there is no other."""
    lens, roots = session.lens, session.roots()
    progress = session.target.progress
    ways, totals = lens.paths(index, wanted, soft, progress)
    only_soft = not ways and not soft
    if only_soft:
        ways, totals = lens.paths(index, wanted, True, progress)
        only_soft = bool(ways)
    if distinct:
        ways = [way for way in ways if not way.variant]
    texts: Texts = {}
    paths = [_path(session, roots, way, texts) for way in ways]
    return Found(session.describe(lens.snapshot_object(index)), paths, totals, soft or only_soft,
                 only_soft, distinct)


def _path(session: Session, roots: Roots, way: Way, texts: Texts) -> Path:
    root = roots.row(way.root) if way.start == "root" else None
    place = "" if root is None else roots.place(root)
    if way.objects <= 2 * END_STEPS + 1:
        steps = _steps(session, session.lens.way_objects(way.number, 0, way.objects), texts)
    else:
        first = session.lens.way_objects(way.number, 0, END_STEPS + 1)
        last = session.lens.way_objects(way.number, way.objects - END_STEPS, END_STEPS)
        middle = Skipped(way.objects - 2 * END_STEPS)
        steps = [*_steps(session, first, texts)[:-1], middle, *_steps(session, last, texts)]
    name = ""
    if way.start == "runtime" and isinstance(steps[0], Step):
        name = session.runtime_name(steps[0].object)
    return Path(way, root, place, steps, name)


def _steps(session: Session, objects: List[int], texts: Texts) -> List[Union[Step, Skipped]]:
    lens = session.lens
    steps: List[Union[Step, Skipped]] = []
    for number, index in enumerate(objects):
        if index not in texts:
            texts[index] = session.describe(lens.snapshot_object(index))
        row = texts[index]
        display = lens.type(row.type).display
        if number + 1 == len(objects):
            steps.append(Step(row, display, "", ""))
            continue
        reference = lens.holding_ref(index, objects[number + 1])
        slot, kind = ("?", "opaque") if reference is None else (reference.slot_name,
                                                                reference.kind)
        steps.append(Step(row, display, slot, kind))
    return steps


def holders(path: Path) -> List[Step]:
    """The steps that are known, the object itself left out."""
    return [step for step in path.steps[:-1] if isinstance(step, Step)]
