"""`cairn collect`: what the collector would do now, without running the program."""

from typing import Any, Iterator, List, NamedTuple

from .. import units
from ..findings import collecting
from ..findings.collecting import Manual
from ..records import CONSERVATIVE, CollectRow, Collected, Result, least_sure
from ..render import json_doc, objects
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import Session
from .command import Command
from .objects import HEAP, explain_nothing, heap_option
from .options import Arguments, Option

FREED = ("garbage", "falls", "swept")
# Why an object stays or goes, as a reader is told.
_WHY = {"kept": "held from outside", "reached": "reached from what is held",
        "garbage": "only garbage holds it", "falls": "goes with what is freed",
        "swept": "only the intern table holds it"}


class Found(NamedTuple):
    rows: List[CollectRow]  # what is freed first, the largest first
    matched: int
    totals: Collected
    local: bool
    chosen: bool  # the rows are some of a kind that was asked for
    heap: str  # of which alone this is; "": of all
    manual: List[Manual]  # of the heaps that it is about


def run(session: Session, arguments: Arguments) -> Result:
    lens = session.snapshot(edges=True)
    heap = heap_option(session, arguments)
    local = arguments.flag("candidates")
    totals = lens.collect(heap, local, session.target.progress)
    only_freed, every = arguments.flag("freed"), arguments.flag("all")
    kept = "none" if only_freed else "members" if every else "candidates"
    glob = arguments.text("type")
    rows, matched = lens.collect_rows(True, kept, glob, arguments.limit)
    if not matched:
        explain_nothing(session, glob)
    described = session.describe_all([row.object for row in rows])
    rows = [row._replace(object=one) for row, one in zip(rows, described)]
    session.remember([row.object.address for row in rows])
    exactness = session.exactness()
    if totals.opaque:
        exactness = least_sure(exactness, CONSERVATIVE)
    label = "" if heap is None or len(lens.heaps()) == 1 else session.heap_label(heap)
    return Result(Found(rows, matched, totals, local, bool(glob or only_freed or every), label,
                        collecting.manual(lens.heaps(), heap)),
                  exactness, session.walk_warnings() + list(_warnings(totals)))


def _warnings(totals: Collected) -> Iterator[str]:
    if totals.finalizers:
        runs = "finalizer of 1 object runs" if totals.finalizers == 1 else \
            f"finalizers of {units.number(totals.finalizers)} objects run"
        yield f"the {runs} before anything is freed; what that holds on to stays."
    if totals.opaque:
        yield (f"{units.counted(totals.opaque, 'object')} of opaque types: what they hold is taken "
               "from words that look like references.")
    if totals.busy_heaps:
        heaps = "a heap is" if totals.busy_heaps == 1 else f"{totals.busy_heaps} heaps are"
        yield (f"{heaps} in the middle of something: a collection begins only when that is over, "
               "and counts may be others then.")


def document(found: Found) -> Any:
    rows = []
    for row in found.rows:
        record = json_doc.object_record(row.object)
        record.update(internal=row.internal, external=row.external,
                      verdict="freed" if row.verdict in FREED else "kept", why=row.verdict,
                      candidate="candidate" in row.object.state)
        rows.append(record)
    record = json_doc.listing(rows, found.matched)
    totals = found.totals
    record["would_free"] = {"objects": totals.freed_objects, "bytes": totals.freed_bytes,
                            "garbage": totals.garbage, "falls": totals.falls,
                            "interned": totals.swept}
    record["members"], record["candidates"] = totals.members, totals.candidates
    record["kept"], record["reached"] = totals.kept, totals.reached
    if found.manual:
        record["manual_heaps"] = collecting.records_of(found.manual)
    return record


def lines(found: Found, page: Page) -> Iterator[str]:
    if found.rows:
        table = Table(Column("", right=True), Column("address", style="address"),
                      Column("count", right=True), Column("internal", right=True),
                      Column("external", right=True), Column("verdict"), Column("why"),
                      Column("type", style="type"), Column("value"))
        for number, row in reversed(list(enumerate(found.rows, 1))):
            table.add(objects.label(number), f"{row.object.address:#x}",
                      objects.count(row.object), units.number(row.internal),
                      units.number(row.external),
                      "freed" if row.verdict in FREED else "kept", _WHY[row.verdict],
                      row.object.type_name, objects.value(row.object))
        yield from table.lines(page)
    yield from objects.closing(len(found.rows), found.matched, "object", page)
    yield from _sums(found, page)
    if any(row.verdict in FREED for row in found.rows):
        yield objects.hint("Next: cairn leaks shows how they hang together; cairn referrers @1",
                           page)
    elif found.rows:
        yield objects.hint("Next: cairn path @1 tells why it stays", page)


def _sums(found: Found, page: Page) -> Iterator[str]:
    totals = found.totals
    name = "cairn_collect_candidates" if found.local else "cairn_collect"
    of = f" of {found.heap}" if found.heap else ""
    if totals.freed_objects:
        parts = []
        if totals.garbage:
            parts.append(f"{units.number(totals.garbage)} that only garbage holds")
        if totals.falls:
            parts.append(f"{units.number(totals.falls)} that fall with them")
        if totals.swept:
            parts.append(f"{units.counted(totals.swept, 'interned str')} that nobody else holds")
        freed = (f"{units.counted(totals.freed_objects, 'object')}, "
                 f"{units.size(totals.freed_bytes)}")
        yield (f"{name}{of} would free {page.style('good', freed)}: {', '.join(parts)}.")
    else:
        yield f"{name}{of} would free nothing."
    looked = f"It looks at {units.counted(totals.members, 'object')} that can be in cycles"
    if found.local and not totals.full_heaps:
        looked = f"It looks at {units.counted(totals.members, 'object')} that candidates reach"
    kept = totals.kept + totals.reached
    stay = ""
    if kept:
        stay = (f"; {units.number(kept)} stay: {units.number(totals.kept)} held from outside, "
                f"{units.number(totals.reached)} reached from these")
    yield (f"{looked}, {units.counted(totals.candidates, 'candidate')} among them{stay}.")
    if totals.freed_objects:
        yield from collecting.lines(found.manual)


COMMAND = Command(
    name="collect",
    summary="Show what the cycle collector would do now, without running the program.",
    run=run, document=document, lines=lines,
    options=(Option("candidates", "flag",
                    "a local collection, as the heap runs by itself: what candidates reach"),
             Option("freed", "flag", "only rows of objects that would be freed"),
             Option("all", "flag", "rows of all objects that it looks at, not of candidates alone"),
             Option("type", "glob", "only rows of types whose name matches", "GLOB"),
             HEAP),
    details="""
The collector looks at the objects that can be in cycles.  From each count it takes the references
that other such objects hold (internal); what is left (external) is held from outside: by the
program, the runtime, or objects that can't be in cycles.  What has some left is kept, and all that
it reaches; the others are freed, and what only they hold.

Listed are the objects that would be freed, the largest by the prompt, and the candidates that
stay: objects whose count was dropped, but not to 0, since the collector last looked.  The answer
is, object for object, what the program's next cairn_collect frees, but for what finalizers bring
back.""",
    examples=(("cairn collect", "what would go, and which candidates stay"),
              ("cairn collect -freed -type session", "the sessions that would go"),
              ("cairn collect -candidates", "what the collection that starts by itself would do")))
