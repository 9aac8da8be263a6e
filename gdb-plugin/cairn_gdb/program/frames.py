"""Threads, frames and blocks of the program, as records (outside/slots.py).

Imports gdb.  Every variable of a frame is found here: arguments, locals of nested blocks, statics
of functions, in memory or in registers, set or not set yet.

Invariants:
 - The selected thread and frame are the same after as before, whatever happens (selection_kept).
 - A storage place that several frames share, a function's static, is read once.
 - A value that GDB can't give is a record with its `fault`; nothing is guessed.
"""

import re
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple, cast

import gdb

from ..outside import reached
from ..outside.slots import Frame, Scope, Shape, Spans, Thread, Variable
from .variables import Read, VariableReader, is_reference, shape_of, storage_of

CODE_MAX_BYTES = 64 << 10  # of a function that is disassembled
RED_ZONE_BYTES = 128  # of the x86-64 ABI: a leaf function keeps locals below its stack pointer
NO_CALLER_BYTES = 64 << 10  # of a frame whose caller is not known


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

class _Declared(NamedTuple):
    """A variable of a block, as far as it is the same in every call."""

    symbol: "gdb.Symbol"
    block: "gdb.Block"
    kind: str
    shape: Shape
    dynamic: bool  # a VLA: its length, and so its shape, depends on the call
    shadowed: bool


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


# ---- registers ---------------------------------------------------------------------------------

# Registers that a called function gives back as they were: what GDB says of the others above
# frame 0 are the inner function's values.
CALLEE_SAVED = {
    "i386:x86-64": ("rbx", "rbp", "r12", "r13", "r14", "r15"),
    "aarch64": tuple(f"x{number}" for number in range(19, 30)),
}
GENERAL = {
    "i386:x86-64": ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp",
                    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"),
    "aarch64": tuple(f"x{number}" for number in range(31)),
}


def registers_of(frame: "gdb.Frame", level: int) -> Iterator[Tuple[str, int]]:
    """The general registers that can be trusted in that frame, with their values."""
    architecture = frame.architecture().name()
    table = GENERAL if level == 0 else CALLEE_SAVED
    for name, registers in table.items():
        if architecture.startswith(name):
            for register in registers:
                value = _register(frame, register)
                if value:
                    yield register, value


def _register(frame: "gdb.Frame", name: str) -> int:
    try:
        return int(frame.read_register(name)) & (1 << 64) - 1
    except (gdb.error, ValueError):
        return 0


def _register_of(frame: "gdb.Frame", level: int, word: int) -> str:
    """The register that holds the word: where a variable without an address is kept."""
    if word == 0:
        return ""
    return next((name for name, value in registers_of(frame, level) if value == word), "")


class _SavedRegisters:
    """Where a frame's function put the registers that it must give back, asked when needed."""

    def __init__(self, frame: "gdb.Frame") -> None:
        self._frame = frame
        self._places: Optional[Dict[str, int]] = None

    def places(self) -> Dict[str, int]:
        if self._places is None:
            self._frame.select()
            described = gdb.execute("info frame", to_string=True) or ""
            saved = described.partition("Saved registers:")[2]
            self._places = {name: int(place, 16)
                            for name, place in re.findall(r"(\w+) at (0x[0-9a-f]+)", saved)}
        return self._places


# ---- frames ------------------------------------------------------------------------------------

