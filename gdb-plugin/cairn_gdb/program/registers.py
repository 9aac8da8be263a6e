"""Registers of a frame: which can be trusted, and where inner functions have saved them.

Imports gdb.
"""

import re
from typing import Dict, Iterator, Optional, Tuple

import gdb

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
            for one in registers:
                value = register(frame, one)
                if value:
                    yield one, value


def register(frame: "gdb.Frame", name: str) -> int:
    """What it holds; 0 where GDB can't say."""
    try:
        return int(frame.read_register(name)) & (1 << 64) - 1
    except (gdb.error, ValueError):
        return 0


def register_of(frame: "gdb.Frame", level: int, word: int) -> str:
    """The register that holds the word: where a variable without an address is kept."""
    if word == 0:
        return ""
    return next((name for name, value in registers_of(frame, level) if value == word), "")


class SavedRegisters:
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
