"""The picture: names on the left, the heap on the right, an arrow from each name to its object.

     stack                             heap "main"
                                      ┌───────────────┐
     f2    x ─────────┐               │               │
     f1    y ─────────┴─────────────▶ │ int 11   rc 2 │ @1
           x ───────────────────────▶ │ int 10   rc 1 │ @2
     main  y ───────────────────────▶ │ int 5    rc 1 │ @3
           z (not set yet)            └───────────────┘

How it is laid out, and what holds of every picture (tests/python/test_picture.py follows the lines
back):

 - Names keep their order.  An object stands in the row of its *last* holder, so that each arrow's
   last stretch is straight and every other line only goes down: rows never compete.
 - Objects that need more rows (the reasons of their counts) push the names below them down.
 - The names that share an object meet in a lane, a column of its own.  Lanes are given to short
   spans first, from the left, so that few lines cross.  A crossing is a whole `│` in a line; a
   meeting is one of `┐ ┤ ┴`: they are never confused.
 - Where lanes run out or a span is longer than a screen, the earlier holders name the object by
   its label (`──▶ @3`) in place of a line.

Pure: records in, lines out.  What to show and what to cut is the caller's (commands/stack.py).
"""

from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from .page import Page
from .tables import cells, cut, pad, plain


class Name(NamedTuple):
    """One row of the left side: a variable, and the object that it holds, if any."""

    text: str
    remark: str = ""  # shown behind the name: "(null)"
    held: Optional[int] = None  # index in `held`


class Section(NamedTuple):
    """A frame and its names; a section without a name is a row of its label alone."""

    label: str
    names: Sequence[Name] = ()
    heading: bool = False  # the label is a line of its own: a thread, "globals"


class Held(NamedTuple):
    """One object of the right side."""

    label: str  # how the user may name it: "@3"
    text: str  # "int 11"
    refcount: str  # "rc 2"
    reasons: Sequence[str] = ()  # what else explains the count, a row each
    aside: str = ""  # behind the label, outside the box


class Glyphs(NamedTuple):
    line: str
    down: str  # a lane
    first: str  # where a lane begins
    join: str  # where a further name meets it
    last: str  # where it ends in the arrow of its last holder
    head: str
    corners: str  # of the box: top left, top right, bottom left, bottom right


UNICODE = Glyphs("─", "│", "┐", "┤", "┴", "▶", "┌┐└┘")
ASCII = Glyphs("-", "|", "+", "+", "+", ">", "++++")

LANES_MAX = 12
LANE_COLUMNS = 2
LEAD, ROOMY = 6, 72  # columns before the first lane, where the page has so many
SPAN_MAX = 40  # rows that a line may go down before a label says it better
REMARK_MIN = 15  # columns that a long name leaves for its remark
NAME_MAX, SECTION_MAX, OBJECT_MAX = 36, 24, 60  # columns, where the width allows
OBJECT_MIN = 20  # columns of the box that lanes must leave
ASIDE_MIN = 5
_ARROW = 3  # head, blank, side of the box


class _Row:
    """A row of the left side, before it is drawn."""

    def __init__(self, label: str = "", heading: bool = False, name: str = "", remark: str = "",
                 held: Optional[int] = None) -> None:
        self.label, self.heading = label, heading
        self.name, self.remark, self.held = name, remark, held
        self.last = False  # the object stands in this row
        self.by_label = False  # this holder names the object in place of a line


def draw(sections: Sequence[Section], held: Sequence[Held], titles: Tuple[str, str], page: Page
         ) -> Iterator[str]:
    """The lines of the picture: what stands on the left, what on the right, their two titles.

    An entry of `held` that no name holds is not drawn."""
    shown = [one._replace(text=_letters(one.text, page), aside=_letters(one.aside, page),
                          reasons=[_letters(each, page) for each in one.reasons])
             for one in held]
    rows = _rows_of(sections)
    for row in rows:
        row.label, row.name = _letters(row.label, page), _letters(row.name, page)
        row.remark = _letters(row.remark, page)
    return _Painter(_place(rows, shown), shown, titles, page).lines()


