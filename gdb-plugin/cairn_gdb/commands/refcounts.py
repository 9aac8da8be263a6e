"""`cairn refcounts`: how many objects have which count."""

from typing import Any, Iterator, List, NamedTuple

from .. import units
from ..records import CountCensus, Result
from ..render import json_doc, objects
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import Session
from .command import Command
from .options import Arguments

BAR_CELLS = 24


class Histogram(NamedTuple):
    rows: List[CountCensus]  # by count, the immortal last
    matched: int
    objects: int
    bytes: int


def run(session: Session, arguments: Arguments) -> Result:
    rows = session.snapshot().refcounts()
    session.remember([])
    rows.sort(key=lambda row: (row.immortal, row.refcount))
    kept = rows[:arguments.limit] if arguments.limit else rows
    return Result(Histogram(kept, len(rows), sum(row.objects for row in rows),
                            sum(row.bytes for row in rows)),
                  session.exactness(), session.walk_warnings())


def document(found: Histogram) -> Any:
    rows = []
    for row in found.rows:
        record: Any = {"refcount": row.refcount, "count": row.objects, "bytes": row.bytes}
        if row.immortal:
            record["immortal"] = True
        rows.append(record)
    return json_doc.listing(rows, found.matched)


def lines(found: Histogram, page: Page) -> Iterator[str]:
    table = Table(Column("count", right=True), Column("objects", right=True),
                  Column("size", right=True), Column(""))
    most = max((row.objects for row in found.rows), default=0)
    for row in found.rows:
        table.add("immortal" if row.immortal else units.number(row.refcount),
                  units.number(row.objects), units.size(row.bytes),
                  units.bar(row.objects, most, BAR_CELLS, page.ascii))
    yield from table.lines(page)
    yield from objects.closing(len(found.rows), found.matched, "count", page)
    yield f"{units.counted(found.objects, 'object')}, {units.size(found.bytes)}."
    yield objects.hint("Next: cairn objects -refcount N", page)


COMMAND = Command(
    name="refcounts",
    summary="Count the objects by their reference count.",
    run=run, document=document, lines=lines,
    details="""
A row for each count that occurs, the smallest first, and a bar for how many objects have it.
Objects that are never freed (none, true, false, small ints, saturated counts) stand last.""",
    examples=(("cairn refcounts", "how many objects have count 1, 2, 3, ..."),
              ("cairn objects -refcount 2", "which they are")))
