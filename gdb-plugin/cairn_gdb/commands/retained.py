"""`cairn retained`: what would go if this went."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from .. import units
from ..errors import CairnError
from ..outside.rootset import KINDS
from ..records import (CONSERVATIVE, TOLERANT, Filter, Object, Result, Retained, RetainedTotals,
                       RetainedType, Root, least_sure)
from ..render import json_doc, objects
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import Session
from .command import Command
from .objects import HEAP, explain_nothing, heap_option
from .options import Arguments, Option

BY = ("object", "type", "root")
CHAIN_MAX = 24  # dominators of one object that are shown
ROOTS_NAMED = 4


class ObjectRow(NamedTuple):
    object: Object
    retained: Retained
    keeper: Optional[Object]  # the object that alone keeps it
    roots: List[Root]  # that hold it, the best known first, where no object alone does


class RootRow(NamedTuple):
    roots: List[Root]  # that hold the object, the best known first
    object: Object
    bytes: int
    objects: int


class Found(NamedTuple):
    by: str
    totals: RetainedTotals
    matched: int
    rows: List[ObjectRow]  # the biggest first; row N is @N
    roots: List[RootRow]
    types: List[Tuple[RetainedType, str]]  # with the heap's name where there are several
    chosen: Optional[ObjectRow]  # the object that was asked of; the rows are what it keeps
    chain: List[ObjectRow]  # of it: the objects that alone keep it, the nearest first
    chain_cut: bool


def run(session: Session, arguments: Arguments) -> Result:
    by = arguments.text("by", "object")
    if arguments.expression and by != "object":
        raise CairnError(f"-by {by} and an object: ask one of the two.")
    if by != "object" and (arguments.text("type") or arguments.text("heap")):
        raise CairnError("-type and -heap choose among objects; with -by type or root there are "
                         "none.")
    chosen = session.object(arguments.expression)[0] if arguments.expression else None
    heap = heap_option(session, arguments)
    lens = session.snapshot(edges=True)
    roots = session.roots()
    totals = lens.retain(session.target.progress)
    found = Found(by, totals, 0, [], [], [], None, [], False)
    if chosen is not None:
        found = _of_one(session, chosen, found, arguments.limit)
    elif by == "root":
        found = _by_root(session, found, arguments.limit)
    elif by == "type":
        found = _by_type(session, found, arguments.limit)
    else:
        wanted = Filter(arguments.text("type"), heap=heap, sort="retained")
        rows, matched = lens.select(wanted, arguments.limit)
        if not matched:
            explain_nothing(session, wanted.type_glob)
        found = found._replace(matched=matched, rows=[_row(session, row) for row in rows])
    session.remember([row.object.address for row in found.rows or found.roots])
    exactness, warnings = session.exactness(), session.walk_warnings() + roots.warnings
    if not roots.complete:
        exactness = least_sure(exactness, TOLERANT)
        warnings.append("not every place of a root could be searched: what is held from there "
                        "would stay.")
    return Result(found, exactness, warnings)


def _roots_of(session: Session, index: int) -> List[Root]:
    """The roots of an object, those that are known best first."""
    order = {kind: number for number, kind in enumerate(KINDS)}
    return sorted(session.roots().of_object(index),
                  key=lambda root: (order.get(root.kind, len(order)), root.thread or 0,
                                    root.frame or 0, root.slot_address))


def _row(session: Session, row: Object) -> ObjectRow:
    lens = session.lens
    index = lens.snapshot_find(row.address)
    if index is None:
        raise CairnError(f"{row.address:#x} is not in the snapshot: its page is damaged, or it is "
                         "in flux.")
    retained = lens.retained(index)
    keeper = None if retained.dominator is None else lens.snapshot_object(retained.dominator)
    roots = _roots_of(session, index) if keeper is None else []
    return ObjectRow(session.describe(row), retained, keeper, roots)


def _of_one(session: Session, chosen: Object, found: Found, limit: int) -> Found:
    lens = session.lens
    row = _row(session, chosen)
    chain = [row]
    while chain[-1].keeper is not None and len(chain) <= CHAIN_MAX:
        chain.append(_row(session, chain[-1].keeper))
    index = lens.snapshot_find(chosen.address)
    assert index is not None
    under, matched = lens.retained_under(index, limit)
    rows = [_row(session, lens.snapshot_object(each)) for each in under]
    return found._replace(chosen=row, chain=chain[1:], chain_cut=chain[-1].keeper is not None,
                          rows=rows, matched=matched)


def _by_root(session: Session, found: Found, limit: int) -> Found:
    rows, matched = session.lens.retained_roots(limit)
    shown = [RootRow(_roots_of(session, row.object),
                     session.describe(session.lens.snapshot_object(row.object)), row.bytes,
                     row.objects) for row in rows]
    return found._replace(roots=shown, matched=matched)


def _by_type(session: Session, found: Found, limit: int) -> Found:
    lens = session.lens
    rows, matched = lens.retained_types(limit, session.target.progress)
    several = len(lens.heaps()) > 1
    return found._replace(matched=matched, types=[
        (row, session.heap_label(lens.type(row.type).heap) if several else "") for row in rows])


# ---- JSON ---------------------------------------------------------------------------------------

def document(found: Found) -> Any:
    if found.by == "type":
        rows = [_type_record(row, heap) for row, heap in found.types]
    elif found.by == "root":
        rows = [dict(json_doc.root_record(row.roots[0], row.object), retained_bytes=row.bytes,
                     retained_objects=row.objects,
                     others=[_root_record(root) for root in row.roots[1:]])
                for row in found.roots]
    else:
        rows = [_object_record(row) for row in found.rows]
    record = json_doc.listing(rows, found.matched)
    totals = found.totals
    record["by"] = found.by
    record["reached"] = {"objects": totals.objects, "bytes": totals.bytes}
    record["unreached"] = {"objects": totals.lost_objects, "bytes": totals.lost_bytes}
    record["of_no_single_root"] = {"objects": totals.shared_objects, "bytes": totals.shared_bytes}
    if found.chosen is not None:
        record["object"] = _object_record(found.chosen)
        record["kept_by"] = [json_doc.object_record(row.object) for row in found.chain]
    return record


def _type_record(row: RetainedType, heap: str) -> Dict[str, Any]:
    record = {"type": row.type_name, "count": row.members, "bytes": row.own_bytes,
              "retained_bytes": row.bytes, "retained_objects": row.objects}
    if heap:
        record["heap"] = heap
    return record


def _object_record(row: ObjectRow) -> Dict[str, Any]:
    record = json_doc.object_record(row.object)
    record.update(retained_bytes=row.retained.bytes, retained_objects=row.retained.objects,
                  reached=row.retained.reached,
                  dominator=None if row.keeper is None else json_doc.object_record(row.keeper))
    if row.roots:
        record["roots"] = [_root_record(root) for root in row.roots]
        record["only_roots"] = row.retained.root_count != 0
    return record


def _root_record(root: Root) -> Dict[str, Any]:
    return {"kind": root.kind, "name": root.name, "thread": root.thread, "frame": root.frame,
            "addr": json_doc.address(root.slot_address) if root.slot_address else None,
            "confidence": root.confidence}


# ---- text ---------------------------------------------------------------------------------------

def lines(found: Found, page: Page) -> Iterator[str]:
    if found.chosen is not None:
        yield from _one_lines(found, found.chosen, page)
    elif found.by == "type":
        yield from _type_lines(found, page)
    elif found.by == "root":
        yield from _root_lines(found, page)
    else:
        yield from _object_lines(found, page)
    yield from _sums(found)
    if found.rows or found.roots:
        yield objects.hint("Next: cairn retained @1, cairn referrers @1", page)


def _keeper_text(row: ObjectRow) -> str:
    if not row.retained.reached:
        return "no root leads to it"
    if row.keeper is not None:
        return f"{row.keeper.type_name} {row.keeper.address:#x}"
    if row.retained.root_count:
        return roots_text(row.roots)
    if row.roots:
        return f"{roots_text(row.roots)}, and others"
    return "immortal" if row.object.immortal else "several"


def root_text(root: Root) -> str:
    """`cache (global)`, `sp+0x18 (word, thread 2)`."""
    thread = f", thread {root.thread}" if root.thread is not None and root.kind not in (
        "global", "static", "foreign") else ""
    return f"{root.name or format(root.slot_address, '#x')} ({root.kind}{thread})"


def roots_text(roots: Sequence[Root]) -> str:
    more = f" +{len(roots) - 1}" if len(roots) > 1 else ""
    return root_text(roots[0]) + more


def _object_lines(found: Found, page: Page) -> Iterator[str]:
    if not found.rows:
        yield "No object matches." if not found.matched else \
            f"{units.counted(found.matched, 'object')} match; the limit shows none."
        return
    yield from _table(found, page).lines(page)
    yield from objects.closing(len(found.rows), found.matched, "object", page)


def _table(found: Found, page: Page) -> Table:
    table = Table(Column("", right=True), Column("address", style="address"),
                  Column("retained", right=True), Column("share", right=True),
                  Column("objects", right=True), Column("type", style="type"),
                  Column("" if found.chosen else "kept by"), Column("value"))
    for number, row in reversed(list(enumerate(found.rows, 1))):
        retained = row.retained
        table.add(objects.label(number), f"{row.object.address:#x}", units.size(retained.bytes),
                  units.percent(retained.bytes, found.totals.bytes),
                  units.number(retained.objects), row.object.type_name,
                  "" if found.chosen else _keeper_text(row), objects.value(row.object))
    return table


def _one_lines(found: Found, row: ObjectRow, page: Page) -> Iterator[str]:
    if found.rows:
        yield from _table(found, page).lines(page)
        yield from objects.closing(len(found.rows), found.matched, "object", page)
    yield objects.one_line(row.object, page)
    if not row.retained.reached:
        yield "  No root leads to it: it is garbage already; `cairn leaks` tells of it."
        return
    others = row.retained.objects - 1
    also = f", {units.counted(others, 'other object')} with it" if others else ""
    yield (f"  If it went, {page.style('heading', units.size(row.retained.bytes))} would go"
           f"{also} ({units.percent(row.retained.bytes, found.totals.bytes)} of what is reached).")
    if found.matched:
        yield f"  Of those it alone keeps {units.counted(found.matched, 'object')} directly."
    names = [f"{each.object.type_name} {each.object.address:#x}" for each in found.chain]
    if found.chain_cut:
        names.append(page.ellipsis)
    if names:
        yield f"  It goes with each of: {', '.join(names)}"
    last = found.chain[-1] if found.chain else row
    if found.chain_cut:
        return
    held = "the last of these is" if found.chain else "It is"
    if last.retained.root_count:
        yield f"  {held.capitalize()} held by {_all_roots(last.roots)}, and by nothing else."
    elif last.roots:
        yield (f"  {held.capitalize()} held by {_all_roots(last.roots)}, and reached in other ways "
               "as well.")
    else:
        yield (f"  {held.capitalize()} reached in ways that have nothing in common, or the runtime "
               "holds it.")


def _all_roots(roots: Sequence[Root]) -> str:
    named = ", ".join(root_text(root) for root in roots[:ROOTS_NAMED])
    more = f" and {len(roots) - ROOTS_NAMED} more" if len(roots) > ROOTS_NAMED else ""
    return f"{units.counted(len(roots), 'root')}: {named}{more}"


def _type_lines(found: Found, page: Page) -> Iterator[str]:
    table = Table(Column("retained", right=True), Column("share", right=True),
                  Column("objects", right=True), Column("of the type", right=True),
                  Column("own", right=True), Column("heap"), Column("type", style="type"))
    for row, heap in reversed(found.types):
        table.add(units.size(row.bytes), units.percent(row.bytes, found.totals.bytes),
                  units.number(row.objects), units.number(row.members), units.size(row.own_bytes),
                  heap, row.type_name)
    if table.rows:
        yield from table.lines(page)
    yield from objects.closing(len(found.types), found.matched, "type", page)


def _root_lines(found: Found, page: Page) -> Iterator[str]:
    if not found.roots:
        yield ("No root keeps anything that is not reached in another way, too." if
               not found.matched else f"{units.counted(found.matched, 'root')} match; the limit "
               "shows none.")
        return
    table = Table(Column("", right=True), Column("retained", right=True),
                  Column("share", right=True), Column("objects", right=True), Column("kind"),
                  Column("name", style="variable"), Column("slots", right=True), Column("sure"),
                  Column("object", style="address"), Column("type", style="type"),
                  Column("value"))
    for number, row in reversed(list(enumerate(found.roots, 1))):
        table.add(objects.label(number), units.size(row.bytes),
                  units.percent(row.bytes, found.totals.bytes), units.number(row.objects),
                  row.roots[0].kind, row.roots[0].name,
                  units.number(len(row.roots)) if len(row.roots) > 1 else "",
                  row.roots[0].confidence if row.roots[0].confidence == CONSERVATIVE else "",
                  f"{row.object.address:#x}", row.object.type_name, objects.value(row.object))
    yield from table.lines(page)
    yield from objects.closing(len(found.roots), found.matched, "root", page)


def _sums(found: Found) -> Iterator[str]:
    totals = found.totals
    text = (f"{units.counted(totals.roots, 'root')} {'leads' if totals.roots == 1 else 'lead'} to "
            f"{units.counted(totals.objects, 'object')}, {units.size(totals.bytes)}")
    if totals.shared_objects:
        hang = "hangs" if totals.shared_objects == 1 else "hang"
        text += (f"; {units.number(totals.shared_objects)} of them, "
                 f"{units.size(totals.shared_bytes)}, {hang} on no single one")
    if totals.lost_objects:
        text += (f"; {units.counted(totals.lost_objects, 'object')}, "
                 f"{units.size(totals.lost_bytes)}, {'is' if totals.lost_objects == 1 else 'are'} "
                 "garbage (cairn leaks)")
    yield text + "."


COMMAND = Command(
    name="retained",
    summary="Show what would go if an object, a type or a root went.",
    argument="[OBJECT]",
    run=run, document=document, lines=lines,
    options=(Option("by", "choice", "rows of objects, types or roots", "KEY", BY),
             Option("type", "glob", "only objects of types whose name matches", "GLOB"),
             HEAP),
    details="""
