"""The commands over a heap in a table: their JSON, their text, their status."""

import unittest
from typing import Any, List, Tuple

from cairn_gdb import commands, records
from cairn_gdb.commands import (arenas, audit, check, objects, options, overview, refcounts,
                                referrers, refs, show, types)
from cairn_gdb.commands.command import Command
from cairn_gdb.errors import CairnError
from cairn_gdb.records import EXACT, Account, Problem, Result
from cairn_gdb.records import Page as HeapPage
from cairn_gdb.render.page import Page
from cairn_gdb.shell import help as help_text
from fakes import ARENA, IMMORTAL, TYPES, FakeRoots, a_session, an_object


def ask(session: Any, module: Any, line: str = "") -> Tuple[Result, Any, List[str]]:
    """The result of a command, its JSON data, its lines."""
    command: Command = module.COMMAND
    arguments = options.parse(line, help_text.options_of(command), 20)
    result = command.run(session, arguments)
    return (result, command.document(result.records),
            list(command.lines(result.records, Page(width=100))))


class Objects(unittest.TestCase):
    def setUp(self) -> None:
        self.session, self.lens, self.target = a_session()

    def addresses(self, line: str) -> List[int]:
        return [int(row["addr"], 16) for row in ask(self.session, objects, line)[1]["rows"]]

    def test_the_highest_count_first_and_the_immortal_last(self) -> None:
        self.assertEqual(self.addresses(""), [0x2000, 0x3000, 0x1000, 0x4000, 0x4040, 0x4080,
                                              0x5000])
        self.assertEqual(self.addresses("-limit 2"), [0x2000, 0x3000])
        self.assertEqual(self.addresses("-limit 7")[-1], 0x5000)
        self.assertEqual(self.addresses("-reverse")[-2:], [0x2000, 0x5000])

    def test_all_that_matches_is_counted(self) -> None:
        for line, matched in (("-limit 2", 7), ("-type int -limit 1", 4), ("-refcount 1", 4),
                              (f"-refcount {IMMORTAL}", 1), (f"-refcount >={IMMORTAL}", 1),
                              ("-refcount >=1", 6), ("-refcount >1", 2), ("-refcount >=0", 7),
                              ("-refcount 1..4294967295", 7), ("-size >=64", 1), ("-heap 7", 7),
                              ("-heap main", 7)):
            with self.subTest(line):
                self.assertEqual(ask(self.session, objects, line)[1]["matched"], matched)

    def test_sorting(self) -> None:
        self.assertEqual(self.addresses("-sort addr")[:2], [0x1000, 0x2000])
        self.assertEqual(self.addresses("-sort addr -reverse")[0], 0x5000)
        self.assertEqual(self.addresses("-sort size")[0], 0x3000)

    def test_as_text_the_biggest_stands_by_the_prompt(self) -> None:
        lines = ask(self.session, objects, "-limit 2")[2]
        self.assertIn("@2", lines[1])
        self.assertIn("@1", lines[2])
        self.assertIn("0x2000", lines[2])
        self.assertEqual(lines[3], "2 of 7 objects shown; -limit 0 shows all.")
        self.assertEqual(self.session.object("@1")[0].address, 0x2000)

    def test_a_row(self) -> None:
        row = ask(self.session, objects, "-type str")[1]["rows"][0]
        self.assertEqual(row, {"addr": "0x3000", "type": "str", "refcount": 2, "size": 64,
                               "value": '"two"', "heap": 7, "arena": hex(ARENA)})

    def test_mistakes(self) -> None:
        for line, said in (("-type lisst", "Did you mean list?"), ("-heap 3", "the heaps are 7")):
            with self.subTest(line):
                with self.assertRaises(CairnError) as caught:
                    ask(self.session, objects, line)
                self.assertIn(said, str(caught.exception))

    def test_nothing_of_a_known_type_is_an_answer(self) -> None:
        _, data, lines = ask(self.session, objects, "-type list -refcount 99")
        self.assertEqual(data, {"rows": [], "matched": 0, "shown": 0})
        self.assertEqual(lines, ["No object matches."])


