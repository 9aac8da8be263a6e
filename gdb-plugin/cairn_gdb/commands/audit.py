"""`cairn audit`: which counts are wrong, by how much, and who forgot what."""

from typing import Any, Dict, Iterator, List, NamedTuple

from .. import units
from ..errors import CairnError, did_you_mean
from ..findings import audits, pairing
from ..findings.audits import Suspect
from ..findings.pairing import Left
from ..records import AuditTotals, Result
from ..render import json_doc, objects
from ..render.accounts import doubt_lines, unexplained
from ..render.page import Page
from ..session import Session, tracked, type_names
from ..session.tracked import Caught
from . import options
from .command import Command
from .history import left_lines
from .options import Arguments, Option

_PAST = {"retain": "retained", "release": "released"}  # what a quarantine catches
BLAMES_MAX = 20  # places of all suspects together, in text


class Audit(NamedTuple):
    rows: List[Suspect]  # row N is @N: the worst first
    matched: int
    totals: AuditTotals
    type_glob: str
    left: List[List[Left]]  # of each row: what is left over of its events
    blame: List[Left]  # of all findings together
    silent: int  # findings of which no event is left
    tracked: bool
    caught: Caught  # uses of freed objects
    touched: int  # freed blocks, of whatever type, that were retained since


def run(session: Session, arguments: Arguments) -> Result:
    lens = session.snapshot(edges=True)
    roots = session.roots()
    glob = arguments.text("type")
    totals = lens.audit(glob, not roots.complete or session.target.others_running() > 0,
                        arguments.flag("unsure"), session.target.progress)
    if glob:
        explain_no_type(session, glob)
    findings, matched = lens.findings(arguments.limit)
    rows = audits.suspects(session, findings)
    session.remember([row.object.address for row in rows])
    caught = tracked.caught(session, glob)
    touched = lens.walk_totals().touched_blocks
    wrong = totals.over + totals.under + caught.matched + (0 if glob else touched)
    left: List[List[Left]] = []
    blame: List[Left] = []
    silent = 0
    known = matched > 0 and pairing.learn(session)
    if known:
        everyone, silent = lens.blame(session.target.progress)
        blame = pairing.left(session, everyone)
        left = [_left_of(session, row) for row in rows]
    return Result(Audit(rows, matched, totals, glob, left, blame, silent, known, caught,
                        touched),
                  session.exactness(),
                  session.walk_warnings() + roots.warnings, status=1 if wrong else 0)


def _left_of(session: Session, row: Suspect) -> List[Left]:
    """What is left over of the events of one finding."""
    track = session.lens.track_at(row.finding.address)
    if row.finding.account.verdict == "balanced" or track is None:
        return []
    if session.lens.pairing(track.heap, track.serial, session.target.progress) is None:
        return []
    return pairing.left(session, session.lens.unmatched())


def explain_no_type(session: Session, glob: str) -> None:
    """An unknown type is an error; nothing wrong with a known one is an answer."""
    from fnmatch import fnmatchcase
    names = type_names(session)
    if names and not any(fnmatchcase(name, glob) for name in names):
        raise CairnError(f'No type is called "{glob}".{did_you_mean(glob, names)}')


def of_types(glob: str) -> str:
    """What -type chose, behind what was counted; "" without it."""
    if not glob:
        return ""
    several = any(letter in glob for letter in "*?[")
    return f" of the types {glob}" if several else f" of type {glob}"


# ---- JSON ---------------------------------------------------------------------------------------

def document(found: Audit) -> Any:
    records = [_row_record(row) for row in found.rows]
    for record, left in zip(records, found.left):
        record["unmatched"] = json_doc.left_records(left)
    record = json_doc.listing(records, found.matched)
    totals = found.totals
    record["totals"] = {
        "balanced": totals.balanced, "over": totals.over, "under": totals.under,
        "over_doubtful": totals.over_doubtful, "under_doubtful": totals.under_doubtful,
        "unsure": totals.guessed, "immortal": totals.immortal, "unknown": totals.unknown,
        "freed": totals.freed, "surplus": totals.surplus, "deficit": totals.deficit}
    caught = found.caught
    if caught.matched:
        record["misuses"] = caught.matched
        record["caught"] = [dict(json_doc.event_record(each),
                                 addr=json_doc.address(each.event.object),
                                 serial=each.event.serial) for each in caught.last]
    if caught.others:
        record["misuses_other_types"] = caught.others
    if caught.unknown:
        record["misuses_unknown_type"] = caught.unknown
    if found.touched:
        record["retained_after_free"] = found.touched
    if found.tracked:
        record["unmatched"] = json_doc.left_records(found.blame)
        record["without_events"] = found.silent
    return record


