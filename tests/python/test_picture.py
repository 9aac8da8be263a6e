"""The picture: whoever follows a line from a name comes to the name's object."""

import os
import random
import re
import time
import unittest
from typing import Dict, List, Optional, Sequence, Tuple

from cairn_gdb.render.page import Page
from cairn_gdb.render.picture import Held, Name, Section, assign_lanes, draw, order_of
from cairn_gdb.render.tables import cells

TITLES = ("stack", "heap")


def drawn(sections: Sequence[Section], held: Sequence[Held], page: Page) -> List[str]:
    return list(draw(sections, held, TITLES, page))


class Reader:
    """Reads a drawing as a person does: follows the lines, letter by letter."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.steps = 0

    def at(self, row: int, column: int) -> str:
        line = self.lines[row] if row < len(self.lines) else ""
        return line[column] if column < len(line) else " "

    def target_of(self, name: str) -> Optional[str]:
        """The label of the object that the name's line leads to; None where it has no line."""
        row, column = self.place_of(name)
        rest = self.lines[row][column:]
        pointed = re.match(r" (?:\(.*?\) )?(?:──▶|-->) (@\d+)", rest)
        if pointed is not None:
            return pointed.group(1)
        started = re.match(r" (?:\(.*?\) )?(?=[─-])", rest)
        if started is None:
            return None
        return self.follow(row, column + started.end())

    def place_of(self, name: str) -> Tuple[int, int]:
        """The row, and the column behind the name."""
        found = [(row, match.end()) for row, line in enumerate(self.lines)
                 for match in [re.search(rf"(?<!\w){name}(?!\w)", line)] if match]
        assert len(found) == 1, f"{name} stands in {len(found)} rows"
        return found[0]

    def follow(self, row: int, column: int) -> str:
        down = False
        while True:
            self.steps += 1
            letter = self.at(row, column)
            if letter in "▶>" and not down:
                break
            if down:
                assert letter in "│┤┴|+", f"a lane ends in {letter!r}"
                if letter == "┴" or (letter == "+" and self.at(row, column + 1) == "-"):
                    down = False
            else:
                assert letter in "─│┐┤┴-|+", f"a line ends in {letter!r}"
                if letter in "┐┤" or (letter == "+" and self.at(row, column + 1) != "-"):
                    down = True
            row, column = (row + 1, column) if down else (row, column + 1)
        match = re.fullmatch(r"[▶>] [│|] .* [│|] (@\d+).*", self.lines[row][column:])
        assert match is not None, f"the arrow points at {self.lines[row][column:]!r}"
        return match.group(1)


def random_picture(seed: int) -> Tuple[List[Section], List[Held], Dict[str, Optional[str]]]:
    """Sections and objects, and which object each name holds."""
    dice = random.Random(seed)
    count = dice.randrange(1, 16)
    sections: List[Section] = []
    number = 0
    for level in range(dice.randrange(1, 12)):
        names = []
        for _ in range(dice.randrange(0, 8)):
            remark = dice.choice(["", "", "", "(+16)"])
            names.append(Name(f"v{number}" + "x" * dice.randrange(6), remark,
                              dice.choice([None] * 2 + list(range(count)))))
            number += 1
        sections.append(Section(f"f{level}", names, heading=dice.random() < 0.1))
    order = order_of(sections)
    place = {old: new for new, old in enumerate(order)}
    sections = [section._replace(names=[
        name if name.held is None else name._replace(held=place[name.held])
        for name in section.names]) for section in sections]
    held = [Held(f"@{index + 1}", f"object {index}" + "y" * dice.randrange(30),
                 f"rc {dice.randrange(100)}",
                 ["+1 from elsewhere"] * dice.choice([0, 0, 0, 1, 3]),
                 f"worker {index}" if seed % 2 else "") for index in range(len(order))]
    truth = {name.text: None if name.held is None else held[name.held].label
             for section in sections for name in section.names}
    return sections, held, truth


class Lines(unittest.TestCase):
    def test_every_line_leads_to_its_object(self) -> None:
        first = int(os.environ.get("CAIRN_SEED", "0"))
        for seed in range(first, first + 120):
            sections, held, truth = random_picture(seed)
            for width in (60, 80, 140):
                for ascii_only in (False, True):
                    page = Page(width, ascii_only)
                    with self.subTest(seed=seed, width=width, ascii=ascii_only):
                        lines = drawn(sections, held, page)
                        reader = Reader(lines)
                        found = {name: reader.target_of(name) for name in truth}
                        self.assertEqual(found, truth)

    def test_nothing_is_wider_than_the_page_or_lost(self) -> None:
        for seed in range(120):
            sections, held, truth = random_picture(seed)
            for width in (70, 100):
                with self.subTest(seed=seed, width=width):
                    lines = drawn(sections, held, Page(width))
                    self.assertLessEqual(max(cells(line) for line in lines), width)
                    text = "\n".join(lines)
                    for one in held:
                        self.assertEqual(len(re.findall(rf"│ {one.label}(?!\d)", text)), 1)
                    self.assertEqual(text.count("+1 from"),
                                     sum(len(one.reasons) for one in held))
                    self.assertEqual([line for line in lines if line != line.rstrip()], [])

    def test_plain_letters_only(self) -> None:
        sections, held, _ = random_picture(7)
        for line in drawn(sections, held, Page(80, ascii=True)):
            self.assertTrue(line.isascii(), line)