class Censuses(unittest.TestCase):
    def setUp(self) -> None:
        self.session, self.lens, self.target = a_session()

    def test_types(self) -> None:
        _, data, lines = ask(self.session, types)
        self.assertEqual([row["type"] for row in data["rows"]], ["int", "str", "list", "node"])
        self.assertEqual(data["rows"][0], {"type": "int", "count": 4, "bytes": 64,
                                           "refcount_min": 1, "refcount_max": IMMORTAL})
        self.assertIn("int", lines[4])  # the biggest last
        self.assertIn("immortal", lines[4])

    def test_types_in_another_order(self) -> None:
        rows = ask(self.session, types, "-sort type -limit 2")[1]
        self.assertEqual([row["type"] for row in rows["rows"]], ["int", "list"])
        self.assertEqual((rows["matched"], rows["shown"]), (4, 2))

    def test_an_unknown_heap(self) -> None:
        plain = self.lens.heaps()[0]
        self.lens.heaps = lambda: [plain._replace(id=number) for number in (12, 3, 7)]
        with self.assertRaisesRegex(CairnError, r"no heap 9; the heaps are 3 \(main\), 7 \(main\), "
                                    r"12 \(main\)\."):
            ask(self.session, objects, "-heap 9")
        with self.assertRaisesRegex(CairnError, "3 heaps are called main; .*: 3, 7, 12"):
            ask(self.session, objects, "-heap main")
        names = ("a", "b")
        self.lens.heaps = lambda: [plain._replace(position=number, name=name)
                                   for number, name in enumerate(names)]
        with self.assertRaisesRegex(CairnError, "2 heaps are called 7; .* by its name: a, b"):
            ask(self.session, objects, "-heap 7")
        self.assertIn("  16 B  a     int", "\n".join(ask(self.session, objects)[2]))

    def test_a_type_of_two_heaps_is_one_row(self) -> None:
        census = self.lens.census()
        merged = types.merge(census + census)
        self.assertEqual(len(merged), len(census))
        self.assertEqual(merged[0].objects, 2 * census[0].objects)

    def test_refcounts(self) -> None:
        _, data, lines = ask(self.session, refcounts)
        self.assertEqual([row["refcount"] for row in data["rows"]], [1, 2, 3, IMMORTAL])
        self.assertEqual([row["count"] for row in data["rows"]], [4, 1, 1, 1])
        self.assertTrue(data["rows"][-1]["immortal"])
        self.assertIn("immortal", lines[4])

    def test_overview(self) -> None:
        _, data, lines = ask(self.session, overview)
        self.assertEqual(data["objects"], 7)
        self.assertEqual(data["heaps"][0]["objects"], 7)
        self.assertEqual(data["heaps"][0]["bytes"], data["bytes"])
        self.assertEqual(data["heaps"][0]["name"], "main")
        self.assertTrue(any("7 objects" in line for line in lines))


class Arenas(unittest.TestCase):
    def setUp(self) -> None:
        self.session, self.lens, self.target = a_session()

    def test_arenas(self) -> None:
        data = ask(self.session, arenas)[1]
        self.assertEqual(data["rows"], [{
            "addr": hex(ARENA), "heap": 7, "bytes": 3 << 15, "pages": 3, "pages_free": 1,
            "blocks_used": 12, "blocks_free": 4, "bytes_used": 600}])

    def test_pages(self) -> None:
        data = ask(self.session, arenas, "-pages")[1]
        self.assertEqual([row["kind"] for row in data["rows"]], ["meta", "blocks", "free"])
        self.assertEqual(data["rows"][1]["blocks_used"], 12)
        self.assertEqual(data["rows"][1]["blocks_fresh"], 2)
        self.assertEqual(ask(self.session, arenas, "-pages -limit 1")[1]["matched"], 3)

    def test_classes_sum_pages_of_one_size(self) -> None:
        arena = self.lens.arenas()[0]
        small = HeapPage(0, 1 << 15, 64, "blocks", 100, 100, 40, 1)
        large = HeapPage(0, 1 << 15, 1 << 20, "large", 1, 1, 1, 33)
        rows = arenas.classes_of([(arena, small), (arena, small), (arena, large)])
        self.assertEqual([(row.block_bytes, row.pages, row.used, row.free) for row in rows],
                         [(64, 2, 80, 120), (0, 33, 1, 0)])


