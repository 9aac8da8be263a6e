"""`cairn refs OBJECT`: what an object holds."""

from typing import Any, Iterator, List, NamedTuple, Optional, Tuple

from .. import units
from ..records import Object, Reference, Result
from ..render import json_doc, objects
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import Session
from .command import Command
from .options import Arguments


class References(NamedTuple):
    holder: Object
    rows: List[Tuple[Reference, Optional[Object]]]
    matched: int


def run(session: Session, arguments: Arguments) -> Result:
    holder, _ = session.object(arguments.expression)
    lens = session.lens
    references, total = lens.references(holder.address, 0, arguments.limit)
    rows = []
    for reference in references:
        target = lens.object_at(reference.target)
        rows.append((reference, None if target is None else session.describe(target)))
    session.remember([reference.target for reference, _ in rows])
    exactness, warnings = session.object_exactness(holder)
    return Result(References(session.describe(holder), rows, total), exactness, warnings)


def document(found: References) -> Any:
    return json_doc.listing(
        [{"slot": reference.slot_name, "kind": reference.kind,
          "object": json_doc.object_record(target) if target is not None else
          {"addr": json_doc.address(reference.target), "place": reference.target_place}}
         for reference, target in found.rows], found.matched)


def lines(found: References, page: Page) -> Iterator[str]:
    yield objects.one_line(found.holder, page)
    if not found.matched:
        yield "It holds no reference."
        return
    table = Table(Column("", right=True), Column("slot", style="variable"), Column("kind"),
                  Column("object", style="address"), Column("count", right=True),
                  Column("type", style="type"), Column("value"))
    for number, (reference, target) in enumerate(found.rows, 1):
        if target is None:
            place = reference.target_place.replace("_", " ")
            table.add(objects.label(number), reference.slot_name, reference.kind,
                      f"{reference.target:#x}", "", "", f"no live object: {place}")
        else:
            table.add(objects.label(number), reference.slot_name, reference.kind,
                      f"{target.address:#x}", objects.count(target), target.type_name,
                      objects.value(target))
    yield from table.lines(page)
    yield from objects.closing(len(found.rows), found.matched, "reference", page)
    if len(found.rows) == found.matched:
        yield f"{units.counted(found.matched, 'reference')}."
    yield objects.hint("Next: cairn show @1, cairn referrers @1", page)


COMMAND = Command(
    name="refs",
    summary="List what an object holds.",
    argument="OBJECT",
    run=run, document=document, lines=lines,
    details="""
A row a slot that is not empty.  A strong slot owns a reference, a weak one is cleared when its
target dies, a borrowed one is neither.  An opaque word is what a type with a C traverse function
may hold: it looks like a reference and nobody declared it.""",
    examples=(("cairn refs x", "what the object at x holds"),
              ("cairn refs @2 -limit 0", "all that row 2 of the last listing holds")))
