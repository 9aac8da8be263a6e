"""`cairn cycles` and `cairn retained` over a heap in a table."""

import unittest
from typing import Any, Dict, List, Optional, Tuple

from cairn_gdb import records
from cairn_gdb.commands import cycles, retained
from cairn_gdb.errors import CairnError
from cairn_gdb.findings import cycle_stores
from cairn_gdb.records import (Cycle, CycleBreak, CycleGroup, CycleOpened, CycleSlot, CyclesTotals,
                               Deed, Object, PairSite, Pairing, Reference, Retained, RetainedRoot,
                               RetainedTotals, RetainedType)
from fakes import FakeLens, a_session, an_object
from test_commands import ask

PAIRS = ((0x6000, 0x6100), (0x7000, 0x7100))  # nodes that hold each other


class RingLens(FakeLens):
    """Two pairs of nodes that hold each other by `peer`, alike; and one that lives, 0x8000."""

    def __init__(self) -> None:
        super().__init__()
        for pair in PAIRS:
            for address in pair:
                self.add(an_object(address, "node", 1))
        self.add(an_object(0x8000, "list", 2), "[<list>]")
        self.open = 0
        self.parted = True
        self.outside = 0

    def members(self, number: int) -> List[Object]:
        addresses: Tuple[int, ...] = (0x8000,) if number == 2 else PAIRS[number]
        return [self.objects[address] for address in addresses]

    def cycles(self, progress: Any = None) -> CyclesTotals:
        return CyclesTotals(2, 4, 192, 1, 1, 48)

    def cycle(self, number: int) -> Cycle:
        members = self.members(number)
        return Cycle(number, len(members), 48 * len(members), 0, number != 2)

    def cycle_rows(self, live: bool, capacity: int) -> Tuple[List[Cycle], int]:
        rows = [self.cycle(number) for number in range(3 if live else 2)]
        return rows[:capacity or None], len(rows)

    def cycle_of(self, index: int) -> Optional[int]:
        address = sorted(self.objects)[index]
        return next((number for number in range(3)
                     if address in [row.address for row in self.members(number)]), None)

    def group_cycles(self, live: bool, progress: Any = None) -> None:
        self.asked.append(f"groups {live}")

    def groups(self) -> List[CycleGroup]:
        return [CycleGroup(0, 2, 4, 192, 2, 2, 0, True, False),
                CycleGroup(1, 1, 1, 48, 1, 1, 2, False, False)]

    def cycle_groups(self, capacity: int) -> Tuple[List[CycleGroup], int]:
        rows = self.groups()[:2 if "groups True" in self.asked else 1]
        return rows[:capacity or None], len(rows)

    def cycle_group_of(self, cycle: int) -> CycleGroup:
        return self.groups()[cycle == 2]

    def cycles_of_group(self, number: int, capacity: int) -> Tuple[List[Cycle], int]:
        rows = [self.cycle(2)] if number else [self.cycle(0), self.cycle(1)]
        return rows[:capacity or None], len(rows)

    def parts_group(self, number: int, one: CycleBreak) -> bool:
        assert one.name == "peer"
        return self.parted

    def open_cycle(self, number: int, progress: Any = None) -> CycleOpened:
        self.open = number
        count = len(self.members(number))
        return CycleOpened(count, count, 1 if number == 2 else self.outside, 0)

    def cycle_slots(self, capacity: int) -> List[CycleSlot]:
        members = self.members(self.open)
        rows = []
        for at, holder in enumerate(members):
            target = members[(at + 1) % len(members)]
            rows.append(CycleSlot(holder, target, Reference(holder.address + 8, target.address,
                                                            "strong", "peer", "object"), 1, 0))
        return rows[:capacity or None]

    def cycle_objects(self, number: int, capacity: int) -> List[Object]:
        return self.members(number)[:capacity or None]

    def cycle_breaks(self) -> List[CycleBreak]:
        members = self.members(self.open)
        whole = (len(members), 48 * len(members))
        return [CycleBreak("node", "peer", "", members[0], 2, *whole, True, False, False,
                           members[-1], 1, 0),
                CycleBreak("node", "kept", "", members[0], 1, *whole, True, False, True,
                           members[-1], 2, 0)]


