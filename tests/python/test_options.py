"""The command line: options among an expression, ranges, sizes, completion."""

import unittest
from typing import Tuple

from cairn_gdb.commands import options
from cairn_gdb.commands.options import EXIT, JSON, LIMIT, Option
from cairn_gdb.errors import CairnError
from cairn_gdb.records import UNBOUNDED, Range

DECLARED: Tuple[Option, ...] = (
    Option("type", "glob", "", "GLOB"), Option("refcount", "range", "", "RANGE"),
    Option("size", "sizes", "", "RANGE"), Option("reverse", "flag", ""),
    Option("sort", "choice", "", "KEY", ("refcount", "size", "addr")), LIMIT, EXIT, JSON)


def parse(line: str) -> options.Arguments:
    return options.parse(line, DECLARED, 20)


class Lines(unittest.TestCase):
    def test_expressions_stay_as_typed(self) -> None:
        for line in ("x", "node->left", "(cairn_object *) 0x10", "a  -  b", "x - 1", "-1", "*p",
                     'names["-json"]', "f(-limit)", "'file.c'::x", "@3", "x -- -json"):
            with self.subTest(line):
                arguments = parse(line)
                self.assertEqual(arguments.expression, line.replace("-- ", ""))
                self.assertEqual(arguments.values, {})

    def test_options_stand_anywhere(self) -> None:
        for line in ("-json -limit 3 x + 1", "x + 1 -json -limit 3", "x -json + -limit 3 1",
                     "--json --limit 3 x + 1", "-j -l 3 x + 1"):
            with self.subTest(line):
                arguments = parse(line)
                self.assertEqual(arguments.expression, "x + 1")
                self.assertTrue(arguments.flag("json"))
                self.assertEqual(arguments.limit, 3)

    def test_defaults(self) -> None:
        arguments = parse("")
        self.assertEqual((arguments.expression, arguments.limit), ("", 20))
        self.assertFalse(arguments.flag("json"))
        self.assertEqual(arguments.text("type", "all"), "all")
        self.assertIsNone(arguments.count("depth"))
        self.assertEqual(arguments.range("size", Range(1, 2)), Range(1, 2))

    def test_values(self) -> None:
        arguments = parse('-type "my type*" -refcount >=3 -size 1k..2M -sort si')
        self.assertEqual(arguments.text("type"), "my type*")
        self.assertEqual(arguments.range("refcount", Range(0, 0)), Range(3, UNBOUNDED))
        self.assertEqual(arguments.range("size", Range(0, 0)), Range(1 << 10, 2 << 20))
        self.assertEqual(arguments.text("sort"), "size")

    def test_an_operator_may_stand_apart(self) -> None:
        self.assertEqual(parse("-refcount >= 3").range("refcount", Range(0, 0)),
                         Range(3, UNBOUNDED))
        arguments = parse("a -size < 4k -json b")
        self.assertEqual(arguments.range("size", Range(0, 0)), Range(0, 4095))
        self.assertEqual(arguments.expression, "a b")
        self.assertTrue(arguments.flag("json"))
        with self.assertRaisesRegex(CairnError, '"<" is no range'):
            parse("-size <")

    def test_what_stands_in_brackets_is_no_option(self) -> None:
        for line in ("(a -json)", "a[b -limit 3]", "f((a) -json)", "{x} + (f(1)[2] -json)",
                     "((a) -json)"):
            with self.subTest(line):
                self.assertEqual(parse(line).expression, line)
                self.assertEqual(parse(line).values, {})
        for line in ("(a) -json", "a[(b)] -json", ") -json", "a)) -json", "f(')') -json",
                     '"(" -json'):
            with self.subTest(line):
                self.assertEqual(parse(line).expression, line[:-len(" -json")])
                self.assertTrue(parse(line).flag("json"))

    def test_limit_zero_and_unlimited_show_all(self) -> None:
        self.assertEqual(parse("-limit 0").limit, 0)
        self.assertEqual(parse("-limit unlimited").limit, 0)

    def test_mistakes(self) -> None:
        for line, said in (("-refcnt 3", "Did you mean -refcount?"), ("-re 3", "-refcount, -rev"),
                           ("-limit", "-limit needs"), ("-limit many", "many"),
                           ("-limit -1", "-1"), ("-sort colour", "colour"), ("-bogus", "bogus"),
                           ('-type ""', "-type needs"), ("-type", "needs a type's name"),
                           ("-sort", "needs one of refcount, size, addr"),
                           ("-refcount", "needs a range, as in 3"), ("-limit", "needs a number"),
                           ("-size", "needs a range of sizes"), ("-size 1..x", "like 4k, >=1M"),
                           ("-refcount 1..x", "like 3, >=3"), ("x -bogus", "parentheses")):
            with self.subTest(line):
                with self.assertRaises(CairnError) as caught:
                    parse(line)
                self.assertIn(said, str(caught.exception))
                self.assertNotIn("\n", str(caught.exception))

    def test_words_that_were_split(self) -> None:
        arguments = options.parse_words(["-type", "a b", "x - 1", "-json"], DECLARED, 20)
        self.assertEqual(arguments.text("type"), "a b")
        self.assertEqual(arguments.expression, "x - 1")
        self.assertTrue(arguments.flag("json"))


