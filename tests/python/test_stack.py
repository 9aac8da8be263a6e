"""`cairn stack`, `roots` and `map` over a program in a table: notes, holders, counts, cuts."""

import unittest
import unittest.mock
from typing import Any, Dict, Iterator, List, Optional, Tuple

from cairn_gdb.commands import options, roots, stack
from cairn_gdb.commands import map as map_command
from cairn_gdb.commands.command import Command
from cairn_gdb.errors import CairnError
from cairn_gdb.findings import reasons
from cairn_gdb.outside.slots import Frame, Outside, Scope, Thread, Variable
from cairn_gdb.records import CONSERVATIVE, EXACT, Location, Region, Root, Section
from cairn_gdb.render.page import Page
from cairn_gdb.shell import help as help_text
from fakes import ARENA, FakeLens, FakeTarget, a_session, an_object

LIST, NODE, STR, SMALL = 0x1000, 0x2000, 0x3000, 0x5000


class Program(FakeTarget):
    """A target with frames."""

    found = Outside()
    scope: Optional[Scope] = None

    def outside(self, session: Any, scope: Scope) -> Outside:
        self.scope = scope
        return self.found

    def sections(self) -> List[Section]:
        return [Section(0x100, 0x200, ".text", "")]

    def stack_pointers(self) -> List[Tuple[int, str, int]]:
        return [(1, "demo", 0x7010)]

    def symbol_at(self, address: int) -> str:
        return "main + 4" if address == 0x104 else ""


class Lens(FakeLens):
    def regions(self) -> List[Region]:
        read = frozenset(["read"])
        return [Region(0x100, 0x200, read | {"execute"}, "/bin/demo"),
                Region(ARENA, ARENA + (3 << 15), read | {"write"}),
                Region(0x7000, 0x8000, read | {"write"}, "[stack]")]


def a_frame(level: int, function: str, *variables: Variable, known: bool = True) -> Frame:
    frame = Frame(level, function, 0x100 + level, 0x7000 + level)
    frame.file, frame.line, frame.known, frame.program = "demo.c", 10 + level, known, True
    frame.variables = list(variables)
    return frame


def a_thread(number: int, *frames: Frame, selected: bool = True) -> Thread:
    thread = Thread(number, 1000 + number, "demo", selected)
    thread.frames = list(frames)
    return thread


def local(name: str, word: Optional[int], trust: str = "object", **known: Any) -> Variable:
    return Variable(name, "local", known.pop("addr", 0x7000 + hash(name) % 4096), word, trust,
                    **known)


