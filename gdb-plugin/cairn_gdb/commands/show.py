"""`cairn show OBJECT`: one object, its value, its fields, and what explains its count."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple, Union

from .. import units
from ..findings import accounting
from ..findings.accounting import Accounting
from ..records import Field, Heap, Object, Reference, Result, Type, least_sure
from ..render import json_doc, objects
from ..render.accounts import explanation
from ..render.page import Page
from ..session import Session, tracked
from ..session.tracked import Tracked
from .command import Command
from .options import Arguments, Option


LAST_EVENTS = 8  # of the object, that are shown


class Slot(NamedTuple):
    """A reference of the object and what it leads to."""

    reference: Reference
    target: Optional["Shown"]  # None: no live object is there


class Shown(NamedTuple):
    """An object with its fields as deep as was asked."""

    object: Object
    fields: Sequence[Field] = ()
    slots: Sequence[Slot] = ()
    left_out: int = 0  # fields and slots that the limit cut
    builtin: bool = False  # its value says what its plain fields say
    again: bool = False  # its fields stand further up already


class Answer(NamedTuple):
    shown: Shown
    type: Type
    heap: str
    interior: int  # how far behind the object's start the address was
    accounting: Accounting
    known: str  # what it is, where the runtime keeps it for itself
    held_from: List[Tuple[Heap, int]]  # of a shared object: strong slots by the heap they are in
    tracked: Optional[Tracked] = None  # where the program tracks its heap
    external_bytes: int = 0  # that it keeps outside the heap


def run(session: Session, arguments: Arguments) -> Result:
    row, location = session.object(arguments.expression)
    depth = arguments.count("depth", 1) or 0
    shown = _look(session, row, depth, arguments.limit, set())
    account = accounting.of(session, row)
    answer = Answer(shown, session.lens.type(row.type), session.heap_label(row.heap),
                    location.offset, account, session.runtime_name(row),
                    _held_from(session, row),
                    tracked.of(session, row.address, LAST_EVENTS),
                    session.lens.external_bytes(row.heap, row.address))
    return Result(answer, least_sure(account.exactness, session.exactness()), account.warnings)


def _held_from(session: Session, row: Object) -> List[Tuple[Heap, int]]:
    """How many slots of which heaps' objects hold a shared object."""
    if "shared" not in row.state:
        return []
    slots: Dict[int, int] = {}
    rows, _ = session.lens.referrers(row.address, 0, session.target.progress)
    for one in rows:
        holder = session.lens.object_at(one.holder)
        if holder is not None and one.reference.kind == "strong":
            slots[holder.heap] = slots.get(holder.heap, 0) + 1
    heaps = sorted(session.lens.heaps(), key=lambda heap: heap.id)
    return [(heap, slots[heap.position]) for heap in heaps if heap.position in slots]


def _look(session: Session, row: Object, depth: int, limit: int, seen: Set[int]) -> Shown:
    """The object and, down to `depth`, what its slots hold; each object's fields once."""
    described = session.describe(row)
    if depth <= 0:
        return Shown(described)
    if row.address in seen:
        return Shown(described, again=True)
    seen.add(row.address)
    fields, field_count = session.lens.fields(row.address, 0, limit)
    references, reference_count = session.lens.references(row.address, 0, limit)
    slots = []
    for reference in references:
        target = session.lens.object_at(reference.target)
        slots.append(Slot(reference, None if target is None else
                          _look(session, target, depth - 1, limit, seen)))
    left_out = field_count - len(fields) + reference_count - len(references)
    return Shown(described, fields, slots, left_out, session.lens.type(row.type).builtin)


# ---- JSON ---------------------------------------------------------------------------------------

def document(found: Answer) -> Any:
    record = _record(found.shown)
    record["heap"] = found.heap
    record["accounting"] = json_doc.account_record(
        found.accounting.account, found.accounting.doubts)
    if "shared" in found.shown.object.state:
        record["held_from"] = [{"heap": heap.id, "name": heap.name, "slots": slots}
                               for heap, slots in found.held_from]
    if found.external_bytes:
        record["external_bytes"] = found.external_bytes
    if found.tracked is not None:
        record.update(json_doc.track_record(found.tracked))
    return record


def _record(shown: Shown) -> Dict[str, Any]:
    record = json_doc.object_record(shown.object)
    fields: List[Dict[str, Any]] = [
        {"name": each.name, "kind": each.kind, "value": _plain(each)} for each in shown.fields]
    for slot in shown.slots:
        fields.append({"name": slot.reference.slot_name, "kind": slot.reference.kind,
                       "value": None if slot.target is None else _record(slot.target)})
    if fields or not shown.again:
        record["fields"] = fields
    if shown.left_out:
        record["fields_left_out"] = shown.left_out
    return record


def _plain(one: Field) -> Union[int, float, bool, str]:
    """A plain field's value as JSON has it, where its text is a number."""
    try:
        if one.kind in ("uint", "sint"):
            return int(one.text)
        if one.kind == "float":
            number = float(one.text)
            return number if number - number == 0 else one.text  # JSON has no inf and no nan
    except ValueError:
        return one.text
    if one.kind == "bool" and one.text in ("true", "false"):
        return one.text == "true"
    return one.text


