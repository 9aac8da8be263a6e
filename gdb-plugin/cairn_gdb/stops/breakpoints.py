"""Breakpoints and watchpoints that know objects: a count that changes, an object that dies, objects
that are made, freed or collected.

Imports gdb.  Each is an ordinary one of GDB's: `info breakpoints` shows it, `delete`, `disable`,
`ignore` and `commands` work, and what stopped is said in one line below what GDB says itself.

 - An object is watched by its header word in hardware: whoever changes it, inlined or not, is
   caught.  Its watchpoint goes with it.
 - Making, freeing and collecting have USDT probes; where the runtime was built without them, the
   functions that they stand in, if there are symbols.  Heaps that are not tracked send their
   objects past the probes while these are listened to (observing.py).

What this is not: able to see a heap that is not tracked where the runtime has no probes, or is too
old to send objects past them.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import gdb

from ..errors import CairnError
from ..outside import runtime_code
from ..records import Place, Stop
from ..session import Session, tracked
from . import heads, observing
from .heads import Heads

FRAMES_LOOKED_AT = 64

SessionOf = Callable[[], Session]


class Event(NamedTuple):
    """Where a kind of event is to be met."""

    probe: str
    functions: Tuple[str, ...]  # where there are no probes: internal ones, called at each
    register: str  # the object, at a function's entry


EVENTS = {
    "alloc": Event("allocate", ("cairn_track_allocate",), "$rsi"),
    "free": Event("free", ("cairn_track_free",), "$rsi"),
    "collect": Event("collect_start", ("cairn_detect_all", "cairn_detect_candidates"), "$rdi"),
}
_VERBS = {"alloc": "made", "free": "freed"}

_session_of: Optional[SessionOf] = None
_heads: Dict[int, Heads] = {}  # by inferior


# ---- one object ---------------------------------------------------------------------------------

def _read_word(address: int) -> Optional[int]:
    try:
        data = gdb.selected_inferior().read_memory(address, heads.WORD)
    except (gdb.error, OverflowError):
        return None
    return int.from_bytes(bytes(data), "little")


def heads_of(session: Session) -> Heads:
    """What is known of the headers of the selected program's objects."""
    number = gdb.selected_inferior().num
    known = _heads.get(number)
    if known is None:
        known = _heads[number] = Heads(session, _read_word)
    return known


class ObjectWatch(gdb.Breakpoint):
    """A hardware watchpoint on the header of one object."""

    kind = "watch"

    def __init__(self, known: Heads, address: int, name: str, after: int) -> None:
        head = known.head(address)
        assert head is not None  # the object was looked at just now
        self.heads, self.address, self.name = known, address, name
        self.inferior_number = gdb.selected_inferior().num  # GDB 14 has an `inferior` of its own
        self.head = head
        self.left = after  # changes until it stops
        self.change: Optional[Tuple[int, int]] = None  # of the count, that it stopped at
        self.died = False
        # The count, and beside it type and state: a death may leave the count's bits as they are.
        super().__init__(f"*(unsigned int (*)[2]) {address:#x}", gdb.BP_WATCHPOINT, gdb.WP_WRITE)

    def stop(self) -> bool:
        """GDB asks at each change of the header."""
        head = self.heads.head(self.address)
        before = self.head
        if head is None or not head.live or head.type_index != before.type_index:
            self.died = True
            return True
        # A count of 0 is on its way down: what is next is the death, or another owner.
        if head.refcount == before.refcount or head.refcount == 0:
            return False
        self.head = head
        return self.changed(before.refcount, head.refcount)

    def changed(self, before: int, after: int) -> bool:
        """The count is another one: stop?"""
        self.left -= 1
        if self.left > 0:
            return False
        self.change = (before, after)
        return True

    def is_gone(self) -> bool:
        """The object is not there any more, however it went."""
        head = self.heads.head(self.address)
        return head is None or not head.live or head.type_index != self.head.type_index


