"""cairn-lens on a core of a random heap: what it prints against the heap's truth, as JSON and as
text; its exit status; what it says when it is asked wrongly or given something else.

usage: lens_program.py CAIRN_LENS FIXTURE
"""

import collections
import glob
import json
import os
import re
import resource
import struct
import subprocess
import sys
import tempfile
import unittest
from unittest import mock
from typing import Any, Dict, FrozenSet, List, Optional, Set, Tuple

PROGRAM, FIXTURE = sys.argv[1], sys.argv[2]
NO_CORES = 77
SEED = 5


class Truth:
    """What the fixture wrote (tests/world/truth.c)."""

    def __init__(self, path: str) -> None:
        self.objects: Dict[int, Tuple[str, int, int]] = {}  # address: type, count, size
        self.builtins: Set[int] = set()
        self.interned: Set[int] = set()
        self.edges: List[Tuple[int, int, str]] = []  # holder, target, kind
        with open(path, encoding="utf-8") as file:
            for line in file:
                words = line.rstrip("\n").split("\t")
                if words[0] == "object":
                    self.objects[int(words[1], 16)] = (words[2], int(words[3]), int(words[4]))
                elif words[0] == "builtin":
                    self.builtins.add(int(words[1], 16))
                elif words[0] == "interned":
                    self.interned.add(int(words[1], 16))
                elif words[0] == "edge":
                    self.edges.append((int(words[1], 16), int(words[3], 16), words[4]))


def make_core(directory: str, objects: int = 400) -> Optional[str]:
    def unlimited() -> None:
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    environment = dict(os.environ, ASAN_OPTIONS="disable_coredump=0:detect_leaks=0")
    subprocess.run([FIXTURE, "-seed", str(SEED), "-objects", str(objects), "-abort", "truth"],
                   cwd=directory, preexec_fn=unlimited, env=environment, check=False,
                   stderr=subprocess.DEVNULL)
    cores = glob.glob(os.path.join(directory, "core*"))
    return cores[0] if cores else None


WHERE_FILES_GO = tempfile.TemporaryDirectory()  # of options that are drawn


class Answer:
    def __init__(self, *words: str) -> None:
        done = subprocess.run([PROGRAM, *words], cwd=WHERE_FILES_GO.name,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True, timeout=60, check=False)
        self.status, self.text, self.error = done.returncode, done.stdout, done.stderr