# ---- text ---------------------------------------------------------------------------------------

def lines(found: Answer, page: Page) -> Iterator[str]:
    row = found.shown.object
    yield (f"{page.style('type', row.type_name)} at {page.style('address', hex(row.address))} in "
           f"{found.heap}, {units.size(row.size_bytes)}, {objects.count_word(row)}"
           f"{_states(row)}{', ' + found.known if found.known else ''}")
    if found.interior:
        yield page.style("quiet", f"  (the address given is {found.interior} bytes behind its "
                         "start)")
    fields = found.shown.fields
    if row.value and not (len(fields) == 1 and fields[0].text == row.value):
        yield f"  {objects.value(row)}"
    yield from _field_lines(found.shown, fields, page, "  ")
    yield from explanation(found.accounting, page)
    if found.external_bytes:
        yield f"  keeps {units.size(found.external_bytes)} outside the heap"
    if found.held_from:
        heaps = ", ".join(f"{heap.name or f'heap {heap.id}'} ({units.counted(slots, 'slot')})"
                          for heap, slots in found.held_from)
        yield f"  held from objects in {heaps}"
    if found.tracked is not None:
        yield from _track_lines(found.tracked, page)
    yield objects.hint(f"Next: cairn referrers {row.address:#x}, cairn refs {row.address:#x}",
                       page)


def _track_lines(known: Tracked, page: Page) -> Iterator[str]:
    """The object's identity, who allocated it, and what happened to it last."""
    by = f", allocated at {tracked.place_text(known.allocated[0])}" if known.allocated else ""
    yield f"  serial {known.track.serial}{by}"
    for place in known.allocated[1:]:
        yield page.style("quiet", f"    called from {tracked.place_text(place)}")
    if not known.events:
        return
    shown = len(known.events)
    cut = (f" (the last {shown} of {units.number(known.event_count)})"
           if shown < known.event_count else "")
    yield f"  events{cut}:"
    if known.lost and shown == known.event_count:
        yield page.style("quiet", f"    (what was before is lost: {units.number(known.lost)} "
                         "events of the heap were overwritten)")
    for event, at in known.events:
        caught = " (it was dead)" if event.caught else ""
        yield (f"    {units.number(event.sequence).rjust(8)}  {event.op.ljust(8)}  rc "
               f"{units.number(event.refcount).ljust(4)}  {tracked.place_text(at)}, "
               f"thread {event.thread}{caught}")


def _states(row: Object) -> str:
    words = {"dying": "dying: its slots are being cleared", "held": "held by the runtime",
             "candidate": "a candidate of the collector", "finalized": "finalized",
             "weakly": "weakly referred to", "interned": "interned", "damaged": "damaged",
             "saturated": "its count is saturated", "shared": "shared by threads"}
    said = [text for state, text in words.items() if state in row.state]
    return f" ({', '.join(said)})" if said else ""


def _field_lines(shown: Shown, fields: Sequence[Field], page: Page, indent: str
                 ) -> Iterator[str]:
    names = [each.name for each in fields] + [
        slot.reference.slot_name for slot in shown.slots]
    width = min(32, max((len(name) for name in names), default=0))
    for each in fields:
        yield f"{indent}{page.style('variable', each.name.ljust(width))}  {each.text}"
    for slot in shown.slots:
        name = page.style("variable", slot.reference.slot_name.ljust(width))
        kind = "" if slot.reference.kind == "strong" else f"({slot.reference.kind}) "
        if slot.target is None:
            place = slot.reference.target_place.replace("_", " ")
            yield (f"{indent}{name}  {kind}{slot.reference.target:#x} "
                   f"{page.style('bad', f'no live object: {place}')}")
            continue
        again = page.style("quiet", "  (see above)") if slot.target.again else ""
        used = len(indent) + max(width, len(slot.reference.slot_name)) + 2 + len(kind)
        yield f"{indent}{name}  {kind}{objects.one_line(slot.target.object, page, used)}{again}"
        fields = () if slot.target.builtin else slot.target.fields
        yield from _field_lines(slot.target, fields, page, indent + "    ")
    if shown.left_out:
        yield page.style("quiet", f"{indent}{units.number(shown.left_out)} more left out; "
                         "-limit 0 shows all.")


COMMAND = Command(
    name="show",
    summary="Show one object: its value, its fields, and what explains its count.",
    argument="OBJECT",
    run=run, document=document, lines=lines,
    options=(Option("depth", "count", "how many levels of references to follow (1)", "N"),),
    details="""
A plain field shows its value, a reference the object that it holds.  The last lines say who
accounts for the count: slots of other objects, the runtime itself, and roots (variables,
registers, other memory of the program).""",
    examples=(("cairn show x", "the object that x points to"),
              ("cairn show node->left -depth 3", "and what it holds, three levels deep"),
              ("cairn show @1", "row 1 of the last listing"),
              ("cairn show 0x7ffff7a00040 -json", "for a program")))
