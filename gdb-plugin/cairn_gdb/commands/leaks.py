"""`cairn leaks`: the garbage, a row for each set of objects that all of it hangs on."""

import time
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from .. import units
from ..findings import collecting, leak_baseline, leak_report, leak_rules, leak_tree
from ..findings.collecting import Manual
from ..findings.leak_report import Group, Row, SetAside, Sifted
from ..findings.leak_rules import Rule
from ..findings.leak_tree import Joint, Tree
from ..records import TOLERANT, Leak, LeakCensus, LeakTotals, Result, least_sure
from ..render import json_doc
from ..session import Session
from . import leaks_text as shown
from . import options
from .command import Command
from .objects import explain_nothing
from .options import Arguments, Option

TREE_LINES, TREE_LINES_MAX = 20, 100_000  # of one row; with -limit 0
GROUPED_MAX = 5000  # leaks of which those from one place are added up


class Sums(NamedTuple):
    """Of the leaks that count: what is set aside does not."""

    leaks: int
    objects: int
    bytes: int
    cycles: int  # of the leaks; the next two go with them
    cycle_objects: int
    cycle_bytes: int


class Found(NamedTuple):
    rows: List[Row]  # the most bytes first; row N is @N
    sums: Sums
    totals: LeakTotals
    census: List[LeakCensus]
    aside: List[SetAside]
    unused: List[Rule]
    within: bool  # the limits hold; without limits: nothing leaks
    limits: str  # the same in words; "" where no limit was given
    type_glob: str
    answer: str  # of one object that was asked of, in words; "": the rows say it
    groups: Optional[List[Group]]  # by kind, type and place; None: there are too many leaks
    joint: Optional[List[Joint]]  # what is held jointly, @N behind the rows; None: was not asked
    joint_matched: int
    manual: List[Manual]  # heaps that collect only when the program asks


class _One(NamedTuple):
    """What was asked of one object."""

    leaks: Optional[Set[int]]  # the leaks that it is in or hangs on; None: of nothing was asked
    answer: str


def run(session: Session, arguments: Arguments) -> Result:
    began = time.monotonic()
    lens = session.snapshot(edges=True)
    # Files that can't be read are said before long work begins.
    named = {name: arguments.text(name) for name in ("suppress", "baseline", "junit")}
    rules = leak_rules.rules_of(named["suppress"]) if named["suppress"] else []
    baseline = leak_baseline.of(session, named["baseline"]) if named["baseline"] else None
    roots = session.roots()
    totals = lens.leaks(session.target.progress)
    glob = arguments.text("type")
    one = _one(session, arguments.expression)
    filtered = bool(rules) or baseline is not None or one.leaks is not None
    if filtered or named["junit"]:
        leaks, _ = lens.leak_rows(glob, 0)
        if one.leaks is not None:
            leaks = [leak for leak in leaks if leak.number in one.leaks]
        if baseline is not None:
            baseline.prepare(session, leaks)
        sifted = leak_report.sift(session, leaks, rules, baseline)
        sums = _sums(sifted.left)
    else:
        # With all of a type chosen the sums are known without all rows.
        sums = _census_sums(lens.leak_census(), glob)
        most = 0 if sums.leaks <= GROUPED_MAX else arguments.limit
        sifted = Sifted(lens.leak_rows(glob, most)[0], [], [])
    if not sums.leaks and not sifted.aside and one.leaks is None:
        explain_nothing(session, glob)
    everything = not glob and not sifted.aside and one.leaks is None
    if everything:
        sums = sums._replace(objects=sums.objects + totals.shared_objects,
                             bytes=sums.bytes + totals.shared_bytes)
    within, limits = _limits(arguments, sums)
    groups = None
    if sums.leaks <= GROUPED_MAX:
        groups = leak_report.groups(session, sifted._replace(aside=[]))
    if named["junit"]:
        _write_report(session, named["junit"], sifted, within, time.monotonic() - began)
    rows, joint, joint_matched = _rows(session, arguments, sifted.left, everything)
    session.remember([row.leak.root.address for row in rows] +
                     [each.leak.root.address for each in joint or ()])
    exactness, warnings = session.exactness(), session.walk_warnings() + roots.warnings
    if groups is None and any(row.places for row in rows):
        warnings.append("leaks from one place are added up only where all are at most "
                        f"{GROUPED_MAX:,}.")
    if exactness == "conservative":
        warnings.append("an object of an opaque type may hold, unseen, what is listed as lost.")
    if not roots.complete:
        exactness = least_sure(exactness, TOLERANT)
        warnings.append("not every place of a root could be searched: what is held from there may "
                        "be listed as lost.")
    if baseline is not None:
        exactness = least_sure(exactness, baseline.exactness)
        warnings += baseline.warnings
    found = Found(rows, sums, totals, _by_name(lens.leak_census()), sifted.aside, sifted.unused,
                  within, limits, glob, one.answer, groups, joint, joint_matched,
                  collecting.manual(lens.heaps()))
    return Result(found, exactness, warnings, status=0 if within else 1)


