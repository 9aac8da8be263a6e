"""`cairn history OBJECT`: what happened to an object, in pairs, and what is left over."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from .. import units
from ..errors import CairnError
from ..findings import accounting, pairing
from ..findings.pairing import Left
from ..records import GONE, Deed, Pairing, Result
from ..render import json_doc, objects
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import Session, tracked
from ..session.tracked import Tracked
from .command import Command
from .options import Arguments

EVERYTHING = 1 << 28  # more than any ring holds


class Found(NamedTuple):
    address: int
    type_name: str
    tracked: Tracked
    deeds: Dict[int, Deed]  # by the number of the event
    pairing: Optional[Pairing]
    left: List[Left]
    balance: str  # the verdict on its count; "" for one that was freed


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
    balance, exactness, warnings = _balance(session, known)
    paired = None
    if pairing.learn(session):
        paired = session.lens.pairing(known.track.heap, known.track.serial,
                                      session.target.progress)
    deeds = {deed.sequence: deed for deed in session.lens.deeds()} if paired else {}
    left = pairing.left(session, session.lens.unmatched()) if paired else []
    return Result(Found(known.track.base, name, known, deeds, paired, left, balance), exactness,
                  warnings)


def _balance(session: Session, known: Tracked) -> Tuple[str, str, List[str]]:
    """The verdict on its count ("" for one that was freed), and how sure that is.  All counts are
    judged: what other objects show tells which event goes with which."""
    lens = session.snapshot(edges=True)
    roots = session.roots()
    lens.audit("", not roots.complete, False, session.target.progress)
    row = lens.object_at(known.track.base) if known.track.place == "object" else None
    if row is None:
        return "", session.exactness(), session.walk_warnings() + roots.warnings
    found = accounting.of(session, row)
    return found.account.verdict, found.exactness, found.warnings


# ---- JSON ---------------------------------------------------------------------------------------

def document(found: Found) -> Any:
    known = found.tracked
    rows = json_doc.event_records(known)
    for record in rows:
        deed = found.deeds.get(record["seq"])
        record["paired"] = deed.partner if deed is not None and deed.partner else None
        if deed is not None and deed.fate != "none":
            record["fate"] = deed.fate
            if deed.guessed:
                record["guessed"] = True
            if deed.known:
                record["known"] = True
    record = json_doc.listing(rows, known.event_count)
    record.update(addr=json_doc.address(found.address), type=found.type_name,
                  serial=known.track.serial, events_lost=known.lost,
                  unmatched=json_doc.left_records(found.left))
    if found.pairing is not None:
        record["lost_refs"] = found.pairing.lost_refs
        record["gaps"] = found.pairing.gaps
    if found.balance:
        record["verdict"] = found.balance
    if known.allocated:
        record["allocated_at"] = json_doc.place_record(known.allocated[0])
    if known.freed:
        record["freed_at"] = json_doc.place_record(known.freed[0])
    return record


# ---- text ---------------------------------------------------------------------------------------

_FATES = {"held": "held now", "root": "held by a root, perhaps", "gone": "collected",
          "lost": "not kept", "unmatched": "nothing"}


def lines(found: Found, page: Page) -> Iterator[str]:
    known = found.tracked
    gone = ", freed" if known.track.place in GONE else ""
    yield (f"{page.style('type', found.type_name)} at "
           f"{page.style('address', hex(found.address))}, serial {known.track.serial}{gone}")
    if known.freed and gone:
        yield page.style("quiet", f"freed at {tracked.place_text(known.freed[0])}, thread "
                         f"{known.track.freed_thread}")
    if not known.events:
        yield (f"None of its events is left: {units.counted(known.lost, 'event')} of the heap were "
               "overwritten." if known.lost else
               "No event of it was recorded: it is older than the tracking, or the runtime's own.")
        return
    yield from _missing(found, page)
    table = Table(Column("event", right=True), Column(""), Column("count", right=True),
                  Column("thread", right=True), Column("goes with"), Column("for"), Column("where"))
    for event, place in known.events:
        goes_with = ("it was dead" if event.caught else
                     _goes_with(found.deeds.get(event.sequence)))
        table.add(units.number(event.sequence), event.op, units.number(event.refcount),
                  str(event.thread), goes_with,
                  page.style("address", hex(event.holder)) if event.holder else "",
                  tracked.place_text(place))
    yield from table.lines(page)
    yield from objects.closing(len(known.events), known.event_count, "event", page)
    yield from _legend(found, page)
    yield from _caught(found, page)
    yield from left_lines(found.left, page)
    if not found.left and found.pairing is not None:
        yield from _even(found, bool(gone), page)


_PAST = {"release": "Released", "retain": "Retained"}


def _caught(found: Found, page: Page) -> Iterator[str]:
    """What is known for certain of uses after the death, and what that says of the releases."""
    for event, place in found.tracked.events:
        if event.caught:
            yield (page.style("bad", f"{_PAST[event.op]} after its death") + ", for certain: event "
                   f"{units.number(event.sequence)}, {tracked.place_text(place)}.")
    releases = sum(event.caught and event.op == "release" for event, _ in found.tracked.events)
    if releases:
        were = "was" if releases == 1 else "were"
        yield (f"So {units.counted(releases, 'release')} in all {were} too many: that one, or an "
               "earlier one that gave back what that one still held"
               + (":" if found.left else "."))


def _even(found: Found, gone: bool, page: Page) -> Iterator[str]:
    """What it means that nothing is left over.  Of the dead it is no proof: a count that a release
    too many brought to 0 is as even as any other, and whoever still held it left no event."""
    if not gone:
        yield page.style("good", "Nothing is left over") + ": what was not given back is held."
        return
    if any(deed.fate == "gone" for deed in found.deeds.values()):
        yield "Nothing is left over: what was not given back went with its collection."
        return
    paired = found.pairing
    if paired is not None and not (paired.gaps or paired.cut or paired.lost_refs):
        yield "It was given back as often as it was taken, and no object refers to it now."
    yield page.style("quiet", "Did it die too early, then one of these releases gave back what "
                     "another still held; which one, the events of a dead object can't tell.  "
                     "cairn audit can while it lives.")


def _missing(found: Found, page: Page) -> Iterator[str]:
    known, paired = found.tracked, found.pairing
    if paired is not None and paired.lost_refs:
        had = units.counted(paired.lost_refs, "reference")
        why = (f"what was before is overwritten ({units.number(known.lost)} events of the heap)."
               if known.lost else "it is older than the tracking.")
        yield page.style("quiet", f"It had {had} before the first event that is left: {why}")
    elif known.lost:
        yield page.style("quiet", f"What was before is lost: {units.number(known.lost)} events of "
                         "the heap were overwritten.")
    if paired is not None and paired.gaps:
        yield page.style("warning", "Events are missing between those that are left: the pairs "
                         "are a guess.")
    if paired is not None and paired.cut:
        yield page.style("quiet", "Only its last 65,536 events were paired.")


def _goes_with(deed: Optional[Deed]) -> str:
    if deed is None:
        return ""
    text = units.number(deed.partner) if deed.partner else _FATES.get(deed.fate, "")
    return text + "?" if deed.guessed and deed.fate != "unmatched" else text


def _legend(found: Found, page: Page) -> Iterator[str]:
    """What the question mark says, where one was printed."""
    shown = [found.deeds.get(event.sequence) for event, _ in found.tracked.events]
    if any(deed is not None and _goes_with(deed).endswith("?") for deed in shown):
        yield page.style("quiet", "?: by what other objects show, an event of another line fits as "
                         "well.")


def left_lines(left: List[Left], page: Page, indent: str = "") -> Iterator[str]:
    """`1 x retained at ..., never released (likely)`, and where it goes elsewhere."""
    for each in left:
        yield (f"{indent}{page.style('bad', f'{units.number(each.row.refs)} x')} "
               f"{pairing.deed_text(each)} ({_sureness(each)})")
        for place in each.places[1:]:
            yield page.style("quiet", f"{indent}    called from {tracked.place_text(place)}")
        partner = pairing.partner_text(each)
        if partner:
            yield page.style("quiet", f"{indent}    {partner}")


def _sureness(each: Left) -> str:
    if not each.others:
        return each.row.sureness
    mine = tracked.place_text(each.place)
    texts = [tracked.place_text(place) for place in each.others]
    others = ", or ".join("another call in that line" if text == mine else text for text in texts)
    more = f", or one of {each.row.other_more:,} more" if each.row.other_more else ""
    return f"{each.row.sureness}; or {others}{more}"


COMMAND = Command(
    name="history",
    summary="Show each retain and release of an object, with its line, in pairs.",
    argument="OBJECT",
    run=run, document=document, lines=lines,
    details="""
For programs that track events (CAIRN_TRACK=events).  The last events of the object, the latest
by the prompt, with its count after each, the thread, the event that it goes with, and the line of
the program.  What is left over stands below: retains that nobody gave back and nobody holds, or
releases too many.  The runtime does not know which release is meant for which retain: they are
paired by what balanced objects show, by function, thread and order (docs/TRACKING.md), and each
place says how sure it is:

  certain    no other place can be the one: the numbers alone say so
  likely     everything else found its partner as in other objects
  possible   others might be the one; this fits best

In the table a question mark says the same of one pair: this one is the likeliest, but another
line's retain or release fits as well.

What is freed already has a history too, until its memory is used again; an address that was used
again shows only what happened to the object that is there now.  With -limit 0 all events that are
left.""",
    examples=(("cairn history x", "who retained x, and who released it"),
              ("cairn history @1 -limit 0", "all that is left of row 1's")))
