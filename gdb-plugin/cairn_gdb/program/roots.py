"""Every slot outside the heap: variables by name, registers, unnamed words of stacks and memory.

Imports gdb.  Two askers: the picture wants the slots of some threads (`outside`), the accounting
wants each storage place of the program that holds an object, once (`collect`).

Where slots are looked for, the surest first; a place that is known by name is not reported again
as a word:

    variables   of all frames, with their types              (frames.py, variables.py)
    statics     thread-local variables, and the words of writable sections that lie in a symbol
                                                             (statics.py)
    registers   of each thread's innermost frame: only those are surely its own
    words       from the stack pointer to the end of the stack, and where the innermost function
                calls no other from 128 bytes below (the red zone)
    foreign     all other writable memory: what malloc gave out, above all

A stack is scanned whole even where GDB unwinds only a part of it, so a frame that is not read
costs a name, never a root.
"""

from bisect import bisect_right
from typing import Dict, Iterator, List, Optional, Set, Tuple

import gdb

from .. import records
from ..outside import slots
from ..outside.rootset import Roots, Stack, stack_word
from ..outside.slots import WORD_BYTES, Outside, Scope, Spans, Thread, Variable
from ..session import Session
from .code import RED_ZONE_BYTES
from .frames import FrameReader, selection_kept
from .registers import registers_of
from .statics import data_variables, thread_locals

FRAMES_MAX = 5_000  # per thread; beyond them the words of the stack are still scanned
STACK_WORDS_MAX_BYTES = 64 << 20  # of one stack, for the picture
NO_REGION_BYTES = 1 << 20  # of a stack whose end nobody knows


def spans_of(session: Session) -> Spans:
    return Spans([(arena.address, arena.address + arena.bytes)
                  for arena in session.lens.arenas()])


# ---- for the picture ---------------------------------------------------------------------------

def outside(session: Session, scope: Scope) -> Outside:
    """The threads and their frames, thread-local variables, statics and globals."""
    spans, read = spans_of(session), session.lens.read
    reader = FrameReader(spans, read, scope)
    found = Outside()
    with selection_kept():
        stopped = []
        for thread in _threads(scope.all_threads):
            record = reader.thread(thread)
            found.threads.append(record)
            if record.problem:
                continue
            stopped.append((thread, record))
            wanted = {frame.level for frame in record.frames if scope.raw
                      or (scope.stand_ins and frame.program and not frame.known)}
            if wanted or not scope.stand_ins:
                record.registers = list(_registers(record, spans))
            if wanted:
                _add_words(session, record, wanted, spans, found.warnings)
        thread_locals(stopped, reader.symtabs, spans, read, found.warnings)
        found.data = data_variables(session, spans, _by_address(found.threads), found.warnings)
    return found


def _threads(every: bool) -> List["gdb.InferiorThread"]:
    selected = gdb.selected_thread()
    if not every:
        return [selected] if selected is not None else []
    return sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.num)


def _by_address(threads: List[Thread]) -> Dict[int, Variable]:
    return {variable.addr: variable for thread in threads for frame in thread.frames
            for variable in frame.variables
            if variable.addr is not None and not variable.through}


def _registers(thread: Thread, spans: Spans) -> Iterator[Variable]:
    """The registers of the selected thread that hold something in an arena and are not where a
    variable is kept."""
    named = {(variable.register, variable.word) for frame in thread.frames
             for variable in frame.variables if variable.register}
    for name, word in registers_of(gdb.newest_frame(), 0):
        if (name, word) not in named and spans.covers(word):
            yield Variable("$" + name, "register", word=word)


def _add_words(session: Session, thread: Thread, wanted: Set[int], spans: Spans,
               warnings: List[str]) -> None:
    """Adds to the wanted frames the words of their stack that lie in an arena and have no name.
    Where no further frame is known, the outermost one gets what lies behind it, too: GDB may not
    have unwound to the end."""
    named = {variable.addr for frame in thread.frames for variable in frame.variables}
    frames = [frame for frame in thread.frames if not frame.inlined]
    starts = [frame.sp for frame in frames]
    for start, end in _stack_ranges(session, thread):
        if thread.more_sp:
            end = max(start, min(end, thread.more_sp))
        if end - start > STACK_WORDS_MAX_BYTES:
            end = start + STACK_WORDS_MAX_BYTES
            warnings.append(f"Of the stack of thread {thread.number} only the innermost "
                            f"{STACK_WORDS_MAX_BYTES >> 20} MiB were searched for words.")
        data = session.lens.read(start, end - start)
        words = memoryview(data)[:len(data) // WORD_BYTES * WORD_BYTES].cast("Q")
        for index in spans.hits(words):
            address = start + index * WORD_BYTES
            frame = frames[max(0, bisect_right(starts, address) - 1)]
            if frame.level in wanted and address not in named:
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


# ---- for the accounting ------------------------------------------------------------------------

def collect(session: Session) -> Roots:
    """Adds every slot that holds an object to the lens's snapshot."""
    lens = session.snapshot()
    roots = Roots(lens)
    scope = Scope(all_threads=True, frame_limit=FRAMES_MAX, stand_ins=False)
    found = outside(session, scope)
    roots.warnings.extend(found.warnings)
    for thread in found.threads:
        if thread.problem:
            roots.complete = False
            roots.warnings.append(f"Thread {thread.number} was not searched: {thread.problem}.")
        else:
            _add_thread(session, roots, thread)
    for variable in found.data:
        _add(session, roots, variable, variable.name, None, None)
    stacks = [region for region in lens.regions()
              if any(region.start <= stack.sp < region.end for stack in roots.stacks.values())]
    for each in lens.foreign_ranges():
        for start, end in _without(each.start, each.end, stacks):
            lens.scan_roots(start, end, "foreign", None, session.target.progress)
    return roots


def _add_thread(session: Session, roots: Roots, thread: Thread) -> None:
    """One thread's variables, registers and stack words."""
    for frame, label in zip(thread.frames, slots.labels(thread.frames)):
        if frame.file:
            short = frame.file.rsplit("/", 1)[-1]
            roots.places[thread.number, frame.level] = f"{short}:{frame.line}"
        for variable in frame.variables:
            _add(session, roots, variable, f"{label}.{variable.name}", thread.number, frame.level,
                 frame.unoptimised and variable.addr is not None)
    for variable in thread.thread_locals:
        _add(session, roots, variable, variable.name, thread.number, None)
    for variable in thread.registers:
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
         frame: Optional[int], unmerged: bool = False) -> None:
    # What a pointer to a slot leads to is a slot that is found where it lies.
    if variable.word is None or variable.through or variable.trust == "slot":
        return
    if variable.trust != "integer" or session.lens.locate(variable.word).offset == 0:
        roots.add(records.Root(variable.addr or 0, variable.word, variable.kind,
                               slots.confidence(variable), name, thread, frame,
                               unmerged=unmerged))


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