class Lanes(unittest.TestCase):
    def test_spans_in_one_lane_share_no_row(self) -> None:
        dice = random.Random(5)
        for _ in range(200):
            spans = {}
            for index in range(dice.randrange(1, 20)):
                first = dice.randrange(40)
                spans[index] = (first, first + dice.randrange(1, 20))
            lanes = assign_lanes(spans, 4)
            self.assertLessEqual(set(lanes.values()), set(range(4)))
            for one, other in ((a, b) for a in lanes for b in lanes if a < b):
                if lanes[one] == lanes[other]:
                    self.assertTrue(spans[one][1] < spans[other][0]
                                    or spans[other][1] < spans[one][0])


class Size(unittest.TestCase):
    def test_a_deep_stack_costs_no_more_a_frame(self) -> None:
        def cost(frames: int) -> float:
            """Seconds of this process for a recursion that hands an object on."""
            sections = [Section(f"f#{index}", [Name("x", held=index), Name("y", held=index + 1)])
                        for index in range(frames)]
            held = [Held(f"@{index + 1}", "int", "rc 1") for index in range(frames + 1)]
            began = time.process_time()
            self.assertGreater(len(drawn(sections, held, Page(80))), 2 * frames)
            return time.process_time() - began
        cost(100)
        self.assertLess(cost(8000), 60 * cost(500))  # where it grows by the square: 256 times


class Remarks(unittest.TestCase):
    def test_a_cut_remark_keeps_its_bracket(self) -> None:
        long = "(optimized out: " + ", ".join("abcdefgh") * 9 + ")"
        for ascii_only in (False, True):
            lines = drawn([Section("f", [Name("x", held=0), Name(long), Name("y", long)])],
                          [Held("@1", "int 1", "rc 1")], Page(80, ascii_only))
            remarks = [line for line in lines if "optimized" in line]
            self.assertEqual(len(remarks), 2)
            for line in remarks:
                self.assertRegex(line, r"\(optimized.*[^)](…|\.\.\.)\)( |$)")
                self.assertLessEqual(cells(line), 80)


class Drawings(unittest.TestCase):
    """A few pictures as they should look."""

    def check(self, expected: str, sections: Sequence[Section], held: Sequence[Held],
              page: Page = Page(80)) -> None:
        wanted = [line for line in expected.strip("\n").split("\n")]
        self.assertEqual(drawn(sections, held, page), wanted)

    sections = [Section("f2", [Name("x", held=0)]),
                Section("f1", [Name("y", held=0), Name("x", held=1)]),
                Section("main", [Name("y", held=2), Name("z", "(not set yet)")])]
    held = [Held("@1", "int 11", "rc 2"), Held("@2", "int 10", "rc 1"),
            Held("@3", "int 5", "rc 1")]

    def test_the_picture_that_everything_serves(self) -> None:
        self.check("""
 stack                             heap
 f2    x ────────────────────┐     ┌──────────────┐
 f1    y ────────────────────┴───▶ │ int 11  rc 2 │ @1
       x ────────────────────────▶ │ int 10  rc 1 │ @2
 main  y ────────────────────────▶ │ int 5   rc 1 │ @3
       z (not set yet)             └──────────────┘
""", self.sections, self.held)

    def test_in_plain_letters(self) -> None:
        self.check("""
 stack                             heap
 f2    x --------------------+     +--------------+
 f1    y --------------------+---> | int 11  rc 2 | @1
       x ------------------------> | int 10  rc 1 | @2
 main  y ------------------------> | int 5   rc 1 | @3
       z (not set yet)             +--------------+
""", self.sections, self.held, Page(80, ascii=True))

    def test_a_crossing_is_no_meeting(self) -> None:
        self.check("""
 stack              heap
 f  a ────────┐
    b ──────┐ │     ┌─────────┐
    c ──────│─┴───▶ │ A  rc 2 │ @1
    d ──────┴─────▶ │ B  rc 2 │ @2
                    └─────────┘
""", [Section("f", [Name("a", held=0), Name("b", held=1), Name("c", held=0),
                    Name("d", held=1)])],
                   [Held("@1", "A", "rc 2"), Held("@2", "B", "rc 2")])

    def test_reasons_push_names_down(self) -> None:
        self.check("""
 stack          heap
                ┌──────────────────────┐
 f  a ────────▶ │ int 7  rc 3          │ @1
                │   +1 from list @2[3] │
    b ────────▶ │ list   rc 1          │ @2
                └──────────────────────┘
""", [Section("f", [Name("a", held=0), Name("b", held=1)])],
                   [Held("@1", "int 7", "rc 3", ["+1 from list @2[3]"]),
                    Held("@2", "list", "rc 1")])

    def test_a_long_way_is_told_by_a_label(self) -> None:
        names = [Name("a", held=0)] + [Name(f"n{index}", "(null)") for index in range(42)]
        lines = drawn([Section("f", names + [Name("b", held=0)])],
                      [Held("@1", "int 7", "rc 2")], Page(80))
        self.assertEqual(lines[1], " f  a ──▶ @1")
        self.assertRegex(lines[-2], "    b ─+▶ │ int 7  rc 2 │ @1")

    def test_what_does_not_fit_is_cut(self) -> None:
        lines = drawn([Section("f" * 99, [Name("a" * 99, held=0)])],
                      [Held("@1", "x" * 99, "rc 1", ["y" * 99])], Page(80))
        self.assertLessEqual(max(cells(line) for line in lines), 80)
        self.assertEqual([line.count("…") for line in lines[2:4]], [3, 1])

    def test_without_an_object_there_is_no_heap(self) -> None:
        self.check("""
 stack
 main  x (null)
""", [Section("main", [Name("x", "(null)")])], [])


if __name__ == "__main__":
    unittest.main()
