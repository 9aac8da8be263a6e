"""`cairn objects`: a listing of objects, by default those with the highest count."""

from typing import Any, Iterator, List, NamedTuple, Optional, Tuple

from .. import units
from ..errors import CairnError, did_you_mean
from ..records import EVERYTHING, UNBOUNDED, Filter, Object, Range, Result, Retained
from ..render import json_doc, objects
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import Session, type_names
from .command import Command
from .options import Arguments, Option

SORTS = ("refcount", "size", "addr", "type", "retained")
MORTAL = Range(0, (1 << 31) - 1)  # counts from 2^31 on are never freed
IMMORTAL = Range(1 << 31, UNBOUNDED)
SATURATED_MAX = (1 << 32) - 2  # one more: an object that was never counted, such as a small int


class Listing(NamedTuple):
    rows: List[Object]  # row N is @N
    matched: int
    heap_ids: List[int]  # of each row
    arenas: List[int]  # of each row: its arena's address
    heap_labels: List[str]  # of each row, where there are several heaps to tell apart; else none
    several_heaps: bool
    only_heap: str  # of which alone they are; "": of all
    biggest_last: bool  # as text: the first row is the one by the prompt
    retained: List[Retained]  # of each row, where they are sorted by it; else none


def run(session: Session, arguments: Arguments) -> Result:
    lens = session.snapshot()
    sort = arguments.text("sort", "refcount")
    wanted = Filter(arguments.text("type"), counted(arguments.range("refcount", EVERYTHING)),
                    arguments.range("size", EVERYTHING), heap_option(session, arguments),
                    "address" if sort == "addr" else sort)
    biggest_first = (sort in ("refcount", "size", "retained")) != arguments.flag("reverse")
    warnings: List[str] = []
    retained: List[Retained] = []
    if sort == "retained":
        session.snapshot(edges=True)
        warnings = session.roots().warnings
        lens.retain(session.target.progress)
    rows, matched = select(session, wanted, biggest_first, arguments.limit)
    if not matched:
        explain_nothing(session, wanted.type_glob)
    rows = session.describe_all(rows)
    if sort == "retained":
        retained = [lens.retained(lens.snapshot_find(row.address) or 0) for row in rows]
    session.remember([row.address for row in rows])
    heaps, arenas = lens.heaps(), lens.arenas()
    mixed = len(heaps) > 1 and wanted.heap is None
    return Result(
        Listing(rows, matched, [heaps[row.heap].id for row in rows],
                [arenas[row.arena].address for row in rows],
                [session.heap_label(row.heap) for row in rows] if mixed else [], len(heaps) > 1,
                "" if wanted.heap is None else session.heap_label(wanted.heap), biggest_first,
                retained),
        session.exactness(), session.walk_warnings() + warnings)


def counted(asked: Range) -> Range:
    """Who asks for counts from 2 on wants what is shared, not what was never counted."""
    is_open = asked.high == UNBOUNDED and 0 < asked.low <= SATURATED_MAX
    return Range(asked.low, SATURATED_MAX) if is_open else asked


def select(session: Session, wanted: Filter, biggest_first: bool, limit: int
           ) -> Tuple[List[Object], int]:
    """The rows in order and how many match.  By count, the immortal objects stand behind all
    others: their number says nothing, and there are hundreds of them in each heap."""
    lens = session.lens
    parts = [wanted]
    if wanted.sort == "refcount":
        parts = [_with_counts(wanted, bounds) for bounds in
                 (_common(wanted.refcount, MORTAL), _common(wanted.refcount, IMMORTAL))
                 if bounds is not None]
    rows: List[Object] = []
    matched = 0
    for part in parts:
        room = limit - len(rows) if limit else 0
        # Without room left only the number is asked for; one row is the least that can be.
        some, count = lens.select(_ordered(part, biggest_first), room if room or not limit else 1)
        matched += count
        if room or not limit:
            rows.extend(some)
    return rows, matched


def _common(one: Range, other: Range) -> Optional[Range]:
    both = Range(max(one.low, other.low), min(one.high, other.high))
    return both if both.low <= both.high else None


def _with_counts(wanted: Filter, counts: Range) -> Filter:
    return Filter(wanted.type_glob, counts, wanted.size, wanted.heap, wanted.sort)


def _ordered(wanted: Filter, biggest_first: bool) -> Filter:
    return Filter(wanted.type_glob, wanted.refcount, wanted.size, wanted.heap, wanted.sort,
                  not biggest_first)


HEAP = Option("heap", "text", "only the heap with that number or name", "N")


