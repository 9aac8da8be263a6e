"""`cairn types`: a census by type."""

from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Tuple

from .. import units
from ..records import Result, TypeCensus
from ..render import json_doc, objects
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import Session
from .command import Command
from .options import Arguments, Option

Key = Callable[[TypeCensus], Tuple[Any, ...]]
KEYS: Dict[str, Key] = {
    "bytes": lambda row: (-row.bytes, row.type_name),
    "count": lambda row: (-row.objects, row.type_name),
    "refcount": lambda row: (-row.refcount_max, row.type_name),
    "type": lambda row: (row.type_name,),
}
SATURATED = 1 << 31  # a count from here on is never freed


class Census(NamedTuple):
    rows: List[TypeCensus]
    matched: int
    objects: int
    bytes: int
    biggest_last: bool


def run(session: Session, arguments: Arguments) -> Result:
    rows = merge(session.snapshot().census())
    session.remember([])
    sort = arguments.text("sort", "bytes")
    rows.sort(key=KEYS[sort], reverse=arguments.flag("reverse"))
    kept = rows[:arguments.limit] if arguments.limit else rows
    biggest_last = (sort != "type") != arguments.flag("reverse")
    return Result(Census(kept, len(rows), sum(row.objects for row in rows),
                         sum(row.bytes for row in rows), biggest_last),
                  session.exactness(), session.walk_warnings())


def merge(census: List[TypeCensus]) -> List[TypeCensus]:
    """Types of the same name in several heaps are one row."""
    by_name: Dict[str, TypeCensus] = {}
    for row in census:
        if not row.objects:
            continue
        other = by_name.get(row.type_name)
        by_name[row.type_name] = row if other is None else TypeCensus(
            other.type, row.type_name, other.objects + row.objects, other.bytes + row.bytes,
            min(other.refcount_min, row.refcount_min), max(other.refcount_max, row.refcount_max))
    return list(by_name.values())


def document(found: Census) -> Any:
    return json_doc.listing(
        [{"type": row.type_name, "count": row.objects, "bytes": row.bytes,
          "refcount_min": row.refcount_min, "refcount_max": row.refcount_max}
         for row in found.rows], found.matched)


def _counts(row: TypeCensus) -> str:
    low, high = (("immortal" if count >= SATURATED else units.number(count))
                 for count in (row.refcount_min, row.refcount_max))
    return low if low == high else f"{low} .. {high}"


def lines(found: Census, page: Page) -> Iterator[str]:
    table = Table(Column("objects", right=True), Column("size", right=True),
                  Column("share", right=True), Column("counts", right=True),
                  Column("type", style="type"))
    for row in reversed(found.rows) if found.biggest_last else found.rows:
        table.add(units.number(row.objects), units.size(row.bytes),
                  units.percent(row.bytes, found.bytes), _counts(row), row.type_name)
    yield from table.lines(page)
    yield from objects.closing(len(found.rows), found.matched, "type", page)
    yield (f"{units.counted(found.objects, 'object')} of {units.counted(found.matched, 'type')}, "
           f"{units.size(found.bytes)}; the buffers that they own are not in it.")
    name = found.rows[0].type_name if found.rows else "GLOB"
    yield objects.hint(f"Next: cairn objects -type {name}", page)


COMMAND = Command(
    name="types",
    summary="Count the objects and their bytes by type.",
    run=run, document=document, lines=lines,
    options=(Option("sort", "choice", "by bytes, count, refcount or type", "KEY", tuple(KEYS)),
             Option("reverse", "flag", "the other way round")),
    details="""
The types that take the most bytes stand last, by the prompt.  `size` is of the objects' blocks;
buffers that they own (a list's items) are counted in `cairn arenas`.  `counts` is the smallest
and the greatest reference count of the type's objects.""",
    examples=(("cairn types", "which types take the memory"),
              ("cairn types -sort count -limit 5", "the five with the most objects")))
