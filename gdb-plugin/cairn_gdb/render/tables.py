"""Tables whose columns line up.

Widths are counted in terminal cells, not letters.  Only the last column may be cut, and only
when the table would not fit the page; what is cut ends in an ellipsis.
"""

import unicodedata
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

from .page import Page

GAP = "  "


class Column(NamedTuple):
    title: str
    right: bool = False  # numbers stand to the right
    style: str = ""  # of the cells, see page.py


def cells(text: str) -> int:
    """How many cells of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(letter) for letter in text)


def _cells_of(letter: str) -> int:
    if unicodedata.category(letter) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def cut(text: str, width: int, page: Page) -> str:
    """The text in at most `width` cells; what is cut ends in an ellipsis."""
    if cells(text) <= width:
        return text
    room = max(0, width - cells(page.ellipsis))
    used = 0
    for index, letter in enumerate(text):
        used += _cells_of(letter)
        if used > room:
            return text[:index] + page.ellipsis
    return text


def pad(text: str, width: int, right: bool = False) -> str:
    """The text filled up to `width` cells."""
    blank = " " * max(0, width - cells(text))
    return blank + text if right else text + blank


def plain(text: str) -> str:
    """The text on one line: control characters are shown as escapes."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else
                   letter.encode("unicode_escape").decode() for letter in text)


class Table:
    """Collects rows, then yields aligned lines."""

    def __init__(self, *columns: Column) -> None:
        self.columns: Tuple[Column, ...] = columns
        self.rows: List[List[str]] = []

    def add(self, *texts: str) -> None:
        assert len(texts) == len(self.columns)
        self.rows.append([plain(text) for text in texts])

    def lines(self, page: Page, indent: str = "") -> Iterator[str]:
        """The heading and the rows; a column whose cells are all empty is left out."""
        shown = [index for index, column in enumerate(self.columns)
                 if not self.rows or any(row[index] for row in self.rows)]
        widths = {index: max([cells(self.columns[index].title)]
                             + [cells(row[index]) for row in self.rows]) for index in shown}
        last = shown[-1] if shown else 0
        before = len(indent) + sum(widths[index] + len(GAP) for index in shown[:-1])
        widths[last] = min(widths.get(last, 0), max(16, page.width - before))
        yield self._line([column.title for column in self.columns], shown, widths, page, indent,
                         heading=True)
        for row in self.rows:
            yield self._line(row, shown, widths, page, indent)

    def _line(self, row: Sequence[str], shown: Sequence[int], widths: Dict[int, int],
              page: Page, indent: str, heading: bool = False) -> str:
        pieces = []
        for index in shown:
            column = self.columns[index]
            text = cut(row[index], widths[index], page)
            padded = pad(text, widths[index], column.right)
            style = "heading" if heading else column.style
            pieces.append(page.style(style, padded) if style else padded)
        return (indent + GAP.join(pieces)).rstrip()