class OneObject(unittest.TestCase):
    def setUp(self) -> None:
        self.session, self.lens, self.target = a_session()

    def test_show(self) -> None:
        _, data, lines = ask(self.session, show, "0x2000")
        self.assertEqual((data["addr"], data["type"], data["refcount"]), ("0x2000", "node", 3))
        self.assertEqual(data["fields"][0], {"name": "serial", "kind": "uint", "value": 7})
        self.assertEqual(data["fields"][1]["name"], "name")
        self.assertEqual(data["fields"][1]["value"]["addr"], "0x3000")
        self.assertEqual(data["accounting"]["surplus"], 1)
        self.assertTrue(any("over-retained" in line for line in lines))

    def test_show_leaves_the_last_listing_standing(self) -> None:
        ask(self.session, objects, "-sort addr")
        ask(self.session, show, "@2")
        self.assertEqual(self.session.object("@2")[0].address, 0x2000)

    def test_show_deeper_ends_at_a_cycle(self) -> None:
        self.lens.edges.append((0x3000, "back", 0x2000))
        data = ask(self.session, show, "0x2000 -depth 9")[1]
        inner = data["fields"][1]["value"]["fields"][1]["value"]
        self.assertEqual(inner["addr"], "0x2000")
        self.assertNotIn("fields", inner)

    def test_a_reference_to_no_object_is_shown(self) -> None:
        self.lens.edges.append((0x2000, "gone", 0x9000))
        _, data, lines = ask(self.session, show, "0x2000")
        self.assertIsNone(data["fields"][2]["value"])
        self.assertTrue(any("no live object" in line for line in lines))

    def test_what_was_cut_is_said(self) -> None:
        self.lens.edges += [(0x2000, f"[{number}]", 0x3000) for number in range(40)]
        _, data, lines = ask(self.session, show, "0x2000")
        self.assertEqual(data["fields_left_out"], 21)
        self.assertTrue(any("21 more left out" in line for line in lines))

    def test_refs(self) -> None:
        _, data, _ = ask(self.session, refs, "0x1000")
        self.assertEqual(data["rows"][0]["slot"], "[0]")
        self.assertEqual(data["rows"][0]["object"]["type"], "node")
        self.assertEqual(ask(self.session, refs, "0x3000")[1]["matched"], 0)

    def test_referrers(self) -> None:
        _, data, lines = ask(self.session, referrers, "0x3000")
        self.assertEqual(data["rows"][0]["holder"]["addr"], "0x2000")
        self.assertEqual(data["rows"][0]["slot"], "name")
        self.assertEqual(data["rows"][1]["holder"]["name"], "main.x")
        self.assertEqual(data["accounting"], {
            "refcount": 2, "heap_refs": 1, "runtime_refs": 0, "root_refs": 1,
            "verdict": "balanced", "surplus": 0, "doubts": []})
        self.assertTrue(any("balanced" in line for line in lines))

    def test_what_only_the_runtime_holds(self) -> None:
        roots = FakeRoots(self.lens)
        roots.of_object = lambda index: []
        self.target.collect_roots = lambda session: roots
        self.lens.account = lambda index, progress: Account(1, 0, 1, 0, 0, "balanced", EXACT)
        _, data, lines = ask(self.session, referrers, "0x1000")
        self.assertEqual(data["rows"], [])
        self.assertIn("Only the runtime itself holds it.", lines)

    def test_the_intern_table_is_named(self) -> None:
        self.lens.add(an_object(0x6000, "set", 1), '{"two"}')
        self.lens.edges.append((0x6000, 'key "two"', 0x3000))
        lines = ask(self.session, referrers, "0x3000")[2]
        self.assertTrue(any(line.endswith('{"two"}') for line in lines), lines)
        self.lens.account = lambda index, progress: Account(1, 0, 1, 0, 0, "balanced", EXACT)
        lines = ask(self.session, referrers, "0x3000")[2]
        self.assertTrue(any(line.endswith("the intern table") for line in lines), lines)
        self.assertIn("the intern table", ask(self.session, show, "0x6000")[2][0])

    def test_referrers_are_cut_to_the_limit(self) -> None:
        data = ask(self.session, referrers, "0x3000 -limit 1")[1]
        self.assertEqual((data["matched"], data["shown"]), (2, 1))


