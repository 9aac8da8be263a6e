"""`cairn`: what is in the program's heaps, at a glance."""

from typing import Any, Dict, Iterator, List, NamedTuple

from .. import units
from ..findings import collecting
from ..records import Heap, Result, RootRecord, TypeCensus, WalkTotals
from ..render import json_doc, objects
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import Session
from .command import Command
from .options import Arguments
from .types import merge

BIGGEST = 8  # types shown where nobody asks for more


class HeapLine(NamedTuple):
    heap: Heap
    objects: int
    bytes: int


class Overview(NamedTuple):
    records: List[RootRecord]
    heaps: List[HeapLine]
    types: List[TypeCensus]  # the biggest first, cut
    type_count: int
    totals: WalkTotals


def run(session: Session, arguments: Arguments) -> Result:
    lens = session.snapshot()
    census = lens.census()
    heap_of = {row.type: lens.type(row.type).heap for row in census}
    heaps = []
    for heap in lens.heaps():
        mine = [row for row in census if heap_of[row.type] == heap.position]
        heaps.append(HeapLine(heap, sum(row.objects for row in mine),
                              sum(row.bytes for row in mine)))
    census = sorted(merge(census), key=lambda row: (-row.bytes, row.type_name))
    totals = lens.walk_totals()
    shown = arguments.count("limit", BIGGEST) or len(census)
    return Result(Overview(lens.root_records(), heaps, census[:shown], len(census), totals),
                  session.exactness(), session.walk_warnings())


def document(found: Overview) -> Any:
    return {"heaps": [_heap_record(line) for line in found.heaps],
            "objects": found.totals.objects, "bytes": found.totals.object_bytes}


def _heap_record(line: HeapLine) -> Dict[str, Any]:
    record = {"id": line.heap.id, "name": line.heap.name,
              "addr": json_doc.address(line.heap.address), "objects": line.objects,
              "bytes": line.bytes, "arenas": line.heap.arena_count,
              "reserved_bytes": line.heap.reserved_bytes,
              "buffers": line.heap.buffer_count, "used_bytes": line.heap.used_bytes}
    if line.heap.shared:
        record["shared"] = True
    record.update({key: value for key, value in (
        ("external_bytes", line.heap.external_bytes), ("limit_bytes", line.heap.limit_bytes),
        ("soft_limit_bytes", line.heap.soft_limit_bytes)) if value})
    if line.heap.taken_bytes:
        record["taken_bytes"] = line.heap.taken_bytes
        record["peak_bytes"] = line.heap.peak_bytes
    record["collections"] = line.heap.collection_count
    if line.heap.manual_collection:
        record["manual_collection"] = True
    if line.heap.group is not None:
        record["group"] = {"name": line.heap.group, "taken_bytes": line.heap.group_taken_bytes,
                           "limit_bytes": line.heap.group_limit_bytes}
    return record


def _limits(heap: Heap) -> str:
    """What the heap may take and what it keeps outside, where it says so; else nothing."""
    said = []
    if heap.limit_bytes or heap.soft_limit_bytes:
        limits = [(heap.soft_limit_bytes, "soft"), (heap.limit_bytes, "hard")]
        said.append(f"takes {units.size(heap.taken_bytes)} of " + ", ".join(
            f"{units.size(limit)} ({kind})" for limit, kind in limits if limit))
    if heap.group is not None:
        limit = f" of {units.size(heap.group_limit_bytes)}" if heap.group_limit_bytes else ""
        said.append(f"group {heap.group} takes {units.size(heap.group_taken_bytes)}{limit}")
    if heap.external_bytes:
        said.append(f"keeps {units.size(heap.external_bytes)} outside")
    if heap.manual_collection:
        said.append(collecting.so_far(heap.collection_count))
    return "; ".join(said)


def lines(found: Overview, page: Page) -> Iterator[str]:
    if found.types:
        table = Table(Column("objects", right=True), Column("size", right=True),
                      Column("type", style="type"))
        for row in reversed(found.types):
            table.add(units.number(row.objects), units.size(row.bytes), row.type_name)
        yield from table.lines(page)
        yield from objects.closing(len(found.types), found.type_count, "type", page)
        yield ""
    table = Table(Column("heap"), Column("objects", right=True), Column("size", right=True),
                  Column("buffers", right=True), Column("used", right=True),
                  Column("arenas", right=True), Column("reserved", right=True),
                  Column("occupied", whole=True), Column("address", style="address"))
    for line in found.heaps:
        heap = line.heap
        name = heap.name or f"heap {heap.id}"
        table.add(f"{name} (shared)" if heap.shared else name, units.number(line.objects),
                  units.size(line.bytes), units.number(heap.buffer_count),
                  units.size(heap.used_bytes), units.number(heap.arena_count),
                  units.size(heap.reserved_bytes),
                  units.gauge(heap.used_bytes, heap.reserved_bytes, 10, page.ascii) + " "
                  + units.percent(heap.used_bytes, heap.reserved_bytes), f"{heap.address:#x}")
    if found.heaps:
        yield from table.lines(page)
    for line in found.heaps:
        limits = _limits(line.heap)
        if limits:
            yield f"{line.heap.name or f'heap {line.heap.id}'}: {limits}."
    totals = found.totals
    yield (f"{units.counted(totals.objects, 'object')} of {units.size(totals.object_bytes)} and "
           f"{units.counted(totals.buffers, 'buffer')} of {units.size(totals.buffer_bytes)} in "
           f"{units.counted(len(found.heaps), 'heap')} "
           f"({', '.join(sorted({record.runtime for record in found.records}))}).")
    yield objects.hint("Next: cairn stack, cairn objects, cairn types, cairn arenas, cairn check; "
                       "help cairn", page)


COMMAND = Command(
    name="",
    summary="Read the program's reference-counted heaps.",
    argument="",
    run=run, document=document, lines=lines,
    details="""
Without a sub-command: an overview of the heaps, how full their arenas are, and the types that
take the most memory.  `size` is of the objects alone, `used` includes the buffers that they own.
Works on a live program, over gdbserver, and on a core file, also without the executable.
$cairn_status is 0 where the last command found nothing wrong, 1 where it found a problem, 2 where
it could not answer.""",
    examples=(("cairn", "the overview"),
              ("cairn stack", "names on the stack and the objects that they hold"),
              ("cairn objects -type list", "the lists, those with the highest count last"),
              ("cairn -json", "the overview as one JSON document")))
