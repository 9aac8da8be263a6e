"""The drawing of a process's memory: a column of blocks, high addresses at the top.

So do most textbooks draw it: the stack grows down from the top, the heap grows up from below.
A row is one block, with the address of its first byte; a dotted line is a gap that nothing is
mapped in.  Pure.
"""

from typing import Iterator, Optional, Sequence, Tuple

from .. import units
from ..outside.layout import Block
from .page import Page
from .tables import cells, cut, pad

NAME_MAX = 44


def draw(blocks: Sequence[Block], page: Page, mark: Optional[Tuple[int, str]] = None
         ) -> Iterator[str]:
    """The lines, from the highest block down; `mark` is an address to point at, and its words."""
    corners, line, side, gap, arrow = (
        ("++++", "-", "|", ".", "<") if page.ascii else ("┌┐└┘", "─", "│", "┄", "◀"))
    names = [file_name(block) for block in blocks]
    name_cells = min(max((cells(name) for name in names), default=0), NAME_MAX)
    kind_cells = max((len(block.kind) for block in blocks), default=0)
    sizes = [units.size(block.size) for block in blocks]
    size_cells = max((len(size) for size in sizes), default=0)
    address_cells = max((len(f"{block.start:#x}") for block in blocks), default=0)
    left = " " * (address_cells + 2)
    inner = kind_cells + 2 + name_cells + 2 + size_cells

    yield page.style("quiet", " high addresses")
    yield f"{left}{corners[0]}{line * (inner + 2)}{corners[1]}"
    above: Optional[Block] = None
    for block, name, size in reversed(list(zip(blocks, names, sizes))):
        if above is not None and block.end < above.start:
            yield f"{left}{side}{page.style('quiet', gap * (inner + 2))}{side}"
        text = (f"{block.kind:<{kind_cells}}  {pad(cut(name, name_cells, page), name_cells)}"
                f"  {size:>{size_cells}}")
        if mark is not None and block.holds(mark[0]):
            text = page.style("heading", text)
        row = (f" {page.style('address', f'{block.start:#x}'.rjust(address_cells))} "
               f"{side} {text} {side}")
        if mark is not None and block.holds(mark[0]):
            row += f" {arrow} {mark[1]}"
        yield row
        above = block
    yield f"{left}{corners[2]}{line * (inner + 2)}{corners[3]}"
    yield page.style("quiet", " low addresses")


def file_name(block: Block) -> str:
    """A library by its file's name; what grows says which way."""
    if block.kind == "library":
        return block.name.rsplit("/", 1)[-1]
    return block.name