class Audit(unittest.TestCase):
    def setUp(self) -> None:
        self.session, self.lens, self.target = a_session()

    def find(self, address: int, verdict: str, surplus: int, doubts: Tuple[str, ...] = (),
             freed: bool = False) -> None:
        """Adds a finding, and what the totals say of it."""
        row = self.lens.objects.get(address)
        count = 0 if row is None else row.refcount
        held = sum(target == address for _, _, target in self.lens.edges)
        index = None if freed else self.lens.snapshot_find(address)
        sure = records.CONSERVATIVE if doubts else EXACT
        self.lens.finding_rows.append(records.Finding(
            address, index, Account(count, held, 0, 1, surplus, verdict, sure), 0, 48,
            TYPES.index("node"), frozenset(doubts)))
        over = verdict == "over-retained"
        name = ("over" if over else "under") + ("_doubtful" if doubts else "")
        totals = self.lens.audit_totals
        self.lens.audit_totals = totals._replace(**{
            name: getattr(totals, name) + 1, "freed": totals.freed + freed,
            "surplus": totals.surplus + (surplus if over and not doubts else 0),
            "deficit": totals.deficit - (0 if over or doubts else surplus)})

    def test_nothing_is_wrong(self) -> None:
        result, data, lines = ask(self.session, audit)
        self.assertEqual((result.status, data["rows"], data["matched"]), (0, [], 0))
        self.assertEqual(data["totals"]["balanced"], 5)
        self.assertEqual(lines, ["No count is wrong; 5 balanced, 1 never freed."])
        for glob, said in (("node", "No count of type node is wrong; "),
                           ("no*", "No count of the types no* is wrong; ")):
            self.assertIn(said, ask(self.session, audit, f"-type {glob}")[2][0])

    def test_one_too_many(self) -> None:
        self.find(0x2000, "over-retained", 1)
        result, data, lines = ask(self.session, audit, "-type no*")
        self.assertEqual(result.status, 1)
        self.assertEqual(self.lens.asked[-1], "audit no* False False")
        row = data["rows"][0]
        self.assertEqual(
            {key: row[key] for key in ("addr", "refcount", "heap_refs", "runtime_refs",
                                       "root_refs", "verdict", "surplus", "confidence",
                                       "doubts", "holder_count")},
            {"addr": "0x2000", "refcount": 3, "heap_refs": 1, "runtime_refs": 0, "root_refs": 1,
             "verdict": "over-retained", "surplus": 1, "confidence": "exact", "doubts": [],
             "holder_count": 2})
        self.assertEqual([(each["slot"], each["kind"]) for each in row["holders"]],
                         [("[0]", "strong"), ("main.x", "local")])
        self.assertEqual(lines[1], "    over-retained by 1: 2 of its 3 references are explained; "
                         "a release is missing")
        self.assertEqual(lines[2], "    held by list 0x1000[0], main.x")
        self.assertIn("1 object over-retained (1 reference too many) of the types no*; 5 "
                      "balanced, 1 never freed.", lines)
        self.assertEqual(self.session.listing, [0x2000])

    def test_one_too_few(self) -> None:
        self.find(0x3000, "under-retained", -1)
        lines = ask(self.session, audit)[2]
        self.assertIn("    under-retained by 1: 1 reference held, count 2; a retain is missing, or "
                      "a release is too many", lines)
        self.assertIn("    held by node 0x2000.name", lines)  # a root explains nothing here
        self.assertIn("1 under-retained (1 too few); 5 balanced, 1 never freed.", lines)

    def test_freed_and_held(self) -> None:
        self.lens.edges.append((0x1000, "[1]", 0x7000))
        self.find(0x7000, "under-retained", -1, freed=True)
        _, data, lines = ask(self.session, audit)
        self.assertEqual((data["rows"][0]["freed"], data["rows"][0]["type"],
                          data["rows"][0]["refcount"]), (True, "node", 0))
        self.assertEqual(lines[0], "@1  node 0x7000 freed, 48 B")
        self.assertIn("    freed, and held: 1 slot of live objects still leads to it", lines)

    def test_a_doubt_is_no_alarm(self) -> None:
        self.find(0x2000, "over-retained", 1, ("stand-in",))
        result, data, lines = ask(self.session, audit)
        self.assertEqual(result.status, 0)
        self.assertEqual(data["rows"][0]["confidence"], "conservative")
        self.assertTrue(any(line.startswith("    not certain: a register") for line in lines))
        self.assertIn("1 more object may be wrong; each says why that is not certain.", lines)

    def test_the_worst_stands_by_the_prompt(self) -> None:
        for address in (0x2000, 0x1000, 0x3000):
            self.find(address, "over-retained", 1)
        _, data, lines = ask(self.session, audit, "-limit 2")
        self.assertEqual([row["addr"] for row in data["rows"]], ["0x2000", "0x1000"])
        self.assertEqual([line[:2] for line in lines if line.startswith("@")], ["@2", "@1"])
        self.assertIn("2 of 3 findings shown; -limit 0 shows all.", lines)

    def test_what_neighbours_have_in_common_is_said_once(self) -> None:
        for _ in range(3):
            self.find(0x1000, "over-retained", 1)
        self.find(0x2000, "over-retained", 1)  # somebody holds that one
        lines = ask(self.session, audit)[2]
        self.assertEqual([line[:2] for line in lines[:2]], ["@4", "  "])
        why = next(index for index, line in enumerate(lines) if line.startswith("@1")) + 1
        self.assertEqual([line[:2] for line in lines[why - 3:why]], ["@3", "@2", "@1"])
        self.assertTrue(lines[why].startswith("    all 3 alike: over-retained by 1: "), lines)
        self.assertEqual(sum("over-retained by 1" in line for line in lines), 2)

    def test_a_type_that_there_is_not(self) -> None:
        with self.assertRaisesRegex(CairnError, "No type is called"):
            ask(self.session, audit, "-type nod")


