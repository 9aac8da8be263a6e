"""`cairn break`: stops the program where objects are made, freed or collected."""

from typing import Any, Iterator, List, NamedTuple, Optional, Tuple

from ..errors import CairnError
from ..records import Result, Stop
from ..render import objects
from ..render.page import Page
from ..session import Session
from . import watch
from .command import Command
from .options import Arguments, Option

KINDS = ("alloc", "collect", "free")


class Found(NamedTuple):
    stop: Stop
    observed: bool = False  # heaps that are not tracked do more than without it


def run(session: Session, arguments: Arguments) -> Result:
    kind, _, expression = arguments.expression.strip().partition(" ")
    fitting = [each for each in KINDS if each.startswith(kind)]
    if len(fitting) != 1 or not kind:
        raise CairnError(f'"{kind}" is nothing to stop at; it is one of {", ".join(KINDS)}, as in '
                         "`cairn break alloc -type list`.")
    after, glob = watch.times(arguments), arguments.text("type")
    if expression.strip():
        return _of_one(session, fitting[0], expression.strip(), after, glob)
    if fitting[0] == "collect" and glob:
        raise CairnError("A collection is of no type: leave out -type.")
    if '"' in glob or "\\" in glob:
        raise CairnError(f"-type {glob}: a type's name has no quotes and no backslashes here.")
    loaded = _is_loaded(session)
    stop = session.target.break_event(fitting[0], glob, after, loaded)
    observed, warnings = (False, []) if stop.kind == "collect" else _seen(session, stop, loaded)
    return Result(Found(stop, observed), warnings=warnings)


def _of_one(session: Session, kind: str, expression: str, after: int, glob: str) -> Result:
    if kind != "free":
        raise CairnError(f"{expression}: only `cairn break free` takes an object; `cairn break "
                         f"{kind}` stops at any.")
    if after != 1 or glob:
        raise CairnError("An object dies once, and has its type: -after and -type say nothing of "
                         f"{expression}.")
    watch.no_core(session)
    row, _ = session.object(expression)
    if row.immortal:
        raise CairnError(f"{watch.name_of(row)} is immortal: it is never freed.")
    stop = session.target.break_death(session, row.address, watch.name_of(row))
    return Result(Found(stop), warnings=session.heap_warnings())


def _is_loaded(session: Session) -> bool:
    """Whether the runtime is in the program already."""
    try:
        session.identity
    except CairnError:
        return False  # it does not run yet
    watch.no_core(session)
    return _known(session)


def _seen(session: Session, stop: Stop, loaded: bool) -> Tuple[bool, List[str]]:
    """Whether objects pass the probe that pass none without it; and what will not be caught."""
    if not loaded:
        listened = stop.listens and session.target.is_listened_for(stop.kind)
        if listened or session.target.environment("CAIRN_TRACK"):
            return listened, []
        return False, ["only heaps that are tracked say what they make and free: `set environment "
                       "CAIRN_TRACK probes` before the program is run."]
    lens = session.lens
    untracked = [heap.position for heap in lens.heaps()
                 if (tracking := lens.tracking(heap.position)) is None or not tracking.on]
    # A function is none that others than tracked heaps call.
    unseen = set(session.target.observe(session)) if stop.listens else set(untracked)
    blind = [session.heap_label(position) for position in untracked if position in unseen]
    if not blind:
        return bool(untracked), []
    return len(blind) < len(untracked), [
        f"{', '.join(blind)} {'is' if len(blind) == 1 else 'are'} not tracked, and "
        f"{'its' if len(blind) == 1 else 'their'} runtime sends objects past no probe: what is "
        "made and freed there is not caught.  `set environment CAIRN_TRACK probes` and run it "
        "again, or let it call cairn_track_start; one object's death is caught without: cairn "
        "break free OBJECT."]


def _known(session: Session) -> bool:
    try:
        return bool(session.lens.heaps())
    except CairnError:
        return False


def document(found: Found) -> Any:
    return {**watch.record(found.stop), "observed": found.observed}


def lines(found: Found, page: Page) -> Iterator[str]:
    stop = found.stop
    word = "Hardware watchpoint" if stop.address else "Breakpoint"
    pending = ", once its library is loaded" if stop.pending else ""
    yield f"{word} {stop.number}: {stop.what}{watch.time_word(stop.after)}{pending}."
    if found.observed:
        yield ("Until it is deleted each object takes the runtime's slow way: the program does the "
               "same, slower.")
    yield objects.hint(f"Next: continue, or run; delete {stop.number} ends it.", page)


def completions(_session: Session, before: List[str]) -> Optional[List[str]]:
    return sorted(KINDS) if not before else []


COMMAND = Command(
    name="break",
    summary="Stop where objects are made, freed or collected.",
    argument="alloc|free|collect [OBJECT]",
    run=run, document=document, lines=lines, words=completions,
    options=(Option("type", "glob", "objects whose type matches; * and ? stand for any", "GLOB"),
             watch.AFTER),
    details="""
`free OBJECT` stops where that object dies: a hardware watchpoint on its header, which sees
inlined code too, and goes with the object.  `collect` stops where a collection starts.  Both
need no tracking.

`alloc` and `free` of any object stop at the runtime's probes, in any program that was built with
<sys/sdt.h>: optimised, stripped, over gdbserver, tracked or not.  Code that is inlined passes no
probe by itself, so while such a breakpoint is enabled the runtime sends each object past it: the
program does the same as without, on the same addresses, two or three times slower; two words of
each heap are stored for that, and taken back by the program itself.  What -type leaves out GDB
looks at all the same: thousands of objects a second, not millions.  Objects that go with their
heap when it is destroyed are not freed one by one.

They are set before the program runs or later, and stay over any number of runs.  `-type` becomes
the breakpoint's condition, `-after` its ignore count.

What stopped is said: the object (then @1 names it), its serial, and the line of the program.""",
    examples=(("cairn break free x", "who releases x for the last time?"),
              ("cairn break alloc -type session -after 1000", "the 1000th session that is made"),
              ("cairn break collect", "each collection")))
