"""`cairn history OBJECT`: what happened to an object, as far as the program recorded it."""

from typing import Any, Iterator, NamedTuple

from .. import tracked
from ..errors import CairnError
from ..options import Arguments
from ..records import Result
from ..render import json_doc, objects, units
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import Session
from ..tracked import Tracked
from .command import Command

EVERYTHING = 1 << 28  # more than any ring holds


class Found(NamedTuple):
    address: int
    type_name: str
    tracked: Tracked


def run(session: Session, arguments: Arguments) -> Result:
    address = session.address_of(arguments.expression)
    known = tracked.of(session, address, arguments.limit or EVERYTHING)
    if known is None or not known.track.serial:
        session.object_at(address, arguments.expression.strip())  # says why there is no object
        raise CairnError(f"{address:#x}: nothing was recorded of it.  Run the program with "
                         "CAIRN_TRACK=events in its environment, or call cairn_track_start.")
    heap = session.lens.tracking(known.track.heap)
    if heap is None or "events" not in heap.switches:
        raise CairnError("Its heap records no events: run the program with CAIRN_TRACK=events in "
                         "its environment, or call cairn_track_start.")
    name = "" if known.track.type is None else session.lens.type(known.track.type).name
    return Result(Found(known.track.base, name, known))


def document(found: Found) -> Any:
    known = found.tracked
    rows = json_doc.event_records(known)
    record = json_doc.listing(rows, known.event_count)
    record.update(addr=json_doc.address(found.address), type=found.type_name,
                  serial=known.track.serial, events_lost=known.lost)
    return record


def lines(found: Found, page: Page) -> Iterator[str]:
    known = found.tracked
    gone = ", freed" if known.track.place in ("freed", "quarantined") else ""
    yield (f"{page.style('type', found.type_name)} at "
           f"{page.style('address', hex(found.address))}, serial {known.track.serial}{gone}")
    if known.lost:
        yield page.style("quiet", f"What was before is lost: {units.number(known.lost)} events of "
                         "the heap were overwritten.")
    table = Table(Column("event", right=True), Column(""), Column("count", right=True),
                  Column("thread", right=True), Column("where"))
    for event, place in known.events:
        table.add(units.number(event.sequence), event.op, units.number(event.refcount),
                  str(event.thread), tracked.place_text(place))
    yield from table.lines(page)
    yield from objects.closing(len(known.events), known.event_count, "event", page)


COMMAND = Command(
    name="history",
    summary="Show each retain and release of an object, with its line.",
    argument="OBJECT",
    run=run, document=document, lines=lines,
    details="""
For programs that track events (CAIRN_TRACK=events).  The last events of the object, the latest by
the prompt, with its count after each, the thread, and the line of the program.  What is freed
already has a history too, until its memory is used again; an address that was used again shows
only what happened to the object that is there now.  With -limit 0 all events that are left.""",
    examples=(("cairn history x", "who retained x, and who released it"),
              ("cairn history @1 -limit 0", "all that is left of row 1's")))
