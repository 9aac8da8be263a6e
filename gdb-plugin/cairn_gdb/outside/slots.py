"""What lies outside the heap and may hold a reference: threads, frames, variables, their words.

Two things live here: the records that program/ fills in, and `Shape`, which says
where in a variable's bytes a pointer may lie.  A shape is made once from a type; reading a million
elements with it is one pass over the bytes, so a big array costs no object a word.

Words used: a *slot* is a place that holds a reference; its *trust* says what its type promises:

    object    a pointer to a struct that begins with a cairn_object
    slot      a pointer to such a pointer: where a reference is kept
    pointer   any other data pointer
    integer   an integer as wide as a pointer
    word      a register or a word of memory without a type

Pure: no gdb.  Words are 8 bytes in the byte order of this machine, as everywhere in Cairn.
"""

from bisect import bisect_right
from collections import Counter
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..records import CONSERVATIVE, EXACT, TOLERANT

WORD_BYTES = 8
TRUSTS = ("object", "slot", "pointer", "integer", "word")  # the best first


class Spans:
    """Where objects may be: the arenas' addresses, with a quick test for one word."""

    def __init__(self, spans: Sequence[Tuple[int, int]]) -> None:
        ordered = sorted(spans)
        self._starts = [start for start, _ in ordered]
        self._ends = [end for _, end in ordered]
        self.low = self._starts[0] if ordered else 0
        self.high = max(self._ends, default=0)  # low <= word < high: worth a closer look

    def covers(self, word: int) -> bool:
        if not self.low <= word < self.high:
            return False
        index = bisect_right(self._starts, word) - 1
        return index >= 0 and word < self._ends[index]

    def hits(self, words: Sequence[int]) -> Iterator[int]:
        """The indices of the words that lie in an arena."""
        low, high = self.low, self.high
        for index in [index for index, word in enumerate(words) if low <= word < high]:
            if self.covers(words[index]):
                yield index


# ---- shapes: where in a value a pointer may lie -----------------------------------------------

class Leaf(NamedTuple):
    offset: int
    path: str  # behind the variable's name: "", ".user", "[3].user"
    trust: str


class Run(NamedTuple):
    """Equal elements in a row, too many to name each."""

    offset: int
    path: str
    stride: int
    length: int
    element: "Shape"