class Cycles(unittest.TestCase):
    def setUp(self) -> None:
        self.session, _, self.target = a_session()
        self.lens = self.target.lens = RingLens()

    def test_for_programs_a_row_is_a_cycle(self) -> None:
        data = ask(self.session, cycles, "-json")[1]
        self.assertEqual([([one["addr"] for one in row["objects"]], row["group"], row["alike"])
                          for row in data["rows"]],
                         [(["0x6000", "0x6100"], 0, 2), (["0x7000", "0x7100"], 0, 2)])
        self.assertEqual((data["matched"], data["garbage"]["cycles"]), (2, 2))
        best = data["rows"][0]["break"]
        self.assertEqual((best["type"], best["slot"], best["whole"], best["whole_group"]),
                         ("node", "peer", True, True))
        self.assertNotIn("site", best)

    def test_for_people_a_row_is_all_that_are_alike(self) -> None:
        text = ask(self.session, cycles)[2]
        self.assertEqual(sum(line.startswith("@") for line in text), 1)
        head = "2 cycles like this: node.peer → node.peer, of 2 objects each, 192 B"
        self.assertIn(head, text[0])
        self.assertTrue(any("all of it would go, and all that are like it." in line
                            for line in text), text)
        self.assertTrue(any("(node.kept owns what it holds.)" in line for line in text), text)
        self.assertTrue(any("CAIRN_TRACK=sites,events" in line for line in text), text)
        self.assertEqual(text[-1].split(",")[0], "Next: cairn cycles @1 -all")
        self.assertEqual(self.session.object("@1")[0].address, 0x6000)

    def test_all(self) -> None:
        text = ask(self.session, cycles, "-all")[2]
        self.assertEqual(sum(line.startswith("@") for line in text), 2)
        self.assertIn("1 more like it", text[0])

    def test_cut(self) -> None:
        self.lens.asked.append("groups True")
        text = ask(self.session, cycles, "-live -limit 1")[2]
        said = "1 of 2 kinds of cycles shown; -limit 0"
        self.assertTrue(any(said in line for line in text), text)

    def test_what_holds_for_one_and_not_for_all_that_are_like_it(self) -> None:
        self.lens.parted = False
        text = ask(self.session, cycles)[2]
        self.assertTrue(any("all of it would go (of this one)." in line for line in text), text)
        self.assertFalse(ask(self.session, cycles, "-json")[1]["rows"][0]["break"]["whole_group"])

    def test_one_object(self) -> None:
        data = ask(self.session, cycles, "0x7100 -json")[1]
        self.assertEqual([row["objects"][0]["addr"] for row in data["rows"]], ["0x7000"])
        data = ask(self.session, cycles, "0x7100 -all")[1]
        self.assertEqual([row["objects"][0]["addr"] for row in data["rows"]], ["0x6000", "0x7000"])
        self.lens.add(an_object(0x9000, "str", 1))
        result, data, text = ask(self.session, cycles, "0x9000")
        self.assertEqual((data["rows"], len(text)), ([], 1))
        self.assertIn("str 0x9000 is in no cycle", text[0])

    def test_the_counts_of_garbage_that_is_held_from_elsewhere(self) -> None:
        self.lens.outside = 3
        self.assertIn("held from elsewhere too", ask(self.session, cycles)[2][0])
        self.assertIn("3 references of their counts from elsewhere",
                      ask(self.session, cycles, "-all")[2][0])