def _row_record(row: Suspect) -> Dict[str, Any]:
    account = row.finding.account
    record = json_doc.object_record(row.object)
    if row.freed:
        record["freed"] = True
    record.update(heap_refs=account.heap_refs, runtime_refs=account.runtime_refs,
                  root_refs=account.root_refs, verdict=account.verdict, surplus=account.surplus,
                  confidence=account.exactness, doubts=sorted(row.finding.doubts),
                  holders=[_holder_record(holder, row) for holder in row.holders],
                  holder_count=row.holder_count)
    return record


def _holder_record(holder: audits.Holder, row: Suspect) -> Dict[str, Any]:
    if holder.root is not None:
        record = json_doc.root_record(holder.root, row.object)
        del record["object"]
        return {"holder": record, "slot": holder.root.name, "kind": holder.root.kind}
    assert holder.referrer is not None
    where: Dict[str, Any] = {"addr": json_doc.address(holder.referrer.holder)}
    if holder.object is not None:
        where = json_doc.object_record(holder.object)
    return {"holder": where, "slot": holder.referrer.reference.slot_name,
            "kind": holder.referrer.reference.kind}


# ---- text ---------------------------------------------------------------------------------------

def lines(found: Audit, page: Page) -> Iterator[str]:
    for alike in _alike(found, page):
        yield from alike.heads
        first, *rest = alike.why
        many = len(alike.heads)
        every = ("" if many == 1 else "both alike: " if many == 2 else
                 f"all {units.number(many)} alike: ")
        yield f"    {every}{first}"
        yield from rest
    yield from objects.closing(len(found.rows), found.matched, "finding", page)
    yield from _blame(found, page)
    yield from _totals(found, page)
    yield from _caught(found, page)
    if found.rows:
        if not found.tracked:
            yield page.style("quiet", "With CAIRN_TRACK=sites,events in the program's environment "
                             "this names the lines.")
        more = ", cairn history @1" if found.tracked else ""
        yield objects.hint(f"Next: cairn show @1, cairn referrers @1{more}", page)


class Alike(NamedTuple):
    """Neighbours in the listing of which there is the same to say."""

    heads: List[str]  # as they stand in the text, a line each
    why: List[str]  # the verdict, who holds it, what is left over


def _alike(found: Audit, page: Page) -> List[Alike]:
    """The findings, the worst last; what they have in common is said once."""
    groups: List[Alike] = []
    for number, row in reversed(list(enumerate(found.rows, 1))):
        first, *more = _verdict_lines(row, page)
        why = [first] + ["    " + line for line in more]
        if found.left:
            why += left_lines(found.left[number - 1], page, "    ")
        head = f"{objects.label(number)}  {_head(row, page)}"
        if groups and groups[-1].why == why:
            groups[-1].heads.append(head)
        else:
            groups.append(Alike([head], why))
    return groups


def _blame(found: Audit, page: Page) -> Iterator[str]:
    """The places of all suspects together, where there are several."""
    if found.matched > 1 and found.blame:
        yield "Left over, all of them together:"
        yield from left_lines(found.blame[:BLAMES_MAX], page, "  ")
        if len(found.blame) > BLAMES_MAX:
            yield page.style("quiet", f"  and {units.number(len(found.blame) - BLAMES_MAX)} more "
                             "places; -json has them all.")
    if found.silent:
        yield page.style("quiet", f"Of {units.counted(found.silent, 'finding')} no event is left.")


def _head(row: Suspect, page: Page) -> str:
    if row.freed:
        return (f"{page.style('type', row.object.type_name)} "
                f"{page.style('address', hex(row.object.address))} freed, "
                f"{units.size(row.object.size_bytes)}")
    return objects.one_line(row.object, page, len("@20  "), row.object.size_bytes)


def _verdict_lines(row: Suspect, page: Page) -> Iterator[str]:
    account = row.finding.account
    style = "warning" if row.finding.doubts else "bad"
    if row.freed:
        holders = units.counted(account.heap_refs, "slot")
        yield (page.style(style, "freed, and held") + f": {holders} of live objects still "
               f"{'leads' if account.heap_refs == 1 else 'lead'} to it")
    elif account.verdict in ("over-retained", "under-retained"):
        yield unexplained(account, bool(row.finding.doubts), page)
    else:
        yield page.style(style, "balanced, perhaps")
    if row.holders:
        listed = ", ".join(audits.holder_text(holder) for holder in row.holders)
        left = row.holder_count - len(row.holders)
        more = f", and {units.number(left)} more" if left > 0 else ""
        yield f"held by {listed}{more}"
    if account.runtime_refs:
        yield f"held by the runtime itself: {units.number(account.runtime_refs)}"
    yield from doubt_lines(row.finding.doubts, page)


