"""Shapes: where in a variable's bytes a pointer may lie, and what is found there."""

import random
import unittest
from typing import Dict

from cairn_gdb.outside.slots import (Frame, Leaf, Run, Shape, Spans, Variable, best_leaves,
                                     confidence, labels, run_hits, word_at)
from cairn_gdb.records import CONSERVATIVE, EXACT, TOLERANT

SPANS = Spans([(0x5000, 0x6000), (0x1000, 0x2000)])


class WhereObjectsMayBe(unittest.TestCase):
    def test_covers(self) -> None:
        for word, expected in ((0, False), (0xFFF, False), (0x1000, True), (0x1FFF, True),
                               (0x2000, False), (0x4000, False), (0x5FFF, True), (0x6000, False)):
            with self.subTest(hex(word)):
                self.assertEqual(SPANS.covers(word), expected)

    def test_hits(self) -> None:
        self.assertEqual(list(SPANS.hits([0, 0x1000, 0x3000, 0x5008, 1 << 63])), [1, 3])

    def test_no_arena_covers_nothing(self) -> None:
        self.assertEqual(list(Spans([]).hits([0, 1, 2])), [])


class Runs(unittest.TestCase):
    def found(self, run: Run, data: bytes) -> Dict[str, int]:
        return {leaf.path: word for leaf, word in run_hits(run, data, SPANS)}

    def test_structs_in_a_row(self) -> None:
        element = Shape(24, (Leaf(8, ".user", "object"),))
        data = bytearray(24 * 40)
        data[24 * 17 + 8:24 * 17 + 16] = (0x1010).to_bytes(8, "little")
        data[24 * 18:24 * 18 + 8] = (0x1010).to_bytes(8, "little")  # no pointer is there
        run = Run(0, "", 24, 40, element)
        self.assertEqual(self.found(run, bytes(data)), {"[17].user": 0x1010})

    def test_rows_of_rows(self) -> None:
        row = Shape(160, (), (Run(0, "", 8, 20, Shape(8, (Leaf(0, "", "object"),))),))
        data = bytearray(16 + 160 * 3)
        at = 16 + 160 * 2 + 8 * 5
        data[at:at + 8] = (0x5000).to_bytes(8, "little")
        shape = Shape(len(data), (), (Run(16, ".grid", 160, 3, row),))
        self.assertEqual(self.found(shape.runs[0], bytes(data)), {".grid[2][5]": 0x5000})
        self.assertEqual(shape.leaf_at(at), Leaf(at, ".grid[2][5]", "object"))
        self.assertIsNone(shape.leaf_at(at + 4))

    def test_elements_that_are_not_aligned(self) -> None:
        run = Run(4, "", 12, 5, Shape(12, (Leaf(1, ".p", "pointer"),)))
        data = bytearray(80)
        data[4 + 24 + 1:4 + 24 + 9] = (0x1234).to_bytes(8, "little")
        self.assertEqual(self.found(run, bytes(data)), {"[2].p": 0x1234})

    def test_data_that_end_early(self) -> None:
        run = Run(0, "", 8, 100, Shape(8, (Leaf(0, "", "object"),)))
        data = (0x1000).to_bytes(8, "little") * 3 + b"\0\0\0"
        self.assertEqual(len(self.found(run, data)), 3)

    def test_paths_lead_back_to_their_words(self) -> None:
        dice = random.Random(3)
        for _ in range(100):
            stride = 8 * dice.randrange(1, 6)
            element = Shape(stride, (Leaf(8 * dice.randrange(stride // 8), ".m", "object"),))
            run = Run(8 * dice.randrange(4), ".a", stride, dice.randrange(17, 40), element)
            shape = Shape(run.offset + stride * run.length, (), (run,))
            words = [dice.choice([0, 0, 0x1008]) for _ in range(shape.size // 8)]
            data = b"".join(word.to_bytes(8, "little") for word in words)
            for leaf, word in run_hits(run, data, SPANS):
                self.assertEqual(word_at(data, leaf.offset), word)
                self.assertEqual(shape.leaf_at(leaf.offset), leaf)


class Everywhere(unittest.TestCase):
    """Runs of every stride and beginning, packed ones too, against reading word after word."""

    def test_as_word_after_word(self) -> None:
        dice = random.Random(20261123)
        seen = set()
        for number in range(400):
            stride = dice.choice([8, 16, 24, 9, 12, 17, 20])
            places = sorted({dice.randrange(0, stride - 7, dice.choice([1, 4, 8]))
                             for _ in range(2)})
            element = Shape(stride, tuple(Leaf(at, f".m{at}", "object") for at in places))
            inner = Run(dice.choice([0, 8, 3]), ".in", stride, dice.randrange(1, 5), element)
            outer = dice.choice([0, 1, 8]) + inner.offset + stride * inner.length
            run = dice.choice([inner, Run(dice.choice([0, 8, 5]), ".out", outer, 3,
                                          Shape(outer, (), (inner,)))])
            at = dice.choice([0, 8, 6])
            size = at + run.offset + run.stride * run.length
            data = bytearray(size)
            for _ in range(12):
                place = dice.randrange(max(1, size - 7))
                data[place:place + 8] = (0x1008).to_bytes(8, "little")
            data = data[:size - dice.choice([0, 0, 5, 11])]
            starts = [(at + run.offset + index * run.stride, f"v{run.path}[{index}]")
                      for index in range(run.length)]
            if run is not inner:
                starts = [(start + inner.offset + index * stride, f"{path}.in[{index}]")
                          for start, path in starts for index in range(inner.length)]
            expected = {(start + leaf, f"{path}.m{leaf}") for start, path in starts
                        for leaf in places
                        if data[start + leaf:start + leaf + 8] == (0x1008).to_bytes(8, "little")}
            hits = [(leaf.offset, leaf.path) for leaf, word in
                    run_hits(run, bytes(data), SPANS, at, "v") if word == 0x1008]
            with self.subTest(number=number, run=run, at=at):
                self.assertEqual(len(hits), len(set(hits)))
                self.assertEqual({hit for hit in hits}, expected)
            seen.add((bool(expected), run is inner))
        self.assertEqual(len(seen), 4)


class Unions(unittest.TestCase):
    def test_one_leaf_a_place_and_the_surest(self) -> None:
        leaves = best_leaves([Leaf(8, ".b", "pointer"), Leaf(0, ".number", "integer"),
                              Leaf(0, ".object", "object"), Leaf(0, ".raw", "pointer")])
        self.assertEqual([leaf.path for leaf in leaves], [".object", ".b"])


class Sureness(unittest.TestCase):
    def test_by_type_place_and_time(self) -> None:
        for expected, variable in (
                (EXACT, Variable("x", "local", 0x10, 0x1000, "object")),
                (EXACT, Variable("x", "local", None, 0x1000, "object", register="rbx")),
                (TOLERANT, Variable("x", "local", None, 0x1000, "object")),
                (TOLERANT, Variable("x", "local", 0x10, 0x1000, "pointer")),
                (CONSERVATIVE, Variable("x", "local", 0x10, 0x1000, "integer")),
                (CONSERVATIVE, Variable("x", "local", 0x10, 0x1000, "object", unset="maybe")),
                (CONSERVATIVE, Variable("sp+0x8", "word", 0x10, 0x1000))):
            with self.subTest(variable):
                self.assertEqual(confidence(variable), expected)


class FrameLabels(unittest.TestCase):
    def test_levels_tell_recursion_apart(self) -> None:
        frames = [Frame(level, name, 0, 0) for level, name in enumerate(["f", "f", "", "main"])]
        self.assertEqual(labels(frames), ["f#0", "f#1", "??", "main"])


if __name__ == "__main__":
    unittest.main()
