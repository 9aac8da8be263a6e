"""`cairn stack`: the picture of names on the stack and the objects that they refer to."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

from ..errors import CairnError
from ..findings import reasons
from ..findings.reasons import Reason
from ..outside.holders import Resolver, Scene, Shown
from ..outside.slots import Scope, confidence
from ..records import EXACT, TOLERANT, Object, Result, least_sure
from ..render import json_doc, objects
from ..render.names import sections_of
from ..render.page import Page
from ..render.picture import Held, draw, order_of
from ..session import Session
from .command import Command
from .options import Arguments, Option


class Picture(NamedTuple):
    scene: Scene
    objects: List[Object]  # in the order of the drawing; row N is @N
    reasons: Optional[Dict[int, List[Reason]]]  # by object; None: not computed
    heaps: List[str]  # the label of each object's heap
    title: str  # of the heap side
    full: bool


def run(session: Session, arguments: Arguments) -> Result:
    full = arguments.flag("full")
    scope = Scope(arguments.flag("all"), arguments.limit, full, full)
    found = session.target.outside(session, scope)
    if not found.threads:
        raise CairnError("There is no thread to look at: the program does not run.")
    scene = Resolver(session.lens, full).scene(found)
    rows = [session.describe(row) for row in _in_drawing_order(scene, full)]
    session.remember([row.address for row in rows])
    picture = Picture(scene, rows, reasons.of(session, scene, rows),
                      [session.heap_label(row.heap) for row in rows], _title(session, rows), full)
    return Result(picture, _exactness(session, scene), found.warnings + _flux(session))


def _in_drawing_order(scene: Scene, full: bool) -> List[Object]:
    """@1 is the uppermost object of the drawing; those whose names are cut stand behind."""
    held = list(scene.objects.values())
    numbers = {row.address: index for index, row in enumerate(held)}
    order = order_of(sections_of(scene, numbers, full, []))
    drawn = set(order)
    return [held[index] for index in order] + [
        row for index, row in enumerate(held) if index not in drawn]


def _flux(session: Session) -> List[str]:
    """The heaps that were stopped in the middle of something."""
    return [f"{heap.name or f'heap {heap.id}'} is stopped in mid-{heap.flux}; what is in flux may "
            "be drawn as it was." for heap in session.lens.heaps() if heap.flux != "none"]


def _exactness(session: Session, scene: Scene) -> str:
    frames = [row for thread in scene.threads for frame in thread.frames for row in frame.rows]
    rest = [row for thread in scene.threads for row in thread.rest]
    sure = [confidence(row.variable) for row in frames + rest + scene.data
            if row.object is not None]
    return least_sure(TOLERANT if _flux(session) else EXACT, *sure)


def _title(session: Session, rows: Sequence[Object]) -> str:
    """`heap "main" (arena 0, page 3)`, as far as all objects have it in common."""
    heaps = sorted({row.heap for row in rows})
    if not heaps:
        return "heap"
    names = ", ".join(session.heap_label(heap) for heap in heaps)
    if len(heaps) > 1:
        return f"heaps {names}"
    if not names.startswith("heap "):
        names = f"heap {names}"
    places = {(row.arena, session.lens.locate(row.address).page) for row in rows}
    arenas = {arena for arena, _ in places}
    if len(arenas) > 1:
        return f"{names} ({len(arenas)} arenas)"
    arena, page = next(iter(places))
    page_too = f", page {page}" if len(places) == 1 else ""
    return f"{names} (arena {session.arena_numbers()[arena]}{page_too})"


# ---- JSON --------------------------------------------------------------------------------------

def document(found: Picture) -> Any:
    described = {row.address: json_doc.object_record(row) for row in found.objects}
    threads = []
    for thread in found.scene.threads:
        frames = [{"level": each.frame.level, "function": each.frame.function or None,
                   "file": each.frame.file or None, "line": each.frame.line or None,
                   "variables": [_variable(row, described) for row in each.rows]}
                  for each in thread.frames]
        record: Dict[str, Any] = {"id": thread.thread.number, "frames": frames}
        if thread.rest:
            record["variables"] = [_variable(row, described) for row in thread.rest]
        if thread.thread.more:
            record["more_frames"] = True
        if thread.thread.problem:
            record["problem"] = thread.thread.problem
        threads.append(record)
    rows = []
    for row in found.objects:
        one = dict(described[row.address])
        one["holders"] = found.scene.holders[row.address]
        if found.reasons is not None and row.address in found.reasons:
            one["reasons"] = [_reason(reason) for reason in found.reasons[row.address]]
        rows.append(one)
    return {"threads": threads, "data": [_variable(row, described) for row in found.scene.data],
            "objects": rows}


def _variable(row: Shown, described: Dict[int, Dict[str, Any]]) -> Dict[str, Any]:
    variable = row.variable
    record: Dict[str, Any] = {
        "name": variable.name, "kind": variable.kind,
        "addr": None if variable.addr is None else json_doc.address(variable.addr),
        "object": None if row.object is None else described[row.object]}
    if row.note:
        record["note"] = row.note
    if row.place:
        record["place"] = row.place
    if variable.register:
        record["register"] = variable.register
    if variable.shadowed:
        record["shadowed"] = True
    if variable.text:
        record["value"] = variable.text
    return record


def _reason(reason: Reason) -> Dict[str, Any]:
    if not reason.holder:
        return {"count": reason.number, "text": reason.text}
    return {"count": reason.number, "holder": json_doc.address(reason.holder),
            "slot": reason.slot}


# ---- text --------------------------------------------------------------------------------------

def lines(found: Picture, page: Page) -> Iterator[str]:
    numbers = {row.address: index for index, row in enumerate(found.objects)}
    labels = {row.address: objects.label(index + 1) for index, row in enumerate(found.objects)}
    several = len(set(found.heaps)) > 1
    held = []
    for row, heap in zip(found.objects, found.heaps):
        why = [reasons.text(each, labels) for each in (found.reasons or {}).get(row.address, [])]
        state = "dying" if "dying" in row.state else objects.count_word(row)
        held.append(Held(labels[row.address], _object_text(row), state, why,
                         heap if several else ""))
    cuts: List[str] = []
    sections = sections_of(found.scene, numbers, found.full, cuts)
    yield from draw(sections, held, ("stack", found.title), page)
    for cut in cuts:
        yield page.style("quiet", cut)
    if not found.objects:
        yield "No name here refers to an object."
        return
    if found.reasons is None:
        yield page.style("quiet", "Who else holds them was not computed: the heap is large.  "
                         "`cairn referrers @N` says it of one.")
    yield objects.hint("Next: cairn show @1, cairn referrers @1", page)


def _object_text(row: Object) -> str:
    """`int 11`, `session user="ann"`: a value in angles names its type itself."""
    if row.value.startswith(f"<{row.type_name}") and row.value.endswith(">"):
        return row.value[1:-1]
    if row.value in ("", row.type_name):
        return row.type_name
    return f"{row.type_name} {row.value}"


COMMAND = Command(
    name="stack",
    summary="Draw the names on the stack and the objects that they refer to.",
    run=run, document=document, lines=lines,
    options=(Option("all", "flag", "every thread, not only the selected one"),
             Option("full", "flag", "variables of all kinds, registers, unnamed stack words"),
             Option("limit", "count", "at most N frames of a thread; 0 shows all", "N")),
    details="""
The innermost frame stands on top.  A line leads from each variable to its object; variables that
share an object meet.  Behind the object stands its count (rc), below it who else holds it.

A variable that refers to no object says why:
  null            it is NULL
  not set yet     the program has not come to where it is set
  freed           its object is gone: it leads to a block that was freed
  dangling        it leads to no object: one that is gone, or it was never set
  +N, in ...      it points into an object or a buffer, not at an object's start
  optimized out   the compiler kept no value here""",
    examples=(("cairn stack", "the selected thread"),
              ("cairn stack -all", "every thread"),
              ("cairn stack -full", "non-references, registers and raw words too"),
              ("cairn stack -json", "for a program")))
