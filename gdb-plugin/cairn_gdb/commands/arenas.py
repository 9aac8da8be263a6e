"""`cairn arenas`: how full the arenas are, by size of block and page by page."""

from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from .. import units
from ..records import EXACT, TOLERANT, Arena, Page, Result
from ..render import json_doc, objects
from ..render.page import Page as Paper
from ..render.tables import Column, Table
from ..session import Session
from .command import Command
from .options import Arguments, Option

GAUGE_CELLS = 16


class SizeClass(NamedTuple):
    """All pages whose blocks have one size; large blocks are one row together."""

    block_bytes: int  # 0: large blocks, one to a span of pages
    pages: int
    used: int
    free: int
    bytes_used: int
    bytes: int


class Arenas(NamedTuple):
    rows: List[Arena]
    matched: int
    pages: List[Tuple[Arena, Page]]  # of -pages
    classes: List[SizeClass]
    heap_ids: Dict[int, int]  # by the heap's index
    heap_names: Dict[int, str]
    returned_bytes: int
    by_page: bool


def run(session: Session, arguments: Arguments) -> Result:
    lens = session.lens
    arenas = lens.arenas()
    pages = [(arena, lens.page(arena.position, number))
             for arena in arenas for number in range(arena.page_count)]
    heaps = lens.heaps()
    by_page = arguments.flag("pages")
    matched = len(pages) if by_page else len(arenas)
    if arguments.limit:
        del arenas[arguments.limit:]
    shown_pages = pages[:arguments.limit] if arguments.limit else pages
    warnings = session.heap_warnings() + session.problem_warnings()
    exactness = TOLERANT if any(heap.flux != "none" for heap in heaps) else EXACT
    if by_page:
        session.remember([page.address for _, page in shown_pages])
    else:
        session.remember([arena.address for arena in arenas])
    return Result(Arenas(arenas, matched, shown_pages if by_page else [], classes_of(pages),
                         {heap.position: heap.id for heap in heaps},
                         {heap.position: heap.name or f"heap {heap.id}" for heap in heaps},
                         sum(heap.returned_bytes for heap in heaps), by_page),
                  exactness, warnings)


def classes_of(pages: List[Tuple[Arena, Page]]) -> List[SizeClass]:
    """The pages summed by the size of their blocks, the smallest first, large blocks last."""
    sums: Dict[int, SizeClass] = {}
    for _, page in pages:
        if page.kind not in ("blocks", "large"):
            continue
        size = page.block_bytes if page.kind == "blocks" else 0
        used = page.used_count if page.kind == "blocks" else 1
        free = page.block_count - page.used_count if page.kind == "blocks" else 0
        span = max(1, page.span_pages) if page.kind == "large" else 1
        old = sums.get(size, SizeClass(size, 0, 0, 0, 0, 0))
        sums[size] = SizeClass(size, old.pages + span, old.used + used, old.free + free,
                               old.bytes_used + used * page.block_bytes,
                               old.bytes + (used + free) * page.block_bytes)
    return sorted(sums.values(), key=lambda row: (row.block_bytes == 0, row.block_bytes))


def document(found: Arenas) -> Any:
    if found.by_page:
        return json_doc.listing([_page_record(found, *pair) for pair in found.pages],
                                found.matched)
    return json_doc.listing(
        [{"addr": json_doc.address(arena.address), "heap": found.heap_ids.get(arena.heap),
          "bytes": arena.bytes, "pages": arena.page_count, "pages_free": arena.page_free_count,
          "blocks_used": arena.blocks_used, "blocks_free": arena.blocks_free,
          "bytes_used": arena.bytes_used} for arena in found.rows], found.matched)


def _page_record(found: Arenas, arena: Arena, page: Page) -> Dict[str, Any]:
    return {"addr": json_doc.address(page.address), "heap": found.heap_ids.get(arena.heap),
            "arena": json_doc.address(arena.address), "kind": page.kind, "bytes": page.bytes,
            "block_bytes": page.block_bytes, "blocks": page.block_count,
            "blocks_used": page.used_count, "blocks_free": page.block_count - page.used_count,
            "blocks_fresh": page.block_count - min(page.fresh, page.block_count),
            "bytes_used": page.used_count * page.block_bytes}


