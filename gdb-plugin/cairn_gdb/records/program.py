"""The program that is looked at, outside its heaps: memory, code, threads, breakpoints."""

from typing import NamedTuple, Tuple


class Identity(NamedTuple):
    """Which program is being looked at."""

    kind: str  # "native", "core" or "remote"
    pid: int  # 0 where it is not known
    executable: str  # "" where it is not known
    core: str = ""  # path of the core file


class Region(NamedTuple):
    """A range of the memory of the program: [start, end)."""

    start: int
    end: int
    flags: frozenset  # of "read", "write", "execute", "file", "stack", "absent"
    name: str = ""


class Section(NamedTuple):
    """A section of a program or library, where it lies in memory."""

    start: int
    end: int
    name: str
    file: str  # "" for the program itself


class Place(NamedTuple):
    """Where in the program's code an address is, as far as its files tell."""

    address: int
    function: str = ""
    file: str = ""
    line: int = 0
    module: str = ""  # the file that is mapped there
    offset: int = 0  # from where that file begins in memory


class Store(NamedTuple):
    """A word to store in the program."""

    address: int
    value: int
    width: int  # bytes


class Stop(NamedTuple):
    """A breakpoint or watchpoint that was set."""

    number: int  # of GDB's
    kind: str  # "watch", "free", "alloc", "collect"
    what: str  # in words: what it waits for
    address: int  # of the object it is about; 0: of any
    location: str  # as GDB calls it
    pending: bool = False  # it has no place in the program yet
    after: int = 1  # it stops at this time, and from then on
    listens: bool = False  # at a probe that objects pass


class Thread(NamedTuple):
    """A thread of a core file, as the file states it."""

    id: int
    pc: int
    sp: int
    registers: Tuple[Tuple[str, int], ...]
