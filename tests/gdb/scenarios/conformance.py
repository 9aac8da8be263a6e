"""Each command's JSON has the names, kinds and shapes that it is stated to have (shapes.py), with
each of its options; it is one document, and nothing else is printed."""
import os
import re
from typing import Any, Dict, List, Set, Tuple

import gdb
from harness import DIRECTORY, TARGET, check, equal, error_of, execute, fail, passed, run_to, start
from shapes import DATA, document_faults, documented, keys_of, strictly


def status() -> int:
    return int(gdb.parse_and_eval("$cairn_status"))


equal(status(), 2, "$cairn_status before any command")
if TARGET == "live" and os.environ["SCENARIO_PROGRAM"].endswith(".O0"):
    run_to("build_wrong")
    execute("cairn snapshot early")
start()
told: Dict[str, List[str]] = {}
with open(os.environ["SCENARIO_TRUTH"], encoding="ascii") as file:
    for fact in file.read().splitlines()[:-1]:
        word, addr = fact.split("\t")
        told.setdefault(word, []).append(addr)
KEEPER, OVER, DEEP, NODE = (told[word][0] for word in ("keeper", "over", "deep", "living"))
SAVED = os.path.join(DIRECTORY, "saved.cairn")
seen: Dict[str, Set[str]] = {}  # shape -> the keys that came


def conforms(line: str, shape: str = "") -> Any:
    """The data of the command, whose document is as stated; `shape` names its shape."""
    first = (line + " ").split(" ")[0]
    name = "overview" if first.startswith("-") or not first else first
    text = execute("cairn %s -json" % line)
    wrong = document_faults(text, name, DATA[shape or name])
    if wrong:
        fail("cairn %s -json\n  %s" % (line, "\n  ".join(wrong[:20])))
    check(True, line)
    data = strictly(text)["data"]
    seen.setdefault(shape or name, set()).update(keys_of(data))
    return data


# ---- every option of every command ----
# A line, and the name of its shape where that is not the command's.
LINES: List[Tuple[str, str]] = [("arenas -pages", "arenas -pages"),
                                ("retained -by object", "retained"),
                                ("retained -by type", "retained -by type"),
                                ("retained -by root", "retained -by root"),
                                ("snapshot first", ""), ("snapshot list", "snapshot list")]
LINES += [(line, "") for line in (
    "", "map", "map " + KEEPER, "arenas", "objects", "objects -type str", "objects -refcount >=2",
    "objects -refcount 1..2", "objects -size <=1k", "objects -heap 1", "objects -reverse",
    "refcounts", "types", "types -reverse", "show " + KEEPER, "show %s -depth 3" % KEEPER,
    "show %s -depth 1" % NODE, "show " + told["odd"][0], "stack", "stack -all", "stack -full",
    "stack -all -full", "roots", "refs " + KEEPER, "refs " + NODE, "referrers " + KEEPER,
    "referrers " + OVER, "path " + DEEP, "path %s -count 1" % DEEP,
    "path %s -count 0 -weak" % KEEPER, "audit", "audit -unsure", "audit -type str",
    "audit -type list", "leaks",
    "leaks -tree", "leaks -type node", "leaks -max-objects 9 -max-bytes 1k",
    "leaks " + told["garbage"][0], "cycles", "cycles -live", "cycles -objects 1",
    "cycles -objects 0 -live", "collect", "collect -candidates", "collect -freed",
    "collect -all", "collect -type node", "collect -heap 1", "retained", "retained -type list",
    "retained -heap 1", "retained " + KEEPER, "check", "snapshot save " + SAVED,
    "snapshot save %s first" % SAVED, "diff first", "diff first -by site",
    "diff first -by object", "diff %s first" % SAVED, "diff " + SAVED, "history " + OVER,
    "history " + told["under"][0], "history " + told["dead"][0], "sites", "sites -type node")]
LINES += [("objects -sort " + key, "") for key in ("refcount", "size", "addr", "type", "retained")]
LINES += [("types -sort " + key, "") for key in ("bytes", "count", "refcount", "type")]
LINES += [("roots -kind " + kind, "") for kind in
          ("arg", "local", "static", "global", "tls", "register", "word", "foreign")]
asked = {(line + " ").split(" ")[0] for line, _ in LINES} | {"watch", "break"}
equal(asked - {""}, set(re.findall("^cairn ([a-z]+) -- ", execute("help cairn"), re.MULTILINE)),
      "each command is asked; these two set breakpoints, stops.py")
for line, shape in LINES:
    for more in ("", " -limit 0", " -limit 1", " --limit 3"):
        conforms(line + more, shape)

# ---- what the fixture built is in them: no listing above was empty for want of rows ----
for line, least in (("objects", 10), ("audit", 3), ("leaks", 2), ("cycles", 1),
                    ("cycles -live", 2), ("collect -freed", 2), ("sites", 3), ("refs " + NODE, 3),
                    ("history " + OVER, 2), ("retained", 5), ("roots", 3)):
    check(len(conforms(line + " -limit 0")["rows"]) >= least, line + " has rows")