def _rows(session: Session, arguments: Arguments, leaks: Sequence[Leak], everything: bool
          ) -> Tuple[List[Row], Optional[List[Joint]], int]:
    """The rows that are shown, with -tree also what hangs on each and on several of them."""
    kept = leaks[:arguments.limit] if arguments.limit else leaks
    rows = [leak_report.row_of(session, leak) for leak in kept]
    if not arguments.flag("tree"):
        return rows, None, 0
    most = TREE_LINES if arguments.limit else TREE_LINES_MAX
    rows = [row._replace(tree=leak_tree.of(session, row.leak, most)) for row in rows]
    chosen = None if everything else {leak.number for leak in leaks}
    joint, matched = leak_tree.joints(session, chosen, arguments.limit, most)
    return rows, joint, matched


def _one(session: Session, expression: str) -> _One:
    """The leaks that an object belongs to or hangs on; or why there are none, in words."""
    if not expression.strip():
        return _One(None, "")
    row, _ = session.object(expression)
    index = session.lens.snapshot_find(row.address)
    number = None if index is None else session.lens.leak_of(index)
    named = f"{row.type_name} {row.address:#x}"
    if number is None:
        return _One(set(), f"{named} is no garbage; `cairn path {row.address:#x}` tells what keeps "
                    "it.")
    leaks = leak_tree.leaks_of(session, number)
    if leaks == [number]:
        return _One({number}, "")
    return _One(set(leaks), f"{named} is held jointly: it hangs on "
                f"{units.counted(len(leaks), 'leak')} and goes with the last of them.")


def _write_report(session: Session, path: str, sifted: Sifted, within: bool, seconds: float
                  ) -> None:
    from ..render import junit  # when asked only: with it half the network library is loaded
    identity = session.identity
    about = {"executable": identity.executable, "target": identity.kind,
             "process": str(identity.pid), "exactness": session.exactness()}
    junit.write(path, junit.document(leak_report.groups(session, sifted), not within, about,
                                     int(time.time()), seconds))


# ---- sums and limits ----------------------------------------------------------------------------

def _sums(leaks: Sequence[Leak]) -> Sums:
    cycles = [leak for leak in leaks if leak.kind == "cycle"]
    return Sums(len(leaks), sum(leak.objects for leak in leaks),
                sum(leak.bytes for leak in leaks), len(cycles),
                sum(leak.objects for leak in cycles), sum(leak.bytes for leak in cycles))


def _census_sums(census: Sequence[LeakCensus], glob: str) -> Sums:
    from fnmatch import fnmatchcase
    chosen = [row for row in census if not glob or fnmatchcase(row.type_name, glob)]
    cycles = [row for row in chosen if row.kind == "cycle"]
    return Sums(sum(row.leaks for row in chosen), sum(row.objects for row in chosen),
                sum(row.bytes for row in chosen), sum(row.leaks for row in cycles),
                sum(row.objects for row in cycles), sum(row.bytes for row in cycles))