def _letters(text: str, page: Page) -> str:
    """The text in letters that the page can show."""
    return page.letters(plain(text))


def _rows_of(sections: Sequence[Section]) -> List[_Row]:
    rows = []
    for section in sections:
        if section.heading or not section.names:
            rows.append(_Row(section.label, heading=True))
        for index, name in enumerate(section.names):
            label = "" if index or section.heading else section.label
            rows.append(_Row(label, False, name.text, name.remark, name.held))
    last: Dict[int, _Row] = {}
    for row in rows:
        if row.held is not None:
            last[row.held] = row
    for row in last.values():
        row.last = True
    return rows


def order_of(sections: Sequence[Section]) -> List[int]:
    """The objects in the order in which they will stand, from the top."""
    return [row.held for row in _rows_of(sections) if row.last and row.held is not None]


def _place(rows: Sequence[_Row], held: Sequence[Held]) -> List[_Row]:
    """Puts blank rows between names where an object above still needs the room on the right."""
    placed: List[_Row] = []
    free = 0  # the first row whose right side is free
    for row in rows:
        if row.last and row.held is not None:
            placed.extend(_Row() for _ in range(free - len(placed)))
            free = len(placed) + 1 + len(held[row.held].reasons)
        placed.append(row)
    placed.extend(_Row() for _ in range(free - len(placed)))
    return placed


def _spans(rows: Sequence[_Row]) -> Dict[int, Tuple[int, int]]:
    """First and last row of the holders of each object that has several."""
    spans: Dict[int, Tuple[int, int]] = {}
    for index, row in enumerate(rows):
        if row.held is not None:
            spans[row.held] = (spans.get(row.held, (index, index))[0], index)
    return {one: span for one, span in spans.items() if span[0] != span[1]}


def assign_lanes(spans: Dict[int, Tuple[int, int]], lanes_max: int) -> Dict[int, int]:
    """A lane for each span such that spans in one lane share no row; short spans go first and
    leftmost, and a span that finds no lane has none."""
    lanes: Dict[int, int] = {}
    taken: List[Set[int]] = [set() for _ in range(lanes_max)]  # rows of each lane
    order = sorted(spans.items(), key=lambda item: (item[1][1] - item[1][0], -item[1][0]))
    for one, (first, last) in order:
        if last - first > SPAN_MAX:
            continue
        mine = range(first, last + 1)
        for lane, rows in enumerate(taken):
            if rows.isdisjoint(mine):
                rows.update(mine)
                lanes[one] = lane
                break
    return lanes


def _cut(text: str, columns: int, page: Page) -> str:
    """As cut; what stands in brackets keeps the closing one."""
    if cells(text) > columns > 2 and text.startswith("(") and text.endswith(")"):
        return cut(text[:-1], columns - 1, page) + ")"
    return cut(text, columns, page)


def _aside(one: Held) -> str:
    return f"{one.label}  {one.aside}" if one.aside else one.label


