"""`cairn sites`: the live objects by the place in the program that allocated them."""

from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from .. import units
from ..errors import CairnError
from ..records import Filter, Place, Result
from ..render import json_doc, objects
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import Session, tracked
from .audit import explain_no_type, of_types
from .command import Command
from .options import Arguments, Option


class Row(NamedTuple):
    places: Sequence[Place]  # the innermost caller first
    objects: int
    bytes: int
    allocations: int  # ever


class Found(NamedTuple):
    rows: List[Row]  # the most bytes first
    matched: int
    objects: int  # of all rows
    bytes: int
    without: int  # objects of the heaps (of the type) that have no site
    type_glob: str


def run(session: Session, arguments: Arguments) -> Result:
    session.remember([])
    sums: Dict[Tuple[int, ...], Tuple[int, int, int]] = {}
    lost, live, any_sites = 0, 0, False
    glob = arguments.text("type")
    typed, untyped = _by_type(session, glob) if glob else ({}, 0)
    for heap in session.lens.heaps():
        tracking = session.lens.tracking(heap.position)
        if tracking is None or "sites" not in tracking.switches:
            continue
        any_sites = True
        lost += tracking.site_lost
        live += heap.object_count
        for site in session.lens.sites(heap.position)[0]:
            objects_here, bytes_here = (typed.get((heap.position, site.number), (0, 0)) if glob
                                        else (site.objects, site.bytes))
            before = sums.get(site.frames, (0, 0, 0))
            sums[site.frames] = (before[0] + objects_here, before[1] + bytes_here,
                                 before[2] + site.allocations)
    if not any_sites:
        raise CairnError("No heap records who allocates: run the program with CAIRN_TRACK=sites "
                         "in its environment, or call cairn_track_start.")
    keys = sorted((key for key in sums if sums[key][0]), key=lambda key: (-sums[key][1], key))
    kept = keys[:arguments.limit] if arguments.limit else keys
    rows = [Row([session.target.place_of(caller, session.lens) for caller in key], *sums[key])
            for key in kept]
    count = sum(sums[key][0] for key in keys)
    warnings = session.heap_warnings()
    if lost:
        warnings.append(f"{units.counted(lost, 'allocation')} found no room in the table of "
                        "sites.")
    without = untyped if glob else max(0, live - count)
    return Result(Found(rows, len(keys), count, sum(sums[key][1] for key in keys), without, glob),
                  warnings=warnings)


def _by_type(session: Session, glob: str) -> Tuple[Dict[Tuple[int, int], Tuple[int, int]], int]:
    """Objects and bytes of the types by heap and site, and how many objects have no site."""
    lens = session.snapshot()
    found, _ = lens.select(Filter(type_glob=glob), 0)
    if not found:
        explain_no_type(session, glob)
    sums: Dict[Tuple[int, int], Tuple[int, int]] = {}
    without = 0
    for row in found:
        track = lens.track_at(row.address)
        if track is None or not track.site:
            without += 1
            continue
        key = (track.heap, track.site)
        before = sums.get(key, (0, 0))
        sums[key] = (before[0] + 1, before[1] + row.size_bytes)
    return sums, without


def document(found: Found) -> Any:
    return json_doc.listing(
        [{"site": json_doc.place_record(row.places[0]),
          "backtrace": [json_doc.place_record(place) for place in row.places],
          "count": row.objects, "bytes": row.bytes, "allocations": row.allocations,
          **({} if found.type_glob else {"freed": row.allocations - row.objects})}
         for row in found.rows], found.matched)


def lines(found: Found, page: Page) -> Iterator[str]:
    table = Table(Column("objects", right=True), Column("size", right=True),
                  Column("share", right=True), Column("ever", right=True),
                  Column("still live", right=True), Column("allocated at"))
    for row in reversed(found.rows):
        callers = " < ".join(tracked.place_text(place) for place in row.places)
        table.add(units.number(row.objects), units.size(row.bytes),
                  units.percent(row.bytes, found.bytes), units.number(row.allocations),
                  "" if found.type_glob else units.percent(row.objects, row.allocations), callers)
    if found.rows:
        yield from table.lines(page)
    yield from objects.closing(len(found.rows), found.matched, "site", page)
    yield (f"{units.counted(found.objects, 'object')} of {units.counted(found.matched, 'site')}, "
           f"{units.size(found.bytes)}; {units.number(found.without)} more"
           f"{of_types(found.type_glob)} have no site: they are older than the tracking, or the "
           "runtime's own.")
    if found.rows:
        yield objects.hint("Next: cairn show OBJECT tells the site of one object.", page)


COMMAND = Command(
    name="sites",
    summary="Count the live objects by the place that allocated them.",
    run=run, document=document, lines=lines,
    options=(Option("type", "glob", "only objects of types whose name matches", "GLOB"),),
    details="""
For programs that track sites (CAIRN_TRACK=sites).  The places whose objects take the most bytes
stand last, by the prompt; `ever` is how many objects each allocated so far (of any type), `still
live` how many of these were never freed: a place where that stays near 100 % grows.

A place is the line of the program, with its callers where the program records more than one
(backtrace=N); without debug information it is the module and the distance from its start.  The
same place in several heaps is one row.""",
    examples=(("cairn sites", "which lines of the program the memory comes from"),
              ("cairn sites -type session", "who makes the sessions"),
              ("cairn sites -limit 5", "the five that take the most")))
