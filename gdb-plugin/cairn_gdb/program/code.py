"""What the code of a frame's function tells: is a variable set yet, does it call anything?

Imports gdb.  Each function is disassembled once; outside/reached.py judges its instructions.  Where
these prove nothing, the lines of the code are asked, and the answer is "maybe".
"""

from typing import Any, Dict, NamedTuple, Optional, Tuple

import gdb

from ..outside import reached
from ..outside.slots import Shape
from .registers import register

CODE_MAX_BYTES = 64 << 10  # of a function that is disassembled
RED_ZONE_BYTES = 128  # of the x86-64 ABI: a leaf function keeps locals below its stack pointer
NO_CALLER_BYTES = 64 << 10  # of a frame whose caller is not known


class Declared(NamedTuple):
    """A variable of a block, as far as it is the same in every call."""

    symbol: "gdb.Symbol"
    block: "gdb.Block"
    kind: str  # "arg", "local" or "static"
    shape: Shape
    dynamic: bool  # a VLA: its length, and so its shape, depends on the call
    shadowed: bool


class CodeReader:
    """Reads the code of functions; what was read is kept."""

    def __init__(self) -> None:
        self._code: Dict[int, Optional[reached.Code]] = {}
        self._extent_of: Optional[Tuple[int, Tuple[int, int]]] = None  # by stack pointer

    def is_leaf(self, frame: "gdb.Frame") -> bool:
        """The frame's function calls no other, as far as is known."""
        try:
            code = self._code_of(frame.block(), frame)
        except RuntimeError:
            return True  # no debug information
        return code is None or not code.calls

    def unset(self, frame: "gdb.Frame", declared: Declared, address: int, shape: Shape) -> str:
        """"surely", "maybe" or "": whether the program has not come to where it is set."""
        low, high = self._extent(frame)
        if not low <= address < high:
            return ""  # a captured variable, an argument that its caller keeps: not this frame's
        plain_code = unoptimised(declared.symbol.symtab)
        code = self._code_of(declared.block, frame)
        if code is not None and (shape.scalar or plain_code):
            verdict = reached.judge(code, int(frame.pc()), register(frame, "rbp"), address,
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
        sp = register(frame, "sp")
        if self._extent_of is None or self._extent_of[0] != sp:
            older: Optional[gdb.Frame] = frame
            while older is not None and older.type() == gdb.INLINE_FRAME:
                older = older.older()
            try:
                older = older.older() if older is not None else None
            except gdb.error:
                older = None
            end = sp + NO_CALLER_BYTES if older is None else register(older, "sp")
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


def unoptimised(symtab: "gdb.Symtab") -> bool:
    """The compiler says that it was GCC without -O."""
    producer = getattr(symtab, "producer", None) or ""
    if not producer.startswith("GNU "):
        return False
    levels = [word for word in producer.split() if word.startswith("-O")]
    return not levels or levels[-1] == "-O0"
