"""The left side of the picture: frames, their variables, and what is said where one has no object.

What does not fit is left out by these rules, and said: frames without a reference are put
together, so are variables that were optimized out and neighbouring elements that are null; an
array shows its first references, a frame its first names.  Pure.
"""

import re
from typing import Dict, Iterator, List, Tuple

from .. import units
from ..outside.holders import FrameShown, Scene, Shown, ThreadShown
from .picture import Name, Section

NAMES_MAX = 64  # of one frame, in the drawing
ELEMENTS_MAX = 12  # of one array, in the drawing
DATA_MAX = 32  # statics and globals in the drawing

_NOTES = {"null": "null", "uninitialised": "not set yet", "optimized out": "optimized out",
          "unreadable": "unreadable", "freed": "freed", "dangling": "dangling"}
_LABELS = {"static": "static", "global": "global", "tls": "thread-local", "register": "register",
           "word": "word", "foreign": "data"}


def sections_of(scene: Scene, numbers: Dict[int, int], full: bool, cuts: List[str]
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
        count = len(thread.frames)
        frames = "frame" if count == 1 else units.counted(count, "frame")
        yield f"{who}he innermost {frames} shown; -limit 0 shows all."
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
        if each.frame.left_out:
            cuts.append(f"{each.label}: {units.counted(each.frame.left_out, 'word')} of large "
                        "variables left out.")
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
