"""Objects by their headers: what a breakpoint asks of one object at each hit.

Pure.  The lens reads a program's whole model first, which takes milliseconds; a condition may be
worked out ten thousand times a second.  The bits and places come from the lens once (Shortcut), the
names of types too; what is read at a hit are three words.
"""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Callable, Dict, Optional, Tuple

from ..errors import CairnError
from ..records import Head, Shortcut

if TYPE_CHECKING:
    from ..session import Session

WORD = 8

ReadWord = Callable[[int], Optional[int]]  # None: it can't be read


def decode(header: int, shortcut: Shortcut) -> Head:
    gone = shortcut.dying | shortcut.buffer | shortcut.quarantined
    return Head(bool(header & shortcut.live) and not header & gone, header & shortcut.count_mask,
                header >> shortcut.type_shift & shortcut.type_mask)


class Heads:
    """The objects of one program.  Forget it when another program may be there."""

    def __init__(self, session: Session, read_word: ReadWord) -> None:
        """Raises CairnError where there is no heap yet."""
        self._session = session
        self._read = read_word
        self.shortcut = session.lens.shortcut()
        # A type's index means the same as long as the heap with that address and id lives.
        self._names: Dict[Tuple[int, int, int], str] = {}

    def head(self, address: int) -> Optional[Head]:
        """Of the object at exactly that address; None where its header can't be read."""
        assert self.shortcut is not None
        header = self._read(address)
        return None if header is None else decode(header, self.shortcut)

    def type_name(self, address: int) -> str:
        """The type of a live or dying object; "" where there is none."""
        key = self._key(address)
        if key is None:
            return self._ask(address)
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = self._ask(address)
        return name

    def matches(self, address: int, glob: str) -> bool:
        return fnmatch.fnmatchcase(self.type_name(address), glob)

    def _key(self, address: int) -> Optional[Tuple[int, int, int]]:
        shortcut = self.shortcut
        if shortcut is None:
            return None
        header = self._read(address)
        heap = self._read(address // shortcut.arena_alignment * shortcut.arena_alignment
                          + shortcut.arena_heap)
        number = self._read(heap + shortcut.heap_id) if heap else None
        if not header or heap is None or number is None:
            return None
        return heap, number, header >> shortcut.type_shift & shortcut.type_mask

    def _ask(self, address: int) -> str:
        """The slow way: the whole lens."""
        self._session.invalidate()
        try:
            found = self._session.lens.object_at(address)
        except CairnError:
            return ""
        return "" if found is None else found.type_name
