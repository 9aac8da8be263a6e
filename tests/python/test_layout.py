"""The memory layout: every mapped byte in one piece of the right kind, drawn from the top."""

import unittest
from typing import Dict, List

from cairn_gdb.outside.layout import HeapPlace, Owner, Piece, StackPlace, blocks, pieces
from cairn_gdb.records import Region, Section
from cairn_gdb.render.layout import draw
from cairn_gdb.render.page import Page

PROGRAM = "/home/me/program"
LIBC = "/lib/libc.so.6"


def region(start: int, end: int, perms: str, name: str = "") -> Region:
    words = {"r": "read", "w": "write", "x": "execute"}
    return Region(start, end, frozenset(words[letter] for letter in perms if letter != "-"), name)


REGIONS = [
    region(0x10000, 0x11000, "r--", PROGRAM), region(0x11000, 0x12000, "r-x", PROGRAM),
    region(0x12000, 0x13000, "r--", PROGRAM), region(0x13000, 0x14000, "rw-", PROGRAM),
    region(0x14000, 0x18000, "rw-"),  # the rest of .bss
    region(0x30000, 0x50000, "rw-", "[heap]"),
    region(0x700000, 0x900000, "rw-"),  # an arena, and what lies around it
    region(0xA00000, 0xA10000, "r-x", LIBC), region(0xA10000, 0xA12000, "rw-", LIBC),
    region(0xA12000, 0xA13000, "rw-"),  # the library's .bss
    region(0xB00000, 0xB10000, "rw-"),  # a thread's stack
    region(0xF00000, 0xF20000, "rw-", "[stack]"), region(0xF30000, 0xF32000, "r-x", "[vdso]")]
SECTIONS = [
    Section(0x10200, 0x10300, ".interp", ""), Section(0x11000, 0x11020, ".init", ""),
    Section(0x11020, 0x11800, ".text", ""), Section(0x12000, 0x12100, ".rodata", ""),
    Section(0x13000, 0x13100, ".data", ""), Section(0x13100, 0x17F00, ".bss", ""),
    Section(0xA00100, 0xA00200, ".text", LIBC)]
ARENAS = [HeapPlace(0x780000, 0x800000, "arena", "main, arena 0", Owner(0, "main"))]
STACKS = [StackPlace(0xF1F000, "thread 1"), StackPlace(0xB0F000, "thread 2")]


def laid_out(**changes: list) -> List[Piece]:
    given: Dict[str, list] = {"regions": REGIONS, "sections": SECTIONS, **changes}
    return pieces(given["regions"], given["sections"], PROGRAM, ARENAS, STACKS)


def kind_at(found: List[Piece], address: int) -> str:
    return next((piece.kind for piece in found if piece.start <= address < piece.end), "nowhere")


class Pieces(unittest.TestCase):
    def test_each_address_has_its_kind(self) -> None:
        found = laid_out()
        for address, kind in ((0x10250, "rodata"), (0x11010, "text"), (0x11500, "text"),
                              (0x12050, "rodata"), (0x13050, "data"), (0x13200, "bss"),
                              (0x17000, "bss"), (0x40000, "heap"), (0x700000, "other"),
                              (0x780000, "arena"), (0x7FFFFF, "arena"), (0x800000, "other"),
                              (0xA00100, "library"), (0xA12800, "library"), (0xB00000, "stack"),
                              (0xF1F000, "stack"), (0xF30000, "other"), (0x20000, "nowhere")):
            with self.subTest(hex(address)):
                self.assertEqual(kind_at(found, address), kind)

    def test_nothing_is_lost_or_counted_twice(self) -> None:
        for sections in (SECTIONS, []):
            found = laid_out(sections=sections)
            self.assertEqual(sum(piece.size for piece in found),
                             sum(each.end - each.start for each in REGIONS))
            for one, other in zip(found, found[1:]):
                self.assertLessEqual(one.end, other.start)

    def test_without_sections_permissions_tell(self) -> None:
        found = laid_out(sections=[])
        for address, kind in ((0x10250, "rodata"), (0x11500, "text"), (0x13050, "data"),
                              (0x15000, "bss"), (0x40000, "heap")):
            with self.subTest(hex(address)):
                self.assertEqual(kind_at(found, address), kind)

    def test_a_core_does_not_name_the_heap(self) -> None:
        bare = [each._replace(name="") if each.name.startswith("[") else each for each in REGIONS]
        self.assertEqual(kind_at(laid_out(regions=bare), 0x40000), "heap")
        self.assertEqual(kind_at(laid_out(regions=bare, sections=[]), 0x40000), "heap")
        self.assertEqual(kind_at(laid_out(regions=bare), 0xF1F000), "stack")

    def test_a_mapping_far_behind_the_program_is_no_heap(self) -> None:
        far = [each._replace(name="") if each.name.startswith("[") else each
               for each in REGIONS if each.name != "[heap]" and each.start != 0x700000]
        far.append(region(0x7F0000000000, 0x7F0000010000, "rw-"))
        self.assertEqual(kind_at(laid_out(regions=far[:5] + far[-1:]), 0x7F0000000000), "other")

    def test_a_thread_has_a_heap_of_its_own(self) -> None:
        size = 64 << 20
        extra = [region(size, size + 0x21000, "rw-"), region(size + 0x21000, 2 * size, "---"),
                 region(2 * size, 2 * size + 0x21000, "rw-"),  # no rest: something else
                 region(3 * size, 3 * size + 0x1000, "rw-"), region(3 * size + 0x1000, 4 * size - 1,
                                                                    "---")]
        found = laid_out(regions=REGIONS + extra)
        self.assertEqual([(piece.start, piece.end) for piece in found if piece.kind == "heap"],
                         [(0x30000, 0x50000), (size, size + 0x21000)])

    def test_the_file_of_a_remote_program(self) -> None:
        self.assertEqual(pieces(REGIONS, SECTIONS, "target:" + PROGRAM, ARENAS, STACKS), laid_out())

    def test_a_program_that_is_called_otherwise_here(self) -> None:
        """A core of /home/me/program, and its copy with symbols in another place."""
        here = "/tmp/program.with-symbols"
        self.assertEqual(pieces(REGIONS, SECTIONS, here, ARENAS, STACKS), laid_out())
        bare = [each._replace(name="") if each.name.startswith("[") else each for each in REGIONS]
        found = pieces(bare, SECTIONS, here, ARENAS, STACKS)
        self.assertEqual([kind_at(found, address) for address in (0x10050, 0x15000, 0x40000)],
                         ["rodata", "bss", "heap"])

    def test_an_anonymous_mapping_is_no_heap_where_the_heap_has_a_name(self) -> None:
        others = [each for each in REGIONS if each.name != "[heap]"]
        self.assertEqual(kind_at(laid_out(regions=others), 0x700000), "other")