def _by_name(census: Sequence[LeakCensus]) -> List[LeakCensus]:
    """Types of one name in several heaps are one row a kind."""
    sums: Dict[Tuple[str, str], LeakCensus] = {}
    for row in census:
        before = sums.get((row.type_name, row.kind), row._replace(leaks=0, objects=0, bytes=0))
        sums[row.type_name, row.kind] = before._replace(
            leaks=before.leaks + row.leaks, objects=before.objects + row.objects,
            bytes=before.bytes + row.bytes)
    return [sums[key] for key in sorted(sums)]


def _limits(arguments: Arguments, sums: Sums) -> Tuple[bool, str]:
    """Whether all is fine, and the limits in words."""
    most_objects, most_bytes = arguments.count("max-objects"), arguments.count("max-bytes")
    if most_objects is None and most_bytes is None:
        return sums.leaks == 0, ""
    said = []
    fine = True
    if most_objects is not None:
        fine = fine and sums.objects <= most_objects
        said.append(f"{units.counted(most_objects, 'object')}")
    if most_bytes is not None:
        fine = fine and sums.bytes <= most_bytes
        said.append(units.size(most_bytes))
    return fine, (f"{'Within' if fine else 'Beyond'} the limit of {' and '.join(said)}: "
                  f"{units.counted(sums.objects, 'object')}, {units.size(sums.bytes)}.")


# ---- JSON ---------------------------------------------------------------------------------------

def _set_record(leak: Leak) -> Dict[str, Any]:
    return {"kind": leak.kind, "objects": leak.objects, "bytes": leak.bytes,
            "root": json_doc.object_record(leak.root),
            "direct_objects": leak.own_objects, "direct_bytes": leak.own_bytes,
            "indirect_objects": leak.objects - leak.own_objects,
            "indirect_bytes": leak.bytes - leak.own_bytes, "held": leak.held}


def _tree_record(tree: Tree) -> Dict[str, Any]:
    return {"tree": [{"depth": branch.depth, "slot": branch.slot, "note": branch.note,
                      "object": json_doc.object_record(branch.object)}
                     for branch in tree.branches], "tree_more": tree.more}


def _row_record(row: Row, tree: bool) -> Dict[str, Any]:
    leak = row.leak
    record = _set_record(leak)
    record.update(surplus=leak.surplus, root_refs=leak.root_refs,
                  would_free={"objects": 0 if leak.held else leak.objects,
                              "bytes": 0 if leak.held else leak.bytes})
    if row.places:
        record["site"] = json_doc.place_record(row.places[0])
        record["backtrace"] = [json_doc.place_record(place) for place in row.places]
    if row.outside_bytes:
        record["external_bytes"] = row.outside_bytes
    if tree:
        record.update(_tree_record(row.tree))
    return record


def _joint_record(joint: Joint) -> Dict[str, Any]:
    record = _set_record(joint.leak)
    record.update(held_by=[json_doc.address(root) for root in joint.holders.values()],
                  holder_count=joint.holder_count, **_tree_record(joint.tree))
    return record


def _types_record(census: Sequence[LeakCensus]) -> List[Dict[str, Any]]:
    """A row a type name, whatever the kind."""
    found: Dict[str, Dict[str, Any]] = {}
    for row in census:
        record = found.setdefault(row.type_name, {
            "type": row.type_name, "leaks": 0, "cycles": 0, "lost": 0, "objects": 0, "bytes": 0})
        record["leaks"] += row.leaks
        record["cycles" if row.kind == "cycle" else "lost"] += row.leaks
        record["objects"] += row.objects
        record["bytes"] += row.bytes
    return list(found.values())


