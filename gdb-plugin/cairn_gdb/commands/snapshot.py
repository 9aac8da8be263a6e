"""`cairn snapshot`: keeps this moment, under a name or in a file."""

from typing import Any, Callable, Dict, Iterator, List, NamedTuple

from .. import units
from ..errors import CairnError
from ..records import Result
from ..render import json_doc, objects
from ..render import moments as shown
from ..render.page import Page
from ..render.tables import Column, Table
from ..session import Session, moments
from ..session.moments import Kept
from .command import Command
from .options import Arguments

USAGE = "`cairn snapshot NAME`, `save FILE`, `list` or `drop NAME`"


class Found(NamedTuple):
    done: str  # "kept", "saved", "listed", "dropped"
    kept: List[Kept]
    matched: int
    path: str = ""


def _keep(session: Session, words: List[str], _limit: int) -> Found:
    name = words[0]
    if "/" in name or len(words) > 1:
        raise CairnError(f"{' '.join(words)}: a name is one word without a slash; a file is "
                         f"`cairn snapshot save FILE`.  There are {USAGE}.")
    session.moments.pop(name, None)
    session.moments[name] = moments.take(session, name)
    return Found("kept", [session.moments[name]], 1)


def _save(session: Session, words: List[str], _limit: int) -> Found:
    if len(words) not in (2, 3):
        raise CairnError("Which file?  `cairn snapshot save FILE` writes this moment, `cairn "
                         "snapshot save FILE NAME` one that is kept.")
    import os
    path = os.path.expanduser(words[1])
    kept = _known(session, words[2]) if len(words) == 3 else moments.take(session, moments.NOW)
    kept.moment.save(path, session.target.progress)
    return Found("saved", [kept], 1, path)


def _list(session: Session, words: List[str], limit: int) -> Found:
    if len(words) > 1:
        raise CairnError(f"{' '.join(words)}: `cairn snapshot list` takes no name.")
    session.remember([])
    every = list(session.moments.values())
    return Found("listed", every[-limit:] if limit else every, len(every))


def _drop(session: Session, words: List[str], _limit: int) -> Found:
    if len(words) != 2:
        raise CairnError("Which one?  `cairn snapshot drop NAME`; `cairn snapshot list` has the "
                         "names.")
    kept = _known(session, words[1])
    del session.moments[words[1]]
    return Found("dropped", [kept], 1)


_ACTIONS: Dict[str, Callable[[Session, List[str], int], Found]] = {
    "save": _save, "list": _list, "drop": _drop}


def _known(session: Session, name: str) -> Kept:
    kept = session.moments.get(name)
    if kept is None:
        names = ", ".join(session.moments) or "none"
        raise CairnError(f"No moment is kept as {name}; there are: {names}.")
    return kept


def run(session: Session, arguments: Arguments) -> Result:
    words = moments.words_of(arguments.expression) or ["list"]
    if words[0] == moments.NOW:
        raise CairnError(f"{moments.NOW} always means this moment; choose another name.")
    found = _ACTIONS.get(words[0], _keep)(session, words, arguments.limit)
    if found.done in ("listed", "dropped"):
        return Result(found)
    kept = found.kept[0]
    said = session.walk_warnings() if found.path == "" or kept.name == moments.NOW else \
        moments.warnings_of(kept.name, kept.info)
    return Result(found, kept.info.exactness, said)


def document(found: Found) -> Any:
    if found.done == "listed":
        return json_doc.listing([shown.record(kept.name, kept.info) for kept in found.kept],
                                found.matched)
    kept = found.kept[0]
    record = shown.record(kept.name, kept.info)
    if found.path:
        record["file"] = found.path
    if found.done == "dropped":
        record["dropped"] = True
    return record


def lines(found: Found, page: Page) -> Iterator[str]:
    if found.done == "listed":
        yield from _listing(found, page)
        return
    kept = found.kept[0]
    if found.done == "dropped":
        yield f"{kept.name} is dropped."
        return
    info = kept.info
    where = f"written to {found.path}" if found.path else f"kept as {kept.name}"
    yield f"{shown.amount(info)} {where}{_identity(info.objects, info.serials, info.sites)}."
    name = found.path or kept.name
    after = f"cairn diff {name} OTHER-CORE" if info.kind == "core" else \
        f"let the program run, then cairn diff {name}"
    yield objects.hint(f"Next: {after}", page)


def _identity(count: int, serials: int, sites: int) -> str:
    """What objects will be known again by."""
    if serials == 0:
        return "; without tracking, objects are known by address and value"
    known = "with serials" if serials == count else \
        f"{units.number(serials)} of them with serials"
    return f"; {known}" + (f" and {units.counted(sites, 'site')}" if sites else "")


def _listing(found: Found, page: Page) -> Iterator[str]:
    table = Table(Column("name"), Column("objects", right=True), Column("size", right=True),
                  Column("sites", right=True), Column("of"))
    for kept in found.kept:
        info = kept.info
        table.add(kept.name, units.number(info.objects), units.size(info.bytes),
                  units.number(info.sites), shown.origin(info))
    if found.kept:
        yield from table.lines(page)
    yield from objects.closing(len(found.kept), found.matched, "moment", page)
    if not found.matched:
        yield "No moment is kept."
        yield objects.hint("Next: cairn snapshot NAME keeps this one", page)


def completions(session: Session, before: List[str]) -> List[str]:
    """What may be the next word after those."""
    if not before:
        return sorted(_ACTIONS)
    if before == ["drop"] or (before[0] == "save" and len(before) == 2):
        return sorted(session.moments)
    return []


COMMAND = Command(
    name="snapshot",
    summary="Keep what is on the heap now, to compare with later.",
    argument="[NAME | save FILE [NAME] | list | drop NAME]",
    run=run, document=document, lines=lines, words=completions,
    details="""
Keeps of each object its address, type, bytes and, where the program tracks its heap, its serial
and the place that allocated it: a few bytes an object, and the program's symbols are not needed
any more.  What is kept under a name lives until GDB ends, over any number of runs.  `save`
writes a file, whole or not at all; with a NAME that one which is kept.  A file that is there
already is replaced only where it is a snapshot.  docs/SNAPSHOT.md states the format.""",
    examples=(("cairn snapshot before", "keep this moment as `before`"),
              ("cairn diff before", "what has grown since"),
              ("cairn snapshot save idle.cairn", "write this moment to a file"),
              ("cairn snapshot list", "which are kept")))
