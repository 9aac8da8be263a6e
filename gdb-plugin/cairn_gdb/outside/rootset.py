"""The roots of one stop: every slot outside the heap that holds an object, with its name.

The lens keeps the slots (there may be millions in other memory); this keeps what the lens can't
know: the names of the slots that were found by name, and where each stack's frames lie, so that
a word of a stack is named only when it is shown.

Pure: program/roots.py fills it in.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from ..records import Region, Root

if TYPE_CHECKING:  # loaded when a command first needs it
    from ..bridge import Lens

SORT_MAX = 200_000  # more rows than that stay in the order of the scan
KINDS = ("arg", "local", "static", "global", "tls", "register", "word", "foreign")


class Stack(NamedTuple):
    """Where the frames of one thread lie: the stack pointer of each, innermost first."""

    sp: int
    frames: Sequence[Tuple[int, int]] = ()  # (stack pointer, level), ascending

    def frame_of(self, address: int) -> int:
        """The level of the frame that the address lies in."""
        index = bisect_right(self.frames, (address, 1 << 62)) - 1
        return self.frames[max(index, 0)][1] if self.frames else 0


class Roots:
    def __init__(self, lens: Lens) -> None:
        self._lens = lens
        self._names = [""]  # by tag; tag 0: a slot that the lens found
        self.stacks: Dict[int, Stack] = {}  # by thread number
        self.places: Dict[Tuple[int, int], str] = {}  # by thread and frame: "server.c:88"
        self.warnings: List[str] = []
        self.complete = True  # False: not every place where a root may be was searched

    def add(self, root: Root) -> None:
        """Adds a slot that was found by name."""
        self._names.append(root.name)
        self._lens.add_root(root, len(self._names) - 1)

    def row(self, number: int) -> Root:
        """The root with the lens's number, named."""
        root, tag = self._lens.root(number)
        if tag:
            return root._replace(name=self._names[tag])
        return self._named(root)

    def place(self, root: Root) -> str:
        """Where in the program the frame of a root is; "" where it is not known or has none."""
        if root.thread is None or root.frame is None:
            return ""
        return self.places.get((root.thread, root.frame), "")

    def of_object(self, index: int) -> List[Root]:
        """The roots that hold the object with that snapshot index, named."""
        return [self.row(number) for number in self._lens.roots_of(index)]

    def __len__(self) -> int:
        return self._lens.root_count()

    def rows(self) -> Iterator[Root]:
        """All of them, by kind, thread, frame and address where there are not too many."""
        numbers = range(len(self))
        if len(numbers) > SORT_MAX:
            yield from (self.row(number) for number in numbers)
            return
        yield from sorted((self.row(number) for number in numbers), key=_order)

    def _named(self, root: Root) -> Root:
        """A slot without a name is named by where it lies."""
        if root.kind == "word" and root.thread in self.stacks:
            stack = self.stacks[root.thread]
            return root._replace(name=stack_word(root.slot_address - stack.sp),
                                 frame=stack.frame_of(root.slot_address))
        return root._replace(name=self._place(root.slot_address))

    def _place(self, address: int) -> str:
        for region in self._regions_near(address):
            if region.name:
                return f"{region.name.rsplit('/', 1)[-1]}+{address - region.start:#x}"
        return f"{address:#x}"

    def _regions_near(self, address: int) -> Iterator[Region]:
        if not hasattr(self, "_regions"):
            self._regions = sorted(self._lens.regions(), key=lambda region: region.start)
            self._starts = [region.start for region in self._regions]
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self._regions[index].end:
            yield self._regions[index]


def stack_word(offset: int) -> str:
    """How a word of a stack is called, by its distance from the stack pointer."""
    return f"sp{'-' if offset < 0 else '+'}{abs(offset):#x}"


def in_order(roots: Sequence[Root]) -> List[Root]:
    """By kind, thread, frame and address."""
    return sorted(roots, key=_order)


def _order(root: Root) -> Tuple[int, int, int, int]:
    return (KINDS.index(root.kind) if root.kind in KINDS else len(KINDS),
            root.thread if root.thread is not None else -1,
            root.frame if root.frame is not None else -1, root.slot_address)