class Check(unittest.TestCase):
    def test_whole(self) -> None:
        session, _, _ = a_session()
        result, data, lines = ask(session, check)
        self.assertEqual((result.status, data["rows"]), (0, []))
        self.assertEqual(data["checked"], {"objects": 7, "pages": 3, "arenas": 1})
        self.assertIn("no problem", lines[-1])

    def test_damaged(self) -> None:
        session, lens, _ = a_session()
        lens.problem_list = [Problem(0x4000, "damage", 2, "the count is 0 in a live object"),
                             Problem(0, "note", 0, "a note")]
        result, data, lines = ask(session, check)
        self.assertEqual(result.status, 1)
        self.assertEqual(data["rows"][0]["addr"], "0x4000")
        self.assertEqual(result.warnings, ["a note"])
        self.assertTrue(any("3 problems" in line for line in lines))


class Help(unittest.TestCase):
    def test_every_command_has_help(self) -> None:
        for command in commands.load():
            with self.subTest(command.name):
                text = help_text.of(command)
                self.assertTrue(text.splitlines()[0].endswith("."))
                self.assertTrue(text.splitlines()[1].startswith("Usage: cairn"))
                self.assertIn("Examples:", text)
                self.assertLessEqual(max(len(line) for line in text.splitlines()
                                         if not line.startswith("Usage")), 100)

    def test_an_unknown_command(self) -> None:
        self.assertIn("cairn objects", help_text.unknown("objcts", ["", "objects", "show"]))


if __name__ == "__main__":
    unittest.main()
