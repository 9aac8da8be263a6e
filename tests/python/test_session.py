"""A session: what it remembers, when it forgets, and what it says of an address."""

import unittest

from cairn_gdb import records
from cairn_gdb.errors import CairnError
from cairn_gdb.records import Arena, Identity, Location
from fakes import a_session


class Caching(unittest.TestCase):
    def setUp(self) -> None:
        self.session, self.lens, self.target = a_session()

    def test_the_heap_is_walked_once_a_stop(self) -> None:
        self.session.snapshot()
        self.session.snapshot(edges=True)
        self.session.snapshot(edges=True)
        self.assertEqual(self.lens.asked, ["model", "walk", "index"])
        self.session.invalidate()
        self.session.snapshot()
        self.assertEqual(self.lens.asked, ["model", "walk", "index", "model", "walk"])
        self.assertEqual((self.target.opened, self.target.refreshed), (1, 1))

    def test_roots_are_collected_once_a_stop(self) -> None:
        first = self.session.roots()
        self.assertIs(self.session.roots(), first)
        self.session.invalidate()
        self.assertIsNot(self.session.roots(), first)

    def test_another_program_gets_another_lens(self) -> None:
        self.session.snapshot()
        self.target.who = Identity("native", 43, "/bin/demo")
        self.session.snapshot()
        self.assertTrue(self.lens.closed)
        self.assertEqual((self.target.opened, self.target.refreshed), (2, 0))

    def test_no_heap_is_said_again_without_a_search(self) -> None:
        self.lens.found = False
        for _ in range(3):
            with self.assertRaisesRegex(CairnError, "searched 3 modules.*cairn_heap_new"):
                self.session.lens
        self.assertEqual(self.lens.asked, ["model"])
        self.lens.found = True
        self.session.invalidate()
        self.assertIs(self.session.lens, self.lens)

    def test_rows_outlive_the_stop(self) -> None:
        self.session.remember([0x1000, 0x2000])
        self.session.invalidate()
        self.assertEqual(self.session.address_of("@2"), 0x2000)

    def test_a_listing_without_a_row_leaves_the_last_one_standing(self) -> None:
        self.session.begin("cairn objects -type list")
        self.session.remember([0x1000])
        self.session.begin("cairn show @1")
        self.session.address_of("@1")
        self.assertEqual(self.session.notes(), [])
        self.session.begin("cairn types")
        self.session.remember([])
        self.session.begin("cairn show @1")
        self.assertEqual(self.session.address_of("@1"), 0x1000)
        self.assertEqual(self.session.notes(), [
            "@1 is of `cairn objects -type list`: `cairn types` listed nothing that has a mark."])
        self.session.begin("cairn refs @1")
        self.session.address_of("@1")
        self.session.remember([0x2000])
        self.session.begin("cairn show @1")
        self.assertEqual((self.session.address_of("@1"), self.session.notes()), (0x2000, []))


class Arenas(unittest.TestCase):
    def test_each_heap_counts_its_own(self) -> None:
        session, lens, _ = a_session()
        blank = Arena(0, 0x400000, 1 << 22, 1 << 15, 128, 0, 0, 0, 0, 0)
        lens.arenas = lambda: [blank._replace(position=position, heap=heap)
                               for position, heap in enumerate((1, 0, 1, 1, 0))]
        self.assertEqual(session.arena_numbers(), {0: 0, 1: 0, 2: 1, 3: 2, 4: 1})