class Ranges(unittest.TestCase):
    def test_forms(self) -> None:
        for text, low, high in (("3", 3, 3), (">=3", 3, UNBOUNDED), (">3", 4, UNBOUNDED),
                                ("<=3", 0, 3), ("<3", 0, 2), ("2..5", 2, 5), ("==3", 3, 3),
                                (" >= 3 ", 3, UNBOUNDED), ("0", 0, 0)):
            with self.subTest(text):
                self.assertEqual(options.parse_range(text, "-refcount"), Range(low, high))

    def test_sizes(self) -> None:
        for text, low, high in (("4k", 4096, 4096), (">=1M", 1 << 20, UNBOUNDED),
                                ("64..4k", 64, 4096), ("<1G", 0, (1 << 30) - 1),
                                ("2KiB", 2048, 2048), ("1kb", 1024, 1024), ("5", 5, 5),
                                ("2..5k", 2, 5120), ("1k..2048", 1024, 2048)):
            with self.subTest(text):
                self.assertEqual(options.parse_range(text, "-size", sizes=True), Range(low, high))

    def test_bad_ones_are_named(self) -> None:
        for text in ("x", "5..2", "..", ">", "1..x", "-3", "", "3..", "4k", "<0", "1.5",
                     "1k..2", "1..2k", ">4k", str(1 << 70), f">{UNBOUNDED}", f"0..{1 << 70}"):
            with self.subTest(text):
                with self.assertRaises(CairnError) as caught:
                    options.parse_range(text, "-refcount")
                self.assertIn(f'"{text}"', str(caught.exception))

    def test_a_bad_size_is_named(self) -> None:
        with self.assertRaisesRegex(CairnError, "5Q"):
            options.parse_range("5Q", "-size", sizes=True)


class Completions(unittest.TestCase):
    def complete(self, text: str, word: str) -> Tuple[list, bool]:
        return options.completions(text, word, DECLARED, lambda: ["dict", "node", "note-book"])

    def test_options(self) -> None:
        self.assertEqual(self.complete("-re", "-re"), (["-refcount", "-reverse"], False))
        self.assertEqual(self.complete("x --ty", "--ty"), (["--type"], False))

    def test_only_the_word_that_gdb_replaces_is_answered(self) -> None:
        self.assertEqual(self.complete("-re", "re"), (["refcount", "reverse"], False))
        self.assertEqual(self.complete("-type note-b", "b"), (["book"], False))

    def test_values(self) -> None:
        self.assertEqual(self.complete("-type no", "no"), (["node", "note-book"], False))
        self.assertEqual(self.complete("-sort ", ""), (["refcount", "size", "addr"], False))
        self.assertEqual(self.complete("-limit ", ""), ([], False))

    def test_everything_else_is_an_expression(self) -> None:
        self.assertEqual(self.complete("no", "no"), ([], True))
        self.assertEqual(self.complete("-json no", "no"), ([], True))


if __name__ == "__main__":
    unittest.main()