class LensProgram(unittest.TestCase):
    core = ""
    truth: Truth

    def ask(self, *words: str, status: int = 0) -> Any:
        """The data of a command's JSON."""
        answer = Answer(self.core, *words, "-json")
        self.assertEqual(answer.status, status, answer.error)
        document = json.loads(answer.text)
        self.assertEqual(document["schema"], "cairn/1")
        self.assertEqual(document["command"], words[0])
        self.assertEqual(document["target"]["kind"], "core")
        self.assertGreater(document["target"]["pid"], 0)
        self.assertIn(document["exactness"], ("exact", "tolerant", "conservative"))
        return document["data"]

    def refused(self, *words: str) -> None:
        answer = Answer(*words)
        self.assertEqual(answer.status, 2)
        self.assertEqual(answer.text, "")
        self.assertTrue(answer.error.startswith("cairn-lens: "), answer.error)
        self.assertLessEqual(answer.error.count("\n"), 2)

    # ---- the whole heap ----

    def test_objects(self) -> None:
        data = self.ask("objects", "-limit", "0")
        found = {int(row["addr"], 16): (row["type"], row["refcount"], row["size"])
                 for row in data["rows"]}
        self.assertEqual(set(found), set(self.truth.objects) | self.truth.builtins)
        for address, row in self.truth.objects.items():
            self.assertEqual(found[address], row)
        self.assertEqual(data["matched"], len(found))
        self.assertEqual(data["shown"], len(found))

    def test_objects_by_count(self) -> None:
        rows = self.ask("objects", "-limit", "0")["rows"]
        counts = [row["refcount"] for row in rows if "immortal" not in row]
        self.assertEqual(counts, sorted(counts, reverse=True))
        self.assertTrue(all("immortal" in row for row in rows[len(counts):]))

    def test_filters(self) -> None:
        every = list(self.truth.objects.values())
        for words, wanted in (
                (("-type", "dict"), [row for row in every if row[0] == "dict"]),
                (("-type", "*t*", "-size", "<64"),
                 [row for row in every if "t" in row[0] and row[2] < 64]),
                (("-type", "list", "-refcount", "2..4"),
                 [row for row in every if row[0] == "list" and 2 <= row[1] <= 4]),
                (("-type", "str", "-refcount", ">1"),
                 [row for row in every if row[0] == "str" and row[1] > 1])):
            rows = self.ask("objects", "-limit", "0", *words)["rows"]
            self.assertEqual(sorted((row["type"], row["refcount"], row["size"]) for row in rows
                                    if int(row["addr"], 16) not in self.truth.builtins),
                             sorted(wanted))

    def test_orders(self) -> None:
        for key, name in (("size", "size"), ("addr", "addr"), ("type", "type")):
            for words in ((), ("-reverse",)):
                rows = self.ask("objects", "-limit", "0", "-sort", key, *words)["rows"]
                keys = [int(row[name], 16) if name == "addr" else row[name] for row in rows]
                backwards = (key == "size") != bool(words)
                self.assertEqual(keys, sorted(keys, reverse=backwards))

    def test_types(self) -> None:
        wanted = collections.Counter(row[0] for row in self.truth.objects.values())
        rows = self.ask("types", "-limit", "0")["rows"]
        found = {row["type"]: row["count"] for row in rows}
        self.assertEqual(sum(found.values()),
                         len(self.truth.objects) + len(self.truth.builtins))
        for name, count in wanted.items():
            self.assertGreaterEqual(found[name], count)
        self.assertEqual([row["bytes"] for row in rows],
                         sorted((row["bytes"] for row in rows), reverse=True))

    def test_types_in_another_order(self) -> None:
        keys = {"bytes": lambda row: -row["bytes"], "count": lambda row: -row["count"],
                "refcount": lambda row: -row["refcount_max"], "type": lambda row: row["type"]}
        for name, key in keys.items():
            rows = self.ask("types", "-limit", "0", "-sort", name)["rows"]
            self.assertEqual([key(row) for row in rows], sorted(key(row) for row in rows))
            turned = self.ask("types", "-limit", "0", "-sort", name, "-reverse")["rows"]
            self.assertEqual(turned, rows[::-1])

    def test_pages(self) -> None:
        pages = self.ask("arenas", "-pages", "-limit", "0")["rows"]
        arenas = self.ask("arenas", "-limit", "0")["rows"]
        self.assertEqual({page["arena"] for page in pages}, {arena["addr"] for arena in arenas})
        self.assertGreater(len(arenas), 0)
        for arena in arenas:
            mine = [page for page in pages if page["arena"] == arena["addr"]]
            self.assertEqual(len(mine), arena["pages"])
            self.assertEqual(sum(page["bytes"] for page in mine), arena["bytes"])
            blocks = [page for page in mine if page["kind"] == "blocks"]
            large = sum(page["kind"] == "large" for page in mine)
            self.assertEqual(sum(page["blocks_used"] for page in blocks) + large,
                             arena["blocks_used"])
        self.assertIn("3 of ", Answer(self.core, "arenas", "-pages", "-limit", "3").text)

    def test_refcounts(self) -> None:
        rows = self.ask("refcounts", "-limit", "0")["rows"]
        objects = self.ask("objects", "-limit", "0")["rows"]
        wanted = collections.Counter(row["refcount"] for row in objects if "immortal" not in row)
        self.assertEqual({row["refcount"]: row["count"] for row in rows if "immortal" not in row},
                         dict(wanted))

    def test_overview_and_arenas(self) -> None:
        data = self.ask("overview")
        self.assertEqual(data["objects"], len(self.truth.objects) + len(self.truth.builtins))
        self.assertEqual(len(data["heaps"]), 1)
        self.assertEqual(data["heaps"][0]["name"], "random 1")
        self.assertEqual(data["heaps"][0]["arenas"], self.ask("arenas")["matched"])

    # ---- one object ----

    def holder(self) -> int:
        """A list that holds something, and that something holds."""
        held = {target for _, target, kind in self.truth.edges if kind == "strong"}
        return next(address for address, _, _ in self.truth.edges
                    if address in held and self.truth.objects[address][0] == "list")

    def test_refs(self) -> None:
        address = self.holder()
        rows = self.ask("refs", hex(address), "-limit", "0")["rows"]
        self.assertEqual(sorted((int(row["object"]["addr"], 16), row["kind"]) for row in rows),
                         sorted((target, kind) for holder, target, kind in self.truth.edges
                                if holder == address))

    def test_show_knows_interior_addresses(self) -> None:
        address = self.holder()
        data = self.ask("show", hex(address + 9))
        self.assertEqual(int(data["addr"], 16), address)
        self.assertEqual(data["type"], "list")
        self.assertTrue(any(field["kind"] == "strong" for field in data["fields"]))

    def test_referrers(self) -> None:
        address = self.holder()
        data = self.ask("referrers", hex(address), "-limit", "0")
        objects = [(int(row["holder"]["addr"], 16), row["kind"]) for row in data["rows"]
                   if "type" in row["holder"]]
        self.assertEqual(sorted(objects),
                         sorted((holder, kind) for holder, target, kind in self.truth.edges
                                if target == address and kind != "opaque"))
        accounting = data["accounting"]
        self.assertEqual(accounting["refcount"], self.truth.objects[address][1])
        self.assertEqual(accounting["heap_refs"],
                         sum(kind == "strong" for _, kind in objects))

    # ---- text ----

    def test_audit_of_a_balanced_heap(self) -> None:
        """What an opaque object disguises is in doubt; nothing is said to be wrong for sure."""
        data = self.ask("audit", "-limit", "0")
        self.assertEqual((data["totals"]["over"], data["totals"]["under"]), (0, 0))
        disguised = {target for _, target, kind in self.truth.edges if kind == "opaque"}
        self.assertGreater(len(data["rows"]), 0)
        for row in data["rows"]:
            self.assertEqual((row["verdict"], row["confidence"]),
                             ("over-retained", "conservative"))
            self.assertIn("opaque", row["doubts"])
            self.assertIn(int(row["addr"], 16), disguised)
        self.refused(self.core, "history", data["rows"][0]["addr"])
        self.refused(self.core, "sites")

    def test_text_says_what_it_cut(self) -> None:
        answer = Answer(self.core, "objects", "-limit", "3")
        self.assertEqual(answer.status, 0)
        self.assertRegex(answer.text, r"\n3 of [\d,]+ objects shown; -limit 0 shows all\.\n")
        lines = answer.text.split("\n")
        self.assertTrue(lines[0].startswith("address"))
        self.assertFalse(any(line != line.rstrip() for line in lines))

    def test_text_of_every_command(self) -> None:
        address = hex(self.holder())
        for words in (("overview",), ("types",), ("objects",), ("refcounts",), ("arenas",),
                      ("check",), ("audit",), ("show", address), ("refs", address),
                      ("referrers", address)):
            answer = Answer(self.core, *words)
            self.assertEqual(answer.status, 0, answer.error)
            self.assertGreater(answer.text.count("\n"), 0)
            self.assertEqual(answer.error, "")

    def test_a_narrow_page(self) -> None:
        """Texts give way, addresses never do; and what has room keeps to the page."""
        address = hex(self.holder())
        for words in (("leaks", "-limit", "9"), ("leaks", "-tree"), ("audit", "-unsure"),
                      ("objects",), ("types",), ("arenas",), ("retained",), ("cycles", "-live"),
                      ("collect", "-all"), ("retained", "-by", "root"), ("path", address),
                      ("refs", address), ("referrers", address), ("show", address)):
            whole = Answer(self.core, *words).text
            for width in (20, 50, 80, 120):
                with self.subTest(words=words, width=width):
                    with mock.patch.dict(os.environ, {"COLUMNS": str(width)}):
                        text = Answer(self.core, *words).text
                    rows = {found for row in whole.splitlines()  # beside values, which are cut
                            for found in re.findall("^[^[<{(]*?(0x[0-9a-f]{8,})", row)}
                    self.assertEqual({one for one in rows if one not in text}, set())
                    if width >= 120 and words[0] != "cycles" and "-tree" not in words:
                        self.assertLessEqual(max(map(len, text.splitlines())), width)
                    if width == 20:
                        self.assertGreaterEqual(text.count("\n"), whole.count("\n"))

    # ---- what is wrong ----

    def rings(self) -> Set[FrozenSet[int]]:
        """The sets of objects that hold each other, by what each one reaches."""
        held: Dict[int, Set[int]] = collections.defaultdict(set)
        for holder, target, kind in self.truth.edges:
            if kind == "strong":
                held[holder].add(target)

        def reach(start: int) -> Set[int]:
            found: Set[int] = set()
            todo = list(held[start])
            while todo:
                at = todo.pop()
                if at not in found:
                    found.add(at)
                    todo.extend(held[at])
            return found
        reached = {address: reach(address) for address in list(self.truth.objects)}
        return {frozenset(other for other in reached[address] if address in reached.get(other, ()))
                for address in reached if address in reached[address]}

    def test_cycles(self) -> None:
        data = self.ask("cycles", "-live", "-limit", "0")
        found = {frozenset(int(one["addr"], 16) for one in row["objects"]): row
                 for row in data["rows"]}
        rings = self.rings()
        self.assertGreater(len(rings), 0)
        self.assertEqual(len(found), len(rings))
        for members, row in found.items():
            whole = [ring for ring in rings if members <= ring]
            self.assertEqual(len(whole), 1)
            self.assertEqual(row["object_count"], len(whole[0]))
            self.assertEqual(len(members), min(20, len(whole[0])))
            for slot, after in zip(row["slots"], row["slots"][1:][:row["ring"] - 1]):
                self.assertEqual(slot["target"], after["holder"])
        self.assertEqual(data["garbage"]["cycles"] + data["live"]["cycles"], len(rings))
        self.assertIn("live cycles", Answer(self.core, "cycles").text)

    def test_retained(self) -> None:
        data = self.ask("retained", "-limit", "0")
        every = len(self.truth.objects) + len(self.truth.builtins)
        self.assertEqual(data["reached"]["objects"] + data["unreached"]["objects"], every)
        sizes = [row["retained_bytes"] for row in data["rows"]]
        self.assertEqual(sizes, sorted(sizes, reverse=True))
        self.assertEqual(len(sizes), every)
        by_type = {row["type"]: row for row in self.ask("retained", "-by", "type",
                                                        "-limit", "0")["rows"]}
        for row in data["rows"]:
            if row["reached"]:
                self.assertGreaterEqual(by_type[row["type"]]["retained_objects"],
                                        row["retained_objects"])
        self.assertIn("-by of retained is object, type or root, not x",
                      Answer(self.core, "retained", "-by", "x").error)
        roots = self.ask("retained", "-by", "root", "-limit", "0")
        size_of = {row["addr"]: row["retained_bytes"] for row in data["rows"]}
        self.assertGreater(len(roots["rows"]), 0)
        for row in roots["rows"]:
            self.assertGreaterEqual(row["retained_bytes"], size_of[row["object"]["addr"]])
        sizes = [row["retained_bytes"] for row in roots["rows"]]
        self.assertEqual(sizes, sorted(sizes, reverse=True))
        self.assertIn("there are none with -by", Answer(self.core, "retained", "-by", "root",
                                                        "-type", "list").error)
        listed = self.ask("objects", "-sort", "retained", "-limit", "9")["rows"]
        self.assertEqual([row["retained_bytes"] for row in listed],
                         [row["retained_bytes"] for row in data["rows"][:9]])

    def test_check_of_a_healthy_heap(self) -> None:
        data = self.ask("check")
        self.assertEqual([row for row in data["rows"] if row["severity"] != "note"], [])
        self.assertEqual(data["checked"]["objects"],
                         len(self.truth.objects) + len(self.truth.builtins))

    def test_check_of_a_damaged_heap(self) -> None:
        address = self.holder()
        with open(self.core, "r+b") as file:
            at = file_offset(file.read(1 << 16), address)
            file.seek(at)
            header = file.read(8)
            try:
                file.seek(at)
                file.write(header[:4] + b"\xff\xff\xff" + header[7:])
                file.flush()
                rows = self.ask("check", status=1)["rows"]
                self.assertIn(hex(address), [row["addr"] for row in rows])
                self.assertEqual(Answer(self.core, "types").status, 1)
            finally:
                file.seek(at)
                file.write(header)
        self.ask("check")

    # ---- moments ----

    def test_a_snapshot_is_the_core(self) -> None:
        path = os.path.join(os.path.dirname(self.core), "moment")
        data = self.ask("snapshot", "-output", path)
        self.assertEqual(data["objects"], len(self.truth.objects) + len(self.truth.builtins))
        for words in ((path, "diff", self.core), ("diff", self.core, path), ("diff", path, path)):
            answer = Answer(*words, "-json")
            self.assertEqual(answer.status, 0, answer.error)
            document = json.loads(answer.text)
            self.assertEqual(document["exactness"], "conservative")  # it has opaque types
            self.assertEqual(document["data"]["rows"], [])
            self.assertEqual(document["data"]["totals"]["kept"], data["objects"])
            self.assertEqual(document["data"]["totals"]["process"], "same")
        text = Answer("diff", path, self.core).text
        self.assertIn(f"{data['objects']:,} still there", text)
        self.assertIn("without serials", text)

    def test_growth_from_one_core_to_another(self) -> None:
        directory = os.path.join(os.path.dirname(self.core), "larger")
        os.mkdir(directory)
        larger = make_core(directory, 900)
        assert larger is not None
        truth = Truth(os.path.join(directory, "truth"))
        before = collections.Counter(row[0] for row in self.truth.objects.values())
        after = collections.Counter(row[0] for row in truth.objects.values())
        answer = Answer("diff", self.core, larger, "-json", "-limit", "0")
        data = json.loads(answer.text)["data"]
        self.assertEqual(data["totals"]["process"], "other")
        self.assertIsNone(data["totals"]["new"])
        grown = {row["type"]: row["count_b"] - row["count_a"] for row in data["rows"]}
        for name in set(before) | set(after):
            self.assertEqual(grown.get(name, 0), after[name] - before[name], name)
        total = sum(after.values()) - sum(before.values())
        self.assertGreater(total, 0)
        for limit, status in ((total, 0), (total - 1, 1)):
            answer = Answer("diff", self.core, larger, "-max-growth-objects", str(limit))
            self.assertEqual(answer.status, status, answer.text)
            self.assertEqual("Limit exceeded" in answer.text, status == 1)
        self.assertIn("different processes", answer.text)
        # A limit that is passed by less than the rounding is told in bytes.
        totals = data["totals"]
        more = totals["bytes_b"] - totals["bytes_a"]
        self.assertIn(more, range(10 << 10, 99 << 10))
        answer = Answer("diff", self.core, larger, "-max-growth-bytes", str(more - 1))
        told = [f"{more / 1024:.1f} KiB", f"{(more - 1) / 1024:.1f} KiB"]
        if told[0] == told[1]:
            told = [f"{more:,} B", f"{more - 1:,} B"]
        self.assertIn(f"Limit exceeded: {told[0]} more, at most {told[1]} allowed.", answer.text)
        answer = Answer("diff", self.core, larger, "-max-growth-bytes", "1023")
        self.assertIn("KiB more, at most 1023 B allowed.", answer.text)

    def test_wrong_moments(self) -> None:
        truth = os.path.join(os.path.dirname(self.core), "truth")
        for words in (("diff", self.core), ("diff", self.core, "nowhere"), (self.core, "snapshot"),
                      ("diff", self.core, truth), ("diff", self.core, self.core, self.core),
                      (self.core, "snapshot", "-output", truth), ("diff", "a", "b", "-by", "size"),
                      (self.core, "snapshot", "-output", "/nowhere/at/all"),
                      ("diff", "a", "b", "-max-growth-bytes", "much")):
            with self.subTest(words):
                self.refused(*words)

    def test_wrong_questions(self) -> None:
        for words in ((), (self.core, "types", "again"), (self.core, "show"),
                      (self.core, "show", "here"), (self.core, "show", "0x10"),
                      (self.core, "objects", "-refcount", "many"),
                      (self.core, "objects", "-size", "5..2"),
                      (self.core, "objects", "-limit", "-1"),
                      (self.core, "objects", "-sort", "beauty"),
                      (self.core, "objects", "-heap", "99"), (self.core + ".none",),
                      ("/etc/passwd",), (PROGRAM,), (self.core, "/etc/passwd", "frob")):
            with self.subTest(words=words):
                self.refused(*words)

    def test_what_a_command_does_not_know(self) -> None:
        """An unknown type or heap is an error of each command that takes one; an option that says
        nothing to a command is refused."""
        for name in ("objects", "audit", "leaks", "collect", "retained", "sites"):
            answer = Answer(self.core, name, "-type", "no_such_type")
            self.assertEqual((answer.status, answer.text), (2, ""))
            self.assertIn("no type has that name: no_such_type; there are", answer.error)
            self.assertIn(" list", answer.error)
        for name in ("objects", "collect", "retained"):
            self.assertIn("no heap has that number or name: 99",
                          Answer(self.core, name, "-heap", "99").error)
        for words in (("types", "-weak"), ("check", "-type", "list"), ("path", "0x1", "-live"),
                      ("leaks", "-candidates"), ("show", "0x1", "-sort", "size")):
            answer = Answer(self.core, *words)
            self.assertEqual((answer.status, answer.text), (2, ""))
            self.assertIn(f"{words[0]} takes no -", answer.error)

    def test_a_heap_by_its_name(self) -> None:
        named = [heap for heap in self.ask("overview")["heaps"] if heap.get("name")]
        self.assertTrue(named)
        for heap in named:
            by_name, by_number = (
                self.ask("objects", "-limit", "0", "-heap", str(word))["rows"]
                for word in (heap["name"], heap["id"]))
            self.assertEqual(by_name, by_number)
            self.assertEqual({row["heap"] for row in by_name}, {heap["id"]})

    def test_help_of_each_command(self) -> None:
        """The help of a command, the help of all, and what completion offers name the same."""
        every = Answer("-help").text
        words = Answer("-words").text.split()
        commands = [word for word in words if not word.startswith("-")]
        self.assertGreater(len(commands), 18)
        for name in commands:
            self.assertRegex(every, rf"(?m)^  {name}\b")
            text = Answer(name, "-help").text
            self.assertEqual(Answer("core", name, "-help").text, text)
            self.assertTrue(text.startswith("usage: cairn-lens "), text)
            listed = re.findall(r"(?m)^  (-[a-z-]+)", text)
            self.assertEqual(Answer("-words", name).text.split(), listed)
            self.assertTrue({"-json", "-limit", "-help"} <= set(listed))
            for option in listed:
                self.assertIn(option, words)
                more = re.search(rf"(?m)^  {option} ([A-Za-z|]+)  ", text)
                given = [option] + (["1"] if more else [])
                refusal = Answer(self.core, name, "-json", *given).error
                self.assertNotIn("takes no " + option, refusal)

    def test_completion(self) -> None:
        """What bash offers behind some words."""
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        script = os.path.join(root, "gdb-plugin", "lens", "cairn-lens.bash")

        def offered(*words: str) -> Set[str]:
            done = subprocess.run(
                ["bash", "-c", 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                 'compopt() { :; }; _cairn_lens "$1" "${@: -1}"; printf "%s\\n" "${COMPREPLY[@]}"',
                 "bash", script, PROGRAM, *words], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, universal_newlines=True, timeout=60, check=True)
            self.assertEqual(done.stderr, "")
            return set(done.stdout.split())
        self.assertEqual(offered("core", "ret"), {"retained"})
        self.assertEqual(offered("core", "leaks", "-max-"), {"-max-objects", "-max-bytes"})
        self.assertEqual(offered("diff", "a", "b", "-max-"),
                         {"-max-growth-objects", "-max-growth-bytes"})
        self.assertEqual(offered("core", "show", "-ty"), set())

    def test_help(self) -> None:
        for word in ("-help", "--help"):
            answer = Answer(word)
            self.assertEqual(answer.status, 0)
            for name in ("overview", "referrers", "-limit", "Exit status"):
                self.assertIn(name, answer.text)
        self.assertTrue(re.match(r"cairn-lens \d+\.\d+\.\d+\n$", Answer("-version").text))


def file_offset(head: bytes, address: int) -> int:
    """Where a core's file has the byte at an address."""
    (table,) = struct.unpack_from("<Q", head, 32)
    size, count = struct.unpack_from("<HH", head, 54)
    for index in range(count):
        kind, _, offset, start, _, in_file = struct.unpack_from("<IIQQQQ", head,
                                                                table + index * size)
        if kind == 1 and start <= address < start + in_file:
            return int(offset + address - start)
    raise AssertionError(f"{address:#x} is not in the core")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="cairn-lens-") as scratch:
        made = make_core(scratch)
        if made is None:
            print("no core was written; see /proc/sys/kernel/core_pattern")
            sys.exit(NO_CORES)
        LensProgram.core = made
        LensProgram.truth = Truth(os.path.join(scratch, "truth"))
        sys.exit(not unittest.main(argv=sys.argv[:1], exit=False).result.wasSuccessful())
