"""Tables whose columns line up.

Widths are counted in terminal cells, not letters.  Only the last column may be cut, and only
when the table would not fit the page; what is cut ends in an ellipsis.
"""

import unicodedata
from typing import Iterator, List, NamedTuple, Sequence, Tuple

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
    if text.isascii():
        return text.rjust(width) if right else text.ljust(width)
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
        self.rows.append([text if text.isprintable() else plain(text) for text in texts])

    def lines(self, page: Page, indent: str = "") -> Iterator[str]:
        """The heading and the rows; a column whose cells are all empty is left out."""
        shown = [index for index, column in enumerate(self.columns)
                 if not self.rows or any(row[index] for row in self.rows)]
        titles = [column.title for column in self.columns]
        widths = {index: max(cells(titles[index]),
                             max((cells(row[index]) for row in self.rows), default=0))
                  for index in shown}
        last = shown[-1] if shown else 0
        before = len(indent) + sum(widths[index] + len(GAP) for index in shown[:-1])
        widths[last] = min(widths.get(last, 0), max(16, page.width - before))
        heading = [(index, widths[index], self.columns[index].right, "heading")
                   for index in shown]
        yield _line(titles, heading, last, page, indent)
        layout = [(index, widths[index], self.columns[index].right, self.columns[index].style)
                  for index in shown]
        for row in self.rows:
            yield _line(row, layout, last, page, indent)


def _line(row: Sequence[str], layout: Sequence[Tuple[int, int, bool, str]], last: int,
          page: Page, indent: str) -> str:
    """One row; the layout has of each column: its index, width, side and style."""
    pieces = []
    for index, width, right, style in layout:
        text = cut(row[index], width, page) if index == last else row[index]
        text = pad(text, width, right)
        pieces.append(page.style(style, text) if style and page.colour else text)
    return (indent + GAP.join(pieces)).rstrip()
