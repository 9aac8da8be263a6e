"""cairn-lens on a golden core: text and JSON of each command say the same, and each mistake gets a
line that names it and the status 2.

    program.py CAIRN_LENS CORE_XZ
"""
import json
import lzma
import os
import re
import subprocess
import sys
import tempfile
from typing import Any, Dict, List, NoReturn, Tuple

LENS, PACKED = sys.argv[1:3]

# The keys of each command's rows that stand in its text as they stand in its JSON.
LISTINGS: Dict[str, Tuple[str, ...]] = {
    "types": ("type", "count"), "objects": ("addr", "type", "value"), "refcounts": ("count",),
    "arenas": ("addr", "pages", "blocks_used")}


def fail(message: str) -> NoReturn:
    sys.exit("FAILED: " + message)


def run(words: List[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([LENS, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, text=True, timeout=60)


def ask(*words: str) -> Tuple[Dict[str, Any], str]:
    """The data of a command and its text."""
    found = []
    for asked in ([*words, "-json"], list(words)):
        done = run(asked)
        if (done.returncode, done.stderr) != (0, ""):
            fail("%s: status %d, %s" % (words, done.returncode, done.stderr))
        found.append(done.stdout)
    envelope = json.loads(found[0])
    if (envelope["schema"], envelope["target"]["kind"]) != ("cairn/1", "core"):
        fail("the envelope of %s: %s" % (words, found[0][:200]))
    data: Dict[str, Any] = envelope["data"]
    return data, found[1].replace(",", "")


def stands(value: Any, text: str, what: str) -> None:
    shown = str(value).replace(",", "")
    if not re.search(r"(?<![0-9a-z])%s(?![0-9a-z])" % re.escape(shown), text):
        fail("%s: %r does not stand in\n%s" % (what, value, text))


def beside(row: Dict[str, Any], key: str) -> Any:
    """What stands there beside the row's type: of `<node serial=1>` all but the type."""
    if key != "value":
        return row[key]
    return re.sub(r"^<%s (?=to |\S+=)" % re.escape(row["type"]), "<", row[key])


def listing(core: str, command: List[str], keys: Tuple[str, ...]) -> List[Dict[str, Any]]:
    data, text = ask(core, *command, "-limit", "0")
    rows: List[Dict[str, Any]] = data["rows"]
    if not rows or len(rows) != data["matched"] or data["shown"] != data["matched"]:
        fail("%s: %d rows, %d matched" % (command, len(rows), data["matched"]))
    for row in rows:
        for key in keys:
            if key in row:
                stands(beside(row, key), text, " ".join(command))
    cut, text = ask(core, *command, "-limit", "1")
    if cut["rows"] != rows[:1] or (cut["matched"] > 1) != ("1 of %d" % cut["matched"] in text):
        fail("%s -limit 1: %s\n%s" % (command, cut, text))
    return rows


def check_answers(core: str) -> None:
    overview, text = ask(core)
    for heap in overview["heaps"]:
        stands(heap["name"], text, "overview")
        stands(heap["objects"], text, "overview")
    stands(overview["objects"], text, "overview")
    for command, keys in LISTINGS.items():
        listing(core, [command], keys)
    few = listing(core, ["objects", "-type", "li*", "-refcount", ">=2", "-sort", "addr"],
                  ("addr",))
    if any(row["type"] != "list" or row["refcount"] < 2 for row in few):
        fail("filters: %s" % few)
    addr = few[0]["addr"]
    shown, text = ask(core, "show", addr, "-limit", "0")
    for field in shown["fields"]:
        stands(field["value"]["addr"], text, "show " + addr)
    refs = listing(core, ["refs", addr], ("slot", "kind"))
    if {row["slot"] for row in refs} != {field["name"] for field in shown["fields"]}:
        fail("refs and show disagree: %s" % refs)
    held, text = ask(core, "referrers", addr, "-limit", "0")
    for row in held["rows"]:
        stands(row["holder"]["addr"], text, "referrers " + addr)
    stands(held["accounting"]["verdict"], text, "referrers " + addr)
    checked, text = ask(core, "check")
    stands(checked["checked"]["objects"], text, "check")


def check_mistakes(core: str) -> None:
    short = core + ".short"
    with open(core, "rb") as whole, open(short, "wb") as part:
        part.write(whole.read(100))
    empty = core + ".empty"
    with open(empty, "wb"):
        pass
    mistakes: List[Tuple[List[str], str]] = [
        ([], "core file"), (["/nowhere"], "/nowhere"), ([LENS], "not a core"),
        ([short], "short"), ([empty], "empty"),
        ([core, "nonsense"], "nonsense"), ([core, "objects", "-bogus"], "-bogus"),
        ([core, "show"], "address"), ([core, "show", "x"], "x"),
        ([core, "show", "0x10"], "0x10"), ([core, "refs", "0"], "0"),
        ([core, "objects", "-refcount", "5..2"], "5..2"),
        ([core, "objects", "-size", "5Q"], "5Q"), ([core, "objects", "-limit", "x"], "x"),
        ([core, "objects", "-sort", "colour"], "colour"),
        ([core, "objects", "-heap", "99"], "99"),
        ([core, "objects", "-type", "no_such*"], "no_such*")]
    for words, said in mistakes:
        done = run(words)
        lines = [line for line in done.stderr.splitlines() if not line.startswith("usage:")]
        if done.returncode != 2 or done.stdout or len(lines) != 1 or said not in lines[0]:
            fail("%s: status %d\n%s%s" % (words, done.returncode, done.stdout, done.stderr))


with tempfile.TemporaryDirectory(prefix="cairn-program-") as directory:
    path = os.path.join(directory, "core")
    with lzma.open(PACKED) as source, open(path, "wb") as target:
        target.write(source.read())
    check_answers(path)
    check_mistakes(path)
print("text and JSON agree")
