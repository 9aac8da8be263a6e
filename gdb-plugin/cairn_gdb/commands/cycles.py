"""`cairn cycles`: objects that hold each other, and the slot to make weak."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ..findings import cycle_stores
from ..findings.cycle_stores import Stored
from ..records import (TOLERANT, Cycle, CycleBreak, CycleGroup, CycleOpened, CycleSlot,
                       CyclesTotals, Object, Result, least_sure)
from ..render import json_doc
from ..session import Session
from . import cycles_text as shown
from .command import Command
from .options import Arguments, Option

OBJECTS_SHOWN = 20  # of each cycle, where -objects does not say else
STORES_MAX = 1000  # rows of which it is looked for who stored the slot's reference


class Row(NamedTuple):
    cycle: Cycle
    group: CycleGroup  # of the cycles like it
    objects: List[Object]  # along the ring, then the others; cut to -objects
    slots: List[CycleSlot]  # likewise
    opened: CycleOpened
    breaks: List[CycleBreak]  # the best one first
    breaks_all: bool  # the best one is known to let all of each cycle of the group go
    store: Optional[Stored]  # of the ring's references by the best slot the last one


class Found(NamedTuple):
    rows: List[Row]  # row N's first object is @N; the biggest first
    matched: int  # cycles; groups where they are grouped
    totals: CyclesTotals
    live: bool  # live ones are listed too
    grouped: bool  # a row stands for all cycles like it
    answer: str  # of one object that was asked of, where it is in no cycle
    tracked: bool  # events may tell of stores


def run(session: Session, arguments: Arguments) -> Result:
    lens = session.snapshot(edges=True)
    roots = session.roots()
    totals = lens.cycles(session.target.progress)
    live, every = arguments.flag("live"), arguments.flag("all")
    grouped = False
    answer = ""
    chosen: List[Tuple[Cycle, CycleGroup]] = []
    if arguments.expression.strip():
        chosen, matched, answer = _of_one(session, arguments)
    elif every or arguments.flag("json"):
        lens.group_cycles(live, session.target.progress)
        cycles, matched = lens.cycle_rows(live, arguments.limit)
        chosen = [(cycle, lens.cycle_group_of(cycle.number)) for cycle in cycles]
    else:
        grouped = True
        lens.group_cycles(live, session.target.progress)
        groups, matched = lens.cycle_groups(arguments.limit)
        chosen = [(lens.cycle(group.cycle), group) for group in groups]
    tracked = bool(chosen) and cycle_stores.known(session)
    most = arguments.count("objects", OBJECTS_SHOWN) or 0
    rows = [_look_into(session, cycle, group, most, tracked and number < STORES_MAX)
            for number, (cycle, group) in enumerate(chosen)]
    session.remember([row.objects[0].address for row in rows])
    exactness, warnings = session.exactness(), session.walk_warnings() + roots.warnings
    if not roots.complete:
        exactness = least_sure(exactness, TOLERANT)
    if tracked and len(rows) > STORES_MAX:
        warnings.append(f"which line stored a reference was looked for in the first {STORES_MAX:,} "
                        "rows.")
    return Result(Found(rows, matched, totals, live, grouped, answer, tracked), exactness,
                  warnings)


def _of_one(session: Session, arguments: Arguments
            ) -> Tuple[List[Tuple[Cycle, CycleGroup]], int, str]:
    """The cycle that an object is in, with -all those like it."""
    lens = session.lens
    row, _ = session.object(arguments.expression)
    index = lens.snapshot_find(row.address)
    number = None if index is None else lens.cycle_of(index)
    if number is None:
        return [], 0, (f"{row.type_name} {row.address:#x} is in no cycle: nothing that it holds "
                       "leads back to it.")
    lens.group_cycles(True, session.target.progress)
    group = lens.cycle_group_of(number)
    if not arguments.flag("all"):
        return [(lens.cycle(number), group)], 1, ""
    cycles, matched = lens.cycles_of_group(group.number, arguments.limit)
    return [(cycle, group) for cycle in cycles], matched, ""


def _look_into(session: Session, cycle: Cycle, group: CycleGroup, most: int, tracked: bool
               ) -> Row:
    lens = session.lens
    opened = lens.open_cycle(cycle.number, session.target.progress)
    slots = lens.cycle_slots(most)
    ring = [slot.holder for slot in slots[:opened.ring]]
    known = {row.address for row in ring}
    rest = [row for row in lens.cycle_objects(cycle.number, most) if row.address not in known]
    members = session.describe_all((ring + rest)[:most] if most else ring + rest)
    breaks = lens.cycle_breaks()
    best = shown.best_of(breaks)
    return Row(cycle, group, members, slots, opened, breaks,
               best is not None and lens.parts_group(group.number, best),
               _store(session, slots[:opened.ring], best) if tracked and best else None)


def _store(session: Session, ring: Sequence[CycleSlot], best: CycleBreak) -> Optional[Stored]:
    """Of the ring's references by the best slot the one that was stored last."""
    edges = [(slot.holder, slot.target) for slot in ring
             if (slot.holder.type, slot.slot, slot.part) ==
             (best.holder.type, best.slot, best.number)]
    if not edges and best.target is not None:
        edges = [(best.holder, best.target)]
    return cycle_stores.closing(session, edges)