def _caught(found: Audit, page: Page) -> Iterator[str]:
    caught = found.caught
    if caught.matched:
        said = ("1 use of a freed object was" if caught.matched == 1 else
                f"{units.number(caught.matched)} uses of freed objects were")
        of_type = of_types(found.type_glob)
        yield (page.style("bad", f"{said} caught in quarantine") + of_type
               + ("; no event of it is left." if not caught.last else
                  ":" if caught.matched == 1 else "; the last ones:"))
    for event, place in caught.last:
        yield (f"  0x{event.object:x}, serial {event.serial}, {_PAST[event.op]} at "
               f"{tracked.place_text(place)}; cairn history 0x{event.object:x} says more")
    yield from _caught_elsewhere(caught, page)
    if found.touched:
        said, them = (("1 freed block was", "it") if found.touched == 1 else
                      (f"{units.number(found.touched)} freed blocks were", "them"))
        yield (page.style("bad", f"{said} retained after the death of what was there")
               + f", it seems: a use after free.  `cairn check` names {them}, and `cairn show` on "
               "such a row says what died there.")


def _caught_elsewhere(caught: Caught, page: Page) -> Iterator[str]:
    """What -type leaves out."""
    if caught.others:
        yield page.style("warning", "Caught in quarantine as well: "
                         f"{units.counted(caught.others, 'use')} of freed objects of other types; "
                         "`cairn audit` without -type lists them.")
    if caught.unknown:
        yield page.style("warning", "Caught in quarantine as well: "
                         f"{units.counted(caught.unknown, 'use')} of freed objects whose type no "
                         "event tells any more.")


def _totals(found: Audit, page: Page) -> Iterator[str]:
    totals = found.totals
    of_type = of_types(found.type_glob)
    unmoved = f"{units.number(totals.balanced)} balanced"
    if totals.immortal:
        unmoved += f", {units.number(totals.immortal)} never freed"
    if totals.unknown:
        unmoved += (f", {units.number(totals.unknown)} that can't be judged (dying or damaged)")
    parts = []
    if totals.over:
        parts.append(page.style("bad", f"{units.counted(totals.over, 'object')} over-retained")
                     + f" ({units.counted(totals.surplus, 'reference')} too many)")
    if totals.under:
        freed = f", {units.number(totals.freed)} of them freed already" if totals.freed else ""
        parts.append(page.style("bad", f"{units.number(totals.under)} under-retained")
                     + f" ({units.number(totals.deficit)} too few{freed})")
    wrong = (" and ".join(parts) + of_type if parts else
             page.style("good", f"No count{of_type} is wrong"))
    yield f"{wrong}; {unmoved}."
    doubtful = totals.over_doubtful + totals.under_doubtful
    if doubtful:
        yield (f"{units.counted(doubtful, 'more object')} may be wrong; each says why that is not "
               "certain.")
    if totals.guessed:
        owned = ("is owned by a word in raw memory that looks like a reference; -unsure lists it"
                 if totals.guessed == 1 else
                 "are owned by words in raw memory that look like references; -unsure lists them")
        yield page.style("quiet", f"{units.number(totals.guessed)} of the balanced ones {owned}.")
    if totals.stray:
        slots = units.counted(totals.stray, "slot")
        yield page.style("warning", f"{slots} lead to no block at all; `cairn check` names them.")


COMMAND = Command(
    name="audit",
    summary="Find the objects whose count is wrong, the worst by the prompt.",
    run=run, document=document, lines=lines,
    options=(Option("type", "glob", "only types whose name matches, as in list or ses*", "GLOB"),
             Option("unsure", "flag", "also list what is balanced only if raw words own it"),
             options.EXIT),
    details="""
Each object's count is compared with who holds it: slots of objects and the runtime itself own
for sure; roots (variables, registers, words of stacks and other memory) may own or only borrow.

  over-retained    the count is greater than all of these: a release is missing
  under-retained   the count is smaller than what owns for sure: a release is too many, or a retain
                   is missing; it will be freed while it is held
  freed, and held  the same, and it was freed already

A row says what explains the count, and whether anything makes the verdict uncertain.  A place in
memory is taken to own one reference at most, at an aligned address.  $cairn_status is 1 where a
count is wrong for certain, or a freed object was used, else 0; with -type that means
objects of these types, and what was caught of others is counted in one line.  -exit quits GDB with
the status.""",
    examples=(("cairn audit", "is every count right?"),
              ("cairn audit -type session", "those of one type"),
              ("cairn audit -json -limit 0", "for a program"),
              ("cairn audit -exit", "for a script")))
