"""Tables whose columns line up.

Widths are counted in terminal cells, not letters.  Where a table would not fit the page its texts
give way, never its numbers and addresses: first the last column, then very long ones of the others;
then the last column gets lines of its own, and so do those before it that may, until the others
have room.  What is cut ends in an ellipsis.
"""

import unicodedata
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from .page import Page

GAP = "  "
# Cells that the last column, and another text, keep beside others; and where there is no other way.
LAST_MIN, TEXT_MIN, TEXT_LEAST = 16, 24, 8
OWN_LINE = " " * 6  # before a last column that has a line of its own


class Column(NamedTuple):
    title: str
    right: bool = False  # numbers stand to the right
    style: str = ""  # of the cells, see page.py
    whole: bool = False  # a drawing: cut, it would say something else
    # What leads its text in where it stands below its row; None: only as the last one it does.
    lead: Optional[str] = None


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
        if page.ascii:  # before they are measured
            self.rows = [[page.letters(text) for text in row] for row in self.rows]
        shown = [index for index, column in enumerate(self.columns)
                 if not self.rows or any(row[index] for row in self.rows)]
        widths = self._widths(shown, page.width - len(indent), page.endless)
        below = [index for index in shown if widths[index] == 0]
        shown = [index for index in shown if widths[index] != 0]
        titles = [column.title for column in self.columns]
        heading = [(index, widths[index], self.columns[index].right, "heading")
                   for index in shown]
        yield _line(titles, heading, page, indent)
        layout = [(index, widths[index], self.columns[index].right, self.columns[index].style)
                  for index in shown]
        for row in self.rows:
            yield _line(row, layout, page, indent)
            for line in self._below(row, below, page, page.width - len(indent) - len(OWN_LINE)):
                yield indent + OWN_LINE + line

    def _below(self, row: Sequence[str], below: Sequence[int], page: Page, room: int
               ) -> Iterator[str]:
        """What stands below the row: as much on a line as fits."""
        line, used = "", 0
        for index in below:
            if not row[index]:
                continue
            text = cut((self.columns[index].lead or "") + row[index], room, page)
            style = self.columns[index].style
            if used and used + len(GAP) + cells(text) > room:
                yield line
                line, used = "", 0
            line += (GAP if used else "") + (page.style(style, text) if style else text)
            used += (len(GAP) if used else 0) + cells(text)
        if used:
            yield line

    def _widths(self, shown: Sequence[int], room: int, endless: bool) -> Dict[int, int]:
        """The cells of each column that is shown; 0 for those that stand below their rows."""
        widths = {index: max(cells(self.columns[index].title),
                             max((cells(row[index]) for row in self.rows), default=0))
                  for index in shown}
        if not shown:
            return widths
        *others, last = shown
        texts = [index for index in others if not self.columns[index].right
                 and not self.columns[index].whole and self.columns[index].style != "address"]
        needed = sum(widths[index] + len(GAP) for index in others)
        beside = dict(widths)
        left = room - needed - min(widths[last], LAST_MIN)
        if endless:
            left, texts = max(0, left), []
        if _narrow(beside, texts, -left, TEXT_MIN) <= 0 or not others:
            beside[last] = min(widths[last], LAST_MIN + max(0, left))
            return beside
        widths[last] = over = 0
        while others:
            over = sum(widths[index] + len(GAP) for index in others) - len(GAP) - room
            fitting = dict(widths)
            if _narrow(fitting, texts, over, TEXT_MIN) <= 0:
                return fitting
            if self.columns[others[-1]].lead is None:
                break
            widths[others[-1]] = 0
            texts = [index for index in texts if index != others[-1]]
            others.pop()
        _narrow(widths, texts, over, TEXT_LEAST)
        return widths


def _narrow(widths: Dict[int, int], columns: Sequence[int], over: int, least: int) -> int:
    """Takes `over` cells from the columns, the widest first; returns how many are left to take."""
    while over > 0:
        widest = max(columns, key=lambda index: widths[index], default=None)
        if widest is None or widths[widest] <= least:
            break
        widths[widest] -= 1
        over -= 1
    return over


def _line(row: Sequence[str], layout: Sequence[Tuple[int, int, bool, str]], page: Page,
          indent: str) -> str:
    """One row; the layout has of each column: its index, width, side and style."""
    pieces = []
    for index, width, right, style in layout:
        text = pad(cut(row[index], width, page), width, right)
        pieces.append(page.style(style, text) if style and page.colour else text)
    return (indent + GAP.join(pieces)).rstrip()
