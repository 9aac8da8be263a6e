"""`cairn diff A [B]`: what grew between two moments."""

import shlex
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

from .. import units
from ..errors import CairnError
from ..records import CONSERVATIVE, DiffObject, DiffRow, DiffTotals, MomentInfo, Result
from ..render import json_doc, objects
from ..render import moments as shown
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import Session, moments
from ..session.moments import Kept
from . import options
from .command import Command
from .options import Arguments, Option

STATUS_EXCEEDED = 1
GROWTH_LINES = 3  # places that are named below the types


class Side(NamedTuple):
    name: str
    info: MomentInfo


class Found(NamedTuple):
    by: str  # "type", "site", "object"
    a: Side
    b: Side
    groups: List[DiffRow]  # the greatest change first
    objects: List[DiffObject]
    matched: int
    totals: DiffTotals
    grown: List[DiffRow]  # by site, below types: what grew most
    exceeded: List[str]  # limits, in words
    limits: Dict[str, int]
    type_glob: str


def _moments_of(session: Session, expression: str) -> List[Kept]:
    words = moments.words_of(expression)
    if len(words) > 2:
        raise CairnError(f"{words[2]} is one word too many: `cairn diff A B` compares two moments "
                         "(quote a file's name that holds blanks).")
    return [moments.find(session, word) for word in (*words, moments.NOW)[:2]]


def run(session: Session, arguments: Arguments) -> Result:
    from ..bridge import Diff
    first, second = _moments_of(session, arguments.expression)
    by = arguments.text("by", "type")
    if by != "object":
        session.remember([])
    glob = arguments.text("type")
    wanted = arguments.limit or records_of(first, second)
    compared = Diff(first.moment, second.moment, glob, wanted if by == "object" else 0,
                    session.target.progress)
    totals = compared.totals()
    a, b = Side(first.name, first.info), Side(second.name, second.info)
    groups: List[DiffRow] = []
    rows: List[DiffObject] = []
    grown: List[DiffRow] = []
    if by == "object":
        if totals.process == "other":
            raise CairnError(f"{a.name} and {b.name} have no heap and so no object in common: "
                             "they are of different processes.  Try -by type or -by site.")
        rows, matched = compared.objects(arguments.limit)
        marked = rows if second.name == moments.NOW else []  # else it may be another object's now
        session.remember([row.address for row in marked if row.change != "gone"])
    elif by == "site":
        if not a.info.sites and not b.info.sites:
            raise CairnError("Of no object of either moment is known who allocated it: they are "
                             "older than the tracking, or nothing tracked them (run the program "
                             "with CAIRN_TRACK=sites in its environment, or call "
                             "cairn_track_start).")
        groups, matched = compared.sites(arguments.limit)
    else:
        groups, matched = compared.types(arguments.limit)
        if a.info.sites or b.info.sites:
            grown = [row for row in compared.sites(4 * GROWTH_LINES)[0]
                     if row.bytes_b > row.bytes_a and row.places][:GROWTH_LINES]
    limits = {name: value for name in ("max-growth-objects", "max-growth-bytes")
              for value in [arguments.count(name)] if value is not None}
    exceeded = _exceeded(totals, limits)
    return Result(Found(by, a, b, groups, rows, matched, totals, grown, exceeded, limits, glob),
                  totals.exactness, _warnings(session, a, b, totals),
                  status=STATUS_EXCEEDED if exceeded else 0)


def records_of(first: Kept, second: Kept) -> int:
    """As many rows of objects as there can be."""
    return first.info.objects + second.info.objects


def _exceeded(totals: DiffTotals, limits: Dict[str, int]) -> List[str]:
    said = []
    objects_grown = totals.count_b - totals.count_a
    bytes_grown = totals.bytes_b - totals.bytes_a
    most = limits.get("max-growth-objects")
    if most is not None and objects_grown > most:
        said.append(f"{units.counted(objects_grown, 'object')} more, at most "
                    f"{units.number(most)} allowed")
    most = limits.get("max-growth-bytes")
    if most is not None and bytes_grown > most:
        more, allowed = units.size(bytes_grown), units.size(most)
        if more == allowed:  # as far as they are rounded
            more, allowed = f"{units.number(bytes_grown)} B", f"{units.number(most)} B"
        said.append(f"{more} more, at most {allowed} allowed")
    return said


