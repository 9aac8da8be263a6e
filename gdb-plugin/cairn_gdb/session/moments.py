"""Moments: what was on the heap at one time, under a name, in a file, or in a core.

Pure: takes them through the session, names their places through its target, and finds the one
that a word means.  A moment outlives the program; those with a name are kept until GDB ends.

What this is not: the comparison, which the lens does (bridge.Diff).
"""

from __future__ import annotations

import os
import shlex
import time
from typing import TYPE_CHECKING, Dict, List, NamedTuple

from .. import units
from ..errors import CairnError, did_you_mean
from ..records import MomentInfo

if TYPE_CHECKING:
    from ..bridge import Lens, Moment
    from .session import Session

NOW = "now"


class Kept(NamedTuple):
    """A moment, and how it is called here."""

    name: str
    moment: Moment

    @property
    def info(self) -> MomentInfo:
        return self.moment.info()


def words_of(text: str) -> List[str]:
    """The words of an argument; quotes keep one with blanks together."""
    try:
        return shlex.split(text)
    except ValueError as problem:
        raise CairnError(f"{text}: {problem}.")


def take(session: Session, name: str) -> Kept:
    """The moment of this stop, with the lines of its places as the program's files tell them."""
    lens = session.snapshot()
    moment = lens.take_moment(session.target.progress)
    identity = session.identity
    frames = moment.info().frames
    for number in range(frames):
        place = moment.frame(number)
        session.target.progress("naming places", number, frames)
        moment.set_frame(number, session.target.place_of(place.address, lens))
    core = identity.kind == "core"
    moment.set_origin(name, identity.kind, _core_process(lens) if core else identity.pid,
                      identity.executable, _written_at(identity.core) if core else int(time.time()))
    return Kept(name, moment)


def find(session: Session, word: str) -> Kept:
    """What a word means: now, a name that is kept, a snapshot's file, or a core."""
    if word == NOW:
        return take(session, NOW)
    kept = session.moments.get(word)
    if kept is not None:
        return kept
    path = os.path.expanduser(word)
    if not os.path.exists(path):
        known = sorted(session.moments)
        listed = f"  Kept are {', '.join(known)}." if known else \
            "  None is kept: `cairn snapshot NAME` keeps one."
        raise CairnError(f"{word} is no moment that is kept, and no file."
                         f"{did_you_mean(word, known)}{listed}")
    from ..bridge import Moment, is_moment_file
    if is_moment_file(path):
        return Kept(word, Moment.load(path, session.target.progress))
    return Kept(word, _of_core(session, path))


def _of_core(session: Session, path: str) -> Moment:
    """The moment of a core file: a lens of its own looks at it."""
    from ..bridge import Lens
    try:
        lens = Lens(core=path)
    except CairnError as problem:
        raise CairnError(f"{path} is no snapshot, and no core that can be read: {problem}")
    try:
        if not lens.load_model(session.target.progress):
            raise CairnError(f"{path} holds no Cairn heap: {lens.last_error}")
        lens.walk(session.target.progress)
        moment = lens.take_moment(session.target.progress)
        moment.set_origin(path, "core", _core_process(lens), "", _written_at(path))
        return moment
    finally:
        lens.close()


def _core_process(lens: Lens) -> int:
    """The process of a core: its first thread has the lowest number."""
    return min((thread.id for thread in lens.threads()), default=0)


def _written_at(path: str) -> int:
    try:
        return int(os.stat(path).st_mtime)
    except OSError:
        return 0


class Store(Dict[str, Kept]):
    """The moments that have a name, in the order in which they were taken."""


def warnings_of(name: str, info: MomentInfo) -> List[str]:
    """What a moment does not know of its own heap."""
    said = []
    if info.dying:
        said.append(f"{name}: {units.counted(info.dying, 'object')} "
                    f"{'was' if info.dying == 1 else 'were'} dying; still counted.")
    if info.damaged_blocks:
        said.append(f"{name}: {units.counted(info.damaged_blocks, 'damaged block')} "
                    "without an object that makes sense.")
    if info.unreadable_bytes:
        said.append(f"{name}: {units.size(info.unreadable_bytes)} of the heap could not be read "
                    "and are left out.")
    return said