if "early" in {row["name"] for row in conforms("snapshot list", "snapshot list")["rows"]}:
    for line in ("diff early", "diff early -by site", "diff early -by object"):
        check(conforms(line)["rows"], line + " has rows")
# ---- $cairn_status: here something is wrong, and only some commands ask for that ----
for line, wanted in (("objects", 0), ("check", 1), ("types", 0), ("audit", 1), ("cycles", 0),
                     ("leaks", 1), ("leaks -max-objects 9", 0), ("collect", 0), ("diff first", 0),
                     ("audit -type str", 1)):
    conforms(line)
    equal(status(), wanted, "$cairn_status after " + line)
for line in ("objects -type nosuch", "show 0", "show @999", "path", "diff nosuch", "nosuch"):
    error_of("cairn " + line)
    equal(status(), 2, "$cairn_status after " + line)
verdict = {row["addr"]: (row["verdict"], row["surplus"]) for row in conforms("audit")["rows"]}
equal({told[word][0]: verdict.get(told[word][0]) for word in ("over", "under", "lost")},
      {told["over"][0]: ("over-retained", 1), told["under"][0]: ("under-retained", -1),
       told["lost"][0]: ("over-retained", 1)}, "the verdicts")
# The heap collects only when asked, and nobody asks: the cycle stays for that reason.
for line in ("leaks", "collect"):
    equal(conforms(line)["manual_heaps"], [{"id": 1, "collections": 0}], line)
    check("Heap everything collects only when the program asks, and it never has."
          in execute("cairn " + line).splitlines(), line + " says why the cycle stays")
(heap,) = conforms("")["heaps"]
equal((heap["collections"], heap["manual_collection"]), (0, True), "the overview says it")
# The one use of a dead object, a str: it is no matter of another type, but said all the same.
for line, uses, others in (("audit", 1, 0), ("audit -type str", 1, 0), ("audit -type list", 0, 1)):
    found = conforms(line)
    equal([found.get(key, 0) for key in ("misuses", "misuses_other_types")], [uses, others], line)
    equal(len(found.get("caught", [])), uses, line + ": the last of them")
    said = execute("cairn " + line)
    equal("1 use of a freed object was caught" in said, uses == 1, line)
    equal(" released at " in said or " retained at " in said, uses == 1, line + ": by which line")
check("1 use of freed objects of other types" in execute("cairn audit -type list"), "it is said")
conforms("audit -type list")
equal(status(), 0, "$cairn_status: no list was misused")
(none,) = conforms("objects -type none")["rows"]
check(conforms("path " + none["addr"])["paths"], "there is a way to what is never freed")
for way in conforms("path " + DEEP)["paths"]:
    check("object" not in way[0], "a way begins at its root: %s" % way)
    equal([way[number]["object"]["addr"] for number in (1, -1)], [KEEPER, DEEP],
          "it goes over what the root holds, and ends at the object")
# ---- each row that leads to an object is @N, to the last one; so are arenas and pages ----
Row = Dict[str, Any]


def address_of(row: Row) -> str:
    """The object that a row is about."""
    inner = row["objects"][0] if isinstance(row.get("objects"), list) else \
        row.get("root") or row.get("object") or row.get("holder") or row
    address: str = inner["addr"]
    return address


for line, shape in (("objects", ""), ("refs " + NODE, ""), ("audit", ""), ("leaks", ""),
                    ("cycles -live", ""), ("collect", ""), ("retained", ""), ("roots", ""),
                    ("retained -by root", "retained -by root"), ("check", "")):
    listed = conforms(line + " -limit 5", shape)["rows"]
    for number in {1, len(listed)}:
        conforms(line + " -limit 5", shape)
        equal(conforms("show @%d" % number)["addr"], address_of(listed[number - 1]),
              "@%d after %s" % (number, line))
for line in ("arenas", "arenas -pages"):
    (row, *_) = conforms(line, line)["rows"]
    equal(conforms("map @1")["address"]["addr"], row["addr"], "@1 after " + line)

# ---- help, as programs give it ----
for line in ("", "audit", "watch"):
    equal(execute("cairn %s --help" % line), execute("help cairn " + line), "help of " + line)
# ---- a mark that an older listing gave is told of ----
execute("cairn objects -type list -limit 5")
check("is of" not in execute("cairn show @1"), "the last listing")
for line in ("types", "refcounts", "sites", "diff first", "snapshot list", "roots -kind tls"):
    execute("cairn objects -type list -limit 5")
    execute("cairn " + line)
    said = ("@1 is of `cairn objects -type list -limit 5`: `cairn %s` listed nothing that has a "
            "mark." % line)
    check("warning: " + said in execute("cairn show @1"), line + ": " + execute("cairn show @1"))
    check(said in strictly(execute("cairn show @1 -json"))["warnings"], line + ", as JSON")
# ---- and docs/JSON.md names them all ----
page = documented()
equal(set(page) - {"watch", "break"}, set(DATA), "the page has a section for each document")
for shape, keys in sorted(seen.items()):
    equal(keys - page[shape], set(), "docs/JSON.md, %s: keys that it does not name" % shape)
passed()