class _Painter:
    """Widths first, then each row from left to right."""

    def __init__(self, rows: List[_Row], held: Sequence[Held], titles: Tuple[str, str],
                 page: Page) -> None:
        self.rows, self.held, self.titles, self.page = rows, held, titles, page
        self.glyphs = ASCII if page.ascii else UNICODE
        self.style = page.style
        self._object_rows()
        self._measure_objects()
        self._measure_names()
        self._choose_lanes()
        self._fit_objects()

    # -- measuring ---------------------------------------------------------------------------

    def _object_rows(self) -> None:
        """What the inside of the box shows in each row."""
        self.inside: Dict[int, Tuple[Held, int]] = {}  # row -> object, and 0 or 1 + its reason
        for index, row in enumerate(self.rows):
            if row.last and row.held is not None:
                one = self.held[row.held]
                for line in range(1 + len(one.reasons)):
                    self.inside[index + line] = (one, line)
        occupied = sorted(self.inside)
        self.top = occupied[0] - 1 if occupied else 0  # row of the box's upper edge; may be -1
        self.bottom = occupied[-1] + 1 if occupied else -1

    def _measure_objects(self) -> None:
        self.count_columns = max((cells(one.refcount) for one in self.held), default=0)
        self.text_columns = max((cells(one.text) for one in self.held), default=0)
        self.reason_columns = max((2 + cells(reason) for one in self.held
                                   for reason in one.reasons), default=0)
        self.text_columns = min(self.text_columns, OBJECT_MAX)
        self.reason_columns = min(self.reason_columns, OBJECT_MAX)
        self.aside_columns = max((cells(_aside(one)) for one in self.held), default=0)

    def _measure_names(self) -> None:
        labels = [cells(row.label) for row in self.rows if not row.heading]
        self.label_columns = min(max(labels, default=0), SECTION_MAX)
        width = self.page.width
        self.label_columns = min(self.label_columns, max(6, width // 6))
        room = min(NAME_MAX, max(10, width * 2 // 5 - self.label_columns))
        for row in self.rows:
            row.name, row.remark = self._fit_name(row.name, row.remark, room)
        headings = [cells(row.label) - self.label_columns - 2 for row in self.rows if row.heading]
        self.name_columns = max([min(heading, room) for heading in headings]
                                + [self._name_columns(row) for row in self.rows], default=0)

    def _fit_name(self, name: str, remark: str, room: int) -> Tuple[str, str]:
        """Both cut to fit; a remark is the more telling one of the two, up to REMARK_MIN."""
        kept = min(cells(remark) + 1, REMARK_MIN) if remark else 0
        name = _cut(name, room - kept, self.page)
        return name, _cut(remark, room - cells(name) - (1 if name else 0), self.page)

    def _name_columns(self, row: _Row) -> int:
        used = cells(row.name) + cells(row.remark) + (1 if row.name and row.remark else 0)
        return used + (cells(self._pointer(row)) if row.by_label else 0)

    def _choose_lanes(self) -> None:
        """Lanes as far as the width allows.  A name that points by label is wider, which may
        leave room for fewer lanes, so this goes on until it fits."""
        spans = _spans(self.rows)
        lanes_max = LANES_MAX
        while True:
            least = self._box_columns(min(self._inner(), OBJECT_MIN))
            room = self.page.width - self._first_lane() - least - 2
            lanes_max = max(0, min(lanes_max, room // LANE_COLUMNS))
            self.lanes = assign_lanes(spans, lanes_max)
            for row in self.rows:
                row.by_label = row.held in spans and row.held not in self.lanes and not row.last
            widest = max((self._name_columns(row) for row in self.rows), default=0)
            if widest <= self.name_columns:
                break
            self.name_columns = widest
        self.spans = {one: spans[one] for one in self.lanes}
        self.crossing: Dict[int, List[int]] = {}  # row -> the objects whose lane is used there
        for one, (first, last) in self.spans.items():
            for index in range(first, last + 1):
                self.crossing.setdefault(index, []).append(one)
        used = 1 + max(self.lanes.values(), default=-1)
        self.first_lane = self._first_lane()
        self.arrow = self.first_lane + used * LANE_COLUMNS + 2  # column of the arrows' heads

    def _first_lane(self) -> int:
        return self._left_columns() + (LEAD if self.page.width >= ROOMY else 1)

    def _left_columns(self) -> int:
        """Up to where the lines begin: a blank, the label, two blanks, the names, a blank."""
        return 1 + self.label_columns + 2 + self.name_columns + 1

    def _inner(self) -> int:
        """The columns between the box's sides, without the blanks beside them."""
        return max(self.text_columns + 2 + self.count_columns, self.reason_columns)

    def _box_columns(self, inner: int) -> int:
        """From the arrow's head to the end of the line."""
        return _ARROW + inner + 3 + (1 + self.aside_columns if self.aside_columns else 0)

    def _fit_objects(self) -> None:
        inner = self._inner()
        # What stands behind the box gives way first, but for the labels.
        over = self.arrow + self._box_columns(min(inner, OBJECT_MIN)) - self.page.width
        labels = max((cells(one.label) for one in self.held), default=0)
        self.aside_columns = max(labels, self.aside_columns - max(0, over))
        room = self.page.width - self.arrow - self._box_columns(0)
        self.inner = max(min(inner, OBJECT_MIN), min(inner, room))
        self.text_columns = min(self.text_columns, max(1, self.inner - 2 - self.count_columns))

    def _fit_aside(self, one: Held) -> str:
        """Cut to fit, or left out where so little of it fits that it says nothing."""
        if cells(one.label) + 2 + ASIDE_MIN > self.aside_columns:
            return one.label
        return cut(_aside(one), self.aside_columns, self.page)

    def _pointer(self, row: _Row) -> str:
        if row.held is None:
            return ""
        return f" {self.glyphs.line * 2}{self.glyphs.head} {self.held[row.held].label}"

    # -- painting ----------------------------------------------------------------------------

    def lines(self) -> Iterator[str]:
        left, right = self.titles
        if self.held:
            room = max(self.inner + 4, self.page.width - self.arrow - 2)
            yield pad(f" {left}", self.arrow + 2) + cut(right, room, self.page)
        else:
            yield f" {left}"
        for index in range(min(self.top, 0), max(len(self.rows), self.bottom + 1)):
            row = self.rows[index] if 0 <= index < len(self.rows) else _Row()
            yield (self._left(row) + self._middle(index, row) + self._right(index)).rstrip()

    def _left(self, row: _Row) -> str:
        if row.heading:
            room = self._left_columns() - 1
            text = cut(row.label, room, self.page)
            return " " + self.style("heading", text) + " " * (room - cells(text))
        label = cut(row.label, self.label_columns, self.page)
        text = " " + self.style("function", label) + " " * (self.label_columns - cells(label) + 2)
        text += self.style("variable", row.name)
        if row.remark:
            text += (" " if row.name else "") + self.style("quiet", row.remark)
        used = self._name_columns(row)
        if row.by_label:
            text += self._pointer(row)
        elif row.held is not None:
            # The line begins right behind the name.
            text += " " + self.glyphs.line * (self.name_columns - used)
            used = self.name_columns + 1
        return text + " " * (self.name_columns + 1 - used)

    def _middle(self, index: int, row: _Row) -> str:
        """From the end of the names to the box: lines, lanes and the arrow's head."""
        start = self._left_columns()
        end = self.arrow
        cells = [" "] * (end - start)
        if row.held is not None and not row.by_label:
            lane = self.lanes.get(row.held)
            stop = end if row.last or lane is None else self._lane_column(lane)
            for column in range(start, stop):
                cells[column - start] = self.glyphs.line
        for one in self.crossing.get(index, ()):
            cells[self._lane_column(self.lanes[one]) - start] = self._lane_cell(index, row, one)
        head = self.glyphs.head if row.last else " "
        return "".join(cells) + head + " "

    def _lane_column(self, lane: int) -> int:
        return self.first_lane + lane * LANE_COLUMNS

    def _lane_cell(self, index: int, row: _Row, one: int) -> str:
        if row.held != one:
            return self.glyphs.down
        if row.last:
            return self.glyphs.last
        return self.glyphs.first if index == self.spans[one][0] else self.glyphs.join

    def _right(self, index: int) -> str:
        corners, line, side = self.glyphs.corners, self.glyphs.line, self.glyphs.down
        if index == self.top and self.held:
            return corners[0] + line * (self.inner + 2) + corners[1]
        if index == self.bottom:
            return corners[2] + line * (self.inner + 2) + corners[3]
        if not self.top < index < self.bottom:
            return ""
        if index not in self.inside:
            return f"{side} {' ' * self.inner} {side}"
        one, reason = self.inside[index]
        if reason:
            text = cut(one.reasons[reason - 1], self.inner - 2, self.page)
            return (f"{side}   {self.style('quiet', text)}"
                    f"{' ' * (self.inner - 2 - cells(text))} {side}")
        text = cut(one.text, self.text_columns, self.page)
        blank = " " * (self.text_columns - cells(text) + 2)
        rest = " " * (self.inner - self.text_columns - 2 - cells(one.refcount))
        return (f"{side} {text}{blank}{one.refcount}{rest}"
                f" {side} {self.style('quiet', self._fit_aside(one))}")