# ---- JSON ---------------------------------------------------------------------------------------

def document(found: Found) -> Any:
    record = json_doc.listing([_row_record(row) for row in found.rows], found.matched)
    totals = found.totals
    record["garbage"] = {"cycles": totals.garbage_cycles, "objects": totals.garbage_objects,
                         "bytes": totals.garbage_bytes}
    record["live"] = {"cycles": totals.live_cycles, "objects": totals.live_objects,
                      "bytes": totals.live_bytes}
    if found.answer:
        record["answer"] = found.answer
    return record


def _row_record(row: Row) -> Dict[str, Any]:
    tried = [one for one in row.breaks if one.tried]
    best = None
    if tried:
        best = _break_record(tried[0], row.cycle)
        best.update(whole_group=row.breaks_all, **_store_record(row.store))
    return {"objects": [json_doc.object_record(each) for each in row.objects],
            "object_count": row.cycle.objects,
            "slots": [{"holder": json_doc.address(slot.holder.address),
                       "holder_type": slot.holder.type_name,
                       "slot": slot.reference.slot_name, "kind": slot.reference.kind,
                       "target": json_doc.address(slot.target.address),
                       "target_type": slot.target.type_name} for slot in row.slots],
            "slot_count": row.opened.slots, "ring": row.opened.ring,
            "bytes": row.cycle.bytes, "garbage": row.cycle.garbage,
            "outside_refs": row.opened.outside_refs,
            "group": row.group.number, "alike": row.group.cycles,
            "break": best,
            "breaks": [_break_record(one, row.cycle) for one in tried],
            "breaks_untried": row.opened.untried}


def _break_record(one: CycleBreak, cycle: Cycle) -> Dict[str, Any]:
    record = {"type": one.type_name, "slot": one.name,
              "holder": json_doc.object_record(one.holder), "slots": one.slots,
              "objects": one.objects, "bytes": one.bytes, "whole": one.objects == cycle.objects,
              "builtin": one.builtin, "owner": one.owner}
    if one.part:
        record["part"] = one.part
    return record


def _store_record(store: Optional[Stored]) -> Dict[str, Any]:
    if store is None:
        return {}
    record: Dict[str, Any] = {"site": json_doc.place_record(store.place),
                              "confidence": store.sureness,
                              "stored": {"holder": json_doc.address(store.holder.address),
                                         "target": json_doc.address(store.target.address)}}
    if store.others:
        record["or"] = [json_doc.place_record(place) for place in store.others]
    return record


COMMAND = Command(
    name="cycles",
    summary="List the objects that hold each other, and which slot to make weak.",
    argument="[OBJECT]",
    run=run, document=document, lines=shown.lines,
    options=(Option("live", "flag", "list cycles that are reached from roots, too"),
             Option("all", "flag", "a row for each cycle, those that are alike too"),
             Option("objects", "count", "at most N objects and slots of each cycle; 0: all", "N")),
    details="""
A cycle is a set of objects each of which holds, directly or through others, all the others: a
strongly connected set.  Its objects do not go when the last reference from outside goes; the
collector must find them, or a slot must be weak.  Listed are those that no root leads to, the
biggest by the prompt; @N is the first object of row N.  What only hangs on a cycle is not part of
it.  Cycles in which the same slots lead to the same types are one row, however many objects each
has; shown is the largest.  With OBJECT, the cycle that it is in, and with -all those like it.

Shown is a shortest ring in it, and the declared slot that, if it were weak in all objects of its
type, would let most of the cycle go once nothing outside holds it.  Among equals come last the
slots that own: what they hold, anywhere in the heap, nobody else holds.  Then comes first the slot
with the fewest references, and the one that leads back to lower addresses: what was made later
mostly belongs to what was made before.  Whether the program can live with it is for its author to
say.  With CAIRN_TRACK=sites,events the line that stored the slot's reference of the ring, the last
where there are several, is named, and how sure that is.

References from outside are what the counts own beyond the references within the cycle.  Of garbage
they come from elsewhere: from other garbage, or from nowhere, as a release is missing; in that
case the collector does not free it.  `cairn leaks` and `cairn audit` say which.  What the collector
frees is garbage even where a root points to it: the counts say that the root does not own it.
Bytes are those of the objects and of the buffers that they own.
""".rstrip(),
    examples=(("cairn cycles", "what the collector should find, and why"),
              ("cairn cycles @1 -all", "all cycles like the one of row 1"),
              ("cairn cycles -live", "rings of the program's own that will need it"),
              ("cairn cycles -objects 0 -json", "every object and slot, for a program")))
