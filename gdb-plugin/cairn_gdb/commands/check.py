"""`cairn check`: is the heap whole?"""

from typing import Any, Iterator, List, NamedTuple

from .. import units
from ..records import CheckTotals, Problem, Result
from ..render import json_doc, objects
from ..render.page import Page
from ..session import Session
from . import options
from .command import Command
from .options import Arguments


class Findings(NamedTuple):
    problems: List[Problem]
    matched: int
    repeated: int  # further findings of the same kinds, not listed
    checked: CheckTotals


def run(session: Session, arguments: Arguments) -> Result:
    lens = session.snapshot()
    totals = lens.check(session.target.progress)
    every = lens.problems()
    problems = [problem for problem in every if problem.severity != "note"]
    notes = [problem.text for problem in every if problem.severity == "note"]
    kept = problems[:arguments.limit] if arguments.limit else problems
    session.remember([problem.address for problem in kept])
    return Result(Findings(kept, len(problems), sum(one.repeated for one in problems), totals),
                  session.exactness(), session.heap_warnings() + notes,
                  status=1 if problems else 0)


def document(found: Findings) -> Any:
    record = json_doc.listing(
        [{"addr": json_doc.address(one.address), "problem": one.text, "severity": one.severity,
          "repeated": one.repeated} for one in found.problems], found.matched)
    record["checked"] = {"objects": found.checked.objects, "pages": found.checked.pages,
                         "arenas": found.checked.arenas}
    return record


def lines(found: Findings, page: Page) -> Iterator[str]:
    for number, one in enumerate(found.problems, 1):
        style = "bad" if one.severity == "damage" else "warning"
        more = f" (and {units.number(one.repeated)} more of the kind)" if one.repeated else ""
        told = not one.address or hex(one.address) in one.text
        at = "" if told else f"{page.style('address', hex(one.address))}: "
        yield (f"{objects.label(number)} {page.style(style, one.severity)}: {at}{one.text}"
               f"{more}")
    yield from objects.closing(len(found.problems), found.matched, "problem", page)
    checked = (f"{units.counted(found.checked.objects, 'object')}, "
               f"{units.counted(found.checked.pages, 'page')} and "
               f"{units.counted(found.checked.arenas, 'arena')} checked")
    if found.matched:
        count = units.counted(found.matched + found.repeated, "problem")
        yield f"{checked}: {page.style('bad', count)}."
        yield objects.hint("Next: cairn show @1, cairn audit where a count is wrong; a damaged "
                           "block is often the work of the object before it", page)
    else:
        yield f"{checked}: {page.style('good', 'no problem')}."


COMMAND = Command(
    name="check",
    summary="Check the integrity of the heap.",
    run=run, document=document, lines=lines,
    options=(options.EXIT,),
    details="""
Looks at every header, page, free list and count, and at the tables that describe them, and names
what is damaged and where.  $cairn_status is 0 where nothing is wrong, 1 where something is, 2
where it could not be checked; -exit quits GDB with that status, for scripts:

  gdb -batch -x PATH/cairn.py -c core -ex "cairn check -exit" """.rstrip(),
    examples=(("cairn check", "is anything damaged?"),
              ("cairn check -exit", "the same, and leave GDB with the answer")))
