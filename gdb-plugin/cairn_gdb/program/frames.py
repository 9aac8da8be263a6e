"""Threads, frames and blocks of the program, as records (outside/slots.py).

Imports gdb.  Every variable of a frame is found here: arguments, locals of nested blocks, statics
of functions, in memory or in registers, set or not set yet.

Invariants:
 - The selected thread and frame are the same after as before, whatever happens (selection_kept).
 - A storage place that several frames share, a function's static, is read once.
 - A value that GDB can't give is a record with its `fault`; nothing is guessed.
"""

from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple, cast

import gdb

from ..outside.slots import Frame, Scope, Spans, Thread, Variable
from .code import CodeReader, Declared, unoptimised
from .registers import SavedRegisters, register, register_of
from .variables import Read, VariableReader, is_reference, shape_of, storage_of


@contextmanager
def selection_kept() -> Iterator[None]:
    """Puts the selected thread and frame back."""
    thread = gdb.selected_thread()
    try:
        frame = gdb.selected_frame()
    except gdb.error:
        frame = None
    try:
        yield
    finally:
        if thread is not None and thread.is_valid():
            thread.switch()
        if frame is not None and frame.is_valid():
            frame.select()


def switch_to(thread: "gdb.InferiorThread") -> None:
    """Selects the thread.  GDB reads its registers then, and warns each time of those that a newer
    machine has put into a core: they are read here first, where the warning is caught, so that it
    does not stand in the middle of an answer."""
    try:
        gdb.execute(f"thread apply {thread.num} -q -s output $sp", to_string=True)
    except gdb.error:
        pass  # newest_frame says why
    thread.switch()


# ---- what a block declares ---------------------------------------------------------------------

def kind_of(symbol: "gdb.Symbol") -> str:
    """arg, local, static, or "" for what is no variable of a function."""
    if symbol.is_argument:
        return "arg"
    if not symbol.is_variable:
        return ""
    if symbol.addr_class == gdb.SYMBOL_LOC_STATIC:
        return "static"
    if symbol.addr_class == getattr(gdb, "SYMBOL_LOC_UNRESOLVED", -1):
        return ""  # `extern` in a block: a global of its own
    return "local"


# ---- frames ------------------------------------------------------------------------------------

