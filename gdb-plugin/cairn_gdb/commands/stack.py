"""`cairn stack`: the picture of names on the stack and the objects that they refer to."""

import re
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..errors import CairnError
from ..holders import FrameShown, Resolver, Scene, Shown, ThreadShown
from ..options import Arguments, Option
from ..records import EXACT, TOLERANT, Object, Result, least_sure
from ..render import json_doc, objects, units
from ..render.page import Page
from ..render.picture import Held, Name, Section, draw, order_of
from ..session import Session
from ..slots import Scope, confidence
from .command import Command

INDEX_MAX = 500_000  # objects: in larger heaps who else holds an object is asked for by name
NAMES_MAX = 64  # of one frame, in the drawing
ELEMENTS_MAX = 12  # of one array, in the drawing
DATA_MAX = 32  # statics and globals in the drawing
REASONS_MAX = 3  # other holders of one object, in the drawing

_NOTES = {"null": "null", "uninitialised": "not set yet", "optimized out": "optimized out",
          "unreadable": "unreadable", "freed": "freed", "dangling": "dangling"}
_LABELS = {"static": "static", "global": "global", "tls": "thread-local", "register": "register",
           "word": "word", "foreign": "data"}


class Reason(NamedTuple):
    """What else explains a count: slots of objects, or the runtime."""

    number: int
    holder: int  # address of the object; 0: none
    text: str


class Picture(NamedTuple):
    scene: Scene
    objects: List[Object]  # in the order of the drawing; row N is @N
    reasons: Optional[Dict[int, List[Reason]]]  # by object; None: not computed
    heaps: List[str]  # the label of each object's heap
    title: str  # of the heap side
    full: bool
    cuts: List[str]  # what was left out, in words


def run(session: Session, arguments: Arguments) -> Result:
    full = arguments.flag("full")
    scope = Scope(arguments.flag("all"), arguments.limit, full, full)
    found = session.target.outside(session, scope)
    if not found.threads:
        raise CairnError("There is no thread to look at: the program does not run.")
    scene = Resolver(session.lens, full).scene(found)
    # The drawing's order from the top, so that @1 is the uppermost; whatever the drawing cuts
    # stands behind.
    numbers = {address: index for index, address in enumerate(scene.objects)}
    addresses = list(scene.objects)
    order = order_of(_sections(scene, numbers, full, []))
    drawn = set(order)
    order += [index for index in numbers.values() if index not in drawn]
    rows = [session.describe(scene.objects[addresses[index]]) for index in order]
    session.remember([row.address for row in rows])
    reasons = _reasons(session, scene, rows)
    picture = Picture(scene, rows, reasons, [session.heap_label(row.heap) for row in rows],
                      _title(session, rows), full, [])
    return Result(picture, _exactness(session, scene), found.warnings + _flux(session))


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
    places = {(row.arena, session.lens.locate(row.address).page) for row in rows}
    arenas = {arena for arena, _ in places}
    if len(arenas) > 1:
        return f"heap {names} ({len(arenas)} arenas)"
    first = min(arena.position for arena in session.lens.arenas() if arena.heap == heaps[0])
    arena, page = next(iter(places))
    where = f"arena {arena - first}" + (f", page {page}" if len(places) == 1 else "")
    return f"heap {names} ({where})"


# ---- what else explains a count ----------------------------------------------------------------

def _reasons(session: Session, scene: Scene, rows: Sequence[Object]
             ) -> Optional[Dict[int, List[Reason]]]:
    """The slots in the heap that hold each object; None where that would need a long search."""
    cheap = sum(heap.object_count for heap in session.lens.heaps()) <= INDEX_MAX
    if not rows or not (session.indexed or cheap):
        return None
    lens = session.snapshot(edges=True)
    found: Dict[int, List[Reason]] = {}
    for row in rows:
        if row.immortal:
            continue
        index = lens.snapshot_find(row.address)
        if index is None:
            continue
        account = lens.account(index, session.target.progress)
        mine = found[row.address] = []
        if account.heap_refs:
            holders, _ = lens.referrers(row.address, REASONS_MAX, session.target.progress)
            named = 0
            for one in holders:
                if one.reference.kind in ("strong", "opaque"):
                    holder = lens.object_at(one.holder)
                    kind = holder.type_name if holder is not None else "object"
                    mine.append(Reason(1, one.holder, f"{kind}\0{one.reference.slot_name}"))
                    named += 1
            if account.heap_refs > named:
                more = " more" if named else ""
                mine.append(Reason(account.heap_refs - named, 0, f"from{more} objects"))
        if account.runtime_refs:
            mine.append(Reason(account.runtime_refs, 0, "from the runtime itself"))
        rest = (row.refcount - account.heap_refs - account.runtime_refs
                - len(scene.slots.get(row.address, ())))
        if rest > 0:
            mine.append(Reason(rest, 0, "from elsewhere"))
    return found


