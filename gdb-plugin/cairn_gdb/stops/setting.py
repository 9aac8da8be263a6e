"""Sets what stops the program: which places there are for it, and why there may be none.

Imports gdb.  What is asked for is made, or CairnError says what the program or the processor lacks.
Nothing that GDB says meanwhile comes out: the answer stands alone.

What this is not: able to see a heap that is not tracked where the runtime has no probes, or is too
old to send objects past them.
"""

from typing import Any, Callable, List, Optional

import gdb

from ..errors import CairnError
from ..records import Stop
from ..session import Session
from . import observing
from .breakpoints import EVENTS, DeathWatch, EventBreak, ObjectWatch, heads_of


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
