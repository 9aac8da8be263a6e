"""Moments and growth as documents and text; objects by their headers; the runtime's code."""

import unittest
from typing import Any, Dict, List

from cairn_gdb.commands import break_, diff, options, snapshot, watch
from cairn_gdb.errors import CairnError
from cairn_gdb.outside import runtime_code
from cairn_gdb.records import (EXACT, DiffObject, DiffRow, DiffTotals, MomentInfo, Place, Section,
                               Shortcut, Stop)
from cairn_gdb.render import moments as shown
from cairn_gdb.render.page import Page
from cairn_gdb.session import moments
from cairn_gdb.shell import help as help_text
from cairn_gdb.stops import heads
from fakes import a_session

PLACE = Place(0x1000, "load", "/src/list.c", 41, "server", 0x234)


def info(objects: int = 3, size: int = 96, sites: int = 2, process: int = 7) -> MomentInfo:
    return MomentInfo("x", "native", process, "/bin/server", 0, objects, size, sites, 4, objects, 0,
                      0, 0, EXACT)


class FakeMoment:
    """As much of a bridge.Moment as the commands look at."""

    def __init__(self, said: MomentInfo) -> None:
        self.said = said

    def info(self) -> MomentInfo:
        return self.said


def totals(process: str = "same", **changed: int) -> DiffTotals:
    plain = DiffTotals(3, 5, 96, 196, 2, 3, 1, 1, 1, 0, 4, process, EXACT)
    return plain._replace(**changed)


def found(by: str = "type", process: str = "same", **more: Any) -> diff.Found:
    row = DiffRow("list", 1, 3, 48, 148, 1, 2, 0, [PLACE])
    gone = DiffRow("str", 2, 1, 48, 24, 1, 0, 1, [])
    one = DiffObject(0x2000, 17, "list", "new", 0, 48, True, (PLACE,))
    made: Dict[str, Any] = dict(
        by=by, a=diff.Side("before", info()), b=diff.Side("now", info(5, 196)),
        groups=[] if by == "object" else [row, gone], objects=[one] if by == "object" else [],
        matched=2, totals=totals(process), grown=[row] if by == "type" else [], exceeded=[],
        limits={}, type_glob="")
    made.update(more)
    return diff.Found(**made)


def text(result: diff.Found) -> List[str]:
    return list(diff.lines(result, Page(width=120)))