def _reason_text(reason: Reason, labels: Dict[int, str]) -> str:
    if not reason.holder:
        return f"+{units.number(reason.number)} {reason.text}"
    kind, slot = reason.text.split("\0", 1)
    if slot and slot[0].isalpha():
        slot = "." + slot if " " not in slot else " " + slot
    named = labels.get(reason.holder)
    who = f"{kind} {named}" if named else f"{kind} {reason.holder:#x}"
    return f"+1 from {who}{slot}"


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
            one["reasons"] = [_reason_record(reason) for reason in found.reasons[row.address]]
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


def _reason_record(reason: Reason) -> Dict[str, Any]:
    if not reason.holder:
        return {"count": reason.number, "text": reason.text}
    return {"count": reason.number, "holder": json_doc.address(reason.holder),
            "slot": reason.text.split("\0", 1)[1]}


# ---- text --------------------------------------------------------------------------------------

def lines(found: Picture, page: Page) -> Iterator[str]:
    numbers = {row.address: index for index, row in enumerate(found.objects)}
    labels = {row.address: objects.label(index + 1) for index, row in enumerate(found.objects)}
    several = len(set(found.heaps)) > 1
    held = []
    for row, heap in zip(found.objects, found.heaps):
        reasons = [_reason_text(each, labels) for each in (found.reasons or {}).get(
            row.address, [])]
        text = _object_text(row)
        state = "dying" if "dying" in row.state else objects.count_word(row)
        held.append(Held(labels[row.address], text, state, reasons, heap if several else ""))
    cuts: List[str] = []
    sections = _sections(found.scene, numbers, found.full, cuts)
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


def _sections(scene: Scene, numbers: Dict[int, int], full: bool, cuts: List[str]
              ) -> List[Section]:
    """The left side; what does not fit into it is said in `cuts`."""
    sections: List[Section] = []
    several = len(scene.threads) > 1
    for thread in scene.threads:
        if several:
            if sections:
                sections.append(Section("", (), True))  # a blank row
            sections.append(Section(_thread_title(thread), (), True))
        if thread.thread.problem:
            sections.append(Section(f"({thread.thread.problem})", (), True))
        sections.extend(_frames(thread, numbers, full, cuts))
        sections.extend(_by_kind(thread.rest, numbers, NAMES_MAX, cuts))
        cuts.extend(_ends(thread, several))
    data = [row for row in scene.data if row.object is not None or full]
    sections.extend(_by_kind(data, numbers, DATA_MAX, cuts))
    return sections


def _thread_title(thread: ThreadShown) -> str:
    name = f' "{thread.thread.name}"' if thread.thread.name else ""
    mark = "  (selected)" if thread.thread.selected else ""
    return f"thread {thread.thread.number}{name}{mark}"


def _ends(thread: ThreadShown, several: bool) -> Iterator[str]:
    who = f"Thread {thread.thread.number}: t" if several else "T"
    if thread.thread.more:
        yield (f"{who}he innermost {units.counted(len(thread.frames), 'frame')} shown; "
               "-limit 0 shows all.")
    if thread.thread.ended:
        yield f"{who}he frames end early: {thread.thread.ended}."
    unknown = sum(each.frame.program and not each.frame.known for each in thread.frames)
    if unknown:
        yield (f"{who}here is no debug information for {units.counted(unknown, 'frame')}: "
               "registers and unnamed words of the stack (sp+N) stand in for variables.")


