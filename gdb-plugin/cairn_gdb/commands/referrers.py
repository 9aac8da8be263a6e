"""`cairn referrers OBJECT`: who holds an object, and whether that explains its count."""

from typing import Any, Dict, Iterator, List, NamedTuple

from .. import units
from ..findings import accounting
from ..findings.accounting import Accounting
from ..records import Heap, Object, Referrer, Result, Root
from ..render import json_doc, objects
from ..render.accounts import explanation
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import Session
from .command import Command
from .options import Arguments


class Holders(NamedTuple):
    object: Object
    rows: List[Referrer]  # those in objects, cut to the limit
    holders: Dict[int, Object]  # by address
    known: Dict[int, str]  # by address: what the runtime keeps for itself
    heaps: List[Heap]
    roots: List[Root]  # cut to what the limit leaves
    matched: int
    accounting: Accounting


def run(session: Session, arguments: Arguments) -> Result:
    row, _ = session.object(arguments.expression)
    account = accounting.of(session, row)
    rows, total = session.lens.referrers(row.address, arguments.limit, session.target.progress)
    matched = total + len(account.roots)
    room = max(0, arguments.limit - len(rows)) if arguments.limit else len(account.roots)
    holders, known = {}, {}
    for one in rows:
        holder = session.lens.object_at(one.holder)
        if holder is not None:
            holders[one.holder] = session.describe(holder)
            known[one.holder] = session.runtime_name(holder)
    session.remember([one.holder for one in rows])
    found = Holders(session.describe(row), rows, holders, known, session.lens.heaps(),
                    account.roots[:room], matched, account)
    return Result(found, account.exactness, account.warnings)


def document(found: Holders) -> Any:
    rows: List[Dict[str, Any]] = []
    for one in found.rows:
        holder = found.holders.get(one.holder)
        record: Dict[str, Any] = {"addr": json_doc.address(one.holder)}
        if holder is not None:
            record = json_doc.object_record(holder)
            record["heap"] = found.heaps[holder.heap].id
        rows.append({"holder": record, "slot": one.reference.slot_name,
                     "kind": one.reference.kind})
    for root in found.roots:
        rows.append({"holder": json_doc.root_record(root, found.object),
                     "slot": root.name, "kind": root.kind})
    document = json_doc.listing(rows, found.matched)
    document["accounting"] = json_doc.account_record(
        found.accounting.account, found.accounting.doubts)
    return document


def lines(found: Holders, page: Page) -> Iterator[str]:
    yield objects.one_line(found.object, page)
    several = len(found.heaps) > 1
    heap_column = [Column("heap")] if several else []
    table = Table(Column("", right=True), Column("slot", style="variable"), Column("kind"),
                  Column("holder", style="address"), *heap_column, Column("count", right=True),
                  Column("type", style="type"), Column("value"))
    for number, one in enumerate(found.rows, 1):
        holder = found.holders.get(one.holder)
        dying = "dying: " if one.holder_dying else ""
        named = (objects.label(number), one.reference.slot_name, one.reference.kind,
                 f"{one.holder:#x}")
        if holder is None:
            table.add(*named, *[""] * several, "", "", dying + "unreadable")
        else:
            heap = found.heaps[holder.heap]
            table.add(*named, *[heap.name or f"heap {heap.id}"] * several, objects.count(holder),
                      holder.type_name,
                      dying + (found.known[one.holder] or objects.value(holder)))
    for root in found.roots:
        place = f"{root.slot_address:#x}" if root.slot_address else ""
        # A thread stands where an object's heap does: several may hold what is shared.
        thread = f"thread {root.thread}" if root.thread else ""
        table.add("", root.name, root.kind, place, *[thread] * several, "", "",
                  "" if root.confidence == "exact" else root.confidence)
    if table.rows:
        yield from table.lines(page)
        yield from objects.closing(len(table.rows), found.matched, "holder", page)
        if len(table.rows) == found.matched:
            yield f"{units.counted(found.matched, 'holder')}."
    else:
        yield ("Only the runtime itself holds it." if found.accounting.account.runtime_refs else
               "Nobody holds it: no slot of an object and no root was found.")
    yield from explanation(found.accounting, page)
    if found.rows:
        yield objects.hint("Next: cairn show @1, cairn referrers @1", page)


COMMAND = Command(
    name="referrers",
    summary="List who holds an object, and whether that explains its count.",
    argument="OBJECT",
    run=run, document=document, lines=lines,
    details="""
A row a slot: those in other objects first, then the roots (variables, registers, unnamed stack
words, other writable memory).  What is shared may be held from several heaps and threads: each
row says which.  An object's strong slot owns a reference; a root may own one or
only borrow it.  The count is right when it is at least what objects and the runtime own and at
most that and all roots together:

  over-retained    the count is greater: a release is missing, the surplus is the number
  under-retained   the count is smaller: a use after free is to come""",
    examples=(("cairn referrers x", "who holds the object that x points to"),
              ("cairn referrers @1", "who holds row 1 of the last listing")))
