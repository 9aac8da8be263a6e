"""What the slots outside the heap hold: each variable's object, or why there is none.

The step between the debugger's records (slots.py) and the picture: words become objects, or one
of the notes of docs (null, interior, freed, dangling, uninitialised, optimized out, unreadable).
A note says what is known and no more: a word that leads nowhere is `dangling` only where the
variable's type promises an object; elsewhere it is no reference, and left out.

Pure: asks the lens, knows no gdb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Set, Tuple

from ..records import GONE, Object
from .slots import Frame, Outside, Thread, Variable, labels

if TYPE_CHECKING:  # loaded when a command first needs it
    from ..bridge import Lens

_NOWHERE = {"fresh": "a block that was never used", "free_page": "a free page",
            "arena_meta": "an arena's page table", "heap_meta": "a heap's metadata",
            "unreadable": "unreadable memory", "damaged": "a damaged block"}


class Shown(NamedTuple):
    """One variable as the picture and the document show it."""

    variable: Variable
    object: Optional[int] = None  # address of the object that it refers to
    note: str = ""
    place: str = ""  # where it points, in words, when that is no object's start
    holder: str = ""  # how it is called among an object's holders: "f2.x"


class FrameShown(NamedTuple):
    frame: Frame
    label: str
    rows: List[Shown]


class ThreadShown(NamedTuple):
    thread: Thread
    frames: List[FrameShown]
    rest: List[Shown]  # thread-local variables, registers


class Scene:
    """Everything that the picture shows, resolved."""

    def __init__(self) -> None:
        self.threads: List[ThreadShown] = []
        self.data: List[Shown] = []
        self.objects: Dict[int, Object] = {}  # by address, in the order of their first holders
        self.holders: Dict[int, List[str]] = {}  # of each object
        self.slots: Dict[int, Set[object]] = {}  # of each object: its distinct storage places


class Resolver:
    """Turns the words of one stop into objects; asks the lens once for each word."""

    def __init__(self, lens: Lens, everything: bool) -> None:
        self._lens = lens
        self._everything = everything
        self._scene = Scene()
        self._known: Dict[int, Tuple[Optional[int], str, str]] = {}  # word -> object, place, text
        self._objects: Dict[int, Object] = {}  # all that a word led to, by address
        self._names: Dict[int, str] = {}  # storage address -> the variable that lies there

    def scene(self, found: Outside) -> Scene:
        several = len(found.threads) > 1
        self._collect_names(found)
        for thread in found.threads:
            prefix = f"{thread.number}:" if several else ""
            frames = []
            for frame, label in zip(thread.frames, labels(thread.frames)):
                rows = self._rows(frame.variables, f"{prefix}{label}.")
                frames.append(FrameShown(frame, label, rows))
            rest = self._rows(thread.thread_locals + thread.registers, prefix)
            self._scene.threads.append(ThreadShown(thread, frames, rest))
        self._scene.data = self._rows(found.data, "")
        return self._scene

    def _collect_names(self, found: Outside) -> None:
        for thread in found.threads:
            for frame, label in zip(thread.frames, labels(thread.frames)):
                for variable in frame.variables:
                    if variable.addr is not None and not variable.through:
                        self._names.setdefault(variable.addr, f"{label}.{variable.name}")
        for variable in found.data:
            if variable.addr is not None:
                self._names.setdefault(variable.addr, variable.name)

    def _rows(self, variables: List[Variable], prefix: str) -> List[Shown]:
        rows = []
        for variable in variables:
            shown = self._resolve(variable)
            if shown is None:
                continue
            shown = shown._replace(holder=prefix + variable.name)
            if shown.object is not None:
                self._note_holder(shown)
            rows.append(shown)
        return rows

    def _note_holder(self, shown: Shown) -> None:
        assert shown.object is not None
        scene = self._scene
        scene.objects.setdefault(shown.object, self._objects[shown.object])
        scene.holders.setdefault(shown.object, []).append(shown.holder)
        storage = shown.variable.addr if shown.variable.addr is not None else shown.holder
        scene.slots.setdefault(shown.object, set()).add(storage)

    def _resolve(self, variable: Variable) -> Optional[Shown]:
        """The row of a variable; None for what is no reference."""
        if variable.fault:
            return Shown(variable, None, variable.fault)
        word = variable.word
        if word is None:
            return Shown(variable) if self._everything else None
        if variable.unset == "surely":
            return self._unset(variable)
        if word == 0:
            promised = variable.trust in ("object", "slot")
            return Shown(variable, None, "null") if promised else None
        if variable.unset and variable.trust not in ("object", "slot") and not self._everything:
            return None  # perhaps not set, perhaps no reference: not worth an arrow
        found, place, text = self._locate(word)
        if found is not None and place == "":
            return Shown(variable, found, "", self._through(variable))
        if variable.trust == "integer":
            return None  # a number that happens to lie in an arena
        if found is not None:
            return Shown(variable, found, "interior", text)
        if variable.trust == "slot":
            return self._unset(variable) if variable.unset else Shown(variable, None, "dangling")
        if place in ("freed", "interior"):
            return Shown(variable, None, place, text)
        if variable.trust != "object":
            return None
        if variable.unset:
            return self._unset(variable)
        if variable.through:
            return None  # it may point behind the last slot, as an iterator does
        return Shown(variable, None, "dangling", text)

    def _unset(self, variable: Variable) -> Optional[Shown]:
        """A variable that the program did not come to yet; its word means nothing."""
        if variable.trust in ("object", "slot"):
            return Shown(variable, None, "uninitialised")
        return None

    def _locate(self, word: int) -> Tuple[Optional[int], str, str]:
        """The object at or around the word; else the note, and where it is in words."""
        known = self._known.get(word)
        if known is None:
            known = self._known[word] = self._ask(word)
        return known

    def _ask(self, word: int) -> Tuple[Optional[int], str, str]:
        location = self._lens.locate(word)
        if location.place in ("object", "dying"):
            row = self._lens.object_at(location.base)
            if row is not None:
                self._objects[row.address] = row
                place = "" if location.offset == 0 else "interior"
                return row.address, place, f"+{location.offset}" if location.offset else ""
        if location.place == "buffer":
            return None, "interior", f"in the buffer {location.base:#x}"
        if location.place in GONE:
            return None, "freed", f"block {location.base:#x}"
        return None, "dangling", _NOWHERE.get(location.place, f"{word:#x}")

    def _through(self, variable: Variable) -> str:
        """Which slot a pointer to a slot leads to."""
        if not variable.through or variable.addr is None:
            return ""
        name = self._names.get(variable.addr)
        if name is not None:
            return name
        location = self._lens.locate(variable.addr)
        if location.place in ("object", "dying", "buffer"):
            return f"in {'the buffer ' if location.place == 'buffer' else ''}{location.base:#x}"
        return ""
