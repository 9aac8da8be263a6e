"""Which leaks a user does not want to hear of: suppressions.

A file of suppressions has a rule a line; blank lines and what follows a # are nothing.  A rule is
words KEY=GLOB, all of which must fit a leak; a GLOB with blanks stands in quotes:

    type=session  function=cache_*         # sessions that the cache allocates
    kind=cycle  slot=session.peer          # cycles through that slot
    file=*/third_party/*

    kind      cycle or lost
    type      the name of the root's type
    function  a function of the place that allocated the root, or of its callers (with tracking)
    file      a source file of those, or where there are no lines, a module
    slot      TYPE.SLOT by which an object of the leak holds another one; elements are `list[]`

Pure.
"""

import shlex
from fnmatch import fnmatchcase
from typing import Callable, FrozenSet, List, NamedTuple, Sequence, Tuple

from ..errors import CairnError, did_you_mean
from ..records import Place

KEYS = ("kind", "type", "function", "file", "slot")


class Facts(NamedTuple):
    """What rules look at."""

    kind: str
    type_name: str
    places: Sequence[Place]  # that allocated the root, the innermost first; () where not known
    slots: Callable[[], FrozenSet[str]]  # asked only where a rule needs them


class Rule(NamedTuple):
    where: str  # FILE:LINE
    text: str
    globs: Tuple[Tuple[str, str], ...]  # (key, glob)

    def fits(self, facts: Facts) -> bool:
        return all(_fits(key, glob, facts) for key, glob in self.globs)


def _fits(key: str, glob: str, facts: Facts) -> bool:
    if key == "kind":
        return fnmatchcase(facts.kind, glob)
    if key == "type":
        return fnmatchcase(facts.type_name, glob)
    if key == "slot":
        return any(fnmatchcase(slot, glob) for slot in facts.slots())
    if key == "function":
        return any(fnmatchcase(place.function, glob) for place in facts.places if place.function)
    return any(fnmatchcase(place.file or place.module, glob) for place in facts.places)


def read(path: str, what: str) -> str:
    """The text of a file that the user named."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is no text in UTF-8"
        raise CairnError(f"The {what} {path} can't be read: {reason}.")


def rules_of(path: str) -> List[Rule]:
    """The rules of a file of suppressions."""
    rules = []
    for number, line in enumerate(read(path, "suppressions file").splitlines(), 1):
        where = f"{path}:{number}"
        try:
            words = shlex.split(line, comments=True)
        except ValueError as problem:
            raise CairnError(f"{where}: {str(problem).lower()}.")
        if words:
            globs = tuple(_glob_of(word, where) for word in words)
            rules.append(Rule(where, line.split("#")[0].strip(), globs))
    return rules


def _glob_of(word: str, where: str) -> Tuple[str, str]:
    key, equals, glob = word.partition("=")
    if not equals or key not in KEYS or not glob:
        raise CairnError(f'{where}: "{word}" is no KEY=GLOB; the keys are {", ".join(KEYS)}.'
                         f"{did_you_mean(key, KEYS)}")
    return key, glob
