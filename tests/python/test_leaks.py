"""Leaks: rules that set some aside, baselines, the JUnit file; ways as sentences."""

import json
import os
import tempfile
import unittest
import xml.etree.ElementTree as ET
from typing import Any, Dict, FrozenSet, List, Optional, Tuple
from unittest import mock

from cairn_gdb import records
from cairn_gdb.commands import leaks
from cairn_gdb.errors import CairnError
from cairn_gdb.findings import leak_baseline, leak_rules, leak_tree
from cairn_gdb.findings.leak_baseline import Listed
from cairn_gdb.findings.leak_report import Group
from cairn_gdb.findings.leak_rules import Facts
from cairn_gdb.findings.ways import Path, Skipped, Step
from cairn_gdb.records import Leak, LeakTotals, Place, Root, Way
from cairn_gdb.render import junit, sentences
from cairn_gdb.render.page import Page
from fakes import FakeLens, a_session, an_object
from test_commands import ask


def facts(kind: str = "lost", type_name: str = "session", function: str = "cache_put",
          slots: FrozenSet[str] = frozenset()) -> Facts:
    return Facts(kind, type_name, [Place(1, function, "/src/cache.c", 41)], lambda: slots)


class InAFile(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def file(self, text: str) -> str:
        path = os.path.join(self.directory.name, "file")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


class Rules(InAFile):
    def fits(self, line: str, one: Facts) -> bool:
        rules = leak_rules.rules_of(self.file(line + "\n"))
        return any(rule.fits(one) for rule in rules)

    def test_each_key(self) -> None:
        for line, wanted in (("type=session", True), ("type=ses*", True), ("type=list", False),
                             ("kind=lost", True), ("kind=cycle", False), ("kind=l*", True),
                             ("function=cache_*", True), ("function=put", False),
                             ("file=*/cache.c", True), ("file=cache.c", False),
                             ("slot=session.peer", True), ("slot=list[]", True),
                             ("slot=sess*.p*", True), ("slot=session.data", False)):
            with self.subTest(line):
                one = facts(slots=frozenset(["session.peer", "list[]"]))
                self.assertEqual(self.fits(line, one), wanted)

    def test_all_words_of_a_rule_must_fit(self) -> None:
        self.assertTrue(self.fits("type=session kind=lost", facts()))
        self.assertFalse(self.fits("type=session kind=cycle", facts()))

    def test_quotes_remarks_and_blank_lines(self) -> None:
        path = self.file('# a remark\n\n  type="a b"   # why\nkind=lost\n')
        rules = leak_rules.rules_of(path)
        self.assertEqual([rule.where for rule in rules], [path + ":3", path + ":4"])
        self.assertEqual([rule.text for rule in rules], ['type="a b"', "kind=lost"])
        self.assertTrue(rules[0].fits(facts(type_name="a b")))

    def test_what_is_no_rule(self) -> None:
        for line, words in (("tpye=x", "Did you mean type"), ("session", "no KEY=GLOB"),
                            ("type=", "no KEY=GLOB"), ('type="x', "no closing quotation")):
            with self.subTest(line), self.assertRaisesRegex(CairnError, words):
                leak_rules.rules_of(self.file("kind=lost\n" + line + "\n"))
        with self.assertRaisesRegex(CairnError, ":2: "):
            leak_rules.rules_of(self.file("kind=lost\nnothing\n"))
        with self.assertRaisesRegex(CairnError, "no text in UTF-8"):
            path = self.file("")
            with open(path, "wb") as file:
                file.write(b"\xff\xfe\x00")
            leak_rules.rules_of(path)

    def test_slots_are_asked_only_where_a_rule_needs_them(self) -> None:
        def never() -> FrozenSet[str]:
            raise AssertionError("asked")
        one = Facts("lost", "session", (), never)
        self.assertTrue(self.fits("kind=lost", one))
        with self.assertRaises(AssertionError):
            self.fits("slot=x", one)


class Baselines(InAFile):
    ROW = {"kind": "lost", "root": {"type": "session"},
           "site": {"function": "cache_put", "file": "/src/cache.c", "line": 41}}

    def baseline(self, rows: List[Any], matched: Optional[int] = None, **more: Any) -> Listed:
        document: Dict[str, Any] = {"schema": "cairn/1", "command": "leaks",
                                    "data": {"rows": rows, "shown": len(rows),
                                             "matched": matched or len(rows)}}
        document.update(more)
        return Listed(self.file(json.dumps(document)))

    def test_as_many_as_it_lists(self) -> None:
        known = self.baseline([self.ROW, self.ROW])
        place = [Place(9, "cache_put", "/elsewhere/cache.c", 99)]
        self.assertEqual([bool(known.takes(a_leak(type_name="session"), place))
                          for _ in range(3)], [True, True, False])

    def test_another_type_place_or_kind_is_new(self) -> None:
        known = self.baseline([self.ROW])
        for kind, name, function in (("cycle", "session", "cache_put"),
                                     ("lost", "list", "cache_put"), ("lost", "session", "main")):
            place = [Place(9, function, "/src/cache.c", 41)]
            self.assertEqual(known.takes(a_leak(kind=kind, type_name=name), place), "")
        self.assertEqual(known.takes(a_leak(type_name="session"), []), "")

    def test_what_one_side_alone_has_functions_of_goes_by_distance(self) -> None:
        where = {"module": "server", "offset": 0x51a}
        bare = dict(self.ROW, site=where)
        named = dict(self.ROW, site=dict(self.ROW["site"], **where))
        leak = a_leak(type_name="session")
        with_function = [Place(9, "cache_put", "/src/cache.c", 41, "server", 0x51a)]
        without = [Place(9, "", "", 0, "server", 0x51a)]
        for row, places in ((bare, with_function), (named, without), (bare, without)):
            known = self.baseline([row])
            self.assertEqual([bool(known.takes(leak, places)) for _ in range(2)], [True, False])
        moved = [Place(9, "cache_put", "/src/cache.c", 43, "server", 0x600)]  # of another build
        self.assertTrue(self.baseline([named]).takes(leak, moved))
        self.assertEqual(self.baseline([bare]).takes(leak, moved), "")
        other = [Place(9, "other", "/src/cache.c", 43, "server", 0x51a)]
        self.assertEqual(self.baseline([named]).takes(leak, other), "")
        self.assertEqual(self.baseline([bare]).takes(leak, []), "")

    def test_one_that_is_cut_says_so(self) -> None:
        self.assertIn("-limit 0", self.baseline([self.ROW], 30).warnings[0])
        self.assertEqual(self.baseline([self.ROW]).warnings, [])

    def test_what_is_none(self) -> None:
        with self.assertRaisesRegex(CairnError, "is not what"):
            self.baseline([], command="objects")
        for text in ("[]", "{}", "nothing", '{"data": 3}', "null", '{"schema": "cairn/1", '
                     '"command": "leaks", "data": {"rows": [3], "shown": 1, "matched": 1}}'):
            with self.subTest(text), self.assertRaisesRegex(CairnError, "is not what"):
                Listed(self.file(text))
        deep = self.file("[" * 200_000)
        with self.assertRaisesRegex(CairnError, "is not what"):
            Listed(deep)

    def test_which_kind_a_file_is(self) -> None:
        session, _, _ = a_session()
        core = self.file("")
        with open(core, "wb") as file:
            file.write(b"\x7fELF\x02\x01\x01\0")
        self.assertIsInstance(leak_baseline.of(session, core), leak_baseline.Earlier)
        session.moments["before"] = None
        self.assertIsInstance(leak_baseline.of(session, "before"), leak_baseline.Earlier)
        with self.assertRaisesRegex(CairnError, "can't be read: No such file"):
            leak_baseline.of(session, self.file("") + ".none")


def a_leak(number: int = 0, kind: str = "lost", type_name: str = "node") -> Leak:
    root = an_object(0x2000, "node", 1)._replace(type_name=type_name)
    return Leak(number, kind, root, False, 1, 48, 3, 200, 1)


# What CI servers' schemas of JUnit files allow: attributes (True: required) and children, in order.
JUNIT: Dict[str, Tuple[Dict[str, bool], Tuple[str, ...]]] = {
    "testsuites": ({"name": False, "tests": False, "failures": False, "errors": False,
                    "time": False}, ("testsuite",)),
    "testsuite": ({"name": True, "tests": True, "failures": False, "errors": False,
                   "skipped": False, "time": False, "timestamp": False},
                  ("properties", "testcase", "system-out", "system-err")),
    "properties": ({}, ("property",)),
    "property": ({"name": True, "value": True}, ()),
    "testcase": ({"name": True, "classname": True, "time": False, "file": False, "line": False},
                 ("skipped", "failure", "error", "system-out", "system-err")),
    "skipped": ({"message": False}, ()),
    "failure": ({"type": False, "message": False}, ()),
    "system-out": ({}, ())}


class JUnit(InAFile):
    def fits(self, element: Any) -> None:
        """Checks the element and all below it against JUNIT."""
        attributes, children = JUNIT[element.tag]
        self.assertLessEqual(set(element.attrib), set(attributes), element.tag)
        required = {name for name, needed in attributes.items() if needed}
        self.assertLessEqual(required, set(element.attrib), element.tag)
        order = [children.index(child.tag) for child in element]
        self.assertEqual(order, sorted(order), "children stand in order")
        for child in element:
            self.fits(child)

    def parse(self, groups: List[Group], failing: bool = True) -> Any:
        root = ET.fromstring(junit.document(groups, failing, {"executable": "/bin/a<b>"},
                                            1_000_000_000, 1.5))
        self.fits(root)
        suite = root.find("testsuite")
        assert suite is not None
        cases = [(case.attrib["classname"], case.attrib["name"])
                 for case in suite.findall("testcase")]
        self.assertEqual(len(set(cases)), len(cases), "no case hides another")
        for name, tag in (("failures", "failure"), ("skipped", "skipped")):
            self.assertEqual(int(suite.attrib[name]), len(suite.findall(f"testcase/{tag}")))
        self.assertEqual(int(suite.attrib["tests"]), len(cases))
        self.assertEqual({name: root.attrib[name] for name in ("tests", "failures", "time")},
                         {name: suite.attrib[name] for name in ("tests", "failures", "time")})
        return suite

    def test_counts_and_cases(self) -> None:
        place = Place(3, "f", "/src/a.c", 3)
        suite = self.parse([Group("lost", "node", place, [a_leak(), a_leak(1)], ""),
                            Group("cycle", "list", None, [a_leak(2)], "suppressed by x:1")])
        self.assertEqual({name: suite.attrib[name] for name in
                          ("tests", "failures", "errors", "skipped", "time", "timestamp")},
                         {"tests": "2", "failures": "1", "errors": "0", "skipped": "1",
                          "time": "1.500", "timestamp": "2001-09-09T01:46:40"})
        self.assertEqual(suite.find("properties/property").attrib,
                         {"name": "executable", "value": "/bin/a<b>"})
        first, second = suite.findall("testcase")
        self.assertEqual((first.attrib["classname"], first.attrib["name"], first.attrib["file"],
                          first.attrib["line"]),
                         ("cairn.leaks.lost", "node allocated at a.c:3 in f", "/src/a.c", "3"))
        self.assertEqual(first.find("failure").attrib["message"], "2 leaks, 6 objects, 400 B")
        self.assertIn("0x2000", first.find("failure").text)
        self.assertIn("suppressed by x:1", second.find("skipped").attrib["message"])

    def test_what_is_set_aside_has_a_name_of_its_own(self) -> None:
        self.parse([Group("lost", "node", None, [a_leak()], ""),
                    Group("lost", "node", None, [a_leak(1)], "suppressed by x:1")])

    def test_nothing_leaks(self) -> None:
        suite = self.parse([])
        self.assertEqual((suite.attrib["tests"], suite.attrib["failures"]), ("1", "0"))

    def test_within_the_limits(self) -> None:
        suite = self.parse([Group("lost", "node", None, [a_leak()], "")], failing=False)
        self.assertEqual(suite.attrib["failures"], "0")
        self.assertIn("within the limits", suite.find("testcase").find("system-out").text)

    def test_hostile_names(self) -> None:
        place = Place(3, "f\x07", '/src/"&\x00<.c', 3)
        suite = self.parse([Group("lost", 'a<&">\x00\x1b\ud800', place, [a_leak()], "")])
        self.assertIn('a<&">\ufffd', suite.find("testcase").attrib["name"])

    def test_a_file_that_can_not_be_written_leaves_the_old_one(self) -> None:
        path = self.file("old")
        os.mkdir(path + ".part")
        with self.assertRaisesRegex(CairnError, "can't be written"):
            junit.write(path, "new")
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "old")


