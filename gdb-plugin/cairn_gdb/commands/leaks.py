"""`cairn leaks`: the garbage, a row for each set of objects that all of it hangs on."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from .. import leak_report, leak_rules, options, tracked
from ..leak_report import Row, SetAside
from ..leak_rules import Baseline, Rule
from ..options import Arguments, Option
from ..records import TOLERANT, Leak, LeakCensus, LeakTotals, Object, Result, least_sure
from ..render import json_doc, objects, units
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import Session
from .command import Command
from .objects import explain_nothing

TREE_LINES, TREE_LINES_MAX = 20, 100_000  # of one leak; with -limit 0


class Found(NamedTuple):
    rows: List[Row]  # the most bytes first; row N is @N
    matched: int  # leaks that are not set aside
    objects: int  # that go with them
    bytes: int
    cycles: Tuple[int, int, int]  # of those leaks: how many, objects, bytes
    totals: LeakTotals
    census: List[LeakCensus]
    aside: List[SetAside]
    unused: List[Rule]
    limits: str  # "" where none was given, else whether they hold
    type_glob: str
    asked: str  # what was asked of one object, answered in words; "": nothing was
    tree: bool


def run(session: Session, arguments: Arguments) -> Result:
    lens = session.snapshot(edges=True)
    # Files that can't be read are said before long work begins.
    rules = leak_rules.rules_of(arguments.text("suppress")) if arguments.text("suppress") else []
    baseline = Baseline(arguments.text("baseline")) if arguments.text("baseline") else None
    roots = session.roots()
    totals = lens.leaks(session.target.progress)
    glob = arguments.text("type")
    only, asked = _one(session, arguments.expression)
    aside: List[SetAside] = []
    unused: List[Rule] = []
    if rules or baseline is not None or arguments.text("junit") or only is not None or asked:
        leaks, matched = lens.leak_rows(glob, 0) if not asked else ([], 0)
        if only is not None:
            leaks = [leak for leak in leaks if leak.number == only]
        leaks, aside, unused = leak_report.sift(session, leaks, rules, baseline)
        matched = len(leaks)
        sums = _sums(leaks)
    else:
        leaks, matched = lens.leak_rows(glob, arguments.limit)
        # With all rows of a type in hand or none chosen the sums are known without reading them.
        sums = _census_sums(lens.leak_census(), glob)
    if not matched and not aside and not asked:
        explain_nothing(session, glob)
    if not glob and not aside and only is None and not asked:
        sums = (sums[0] + totals.shared_objects, sums[1] + totals.shared_bytes, sums[2])
    fine, limits = _limits(arguments, sums[0], sums[1], matched)
    if arguments.text("junit"):
        from ..render import junit  # when asked only: with it half the network library is loaded
        junit.write(arguments.text("junit"),
                    junit.document(leak_report.groups(session, leaks, aside), not fine))
    kept = leaks[:arguments.limit] if arguments.limit else leaks
    rows = [leak_report.row_of(session, leak) for leak in kept]
    if arguments.flag("tree"):
        most = TREE_LINES if arguments.limit else TREE_LINES_MAX
        rows = [leak_report.with_tree(session, row, most) for row in rows]
    session.remember([row.leak.root.address for row in rows])
    exactness, warnings = session.exactness(), session.walk_warnings() + roots.warnings
    if not roots.complete:
        exactness = least_sure(exactness, TOLERANT)
        warnings.append("not every place of a root could be searched: what is held from there may "
                        "be listed as lost.")
    if session.exactness() == "conservative":
        warnings.append("an object of an opaque type may hold, unseen, what is listed as lost.")
    if baseline is not None and baseline.warning:
        warnings.append(baseline.warning)
    found = Found(rows, matched, *sums, totals, _by_name(lens.leak_census()), aside, unused,
                  limits, glob, asked, arguments.flag("tree"))
    return Result(found, exactness, warnings, status=0 if fine else 1)


def _one(session: Session, expression: str) -> Tuple[Optional[int], str]:
    """The leak that an object belongs to; or why there is no such leak, in words."""
    if not expression.strip():
        return None, ""
    row, _ = session.object(expression)
    index = session.lens.snapshot_find(row.address)
    number = None if index is None else session.lens.leak_of(index)
    named = f"{row.type_name} {row.address:#x}"
    if number is None:
        return None, f"{named} is no garbage; `cairn path {row.address:#x}` tells what keeps it."
    if number < 0:
        return None, (f"{named} hangs on several leaks and goes with the last of them; `cairn "
                      f"referrers {row.address:#x}` names who holds it.")
    return number, ""


Sums = Tuple[int, int, Tuple[int, int, int]]  # objects, bytes; cycles, their objects and bytes


def _sums(leaks: Sequence[Leak]) -> Sums:
    cycles = [leak for leak in leaks if leak.kind == "cycle"]
    return (sum(leak.objects for leak in leaks), sum(leak.bytes for leak in leaks),
            (len(cycles), sum(leak.objects for leak in cycles),
             sum(leak.bytes for leak in cycles)))


def _census_sums(census: Sequence[LeakCensus], glob: str) -> Sums:
    from fnmatch import fnmatchcase
    chosen = [row for row in census if not glob or fnmatchcase(row.type_name, glob)]
    cycles = [row for row in chosen if row.kind == "cycle"]
    return (sum(row.objects for row in chosen), sum(row.bytes for row in chosen),
            (sum(row.leaks for row in cycles), sum(row.objects for row in cycles),
             sum(row.bytes for row in cycles)))


def _by_name(census: Sequence[LeakCensus]) -> List[LeakCensus]:
    """Types of one name in several heaps are one row."""
    sums: Dict[Tuple[str, str], LeakCensus] = {}
    for row in census:
        before = sums.get((row.type_name, row.kind), row._replace(leaks=0, objects=0, bytes=0))
        sums[row.type_name, row.kind] = before._replace(
            leaks=before.leaks + row.leaks, objects=before.objects + row.objects,
            bytes=before.bytes + row.bytes)
    return [sums[key] for key in sorted(sums)]


def _limits(arguments: Arguments, count: int, size: int, leaks: int) -> Tuple[bool, str]:
    """Whether all is fine, and the limits in words."""
    most_objects, most_bytes = arguments.count("max-objects"), arguments.count("max-bytes")
    if most_objects is None and most_bytes is None:
        return leaks == 0, ""
    said = []
    fine = True
    if most_objects is not None:
        fine = fine and count <= most_objects
        said.append(f"{units.counted(most_objects, 'object')}")
    if most_bytes is not None:
        fine = fine and size <= most_bytes
        said.append(units.size(most_bytes))
    return fine, (f"{'Within' if fine else 'Beyond'} the limit of {' and '.join(said)}: "
                  f"{units.counted(count, 'object')}, {units.size(size)}.")


# ---- JSON ---------------------------------------------------------------------------------------

def _row_record(row: Row, tree: bool) -> Dict[str, Any]:
    leak = row.leak
    record: Dict[str, Any] = {
        "kind": leak.kind, "objects": leak.objects, "bytes": leak.bytes,
        "root": json_doc.object_record(leak.root), "surplus": leak.surplus,
        "root_refs": leak.root_refs,
        "direct_objects": leak.own_objects, "direct_bytes": leak.own_bytes,
        "indirect_objects": leak.objects - leak.own_objects,
        "indirect_bytes": leak.bytes - leak.own_bytes, "held": leak.held,
        "would_free": {"objects": 0 if leak.held else leak.objects,
                       "bytes": 0 if leak.held else leak.bytes}}
    if row.places:
        record["site"] = json_doc.place_record(row.places[0])
        record["backtrace"] = [json_doc.place_record(place) for place in row.places]
    if row.outside_bytes:
        record["external_bytes"] = row.outside_bytes
    if tree:
        record["tree"] = [{"depth": branch.depth, "slot": branch.slot, "note": branch.note,
                           "object": json_doc.object_record(branch.object)}
                          for branch in row.tree]
        record["tree_more"] = row.tree_more
    return record


def document(found: Found) -> Any:
    record = json_doc.listing([_row_record(row, found.tree) for row in found.rows], found.matched)
    totals = found.totals
    record["totals"] = {
        "objects": totals.objects, "bytes": totals.bytes,
        "cycles": {"leaks": totals.cycles, "objects": totals.cycle_objects,
                   "bytes": totals.cycle_bytes},
        "lost": {"leaks": totals.lost, "objects": totals.lost_objects,
                 "bytes": totals.lost_bytes},
        "shared": {"objects": totals.shared_objects, "bytes": totals.shared_bytes},
        "roots": totals.roots, "guessed_roots": totals.guessed_roots}
    record["counted"] = {"leaks": found.matched, "objects": found.objects, "bytes": found.bytes}
    record["types"] = [{"type": row.type_name, "kind": row.kind, "leaks": row.leaks,
                        "objects": row.objects, "bytes": row.bytes} for row in found.census]
    if found.aside or found.unused:
        record["set_aside"] = {"leaks": len(found.aside),
                               "objects": sum(one.leak.objects for one in found.aside),
                               "bytes": sum(one.leak.bytes for one in found.aside)}
        record["unused_suppressions"] = [{"where": rule.where, "rule": rule.text}
                                         for rule in found.unused]
    if found.asked:
        record["answer"] = found.asked
    return record


# ---- text ---------------------------------------------------------------------------------------

def _remark(leak: Leak) -> str:
    """What a reader must know of a leak beside its numbers."""
    parts = []
    if leak.own_objects > 1:
        parts.append(f"{units.number(leak.own_objects)} that hold each other")
    elif leak.kind == "cycle":
        parts.append("holds itself")
    if leak.held:
        parts.append("another leak holds it too")
    if leak.root_refs:
        points = "root points" if leak.root_refs == 1 else "roots point"
        parts.append(f"{units.number(leak.root_refs)} {points} to it, not counted")
    if "shared" in leak.root.state and leak.kind == "cycle":
        parts.append("in a shared heap: only cairn_collect_exclusive frees it")
    return ", ".join(parts)


def _table(found: Found) -> Table:
    sites = any(row.places for row in found.rows)
    table = Table(Column("", right=True), Column("kind"), Column("objects", right=True),
                  Column("bytes", right=True), Column("direct", right=True),
                  Column("surplus", right=True), Column("address", style="address"),
                  Column("type", style="type"), *([Column("allocated at")] if sites else []),
                  Column("remark"), Column("value"))
    for number, row in reversed(list(enumerate(found.rows, 1))):
        leak = row.leak
        place = [tracked.place_text(row.places[0]) if row.places else ""] if sites else []
        table.add(objects.label(number), leak.kind, units.number(leak.objects),
                  units.size(leak.bytes), units.size(leak.own_bytes),
                  units.number(leak.surplus) if leak.kind == "lost" else "",
                  f"{leak.root.address:#x}", leak.root.type_name, *place, _remark(leak),
                  objects.value(leak.root))
    return table


_NOTES = {"": "", "again": "  (stands above)", "shared": "  (other leaks hold it too)",
          "other": "  (a leak of its own)"}


def _tree_lines(number: int, row: Row, page: Page) -> Iterator[str]:
    leak = row.leak
    yield (f"{objects.label(number)} {leak.kind}: {units.counted(leak.objects, 'object')}, "
           f"{units.size(leak.bytes)}  {_line(leak.root, page)}")
    if row.places:
        yield "     allocated at " + " < ".join(tracked.place_text(place) for place in row.places)
    for branch in row.tree:
        yield (f"     {'  ' * branch.depth}{page.style('variable', branch.slot)} "
               f"{_line(branch.object, page)}{_NOTES[branch.note]}")
    if row.tree_more:
        yield page.style("quiet", f"       and {units.counted(row.tree_more, 'more object')}; "
                         "-limit 0 shows all.")


def _line(row: Object, page: Page) -> str:
    return objects.one_line(row, page)


def lines(found: Found, page: Page) -> Iterator[str]:
    if found.asked:
        yield found.asked
        return
    if found.tree:
        for number, row in reversed(list(enumerate(found.rows, 1))):
            yield from _tree_lines(number, row, page)
    elif found.rows:
        yield from _table(found).lines(page)
    yield from objects.closing(len(found.rows), found.matched, "leak", page)
    yield from _by_type(found)
    yield from _closing(found, page)
    if found.rows:
        yield objects.hint(_next(found), page)


def _by_type(found: Found) -> Iterator[str]:
    """Where rows were cut: what they are, by type."""
    if len(found.rows) >= found.matched or found.aside or found.type_glob:
        return
    sums: Dict[str, int] = {}
    for row in found.census:
        sums[row.type_name or "?"] = sums.get(row.type_name or "?", 0) + row.leaks
    listed = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
    more = f", and {units.counted(len(listed) - 6, 'more type')}" if len(listed) > 6 else ""
    yield "By type: " + ", ".join(f"{units.number(count)} {name}"
                                  for name, count in listed[:6]) + more + "."


def _closing(found: Found, page: Page) -> Iterator[str]:
    totals = found.totals
    if found.aside:
        size = units.size(sum(one.leak.bytes for one in found.aside))
        yield (f"{units.counted(len(found.aside), 'leak')}, {size}, set aside: suppressed or in "
               "the baseline.")
    for rule in found.unused:
        yield page.style("warning", f"{rule.where}: suppresses nothing: {rule.text}")
    if not found.matched:
        kind = f" of {found.type_glob}" if found.type_glob else ""
        other = " other" if found.aside else ""
        yield page.style("good", f"No{other} leak{kind}") + (
            "." if totals.objects else ": all that lives is held from outside.")
    else:
        yield _in_all(found, page)
    yield from _mending(found)
    if found.limits:
        yield page.style("good" if found.limits.startswith("Within") else "bad", found.limits)
    if totals.guessed_roots:
        one = totals.guessed_roots == 1
        are = ("is a raw word that looks like a reference" if one else
               "are raw words that look like references")
        yield page.style("quiet", f"Of {units.counted(totals.roots, 'root')} "
                         f"{units.number(totals.guessed_roots)} {are} ({_where(totals)}); what "
                         f"only {'that keeps' if one else 'those keep'} is not listed, but for "
                         "cycles.")


def _where(totals: LeakTotals) -> str:
    """In which places the roots are that were guessed."""
    parts = [f"{units.number(count)} in {place}" for count, place in (
        (totals.guessed_registers, "registers"), (totals.guessed_words, "stacks"),
        (totals.guessed_foreign, "other memory")) if count]
    known = totals.guessed_registers + totals.guessed_words + totals.guessed_foreign
    if totals.guessed_roots > known:
        parts.append(f"{units.number(totals.guessed_roots - known)} in variables")
    return ", ".join(parts)


def _mending(found: Found) -> Iterator[str]:
    """What would free how much."""
    count, freed, size = found.cycles
    if count:
        cycles = "the cycle" if count == 1 else f"all {units.number(count)} cycles"
        yield (f"The next collection frees {cycles}: {units.counted(freed, 'object')}, "
               f"{units.size(size)}.")
    for number, row in enumerate(found.rows, 1):
        leak = row.leak
        if leak.kind == "lost" and not leak.held:
            share = units.percent(leak.bytes, found.bytes)
            yield (f"Mending {objects.label(number)} alone would free "
                   f"{units.counted(leak.objects, 'object')}, {units.size(leak.bytes)}, {share} "
                   "of it.")
            return


def _in_all(found: Found, page: Page) -> str:
    totals = found.totals
    lost = found.matched - found.cycles[0]
    parts = []
    if found.cycles[0]:
        parts.append(f"{units.counted(found.cycles[0], 'cycle')} that the collector frees")
    if lost:
        parts.append(f"{units.number(lost)} lost: counted as held, and nobody holds "
                     f"{'it' if lost == 1 else 'them'}")
    shared = ""
    if totals.shared_objects and not found.type_glob and not found.aside:
        shared = (f"; {units.counted(totals.shared_objects, 'object')}, "
                  f"{units.size(totals.shared_bytes)} of it hang on several leaks")
    size = f"{units.counted(found.objects, 'object')}, {units.size(found.bytes)}"
    return (page.style("bad", units.counted(found.matched, "leak")) +
            f", {size} in all: {', '.join(parts)}{shared}.")


def _next(found: Found) -> str:
    first = found.rows[0]
    more = "" if found.tree else "cairn leaks -tree, "
    if first.leak.kind == "cycle":
        return f"Next: {more}cairn cycles names the slots, cairn show @1"
    lines_of = ", cairn history @1" if first.places else "; CAIRN_TRACK=sites,events names lines"
    return f"Next: {more}cairn show @1{lines_of}"


COMMAND = Command(
    name="leaks",
    summary="List what leaks: cycles, lost objects, and what hangs on them.",
    argument="[OBJECT]",
    run=run, document=document, lines=lines,
    options=(Option("tree", "flag", "show what hangs on each leak"),
             Option("type", "glob", "only leaks whose root is of such a type", "GLOB"),
             Option("max-objects", "count", "that many leaked objects are no problem", "N"),
             Option("max-bytes", "size", "that many leaked bytes are no problem", "SIZE"),
             Option("suppress", "text", "leave out what the rules in FILE fit", "FILE"),
             Option("baseline", "text", "leave out as many as this command's JSON in FILE has",
                    "FILE"),
             Option("junit", "text", "write a JUnit file for a CI server, too", "FILE"),
             options.EXIT),
    details="""