def _warnings(session: Session, a: Side, b: Side, totals: DiffTotals) -> List[str]:
    said = []
    for side in (a, b):
        said += session.walk_warnings() if side.name == moments.NOW else \
            moments.warnings_of(side.name, side.info)
        if side.info.exactness == CONSERVATIVE:
            said.append(f"{side.name}: types that are opaque were scanned for what they hold.")
    if totals.process == "other":
        why = "are of different processes" if a.info.process != b.info.process else \
            "have no heap in common"
        said.append(f"{a.name} and {b.name} {why}: no object of one is in the other, only types "
                    "and places are compared.")
    elif totals.process == "unknown":
        said.append("which process the moments are of is not known: they are taken for one as "
                    "their heaps have the same addresses.")
    if totals.kept_by_address:
        said.append(f"{units.counted(totals.kept_by_address, 'object')} without serials "
                    f"{'is' if totals.kept_by_address == 1 else 'are'} known again by address, "
                    "type, size and value: what died and came back alike counts as still there.")
    return said


# ---- documents ----------------------------------------------------------------------------------

def document(found: Found) -> Any:
    rows = [_object_record(found, row) for row in found.objects] if found.by == "object" else \
        [_group_record(found, row) for row in found.groups]
    record = json_doc.listing(rows, found.matched)
    totals = found.totals
    common = totals.process != "other"
    record["by"] = found.by
    record["a"] = shown.record(found.a.name, found.a.info)
    record["b"] = shown.record(found.b.name, found.b.info)
    record["totals"] = {
        "count_a": totals.count_a, "count_b": totals.count_b, "bytes_a": totals.bytes_a,
        "bytes_b": totals.bytes_b, "new": totals.added if common else None,
        "gone": totals.gone if common else None, "kept": totals.kept if common else None,
        "reused": totals.reused if common else None,
        "resized": totals.resized if common else None,
        "kept_by_address": totals.kept_by_address if common else None,
        "types_unchanged": totals.types_unchanged, "process": totals.process}
    if found.limits:
        record["limits"] = {name.replace("-", "_"): value for name, value in found.limits.items()}
        record["exceeded"] = found.exceeded
    return record


def _group_record(found: Found, row: DiffRow) -> Dict[str, Any]:
    common = found.totals.process != "other"
    record: Dict[str, Any] = {
        "type": row.type_name, "count_a": row.count_a, "count_b": row.count_b,
        "bytes_a": row.bytes_a, "bytes_b": row.bytes_b, "new": row.added if common else None,
        "gone": row.gone if common else None, "kept": row.kept if common else None}
    if found.by == "site":
        record.update(shown.places_record(row.places))
    return record


def _object_record(found: Found, row: DiffObject) -> Dict[str, Any]:
    record: Dict[str, Any] = {
        "type": row.type_name, "count_a": int(row.change != "new"),
        "count_b": int(row.change != "gone"), "bytes_a": row.bytes_a, "bytes_b": row.bytes_b,
        "addr": json_doc.address(row.address), "change": row.change}
    if row.serial:
        record["serial"] = row.serial
    if row.reused:
        record["reused"] = True
    if row.places:
        record.update(shown.places_record(row.places))
    return record


# ---- text ---------------------------------------------------------------------------------------

def lines(found: Found, page: Page) -> Iterator[str]:
    for letter, side in (("A", found.a), ("B", found.b)):
        yield f"{letter}: {side.name}, {shown.origin(side.info)}: {shown.amount(side.info)}"
    if found.matched:
        yield ""
        table = _object_table(found) if found.by == "object" else _group_table(found)
        yield from table.lines(page)
    word = {"site": "type and place", "object": "object"}.get(found.by, "type")
    many = "types and places" if found.by == "site" else ""
    shown_rows = len(found.objects) if found.by == "object" else len(found.groups)
    if shown_rows < found.matched:
        yield page.style("quiet", f"{units.number(shown_rows)} of "
                         f"{units.counted(found.matched, word, many)} that changed shown; -limit 0 "
                         "shows all.")
    yield from _closing(found, page)


def _group_table(found: Found) -> Table:
    common = found.totals.process != "other"
    columns = [Column("objects in A", right=True), Column("in B", right=True),
               Column("change", right=True)]
    if common:
        columns += [Column("new", right=True), Column("gone", right=True)]
    columns += [Column("size in B", right=True), Column("change", right=True),
                Column("type", style="type")]
    if found.by == "site":
        columns.append(Column("allocated at"))
    table = Table(*columns)
    for row in reversed(found.groups):
        cells = [units.number(row.count_a), units.number(row.count_b),
                 shown.signed(row.count_b - row.count_a)]
        if common:
            cells += [units.number(row.added), units.number(row.gone)]
        cells += [units.size(row.bytes_b), shown.signed_size(row.bytes_b - row.bytes_a),
                  row.type_name]
        if found.by == "site":
            cells.append(shown.places(row.places))
        table.add(*cells)
    return table