class Diffs(unittest.TestCase):
    def test_types(self) -> None:
        data = diff.document(found())
        self.assertEqual(data["rows"][0], {"type": "list", "count_a": 1, "count_b": 3,
                                           "bytes_a": 48, "bytes_b": 148, "new": 2, "gone": 0,
                                           "kept": 1})
        self.assertEqual((data["matched"], data["shown"], data["by"]), (2, 2, "type"))
        self.assertEqual(data["totals"]["reused"], 1)
        lines = text(found())
        self.assertEqual(lines[0], "A: before, native process 7: 3 objects, 96 B")
        self.assertTrue(lines[4].endswith("str"), lines)  # the greatest change stands last
        self.assertTrue(lines[5].endswith("+100 B  list"), lines)
        self.assertIn("growth of list from list.c:41 in load: +2, +100 B", lines)
        self.assertIn("In all: +2 objects, +100 B: 3 new, 1 gone, 2 still there (1 resized); "
                      "1 address used again.", lines)

    def test_of_other_processes_only_numbers_are_said(self) -> None:
        data = diff.document(found(process="other"))
        self.assertIsNone(data["rows"][0]["new"])
        self.assertIsNone(data["totals"]["kept"])
        lines = text(found(process="other"))
        self.assertNotIn("gone", lines[3])
        self.assertTrue(any(line == "In all: +2 objects, +100 B." for line in lines), lines)

    def test_sites(self) -> None:
        data = diff.document(found("site"))
        self.assertEqual(data["rows"][0]["site"]["line"], 41)
        self.assertEqual(data["rows"][0]["backtrace"][0]["function"], "load")
        self.assertIsNone(data["rows"][1]["site"])
        lines = text(found("site"))
        self.assertTrue(any(line.endswith("list  list.c:41 in load") for line in lines), lines)
        self.assertTrue(any(line.endswith("str   no site") for line in lines), lines)

    def test_objects(self) -> None:
        data = diff.document(found("object"))
        self.assertEqual(data["rows"][0]["addr"], "0x2000")
        self.assertEqual((data["rows"][0]["count_a"], data["rows"][0]["count_b"]), (0, 1))
        self.assertTrue(data["rows"][0]["reused"])
        lines = text(found("object"))
        self.assertTrue(any(line.startswith("@1  0x2000       17  new, address reused")
                            for line in lines), lines)
        self.assertIn("1 of 2 objects that changed shown; -limit 0 shows all.", lines)

    def test_nothing_changed(self) -> None:
        lines = text(found(groups=[], matched=0, grown=[],
                           totals=totals(count_b=3, bytes_b=96, added=0, gone=0, resized=0,
                                         reused=0)))
        self.assertIn("In all: as many objects and bytes: 0 new, 0 gone, 2 still there.", lines)

    def test_limits(self) -> None:
        for limits, said in (({"max-growth-objects": 2}, []), ({"max-growth-bytes": 100}, []),
                             ({"max-growth-objects": 1}, ["2 objects more, at most 1 allowed"]),
                             ({"max-growth-bytes": 99}, ["100 B more, at most 99 B allowed"])):
            with self.subTest(limits):
                self.assertEqual(diff._exceeded(totals(), limits), said)
        both_a_kib = totals(bytes_a=0, bytes_b=1030)
        self.assertEqual(diff._exceeded(both_a_kib, {"max-growth-bytes": 1024}),
                         ["1,030 B more, at most 1,024 B allowed"])
        self.assertEqual(diff._exceeded(totals(count_b=0, bytes_b=0), {"max-growth-objects": 0,
                                                                       "max-growth-bytes": 0}), [])
        result = found(limits={"max-growth-bytes": 99}, exceeded=["100 B more"])
        self.assertEqual(diff.document(result)["limits"], {"max_growth_bytes": 99})
        self.assertIn("Limit exceeded: 100 B more.", text(result))

    def test_what_is_left_out_is_named_as_it_was_grouped(self) -> None:
        for by, left_out in (("type", "2 of 9 types that"), ("object", "1 of 9 objects that"),
                             ("site", "2 of 9 types and places that")):
            with self.subTest(by):
                lines = text(found(by, matched=9))
                self.assertIn(f"{left_out} changed shown; -limit 0 shows all.", lines)
                self.assertFalse(any("-limit" in line for line in text(found(by, matched=1))))

    def test_bytes_alone_may_change(self) -> None:
        self.assertTrue(any(line.startswith("In all: 0 objects, +100 B: ")
                            for line in text(found(totals=totals(count_b=3)))))
        self.assertTrue(any(line.startswith("In all: +1 object, 0: ")
                            for line in text(found(totals=totals(count_b=4, bytes_b=96)))))

    def test_what_to_ask_next(self) -> None:
        gone = DiffObject(0x3000, 18, "str", "gone", 24, 0, False, ())
        file = diff.Side("/tmp/my core", info(5, 196))
        nameless = info(sites=0)
        for expected, result in (
                ("cairn diff before -by site", found()),
                ("cairn diff before -by object", found("site")),
                ("cairn diff before -by object", found(a=diff.Side("before", nameless),
                                                       b=diff.Side("now", nameless))),
                ("cairn diff before -by site", found(a=diff.Side("before", nameless))),
                ("cairn sites, cairn retained", found("site", "other")),
                ("cairn path @1, cairn show @1", found("object")),
                ("cairn diff before -by type", found("object", objects=[gone])),
                ("cairn diff before '/tmp/my core' -by type", found("object", b=file))):
            with self.subTest(expected):
                self.assertEqual(text(result)[-1], f"Next: {expected}")

    def test_an_object_that_was_allocated_somewhere_says_where(self) -> None:
        row = diff.document(found("object"))["rows"][0]
        self.assertEqual((row["site"]["function"], row["site"]["line"]), ("load", 41))
        bare = DiffObject(0x3000, 0, "str", "gone", 24, 0, False, ())
        row = diff.document(found("object", objects=[bare]))["rows"][0]
        self.assertEqual((row["count_a"], row["count_b"]), (1, 0))
        for key in ("site", "serial", "reused"):
            self.assertNotIn(key, row)

    def test_signs(self) -> None:
        self.assertEqual([shown.signed(number) for number in (18204, 0, -3)],
                         ["+18,204", "0", "-3"])
        self.assertEqual([shown.signed_size(number) for number in (1536, 0, -48)],
                         ["+1.5 KiB", "0", "-48 B"])