def _frames(thread: ThreadShown, numbers: Dict[int, int], full: bool, cuts: List[str]
            ) -> Iterator[Section]:
    """The frames; a row of several without a reference becomes one line."""
    idle: List[FrameShown] = []
    for each in thread.frames:
        if not each.rows:
            idle.append(each)
            continue
        yield from _idle(idle, full)
        idle = []
        names = _names(each.rows, numbers, NAMES_MAX, f"{each.label}: ", cuts, True)
        yield Section(each.label, names)
    yield from _idle(idle, full)


def _idle(frames: List[FrameShown], full: bool) -> Iterator[Section]:
    if len(frames) > 1 and not full:
        yield Section(f"... {len(frames)} frames, no reference", (), True)
    else:
        for each in frames:
            yield Section(each.label, (Name("", "(no reference)"),))


def _by_kind(rows: List[Shown], numbers: Dict[int, int], most: int, cuts: List[str]
             ) -> Iterator[Section]:
    """Variables without a frame, under what they are."""
    kinds: List[Tuple[str, List[Shown]]] = []
    for row in rows:
        if not kinds or kinds[-1][0] != row.variable.kind:
            kinds.append((row.variable.kind, []))
        kinds[-1][1].append(row)
    for kind, mine in kinds:
        label = _LABELS.get(kind, kind)
        yield Section(label, _names(mine, numbers, most, f"{label}: ", cuts))


def _names(rows: List[Shown], numbers: Dict[int, int], most: int, where: str, cuts: List[str],
           in_frame: bool = False) -> List[Name]:
    """The names of one section, long arrays and long lists cut."""
    names: List[Name] = []
    elements: Dict[str, int] = {}
    left_out = 0
    rows = _together(rows)
    gone = [row.variable.name for row in rows if row.note == "optimized out"]
    for row in rows:
        if row.note == "optimized out" and len(gone) > 1:
            continue  # one row says it of all
        array = row.variable.name.split("[", 1)[0] if "[" in row.variable.name else ""
        if array:
            elements[array] = elements.get(array, 0) + 1
        if len(names) >= most or (array and elements[array] > ELEMENTS_MAX):
            left_out += 1
            continue
        names.append(_name(row, numbers, in_frame))
    if len(gone) > 1:
        names.append(Name(f"({_NOTES['optimized out']}: {', '.join(gone)})"))
    if left_out:
        cuts.append(f"{where}{units.counted(left_out, 'more name')} not drawn; -json has them "
                    "all.")
    return names


_ELEMENT = re.compile(r"(.*)\[(\d+)\]")


def _together(rows: List[Shown]) -> List[Shown]:
    """Neighbouring elements of an array that have the same reason for no object, as one row."""
    found: List[Shown] = []
    for row in rows:
        match = _ELEMENT.fullmatch(row.variable.name)
        if match is not None and row.note in ("null", "uninitialised") and found:
            before = re.fullmatch(re.escape(match.group(1)) + r"\[(\d+)(?:\.\.\d+)?\]",
                                  found[-1].variable.name)
            if before is not None and found[-1].note == row.note:
                name = f"{match.group(1)}[{before.group(1)}..{match.group(2)}]"
                found[-1] = row._replace(variable=row.variable._replace(name=name))
                continue
        found.append(row)
    return found


def _name(row: Shown, numbers: Dict[int, int], in_frame: bool) -> Name:
    variable = row.variable
    text = variable.name
    if variable.shadowed:
        text += f" (line {variable.line})"  # an inner variable has the same name
    remarks = []
    if in_frame and variable.kind in ("static", "tls"):
        remarks.append(_LABELS[variable.kind])  # it is the function's, and not on the stack
    if variable.trust == "integer":
        remarks.append("a number")
    note = _NOTES.get(row.note, row.place)
    if row.note in ("freed", "dangling") and row.place:
        note = f"{note}: {row.place}"
    if note:
        remarks.append(note)
    if row.note == "" and variable.text:
        return Name(text, f"= {variable.text}")
    held = None if row.object is None else numbers[row.object]
    return Name(text, f"({', '.join(remarks)})" if remarks else "", held)


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