class FrameReader:
    """Reads the frames of threads; what is the same in every call of a function is kept."""

    def __init__(self, spans: Spans, read: Read, scope: Scope) -> None:
        self._scope = scope
        self._variables = VariableReader(spans, read, scope.everything)
        self._declared: Dict[Tuple[int, int, str], List[Declared]] = {}
        self._code = CodeReader()
        self._shared: Set[int] = set()  # places that belong to no single call
        self._inner: List[SavedRegisters] = []  # of the frames inside the one that is read
        self.symtabs: Dict[str, "gdb.Symtab"] = {}  # of the functions that were met

    def thread(self, thread: "gdb.InferiorThread") -> Thread:
        """One thread with its frames; switches to it."""
        selected = gdb.selected_thread()
        record = Thread(thread.num, thread.ptid[1] or thread.ptid[2], thread.name or "",
                        selected is not None and selected.num == thread.num)
        if thread.is_running():
            record.problem = "it is running"
            return record
        switch_to(thread)
        try:
            frame: Optional[gdb.Frame] = gdb.newest_frame()
        except gdb.error as problem:
            record.problem = str(problem)
            return record
        limit = self._scope.frame_limit
        self._inner = []
        while frame is not None:
            if limit and len(record.frames) >= limit:
                record.more, record.more_sp = True, register(frame, "sp")
                break
            record.frames.append(self._frame(frame, len(record.frames)))
            if len(record.frames) == 1:
                record.red_zone = self._code.is_leaf(frame)
            if frame.type() != gdb.INLINE_FRAME:
                self._inner.append(SavedRegisters(frame))
            frame = self._older(frame, record)
        return record

    @staticmethod
    def _older(frame: "gdb.Frame", record: Thread) -> Optional["gdb.Frame"]:
        try:
            older = frame.older()
        except gdb.error as problem:
            record.ended = str(problem).rstrip(".")
            return None
        if older is None:
            reason = frame.unwind_stop_reason()
            if reason >= getattr(gdb, "FRAME_UNWIND_FIRST_ERROR", 1 << 30):
                record.ended = gdb.frame_stop_reason_string(reason)
        return older

    def _frame(self, frame: "gdb.Frame", level: int) -> Frame:
        record = Frame(level, frame.name() or "", int(frame.pc()), register(frame, "sp"),
                       frame.type() == gdb.INLINE_FRAME)
        record.program = gdb.solib_name(record.pc) is None
        position = frame.find_sal()
        if position.symtab is not None:
            record.file, record.line = position.symtab.filename, position.line
            self.symtabs.setdefault(record.file, position.symtab)
            record.unoptimised = unoptimised(position.symtab)
        try:
            block = frame.block()
        except RuntimeError:
            return record  # no debug information
        record.known = True
        self._variables.left_out = 0
        for declared in self._declared_in(block):
            record.variables.extend(self._read(frame, level, declared))
        record.left_out = self._variables.left_out
        return record

    def _declared_in(self, block: "gdb.Block") -> List[Declared]:
        """The variables of the block and of those around it, up to the function's; in the order
        of a reader: arguments first, then from the outer block to the inner."""
        function = block
        while function.function is None and function.superblock is not None:
            function = function.superblock
        name = function.function.name if function.function is not None else ""
        key = (block.start, block.end, name)
        known = self._declared.get(key)
        if known is not None:
            return known
        blocks, each = [], block
        while True:
            blocks.append(each)
            if each.function is not None or each.superblock is None:
                break
            each = each.superblock
        seen: Set[str] = set()
        found: List[Declared] = []
        for each in blocks:  # inner to outer, so that the inner of two equal names is seen first
            mine = []
            for symbol in cast(Any, each):  # the stubs do not know that a block iterates
                kind = kind_of(symbol)
                if kind and symbol.type is not None:
                    mine.append(Declared(symbol, each, kind, shape_of(symbol.type),
                                         getattr(symbol.type, "dynamic", False),
                                         symbol.name in seen))
            seen.update(declared.symbol.name for declared in mine)
            found[:0] = mine
        found.sort(key=lambda declared: declared.kind != "arg")
        self._declared[key] = found
        return found

    def _read(self, frame: "gdb.Frame", level: int, declared: Declared) -> Iterator[Variable]:
        symbol, kind = declared.symbol, declared.kind
        known: Dict[str, Any] = {"line": symbol.line, "shadowed": declared.shadowed}
        try:
            shape = declared.shape
            if declared.dynamic:
                frame.select()  # GDB takes the length from the selected frame
            value = frame.read_var(symbol, declared.block)
            if declared.dynamic:
                shape = shape_of(value.type)
            address = storage_of(value)
        except (gdb.error, RuntimeError):
            if is_reference(declared.shape):
                yield Variable(symbol.name, kind, fault="unreadable", **known)
            return
        if kind == "local" and address is not None and not symbol.needs_frame:
            kind = "tls"  # a `static __thread` of the function
        if kind in ("static", "tls") and address is not None:
            if address in self._shared:
                return  # it was read in an inner call
            self._shared.add(address)
        if kind in ("arg", "local") and address is not None and not shape.empty:
            known["unset"] = self._code.unset(frame, declared, address, shape)
        for variable in self._variables.read(value, symbol.name, kind, shape, **known):
            if variable.addr is None and variable.word is not None:
                variable = self._placed(frame, level, variable)
            yield variable

    def _placed(self, frame: "gdb.Frame", level: int, variable: Variable) -> Variable:
        """A variable in a register, with its place: an inner function may have saved it."""
        assert variable.word is not None
        name = register_of(frame, level, variable.word)
        if name:
            for inner in reversed(self._inner):
                saved = inner.places().get(name)
                if saved is not None:
                    return variable._replace(addr=saved)
        return variable._replace(register=name)


def stack_pointers() -> List[Tuple[int, str, int]]:
    """The number, name and stack pointer of each stopped thread of the selected inferior."""
    found = []
    with selection_kept():
        for thread in sorted(gdb.selected_inferior().threads(), key=lambda each: each.num):
            if thread.is_running():
                continue
            switch_to(thread)
            found.append((thread.num, thread.name or "", register(gdb.newest_frame(), "sp")))
    return found
