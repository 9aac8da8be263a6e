"""Sentences on a narrow terminal: broken between words, never within one.

Tables and drawings know the width of the page and keep to it as far as they can.
"""

import re
from typing import Iterator

from .tables import cells

_STYLED = re.compile("\033\\[[0-9;]*m")
_HANGING = 2  # how much further in the rest of a sentence stands


def wrapped(line: str, width: int) -> Iterator[str]:
    """The line in pieces of at most `width` cells, as far as its words allow; 0: in one."""
    if not width or cells(_STYLED.sub("", line)) <= width or "   " in line.strip():
        yield line
        return
    indent = line[:len(line) - len(line.lstrip(" "))]
    words = line.split(" ")
    piece = ""
    for number, word in enumerate(words):
        more = word if number == 0 else f"{piece} {word}"
        if piece.strip() and cells(_STYLED.sub("", more)) > width:
            yield piece.rstrip()
            more = f"{indent}{' ' * _HANGING}{word}"
        piece = more
    yield piece