class Shape(NamedTuple):
    size: int
    leaves: Tuple[Leaf, ...] = ()
    runs: Tuple[Run, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.leaves and not self.runs

    @property
    def scalar(self) -> bool:
        """One pointer or integer, nothing around it."""
        return len(self.leaves) == 1 and not self.runs and self.leaves[0].path == ""

    def leaf_at(self, offset: int) -> Optional[Leaf]:
        """The leaf at exactly that offset, with its whole path."""
        for leaf in self.leaves:
            if leaf.offset == offset:
                return leaf
        for run in self.runs:
            index, inside = divmod(offset - run.offset, run.stride)
            if 0 <= index < run.length:
                found = run.element.leaf_at(inside)
                if found is not None:
                    return Leaf(offset, f"{run.path}[{index}]{found.path}", found.trust)
        return None


def best_leaves(leaves: Sequence[Leaf]) -> Tuple[Leaf, ...]:
    """One leaf for each offset: the members of a union share their storage."""
    chosen: Dict[int, Leaf] = {}
    for leaf in leaves:
        known = chosen.get(leaf.offset)
        if known is None or TRUSTS.index(leaf.trust) < TRUSTS.index(known.trust):
            chosen[leaf.offset] = leaf
    return tuple(chosen[offset] for offset in sorted(chosen))


def word_at(data: bytes, offset: int) -> Optional[int]:
    """The word at that offset; None where the data end before it."""
    raw = data[offset:offset + WORD_BYTES]
    return int.from_bytes(raw, "little") if len(raw) == WORD_BYTES else None


def run_hits(run: Run, data: bytes, spans: Spans, at: int = 0, path: str = ""
             ) -> Iterator[Tuple[Leaf, int]]:
    """The leaves of a run whose words lie in an arena, with the words.

    `at` and `path` are of the value that the run is a part of."""
    start = at + run.offset
    whole = len(data) - len(data) % WORD_BYTES
    aligned = start % WORD_BYTES == 0 and run.stride % WORD_BYTES == 0
    words = memoryview(data)[:whole].cast("Q") if aligned else memoryview(b"")
    for leaf in run.element.leaves:
        if aligned and leaf.offset % WORD_BYTES == 0:
            first = (start + leaf.offset) // WORD_BYTES
            step = run.stride // WORD_BYTES
            column: Sequence[int] = words[first:first + step * run.length:step]
        else:
            column = [word_at(data, start + index * run.stride + leaf.offset) or 0
                      for index in range(run.length)]
        for index in spans.hits(column):
            offset = start + index * run.stride + leaf.offset
            yield (Leaf(offset, f"{path}{run.path}[{index}]{leaf.path}", leaf.trust),
                   column[index])
    for inner in run.element.runs:
        for index in range(run.length):
            begin = start + index * run.stride
            if begin >= len(data):
                break
            yield from run_hits(inner, data, spans, begin, f"{path}{run.path}[{index}]")


# ---- records ----------------------------------------------------------------------------------

class Variable(NamedTuple):
    """One slot: a variable, a member of one, a register, a word of a stack."""

    name: str  # "x", "s.user", "a[3]", "$rbx", "sp+0x18"
    kind: str  # as in records.Root
    addr: Optional[int] = None  # of the storage; None: it is in a register, or computed
    word: Optional[int] = None  # what the slot holds; None where that is not known
    trust: str = "word"
    fault: str = ""  # "optimized out", "unreadable": why there is no word
    unset: str = ""  # "surely", "maybe": the program has not come to where it is set
    line: int = 0  # of the declaration, 0 where there is none
    register: str = ""  # where the value is kept, if that is known to be a register
    shadowed: bool = False  # an inner variable of that name hides it
    through: bool = False  # `*name`: the slot that a variable of the program points to
    text: str = ""  # the value as GDB prints it, where it was asked for and is no reference


class Frame:
    def __init__(self, level: int, function: str, pc: int, sp: int, inlined: bool = False) -> None:
        self.level = level
        self.function = function  # "" where it is not known
        self.pc = pc
        self.sp = sp  # 0 where it is not known
        self.inlined = inlined
        self.file, self.line = "", 0
        self.known = False  # its variables are known: there is debug information
        self.program = False  # its code is the program's, not a library's
        self.unoptimised = False  # its code keeps each variable in a place of its own
        self.variables: List[Variable] = []
        self.left_out = 0  # words that were not looked at because there are too many


class Thread:
    def __init__(self, number: int, system_id: int, name: str, selected: bool) -> None:
        self.number = number  # GDB's, as in `thread 2`
        self.id = system_id
        self.name = name
        self.selected = selected
        self.frames: List[Frame] = []
        self.more = False  # there are further frames, which were not read
        self.more_sp = 0  # the stack pointer of the first of them; 0: not known
        self.ended = ""  # why the frames end, where that is not the outermost one
        self.red_zone = True  # the innermost function may use memory below its stack pointer
        self.registers: List[Variable] = []
        self.thread_locals: List[Variable] = []
        self.problem = ""  # why nothing is known of the thread: it runs


class Scope(NamedTuple):
    """How much of the program is asked for."""

    all_threads: bool = False
    frame_limit: int = 0  # per thread; 0: all
    everything: bool = False  # variables that hold no reference, too
    raw: bool = False  # registers and unnamed stack words of every frame, too
    stand_ins: bool = True  # words only of the program's frames whose variables are not known


class Outside:
    """What was found."""

    def __init__(self) -> None:
        self.threads: List[Thread] = []
        self.data: List[Variable] = []  # statics and globals
        self.warnings: List[str] = []


# ---- what follows from a record ---------------------------------------------------------------

def confidence(variable: Variable) -> str:
    """How sure it is that the word is a reference that the program means."""
    if variable.unset or variable.trust in ("integer", "word"):
        return CONSERVATIVE
    if variable.trust == "object" and (variable.addr is not None or variable.register):
        return EXACT
    return TOLERANT


def labels(frames: Sequence[Frame]) -> List[str]:
    """What each frame is called: its function, with its level where the function recurs."""
    times = Counter(frame.function for frame in frames)
    return [(frame.function or "??") + (f"#{frame.level}" if times[frame.function] > 1 else "")
            for frame in frames]
