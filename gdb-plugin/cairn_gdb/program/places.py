"""Places in the program's code: which function, file and line a return address belongs to.

Imports gdb.  An address in a program with debug information becomes a line; what Cairn's own
headers inline (retain, release) is shown as the line that it was inlined into.  In a stripped one
it becomes the symbol or the module and the distance from where that is loaded.

What this is not: it reads no heap, and no memory of the program.
"""

import os
import re
from typing import Sequence, Tuple

import gdb

from ..records import Place, Region

_OWN = "cairn_"  # how the functions are called that the headers inline
_FILLS = re.compile(r"cairn_(assign|clear|list|dict|set|tuple|record|cell)(_|$)")  # ... a slot


def place_of(caller: int, regions: Sequence[Region]) -> Place:
    """The place of the call that returns to `caller`; `regions` name the modules."""
    address = caller - 1  # in the call itself: the line behind it may be another one
    module, offset = _module(caller, regions)
    function, file, line = "", "", 0
    try:
        function, file, line = _line(address)
    except (gdb.error, RuntimeError):
        pass  # no symbols here
    return Place(caller, function or _symbol(address), file, line, module, offset)


def _line(address: int) -> Tuple[str, str, int]:
    """Function, file and line; "" and 0 where no debug information tells."""
    sal = gdb.find_pc_line(address)
    if sal.symtab is None or sal.line == 0:
        return "", "", 0
    file, line = sal.symtab.filename, sal.line
    block = gdb.block_for_pc(address)
    while block is not None and not block.is_static:
        function = block.function
        if function is not None:
            inlined = block.superblock is not None and not block.superblock.is_static
            if not inlined or not function.name.startswith(_OWN):
                return function.print_name, file, line
            # GDB keeps of an inlined function where it was called.
            file, line = function.symtab.filename, function.line
        block = block.superblock
    return "", file, line


def function_of(caller: int) -> Tuple[int, bool]:
    """Where the function begins that the call is in, inlined ones being a part of it (0: unknown);
    and whether the call was inlined with one of Cairn's that fills or clears a slot."""
    address = caller - 1
    try:
        block = gdb.block_for_pc(address)
    except (gdb.error, RuntimeError):
        block = None
    start, inner = 0, False
    while block is not None and not block.is_static and not block.is_global:
        if block.function is not None:
            start = block.start
            name = block.function.name
            inner = inner or _FILLS.match(name) is not None
        block = block.superblock
    if start:
        return start, inner
    match = re.search(r" \+ (\d+) in section", _symbol_text(address))
    return address - int(match.group(1)) if match is not None else 0, False


def _symbol_text(address: int) -> str:
    try:
        return gdb.execute(f"info symbol {address}", to_string=True) or ""
    except gdb.error:
        return ""


def _symbol(address: int) -> str:
    """The function that a symbol without debug information names."""
    text = _symbol_text(address)
    return "" if text == "" or text.startswith("No symbol") else text.split(" ", 1)[0]


def _module(address: int, regions: Sequence[Region]) -> Tuple[str, int]:
    """The file that is mapped there, and how far the address is from where it begins."""
    for region in regions:
        if region.start <= address < region.end and region.name.startswith("/"):
            base = min(other.start for other in regions if other.name == region.name)
            return os.path.basename(region.name), address - base
    return "", 0
