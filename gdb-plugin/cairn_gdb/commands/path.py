"""`cairn path OBJECT`: why an object lives: the shortest ways to it from roots, in words."""

from typing import Any, Dict, Iterator, List, Union

from .. import units
from ..errors import CairnError
from ..findings import ways
from ..findings.ways import Found, Path, Skipped, Step
from ..records import CONSERVATIVE, TOLERANT, Result, least_sure
from ..render import json_doc, objects, sentences
from ..render.page import Page
from ..session import Session
from .command import Command
from .options import Arguments, Option

COUNT = 5  # ways, where the user says nothing
WAYS_MAX = 10000  # as the lens has it


def run(session: Session, arguments: Arguments) -> Result:
    row, _ = session.object(arguments.expression)
    given = arguments.count("count", arguments.count("limit"))
    wanted = COUNT if given is None else given
    if wanted > WAYS_MAX:
        raise CairnError(f"-count takes at most {units.number(WAYS_MAX)}; 0 is one way from each "
                         "root.")
    session.snapshot(edges=True)
    roots = session.roots()
    index = session.lens.snapshot_find(row.address)
    if index is None:
        raise CairnError(f"{row.address:#x} is not in the snapshot: its page is damaged, or it is "
                         "in flux.")
    found = ways.find(session, index, wanted or WAYS_MAX, arguments.flag("weak"), wanted == 0)
    session.remember([_row_address(found, path) for path in found.paths])
    exactness = session.exactness()
    if any(path.root is not None and path.root.confidence == CONSERVATIVE for path in found.paths):
        exactness = CONSERVATIVE
    elif not found.paths and not roots.complete:
        exactness = least_sure(exactness, TOLERANT)
    return Result(found, exactness, session.walk_warnings() + roots.warnings)


def _row_address(found: Found, path: Path) -> int:
    """Of the last holder; a root that holds it at once leads to the object itself."""
    holders = ways.holders(path)
    return holders[-1].object.address if holders else found.object.address


# ---- JSON ---------------------------------------------------------------------------------------

def _step_record(step: Union[Step, Skipped]) -> Dict[str, Any]:
    if isinstance(step, Skipped):
        return {"skipped": step.objects}
    record: Dict[str, Any] = {"object": json_doc.object_record(step.object)}
    if step.kind:
        record["slot"], record["kind"] = step.slot, step.kind
    return record


def _path_record(path: Path) -> List[Dict[str, Any]]:
    if path.root is None:
        root: Dict[str, Any] = {"kind": path.way.start, "name": sentences.start_text(path)}
    else:
        step = path.steps[0]
        assert isinstance(step, Step)
        root = json_doc.root_record(path.root, step.object)
        del root["object"]
        if path.place:
            root["place"] = path.place
    return [{"root": root}, *(_step_record(step) for step in path.steps)]


def document(found: Found) -> Any:
    return {"object": json_doc.object_record(found.object),
            "paths": [_path_record(path) for path in found.paths],
            "variants": [path.way.variant for path in found.paths],
            "weak_only": found.only_soft, "roots_found": found.totals.starts,
            "complete": found.totals.complete}


# ---- text ---------------------------------------------------------------------------------------

def lines(found: Found, page: Page) -> Iterator[str]:
    yield objects.one_line(found.object, page)
    if not found.paths:
        yield from _nothing(found, page)
        return
    if found.only_soft:
        yield page.style("warning", "Only weak or borrowed slots lead to it:")
    told = False
    for number, path in enumerate(found.paths, 1):
        if path.way.variant and not told:
            yield "Other ways from the same roots:"
            told = True
        yield from sentences.sentence(path, objects.label(number), page)
    yield from _closing(found, page)
    if any(ways.holders(path) for path in found.paths):
        yield objects.hint("Next: cairn show @1, the last one that holds it on way 1", page)


def _nothing(found: Found, page: Page) -> Iterator[str]:
    others = found.totals.holders - 1
    if others:
        yield (f"No root leads to it: it is {page.style('bad', 'garbage')}, held by garbage "
               f"({units.counted(others, 'object leads', 'objects lead')} to it).")
    else:
        yield f"No root and no object leads to it: it is {page.style('bad', 'garbage')}."
    yield objects.hint(f"Next: cairn leaks {found.object.address:#x}", page)


def _closing(found: Found, page: Page) -> Iterator[str]:
    starts = found.totals.starts
    distinct = sum(not path.way.variant for path in found.paths)
    if not found.totals.complete or distinct < starts:
        shortest = "The shortest way" if len(found.paths) == 1 else \
            f"The {units.number(len(found.paths))} shortest ways"
        yield page.style("quiet", f"{shortest}; there may be more: -count N shows N, -count 0 one "
                         "from each root.")
    else:
        leads = "1 root leads to it" if starts == 1 else f"{units.number(starts)} roots lead to it"
        more = "" if not found.totals.given_up else "; there may be more ways from them"
        yield f"{leads}{more}."
    if found.totals.complete and found.paths and all(
            path.root is not None and path.root.confidence == CONSERVATIVE
            for path in found.paths) and distinct == starts:
        yield page.style("warning", "Each starts at a raw word that looks like a reference: if "
                         "those are stale, nothing keeps it.")


COMMAND = Command(
    name="path",
    summary="Tell why an object lives: the shortest ways to it from roots.",
    argument="OBJECT",
    run=run, document=document, lines=lines,
    options=(Option("count", "count", f"N ways ({COUNT}); 0: one from each root", "N"),
             Option("weak", "flag", "over weak and borrowed slots, too")),
    details="""
A way begins at a root (a variable, a register, a word of a stack or of other memory) or at what the
runtime itself holds, and goes from object to object by the slots that own them:

  main.cache (local, frame #3 server.c:88) -> dict["user:17"] -> record Session .peer -> this

The shortest stand first; each root once, the surest of those that are equally near; then, where
there are fewer roots, other ways from them.  Weak and borrowed slots own nothing, so they are
followed only where no other way is found, or with -weak, and are marked.  Row @N is the last
object on way N that holds this one.  Of a long way the middle is left out.""",
    examples=(("cairn path x", "what keeps x alive"),
              ("cairn path @1 -count 0", "one way from each root that leads to row 1"),
              ("cairn path x -count 1 -json", "for a program")))