class FrameReader:
    """Reads the frames of threads; what is the same in every call of a function is kept."""

    def __init__(self, spans: Spans, read: Read, scope: Scope) -> None:
        self._scope = scope
        self._variables = VariableReader(spans, read, scope.everything)
        self._declared: Dict[Tuple[int, int, str], List[_Declared]] = {}
        self._code: Dict[int, Optional[reached.Code]] = {}
        self._shared: Set[int] = set()  # places that belong to no single call
        self._extent_of: Optional[Tuple[int, Tuple[int, int]]] = None  # by stack pointer
        self._inner: List[_SavedRegisters] = []  # of the frames inside the one that is read
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
                record.more, record.more_sp = True, _register(frame, "sp")
                break
            record.frames.append(self._frame(frame, len(record.frames)))
            if len(record.frames) == 1:
                record.red_zone = self._is_leaf(frame)
            if frame.type() != gdb.INLINE_FRAME:
                self._inner.append(_SavedRegisters(frame))
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
        record = Frame(level, frame.name() or "", int(frame.pc()), _register(frame, "sp"),
                       frame.type() == gdb.INLINE_FRAME)
        record.program = gdb.solib_name(record.pc) is None
        position = frame.find_sal()
        if position.symtab is not None:
            record.file, record.line = position.symtab.filename, position.line
            self.symtabs.setdefault(record.file, position.symtab)
            record.unoptimised = _unoptimised(position.symtab)
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

    def _is_leaf(self, frame: "gdb.Frame") -> bool:
        """The frame's function calls no other, as far as is known."""
        try:
            code = self._code_of(frame.block(), frame)
        except RuntimeError:
            return True  # no debug information
        return code is None or not code.calls

    def _declared_in(self, block: "gdb.Block") -> List[_Declared]:
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
        found: List[_Declared] = []
        for each in blocks:  # inner to outer, so that the inner of two equal names is seen first
            mine = []
            for symbol in cast(Any, each):  # the stubs do not know that a block iterates
                kind = kind_of(symbol)
                if kind and symbol.type is not None:
                    mine.append(_Declared(symbol, each, kind, shape_of(symbol.type),
                                          getattr(symbol.type, "dynamic", False),
                                          symbol.name in seen))
            seen.update(declared.symbol.name for declared in mine)
            found[:0] = mine
        found.sort(key=lambda declared: declared.kind != "arg")
        self._declared[key] = found
        return found

    def _read(self, frame: "gdb.Frame", level: int, declared: _Declared) -> Iterator[Variable]:
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
            known["unset"] = self._unset(frame, declared, address, shape)
        for variable in self._variables.read(value, symbol.name, kind, shape, **known):
            if variable.addr is None and variable.word is not None:
                variable = self._placed(frame, level, variable)
            yield variable

    def _placed(self, frame: "gdb.Frame", level: int, variable: Variable) -> Variable:
        """A variable in a register, with its place: an inner function may have saved it."""
        assert variable.word is not None
        register = _register_of(frame, level, variable.word)
        if register:
            for inner in reversed(self._inner):
                saved = inner.places().get(register)
                if saved is not None:
                    return variable._replace(addr=saved)
        return variable._replace(register=register)

    # -- set, or not yet? ----------------------------------------------------------------------

    def _unset(self, frame: "gdb.Frame", declared: _Declared, address: int, shape: Shape) -> str:
        """"surely", "maybe" or "": whether the program has not come to where it is set."""
        low, high = self._extent(frame)
        if not low <= address < high:
            return ""  # a captured variable, an argument that its caller keeps: not this frame's
        plain_code = _unoptimised(declared.symbol.symtab)
        code = self._code_of(declared.block, frame)
        if code is not None and (shape.scalar or plain_code):
            verdict = reached.judge(code, int(frame.pc()), _register(frame, "rbp"), address,
                                    shape.size)
            if verdict != reached.UNKNOWN:
                return "surely" if verdict == reached.UNSET else ""
        if declared.kind == "arg":
            return ""
        position = frame.find_sal()
        symbol = declared.symbol
        if position.symtab is None or symbol.symtab is None or not symbol.line:
            return ""
        if position.symtab.filename != symbol.symtab.filename or symbol.line < position.line:
            return ""
        # The scope of a declaration begins behind it; in code that was not reordered so does
        # its value.
        return "surely" if plain_code and symbol.line > position.line else "maybe"

    def _extent(self, frame: "gdb.Frame") -> Tuple[int, int]:
        """The memory of the frame: from the red zone below its stack pointer to its caller's."""
        sp = _register(frame, "sp")
        if self._extent_of is None or self._extent_of[0] != sp:
            older: Optional[gdb.Frame] = frame
            while older is not None and older.type() == gdb.INLINE_FRAME:
                older = older.older()
            try:
                older = older.older() if older is not None else None
            except gdb.error:
                older = None
            end = sp + NO_CALLER_BYTES if older is None else _register(older, "sp")
            self._extent_of = (sp, (sp - RED_ZONE_BYTES, end))
        return self._extent_of[1]

    def _code_of(self, block: "gdb.Block", frame: "gdb.Frame") -> Optional[reached.Code]:
        """The instructions of the function that the block is in, inlined ones being a part."""
        function = block
        each: Optional[gdb.Block] = block
        while each is not None and not each.is_static and not each.is_global:
            if each.function is not None:
                function = each
            each = each.superblock
        if function.start not in self._code:
            self._code[function.start] = _disassemble(function, frame)
        return self._code[function.start]


def _disassemble(function: "gdb.Block", frame: "gdb.Frame") -> Optional[reached.Code]:
    architecture = frame.architecture()
    if not architecture.name().startswith("i386:x86-64"):
        return None
    if function.end - function.start > CODE_MAX_BYTES:
        return None
    try:
        # Block.end is the first address behind the block; disassemble takes the last one.
        listed: Any = architecture.disassemble(function.start, function.end - 1)
    except gdb.error:
        return None
    return reached.read_code([(int(row["addr"]), str(row["asm"])) for row in listed])


def _unoptimised(symtab: "gdb.Symtab") -> bool:
    """The compiler says that it was GCC without -O."""
    producer = getattr(symtab, "producer", None) or ""
    if not producer.startswith("GNU "):
        return False
    levels = [word for word in producer.split() if word.startswith("-O")]
    return not levels or levels[-1] == "-O0"


def stack_pointers() -> List[Tuple[int, str, int]]:
    """The number, name and stack pointer of each stopped thread of the selected inferior."""
    found = []
    with selection_kept():
        for thread in sorted(gdb.selected_inferior().threads(), key=lambda each: each.num):
            if thread.is_running():
                continue
            switch_to(thread)
            found.append((thread.num, thread.name or "", _register(gdb.newest_frame(), "sp")))
    return found