class DeathWatch(ObjectWatch):
    """Stops only where the object dies."""

    kind = "free"

    def changed(self, before: int, after: int) -> bool:
        return False


class EventBreak(gdb.Breakpoint):
    """A breakpoint where objects are made or freed, or a collection starts."""

    def __init__(self, kind: str, location: str, register: str, glob: str, after: int) -> None:
        self.kind, self.glob = kind, glob
        self.was_enabled = True
        # "" where it stands at a probe, which has its own way to name its arguments.
        self.register = register
        super().__init__(location)
        if register and kind == "free":
            glob = glob or "?*"  # the function sees buffers go, too
        if glob:
            self.condition = f'$cairn_type_like({register or "$_probe_arg0"}, "{glob}")'
        self.after = after
        self.begin()

    def begin(self) -> None:
        """A run begins, in which the after-th time counts anew."""
        if self.after > 1:
            self.ignore_count = self.after - 1

    @property
    def listens(self) -> bool:
        """It stands at a probe that objects pass."""
        return self.kind != "collect" and not self.register

    def has_stopped(self) -> bool:
        """GDB names all breakpoints of a place where one stopped."""
        if self.hit_count < self.after:
            return False
        return not self.condition or bool(int(gdb.parse_and_eval(self.condition)))


# ---- setting them -------------------------------------------------------------------------------

def watch(session: Session, address: int, name: str, after: int) -> Stop:
    """Stops where the object's count changes, from the after-th time on."""
    made = _watch(session, ObjectWatch, address, name, after)
    return Stop(made.number, "watch", f"the count of {name} changes", address, made.expression,
                after=after)


def break_death(session: Session, address: int, name: str) -> Stop:
    """Stops where the object dies."""
    made = _watch(session, DeathWatch, address, name, 1)
    return Stop(made.number, "free", f"{name} dies", address, made.expression)


_task: Callable[[], None] = lambda: None


def run_task() -> None:
    """Called by _quietly alone."""
    _task()


def _quietly(make: Callable[[], Any]) -> Any:
    """What `make` gives, without what GDB says meanwhile: a JSON document stands alone."""
    global _task
    made: List[Any] = []

    def task() -> None:
        try:
            made.append(make())
        except (gdb.error, RuntimeError) as problem:  # GDB tells of it in its own way, here ours
            made.append(problem)

    _task = task
    gdb.execute(f"python __import__('sys').modules[{__name__!r}].run_task()", to_string=True)
    if isinstance(made[0], Exception):
        raise gdb.error(str(made[0]))  # a RuntimeError is one, too: GDB makes both
    return made[0]


HARDWARE = tuple(getattr(gdb, name) for name in (
    "BP_HARDWARE_WATCHPOINT", "BP_READ_WATCHPOINT", "BP_ACCESS_WATCHPOINT",
    "BP_HARDWARE_BREAKPOINT") if hasattr(gdb, name))
X86_WATCHES = 4  # debug registers


def _check_room(address: int) -> None:
    """GDB makes any number of hardware watchpoints and says only when the program is to go on that
    the processor has not so many: then nothing runs.  CairnError before that."""
    used = [each for each in gdb.breakpoints() or () if each.enabled and each.type in HARDWARE]
    if len(used) < X86_WATCHES or not gdb.selected_frame().architecture().name().startswith("i386"):
        return
    numbers = ", ".join(str(each.number) for each in used)
    raise CairnError(f"{address:#x} can't be watched as well: the processor watches "
                     f"{X86_WATCHES} places at once, and {numbers} take them.  `disable` or "
                     "`delete` one.")