def lines(found: Arenas, paper: Paper) -> Iterator[str]:
    if not found.matched:
        yield "No heap has an arena: nothing was allocated yet."
        return
    yield from _page_lines(found, paper) if found.by_page else _arena_lines(found, paper)
    shown = len(found.pages) if found.by_page else len(found.rows)
    yield from objects.closing(shown, found.matched,
                               "page" if found.by_page else "arena", paper)
    if found.returned_bytes:
        yield f"{units.size(found.returned_bytes)} were given back to the system so far."
    yield objects.hint("Next: cairn map @1" if found.by_page else
                       "Next: cairn arenas -pages, cairn map @1", paper)


def _arena_lines(found: Arenas, paper: Paper) -> Iterator[str]:
    table = Table(Column("blocks of", right=True), Column("pages", right=True),
                  Column("used", right=True), Column("free", right=True),
                  Column("occupied", whole=True))
    for row in found.classes:
        table.add(units.size(row.block_bytes) if row.block_bytes else "large",
                  units.number(row.pages), units.number(row.used), units.number(row.free),
                  _occupied(row.bytes_used, row.bytes, paper))
    yield from table.lines(paper)
    yield ""
    table = Table(Column(""), Column("arena", style="address"), Column("heap"),
                  Column("size", right=True), Column("pages", right=True),
                  Column("free", right=True), Column("blocks", right=True),
                  Column("used", right=True), Column("occupied", whole=True))
    for number, arena in enumerate(found.rows, 1):
        table.add(objects.label(number), f"{arena.address:#x}",
                  found.heap_names.get(arena.heap, "?"), units.size(arena.bytes),
                  units.number(arena.page_count), units.number(arena.page_free_count),
                  units.number(arena.blocks_used), units.size(arena.bytes_used),
                  _occupied(arena.bytes_used, arena.bytes, paper))
    yield from table.lines(paper)
    if len(found.rows) == found.matched:
        used = sum(arena.bytes_used for arena in found.rows)
        whole = sum(arena.bytes for arena in found.rows)
        yield (f"{units.counted(found.matched, 'arena')}: {units.size(used)} of "
               f"{units.size(whole)} used by "
               f"{units.counted(sum(arena.blocks_used for arena in found.rows), 'block')}.")


def _page_lines(found: Arenas, paper: Paper) -> Iterator[str]:
    table = Table(Column("", right=True), Column("page", style="address"), Column("kind"),
                  Column("blocks of", right=True), Column("used", right=True),
                  Column("freed", right=True), Column("never used", right=True),
                  Column("occupied", whole=True))
    for number, (_, page) in enumerate(found.pages, 1):
        label = objects.label(number)
        if page.kind in ("blocks", "large"):
            fresh = page.block_count - min(page.fresh, page.block_count)
            table.add(label, f"{page.address:#x}", page.kind, units.size(page.block_bytes),
                      units.number(page.used_count),
                      units.number(max(0, page.block_count - page.used_count - fresh)),
                      units.number(fresh),
                      _occupied(page.used_count, page.block_count, paper))
        else:
            kind = page.kind.replace("_", " ")
            table.add(label, f"{page.address:#x}", kind, "", "", "", "", "")
    yield from table.lines(paper)


def _occupied(part: int, whole: int, paper: Paper) -> str:
    return (units.gauge(part, whole, GAUGE_CELLS, paper.ascii) + " "
            + units.percent(part, whole).rjust(5))


COMMAND = Command(
    name="arenas",
    summary="Show how full the heap's arenas are.",
    run=run, document=document, lines=lines,
    options=(Option("pages", "flag", "a row a page"),),
    details="""
An arena is an aligned segment of memory, cut into pages; a page has blocks of one size; a block
holds an object or a buffer that an object owns.  `used` counts what is handed out, `free` what
the heap keeps for the next allocation.  A large block has pages of its own.""",
    examples=(("cairn arenas", "blocks by size, and each arena"),
              ("cairn arenas -pages -limit 0", "every page")))