class LeakyLens(FakeLens):
    """node 0x2000 and list 0x1000 are lost and hold the str 0x3000 jointly; the str 0x3100 hangs on
    node, and on 0x3000 hangs the int 0x4000."""

    NUMBERS = {0x1000: 0, 0x2000: 1, 0x3000: 2, 0x3100: 1, 0x4000: 2}

    def rows(self) -> List[Leak]:
        return [Leak(0, "lost", self.objects[0x1000], False, 1, 48, 1, 48, 1),
                Leak(1, "lost", self.objects[0x2000], False, 1, 48, 2, 112, 1),
                Leak(2, "joint", self.objects[0x3000], True, 1, 64, 2, 80, 0)]

    def leaks(self, progress: Any = None) -> LeakTotals:
        return LeakTotals(5, 240, 0, 0, 0, 2, 3, 160, 1, 2, 80, 5, 2)

    def leak_rows(self, glob: str, capacity: int) -> Any:
        rows = [self.rows()[1], self.rows()[0]]
        chosen = [row for row in rows if glob in ("", row.root.type_name)]
        return chosen[:capacity or None], len(chosen)

    def leak_joint(self, capacity: int) -> Any:
        return [self.rows()[2]], 1

    def leak_holders(self, number: int, capacity: int) -> Any:
        return ([0, 1], 2) if number == 2 else ([], 0)

    def leak(self, number: int) -> Leak:
        return self.rows()[number]

    def leak_of(self, index: int) -> Optional[int]:
        return self.NUMBERS.get(sorted(self.objects)[index])

    def leak_census(self) -> List[records.LeakCensus]:
        return [records.LeakCensus("node", "lost", 1, 2, 112),
                records.LeakCensus("list", "lost", 1, 1, 48)]


