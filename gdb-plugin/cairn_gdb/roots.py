"""Every slot outside the heap: variables by name, registers, unnamed words of stacks and memory.

Imports gdb.  Two askers: the picture wants the slots of some threads (`outside`), the accounting
wants each storage place of the program that holds an object, once (`collect`).

Where slots are looked for, the surest first; a place that is known by name is not reported again
as a word:

    variables   of all frames, with their types                            (frames.py)
    tls         thread-local variables of the files that the frames are in
    data        the words of writable sections, named by the symbol that they lie in
    registers   of each thread's innermost frame: only those are surely its own
    words       from the stack pointer to the end of the stack, and where the innermost function
                calls no other from 128 bytes below (the red zone)
    foreign     all other writable memory: what malloc gave out, above all

A stack is scanned whole even where GDB unwinds only a part of it, so a frame that is not read
costs a name, never a root.  `info variables` is not asked: with a C library's symbols it takes
seconds.
"""

import re
from bisect import bisect_right
from typing import Any, Dict, Iterator, List, Optional, Tuple, cast

import gdb

from . import records, slots
from .frames import FrameReader, VariableReader, registers_of, selection_kept, shape_of, storage_of
from .rootset import Roots, Stack, stack_word
from .session import Session
from .slots import Frame, Outside, Scope, Shape, Spans, Thread, Variable, WORD_BYTES

RED_ZONE_BYTES = 128  # of the x86-64 ABI: a leaf function keeps locals below its stack pointer
FRAMES_MAX = 5_000  # per thread; beyond them the words of the stack are still scanned
DATA_MAX_BYTES = 64 << 20  # of one section
STACK_WORDS_MAX_BYTES = 64 << 20  # of one stack, for the picture
NAMED_MAX = 20_000  # data slots that are looked up by name
NO_REGION_BYTES = 1 << 20  # of a stack whose end nobody knows


def spans_of(session: Session) -> Spans:
    return Spans([(arena.address, arena.address + arena.bytes)
                  for arena in session.lens.arenas()])


# ---- for the picture --------------------------------------------------------------------------

def outside(session: Session, scope: Scope) -> Outside:
    """The threads and their frames, thread-local variables, statics and globals."""
    spans, read = spans_of(session), session.lens.read
    reader = FrameReader(spans, read, scope)
    found = Outside()
    with selection_kept():
        for thread in _threads(scope.all_threads):
            record = reader.thread(thread)
            found.threads.append(record)
            if record.problem:
                continue
            raw = [frame for frame in record.frames if scope.raw
                   or (scope.stand_ins and frame.program and not frame.known)]
            if raw:
                record.registers = list(_registers(record, spans))
                _add_words(session, record, raw, spans)
        _thread_locals(found.threads, reader, spans, read, found.warnings)
        found.data = _data(session, spans, _by_address(found.threads), found.warnings)
    return found


def _threads(every: bool) -> List["gdb.InferiorThread"]:
    selected = gdb.selected_thread()
    if not every:
        return [selected] if selected is not None else []
    return sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.num)


def _by_address(threads: List[Thread]) -> Dict[int, Variable]:
    return {variable.addr: variable for thread in threads for frame in thread.frames
            for variable in frame.variables if variable.addr is not None}


def _registers(thread: Thread, spans: Spans) -> Iterator[Variable]:
    """The registers that hold something in an arena and are not where a variable is kept."""
    if not _select_newest(thread):
        return
    named = {(variable.register, variable.word) for frame in thread.frames
             for variable in frame.variables if variable.register}
    for name, word in registers_of(gdb.newest_frame(), 0):
        if (name, word) not in named and spans.covers(word):
            yield Variable("$" + name, "register", word=word)


def _select_newest(thread: Thread) -> bool:
    for each in gdb.selected_inferior().threads():
        if each.num == thread.number:
            each.switch()
            return bool(thread.frames)
    return False