Garbage is what no root leads to: no variable, register or word outside the heap, and nothing that
lives; and what the collector frees although a root points to it, as its count says that the root
does not own it.  A leak is a set of objects that all other garbage hangs on, of one of two kinds:

  cycle   objects that hold each other; their counts are right, and the collector frees them
  lost    the count says that more hold it than do (surplus): a release is missing

The most bytes stand last, by the prompt: with what hangs on the leak alone, then (direct) without.
What hangs on several leaks goes with the last of them; so does a leak that another one holds.
With OBJECT, only the leak that it belongs to.

$cairn_status is 0 where nothing leaks, or within -max-objects and -max-bytes; 1 where more does.
FILE of -suppress has a rule a line: words KEY=GLOB that must all fit, of kind, type, function and
file (that allocated it, with CAIRN_TRACK=sites) and slot (TYPE.SLOT, as session.peer or list[]):

  type=session function=cache_*    # what follows is a remark

A baseline is what `cairn leaks -limit 0 -json` printed: of each kind, type and place so many leaks
are accepted as it lists, in this run or another one.""",
    examples=(("cairn leaks", "what leaks, the most bytes last"),
              ("cairn leaks -tree -limit 5", "the five largest, with what hangs on them"),
              ("cairn leaks -exit -suppress known.txt -junit leaks.xml", "for a CI job"),
              ("cairn leaks x", "which leak x belongs to")))
