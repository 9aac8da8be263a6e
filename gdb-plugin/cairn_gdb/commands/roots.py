"""`cairn roots`: every slot outside the heap that holds an object."""

from typing import Any, Dict, Iterator, List, NamedTuple

from .. import units
from ..outside.rootset import KINDS
from ..records import CONSERVATIVE, EXACT, Object, Result, Root
from ..render import json_doc, objects
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import Session
from .command import Command
from .options import Arguments, Option


class Found(NamedTuple):
    rows: List[Root]
    objects: List[Object]  # of each row; row N's is @N
    matched: int
    kinds: Dict[str, int]  # how many of each kind there are
    threads: bool  # several threads have roots


def run(session: Session, arguments: Arguments) -> Result:
    roots = session.roots()
    wanted = arguments.text("kind")
    kinds: Dict[str, int] = {}
    rows: List[Root] = []
    matched = 0
    for root in roots.rows():
        kinds[root.kind] = kinds.get(root.kind, 0) + 1
        if wanted and root.kind != wanted:
            continue
        matched += 1
        if not arguments.limit or len(rows) < arguments.limit:
            rows.append(root)
    held = [session.describe(session.lens.snapshot_object(root.object)) for root in rows
            if root.object is not None]
    session.remember([row.address for row in held])
    sure = CONSERVATIVE if any(root.confidence == CONSERVATIVE for root in rows) else EXACT
    return Result(Found(rows, held, matched, kinds, len(roots.stacks) > 1), sure,
                  session.walk_warnings() + roots.warnings)


def document(found: Found) -> Any:
    record = json_doc.listing([json_doc.root_record(root, row)
                               for root, row in zip(found.rows, found.objects)], found.matched)
    record["kinds"] = found.kinds
    return record


def lines(found: Found, page: Page) -> Iterator[str]:
    if not found.rows:
        yield "No slot outside the heap holds an object." if not found.kinds else \
            "No root is of that kind."
        return
    table = Table(Column("", right=True), Column("kind"), Column("name", style="variable"),
                  Column("thread", right=True), Column("slot", style="address"),
                  Column("object", style="address"), Column("count", right=True),
                  Column("type", style="type"), Column("sure"), Column("value"))
    for number, (root, row) in enumerate(zip(found.rows, found.objects), 1):
        table.add(objects.label(number), root.kind, root.name,
                  str(root.thread) if found.threads and root.thread is not None else "",
                  f"{root.slot_address:#x}" if root.slot_address else "register",
                  f"{row.address:#x}", objects.count(row), row.type_name,
                  "" if root.confidence == EXACT else root.confidence, objects.value(row))
    yield from table.lines(page)
    yield from objects.closing(len(found.rows), found.matched, "root", page)
    counted = ", ".join(f"{units.number(found.kinds[kind])} {kind}" for kind in KINDS
                        if kind in found.kinds)
    yield f"{units.counted(sum(found.kinds.values()), 'root')}: {counted}."
    yield objects.hint("Next: cairn show @1, cairn referrers @1", page)


COMMAND = Command(
    name="roots",
    summary="List the slots outside the heap that hold objects.",
    run=run, document=document, lines=lines,
    options=(Option("kind", "choice", "only roots of that kind", "KIND", KINDS),),
    details="""
Each storage place is listed once, by the surest thing that is known of it: a variable by its name
(arg, local, static, global, tls), then registers, then words without a name: of a stack (word),
or of other writable memory (foreign: what malloc gave out, above all).

A word without a type may look like a reference and be none; such a row says conservative.  A
row that says tolerant is a pointer whose type promises no object, or a value that is nowhere
stored.""",
    examples=(("cairn roots", "all of them"),
              ("cairn roots -kind global", "only global variables"),
              ("cairn roots -kind foreign", "owners in malloc'ed memory")))