class Stores(unittest.TestCase):
    """The line that stored a reference."""

    def setUp(self) -> None:
        self.session, _, self.target = a_session()
        self.lens = self.target.lens = RingLens()
        self.lens.tracking_row = records.Tracking(
            frozenset(["sites", "events"]), True, 1, 2, 99, 100, 50, 0, 0, 0, 0, 0, 0)
        for serial, address in enumerate((0x6000, 0x6100, 0x7000, 0x7100), 1):
            self.lens.tracks[address] = records.Track(address, serial, "object", 0, 3, 0, 0, 0)
        self.lens.pair_sites = [PairSite(0x10 + at, 0, 0) for at in range(4)]
        self.lens.pairing_row = Pairing(0, 1, 0, 3, 0, False, False, False, 0)

    def deeds(self, *rows: Tuple[str, int, bool, str]) -> None:
        """(operation, site, by a container, fate), in order."""
        self.lens.deed_rows = [Deed(at + 1, 0, op, 1, 1, site, inner, fate)
                               for at, (op, site, inner, fate) in enumerate(rows)]

    def best(self) -> Dict[str, Any]:
        found: Dict[str, Any] = ask(self.session, cycles, "-json")[1]["rows"][0]["break"]
        return found

    def test_the_only_time_that_a_container_took_it(self) -> None:
        self.deeds(("allocate", 0, False, "paired"), ("retain", 1, True, "held"),
                   ("release", 2, False, "paired"))
        best = self.best()
        self.assertEqual((best["site"]["line"], best["confidence"]), (0x11, "certain"))
        text = ask(self.session, cycles)[2]
        self.assertTrue(any("node.peer of this ring was last stored at main.c:17 in build "
                            "(certain)." in line for line in text), text)

    def test_another_container_had_it_before(self) -> None:
        self.deeds(("allocate", 0, False, "paired"), ("retain", 1, True, "paired"),
                   ("retain", 2, True, "held"), ("release", 3, True, "paired"))
        self.assertEqual((self.best()["site"]["line"], self.best()["confidence"]), (0x12, "likely"))

    def test_several_places(self) -> None:
        self.deeds(("retain", 1, True, "held"), ("retain", 2, True, "held"))
        best = self.best()
        self.assertEqual((best["site"]["line"], best["confidence"],
                          [one["line"] for one in best["or"]]), (0x12, "possible", [0x11]))

    def test_a_guess(self) -> None:
        """What is held by a guess may be held by each other take of which that is said."""
        self.deeds(("retain", 1, True, "held"), ("retain", 2, True, "held"))
        rows = self.lens.deed_rows
        self.lens.deed_rows = [rows[0]._replace(fate="paired", guessed=True),
                               rows[1]._replace(guessed=True)]
        best = self.best()
        self.assertEqual((best["site"]["line"], best["confidence"],
                          [one["line"] for one in best["or"]]), (0x12, "possible", [0x11]))
        self.deeds(("retain", 3, True, "paired"), ("retain", 2, True, "held"))
        self.lens.deed_rows[1] = self.lens.deed_rows[1]._replace(guessed=True)
        self.assertEqual((self.best()["site"]["line"], self.best()["confidence"]),
                         (0x12, "possible"))

    def test_the_event_names_the_holder(self) -> None:
        """Whoever else took it, then or later."""
        holder, target = self.lens.objects[0x6000], self.lens.objects[0x6100]
        self.deeds(("retain", 1, True, "held"), ("retain", 2, True, "held"))
        told = [deed._replace(known=True, holder=holder.address + at)
                for deed, at in zip(self.lens.deed_rows, (8, 0x1000))]

        def store(kept_by: Object, *deeds: Deed) -> Tuple[int, str]:
            self.lens.deed_rows = list(deeds)
            found = cycle_stores.store_of(self.session, kept_by, target)
            assert found is not None
            return found.place.line or 0, found.sureness

        self.assertEqual(store(holder, *told), (0x11, "certain"))
        self.assertEqual(store(holder._replace(type_name="list"), *told), (0x11, "likely"))
        both = told[0], told[1]._replace(holder=holder.address)
        self.assertEqual(store(holder, *both), (0x12, "possible"))
        self.assertEqual(store(holder, told[0]._replace(known=False), told[1]),
                         (0x12, "possible"))

    def test_events_that_are_missing(self) -> None:
        self.deeds(("retain", 1, True, "held"))
        assert self.lens.pairing_row is not None
        self.lens.pairing_row = self.lens.pairing_row._replace(lost_refs=1)
        self.assertEqual(self.best()["confidence"], "possible")
        self.lens.deed_rows = []
        self.assertNotIn("site", self.best())


