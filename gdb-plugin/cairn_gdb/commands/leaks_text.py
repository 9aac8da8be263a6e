"""Leaks as text: a table or trees, and below them the sums and what would free how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Iterator, List, Sequence

from .. import units
from ..findings import collecting
from ..findings.leak_report import Row
from ..findings.leak_tree import Branch, Joint, Tree
from ..records import Leak, LeakTotals
from ..render import objects
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import tracked

if TYPE_CHECKING:
    from .leaks import Found

TYPES_NAMED = 6
HOLDERS_NAMED = 6
GROUPS_NAMED = 3


def lines(found: Found, page: Page) -> Iterator[str]:
    if found.answer:
        yield found.answer
        if not found.rows:
            return
    labels = _labels(found)
    if found.joint is not None:
        yield from _joint_lines(found, labels, page)
        for number, row in reversed(list(enumerate(found.rows, 1))):
            yield from _tree_lines(number, row, labels, page)
    elif found.rows:
        yield from _table(found.rows).lines(page)
    yield from objects.closing(len(found.rows), found.sums.leaks, "leak", page)
    yield from _by_type(found)
    yield from _alike(found)
    yield from _closing(found, page)
    if found.rows:
        yield objects.hint(_next(found), page)


# ---- rows ---------------------------------------------------------------------------------------

def _remark(leak: Leak) -> str:
    """What a reader must know of a leak beside its numbers."""
    parts = []
    if leak.own_objects > 1:
        parts.append(f"{units.number(leak.own_objects)} that hold each other")
    elif _rings(leak):
        parts.append("holds itself")
    if leak.held:
        parts.append("another leak holds it too")
    if leak.root_refs:
        points = "root points" if leak.root_refs == 1 else "roots point"
        parts.append(f"{units.number(leak.root_refs)} {points} to it, not counted")
    if "shared" in leak.root.state and leak.kind == "cycle":
        parts.append("in a shared heap: only cairn_collect_exclusive frees it")
    return ", ".join(parts)


def _table(rows: Sequence[Row]) -> Table:
    sites = any(row.places for row in rows)
    table = Table(Column("", right=True), Column("kind"), Column("objects", right=True),
                  Column("bytes", right=True), Column("direct", right=True),
                  Column("surplus", right=True), Column("address", style="address"),
                  Column("type", style="type"),
                  *([Column("allocated at", lead="allocated at ")] if sites else []),
                  Column("remark", lead=""), Column("value"))
    for number, row in reversed(list(enumerate(rows, 1))):
        leak = row.leak
        place = [tracked.place_text(row.places[0]) if row.places else ""] if sites else []
        table.add(objects.label(number), leak.kind, units.number(leak.objects),
                  units.size(leak.bytes), units.size(leak.own_bytes),
                  units.number(leak.surplus) if leak.kind == "lost" else "",
                  f"{leak.root.address:#x}", leak.root.type_name, *place, _remark(leak),
                  objects.value(leak.root))
    return table


def _labels(found: Found) -> Dict[int, str]:
    """How the rows of the lens that are shown are called: `@3`."""
    shown = [row.leak.number for row in found.rows]
    shown += [each.leak.number for each in found.joint or ()]
    return {number: objects.label(at) for at, number in enumerate(shown, 1)}


def _branch_note(branch: Branch, labels: Dict[int, str]) -> str:
    where = labels.get(branch.row, "")
    if branch.note == "again":
        return "  (stands above)"
    if branch.note == "joint":
        return f"  (held jointly{': ' + where if where else ''})"
    if branch.note == "leak":
        return f"  (a leak of its own{': ' + where if where else ''})"
    return ""


def _branches(tree: Tree, labels: Dict[int, str], page: Page) -> Iterator[str]:
    for branch in tree.branches:
        yield (f"     {'  ' * branch.depth}{page.style('variable', branch.slot)} "
               f"{objects.one_line(branch.object, page)}{_branch_note(branch, labels)}")
    if tree.more:
        yield page.style("quiet", f"       and {units.counted(tree.more, 'more object')}; "
                         "-limit 0 shows all.")


def _tree_lines(number: int, row: Row, labels: Dict[int, str], page: Page) -> Iterator[str]:
    leak = row.leak
    remark = _remark(leak)
    yield (f"{objects.label(number)} {leak.kind}: {units.counted(leak.objects, 'object')}, "
           f"{units.size(leak.bytes)}  {objects.one_line(leak.root, page)}")
    if remark:
        yield f"     {remark}"
    if row.places:
        yield "     allocated at " + " < ".join(tracked.place_text(place) for place in row.places)
    yield from _branches(row.tree, labels, page)


def _joint_lines(found: Found, labels: Dict[int, str], page: Page) -> Iterator[str]:
    joint: Sequence[Joint] = found.joint or ()
    for number, each in reversed(list(enumerate(joint, len(found.rows) + 1))):
        leak = each.leak
        yield (f"{objects.label(number)} held jointly by {_holders(each, labels)}: "
               f"{units.counted(leak.objects, 'object')}, {units.size(leak.bytes)}  "
               f"{objects.one_line(leak.root, page)}")
        yield from _branches(each.tree, labels, page)
    if len(joint) < found.joint_matched:
        sets = units.counted(found.joint_matched, "set")
        yield page.style("quiet", f"{units.number(len(joint))} of {sets} that are held jointly "
                         "shown; -limit 0 shows all.")


def _holders(joint: Joint, labels: Dict[int, str]) -> str:
    """`@2, @5 and 3 that are not shown`."""
    known = sorted((labels[number] for number in joint.holders if number in labels),
                   key=lambda label: int(label[1:]))
    rest = joint.holder_count - len(known[:HOLDERS_NAMED])
    if not known:
        return f"{units.number(rest)} that are not shown"
    more = f" and {units.number(rest)} {'more' if len(known) > HOLDERS_NAMED else 'not shown'}"
    return ", ".join(known[:HOLDERS_NAMED]) + (more if rest else "")


# ---- sums ---------------------------------------------------------------------------------------

def _by_type(found: Found) -> Iterator[str]:
    """Where rows were cut: what they are, by type."""
    cut = len(found.rows) < found.sums.leaks
    if not cut or found.aside or found.type_glob or found.answer:
        return
    sums: Dict[str, int] = {}
    for row in found.census:
        sums[row.type_name or "?"] = sums.get(row.type_name or "?", 0) + row.leaks
    listed = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
    rest = len(listed) - TYPES_NAMED
    more = f", and {units.counted(rest, 'more type')}" if rest > 0 else ""
    yield "By type: " + ", ".join(f"{units.number(count)} {name}"
                                  for name, count in listed[:TYPES_NAMED]) + more + "."


def _alike(found: Found) -> Iterator[str]:
    """What leaks from one place: mending that mends all of it."""
    several = [group for group in found.groups or () if group.place and len(group.leaks) > 1]
    for group in several[:GROUPS_NAMED]:
        place = tracked.place_text(group.place)
        share = "all of it" if group.bytes == found.sums.bytes else \
            f"{units.percent(group.bytes, found.sums.bytes)} of it"
        many = units.number(len(group.leaks))
        yield (f"{many} alike: {group.kind} {group.type_name} from {place}, "
               f"{units.counted(group.objects, 'object')}, {units.size(group.bytes)}, {share}.")
    if len(several) > GROUPS_NAMED:
        rest = len(several) - GROUPS_NAMED
        yield f"And {units.counted(rest, 'more group')} of leaks that are alike."


def _closing(found: Found, page: Page) -> Iterator[str]:
    totals = found.totals
    if found.aside:
        size = units.size(sum(one.leak.bytes for one in found.aside))
        yield (f"{units.counted(len(found.aside), 'leak')}, {size}, set aside: suppressed or in "
               "the baseline.")
    for rule in found.unused:
        yield page.style("warning", f"{rule.where}: suppresses nothing: {rule.text}")
    if not found.sums.leaks:
        kind = f" of {found.type_glob}" if found.type_glob else ""
        other = " other" if found.aside else ""
        yield page.style("good", f"No{other} leak{kind}") + (
            "." if totals.objects else ": all that lives is held from outside.")
    else:
        yield _in_all(found, page)
    yield from _mending(found)
    if found.limits:
        yield page.style("good" if found.within else "bad", found.limits)
    if totals.guessed_roots:
        yield page.style("quiet", _guessed(totals))
    if totals.stale_words:
        what = ("1 more word lies in a block that malloc got back: no root, though it looks like a "
                "reference." if totals.stale_words == 1 else
                f"{units.number(totals.stale_words)} more words lie in blocks that malloc got "
                "back: no roots, though they look like references.")
        yield page.style("quiet", what)


def _guessed(totals: LeakTotals) -> str:
    one = totals.guessed_roots == 1
    are = "is a raw word that looks like a reference" if one else \
        "are raw words that look like references"
    return (f"Of {units.counted(totals.roots, 'root')} {units.number(totals.guessed_roots)} {are} "
            f"({_where(totals)}); what only {'that keeps' if one else 'those keep'} is not listed, "
            "but for cycles.")


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
    sums = found.sums
    if sums.cycles:
        cycles = "the cycle" if sums.cycles == 1 else f"all {units.number(sums.cycles)} cycles"
        yield (f"The next collection frees {cycles}: "
               f"{units.counted(sums.cycle_objects, 'object')}, {units.size(sums.cycle_bytes)}.")
        yield from collecting.lines(found.manual)
    for number, row in enumerate(found.rows, 1):
        leak = row.leak
        if leak.kind == "lost" and not leak.held:
            share = units.percent(leak.bytes, sums.bytes)
            when = ", at the next collection" if _rings(leak) else ""
            yield (f"Mending {objects.label(number)} alone would free "
                   f"{units.counted(leak.objects, 'object')}, {units.size(leak.bytes)}, {share} "
                   f"of it{when}.")
            if when and not sums.cycles:
                yield from collecting.lines(found.manual)
            return


def _rings(leak: Leak) -> bool:
    """Its objects hold each other, or one itself: mended, it is a cycle for the collector."""
    return leak.kind == "cycle" or leak.own_objects > 1 or (
        not leak.held and leak.root.refcount > leak.surplus)


def _in_all(found: Found, page: Page) -> str:
    totals, sums = found.totals, found.sums
    lost = sums.leaks - sums.cycles
    parts: List[str] = []
    if sums.cycles:
        parts.append(f"{units.counted(sums.cycles, 'cycle')} that the collector frees")
    if lost:
        parts.append(f"{units.number(lost)} lost: counted as held, and nobody holds "
                     f"{'it' if lost == 1 else 'them'}")
    shared = ""
    if totals.shared_objects and not found.type_glob and not found.aside and not found.answer:
        hang = "hangs" if totals.shared_objects == 1 else "hang"
        shared = (f"; {units.counted(totals.shared_objects, 'object')}, "
                  f"{units.size(totals.shared_bytes)} of it {hang} on several leaks")
    size = f"{units.counted(sums.objects, 'object')}, {units.size(sums.bytes)}"
    return (page.style("bad", units.counted(sums.leaks, "leak")) +
            f", {size} in all: {', '.join(parts)}{shared}.")


def _next(found: Found) -> str:
    first = found.rows[0]
    more = "" if found.joint is not None else "cairn leaks -tree, "
    if first.leak.kind == "cycle":
        return f"Next: {more}cairn cycles names the slots, cairn show @1"
    lines_of = ", cairn history @1" if first.places else "; CAIRN_TRACK=sites,events names lines"
    return f"Next: {more}cairn show @1{lines_of}"
