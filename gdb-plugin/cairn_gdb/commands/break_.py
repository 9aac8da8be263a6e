"""`cairn break`: stops the program where objects are made, freed or collected."""

from typing import Any, Iterator, List, NamedTuple, Optional

from ..errors import CairnError
from ..options import Arguments, Option
from ..records import Result, Stop
from ..render import objects
from ..render.page import Page
from ..session import Session
from . import watch
from .command import Command

KINDS = ("alloc", "collect", "free")


class Found(NamedTuple):
    stop: Stop


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
    heaps_known, warnings = _heaps(session, fitting[0])
    stop = session.target.break_event(fitting[0], glob, after, heaps_known)
    return Result(Found(stop), warnings=warnings)


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


def _heaps(session: Session, kind: str) -> Any:
    """Whether the runtime is in the program, and what will not be caught there."""
    try:
        identity = session.identity
    except CairnError:
        identity = None  # it does not run yet
    if identity is not None:
        watch.no_core(session)
    if kind == "collect":
        return identity is not None and _known(session), []
    if identity is None or not _known(session):
        if session.target.environment("CAIRN_TRACK"):
            return False, []
        return False, ["only heaps that are tracked say what they make and free: `set environment "
                       "CAIRN_TRACK probes` before the program is run."]
    lens = session.lens
    blind = []
    for heap in lens.heaps():
        tracking = lens.tracking(heap.position)
        if tracking is None or not tracking.on:
            blind.append(session.heap_label(heap.position))
    if not blind:
        return True, []
    return True, [f"{', '.join(blind)} {'is' if len(blind) == 1 else 'are'} not tracked: what is "
                  "made and freed there is not caught.  `set environment CAIRN_TRACK probes` and "
                  "run it again, or let it call cairn_track_start; one object's death is caught "
                  "without: cairn break free OBJECT."]


def _known(session: Session) -> bool:
    try:
        return bool(session.lens.heaps())
    except CairnError:
        return False


def document(found: Found) -> Any:
    return watch.record(found.stop)


def lines(found: Found, page: Page) -> Iterator[str]:
    stop = found.stop
    word = "Hardware watchpoint" if stop.address else "Breakpoint"
    pending = ", once its library is loaded" if stop.pending else ""
    yield f"{word} {stop.number}: {stop.what}{watch.time_word(stop.after)}{pending}."
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

`alloc` and `free` of any object stop at the runtime's probes, which heaps pass that are tracked
(`set environment CAIRN_TRACK probes`, or sites, events): other heaps make and free objects in
code that is inlined, where nothing can stop.  They are set before the program runs or later,
and stay over any number of runs.  `-type` becomes the breakpoint's condition, `-after` its
ignore count.

What stopped is said: the object (then @1 names it), its serial, and the line of the program.""",
    examples=(("cairn break free x", "who releases x for the last time?"),
              ("cairn break alloc -type session -after 1000", "the 1000th session that is made"),
              ("cairn break collect", "each collection")))
