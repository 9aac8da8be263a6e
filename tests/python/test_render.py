"""Units, tables, the JSON envelope: records in, text out."""

import json
import unittest
from typing import List

from cairn_gdb import units
from cairn_gdb.findings.accounting import Accounting
from cairn_gdb.records import EXACT, Account, Identity, Object, Result, Root
from cairn_gdb.render import accounts, json_doc, objects
from cairn_gdb.render.page import Page
from cairn_gdb.render.prose import wrapped
from cairn_gdb.render.tables import Column, Table, cells, cut, plain

PAGE = Page()


def an_object(address: int = 0x1000, refcount: int = 2, value: str = "",
              states: frozenset = frozenset()) -> Object:
    return Object(address, 48, 3, "list", refcount, states, 0, 0, value)


class Units(unittest.TestCase):
    def test_sizes(self) -> None:
        for count, text in ((0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
                            (102300, "99.9 KiB"), (102400, "100 KiB"), (1 << 20, "1.0 MiB"),
                            (102348, "99.9 KiB"), (102349, "100 KiB"), (1048063, "1023 KiB"),
                            (1048064, "1.0 MiB"), ((1 << 30) - 1, "1.0 GiB"),
                            (5 << 30, "5.0 GiB"), (3 << 40, "3.0 TiB")):
            with self.subTest(count):
                self.assertEqual(units.size(count), text)

    def test_counts(self) -> None:
        self.assertEqual(units.number(10_000_000), "10,000,000")
        self.assertEqual(units.counted(1, "object"), "1 object")
        self.assertEqual(units.counted(2000, "object"), "2,000 objects")

    def test_a_share_is_whole_only_where_it_is(self) -> None:
        for part, whole, text in ((0, 9, "0 %"), (9, 9, "100 %"), (1, 10_000, "<1 %"),
                                  (9_999, 10_000, ">99 %"), (1, 2, "50 %"), (1, 0, "-"),
                                  (1, 100, "1 %"), (99, 100, "99 %"), (9, 1000, "<1 %"),
                                  (991, 1000, ">99 %")):
            with self.subTest(part=part, whole=whole):
                self.assertEqual(units.percent(part, whole), text)

    def test_bars_show_what_is_not_nothing(self) -> None:
        for ascii_only in (False, True):
            with self.subTest(ascii_only):
                self.assertEqual(units.bar(0, 100, 10, ascii_only), "")
                self.assertEqual(len(units.bar(1, 10**6, 10, ascii_only)), 1)
                self.assertEqual(len(units.bar(100, 100, 10, ascii_only)), 10)
                self.assertEqual(len(units.bar(101, 100, 10, ascii_only)), 10)
                self.assertEqual(len(units.bar(50, 100, 10, ascii_only)), 5)
                self.assertEqual(units.bar(1, 1, 4, ascii_only).isascii(), ascii_only)

    def test_a_gauge_is_full_or_empty_only_where_it_is(self) -> None:
        self.assertEqual(units.gauge(0, 9, 4, True), "....")
        self.assertEqual(units.gauge(9, 9, 4, True), "####")
        self.assertEqual(units.gauge(1, 10**6, 4, True), "#...")
        self.assertEqual(units.gauge(10**6 - 1, 10**6, 4, True), "###.")
        self.assertEqual(len(units.gauge(1, 2, 10, False)), 10)


class Tables(unittest.TestCase):
    def lines(self, page: Page, *rows: List[str]) -> List[str]:
        table = Table(Column("count", right=True), Column("type"), Column("value"))
        for row in rows:
            table.add(*row)
        return list(table.lines(page))

    def test_columns_line_up(self) -> None:
        self.assertEqual(self.lines(PAGE, ["1", "int", "5"], ["1,000", "list", "[]"]), [
            "count  type  value",
            "    1  int   5",
            "1,000  list  []"])

    def test_an_empty_column_is_left_out(self) -> None:
        self.assertEqual(self.lines(PAGE, ["1", "", "5"]), ["count  value", "    1  5"])

    def test_the_last_column_is_cut_to_the_page(self) -> None:
        lines = self.lines(Page(width=40), ["1", "list", "x" * 90])
        self.assertEqual(max(cells(line) for line in lines), 40)
        self.assertTrue(lines[1].endswith("…"))
        self.assertTrue(self.lines(Page(width=40, ascii=True), ["1", "a", "x" * 90])[1]
                        .endswith("..."))

    def narrow(self, width: int, endless: bool = False) -> List[str]:
        table = Table(Column("", right=True), Column("address", style="address"),
                      Column("size", right=True), Column("full", whole=True),
                      Column("allocated at"), Column("value"))
        table.add("@1", "0x7ffff6468000", "768 B", "||||......  40 %",
                  "cache.c:46 in cache_put", "key 44" * 9)
        return list(table.lines(Page(width=width, endless=endless)))

    def test_texts_give_way_where_the_page_is_narrow(self) -> None:
        self.assertNotIn("…", self.narrow(200)[1])
        self.assertTrue(self.narrow(90)[1].endswith("in cache_put  key 44key 44key 44k…"))
        self.assertEqual(len(self.narrow(90)), 2)
        self.assertEqual(self.narrow(80)[1:], [
            "@1  0x7ffff6468000  768 B  ||||......  40 %  cache.c:46 in cache_put",
            "      " + "key 44" * 9])
        self.assertNotIn("value", self.narrow(80)[0])
        self.assertEqual(self.narrow(60)[1:], [
            "@1  0x7ffff6468000  768 B  ||||......  40 %  cache.c:46 in …",
            "      " + "key 44" * 9])
        self.assertEqual(max(cells(line) for line in self.narrow(60)), 60)

    def test_columns_that_may_stand_below_do_so_before_they_are_cut(self) -> None:
        def shown(width: int) -> List[str]:
            table = Table(Column("", right=True), Column("address", style="address"),
                          Column("type"), Column("allocated at", lead="allocated at "),
                          Column("remark", lead=""), Column("value"))
            table.add("@2", "0x7ffff6468000", "session", "cache.c:46 in cache_put_there",
                      "2 that hold each other", "key 44")
            table.add("@1", "0x7ffff6468010", "str", "", "", "")
            return list(table.lines(Page(width=width)))
        self.assertTrue(shown(100)[1].endswith("there  2 that hold each other  key 44"))
        self.assertEqual(shown(60)[1:3], [
            "@2  0x7ffff6468000  session  cache.c:46 in cache_put_there",
            "      2 that hold each other  key 44"])
        self.assertEqual(shown(52), [
            "    address         type", "@2  0x7ffff6468000  session",
            "      allocated at cache.c:46 in cache_put_there",
            "      2 that hold each other  key 44", "@1  0x7ffff6468010  str"])
        self.assertEqual(shown(80)[1:3], [
            "@2  0x7ffff6468000  session  cache.c:46 in cache_put_th…  2 that hold each other",
            "      key 44"])
        self.assertEqual(shown(40)[2], "      allocated at cache.c:46 in cache_…")

    def test_a_row_in_a_file_is_one_line(self) -> None:
        self.assertEqual(self.narrow(60, endless=True)[1:], [
            "@1  0x7ffff6468000  768 B  ||||......  40 %  cache.c:46 in cache_put  "
            "key 44key 44key…"])

    def test_wide_letters_take_two_cells(self) -> None:
        self.assertEqual(cells("語é"), 3)
        self.assertEqual(cells("e\u0301"), 1)
        self.assertEqual(cut("語語語", 5, PAGE), "語語…")
        self.assertEqual(cut("語語", 4, PAGE), "語語")

    def test_a_text_of_the_target_stays_on_its_line(self) -> None:
        self.assertEqual(plain("a\nb\x1b[31m"), "a\\nb\\x1b[31m")
        self.assertEqual(len(self.lines(PAGE, ["1", "a\nb", "c"])), 2)

    def test_colours_do_not_move_columns(self) -> None:
        table = Table(Column("a", style="address"), Column("b"))
        table.add("0x10", "x")
        coloured = list(table.lines(Page(colour=True)))[1]
        self.assertIn("\033[", coloured)
        self.assertEqual(coloured.replace("\033[34m", "").replace("\033[0m", ""), "0x10  x")


class Letters(unittest.TestCase):
    def test_texts_of_objects_on_a_page_of_plain_letters(self) -> None:
        page = Page(width=60, ascii=True)
        self.assertEqual(page.letters('["café", …]'), '["caf\\xe9", ...]')
        table = Table(Column("value"), Column("count", right=True))
        table.add("[1, 2, …]", "1")
        table.add("[1, 2, 3, 4]", "2")
        lines = list(table.lines(page))
        self.assertTrue("".join(lines).isascii())
        self.assertEqual(len({len(line) for line in lines}), 1, "measured as it is shown")

    def test_others_stay(self) -> None:
        self.assertEqual(Page().letters("café…"), "café…")


class Prose(unittest.TestCase):
    def test_a_sentence_is_broken_between_words(self) -> None:
        line = "  one two three four"
        self.assertEqual(list(wrapped(line, 0)), [line])
        self.assertEqual(list(wrapped(line, 20)), [line])
        self.assertEqual(list(wrapped(line, 12)), ["  one two", "    three", "    four"])
        self.assertEqual(list(wrapped("indivisible", 4)), ["indivisible"])

    def test_colours_take_no_room(self) -> None:
        self.assertEqual(list(wrapped("\033[31;1mone\033[0m two", 7)),
                         ["\033[31;1mone\033[0m two"])

    def test_columns_are_left_alone(self) -> None:
        self.assertEqual(list(wrapped("one    two", 5)), ["one    two"])


class Documents(unittest.TestCase):
    def test_the_envelope(self) -> None:
        result = Result([], "tolerant", ["in flux"], 1)
        identity = Identity("core", 7, "/bin/x", "/tmp/core")
        for data in ({}, [], {"rows": []}, {"rows": [{"addr": "0x10"}, {"addr": "ö\n"}]},
                     {"rows": [1], "matched": 3, "shown": 1}):
            with self.subTest(data):
                document = json_doc.envelope("types", identity, result, data)
                self.assertEqual(json.loads("".join(json_doc.pieces(document))), {
                    "schema": "cairn/1", "command": "types",
                    "target": {"kind": "core", "pid": 7, "executable": "/bin/x"},
                    "exactness": "tolerant", "warnings": ["in flux"], "data": data})

    def test_a_document_is_a_line_in_pieces(self) -> None:
        for data in ({}, {"rows": list(range(1000))}, {"rows": ["\n"], "matched": 1}):
            with self.subTest(data):
                document = json_doc.envelope("x", None, Result([]), data)
                pieces = list(json_doc.pieces(document))
                self.assertEqual(len(pieces), 2 + len(data["rows"]) if data else 1)
                self.assertEqual("".join(pieces).find("\n"), len("".join(pieces)) - 1)

    def test_an_object(self) -> None:
        self.assertEqual(json_doc.object_record(an_object()),
                         {"addr": "0x1000", "type": "list", "refcount": 2, "size": 48})
        record = json_doc.object_record(an_object(value="[]", states=frozenset(["immortal"])))
        self.assertEqual((record["value"], record["immortal"]), ("[]", True))

    def test_counts_in_words(self) -> None:
        self.assertEqual(objects.count_word(an_object(refcount=1200)), "rc 1,200")
        self.assertEqual(objects.count_word(an_object(states=frozenset(["saturated"]))),
                         "immortal")

    def test_a_value_does_not_say_the_type_again(self) -> None:
        for value, shown in (("<list size=1>", "<size=1>"), ("<list to 0x10>", "<to 0x10>"),
                             ("<list 3>", "<list 3>"), ("<lists a=1>", "<lists a=1>"),
                             ("[]", "[]")):
            with self.subTest(value):
                self.assertEqual(objects.value(an_object(value=value)), shown)

    def test_what_was_cut_is_said(self) -> None:
        self.assertEqual(list(objects.closing(5, 5, "object", PAGE)), [])
        self.assertEqual(list(objects.closing(5, 1234, "object", PAGE)),
                         ["5 of 1,234 objects shown; -limit 0 shows all."])


class Accounts(unittest.TestCase):
    """A count that roots explain is right only if they own: which, and how sure is that?"""

    @staticmethod
    def verdict(refcount: int, heap_refs: int, *confidences: str) -> str:
        roots = [Root(0x10 * number, 0x1000, "local", confidence, f"main.{'xyzuvw'[number]}")
                 for number, confidence in enumerate(confidences)]
        account = Account(refcount, heap_refs, 0, len(roots), 0, "balanced", EXACT)
        return "\n".join(accounts.verdict_lines(Accounting(account, roots, EXACT, []), PAGE))

    def test_without_roots(self) -> None:
        self.assertEqual(self.verdict(3, 3), "balanced: each reference is accounted for.")

    def test_one_root(self) -> None:
        self.assertEqual(self.verdict(1, 0, "exact"), "balanced, if main.x owns it.")
        self.assertEqual(self.verdict(2, 2, "exact"), "balanced, if main.x only borrows it.")
        self.assertEqual(self.verdict(1, 0, "conservative"),
                         "balanced, if main.x owns it; that may be a stale word, and then a "
                         "release is missing.")

    def test_some_roots(self) -> None:
        self.assertEqual(self.verdict(1, 1, "exact", "exact"),
                         "balanced, if the roots only borrow it.")
        self.assertEqual(self.verdict(2, 1, "exact", "exact", "conservative"),
                         "balanced, if 1 of the 3 roots owns it.")
        self.assertEqual(self.verdict(2, 0, "exact", "tolerant"),
                         "balanced, if each of the 2 roots owns it.")
        self.assertEqual(self.verdict(3, 0, "exact", "conservative", "conservative"),
                         "balanced, if each of the 3 roots owns it; only 1 of them is sure, the "
                         "others may be stale words.")
        self.assertEqual(self.verdict(2, 0, *["conservative"] * 3),
                         "balanced, if 2 of the 3 roots own it; all of them may be stale words.")

    def test_a_surplus_and_its_doubts(self) -> None:
        """As the audit says it: optimised code may own twice and keep the pointer once."""
        alone = Account(2, 1, 0, 0, 1, "over-retained", EXACT)
        said = "over-retained by 1: 1 of its 2 references is explained; a release is missing"
        self.assertEqual(list(accounts.verdict_lines(Accounting(alone, [], EXACT, []), PAGE)),
                         [said])
        doubted = Accounting(alone, [], EXACT, [], frozenset(("opaque", "flux")))
        self.assertEqual(list(accounts.verdict_lines(doubted, PAGE)), [
            said, "not certain: its heap was stopped while references were on their way",
            "not certain: an object of an opaque type may hold it unseen"])

    def test_a_deficit(self) -> None:
        account = Account(1, 2, 0, 0, -1, "under-retained", EXACT)
        self.assertEqual(
            list(accounts.verdict_lines(Accounting(account, [], EXACT, []), PAGE)),
            ["under-retained by 1: 2 references held, count 1; a retain is missing, or a release "
             "is too many"])


if __name__ == "__main__":
    unittest.main()
