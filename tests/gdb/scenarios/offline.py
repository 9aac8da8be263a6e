"""cairn-lens answers of a core as GDB does: the same documents, but for what only a debugger knows
(names of roots and functions, texts of values, hints); rules that set leaks aside are one language.

A rule's fate is told twice here, by the plugin and by the program, which share no code for it.
"""
import json
import os
import subprocess
from typing import Any, Dict, List

import gdb
from harness import DIRECTORY, PLUGIN, answer, check, data, equal, error_of, passed

os.environ["COLUMNS"] = ""  # GDB's own: offline a pipe has no width
LENS = os.path.join(os.path.dirname(PLUGIN), "bin", "cairn-lens")
CORE = os.environ["SCENARIO_CORE"]
# Of a root there is no name without a debugger; places are modules; texts may be cut elsewhere.
ONLY_HERE = {"value", "name", "function", "file", "line", "where", "thread", "frame",
             "roots", "guessed_roots", "confidence", "serials", "sites", "fields", "text"}
LINES = ["overview", "types", "types -sort count -reverse", "objects -limit 0",
         "objects -type list -refcount >=1", "objects -refcount >=1 -limit 0",
         "objects -size <=48 -sort addr -limit 0", "refcounts", "arenas", "arenas -pages", "check",
         "collect", "collect -freed -limit 0", "collect -all",
         "collect -candidates -limit 0", "collect -type list", "leaks -limit 0", "leaks -limit 2",
         "leaks -tree", "leaks -tree -limit 0", "leaks -tree -limit 1", "leaks -tree -type list",
         "leaks -type list", "leaks -max-objects 3", "leaks -max-bytes 1G", "cycles -limit 0",
         "cycles -live -objects 1", "cycles -live -all -limit 0"]

# A file of rules each; wrong ones are refused by both, in the same words.
RULES = ["kind=cycle", "kind=c*  # a remark", "\n\n# nothing\n", "type=list kind=lost", "type=*",
         "slot=session.peer", "slot=session.p*", "slot=list[]", "slot=list[[]]", "slot=none.such",
         "type='ses*'", "type=\"ses*\"#x", "ty\\pe=list\nkind=lost", "type=se\\ssion",
         "file=nowhere*", "kind=lost type=session slot=session.data\nkind=cycle slot=list[]",
         "type=[ls]*", "type=?ist", "type=x[", "type=[!l]*", "kind=CYCLE"]
WRONG = ["tpye=x", "type=", "session", "kind=lost\ntype=\"x", "=x", "kind=lost  type", "type=x\\"]


def pared(value: Any) -> Any:
    """Without what only one of the two can know."""
    if isinstance(value, dict):
        return {name: pared(part) for name, part in value.items() if name not in ONLY_HERE}
    if isinstance(value, list):
        return [pared(part) for part in value]
    return value