def _watch(session: Session, kind: Any, address: int, name: str, after: int) -> Any:
    known = heads_of(session)
    if known.shortcut is None:
        raise CairnError("Objects can't be watched here: the program has several runtimes, or one "
                         "whose headers are not described.  Watch the address itself: "
                         f"watch *(long *) {address:#x}")
    _check_room(address)
    language = gdb.parameter("language")
    gdb.execute("set language c", to_string=True)
    try:
        made = _quietly(lambda: kind(known, address, name, after))
    except gdb.error as problem:
        raise CairnError(f"GDB can't watch {address:#x}: {problem}")
    finally:
        gdb.execute(f"set language {language}", to_string=True)
    if made.type != gdb.BP_HARDWARE_WATCHPOINT:
        made.delete()
        raise CairnError("There is no hardware watchpoint to be had here (`show "
                         "can-use-hw-watchpoints`, and how many are in use: `info watchpoints`); "
                         "without one the program would run thousands of times slower.")
    return made


def break_event(kind: str, glob: str, after: int, loaded: bool) -> Stop:
    """Stops where an object of such a type is made or freed, or a collection starts, from the
    after-th time on; CairnError says what the program lacks for it.  `loaded`: the runtime is in
    the program already; else what is not found may come with its libraries."""
    event = EVENTS[kind]
    # Expressions in a location are C's; the registers are those of the only machine there is.
    candidates = [(f"-probe-stap cairn:{event.probe}", "")]
    candidates += [(f"*{name}", event.register) for name in event.functions]
    made: List[EventBreak] = []
    for location, register in candidates:
        found = _try(kind, location, register, glob, after, loaded)
        if found is not None:
            made.append(found)
            if not register:
                break  # a probe is all that is needed
    if not made:
        raise CairnError(f"This program has no place to stop at: no probe cairn:{event.probe} "
                         "(its runtime was built without <sys/sdt.h>, or GDB has not its file) and "
                         f"no symbol {event.functions[0]} (it is stripped).")
    what = {"alloc": "an object is made", "free": "an object is freed",
            "collect": "a collection starts"}[kind]
    if glob:
        what = what.replace("an object", f"an object of a type like {glob}")
    first = made[0]
    return Stop(first.number, kind, what, 0, first.location or "", first.pending, after,
                first.listens)


def is_listened_for(kind: str) -> bool:
    """Whether the runtime sends objects of heaps that are not tracked past the probe; true too
    where its file is not known yet."""
    return observing.is_listened_for(EVENTS[kind].probe)


def _try(kind: str, location: str, register: str, glob: str, after: int, loaded: bool
         ) -> Optional[EventBreak]:
    """The breakpoint, or None where the location is none of this program's."""
    try:
        made: EventBreak = _quietly(lambda: EventBreak(kind, location, register, glob, after))
    except gdb.error:
        return None
    if made.pending and (loaded or register):
        made.delete()
        return None
    return made


# ---- what stopped -------------------------------------------------------------------------------

def _session() -> Session:
    assert _session_of is not None
    return _session_of()


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
    _heads.pop(event.inferior.num, None)
    observing.forget(event.inferior.num)
    for each in gdb.breakpoints() or ():
        if isinstance(each, ObjectWatch) and each.inferior_number == event.inferior.num:
            _forget(each, "ended with the program")
        elif isinstance(each, EventBreak):
            each.begin()


class TypeLike(gdb.Function):
    """Return 1 if the type of a Cairn object matches a pattern, else 0.
Usage: $cairn_type_like (X, GLOB)
In GLOB, * and ? stand for any.  Reads three words of the program, so it is fit for the condition
of a breakpoint that is hit often.  0 too where X is no object."""

    def __init__(self) -> None:
        super().__init__("cairn_type_like")

    def invoke(self, *values: gdb.Value) -> Any:
        if len(values) != 2:
            raise gdb.GdbError('$cairn_type_like takes two arguments: $cairn_type_like(x, "list").')
        try:
            return int(heads_of(_session()).matches(int(values[0]), values[1].string()))
        except CairnError as problem:
            raise gdb.GdbError(str(problem))


def install(session_of: SessionOf) -> None:
    """Registers what the conditions call, and hears of stops."""
    global _session_of
    _session_of = session_of
    TypeLike()
    gdb.events.stop.connect(_on_stop)
    gdb.events.exited.connect(_on_exit)
    gdb.events.breakpoint_modified.connect(_on_modified)
