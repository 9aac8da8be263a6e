"""`cairn watch OBJECT`: stops the program where the object's count changes."""

from typing import Any, Dict, Iterator

from .. import units
from ..errors import CairnError
from ..records import Object, Result, Stop
from ..render import json_doc, objects
from ..render.page import Page
from ..session import Session
from .command import Command
from .options import Arguments, Option

AFTER = Option("after", "count", "stop at the K-th time only, and from then on", "K")


def no_core(session: Session) -> None:
    """What does not run does not stop."""
    if session.identity.kind == "core":
        raise CairnError("A core does not run: nothing happens in it any more.  What did happen "
                         "tells `cairn history OBJECT`, where the program tracked its heap.")


def times(arguments: Arguments) -> int:
    """The K of -after K."""
    after = arguments.count("after", 1)
    if not after:
        raise CairnError("-after needs a number from 1 on: the first time is 1.")
    return after


def name_of(row: Object) -> str:
    """How messages call an object."""
    return f"the {row.type_name} at {row.address:#x}"


def run(session: Session, arguments: Arguments) -> Result:
    no_core(session)
    after = times(arguments)
    row, _ = session.object(arguments.expression)
    if row.immortal:
        raise CairnError(f"{name_of(row)} is immortal: its count never changes.")
    if "dying" in row.state:
        raise CairnError(f"{name_of(row)} is dying: its count is none any more.")
    stop = session.target.watch(session, row.address, name_of(row), after)
    return Result((stop, row.refcount), warnings=session.heap_warnings())


def record(stop: Stop) -> Dict[str, Any]:
    """A breakpoint as it stands in a document."""
    found: Dict[str, Any] = {"number": stop.number, "kind": stop.kind, "what": stop.what,
                             "location": stop.location, "after": stop.after}
    if stop.address:
        found["addr"] = json_doc.address(stop.address)
    if stop.pending:
        found["pending"] = True
    return found


def document(found: Any) -> Any:
    stop, count = found
    return {**record(stop), "refcount": count}


def time_word(after: int) -> str:
    """` for the 3rd time`; nothing for the first."""
    if after == 1:
        return ""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(after % 10, "th") if after // 10 % 10 != 1 else "th"
    return f" for the {units.number(after)}{ending} time"


def lines(found: Any, page: Page) -> Iterator[str]:
    stop, count = found
    yield (f"Hardware watchpoint {stop.number}: {stop.what}{time_word(stop.after)}; it is "
           f"{units.number(count)} now.")
    yield objects.hint(f"Next: continue.  It goes when the object dies; delete {stop.number} ends "
                       "it before.", page)


COMMAND = Command(
    name="watch",
    summary="Stop where the count of an object changes.",
    argument="OBJECT",
    run=run, document=document, lines=lines,
    options=(AFTER,),
    details="""
A hardware watchpoint on the object's header: whoever retains or releases it stops the program,
in code that was inlined as well, in any thread, live and over gdbserver.  What stopped is said:
the count before and after, and the line of the program that did it (the runtime's own code left
out).  When the object dies the program stops too, and the watchpoint deletes itself.  A heap
that is destroyed takes its objects along without touching them: that is noticed at the next
stop.

It is an ordinary watchpoint: `info breakpoints` shows it; `delete`, `disable` and `commands`
work (`condition` does not: GDB allows one, and Cairn's is there; -after counts changes).  A
processor has few of them, four on x86; one too many is refused at once.""",
    examples=(("cairn watch x", "stop at each retain and release of x"),
              ("cairn watch @1 -after 100", "at the 100th change of row 1's count")))