def offline(line: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([LENS, CORE, *line.split(), "-json"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=60)


def alike(found: Any, wanted: Any, where: str) -> None:
    """All that the program says, GDB says too; and all that GDB says but hints."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name in wanted:
            check(name in found, f"{where}.{name} is not there")
            alike(found[name], wanted[name], f"{where}.{name}")
    elif isinstance(wanted, list) and isinstance(found, list):
        equal(len(found), len(wanted), f"how many there are of {where}")
        for number, (one, other) in enumerate(zip(found, wanted)):
            alike(one, other, f"{where}[{number}]")
    else:
        equal(found, wanted, where)


def both(line: str) -> Dict[str, Any]:
    said = offline(line)
    check(said.returncode in (0, 1), f"cairn-lens {line}: {said.stderr}")
    theirs = json.loads(said.stdout)["data"]
    ours = answer("" if line == "overview" else line)["data"]
    alike(pared(theirs), pared(ours), line)
    alike(pared(ours), pared(theirs), line)
    equal(said.returncode, int(gdb.convenience_variable("cairn_status") or 0), f"status of {line}")
    return dict(theirs, status=said.returncode)


def fields_of(row: Any) -> Any:
    """A field's name, kind and value; of an object that it holds not the short text."""
    if not isinstance(row, dict):
        return row
    return [row.get("addr"), row.get("type"), row.get("refcount"), row.get("fields_left_out"),
            [[each["name"], each["kind"], fields_of(each["value"])] for each in row["fields"]]
            if "fields" in row else "stands above"]


def deep(address: str) -> int:
    """What `show` says of an object at each depth; returns how many fields at the deepest."""
    texts = []
    for more in ("", " -limit 1", " -depth 0", " -depth 2", " -depth 3 -limit 0", " -depth 9"):
        line = f"show {address}{more}"
        theirs = json.loads(offline(line).stdout)["data"]
        equal(fields_of(theirs), fields_of(answer(line)["data"]), line)
        texts.append(json.dumps(fields_of(theirs)))
    return len(texts[4])


def one_object() -> None:
    """An object of each type: its fields, who holds it, how sure that is; numbers are numbers."""
    kinds = set()
    for addr in {row["type"]: row["addr"] for row in data("objects -limit 0")["rows"]}.values():
        theirs, ours = json.loads(offline("show " + addr).stdout), answer("show " + addr)
        for each in (theirs, ours):
            for field in each["data"]["fields"]:
                if isinstance(field["value"], dict):
                    del field["value"]
                else:
                    kinds.add((field["kind"], type(field["value"]).__name__))
        for name in ("fields", "heap", "shared"):
            equal(theirs["data"].get(name), ours["data"].get(name), f"{name} of {addr}")
        line = f"referrers {addr} -limit 0"
        held = [[(row["holder"]["addr"], row["holder"]["heap"], row["slot"], row["kind"])
                 for row in document["data"]["rows"] if "refcount" in row["holder"]]
                for document in (json.loads(offline(line).stdout), answer(line))]
        equal(held[0], held[1], "the objects that hold " + addr)
    check(("sint", "int") in kinds and ("text", "str") in kinds, f"kinds of fields: {kinds}")


def rules_file(text: str) -> str:
    path = os.path.join(DIRECTORY, "rules")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    return path


def suppressions() -> None:
    fates: List[Any] = []
    for text in RULES:
        found = both("leaks -limit 0 -suppress " + rules_file(text))
        fates.append((found.get("set_aside"), len(found["rows"])))
    check(len({str(fate) for fate in fates}) > 6, f"the rules are told apart: {fates}")
    for text in WRONG:
        path = rules_file(text)
        ours = error_of("cairn leaks -suppress " + path)
        theirs = offline("leaks -suppress " + path)
        equal((theirs.returncode, theirs.stdout), (2, ""), "it is refused")
        wanted = ours.split(path, 1)[1].split("  Did you mean")[0].strip().rstrip(".")
        check(theirs.stderr.split(path, 1)[1].strip().rstrip(".").startswith(wanted),
              f"{theirs.stderr!r} says {wanted!r}")


def places() -> None:
    """What is alike by its place: in a stripped program both name places in the same words."""
    for line in ("leaks", "leaks -type session", "leaks -suppress " + rules_file("kind=cycle")):
        groups = both(line)["groups"]
        equal(sum(group["leaks"] for group in groups), both(line)["counted"]["leaks"], "all leaks")
        equal([group["bytes"] for group in groups],
              sorted((group["bytes"] for group in groups), reverse=True), "the most bytes first")
        if any(group["site"] for group in groups):
            said = subprocess.run([LENS, CORE, *line.split()], stdout=subprocess.PIPE, text=True,
                                  check=False, timeout=60).stdout
            ours = gdb.execute("cairn " + line, to_string=True) or ""
            texts = [[row for row in text.splitlines() if " alike: " in row]
                     for text in (said, ours)]
            check(texts[0] != [], f"some leaks of {line} are of one place")
            equal(texts[0], texts[1], f"what is alike of {line}")


def baselines() -> None:
    path = os.path.join(DIRECTORY, "known.json")
    for count, left in ((0, 0), (3, -3)):
        with open(path, "w", encoding="utf-8") as file:
            file.write(offline(f"leaks -limit {count}").stdout)
        found = both("leaks -limit 0 -baseline " + path)
        every = found["totals"]["cycles"]["leaks"] + found["totals"]["lost"]["leaks"]
        equal(len(found["rows"]), every + left if left else 0, "what the baseline leaves")
        equal(found["status"], 1 if left else 0, "and whether that is a problem")
    both("leaks -limit 0 -baseline " + CORE)
    with open(path, "w", encoding="utf-8") as file:  # with functions, where GDB knows them
        file.write(gdb.execute("cairn leaks -limit 0 -json", to_string=True) or "")
    equal(both("leaks -limit 0 -baseline " + path)["rows"], [], "all are known")


def reports() -> None:
    """The JUnit file: the same cases fail, in the same numbers, and those that are set aside are
    skipped in both; a rule alone tells why."""
    import xml.etree.ElementTree
    rules = rules_file("kind=lost slot=session.data")  # some of what is alike

    def cases(path: str) -> List[Any]:
        root = xml.etree.ElementTree.parse(path).getroot()
        suite = root if root.tag == "testsuite" else root.find("testsuite")
        assert suite is not None
        sums = {name: suite.get(name) for name in ("tests", "failures", "skipped")}
        return [sums] + sorted((case.get("classname"), [(child.tag, child.get("message"))
                                                        for child in case])
                               for case in suite.iter("testcase"))

    for number, more in enumerate(("", " -suppress " + rules, " -type list", " -max-objects 1")):
        paths = [os.path.join(DIRECTORY, "%s%d.xml" % (name, number)) for name in ("here", "there")]
        gdb.execute("cairn leaks -junit %s%s" % (paths[0], more), to_string=True)
        offline("leaks -junit %s%s" % (paths[1], more))
        ours, theirs = cases(paths[0]), cases(paths[1])
        check(len(ours) > 1, "there are cases")
        equal(theirs, ours, "the reports" + more)


def kinds_of_cycles() -> None:
    """For people a row stands for all cycles that are alike; as many rows, and of as many each."""
    rows = both("cycles -limit 0")["rows"]
    groups = {row["group"]: row["alike"] for row in rows}
    check(len(groups) < len(rows), "some are alike")
    text = subprocess.run([LENS, CORE, "cycles", "-limit", "0"], stdout=subprocess.PIPE, text=True,
                          check=False, timeout=60).stdout
    heads = [line.split("garbage: ")[1] for line in text.splitlines() if "  garbage: " in line]
    said = sorted(int(line.split()[0].replace(",", "")) if "cycles like this" in line else 1
                  for line in heads)
    equal(said, sorted(groups.values()), "how many are of each kind")
    least = min(rows, key=lambda row: int(row["alike"]))
    most = max(rows, key=lambda row: int(row["alike"]))
    for row in (least, most):
        found = both(f"cycles {row['objects'][0]['addr']} -all -limit 0")["rows"]
        equal(len(found), row["alike"], "all like one")


for each in LINES:
    both(each)
kinds_of_cycles()
held = both("objects -type session -limit 4 -sort addr")["rows"]
for row in held:
    for question in ("show", "refs", "leaks", "cycles"):
        both(f"{question} {row['addr']}")
check(len({deep(row["addr"]) for row in held}) > 1, "some hold more than others")
for row in both("objects -type list -limit 2 -sort addr")["rows"]:
    deep(row["addr"])
both("leaks -tree -limit 0 -suppress " + rules_file("kind=lost slot=session.data"))
joint = both("leaks -tree -limit 0")["joint"]["rows"]
check(joint != [], "something is held jointly")
both(f"leaks {joint[0]['root']['addr']} -tree -limit 0")
one_object()
suppressions()
places()
baselines()
reports()
passed()