def heap_option(session: Session, arguments: Arguments) -> Optional[int]:
    """The heap's index by the number or the name that the user gave."""
    wanted = arguments.text("heap")
    if not wanted:
        return None
    heaps = sorted(session.lens.heaps(), key=lambda heap: heap.id)
    fitting = [heap for heap in heaps if wanted == str(heap.id)] or [
        heap for heap in heaps if wanted == heap.name]
    if len(fitting) == 1:
        return fitting[0].position
    if fitting:
        # Two runtimes in one process each count from 1.
        by, others = ("name", [session.heap_label(heap.position) for heap in fitting]) \
            if wanted == str(fitting[0].id) else ("number", [str(heap.id) for heap in fitting])
        raise CairnError(f"{len(fitting)} heaps are called {wanted}; choose one by its {by}: "
                         f"{', '.join(others)}.")
    known = ", ".join(str(heap.id) + (f" ({heap.name})" if heap.name else "") for heap in heaps)
    raise CairnError(f"There is no heap {wanted}; the heaps are {known or 'none'}.")


def explain_nothing(session: Session, glob: str) -> None:
    """An unknown type is an error; no row of a known one is an answer."""
    if not glob:
        return
    from fnmatch import fnmatchcase
    names = type_names(session)
    if not names or any(fnmatchcase(name, glob) for name in names):
        return
    shown = ", ".join(names[:24]) + (", ..." if len(names) > 24 else "")
    raise CairnError(f'No type is called "{glob}".'
                     f'{did_you_mean(glob, names)}  The types are {shown}.')


def document(found: Listing) -> Any:
    rows: List[Any] = []
    for row, heap, arena in zip(found.rows, found.heap_ids, found.arenas):
        record = json_doc.object_record(row)
        record["heap"], record["arena"] = heap, json_doc.address(arena)
        if found.retained:
            one = found.retained[len(rows)]
            record.update(retained_bytes=one.bytes, retained_objects=one.objects)
        rows.append(record)
    return json_doc.listing(rows, found.matched)


def _retained(found: Listing, number: int) -> str:
    if not found.retained:
        return ""
    one = found.retained[number - 1]
    return units.size(one.bytes) if one.reached else "garbage"


def lines(found: Listing, page: Page) -> Iterator[str]:
    if not found.rows:
        yield "No object matches." if not found.matched else \
            f"{units.counted(found.matched, 'object')} match; the limit shows none."
        return
    table = Table(Column("", right=True), Column("address", style="address"),
                  Column("count", right=True), Column("size", right=True),
                  Column("retained", right=True), Column("heap"),
                  Column("type", style="type"), Column("value"))
    heaps = found.heap_labels or [""] * len(found.rows)
    numbered = list(zip(range(1, len(found.rows) + 1), found.rows, heaps))
    for number, row, heap in reversed(numbered) if found.biggest_last else numbered:
        table.add(objects.label(number), f"{row.address:#x}", objects.count(row),
                  units.size(row.size_bytes), _retained(found, number),
                  heap, row.type_name, objects.value(row))
    yield from table.lines(page)
    yield from objects.closing(len(found.rows), found.matched, "object", page)
    if len(found.rows) == found.matched:
        total = sum(row.size_bytes for row in found.rows)
        yield f"{units.counted(found.matched, 'object')}, {units.size(total)}."
    if found.only_heap and found.several_heaps:
        yield page.style("quiet", f"Only {found.only_heap}; the other heaps are left out.")
    yield objects.hint("Next: cairn show @1, cairn referrers @1", page)


COMMAND = Command(
    name="objects",
    summary="List the objects, by default those with the highest count.",
    run=run, document=document, lines=lines,
    options=(Option("type", "glob", "only types whose name matches, as in list or ses*", "GLOB"),
             Option("refcount", "range", "only counts in the range", "RANGE"),
             Option("size", "sizes", "only blocks of so many bytes", "RANGE"),
             HEAP,
             Option("sort", "choice", "by refcount, size, addr, type or retained", "KEY", SORTS),
             Option("reverse", "flag", "the other way round")),
    details="""
The highest counts (or the biggest sizes) stand last, by the prompt; row @1 is the first of the
order.  Objects that are never freed (none, true, false, small ints) come after all others; they
have no count, and are in no range without an end, as >=2.
`-sort retained` orders by what would go with each object; `cairn retained` tells more.""",
    examples=(("cairn objects", "the objects with the highest counts"),
              ("cairn objects -type dict -refcount >=3", "dicts that are held at least thrice"),
              ("cairn objects -size >=1M -sort size", "the large ones"),
              ("cairn objects -refcount 1 -limit 0 -json", "for a program")))