def document(found: Found) -> Any:
    tree = found.joint is not None
    record = json_doc.listing([_row_record(row, tree) for row in found.rows], found.sums.leaks)
    totals = found.totals
    record["totals"] = {
        "objects": totals.objects, "bytes": totals.bytes,
        "cycles": {"leaks": totals.cycles, "objects": totals.cycle_objects,
                   "bytes": totals.cycle_bytes},
        "lost": {"leaks": totals.lost, "objects": totals.lost_objects,
                 "bytes": totals.lost_bytes},
        "shared": {"sets": totals.joints, "objects": totals.shared_objects,
                   "bytes": totals.shared_bytes},
        "roots": totals.roots, "guessed_roots": totals.guessed_roots,
        "stale_words": totals.stale_words}
    record["counted"] = {"leaks": found.sums.leaks, "objects": found.sums.objects,
                         "bytes": found.sums.bytes}
    record["types"] = _types_record(found.census)
    record["within_limits"] = found.within
    if found.groups is not None:
        record["groups"] = [{"kind": group.kind, "type": group.type_name,
                             "site": json_doc.place_record(group.place),
                             "leaks": len(group.leaks), "objects": group.objects,
                             "bytes": group.bytes} for group in found.groups]
    if found.joint is not None:
        record["joint"] = json_doc.listing([_joint_record(each) for each in found.joint],
                                           found.joint_matched)
    if found.aside or found.unused:
        record["set_aside"] = {"leaks": len(found.aside),
                               "objects": sum(one.leak.objects for one in found.aside),
                               "bytes": sum(one.leak.bytes for one in found.aside)}
        record["unused_suppressions"] = [{"where": rule.where, "rule": rule.text}
                                         for rule in found.unused]
    if found.answer:
        record["answer"] = found.answer
    if found.manual:
        record["manual_heaps"] = collecting.records_of(found.manual)
    return record


COMMAND = Command(
    name="leaks",
    summary="List what leaks: cycles, lost objects, and what hangs on them.",
    argument="[OBJECT]",
    run=run, document=document, lines=shown.lines,
    options=(Option("tree", "flag", "show what hangs on each leak, and on several of them"),
             Option("type", "glob", "only leaks whose root is of such a type", "GLOB"),
             Option("max-objects", "count", "that many leaked objects are no problem", "N"),
             Option("max-bytes", "size", "that many leaked bytes are no problem", "SIZE"),
             Option("suppress", "text", "leave out what the rules in FILE fit", "FILE"),
             Option("baseline", "text", "leave out what was there before, by FILE", "FILE"),
             Option("junit", "text", "write a JUnit file for a CI server, too", "FILE"),
             options.EXIT),
    details="""
Garbage is what no root leads to: no variable, register or word outside the heap, and nothing that
lives; and what the collector frees although a root points to it, as its count says that the root
does not own it.  A leak is a set of objects that all other garbage hangs on, of one of two kinds:

  cycle   objects that hold each other; their counts are right, and the collector frees them
  lost    the count says that more hold it than do (surplus): a release is missing

The most bytes stand last, by the prompt: with what hangs on the leak alone, then (direct) without.
What hangs on several leaks goes with the last of them; -tree shows it once, above the leaks, so
that all rows together are all the garbage.  With OBJECT, only the leaks that it belongs to.

$cairn_status is 0 where nothing leaks, or within -max-objects and -max-bytes; 1 where more does;
2 where that can't be told.  What is set aside does not count.
FILE of -suppress has a rule a line: words KEY=GLOB that must all fit, of kind, type, function and
file (that allocated it, with CAIRN_TRACK=sites) and slot (TYPE.SLOT, as session.peer or list[]):

  type=session function=cache_*    # what follows is a remark

A rule that fits nothing is named.  FILE of -baseline is one of two: what `cairn leaks -limit 0
-json` printed, in this run or another one: of each kind, type and place so many leaks are accepted
as it lists; or a snapshot of this process (`cairn snapshot save FILE`, or a NAME that is kept):
leaks whose root was there already are accepted.""",
    examples=(("cairn leaks", "what leaks, the most bytes last"),
              ("cairn leaks -tree -limit 5", "the five largest, with what hangs on them"),
              ("cairn leaks -exit -suppress known.txt -junit leaks.xml", "for a CI job"),
              ("cairn leaks -baseline before", "only leaks made since that snapshot"),
              ("cairn leaks x", "which leak x belongs to")))
