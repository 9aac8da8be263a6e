"""`cairn map [ADDRESS]`: the memory of the process as in a textbook, and where an address is."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from .. import units
from ..outside.layout import HeapPlace, Owner, Piece, StackPlace, blocks, pieces, totals
from ..records import EXACT, Location, Object, Result
from ..render import json_doc, objects
from ..render.layout import draw
from ..render.page import Page
from ..session import Session
from .command import Command
from .options import Arguments


class Asked(NamedTuple):
    """An address that the user asked for."""

    address: int
    expression: str
    piece: Optional[Piece]
    location: Optional[Location]  # None where there is no heap
    object: Optional[Object]
    symbol: str  # the symbol that it lies in, "" where none is known


class Map(NamedTuple):
    pieces: List[Piece]
    asked: Optional[Asked]
    matched: int  # pieces that there are


def run(session: Session, arguments: Arguments) -> Result:
    lens, no_heap = session.memory
    stacks = [StackPlace(sp, f'thread {number}' + (f' "{name}"' if name else ""))
              for number, name, sp in session.target.stack_pointers()]
    warnings = []
    sections = session.target.sections()
    if not any(section.file == "" for section in sections):
        warnings.append("the program's file is not known: text, rodata, data and bss are told "
                        "apart by the permissions of its memory.")
    if no_heap:
        warnings.append(no_heap)
    found = pieces(lens.regions(), sections, session.identity.executable,
                   [] if no_heap else _places(session), stacks)
    if not no_heap:
        found = [_named(session, piece) for piece in found]
    asked = None
    if arguments.expression:
        asked = _ask(session, arguments.expression, found, not no_heap)
    limit = arguments.count("limit") or len(found)  # a map is whole where nobody cuts it
    return Result(Map(found[:limit], asked, len(found)), EXACT, warnings)


def _places(session: Session) -> List[HeapPlace]:
    """The arenas, and the collector's memory beside each."""
    numbers = session.arena_numbers()
    found = []
    for arena in session.lens.arenas():
        owner = Owner(arena.heap, session.heap_label(arena.heap))
        found.append(HeapPlace(arena.address, arena.address + arena.bytes, "arena",
                               f"{owner.label}, arena {numbers[arena.position]}", owner))
        if arena.side_bytes:
            found.append(HeapPlace(arena.side, arena.side + arena.side_bytes, "other",
                                   f"{owner.label}, the collector's", owner))
    return found


def _named(session: Session, piece: Piece) -> Piece:
    """What nobody named may be a heap's own memory."""
    if piece.kind != "other" or piece.name:
        return piece
    if piece.perms == "---":
        return piece._replace(name="no access")
    location = session.lens.locate(piece.start)
    if location.place == "heap_meta":
        owner = Owner(location.heap, session.heap_label(location.heap))
        return piece._replace(name=f"{owner.label}, metadata", owner=owner)
    return piece


def _ask(session: Session, expression: str, found: List[Piece], heap: bool) -> Asked:
    address = session.address_of(expression)
    piece = next((each for each in found if each.start <= address < each.end), None)
    location = session.lens.locate(address) if heap else None
    row = None
    if location is not None and location.place in ("object", "dying"):
        row = session.lens.object_at(location.base)
    return Asked(address, expression, piece, location,
                 None if row is None else session.describe(row),
                 session.target.symbol_at(address))


def document(found: Map) -> Any:
    record: Dict[str, Any] = {"regions": [
        {"start": json_doc.address(piece.start), "end": json_doc.address(piece.end),
         "kind": piece.kind, "name": piece.name, "perms": piece.perms}
        for piece in found.pieces]}
    if found.asked is not None:
        asked = found.asked
        record["address"] = {
            "addr": json_doc.address(asked.address),
            "kind": None if asked.piece is None else asked.piece.kind,
            "place": "nothing" if asked.location is None else asked.location.place,
            "symbol": asked.symbol or None,
            "object": None if asked.object is None else json_doc.object_record(asked.object)}
    return record


def lines(found: Map, page: Page) -> Iterator[str]:
    mark = None
    if found.asked is not None:
        mark = (found.asked.address, found.asked.expression)
    drawn = blocks(found.pieces)
    yield from draw(drawn, page, mark)
    if found.asked is not None:
        yield _answer(found.asked, page)
        return
    yield from objects.closing(len(found.pieces), found.matched, "region", page)
    summed = ", ".join(f"{kind} {units.size(size)}"
                       for kind, size in totals(found.pieces).items())
    yield f"{summed}."
    several = any(block.kind == "arena" and len(block.pieces) > 1 for block in drawn)
    arenas = ", cairn arenas" if several else ""
    yield objects.hint(f"Next: cairn map &VARIABLE, cairn map FUNCTION, cairn map OBJECT{arenas}",
                       page)


def _answer(asked: Asked, page: Page) -> str:
    """Where the address is, in one sentence."""
    named = f"{asked.address:#x}"
    if asked.expression != named:
        named = f"{asked.expression} ({named})"
    if asked.piece is None:
        return f"{named} is not mapped: nothing is there."
    piece = asked.piece
    where = f"{named} is in {_of(piece)}"
    if asked.location is not None and asked.object is not None:
        row = asked.object
        offset = asked.location.offset
        inside = f"{offset} bytes into" if offset else "the start of"
        return f"{where}, {inside} {objects.one_line(row, page)}."
    block = None if asked.location is None else {
        "buffer": "in a buffer that an object owns", "freed": "in a block that was freed",
        "quarantined": "in a block that was freed and is in quarantine",
        "touched": "in a block that was freed, and retained since, it seems",
        "fresh": "in a block that was never used", "free_page": "in a free page",
        "arena_meta": "in the arena's own page table", "heap_meta": "in a heap's metadata",
        "damaged": "in a damaged block or page"}.get(asked.location.place)
    if block is not None:
        return f"{where}, {block}."
    return f"{where}: {asked.symbol}." if asked.symbol else f"{where}."


def _of(piece: Piece) -> str:
    """The piece, as a sentence calls it."""
    return {
        "text": "text, the program's code", "rodata": "rodata, the program's constants",
        "data": "data, variables of the program", "bss": "bss, variables that began as zero",
        "heap": "the heap that malloc hands out", "arena": f"an arena ({piece.name})",
        "stack": f"the stack of {piece.name}", "library": f"the library {piece.name}",
    }.get(piece.kind, f"{piece.name or 'an anonymous mapping'} ({piece.perms})")


COMMAND = Command(
    name="map",
    summary="Draw the memory layout of the process, or say where an address is.",
    argument="[ADDRESS]",
    run=run, document=document, lines=lines,
    details="""
High addresses stand at the top, as most textbooks have it: the stack grows down, the heap grows
up.  Each row is one block with the address of its first byte; a dotted line is a gap.  The arenas
of a heap share a row where only heaps lie between them (`cairn arenas` and -json have each).

  text      the program's code              heap      what malloc hands out
  rodata    its constants                   arena     what Cairn hands out: counted objects
  data      its variables with a value      library   a shared library, code and data
  bss       its variables that begin as 0   stack     the locals of each call, one a thread

ADDRESS is any expression: &variable, a function, a pointer; an address in an object says which.
A program without a Cairn heap has a map as well.""",
    examples=(("cairn map", "the whole process"),
              ("cairn map &counter", "where a variable lies"),
              ("cairn map main", "where a function's code lies"),
              ("cairn map x", "where the object that x points to lies")))
