"""Has the program come to where a variable is set?  An answer from the code itself.

A local that no executed instruction has touched holds what an earlier call left on the stack: it
may look like a reference.  The line of its declaration is a poor judge (`z = f(y)` is stopped
*in* its line, C89 code declares at the top and sets later), so the function's instructions are
asked:

    A stack slot is surely unset when every instruction that names it lies behind the program
    counter, and none of the function's backward jumps could have come from there to here.

That holds at any optimisation level.  It is said only where it is proven: "unknown" is an answer.
Understood is x86-64 code that names its slots relative to %rbp; all else is unknown.

Pure: instructions are texts, as GDB's disassembler gives them, in either flavour.
"""

import re
from typing import List, NamedTuple, Sequence, Tuple

UNSET, TOUCHED, UNKNOWN = "unset", "touched", "unknown"

VECTOR_BYTES = 64  # of memory that one instruction on vector registers may touch
STATE_BYTES = 4096  # ... that one which saves or restores a state may touch
NEVER = (1 << 64) - 1

_ATT = re.compile(r"(?<![%\w])(-?0x[0-9a-f]+|-?\d+)?\(%rbp(?:,|\))")
_INTEL = re.compile(r"\[rbp(?:\+r\w+(?:\*\d)?)?([+-]0x[0-9a-f]+|[+-]\d+)?\]")
_JUMP = re.compile(r"^(?:bnd |notrack )*j\w+\s+(?:0x([0-9a-f]+))?")


class Code(NamedTuple):
    """What matters of a function's instructions."""

    mentions: List[Tuple[int, int, int]]  # address of the instruction, displacement, bytes
    jumps: List[Tuple[int, int]]  # backward jumps: (from, to); to 0 where it is computed
    framed_at: int  # the instruction that makes %rbp the frame pointer; NEVER: there is none
    calls: bool  # it calls: then it keeps nothing below its stack pointer


def read_code(instructions: Sequence[Tuple[int, str]]) -> Code:
    """From (address, text) pairs in the order of addresses."""
    mentions: List[Tuple[int, int, int]] = []
    jumps: List[Tuple[int, int]] = []
    framed_at = NEVER
    calls = False
    for address, text in instructions:
        compact = " ".join(text.split())
        if framed_at == NEVER and re.match(r"mov (%rsp,%rbp|rbp,rsp)$", compact):
            framed_at = address
        calls = calls or re.match(r"(?:bnd |notrack )*callq? ", compact) is not None
        wide = _width(compact)
        for pattern in (_ATT, _INTEL):
            for match in pattern.finditer(compact):
                mentions.append((address, int(match.group(1) or "0", 0), wide))
        jump = _JUMP.match(compact)
        if jump is not None:
            to = int(jump.group(1), 16) if jump.group(1) else 0
            if to <= address:
                jumps.append((address, to))
    return Code(mentions, jumps, framed_at, calls)


_NARROW = re.compile(r"^\w+l \$|%(e[a-ds][xip]|r\d+d)\b|DWORD PTR")


def _width(instruction: str) -> int:
    """The bytes of memory that the instruction may touch: never too few."""
    if re.search(r"save|rstor|cmpxchg16b", instruction):
        return STATE_BYTES
    if re.search(r"[xyz]mm\d", instruction):
        return VECTOR_BYTES
    return 4 if _NARROW.search(instruction) and "QWORD" not in instruction else 8


def judge(code: Code, pc: int, rbp: int, slot: int, size: int = 8) -> str:
    """Whether the variable [slot, slot + size) was touched when the program is at `pc`.

    `pc` is the next instruction to execute in that frame, `rbp` the frame's own %rbp.  Of an
    array or a struct this is to be asked as a whole, and in unoptimised code only: else code may
    name its parts by a distance from something beside it."""
    if code.framed_at == NEVER:
        return UNKNOWN
    if pc <= code.framed_at:
        return UNSET
    named = [address for address, displacement, width in code.mentions
             if slot - width < rbp + displacement < slot + size]
    if not named:
        return UNKNOWN
    first = min(named)
    if first < pc:
        return TOUCHED
    if any(source >= first and to <= pc for source, to in code.jumps):
        return UNKNOWN
    return UNSET