class Stack(unittest.TestCase):
    def setUp(self) -> None:
        self.session, lens, _ = a_session()
        self.lens = Lens()
        self.lens.__dict__.update(lens.__dict__)
        self.target = Program(self.lens)
        self.session.target = self.target
        self.target.found = Outside()

    def ask(self, line: str = "") -> Tuple[Dict[str, Any], List[str], Any]:
        command: Command = stack.COMMAND
        arguments = options.parse(line, help_text.options_of(command), 20)
        result = command.run(self.session, arguments)
        return (command.document(result.records),
                list(command.lines(result.records, Page(100))), result)

    def variables(self, *given: Variable) -> Dict[str, Dict[str, Any]]:
        self.target.found.threads = [a_thread(1, a_frame(0, "f", *given))]
        document, _, _ = self.ask()
        rows = document["threads"][0]["frames"][0]["variables"]
        return {row["name"]: row for row in rows}

    def place(self, address: int, place: str) -> int:
        self.lens.places[address] = Location(place, 0, 0, 1, address & ~15, 48, address & 15)
        return address

    def test_notes(self) -> None:
        freed, buffer = self.place(0x6000, "freed"), self.place(0x6100, "buffer")
        fresh, meta = self.place(0x6200, "fresh"), self.place(0x6300, "heap_meta")
        rows = self.variables(
            local("x", STR), local("null", 0), local("freed", freed), local("fresh", fresh),
            local("wild", 0x1), local("inside", STR + 8), local("in_buffer", buffer, "pointer"),
            local("gone", None, fault="optimized out"), local("bad", None, fault="unreadable"),
            local("never", STR, unset="surely"), local("stale", freed, unset="maybe"),
            local("perhaps", STR, unset="maybe"), local("heap", meta, "pointer"),
            local("other", 0x1, "pointer"), local("void", STR, "pointer"),
            local("number", STR, "integer"), local("near", STR + 8, "integer"),
            local("zero", 0, "pointer"), local("unset_void", STR, "pointer", unset="surely"),
            local("maybe_void", STR, "pointer", unset="maybe"))
        self.assertEqual({name: row.get("note") for name, row in rows.items()}, {
            "x": None, "null": "null", "freed": "freed", "fresh": "dangling", "wild": "dangling",
            "inside": "interior", "in_buffer": "interior", "gone": "optimized out",
            "bad": "unreadable", "never": "uninitialised", "stale": "freed",
            "perhaps": None, "void": None, "number": None})
        self.assertEqual({name for name, row in rows.items() if row["object"]},
                         {"x", "inside", "perhaps", "void", "number"})

    def test_a_stale_word_that_leads_nowhere_is_not_set(self) -> None:
        rows = self.variables(local("x", 0x1, unset="maybe"))
        self.assertEqual(rows["x"]["note"], "uninitialised")

    def test_a_pointer_to_a_slot_says_which(self) -> None:
        rows = self.variables(local("x", STR, addr=0x7100),
                              local("*p", STR, addr=0x7100, through=True),
                              local("*q", STR, addr=NODE + 8, through=True),
                              local("r", 0x1, "slot"))
        self.assertEqual(rows["*p"]["place"], "f.x")
        self.assertEqual(rows["*q"]["place"], "in 0x2000")
        self.assertEqual(rows["r"]["note"], "dangling")

    def test_holders_meet(self) -> None:
        self.target.found.threads = [a_thread(
            1, a_frame(0, "f", local("x", STR)), a_frame(1, "f", local("x", STR)),
            a_frame(2, "main", local("y", NODE), local("z", 0)))]
        self.target.found.data = [Variable("cache", "global", 0x9000, LIST, "object")]
        document, lines, result = self.ask()
        self.assertEqual([(row["addr"], row["holders"]) for row in document["objects"]],
                         [("0x3000", ["f#0.x", "f#1.x"]), ("0x2000", ["main.y"]),
                          ("0x1000", ["cache"])])
        self.assertEqual(self.session.listing, [STR, NODE, LIST])
        self.assertEqual(result.exactness, EXACT)
        self.assertEqual(document["data"][0]["name"], "cache")
        text = "\n".join(lines)
        self.assertRegex(text, r'│ str "two"  +rc 2 +│ @1')
        self.assertIn("+1 from node @2.name", text)
        self.assertIn("+1 from list @3[0]", text)
        self.assertRegex(text, r" global +cache ─")

    def test_a_count_that_nothing_explains(self) -> None:
        self.target.found.threads = [a_thread(1, a_frame(0, "f", local("y", NODE)))]
        document, lines, _ = self.ask()
        self.assertEqual(document["objects"][0]["reasons"],
                         [{"count": 1, "holder": "0x1000", "slot": "[0]"},
                          {"count": 1, "text": "from elsewhere"}])
        self.assertIn("+1 from elsewhere", "\n".join(lines))

    def test_the_runtimes_own_tables_have_a_name(self) -> None:
        self.lens.add(an_object(0x6000, "set", 1), '{"two"}')
        self.lens.edges.append((0x6000, 'key "two"', STR))
        plain = self.lens.account
        self.lens.account = lambda index, progress: plain(index)._replace(
            runtime_refs=int(sorted(self.lens.objects)[index] == 0x6000))
        self.target.found.threads = [a_thread(1, a_frame(0, "f", local("s", STR)))]
        document, lines, _ = self.ask()
        self.assertIn("+1 from the intern table", "\n".join(lines))
        self.assertIn({"count": 1, "holder": "0x6000", "slot": 'key "two"'},
                      document["objects"][0]["reasons"])
        self.lens.account = lambda index, progress: plain(index)
        self.assertNotIn("intern", "\n".join(self.ask()[1]))

    def test_a_large_heap_is_not_searched_unasked(self) -> None:
        self.target.found.threads = [a_thread(1, a_frame(0, "f", local("y", NODE)))]
        with unittest.mock.patch.object(reasons, "INDEX_MAX", 3):
            document, lines, _ = self.ask()
        self.assertNotIn("reasons", document["objects"][0])
        self.assertNotIn("walk", self.lens.asked)
        self.assertTrue(any("was not computed" in line for line in lines))

    def test_threads(self) -> None:
        other = a_thread(2, a_frame(0, "f", local("x", STR)), selected=False)
        running = Thread(3, 1003, "", False)
        running.problem = "it is running"
        self.target.found.threads = [a_thread(1, a_frame(0, "f", local("x", STR))), other, running]
        document, lines, _ = self.ask("-all")
        assert self.target.scope is not None
        self.assertTrue(self.target.scope.all_threads)
        self.assertEqual(document["objects"][0]["holders"], ["1:f.x", "2:f.x"])
        self.assertEqual([thread["id"] for thread in document["threads"]], [1, 2, 3])
        text = "\n".join(lines)
        self.assertIn('thread 1 "demo"  (selected)', text)
        self.assertIn("(it is running)", text)

    def test_what_is_cut_is_said(self) -> None:
        many = [local(f"a[{index}]", STR, addr=index) for index in range(40)]
        thread = a_thread(1, a_frame(0, "f", *many), a_frame(1, "g"), a_frame(2, "h"),
                          a_frame(3, "i"), a_frame(4, "main", local("y", NODE), known=False))
        thread.more, thread.ended = True, "previous frame inner to this frame"
        self.target.found.threads = [thread]
        _, lines, _ = self.ask("-limit 5")
        assert self.target.scope is not None
        self.assertEqual(self.target.scope.frame_limit, 5)
        text = "\n".join(lines)
        for said in ("f: 28 more names not drawn", "The innermost 5 frames shown; -limit 0",
                     "The frames end early: previous frame inner", "... 3 frames, no reference",
                     "There is no debug information for 1 frame:"):
            self.assertIn(said, text)

    def test_one_frame_of_several(self) -> None:
        thread = a_thread(1, a_frame(0, "f"))
        thread.more = True
        self.target.found.threads = [thread]
        self.assertIn("The innermost frame shown; -limit 0 shows all.", self.ask("-limit 1")[1])

    def test_an_array_of_nothing_is_one_row(self) -> None:
        row = [local(f"a[{index}]", 0, addr=index) for index in range(5)]
        self.target.found.threads = [a_thread(1, a_frame(0, "f", *row, local("x", 0)))]
        _, lines, _ = self.ask()
        self.assertEqual(lines[:3], [" stack", " f  a[0..4] (null)", "    x (null)"])

    def test_words_are_no_proof(self) -> None:
        frame = a_frame(0, "", Variable("sp+0x8", "word", 0x7008, STR), known=False)
        self.target.found.threads = [a_thread(1, frame)]
        document, _, result = self.ask()
        self.assertEqual(result.exactness, CONSERVATIVE)
        self.assertEqual(document["threads"][0]["frames"][0]["function"], None)

    def test_no_thread(self) -> None:
        with self.assertRaisesRegex(CairnError, "no thread"):
            self.ask()

    def test_nothing_refers_to_an_object(self) -> None:
        self.target.found.threads = [a_thread(1, a_frame(0, "main", local("x", 0)))]
        _, lines, _ = self.ask()
        self.assertEqual(lines[-1], "No name here refers to an object.")