class ObjectArguments(unittest.TestCase):
    def setUp(self) -> None:
        self.session, self.lens, self.target = a_session()

    def why_not(self, expression: str) -> str:
        with self.assertRaises(CairnError) as caught:
            self.session.object(expression)
        said = str(caught.exception)
        self.assertNotIn("\n", said)
        return said

    def test_an_address_and_an_interior_address(self) -> None:
        self.assertEqual(self.session.object("0x1000")[0].type_name, "list")
        row, location = self.session.object("0x1008")
        self.assertEqual((row.address, location.offset), (0x1000, 8))

    def test_a_variable(self) -> None:
        self.target.variables["x"] = 0x2000
        self.assertEqual(self.session.object("x")[0].type_name, "node")

    def test_rows(self) -> None:
        self.assertIn("nothing was listed", self.why_not("@1"))
        self.session.remember([0x3000])
        self.assertEqual(self.session.object("@1")[0].type_name, "str")
        for row in ("@0", "@2", "@-1", "@99"):
            self.assertIn("@1 to @1", self.why_not(row))

    def test_what_is_no_object_is_named(self) -> None:
        for place, words in (("freed", "was freed"), ("fresh", "never used"),
                             ("free_page", "free page"), ("arena_meta", "page table"),
                             ("heap_meta", "metadata"), ("unreadable", "can't be read"),
                             ("damaged", "cairn check"), ("buffer", "buffer at 0x9000")):
            with self.subTest(place):
                self.lens.places[0x9008] = Location(place, 0, 0, 1, 0x9000, 48, 8)
                said = self.why_not("0x9008")
                self.assertIn(words, said)
                self.assertIn("0x9008", said)

    def test_null(self) -> None:
        self.target.variables["p"] = 0
        self.assertEqual(self.why_not("p"), "p is NULL: it points to no object.")

    def test_a_slot_outside_the_heap(self) -> None:
        self.target.variables["&x"] = 0x7F00
        self.lens.words[0x7F00] = 0x1000
        said = self.why_not("&x")
        self.assertIn("slot that holds one (0x1000)", said)
        self.assertIn("*(&x)", said)

    def test_memory_outside_the_heap(self) -> None:
        self.assertIn("no memory can be read", self.why_not("0x1230"))
        self.lens.words[0x7F00] = 12
        self.assertIn("none of the program's heaps; `cairn map 0x7f00`", self.why_not("0x7f00"))

    def test_the_heap_itself(self) -> None:
        heap = self.lens.heaps()[0]
        said = self.why_not(f"{heap.address:#x}")
        self.assertIn(f"is the heap {heap.name} itself", said)
        self.assertIn(f"-heap '{heap.name}'`", said)

    def test_a_mark_of_another_program_is_told(self) -> None:
        self.session.begin("cairn objects")
        self.session.remember([0x3000])
        self.session.object("@1")
        self.assertEqual(self.session.notes(), [])
        self.target.who = self.target.who._replace(pid=99)
        self.session.object("@1")
        self.assertEqual(self.session.notes(), [
            "@1 is of `cairn objects` of process 42: here its address may mean something else."])
        self.session.begin("cairn show")
        self.session.listing = [0x9999]
        self.assertIn("  @1 is of `cairn objects` of process 42", self.why_not("@1"))

    def test_what_begins_like_a_mark(self) -> None:
        for word in ("@x", "@", "@1+2"):
            self.assertIn("as in @3", self.why_not(word))

    def test_nothing(self) -> None:
        self.assertIn("Which object?", self.why_not(""))
        self.assertIn("nosuch", self.why_not("nosuch"))


class Sureness(unittest.TestCase):
    def test_least_sure(self) -> None:
        self.assertEqual(records.least_sure("exact", "tolerant"), "tolerant")
        self.assertEqual(records.least_sure("conservative", "exact", "tolerant"), "conservative")

    def test_running_threads_are_said(self) -> None:
        session, _, target = a_session()
        self.assertEqual((session.exactness(), session.walk_warnings()), (records.EXACT, []))
        target.running = 2
        self.assertEqual(session.exactness(), records.TOLERANT)
        self.assertIn("2 threads ran while this was read", session.walk_warnings()[0])

    def test_flux_is_said(self) -> None:
        session, lens, _ = a_session()
        self.assertEqual(session.walk_warnings(), [])
        lens.flux = "resize"
        self.assertIn("mid-resize", session.walk_warnings()[0])


if __name__ == "__main__":
    unittest.main()