class Drawing(unittest.TestCase):
    def test_from_the_top_with_gaps(self) -> None:
        lines = list(draw(blocks(laid_out()), Page(100), (0x13050, "&counter")))
        self.assertEqual(lines[0], " high addresses")
        rows = [line.split("│")[1].split() for line in lines if "│" in line and "┄" not in line]
        self.assertEqual([row[0] for row in rows],
                         ["other", "stack", "stack", "library", "other", "arena", "other", "heap",
                          "bss", "data", "rodata", "text", "rodata"])
        marked = [line for line in lines if "◀" in line]
        self.assertEqual(len(marked), 1)
        self.assertRegex(marked[0], r"0x13000 │ data .* │ ◀ &counter")
        self.assertEqual(sum("┄" in line for line in lines), 6)

    def test_a_heap_has_one_row_for_its_arenas_and_one_for_the_collectors(self) -> None:
        owners = Owner(0, "main"), Owner(1, "main")
        regions = REGIONS[:6] + [region(0x700000, 0x780000, "rw-")] + REGIONS[7:]
        places = []
        for at, owner, kind in ((0x700000, 0, "arena"), (0x710000, 0, "other"),
                                (0x720000, 1, "arena"), (0x740000, 0, "arena"),
                                (0x750000, 1, "other"), (0x760000, 0, "other")):
            name = f"main, arena {at:x}" if kind == "arena" else "main, the collector's"
            places.append(HeapPlace(at, at + 0x8000, kind, name, owners[owner]))
        found = pieces(regions, SECTIONS, PROGRAM, places, STACKS)
        self.assertEqual([piece.name for piece in found if piece.kind == "arena"],
                         ["main, arena 700000", "main, arena 720000", "main, arena 740000"])
        mine = [piece for piece in found if piece.owner is not None]  # nothing else between them
        rows = blocks(mine)
        self.assertEqual([(row.start, row.name, row.size) for row in rows],
                         [(0x700000, "main, 2 arenas", 0x10000),
                          (0x710000, "main, the collector's", 0x10000),
                          (0x720000, "main, arena 720000", 0x8000),
                          (0x750000, "main, the collector's", 0x8000)])
        self.assertEqual([row.holds(0x744000) for row in rows], [True, False, False, False])
        self.assertFalse(any(row.holds(0x730000) for row in rows))
        self.assertEqual(len(blocks(mine[:1] + [found[0]] + mine[3:4])), 3)
        marked = [line for line in draw(rows, Page(100), (0x744000, "x")) if "◀" in line]
        self.assertEqual(len(marked), 1)
        self.assertIn("2 arenas", marked[0])

    def test_plain_letters(self) -> None:
        for line in draw(blocks(laid_out()), Page(100, ascii=True), (0x13050, "x")):
            self.assertTrue(line.isascii(), line)


if __name__ == "__main__":
    unittest.main()