class Words(unittest.TestCase):
    def setUp(self) -> None:
        self.session, _, _ = a_session()

    def test_quotes_keep_a_file_together(self) -> None:
        self.assertEqual(moments.words_of('a "b c" now'), ["a", "b c", "now"])
        with self.assertRaisesRegex(CairnError, "quotation"):
            moments.words_of('a "b')

    def test_what_is_not_there(self) -> None:
        with self.assertRaisesRegex(CairnError, "no moment that is kept, and no file.*None is"):
            moments.find(self.session, "nowhere")
        self.session.moments["before"] = moments.Kept("before", FakeMoment(info()))
        with self.assertRaisesRegex(CairnError, "Did you mean before"):
            moments.find(self.session, "befor")
        self.assertEqual(moments.find(self.session, "before").info.objects, 3)

    def run_snapshot(self, line: str) -> Any:
        arguments = options.parse(line, help_text.options_of(snapshot.COMMAND), 20)
        return snapshot.COMMAND.run(self.session, arguments).records

    def test_list_and_drop(self) -> None:
        self.assertEqual(snapshot.document(self.run_snapshot("list"))["rows"], [])
        self.assertIn("No moment is kept.",
                      list(snapshot.lines(self.run_snapshot(""), Page(width=100))))
        for name in ("one", "two"):
            self.session.moments[name] = moments.Kept(name, FakeMoment(info()))
        listed = snapshot.document(self.run_snapshot("list -limit 1"))
        self.assertEqual((listed["matched"], listed["rows"][0]["name"]), (2, "two"))
        self.run_snapshot("drop one")
        self.assertEqual(list(self.session.moments), ["two"])
        for line, said in (("drop one", "No moment is kept as one"), ("drop", "Which one"),
                           ("save", "Which file"), ("now", "another name"), ("a/b", "slash"),
                           ("list x", "takes no name")):
            with self.subTest(line):
                with self.assertRaisesRegex(CairnError, said):
                    self.run_snapshot(line)

    def test_completion(self) -> None:
        self.session.moments["before"] = moments.Kept("before", FakeMoment(info()))
        self.assertEqual(snapshot.completions(self.session, []), ["drop", "list", "save"])
        self.assertEqual(snapshot.completions(self.session, ["drop"]), ["before"])
        self.assertEqual(snapshot.completions(self.session, ["save", "file"]), ["before"])
        self.assertEqual(diff.completions(self.session, ["before"]), ["before", "now"])
        self.assertEqual(break_.completions(self.session, []), ["alloc", "collect", "free"])

    def test_sizes(self) -> None:
        self.assertEqual([options.parse_size(each, "-x") for each in ("0", "4k", "2M", "1 GiB")],
                         [0, 4096, 2 << 20, 1 << 30])
        for wrong in ("", "k", "-1", "1..2", ">=3"):
            with self.assertRaisesRegex(CairnError, "needs a size"):
                options.parse_size(wrong, "-x")


class Stops(unittest.TestCase):
    def test_times(self) -> None:
        self.assertEqual([watch.time_word(number).split()[-2:-1] for number in (1, 2, 3, 11, 22)],
                         [[], ["2nd"], ["3rd"], ["11th"], ["22nd"]])

    def test_documents(self) -> None:
        stop = Stop(3, "watch", "the count of x changes", 0x2000, "*y", False, 2)
        self.assertEqual(watch.document((stop, 5)), {
            "number": 3, "kind": "watch", "what": "the count of x changes", "location": "*y",
            "after": 2, "addr": "0x2000", "refcount": 5})
        pending = Stop(4, "alloc", "an object is made", 0, "-probe-stap x", True)
        self.assertTrue(break_.document(break_.Found(pending))["pending"])
        self.assertIn("Breakpoint 4: an object is made, once its library is loaded.",
                      list(break_.lines(break_.Found(pending), Page(width=100))))


LIVE, DYING, BUFFER, KEPT_BACK = 1 << 52, 1 << 53, 1 << 54, 1 << 63
SHORTCUT = Shortcut(LIVE, DYING, BUFFER, KEPT_BACK, 1 << 31, (1 << 32) - 1, (1 << 19) - 1, 32,
                    1 << 22, 8, 32)


class Headers(unittest.TestCase):
    def test_decoding(self) -> None:
        self.assertEqual(heads.decode(LIVE | 7 << 32 | 3, SHORTCUT), (True, 3, 7))
        for state in (0, DYING, LIVE | BUFFER, KEPT_BACK):
            self.assertFalse(heads.decode(state | 7 << 32 | 1, SHORTCUT).live)

    def test_a_type_is_asked_for_once(self) -> None:
        session, lens, _ = a_session()
        lens.shortcut = lambda: SHORTCUT
        words = {0x3000: LIVE | 1 << 32 | 2, 8: 0x200, 0x200 + 32: 7}
        known = heads.Heads(session, words.get)
        self.assertEqual(known.type_name(0x3000), "str")
        self.assertTrue(known.matches(0x3000, "s?r") and not known.matches(0x3000, "int"))
        lens.objects.clear()  # from here on nobody can be asked
        self.assertEqual(known.type_name(0x3000), "str")
        words[0x200 + 32] = 8  # another heap at its address
        self.assertEqual(known.type_name(0x3000), "")
        self.assertIsNone(known.head(0x9000))


class Code(unittest.TestCase):
    def test_ranges_are_read_from_their_section(self) -> None:
        def row(at: int, start: int, end: int) -> bytes:
            return b"".join((value - at - 4 * index).to_bytes(4, "little", signed=True)
                            for index, value in enumerate((start, end)))
        rows = row(0x1000, 0x5000, 0x5100) + row(0x1008, 0x400, 0x480) + row(0x1010, 9, 9)
        sections = [Section(0x1000, 0x1018, runtime_code.SECTION, ""),
                    Section(0x9000, 0x9010, ".text", "")]
        code = runtime_code.ranges(sections, lambda address, size: rows)
        self.assertEqual(code, [(0x400, 0x480), (0x5000, 0x5100)])
        self.assertTrue(runtime_code.holds(code, 0x47f) and not runtime_code.holds(code, 0x480))
        self.assertEqual(runtime_code.ranges(sections[1:], lambda address, size: b""), [])
        self.assertEqual(runtime_code.ranges(sections[:1], lambda address, size: b"abc"), [])


if __name__ == "__main__":
    unittest.main()
