"""Cycles as text: a ring, a slot a line; the slot to make weak; who closed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, List, Optional, Sequence

from .. import units
from ..records import CycleBreak, CycleGroup
from ..render import objects
from ..render.page import Page
from ..session import tracked

if TYPE_CHECKING:
    from .cycles import Found, Row

OTHERS_NAMED = 3  # slots that would do as well as the best one
STEPS_NAMED = 6  # of a ring, in its head line


def best_of(breaks: Sequence[CycleBreak]) -> Optional[CycleBreak]:
    return next((one for one in breaks if one.tried), None)


def lines(found: Found, page: Page) -> Iterator[str]:
    if found.answer:
        yield found.answer
        return
    for number, row in reversed(list(enumerate(found.rows, 1))):
        yield f"{objects.label(number)}  {_head(row, found.grouped, page)}"
        for line in _ring(row, page):
            yield "    " + line
        yield "    " + _advice(row, page)
        if row.store is not None:
            yield "    " + _stored(row, page)
    word = "kind of cycle" if found.grouped else "cycle"
    many = "kinds of cycles" if found.grouped else ""
    if len(found.rows) < found.matched:
        yield page.style("quiet", f"{units.number(len(found.rows))} of "
                         f"{units.counted(found.matched, word, many)} shown; -limit 0 shows all.")
    yield _sums(found, page)
    if found.rows and not found.tracked:
        yield page.style("quiet", "CAIRN_TRACK=sites,events names the lines that stored these.")
    if found.rows:
        yield objects.hint(_next(found), page)


def _next(found: Found) -> str:
    alike = next((number for number, row in enumerate(found.rows, 1) if row.group.cycles > 1), 0)
    more = f"cairn cycles @{alike} -all, " if found.grouped and alike else ""
    return f"Next: {more}cairn show @1, cairn referrers @1, cairn collect"


def _head(row: Row, grouped: bool, page: Page) -> str:
    cycle, group = row.cycle, row.group
    what = page.style("bad", "garbage") if cycle.garbage else "live"
    if grouped and group.cycles > 1:
        return (f"{what}: {page.style('heading', units.counted(group.cycles, 'cycle'))} like this: "
                f"{_shape(row, page)}, {_each(group)}, {units.size(group.bytes)}"
                f"{_outside(row, group)}")
    like = ""
    if not grouped and group.cycles > 1:
        like = f"; {units.number(group.cycles - 1)} more like it"
    return (f"{what}: {units.counted(cycle.objects, 'object')}, {units.size(cycle.bytes)}"
            f"{_outside(row, None)}{like}")


def _each(group: CycleGroup) -> str:
    if group.least == group.most:
        return f"of {units.counted(group.least, 'object')} each"
    return f"of {units.number(group.least)} to {units.counted(group.most, 'object')}"


def _outside(row: Row, group: Optional[CycleGroup]) -> str:
    held = row.opened.outside_refs
    if not held:
        return ""
    if group is not None:
        return "; held from elsewhere too" if row.cycle.garbage else "; held from outside"
    if row.cycle.garbage:
        return f"; {units.counted(held, 'reference')} of their counts from elsewhere"
    return f"; {units.counted(held, 'reference')} from outside"


def slot_text(name: str) -> str:
    """`.next`, `[3]`, `["user:17"]`: as it stands behind the object that it is in."""
    return name if name.startswith(("[", "+", "key ")) else f".{name}"


def _shape(row: Row, page: Page) -> str:
    """`session.peer -> session.peer`: the ring by types and slots."""
    arrow = " -> " if page.ascii else " → "
    steps: List[str] = []
    for slot in row.slots[:min(row.opened.ring, STEPS_NAMED)]:
        name = slot.reference.slot_name
        steps.append(slot.holder.type_name + ("[]" if name.startswith("[") else slot_text(name)))
    if row.opened.ring > len(steps):
        steps.append(page.ellipsis)
    return arrow.join(steps)


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
    best = best_of(row.breaks)
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
    whole = "all of it would go"
    if row.group.cycles > 1:
        whole += ", and all that are like it" if row.breaks_all else " (of this one)"
    return f"If {what}{uses}, {whole}.{_others(row, best, page)}{untried}"


def _others(row: Row, best: CycleBreak, page: Page) -> str:
    """The slots that would do as well; one that owns is none of them, where another does not."""
    alike = [one for one in row.breaks if one is not best and one.tried
             and one.objects == best.objects]
    wanted = [one for one in alike if one.owner == best.owner]
    said = ""
    if wanted:
        listed = ", ".join(_named(one, page) for one in wanted[:OTHERS_NAMED])
        more = f" or {len(wanted) - OTHERS_NAMED} more" if len(wanted) > OTHERS_NAMED else ""
        said = f"  So would it with {listed}{more}."
    owners = [one for one in alike if one.owner and not best.owner]
    if owners:
        listed = ", ".join(_named(one, page) for one in owners[:OTHERS_NAMED])
        own = "owns what it holds" if len(owners) == 1 else "own what they hold"
        said += f"  ({listed} {own}.)"
    return said


def _stored(row: Row, page: Page) -> str:
    store = row.store
    assert store is not None
    others = ""
    if store.others:
        others = "; or at " + ", ".join(tracked.place_text(place)
                                        for place in store.others[:OTHERS_NAMED])
    best = best_of(row.breaks)
    assert best is not None
    last = "last " if best.slots > 1 else ""
    return (f"{_named(best, page)} of this ring was {last}stored at "
            f"{tracked.place_text(store.place)} ({store.sureness}{others}).")


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
