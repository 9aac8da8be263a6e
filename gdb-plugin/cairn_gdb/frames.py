"""Threads, frames, blocks and variables of the program, as records (slots.py).

Imports gdb.  Every slot that a variable's type lets hold a pointer is found here, with its word:
arguments, locals of nested blocks, statics of functions, members of local structs, unions and
arrays.  What a word means (an object, a freed block, nothing) is not asked here.

Invariants:
 - The selected thread and frame are the same after as before, whatever happens.
 - A variable's memory is read once, however many elements it has, and at most READ_MAX_BYTES.
 - A value that GDB can't give is a record with its `fault`; nothing is guessed.
"""

import re
from contextlib import contextmanager
from typing import (Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple,
                    cast)

import gdb

from . import reached
from .slots import (Frame, Leaf, Run, Scope, Shape, Spans, Thread, Variable, WORD_BYTES,
                    best_leaves, run_hits, word_at)

Read = Callable[[int, int], bytes]  # address, bytes -> the readable prefix

READ_MAX_BYTES = 16 << 20  # of one variable
EXPAND_MAX = 16  # elements of an array that are named one by one
HITS_MAX = 10_000  # of one variable
DEPTH_MAX = 8  # of structs in structs
CODE_MAX_BYTES = 64 << 10  # of a function that is disassembled
TEXT_MAX = 60

_ANONYMOUS = ("", None)
_POINTERS = (gdb.TYPE_CODE_PTR,)
_RECORDS = (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)


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


# ---- shapes from types -------------------------------------------------------------------------

def is_object_struct(kind: "gdb.Type") -> bool:
    """A cairn_object, or a struct whose first member is one."""
    for _ in range(DEPTH_MAX):
        kind = kind.strip_typedefs()
        if kind.code != gdb.TYPE_CODE_STRUCT:
            return False
        if kind.tag == "cairn_object":
            return True
        members = kind.fields()
        if not members or members[0].type is None:
            return False
        kind = members[0].type
    return False


def _is_address_integer(kind: "gdb.Type") -> bool:
    """uintptr_t or intptr_t, by whatever further names."""
    while kind.code == gdb.TYPE_CODE_TYPEDEF:
        if kind.name in ("uintptr_t", "intptr_t"):
            return True
        kind = kind.target()
    return False


def trust_of(kind: "gdb.Type", member: bool = False) -> str:
    """What a word of that type promises; "" for what is no reference for sure.

    Any integer variable of a word's size may hold an address; a member of a struct or an array
    only where its type says so: the C library's structs are full of leftovers."""
    address_integer = _is_address_integer(kind)
    kind = kind.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_INT:
        allowed = address_integer or not member
        return "integer" if kind.sizeof == WORD_BYTES and allowed else ""
    if kind.code not in _POINTERS or kind.sizeof != WORD_BYTES:
        return ""
    target = kind.target().strip_typedefs()
    if target.code == gdb.TYPE_CODE_FUNC:
        return ""
    if target.code in _POINTERS and trust_of(target) in ("object", "slot"):
        return "slot"
    return "object" if is_object_struct(target) else "pointer"


def shape_of(kind: "gdb.Type", depth: int = 0) -> Shape:
    """Where in a value of that type a pointer may lie; `depth`: of the value in its variable."""
    plain = kind.strip_typedefs()
    if plain.code == gdb.TYPE_CODE_ARRAY:
        return _array_shape(plain, depth)
    if plain.code in _RECORDS:
        return _record_shape(plain, depth)
    trust = trust_of(kind, depth > 0)
    return Shape(plain.sizeof, (Leaf(0, "", trust),) if trust else ())


def _array_shape(kind: "gdb.Type", depth: int) -> Shape:
    element_type = kind.target()
    element = shape_of(element_type, depth + 1)
    low, high = kind.range()
    count = high - low + 1
    if element.empty or count <= 0:
        return Shape(kind.sizeof)
    if count > EXPAND_MAX or element.runs:
        return Shape(kind.sizeof, (), (Run(0, "", element.size, count, element),))
    leaves = [Leaf(index * element.size + leaf.offset, f"[{index}]{leaf.path}", leaf.trust)
              for index in range(count) for leaf in element.leaves]
    return Shape(kind.sizeof, tuple(leaves))