def _add_words(session: Session, thread: Thread, wanted: List[Frame], spans: Spans) -> None:
    """Adds to the wanted frames the words of their stack that lie in an arena and have no name.
    The outermost frame gets what lies behind it, too: GDB may not have unwound to the end."""
    named = {variable.addr for frame in thread.frames for variable in frame.variables}
    frames = [frame for frame in thread.frames if not frame.inlined]
    starts = [frame.sp for frame in frames]
    for start, end in _stack_ranges(session, thread):
        end = min(end, start + STACK_WORDS_MAX_BYTES)
        data = session.lens.read(start, end - start)
        words = memoryview(data)[:len(data) // WORD_BYTES * WORD_BYTES].cast("Q")
        for index in spans.hits(words):
            address = start + index * WORD_BYTES
            frame = frames[max(0, bisect_right(starts, address) - 1)] if frames else None
            if frame in wanted and address not in named:
                assert frame is not None
                frame.variables.append(Variable(stack_word(address - frame.sp), "word", address,
                                                words[index]))


def _stack_ranges(session: Session, thread: Thread) -> List[Tuple[int, int]]:
    """From the red zone to the end of the mapping, without what is not the stack's: a kernel may
    merge a thread's stack with an arena that lies behind it."""
    sp = thread.frames[0].sp if thread.frames else 0
    if sp == 0:
        return []
    below = RED_ZONE_BYTES if thread.red_zone else 0
    start = (sp - below) // WORD_BYTES * WORD_BYTES
    for region in session.lens.regions():
        if region.start <= sp < region.end:
            start = max(start, region.start)
            if "stack" in region.flags:
                return [(start, region.end)]
            return [(max(start, each.start), min(region.end, each.end))
                    for each in session.lens.foreign_ranges()
                    if each.start < region.end and start < each.end]
    return [(start, start + NO_REGION_BYTES)]


# ---- thread-local variables -------------------------------------------------------------------

def _thread_locals(threads: List[Thread], reader: FrameReader, spans: Spans, read: Any,
                   warnings: List[str]) -> None:
    """Those of the files that the frames and `main` are in."""
    symtabs = dict(reader.symtabs)
    main = gdb.lookup_global_symbol("main")
    if main is not None and main.symtab is not None:
        symtabs.setdefault(main.symtab.filename, main.symtab)
    symbols = [symbol for symtab in symtabs.values() for symbol in _tls_symbols(symtab)]
    if not symbols:
        return
    variables = VariableReader(spans, read)
    for thread in threads:
        if thread.problem or not _select_newest(thread):
            continue
        for symbol in symbols:
            try:
                value = symbol.value()
                thread.thread_locals.extend(variables.read(
                    value, symbol.name, "tls", shape_of(value.type), line=symbol.line))
            except (gdb.error, RuntimeError) as problem:
                said = f"Thread-local variables are not known by name: {problem}"
                if said not in warnings:
                    warnings.append(said)


def _tls_symbols(symtab: "gdb.Symtab") -> Iterator["gdb.Symbol"]:
    """File-scope variables whose place is computed, and without a frame: thread-local ones."""
    for block in (symtab.static_block(), symtab.global_block()):
        for symbol in cast(Any, block):
            if (symbol.is_variable and symbol.addr_class == gdb.SYMBOL_LOC_COMPUTED
                    and not symbol.needs_frame):
                yield symbol


# ---- statics and globals ----------------------------------------------------------------------

_SYMBOL_LINE = re.compile(r"(.+?)(?: \+ (\d+))? in section \S+(?: of (.*))?")
# Marks that a linker sets: what lies behind them is not theirs.
_MARKS = {"__bss_start", "_edata", "_end", "__data_start", "data_start", "__dso_handle",
          "__TMC_END__", "completed.0"}


def symbol_at(address: int) -> str:
    """`name` or `name + 8`, as GDB says it; "" where no symbol covers the address."""
    match = _SYMBOL_LINE.match(
        (gdb.execute(f"info symbol {address:#x}", to_string=True) or "").strip())
    if match is None or match.group(1) in _MARKS:
        return ""
    return match.group(1) + (f" + {match.group(2)}" if match.group(2) else "")


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
        described = (gdb.execute(f"info symbol {address:#x}", to_string=True) or "").strip()
        match = _SYMBOL_LINE.match(described)
        if match is None or match.group(1) in _MARKS:
            return None
        name, offset = match.group(1), int(match.group(2) or 0)
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


def _data(session: Session, spans: Spans, known: Dict[int, Variable], warnings: List[str]
          ) -> List[Variable]:
    """The named slots of writable sections that hold something in an arena."""
    names = DataNames()
    found: List[Variable] = []
    skipped = 0
    for section in writable_sections(session):
        data = session.lens.read(section.start, min(section.end - section.start, DATA_MAX_BYTES))
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


def writable_sections(session: Session) -> List[records.Section]:
    """The sections that the program may write now: not what is read-only after relocation."""
    regions = [region for region in session.lens.regions() if "write" in region.flags]
    return [section for section in session.target.sections()
            if any(region.start <= section.start < region.end for region in regions)]


# ---- for the accounting -----------------------------------------------------------------------

def collect(session: Session) -> Roots:
    """Adds every slot that holds an object to the lens's snapshot."""
    lens = session.snapshot()
    roots = Roots(lens)
    scope = Scope(all_threads=True, frame_limit=FRAMES_MAX, stand_ins=False)
    found = outside(session, scope)
    roots.warnings.extend(found.warnings)
    spans = spans_of(session)
    with selection_kept():
        for thread in found.threads:
            if thread.problem:
                roots.complete = False
                roots.warnings.append(f"Thread {thread.number} was not searched: "
                                      f"{thread.problem}.")
                continue
            _add_thread(session, roots, thread, spans)
    for variable in found.data:
        if variable.kind != "foreign":
            _add(session, roots, variable, variable.name, None, None)
    stacks = [region for region in lens.regions()
              if any(region.start <= stack.sp < region.end for stack in roots.stacks.values())]
    for each in lens.foreign_ranges():
        for start, end in _without(each.start, each.end, stacks):
            lens.scan_roots(start, end, "foreign", None, session.target.progress)
    return roots


def _add_thread(session: Session, roots: Roots, thread: Thread, spans: Spans) -> None:
    """One thread's variables, registers and stack words."""
    for frame, label in zip(thread.frames, slots.labels(thread.frames)):
        for variable in frame.variables:
            _add(session, roots, variable, f"{label}.{variable.name}", thread.number, frame.level)
    for variable in thread.thread_locals:
        _add(session, roots, variable, variable.name, thread.number, None)
    for variable in _registers(thread, spans):
        _add(session, roots, variable, variable.name, thread.number, 0)
    if thread.more:
        roots.warnings.append(
            f"Thread {thread.number}: the frames from #{len(thread.frames)} on were not read; "
            "their variables are listed as words of the stack.")
    if not thread.frames:
        return
    sp = thread.frames[0].sp
    roots.stacks[thread.number] = Stack(
        sp, sorted((frame.sp, frame.level) for frame in thread.frames))
    for start, end in _stack_ranges(session, thread):
        session.lens.scan_roots(start, end, "word", thread.number, session.target.progress)


def _add(session: Session, roots: Roots, variable: Variable, name: str, thread: Optional[int],
         frame: Optional[int]) -> None:
    # What a pointer to a slot leads to is a slot that is found where it lies.
    if variable.word is None or variable.through or variable.trust == "slot":
        return
    if variable.trust != "integer" or session.lens.locate(variable.word).offset == 0:
        roots.add(records.Root(variable.addr or 0, variable.word, variable.kind,
                               slots.confidence(variable), name, thread, frame))


def _without(start: int, end: int, holes: List[records.Region]) -> Iterator[Tuple[int, int]]:
    """The parts of [start, end) that lie in none of the holes."""
    for hole in sorted(holes, key=lambda hole: hole.start):
        if hole.end <= start or end <= hole.start:
            continue
        if start < hole.start:
            yield start, hole.start
        start = max(start, hole.end)
    if start < end:
        yield start, end