class FakeRoots:
    def __init__(self, rows: List[Root]) -> None:
        self._rows = rows
        self.warnings = ["said"]
        self.stacks = {1: None}

    def rows(self) -> Iterator[Root]:
        return iter(self._rows)


class RootRows(unittest.TestCase):
    def ask(self, line: str) -> Tuple[Any, Dict[str, Any], List[str]]:
        session, lens, target = a_session()
        found = FakeRoots([
            Root(0x7000, LIST, "local", "exact", "main.x", 1, 0, False, 0),
            Root(0, NODE, "register", "conservative", "$rbx", 1, 0, False, 1),
            Root(0x9000, LIST, "foreign", "conservative", "[heap]+0x10", None, None, False, 0)])
        target.collect_roots = lambda session: found  # type: ignore
        lens.snapshot_object = (  # type: ignore
            lambda index: lens.objects[sorted(lens.objects)[index]])
        command: Command = roots.COMMAND
        result = command.run(session, options.parse(line, help_text.options_of(command), 20))
        return (result, command.document(result.records),
                list(command.lines(result.records, Page(100))))

    def test_rows(self) -> None:
        result, document, lines = self.ask("")
        self.assertEqual([row["name"] for row in document["rows"]],
                         ["main.x", "$rbx", "[heap]+0x10"])
        self.assertEqual([row["addr"] for row in document["rows"]], ["0x7000", None, "0x9000"])
        self.assertEqual(document["rows"][1]["object"]["addr"], "0x2000")
        self.assertEqual((result.exactness, result.warnings), (CONSERVATIVE, ["said"]))
        self.assertIn("3 roots: 1 local, 1 register, 1 foreign.", lines)

    def test_one_kind(self) -> None:
        result, document, _ = self.ask("-kind local")
        self.assertEqual((document["matched"], document["shown"]), (1, 1))
        self.assertEqual(result.exactness, EXACT)

    def test_the_limit(self) -> None:
        _, document, lines = self.ask("-limit 2")
        self.assertEqual((document["matched"], document["shown"]), (3, 2))
        self.assertIn("2 of 3 roots shown; -limit 0 shows all.", lines)


class Map(unittest.TestCase):
    def ask(self, line: str) -> Tuple[Dict[str, Any], List[str]]:
        session, known, _ = a_session()
        lens = Lens()
        lens.__dict__.update(known.__dict__)
        session.target = Program(lens)
        command: Command = map_command.COMMAND
        result = command.run(session, options.parse(line, help_text.options_of(command), 20))
        return (command.document(result.records),
                list(command.lines(result.records, Page(100))))

    def test_regions(self) -> None:
        document, lines = self.ask("")
        self.assertEqual([(row["kind"], row["name"]) for row in document["regions"]],
                         [("text", ""), ("stack", 'thread 1 "demo"'), ("arena", "main, arena 0")])
        self.assertTrue(lines[-2].startswith("text 256 B, arena 96.0 KiB, stack 4.0 KiB"))

    def test_where_an_address_is(self) -> None:
        for expression, said in (
                ("0x104", "0x104 is in text, the program's code: main + 4."),
                ("0x7010", '0x7010 is in the stack of thread 1 "demo".'),
                ("0x9999", "0x9999 is not mapped: nothing is there.")):
            with self.subTest(expression):
                document, lines = self.ask(expression)
                self.assertEqual(lines[-1], said)
                self.assertEqual(document["address"]["addr"], expression)


if __name__ == "__main__":
    unittest.main()