def _record_shape(kind: "gdb.Type", depth: int) -> Shape:
    if kind.tag == "cairn_object" or depth > DEPTH_MAX:
        return Shape(kind.sizeof)
    leaves: List[Leaf] = []
    runs: List[Run] = []
    for member in kind.fields():
        at = getattr(member, "bitpos", None)
        if at is None or member.bitsize or at % 8 or member.type is None:
            continue  # static, or a bit-field
        shape = shape_of(member.type, depth + 1)
        anonymous = member.name in _ANONYMOUS or member.is_base_class
        path = "" if anonymous else f".{member.name}"
        leaves.extend(Leaf(at // 8 + leaf.offset, path + leaf.path, leaf.trust)
                      for leaf in shape.leaves)
        runs.extend(run._replace(offset=at // 8 + run.offset, path=path + run.path)
                    for run in shape.runs)
    return Shape(kind.sizeof, best_leaves(leaves), tuple(runs))


# ---- variables ---------------------------------------------------------------------------------

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


def storage_of(value: "gdb.Value") -> Optional[int]:
    """Where in memory the value lies; None where it does not.

    Value.address must not be asked of an array: where the array is in no memory, GDB pushes it to
    the program, with a call of the program's malloc."""
    kind = value.type.strip_typedefs()
    while kind.code == gdb.TYPE_CODE_ARRAY:
        value = value[kind.range()[0]]
        kind = value.type.strip_typedefs()
    return None if value.address is None else int(value.address)


class VariableReader:
    """Reads variables: from a frame, or without one where they need none."""

    def __init__(self, spans: Spans, read: Read, everything: bool = False) -> None:
        self._spans = spans
        self._read = read
        self._everything = everything
        self.left_out = 0  # hits that were too many

    def read(self, value: "gdb.Value", name: str, kind: str, shape: Shape, **known: Any
             ) -> Iterator[Variable]:
        """The slots of one variable that are worth showing."""
        plain = Variable(name, kind, **known)
        try:
            address = storage_of(value)
            if address is None:
                yield from self._in_registers(value, plain, shape)
            elif not shape.empty:
                yield from self._in_memory(value, plain._replace(addr=address), shape, address)
            elif self._everything:
                yield plain._replace(addr=address, text=_text_of(value))
        except gdb.error:
            if self._everything or _is_reference(shape):
                yield plain._replace(fault="unreadable")

    def _in_memory(self, value: "gdb.Value", plain: Variable, shape: Shape, address: int
                   ) -> Iterator[Variable]:
        size = max(shape.size, 0)
        data = self._read(address, min(size, READ_MAX_BYTES))
        if len(data) < min(size, READ_MAX_BYTES) and (self._everything or _is_reference(shape)):
            yield plain._replace(fault="unreadable")
            return
        if size > READ_MAX_BYTES:
            self.left_out += (size - READ_MAX_BYTES) // WORD_BYTES
        shown = 0
        for leaf in shape.leaves:
            word = word_at(data, leaf.offset)
            if word is not None and self._worth(leaf, word):
                shown += 1
                yield self._slot(plain, leaf, word, address + leaf.offset)
        for run in shape.runs:
            for leaf, word in run_hits(run, data, self._spans):
                shown += 1
                if shown > HITS_MAX:
                    self.left_out += 1
                    continue
                yield self._slot(plain, leaf, word, address + leaf.offset)
        if shown == 0 and self._everything:
            yield plain._replace(text=_text_of(value))

    def _slot(self, plain: Variable, leaf: Leaf, word: int, address: Optional[int]) -> Variable:
        """The slot at `address` (None: a register), or the slot that it points to."""
        name = plain.name + leaf.path
        if leaf.trust == "slot" and word and not plain.unset:
            inner = word_at(self._read(word, WORD_BYTES), 0)
            if inner is not None:
                return plain._replace(name="*" + name, addr=word, word=inner, trust="object",
                                      through=True)
        return plain._replace(name=name, addr=address, word=word, trust=leaf.trust)

    def _in_registers(self, value: "gdb.Value", plain: Variable, shape: Shape
                      ) -> Iterator[Variable]:
        if value.is_optimized_out:
            if self._everything or _is_reference(shape):
                yield plain._replace(fault="optimized out")
        elif shape.scalar:
            word = int(value) & (1 << 64) - 1
            if self._worth(shape.leaves[0], word):
                yield self._slot(plain, shape.leaves[0], word, None)
            elif self._everything:
                yield plain._replace(text=_text_of(value))
        elif value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
            for member in value.type.strip_typedefs().fields():
                if not hasattr(member, "bitpos") or member.type is None:
                    continue
                inner = plain._replace(name=f"{plain.name}.{member.name}")
                yield from self._in_registers(value[member], inner, shape_of(member.type))
        elif self._everything:
            yield plain._replace(text=_text_of(value))

    def _worth(self, leaf: Leaf, word: int) -> bool:
        """References by type are always worth a row, other words only where they may be one."""
        if leaf.trust in ("object", "slot"):
            return True
        return self._spans.covers(word)


def _is_reference(shape: Shape) -> bool:
    return any(leaf.trust in ("object", "slot") for leaf in shape.leaves)


def _text_of(value: "gdb.Value") -> str:
    """The value as GDB prints it, on one line."""
    try:
        text = " ".join(value.format_string(max_elements=8, repeat_threshold=4,
                                            raw=True).split())
    except (gdb.error, TypeError):
        return ""
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX - 3] + "..."


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
        thread.switch()
        try:
            frame: Optional[gdb.Frame] = gdb.newest_frame()
        except gdb.error as problem:
            record.problem = str(problem)
            return record
        limit = self._scope.frame_limit
        self._inner = []
        while frame is not None:
            if limit and len(record.frames) >= limit:
                record.more = True
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
            if _is_reference(declared.shape):
                yield Variable(symbol.name, kind, fault="unreadable", **known)
            return
        if kind == "local" and address is not None and not symbol.needs_frame:
            kind = "tls"  # a `static __thread` of the function
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
            thread.switch()
            found.append((thread.num, thread.name or "", _register(gdb.newest_frame(), "sp")))
    return found


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