def _object_table(found: Found) -> Table:
    table = Table(Column(""), Column("address", style="address"), Column("serial", right=True),
                  Column("change"), Column("size in A", right=True),
                  Column("in B", right=True), Column("type", style="type"),
                  Column("allocated at"))
    live = [row for row in found.objects if row.change != "gone"] \
        if found.b.name == moments.NOW else []
    labels = {row: objects.label(number) for number, row in enumerate(live, 1)}
    for row in reversed(found.objects):
        change = row.change + (", address reused" if row.reused else "")
        table.add(labels.get(row, ""), hex(row.address),
                  units.number(row.serial) if row.serial else "", change,
                  units.size(row.bytes_a) if row.change != "new" else "",
                  units.size(row.bytes_b) if row.change != "gone" else "", row.type_name,
                  shown.places(row.places) if row.places else "")
    return table


def _closing(found: Found, page: Page) -> Iterator[str]:
    totals = found.totals
    for row in reversed(found.grown):
        grown = row.count_b - row.count_a
        more = shown.signed(grown) if grown else "as many"
        yield (f"growth of {row.type_name} from {shown.places(row.places[:1])}: "
               f"{more}, {shown.signed_size(row.bytes_b - row.bytes_a)}")
    scope = f" of types {found.type_glob}" if found.type_glob else ""
    grown = totals.count_b - totals.count_a
    change = "as many objects and bytes"
    if grown or totals.bytes_b != totals.bytes_a:
        change = (f"{shown.signed(grown)} {'object' if abs(grown) == 1 else 'objects'}, "
                  f"{shown.signed_size(totals.bytes_b - totals.bytes_a)}")
    yield f"In all{scope}: {change}{_fates(totals)}"
    for said in found.exceeded:
        yield page.style("bad", f"Limit exceeded: {said}.")
    yield objects.hint(_next(found), page)


def _fates(totals: DiffTotals) -> str:
    if totals.process == "other":
        return "."
    resized = f" ({units.number(totals.resized)} resized)" if totals.resized else ""
    reused = f"; {units.counted(totals.reused, 'address', 'addresses')} used again" \
        if totals.reused else ""
    return (f": {units.number(totals.added)} new, {units.number(totals.gone)} gone, "
            f"{units.number(totals.kept)} still there{resized}{reused}.")


def _next(found: Found) -> str:
    sides = [found.a] if found.b.name == moments.NOW else [found.a, found.b]
    names = " ".join(shlex.quote(side.name) for side in sides)
    if found.by == "object":
        live = found.b.name == moments.NOW and any(row.change != "gone" for row in found.objects)
        return "Next: cairn path @1, cairn show @1" if live else \
            f"Next: cairn diff {names} -by type"
    if found.by == "type" and (found.a.info.sites or found.b.info.sites):
        return f"Next: cairn diff {names} -by site"
    if found.totals.process == "other":
        return "Next: cairn sites, cairn retained"
    return f"Next: cairn diff {names} -by object"


def completions(session: Session, before: Sequence[str]) -> Optional[List[str]]:
    """Names that are kept, or any file."""
    return sorted([*session.moments, moments.NOW]) if len(before) < 2 else []


COMMAND = Command(
    name="diff",
    summary="Show what grew between two moments.",
    argument="A [B]",
    run=run, document=document, lines=lines, words=completions,
    options=(Option("by", "choice", "a row for each type, place that allocated, or object",
                    "type|site|object", ("type", "site", "object")),
             Option("type", "glob", "only types whose name matches; * and ? stand for any", "GLOB"),
             Option("max-growth-objects", "count", "status 1 if there are more than N objects more",
                    "N"),
             Option("max-growth-bytes", "size", "status 1 if there are more than SIZE bytes more",
                    "SIZE"),
             options.EXIT),
    details="""
A and B are each a name that `cairn snapshot NAME` keeps, a file of `cairn snapshot save FILE`,
a core file, or `now`; without B it is `now`.  What changed most stands last.  Sizes are those
of blocks with the buffers that objects own, as a list's items.

The same object is known again by its serial, where the program tracks its heap
(CAIRN_TRACK=sites): exact.  Else by address, type and block size, and for int, float, str and
bytes by a hash of its value: an object that died and came back alike counts as still there, and
the answer is tolerant.  Moments of different processes have no object in common: their types
and places are compared.  Places are compared by function, file and line, where one of both has
no lines by module and distance.

$cairn_status is 1 where a limit (-max-growth-objects, -max-growth-bytes) is exceeded; -exit
quits GDB with it.""",
    examples=(("cairn diff before", "what has grown since `cairn snapshot before`"),
              ("cairn diff before -by object -type list", "which lists came, went or grew"),
              ("cairn diff a.cairn b.cairn -by site", "between two files, by line"),
              ("cairn diff core.1 core.2", "between two cores"),
              ("cairn diff idle.cairn -max-growth-bytes 1M -exit", "for scripts")))