class RetainedLens(FakeLens):
    """list 0x1000 keeps node 0x2000, which keeps str 0x3000."""

    def retain(self, progress: Any = None) -> RetainedTotals:
        return RetainedTotals(7, 264, 0, 0, 4, 64, 3)

    def retained(self, index: int) -> Retained:
        return [Retained(160, 3, None, 1, True), Retained(112, 2, 0, 0, True),
                Retained(64, 1, 1, 0, True)][index]

    def select(self, wanted: records.Filter, capacity: int) -> Tuple[List[Object], int]:
        rows = [self.objects[address] for address in (0x1000, 0x2000, 0x3000)
                if wanted.type_glob in ("", self.objects[address].type_name)]
        return rows[:capacity or None], len(rows)

    def retained_under(self, index: int, capacity: int) -> Tuple[List[int], int]:
        return ([index + 1] if index < 2 else []), int(index < 2)

    def retained_roots(self, capacity: int) -> Tuple[List[RetainedRoot], int]:
        return [RetainedRoot(0, 1, 160, 3)], 1

    def retained_types(self, capacity: int, progress: Any = None
                       ) -> Tuple[List[RetainedType], int]:
        rows = [RetainedType(2, "list", 1, 48, 160, 3), RetainedType(3, "node", 1, 48, 112, 2)]
        return rows[:capacity or None], len(rows)


class RetainedSizes(unittest.TestCase):
    def setUp(self) -> None:
        self.session, plain, self.target = a_session()
        lens = self.target.lens = RetainedLens()
        lens.objects, lens.values, lens.edges = plain.objects, plain.values, plain.edges

    def test_objects(self) -> None:
        _, data, text = ask(self.session, retained)
        self.assertEqual([(row["addr"], row["retained_bytes"], row["retained_objects"],
                           row["dominator"] and row["dominator"]["addr"]) for row in data["rows"]],
                         [("0x1000", 160, 3, None), ("0x2000", 112, 2, "0x1000"),
                          ("0x3000", 64, 1, "0x2000")])
        self.assertEqual((data["by"], data["reached"]), ("object", {"objects": 7, "bytes": 264}))
        self.assertIn("main.x", next(line for line in text if line.startswith("@1")))
        self.assertEqual(self.session.object("@2")[0].address, 0x2000)

    def test_the_type_and_what_there_is_not(self) -> None:
        self.assertEqual(ask(self.session, retained, "-type node")[1]["matched"], 1)
        with self.assertRaisesRegex(CairnError, "No type is called"):
            ask(self.session, retained, "-type nosuch")

    def test_one_object(self) -> None:
        _, data, text = ask(self.session, retained, "0x2000")
        self.assertEqual((data["object"]["addr"], data["object"]["retained_bytes"]),
                         ("0x2000", 112))
        self.assertEqual([row["addr"] for row in data["rows"]], ["0x3000"])
        self.assertEqual([row["addr"] for row in data["kept_by"]], ["0x1000"])
        self.assertTrue(any("If it went, 112 B would go, 1 other object with it" in line
                            for line in text), text)

    def test_roots_and_types(self) -> None:
        data = ask(self.session, retained, "-by root")[1]
        self.assertEqual([(row["name"], row["object"]["addr"], row["retained_bytes"])
                          for row in data["rows"]], [("main.x", "0x1000", 160)])
        _, data, text = ask(self.session, retained, "-by type -limit 1")
        self.assertEqual([(row["type"], row["retained_bytes"], row["count"])
                          for row in data["rows"]], [("list", 160, 1)])
        self.assertTrue(any("1 of 2 types shown" in line for line in text), text)

    def test_what_does_not_go_together(self) -> None:
        for line in ("0x1000 -by root", "-by type -type node", "-by root -heap 7"):
            with self.subTest(line), self.assertRaises(CairnError):
                ask(self.session, retained, line)


if __name__ == "__main__":
    unittest.main()
