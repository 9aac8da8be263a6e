"""Baselines: the leaks that are accepted, because they are known or were there before.

Two kinds, told apart by what the file holds:

    what `cairn leaks -limit 0 -json` printed, of this run or another one: of each kind, type and
    place so many leaks are accepted as it lists; addresses and lines do not matter

    a snapshot of the same process (a name that `cairn snapshot` keeps, its file, or a core): a leak
    whose root was there already is accepted, whether it was held then or leaked; what was made
    since is new.  An object is known again as `cairn diff` knows it: by its serial, exactly, or by
    address, type, size and value

Pure.
"""

from __future__ import annotations

import json
import os
from typing import Dict, List, Sequence, Tuple

from .. import units
from ..errors import CairnError
from ..records import EXACT, TOLERANT, Leak, Place
from ..session import Session, moments
from .leak_rules import read

Key = Tuple[str, str, str, str]  # kind, type, function and its file, or module and distance
HEAD_BYTES = 8  # of a file, by which a core or a snapshot is known


class Baseline:
    """Which leaks are accepted.  `prepare` sees all of them before `takes` is asked of one."""

    exactness = EXACT

    def __init__(self, path: str) -> None:
        self.path = path
        self.warnings: List[str] = []

    def prepare(self, session: Session, leaks: Sequence[Leak]) -> None:
        pass

    def takes(self, leak: Leak, places: Sequence[Place]) -> str:
        """Why the leak is accepted; "": it is not."""
        raise NotImplementedError


def of(session: Session, word: str) -> Baseline:
    """The baseline that a word means.  Nothing of the program is read as yet."""
    if word in session.moments:
        return Earlier(word)
    path = os.path.expanduser(word)
    from ..bridge import is_moment_file
    if is_moment_file(path) or _head(path).startswith(b"\x7fELF"):
        return Earlier(path)
    return Listed(path)


def _head(path: str) -> bytes:
    if not os.path.isfile(path):  # a pipe can be read once only
        return b""
    try:
        with open(path, "rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""  # reading it as text says why


# ---- what an earlier run printed ----------------------------------------------------------------

def keys_of(kind: str, type_name: str, places: Sequence[Place]) -> Tuple[Key, Key]:
    """By what a leak is the same in another run: by the function, which holds for the next build,
    and by module and distance.  Of both the third word is "" where that is not known."""
    if not places:
        return (kind, type_name, "", ""), (kind, type_name, "", "")
    place = places[0]
    file = place.file.rsplit("/", 1)[-1] if place.function else ""
    distance = f"{place.module}+{place.offset:#x}" if place.module else ""
    return (kind, type_name, place.function, file), (kind, type_name, distance, "")


class Listed(Baseline):
    """So many leaks of each key; each that is taken uses one up.

    Functions are compared where both sides know them: `cairn-lens` knows none, nor does GDB of a
    program that is stripped.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.functions: Dict[Key, int] = {}
        self.distances: Dict[Key, int] = {}  # of rows without a function
        self.named: Dict[Key, int] = {}  # ... and of those with one
        try:
            document = json.loads(read(path, "baseline"))
            data = document["data"]
            if document["schema"] != "cairn/1" or document["command"] != "leaks":
                raise KeyError
            for row in data["rows"]:
                function, distance = keys_of(str(row["kind"]), str(row["root"]["type"]),
                                             _places_of(row))
                _add(self.functions if function[2] else self.distances,
                     function if function[2] else distance)
                if function[2] and distance[2]:
                    _add(self.named, distance)
            if data["matched"] > data["shown"]:
                self.warnings.append(f"the baseline {path} lists {data['shown']} of "
                                     f"{data['matched']} leaks; write it with -limit 0.")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise CairnError(f"The baseline {path} is not what `cairn leaks -json` writes, and no "
                             "snapshot.")

    def takes(self, leak: Leak, places: Sequence[Place]) -> str:
        function, distance = keys_of(leak.kind, leak.root.type_name, places)
        known = _take(self.functions, function) if function[2] else _take(self.named, distance)
        return f"in the baseline {self.path}" if known or _take(self.distances, distance) else ""


def _add(left: Dict[Key, int], key: Key) -> None:
    left[key] = left.get(key, 0) + 1


def _take(left: Dict[Key, int], key: Key) -> bool:
    if not left.get(key, 0):
        return False
    left[key] -= 1
    return True


def _places_of(row: Dict[str, object]) -> List[Place]:
    site = row.get("site")
    if not isinstance(site, dict):
        return []
    return [Place(0, str(site.get("function", "")), str(site.get("file", "")), 0,
                  str(site.get("module", "")), int(site.get("offset", 0)))]


# ---- an earlier moment of the process -----------------------------------------------------------

class Earlier(Baseline):
    """What was there at a moment."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.fates: Dict[int, str] = {}  # by the root's address: "new", "kept", "kept by address"

    def prepare(self, session: Session, leaks: Sequence[Leak]) -> None:
        from ..bridge import Diff
        before = moments.find(session, self.path)
        now = moments.take(session, moments.NOW)
        addresses = sorted(leak.root.address for leak in leaks)
        compared = Diff(before.moment, now.moment, progress=session.target.progress,
                        watched=addresses)
        totals = compared.totals()
        if totals.process == "other":
            raise CairnError(f"The baseline {self.path} is of another process, so none of its "
                             "objects is one of these.  For another run, take what `cairn leaks "
                             "-limit 0 -json` prints.")
        if totals.process == "unknown":
            self.exactness = TOLERANT
            self.warnings.append(
                f"which process the baseline {self.path} is of is not known: it is taken for this "
                "one, as its heaps have the same addresses.")
        self.fates = dict(zip(addresses, compared.watched()))
        guessed = sum(fate == "kept by address" for fate in self.fates.values())
        if guessed:
            self.exactness = TOLERANT
            self.warnings.append(
                f"{units.counted(guessed, 'leak')} without serials "
                f"{'is' if guessed == 1 else 'are'} known again by address, type, size and value: "
                "one whose root was made since and is alike counts as there before.")
        self.warnings += moments.warnings_of(before.name, before.info)

    def takes(self, leak: Leak, places: Sequence[Place]) -> str:
        kept = self.fates.get(leak.root.address, "new").startswith("kept")
        return f"there at {self.path} already" if kept else ""