class Command(InAFile):
    def setUp(self) -> None:
        super().setUp()
        self.session, lens, self.target = a_session()
        leaky = LeakyLens()
        leaky.objects, leaky.values = lens.objects, lens.values
        leaky.add(an_object(0x3100, "str", 1, 64), '"one"')
        leaky.edges = [(0x1000, "[0]", 0x3000), (0x2000, "name", 0x3000),
                       (0x2000, "alias", 0x3100), (0x3000, "part", 0x4000)]
        leaky.tracks = {0x2000: records.Track(0x2000, 17, "object", 0, 3, 1, 0, 0)}
        leaky.site_rows = {1: records.Site(1, 3, 144, 7, (0x10, 0x950))}
        self.target.lens = leaky

    def test_a_row(self) -> None:
        result, data, text = ask(self.session, leaks)
        self.assertEqual(result.status, 1)
        row = data["rows"][0]
        self.assertEqual((row["kind"], row["objects"], row["bytes"], row["root"]["addr"],
                          row["surplus"], row["indirect_objects"]),
                         ("lost", 2, 112, "0x2000", 1, 1))
        self.assertEqual(row["site"]["function"], "build")
        self.assertTrue(any("main.c:16 in build" in line for line in text), text)
        self.assertTrue(any("Mending @1 alone would free 2 objects" in line for line in text))
        self.assertTrue(any("2 objects, 80 B of it hang on several" in line for line in text), text)
        self.assertTrue(any("Of 5 roots 2 are raw words" in line for line in text), text)
        self.assertEqual(self.session.object("@1")[0].address, 0x2000)
        self.assertEqual([(row["type"], row["leaks"], row["lost"]) for row in data["types"]],
                         [("list", 1, 1), ("node", 1, 1)])
        self.assertNotIn("joint", data)

    def test_mending_a_lost_ring_leaves_it_to_the_collector(self) -> None:
        for own, count, later in ((1, 1, False), (2, 1, True), (1, 2, True)):
            with self.subTest(own=own, count=count):
                lost = self.target.lens.rows()[1]
                lost = lost._replace(own_objects=own, root=lost.root._replace(refcount=count))
                with mock.patch.object(self.target.lens, "leak_rows", lambda *_: ([lost], 1)):
                    text = ask(self.session, leaks)[2]
                line = next(line for line in text if line.startswith("Mending @1 alone would free"))
                self.assertEqual(line.endswith(" of it, at the next collection."), later, line)

    def test_a_type_that_leaks_in_both_ways_is_one_row(self) -> None:
        self.target.lens.leak_census = lambda: [
            records.LeakCensus("node", "cycle", 2, 4, 100),
            records.LeakCensus("node", "lost", 1, 1, 10),
            records.LeakCensus("node", "lost", 3, 3, 30)]  # of another heap
        self.assertEqual(ask(self.session, leaks)[1]["types"], [
            {"type": "node", "leaks": 6, "cycles": 2, "lost": 4, "objects": 8, "bytes": 140}])

    def test_what_comes_from_one_place(self) -> None:
        lens = self.target.lens
        lens.tracks[0x1000] = records.Track(0x1000, 18, "object", 0, 2, 1, 0, 0)
        lens.objects[0x1000] = lens.objects[0x1000]._replace(type_name="node")
        lens.leak_census = lambda: [records.LeakCensus("node", "lost", 2, 3, 160)]
        _, data, text = ask(self.session, leaks)
        self.assertEqual([(row["type"], row["leaks"], row["objects"], row["site"]["line"])
                          for row in data["groups"]], [("node", 2, 3, 16)])
        said = "2 alike: lost node from main.c:16 in build, 3 objects, 160 B, 67 % of it"
        self.assertTrue(any(said in line for line in text), text)

    def test_the_trees_hold_each_object_once(self) -> None:
        _, data, text = ask(self.session, leaks, "-tree")
        trees = {row["root"]["addr"]: [(one["slot"], one["object"]["addr"], one["depth"],
                                        one["note"]) for one in row["tree"]]
                 for row in (*data["rows"], *data["joint"]["rows"])}
        self.assertEqual(trees, {
            "0x2000": [("name", "0x3000", 1, "joint"), ("alias", "0x3100", 1, "")],
            "0x1000": [("[0]", "0x3000", 1, "joint")], "0x3000": [("part", "0x4000", 1, "")]})
        own = sum(1 + sum(one[3] == "" for one in tree) for tree in trees.values())
        self.assertEqual(own, data["totals"]["objects"])
        joint = data["joint"]["rows"][0]
        self.assertEqual((joint["held_by"], joint["holder_count"], joint["objects"]),
                         (["0x1000", "0x2000"], 2, 2))
        head = "@3 held jointly by @1, @2: 2 objects, 80 B  str 0x3000"
        self.assertTrue(any(line.startswith(head) for line in text), text)
        self.assertTrue(any("name str 0x3000" in line and "(held jointly: @3)" in line
                            for line in text), text)
        self.assertEqual(self.session.object("@3")[0].address, 0x3000)

    def test_limits(self) -> None:
        for line, status in (("-max-objects 5", 0), ("-max-objects 4", 1), ("-max-bytes 240", 0),
                             ("-max-bytes 239", 1)):
            with self.subTest(line):
                result, data, _ = ask(self.session, leaks, line)
                self.assertEqual((result.status, data["within_limits"]), (status, status == 0))

    def test_suppressed_by_place_and_slot(self) -> None:
        for rule in ("function=build", "slot=node.alias", "file=*/main.c"):
            with self.subTest(rule):
                result, data, text = ask(self.session, leaks,
                                         "-suppress " + self.file(rule + "\nkind=lost type=list\n"))
                self.assertEqual((result.status, data["matched"]), (0, 0))
                self.assertEqual(data["set_aside"]["leaks"], 2)
        result, data, text = ask(self.session, leaks, "-suppress " + self.file("type=int\n"))
        self.assertEqual((result.status, len(data["unused_suppressions"])), (1, 1))

    def test_a_rule_that_another_one_goes_before_is_not_unused(self) -> None:
        data = ask(self.session, leaks, "-suppress " + self.file("type=node\nkind=lost\n"))[1]
        self.assertEqual(data["unused_suppressions"], [])

    def test_one_object(self) -> None:
        self.assertEqual(ask(self.session, leaks, "0x3100")[1]["matched"], 1)
        self.assertIn("is no garbage", ask(self.session, leaks, "0x5000")[2][0])

    def test_one_object_that_is_held_jointly(self) -> None:
        _, data, text = ask(self.session, leaks, "0x4000")
        self.assertIn("hangs on 2 leaks and goes with the last of them", text[0])
        self.assertEqual([row["root"]["addr"] for row in data["rows"]], ["0x2000", "0x1000"])

    def test_what_hangs_on_a_leak_ends_where_it_must(self) -> None:
        leak = self.target.lens.leak(1)
        tree = leak_tree.of(self.session, leak, 0)
        self.assertEqual((len(tree.branches), tree.more), (0, 1))


