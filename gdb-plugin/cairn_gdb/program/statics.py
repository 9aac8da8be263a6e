"""Variables that outlive every call: statics, globals, thread-local ones.

Imports gdb.  `info variables` would take seconds with a C library's symbols, so it goes the other
way: the words of the writable sections that lie in an arena are found first, and only those are
named, by the symbol that covers them.  Thread-local variables lie elsewhere for each thread; they
are known by name where GDB knows the file that declares them.
"""

import re
from bisect import bisect_right
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple, cast

import gdb

from ..outside.slots import WORD_BYTES, Shape, Spans, Thread, Variable
from ..records import Section
from ..session import Session
from .variables import Read, VariableReader, shape_of, storage_of

DATA_MAX_BYTES = 64 << 20  # of one section
NAMED_MAX = 20_000  # data slots that are looked up by name


# ---- statics and globals -----------------------------------------------------------------------

_SYMBOL_LINE = re.compile(r"(.+?)(?: \+ (\d+))? in section ")
# Marks that a linker sets: what lies behind them is not theirs.
_MARKS = {"__bss_start", "_edata", "_end", "__data_start", "data_start", "__dso_handle",
          "__TMC_END__", "completed.0"}


def _covering(address: int) -> Optional[Tuple[str, int]]:
    """The symbol that covers the address, and how far into it that is."""
    described = gdb.execute(f"info symbol {address}", to_string=True) or ""
    match = _SYMBOL_LINE.match(described.strip())
    if match is None or match.group(1) in _MARKS:
        return None
    return match.group(1), int(match.group(2) or 0)


def symbol_at(address: int) -> str:
    """`name` or `name + 8`; "" where no symbol covers the address."""
    covering = _covering(address)
    if covering is None:
        return ""
    name, offset = covering
    return f"{name} + {offset}" if offset else name


class DataNames:
    """Names of addresses in writable sections, by the symbol that each lies in."""

    def __init__(self) -> None:
        self._last: Optional[Tuple[int, int, Variable, Shape]] = None

    def name(self, address: int, word: int) -> Optional[Variable]:
        """The variable at that address; None where no symbol covers it."""
        if self._last is None or not self._last[0] <= address < self._last[1]:
            self._last = self._find(address)
        if self._last is None:
            return None
        start, _, plain, shape = self._last
        leaf = shape.leaf_at(address - start)
        if leaf is not None:
            return plain._replace(name=plain.name + leaf.path, addr=address, word=word,
                                  trust=leaf.trust)
        path = f"+{address - start:#x}" if address != start else ""
        return plain._replace(name=plain.name + path, addr=address, word=word)

    def _find(self, address: int) -> Optional[Tuple[int, int, Variable, Shape]]:
        covering = _covering(address)
        if covering is None:
            return None
        name, offset = covering
        start = address - offset
        symbol, kind = _symbol_at(name, start)
        if symbol is not None and symbol.type is not None:
            shape = shape_of(symbol.type)
            return start, start + shape.size, Variable(symbol.name, kind, line=symbol.line), shape
        plain = re.sub(r"\.\d+$", "", name)  # a static of a function is called name.N
        kind = "static" if plain != name else "global"
        return start, address + WORD_BYTES, Variable(plain, kind), Shape(0)


def _symbol_at(name: str, start: int) -> Tuple[Optional["gdb.Symbol"], str]:
    """The symbol with debug information that lies there, and whether it is global or static."""
    candidates = [(gdb.lookup_global_symbol(name), "global")]
    if hasattr(gdb, "lookup_static_symbols"):
        candidates += [(symbol, "static") for symbol in gdb.lookup_static_symbols(name)]
    else:
        candidates.append((gdb.lookup_static_symbol(name), "static"))
    for symbol, kind in candidates:
        try:
            if symbol is not None and symbol.is_variable:
                if storage_of(symbol.value()) == start:
                    return symbol, kind
        except (gdb.error, TypeError):
            continue
    return None, ""


def data_variables(session: Session, spans: Spans, known: Dict[int, Variable],
                   warnings: List[str]) -> List[Variable]:
    """The named slots of writable sections that hold something in an arena."""
    names = DataNames()
    found: List[Variable] = []
    skipped = 0
    for section in writable_sections(session):
        size = min(section.end - section.start, DATA_MAX_BYTES)
        if section.start + size < section.end:
            warnings.append(f"Of {section.name} only the first {DATA_MAX_BYTES >> 20} MiB were "
                            "searched for variables by name.")
        data = session.lens.read(section.start, size)
        lead = -section.start % WORD_BYTES
        words = memoryview(data)[lead:lead + (len(data) - lead) // WORD_BYTES * WORD_BYTES].cast(
            "Q")
        for index in spans.hits(words):
            address = section.start + lead + index * WORD_BYTES
            if address in known:
                continue  # a static of a function whose frame was read
            if len(found) >= NAMED_MAX:
                skipped += 1
                continue
            variable = names.name(address, words[index])
            if variable is None:
                file = section.file.rsplit("/", 1)[-1] or "program"
                variable = Variable(f"{file} {section.name}+{address - section.start:#x}",
                                    "foreign", address, words[index])
            found.append(variable)
    if skipped:
        warnings.append(f"{skipped} more words of writable sections hold objects; they are not "
                        "named.")
    return found


def writable_sections(session: Session) -> List[Section]:
    """The sections that the program may write now: not what is read-only after relocation."""
    regions = [region for region in session.lens.regions() if "write" in region.flags]
    starts = [region.start for region in regions]
    found = []
    for section in session.target.sections():
        index = bisect_right(starts, section.start) - 1
        if index >= 0 and section.start < regions[index].end:
            found.append(section)
    return found


# ---- thread-local variables --------------------------------------------------------------------

def thread_locals(threads: Iterable[Tuple["gdb.InferiorThread", Thread]],
                  known: Dict[str, "gdb.Symtab"], spans: Spans, read: Read, warnings: List[str]
                  ) -> None:
    """Adds to each thread those of the files that are known and of main's; switches to it."""
    symtabs = dict(known)
    main = gdb.lookup_global_symbol("main")
    if main is not None and main.symtab is not None:
        symtabs.setdefault(main.symtab.filename, main.symtab)
    symbols = [symbol for symtab in symtabs.values() for symbol in _tls_symbols(symtab)]
    if not symbols:
        return
    variables = VariableReader(spans, read)
    for thread, record in threads:
        thread.switch()
        for symbol in symbols:
            try:
                value = symbol.value()
                record.thread_locals.extend(variables.read(
                    value, symbol.name, "tls", shape_of(value.type), line=symbol.line))
            except (gdb.error, RuntimeError) as problem:
                why = " ".join(str(problem).split())  # of GDB, which has it on several lines
                said = f"Thread-local variables are not known by name: {why}"
                if said not in warnings:
                    warnings.append(said)
    if variables.left_out:
        warnings.append(f"{variables.left_out} words of large thread-local variables were not "
                        "looked at.")


def _tls_symbols(symtab: "gdb.Symtab") -> Iterator["gdb.Symbol"]:
    """File-scope variables whose place is computed, and without a frame: thread-local ones."""
    for block in (symtab.static_block(), symtab.global_block()):
        for symbol in cast(Any, block):
            if (symbol.is_variable and symbol.addr_class == gdb.SYMBOL_LOC_COMPUTED
                    and not symbol.needs_frame):
                yield symbol