An object retains itself and all that nothing outside leads to without it: the objects below it in
the tree of dominators over all roots, what the runtime holds, and what is never freed.  Listed are
the objects that retain most, by the prompt; `kept by` is the nearest object or root that retains
the row itself.  With OBJECT: what it retains, the objects that it alone keeps directly, and all
that it would go with.

  -by root   what would go if that slot were cleared, and with it the others that hold the same
             object (`slots` says how many where there are several: a variable that a register
             holds as well).  Where something else leads to the object, they keep nothing and are
             not listed.
  -by type   what would go if all objects of the type went at once: exactly that set.  It is more
             than the sum over its objects where several of them share what they hold, and
             less where they hold each other.

A root counts as a holder where the object's count is above what slots of objects own of it; a
pointer that can only be borrowed, or a stale word, keeps nothing, unless nothing else leads to the
object.  Raw words of objects that may have an owner outside do count.  Weak and borrowed slots
keep nothing.  Bytes are those of blocks and of the buffers that objects own.  Garbage retains
nothing.""",
    examples=(("cairn retained", "what keeps the memory"),
              ("cairn retained -type session", "which session is the heaviest"),
              ("cairn retained -by type", "what the sessions are to blame for, all together"),
              ("cairn retained -by root", "which variable keeps it all"),
              ("cairn retained @1", "what it consists of")))
