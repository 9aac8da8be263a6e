"""demos/jsonheap against an independent count of the same documents, and its answers to bad input.

Usage: jsonheap.py PROGRAM [unittest arguments]
CAIRN_JSON_DOCUMENTS: a list of further documents, separated by colons.
"""
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import unittest

from typing import Any, Dict, List

PROGRAM = sys.argv[1]
COUNT = pathlib.Path(__file__).resolve().parents[1] / "independent_json_count.py"
SEED = int(os.environ.get("CAIRN_TEST_SEED", "20240229"))

EDGES: Dict[str, str] = {
    "scalars": "[null, true, false, 0, -0, -5, -6, 256, 257, 1e3, 1.0, \"\"]",
    "one scalar": "1000",
    "one text": "\"text\"",
    "64 bits": "[9223372036854775807, -9223372036854775808]",
    "beyond 64 bits": "[9223372036854775808, -9223372036854775809, 1%s]" % ("0" * 300),
    "long fractions": "[0.%s, 1e-400, 123456789012345678901234567890.5]" % ("1" * 5000),
    "keys twice": '{"a": 1, "b": {"a": [1000]}, "a": {"c": 2000}, "a": 3000}',
    "keys and texts": '{"a": "a", "b": {"a": "b"}, "": ""}',
    "escapes": '{"\\u00e9\\n\\ud83d\\ude00": "\\u0000x", "é": "😀"}',
    "empty": "[{}, [], {\"a\": {}}, [[]]]",
    "white": " \n\t[\r\n1000 ,\n2000 ]\n",
}


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, timeout=120, check=False)


def random_value(rng: random.Random, depth: int) -> Any:
    kind = rng.randrange(9 if depth > 0 else 6)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.randrange(-300, 600)
    if kind == 2:
        return rng.randrange(-2 ** 70, 2 ** 70)
    if kind == 3:
        return rng.random() * 10 ** rng.randrange(-30, 30)
    if kind < 6:
        return "".join(rng.choice("abc\"\\\n\u00fc\U0001f600") for _ in range(rng.randrange(20)))
    if kind < 8:
        return {str(rng.randrange(50)): random_value(rng, depth - 1)
                for _ in range(rng.randrange(30))}
    return [random_value(rng, depth - 1) for _ in range(rng.randrange(30))]


class Jsonheap(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def write(self, text: str, name: str = "document.json") -> str:
        path = os.path.join(self.directory.name, name)
        with open(path, "w", encoding="utf-8") as document:
            document.write(text)
        return path

    def agree(self, *paths: str) -> None:
        """The program's census is the independent one, and the heap's own number agrees."""
        result = run(*paths)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        *census, heap_line = result.stdout.splitlines()
        counted = subprocess.run([sys.executable, str(COUNT), *paths], stdout=subprocess.PIPE,
                                 universal_newlines=True, timeout=120, check=True)
        self.assertEqual(census, counted.stdout.splitlines())
        heap_objects = re.match(r"the heap says: (\d+) objects", heap_line)
        assert heap_objects is not None, heap_line
        self.assertEqual(int(heap_objects.group(1)), int(census[-2].split()[-1]))

    def refuse(self, pattern: str, *arguments: str) -> None:
        result = run(*arguments)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertRegex(result.stderr, pattern)

    def test_edges(self) -> None:
        paths = [self.write(text, name) for name, text in EDGES.items()]
        for path in paths:
            with self.subTest(os.path.basename(path)):
                self.agree(path)
        self.agree(*paths)

    def test_random_documents(self) -> None:
        rng = random.Random(SEED)
        for number in range(20):
            with self.subTest("seed %d, document %d" % (SEED, number)):
                self.agree(self.write(json.dumps(random_value(rng, 4), ensure_ascii=False)))

    def test_big_document(self) -> None:
        rng = random.Random(SEED)
        rows = [random_value(rng, 3) for _ in range(4000)]
        text = json.dumps({"rows": rows, "index": {str(i): i * i for i in range(100000)}}, indent=1)
        self.assertGreater(len(text), 10 << 20)
        self.agree(self.write(text))

    def test_given_documents(self) -> None:
        given = [path for path in os.environ.get("CAIRN_JSON_DOCUMENTS", "").split(":") if path]
        for path in given:
            with self.subTest(path):
                self.agree(path)

    def test_sample(self) -> None:
        result = run()
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"(?m)^dict +3 +3$")

    def test_deep_nesting(self) -> None:
        depth = 1000000
        result = run(self.write("[" * depth + "]" * depth))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"(?m)^list +%d +%d$" % (depth, depth + 2))
        self.assertIn("depth %d\n" % depth, result.stdout)

    def test_missing_file(self) -> None:
        path = os.path.join(self.directory.name, "missing.json")
        self.refuse(r"^jsonheap: %s: No such file or directory$" % re.escape(path), path)
        self.refuse(r"^jsonheap: .*: Is a directory$", self.directory.name)

    def test_bad_json(self) -> None:
        where = r"^jsonheap: .*document\.json:%d:%d \(byte %d\): %s"
        for text, line, column, byte, why in [
                ("", 1, 1, 0, "parse error: premature EOF"),
                ("[1,\n 2,,]", 2, 5, 8, "parse error: unallowed token"),
                ("{\"a\" 1}", 1, 7, 6, "parse error: object key and value must be separated"),
                ("[1] x", 1, 6, 5, "(parse|lexical) error"),
                ("\"\u00ff", 1, 4, 3, "parse error: premature EOF"),
                ("\n\n\"a\nb\"", 3, 3, 4, "lexical error: invalid character inside string")]:
            with self.subTest(text):
                self.refuse(where % (line, column, byte, why), self.write(text))

    def test_invalid_utf8(self) -> None:
        path = self.write("")
        with open(path, "wb") as document:
            document.write(b'["\xff\xfe"]')
        self.refuse(r"lexical error: invalid bytes in UTF8 string", path)

    def test_cut_short(self) -> None:
        rng = random.Random(SEED)
        text = json.dumps({"rows": [random_value(rng, 3) for _ in range(20)]})
        for _ in range(50):
            self.refuse(r"(parse|lexical) error", self.write(text[:rng.randrange(len(text))]))

    def test_out_of_memory(self) -> None:
        path = self.write(json.dumps([str(i) for i in range(500000)]))
        self.refuse(r"^jsonheap: a new heap: out of memory$", "-limit", "1", path)
        self.refuse(r"^jsonheap: .*document.json: out of memory$", "-limit", "8", path)

    def test_usage(self) -> None:
        for arguments in (["-x"], ["-limit"], ["-limit", "much"], ["-limit", "-1"]):
            self.refuse(r"^jsonheap: usage: ", *arguments)

    def test_abort(self) -> None:
        script = 'ulimit -c 0; exec "$0" -abort "$1"'
        result = subprocess.run(["sh", "-c", script, PROGRAM, self.write("[1000]")],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                universal_newlines=True, timeout=60, check=False)
        self.assertEqual(result.returncode, -signal.SIGABRT)
        self.assertIn("the heap says", result.stdout)

    def test_wait(self) -> None:
        with subprocess.Popen([PROGRAM, "-wait", self.write("[1000]")], stdout=subprocess.PIPE,
                              universal_newlines=True) as process:
            assert process.stdout is not None
            lines: List[str] = []
            while not lines or not lines[-1].startswith("waiting"):
                lines.append(process.stdout.readline())
            self.assertEqual(lines[-1], "waiting; process %d\n" % process.pid)
            self.assertIsNone(process.poll())
            process.terminate()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
