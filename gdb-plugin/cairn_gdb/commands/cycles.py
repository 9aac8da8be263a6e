"""`cairn cycles`: objects that hold each other, and the slot to make weak."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from ..options import Arguments, Option
from ..records import (TOLERANT, Cycle, CycleBreak, CycleOpened, CycleSlot, CyclesTotals, Object,
                       Result, least_sure)
from ..render import json_doc, objects, units
from ..render.page import Page
from ..session import Session
from .command import Command

OBJECTS_SHOWN = 20  # of each cycle, where -objects does not say else
OTHERS_NAMED = 3  # slots that would do as well as the best one


class Row(NamedTuple):
    cycle: Cycle
    objects: List[Object]  # along the ring, then the others; cut to -objects
    slots: List[CycleSlot]  # likewise
    opened: CycleOpened
    breaks: List[CycleBreak]  # the best one first


class Found(NamedTuple):
    rows: List[Row]  # row N's lowest object is @N; the biggest first
    matched: int
    totals: CyclesTotals
    live: bool  # live ones are listed too


def run(session: Session, arguments: Arguments) -> Result:
    lens = session.snapshot(edges=True)
    roots = session.roots()
    totals = lens.cycles(session.target.progress)
    live = arguments.flag("live")
    most = arguments.count("objects", OBJECTS_SHOWN) or 0
    cycles, matched = lens.cycle_rows(live, arguments.limit)
    rows = [_look_into(session, cycle, most) for cycle in cycles]
    session.remember([row.objects[0].address for row in rows])
    exactness = session.exactness()
    if not roots.complete:
        exactness = least_sure(exactness, TOLERANT)
    return Result(Found(rows, matched, totals, live), exactness,
                  session.walk_warnings() + roots.warnings)


def _look_into(session: Session, cycle: Cycle, most: int) -> Row:
    lens = session.lens
    opened = lens.open_cycle(cycle.number, session.target.progress)
    slots = lens.cycle_slots(most)
    ring = [slot.holder for slot in slots[:opened.ring]]
    known = {row.address for row in ring}
    rest = [row for row in lens.cycle_objects(cycle.number, most) if row.address not in known]
    members = session.describe_all((ring + rest)[:most] if most else ring + rest)
    return Row(cycle, members, slots, opened, lens.cycle_breaks())


# ---- JSON ---------------------------------------------------------------------------------------

def document(found: Found) -> Any:
    record = json_doc.listing([_row_record(row) for row in found.rows], found.matched)
    totals = found.totals
    record["garbage"] = {"cycles": totals.garbage_cycles, "objects": totals.garbage_objects,
                         "bytes": totals.garbage_bytes}
    record["live"] = {"cycles": totals.live_cycles, "objects": totals.live_objects,
                      "bytes": totals.live_bytes}
    return record


def _row_record(row: Row) -> Dict[str, Any]:
    tried = [one for one in row.breaks if one.tried]
    return {"objects": [json_doc.object_record(each) for each in row.objects],
            "object_count": row.cycle.objects,
            "slots": [{"holder": json_doc.address(slot.holder.address),
                       "slot": slot.reference.slot_name, "kind": slot.reference.kind,
                       "target": json_doc.address(slot.target.address)} for slot in row.slots],
            "slot_count": row.opened.slots, "ring": row.opened.ring,
            "bytes": row.cycle.bytes, "garbage": row.cycle.garbage,
            "outside_refs": row.opened.outside_refs,
            "break": _break_record(tried[0], row.cycle) if tried else None,
            "breaks": [_break_record(one, row.cycle) for one in tried],
            "breaks_untried": row.opened.untried}


def _break_record(one: CycleBreak, cycle: Cycle) -> Dict[str, Any]:
    record = {"type": one.type_name, "slot": one.name,
              "holder": json_doc.object_record(one.holder), "slots": one.slots,
              "objects": one.objects, "bytes": one.bytes, "whole": one.objects == cycle.objects,
              "builtin": one.builtin}
    if one.part:
        record["part"] = one.part
    return record


# ---- text ---------------------------------------------------------------------------------------

def lines(found: Found, page: Page) -> Iterator[str]:
    for number, row in reversed(list(enumerate(found.rows, 1))):
        yield f"{objects.label(number)}  {_head(row, page)}"
        for line in _ring(row, page):
            yield "    " + line
        yield "    " + _advice(row, page)
    yield from objects.closing(len(found.rows), found.matched, "cycle", page)
    yield _sums(found, page)
    if found.rows:
        yield objects.hint("Next: cairn show @1, cairn referrers @1, cairn collect", page)


def _head(row: Row, page: Page) -> str:
    cycle = row.cycle
    what = page.style("bad", "garbage") if cycle.garbage else "live"
    held = row.opened.outside_refs
    outside = ""
    if held and cycle.garbage:
        outside = f"; {units.counted(held, 'reference')} of their counts from elsewhere"
    elif held:
        outside = f"; {units.counted(held, 'reference')} from outside"
    return f"{what}: {units.counted(cycle.objects, 'object')}, {units.size(cycle.bytes)}{outside}"


def slot_text(name: str) -> str:
    """`.next`, `[3]`, `["user:17"]`: as it stands behind the object that it is in."""
    return name if name.startswith(("[", "+", "key ")) else f".{name}"


def _ring(row: Row, page: Page) -> Iterator[str]:
    """The ring, a slot a line, and how much there is beside it."""
    arrow = "->" if page.ascii else "→"
    ring = row.slots[:row.opened.ring]
    named = {each.address: each for each in row.objects}
    first = row.objects[0]
    indent = len("    ")
    yield objects.one_line(first, page, indent)
    for slot in ring:
        target = named.get(slot.target.address, slot.target)
        back = slot.target.address == first.address
        plain = slot_text(slot.reference.slot_name)
        name = page.style("variable", plain)
        kind = "" if slot.reference.kind == "strong" else f" ({slot.reference.kind})"
        used = indent + len(f"  {plain}{kind} {arrow} ")
        text = (f"{page.style('type', target.type_name)} "
                f"{page.style('address', hex(target.address))}" if back else
                objects.one_line(target, page, used))
        yield f"  {name}{kind} {arrow} {text}{', the first one' if back else ''}"
    if len(ring) < row.opened.ring:
        yield f"  {page.ellipsis} {units.number(row.opened.ring - len(ring))} more on the ring"
    beside = row.cycle.objects - row.opened.ring
    slots = row.opened.slots - row.opened.ring
    if beside or slots:
        more = f"{units.counted(beside, 'object')} and " if beside else ""
        yield (f"  and {more}{units.counted(slots, 'reference')} between them beside this "
               "shortest ring")


def _named(one: CycleBreak, page: Page) -> str:
    name = f"{one.type_name}{slot_text(one.name)}"
    if one.part:
        name += f" ({one.part}s)"
    return page.style("variable", name)


def _advice(row: Row, page: Page) -> str:
    """Which slot to make weak, and what then goes."""
    best: Optional[CycleBreak] = next((one for one in row.breaks if one.tried), None)
    untried = (f"  ({units.counted(row.opened.untried, 'slot')} with fewer references not tried)"
               if row.opened.untried else "")
    if best is None:
        return "No declared slot is part of it: only words of opaque objects are." + untried
    if best.objects == 0:
        return ("No single slot lets anything go: each object is in several rings." + untried)
    what = f"{_named(best, page)} were weak"
    if best.builtin:
        what = f"{_named(best, page)} held a weakref or nothing"
    uses = f" ({units.number(best.slots)} references)" if best.slots > 1 else ""
    if best.objects < row.cycle.objects:
        return (f"No single slot lets all go.  If {what}{uses}, "
                f"{units.counted(best.objects, 'object')} would, {units.size(best.bytes)}."
                + untried)
    alike = [one for one in row.breaks[1:] if one.tried and one.objects == best.objects]
    others = ""
    if alike:
        listed = ", ".join(_named(one, page) for one in alike[:OTHERS_NAMED])
        more = f" or {len(alike) - OTHERS_NAMED} more" if len(alike) > OTHERS_NAMED else ""
        others = f"  So would it with {listed}{more}."
    return f"If {what}{uses}, all of it would go.{others}{untried}"


def _sums(found: Found, page: Page) -> str:
    totals = found.totals
    if totals.garbage_cycles:
        text = (f"{units.counted(totals.garbage_cycles, 'cycle')} of garbage: "
                f"{units.counted(totals.garbage_objects, 'object')}, "
                f"{units.size(totals.garbage_bytes)}")
        said = page.style("bad", text) + "."
    else:
        said = page.style("good", "No cycle is garbage") + "."
    live = (f"  {units.counted(totals.live_cycles, 'live cycle')}: "
            f"{units.counted(totals.live_objects, 'object')}, {units.size(totals.live_bytes)}"
            if totals.live_cycles else "  No live cycle")
    hint = "; -live lists them." if totals.live_cycles and not found.live else "."
    return said + live + hint


COMMAND = Command(
    name="cycles",
    summary="List the objects that hold each other, and which slot to make weak.",
    run=run, document=document, lines=lines,
    options=(Option("live", "flag", "list cycles that are reached from roots, too"),
             Option("objects", "count", "at most N objects and slots of each cycle; 0: all", "N")),
    details="""
A cycle is a set of objects each of which holds, directly or through others, all the others: a
strongly connected set.  Its objects do not go when the last reference from outside goes; the
collector must find them, or a slot must be weak.  Listed are those that no root leads to, the
biggest by the prompt; row N's @N is the lowest object of the cycle.  What only hangs on a cycle is
not part of it.

Shown is a shortest ring in it, and the declared slot that, if it were weak in all objects of its
type, would let most of the cycle go once nothing outside holds it.  Among equals comes first the
slot with the fewest references, and then the one that leads back to lower addresses: what was
made later mostly belongs to what was made before.  Whether the program can live with it is for
its author to say.

References from outside are what the counts own beyond the references within the cycle.  Of garbage
they come from elsewhere: from other garbage, or from nowhere, as a release is missing; in that
case the collector does not free it.  `cairn leaks` and `cairn audit` say which.  Words that merely
look like a root keep a cycle from being called garbage.  Bytes are those of the objects and of the
buffers that they own.
""".rstrip(),
    examples=(("cairn cycles", "what the collector should find, and why"),
              ("cairn cycles -live", "rings of the program's own that will need it"),
              ("cairn cycles -objects 0 -json", "every object and slot, for a program")))
