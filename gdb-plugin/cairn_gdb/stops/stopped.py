"""What stopped: one line below what GDB says itself, and `@1` for the object.

Imports gdb.  Hears of stops, of breakpoints that are changed, and of the program's end; a watch
goes with its object.  Where none of ours is set, a stop costs nothing.
"""

from typing import Any, Callable, Optional

import gdb

from ..errors import CairnError
from ..outside import runtime_code
from ..records import Place
from ..session import Session, tracked
from . import observing
from .breakpoints import EventBreak, ObjectWatch, forget_heads, heads_of

FRAMES_LOOKED_AT = 64
_VERBS = {"alloc": "made", "free": "freed"}

_session_of: Optional[Callable[[], Session]] = None


def _session() -> Session:
    assert _session_of is not None
    return _session_of()


# ---- who did it ---------------------------------------------------------------------------------

def _place(session: Session) -> Optional[Place]:
    """The innermost place in the program's own code, the runtime's left out."""
    code = runtime_code.ranges(session.target.sections(), _read_bytes)
    frame: Optional[gdb.Frame] = gdb.newest_frame()
    for level in range(FRAMES_LOOKED_AT):
        if frame is None or not frame.is_valid():
            break
        # A watchpoint stops behind the instruction that wrote, outer frames stand behind a call; a
        # breakpoint stops before what is next.
        address = frame.pc()
        inside = runtime_code.holds(code, address - 1) or \
            (level == 0 and runtime_code.holds(code, address))
        if not inside and not (code == [] and (frame.name() or "").startswith("cairn_")):
            return session.target.place_of(address, session.lens)
        frame = frame.older()
    return None


def _read_bytes(address: int, size: int) -> bytes:
    try:
        return bytes(gdb.selected_inferior().read_memory(address, size))
    except (gdb.error, OverflowError):
        return b""


def _by(session: Session, word: str) -> str:
    """`, retained at main.c:42 in main`."""
    try:
        place = _place(session)
    except (gdb.error, CairnError):
        return ""
    return f", {word} at {tracked.place_text(place)}" if place is not None else ""


# ---- what it did --------------------------------------------------------------------------------

def _say(number: int, text: str) -> None:
    gdb.write(f"cairn {number}: {text}\n")


def _remember(session: Session, number: int, address: int) -> None:
    """@1 is the object that stopped."""
    session.begin(f"the stop at {number}")
    session.remember([address])


def _explain_watch(session: Session, watching: ObjectWatch) -> None:
    """Says what happened to the object; its watchpoint goes with it."""
    number, name = watching.number, watching.name
    if watching.died:
        watching.delete()
        _say(number, f"{name} died, with a count of {watching.head.refcount} before"
             f"{_by(session, 'released')}.  Its watchpoint {number} is deleted.")
        return
    if watching.change is None:
        return
    before, after = watching.change
    watching.change = None
    word = "retained" if after > before else "released"
    _say(number, f"the count of {name} was {before} and is {after}{_by(session, word)}.  @1 names "
         "it.")
    _remember(session, number, watching.address)


def _explain_event(session: Session, stopped: EventBreak) -> None:
    try:
        if not stopped.has_stopped():
            return
        if stopped.kind == "collect":
            _say(stopped.number, _collection(session, stopped))
            return
        address = int(gdb.parse_and_eval(stopped.register or "$_probe_arg0"))
        name = heads_of(session).type_name(address) or "an object"
        track = session.lens.track_at(address)
    except (gdb.error, CairnError):
        return
    serial = f", serial {track.serial}" if track is not None and track.serial else ""
    verb = _VERBS[stopped.kind]
    _say(stopped.number, f"{name} at {address:#x}{serial}{_by(session, verb) or ', ' + verb}.  @1 "
         "names it.")
    _remember(session, stopped.number, address)


def _collection(session: Session, stopped: EventBreak) -> str:
    by = _by(session, "called")
    if stopped.register:
        return f"a collection starts{by}."
    number, whole, count, candidates = (
        int(gdb.parse_and_eval(f"$_probe_arg{index}")) for index in (1, 2, 3, 4))
    scope = "of the whole heap" if whole else f"from {candidates:,} candidates"
    return f"collection {number + 1} starts, {scope}, {count:,} objects{by}."


# ---- what GDB tells of ---------------------------------------------------------------------------

def _on_stop(event: Any) -> None:
    """Says of each of ours that stopped what happened, and ends watches whose object is gone."""
    stopped = list(getattr(event, "breakpoints", None) or [])
    watches = [each for each in gdb.breakpoints() or () if isinstance(each, ObjectWatch)]
    mine = [each for each in stopped if isinstance(each, (ObjectWatch, EventBreak))]
    if any(isinstance(each, EventBreak) and each.listens and each.enabled
           for each in gdb.breakpoints() or ()):
        observing.tell_once(_session())
    if not mine and not watches:
        return
    session = _session()
    for each in mine:
        if isinstance(each, ObjectWatch):
            _explain_watch(session, each)
        else:
            _explain_event(session, each)
    for each in watches:
        # A heap that is destroyed takes its objects along without touching them.
        if each.is_valid() and each not in stopped and _is_here(each) and each.is_gone():
            _forget(each, "is gone: its memory was given back")


def _is_here(watching: ObjectWatch) -> bool:
    return watching.inferior_number == gdb.selected_inferior().num


def _forget(watching: ObjectWatch, why: str) -> None:
    number, name = watching.number, watching.name
    watching.delete()
    _say(number, f"{name} {why}.  Its watchpoint {number} is deleted.")


def _on_modified(changed: Any) -> None:
    """One that was disabled waits again: meanwhile the heaps may have stopped sending objects."""
    if not isinstance(changed, EventBreak) or not changed.is_valid():
        return
    was, changed.was_enabled = getattr(changed, "was_enabled", True), bool(changed.enabled)
    if changed.enabled and not was and changed.listens:
        inferior = gdb.selected_inferior()
        observing.forget(inferior.num)
        thread = gdb.selected_thread()
        if thread is not None and thread.is_stopped():
            observing.tell_once(_session())


def _on_exit(event: Any) -> None:
    """The program ended, and its objects with it; what waits for any object waits on."""
    forget_heads(event.inferior.num)
    observing.forget(event.inferior.num)
    for each in gdb.breakpoints() or ():
        if isinstance(each, ObjectWatch) and each.inferior_number == event.inferior.num:
            _forget(each, "ended with the program")
        elif isinstance(each, EventBreak):
            each.begin()


def install(session_of: Callable[[], Session]) -> None:
    """Hears of stops."""
    global _session_of
    _session_of = session_of
    gdb.events.stop.connect(_on_stop)
    gdb.events.exited.connect(_on_exit)
    gdb.events.breakpoint_modified.connect(_on_modified)