class Sentences(unittest.TestCase):
    def path(self, *steps: Any, root: Optional[Root] = None, start: str = "root") -> Path:
        target = Step(an_object(0x3000, "str", 1), "str", "", "")
        return Path(Way(0, start, 0, len(steps) + 1, False), root, "server.c:88",
                    [*steps, target], "")

    ROOT = Root(0x7f00, 0x1000, "local", "exact", "main.cache", 1, 3)

    @staticmethod
    def step(type_name: str, display: str, slot: str, kind: str = "strong") -> Step:
        row = an_object(0x1000, "list", 1)._replace(type_name=type_name)
        return Step(row, display, slot, kind)

    def text(self, path: Path, width: int = 200, ascii_only: bool = False) -> str:
        page = Page(width=width, ascii=ascii_only)
        return "\n".join(sentences.sentence(path, "@1", page))

    def test_the_sentence(self) -> None:
        path = self.path(self.step("dict", "dict", '["user:17"]'),
                         self.step("Session", "record", "peer"), root=self.ROOT)
        self.assertEqual(self.text(path), "@1  main.cache (local, frame #3 server.c:88) → "
                         'dict["user:17"] → record Session .peer → this')
        self.assertNotIn("→", self.text(path, ascii_only=True))
        self.assertIn(" -> this", self.text(path, ascii_only=True))

    def test_it_is_broken_before_an_arrow(self) -> None:
        path = self.path(*[self.step(f"type{n}", "native", "slot") for n in range(9)],
                         root=self.ROOT)
        lines = self.text(path, 60).split("\n")
        self.assertGreater(len(lines), 2)
        for line in lines:
            self.assertLessEqual(len(line), 60)
        for line in lines[1:]:
            self.assertTrue(line.lstrip().startswith("→"), line)

    def test_kinds_runs_and_gaps(self) -> None:
        node = self.step("node", "native", "next")
        path = self.path(node, node, node, node, Skipped(990), node,
                         self.step("weakref", "weakref", "target", "weak"),
                         self.step("thing", "native", "+0x18", "opaque"), root=self.ROOT)
        text = self.text(path)
        self.assertIn("→ node .next × 4 → … 990 more steps … → node .next → "
                      "weakref .target (weak) → thing +0x18 (looks like a reference) → this", text)

    def test_starts(self) -> None:
        item = self.step("list", "list", "[0]")
        for path, words in (
                (self.path(item, start="immortal"), "never freed: list[0] → this"),
                (self.path(start="immortal"), "this is never freed"),
                (self.path(item, start="dying"), "dying: list[0] → this"),
                (self.path(item, start="runtime"), "the runtime itself → list[0] → this"),
                (self.path(item, root=self.ROOT._replace(
                    kind="foreign", confidence="conservative", name="[heap]+0x10")),
                 "[heap]+0x10 (other memory, perhaps no reference) → list[0] → this")):
            self.assertIn(words, self.text(path))

    def test_hostile_names_stay_on_the_line(self) -> None:
        path = self.path(self.step("a\nb", "native", "x\x1b[31m"), root=self.ROOT)
        self.assertNotIn("\x1b", self.text(path))
        self.assertEqual(len(self.text(path).split("\n")), 1)


if __name__ == "__main__":
    unittest.main()
