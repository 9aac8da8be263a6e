"""cairn-lens on the cores of two fixtures: leaks, collect and path say what the fixtures built.

    garbage_offline.py CAIRN_LENS GARBAGE WAYS
"""
import json
import os
import subprocess
import sys
import tempfile
from typing import Any, Dict, List, Tuple

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from run_scenario import SKIPPED, Skip, core_by_signal  # noqa: E402

LENS, GARBAGE, WAYS = sys.argv[1:4]
Facts = Dict[str, List[List[str]]]


def equal(found: Any, expected: Any, what: str) -> None:
    if found != expected:
        sys.exit("FAILED: %s\n  found:    %r\n  expected: %r" % (what, found, expected))


def core_of(program: str, directory: str) -> Tuple[str, Facts]:
    """The core of a fixture that dies, and the truth that it wrote."""
    os.mkdir(directory)
    truth = os.path.join(directory, "truth")
    core = core_by_signal([program], directory, dict(os.environ, SCENARIO_TRUTH=truth), 60)
    facts: Facts = {}
    with open(truth, encoding="utf-8") as file:
        for line in file.read().splitlines():
            fields = line.split("\t")
            facts.setdefault(fields[0], []).append(fields[1:])
    equal("end" in facts, True, "the truth is complete")
    return core, facts


def ask(status: int, *words: str) -> Tuple[Dict[str, Any], str]:
    """The data of a command, and its text; both end with the status."""
    said = []
    for more in ("-json", ""):
        command = [LENS, *words] + ([more] if more else [])
        done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=60)
        equal((done.returncode, done.stderr), (status, ""), "the status of %s" % (words,))
        said.append(done.stdout)
    data: Dict[str, Any] = json.loads(said[0])["data"]
    return data, said[1]


def check_garbage(core: str, truth: Facts) -> None:
    name_of = {addr: name for name, addr in truth["name"]}
    found, text = ask(1, core, "leaks")
    expected = {}
    for kind, surplus, names, objects in truth["leak"]:
        own = names.split(",")
        expected[own[0]] = (kind, int(surplus), len(own), int(objects))
    equal({name_of[row["root"]["addr"]]: (row["kind"], row["surplus"], row["direct_objects"],
                                          row["objects"]) for row in found["rows"]},
          expected, "the leaks")
    equal(found["totals"]["objects"], len(truth["garbage"][0]), "all garbage is counted")
    equal("8 leaks, 18 objects" in text, True, "the text of leaks: " + text)
    ask(0, core, "leaks", "-max-objects", "18")
    ask(1, core, "leaks", "-max-objects", "17")
    ask(1, core, "leaks", "-max-bytes", "100")
    equal(ask(1, core, "leaks", "-type", "list")[0]["matched"], 2, "leaks of a type")
    equal("2 of 8 leaks shown" in ask(1, core, "leaks", "-limit", "2")[1], True, "what was cut")

    check_trees(core, truth)

    went = {addr for addr, in truth["went"]}
    freed, text = ask(0, core, "collect", "-freed", "-limit", "0")
    equal({row["addr"] for row in freed["rows"]}, went, "what the collection frees")
    equal("would free 7 objects" in text, True, "the text of collect: " + text)
    every = ask(0, core, "collect", "-all", "-limit", "0")[0]["rows"]
    for row in every:
        equal(row["internal"] + row["external"], row["refcount"], "the arithmetic of a row")
    local = ask(0, core, "collect", "-candidates", "-freed", "-limit", "0")[0]["rows"]
    equal(went - {row["addr"] for row in local},
          {addr for name, addr in truth["name"] if name == "dormant word"}, "a local collection")


def check_trees(core: str, truth: Facts) -> None:
    """All trees together are all the garbage, each object once, as JSON and as text."""
    found, text = ask(1, core, "leaks", "-tree", "-limit", "0")
    joint = found["joint"]["rows"]
    once = [row["root"]["addr"] for row in found["rows"] + joint]
    for row in found["rows"] + joint:
        once += [branch["object"]["addr"] for branch in row["tree"] if branch["note"] == ""]
        equal(row["tree_more"], 0, "nothing is cut")
    name_of = {addr: name for name, addr in truth["name"]}
    equal(sorted(name_of[addr] for addr in once), sorted(truth["garbage"][0]),
          "each object of the garbage once")
    plain = [line.split(" 0x")[1] for line in text.splitlines() if " 0x" in line
             and not line.startswith("Next: ")]
    equal(sorted(line.split()[0] for line in plain if "(" not in line),
          sorted(addr[2:] for addr in once), "a line each: " + text)
    labels = [line.split()[0] for line in text.splitlines() if line.startswith("#")]
    equal(labels, ["#%d" % number for number in range(len(labels), 0, -1)], "the largest last")
    equal(" held jointly by #" in text and "(held jointly: #" in text, True, "who holds: " + text)
    cut = ask(1, core, "leaks", "-tree", "-limit", "1")
    equal((len(cut[0]["rows"]), "1 of 8 leaks shown" in cut[1]), (1, True), "what is cut")


def check_cut(core: str, _truth: Facts) -> None:
    """Of a core that is cut: that it is, wherever; no verdict on heaps of which none was read."""
    with open(core, "rb") as file:
        whole = file.read()
    part = core + ".cut"
    fates = set()
    for number in range(1, 48):
        with open(part, "wb") as file:
            file.write(whole[:len(whole) * number // 48])
        done = subprocess.run([LENS, part, "leaks"], stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=60)
        said = done.stderr if done.returncode == 2 else done.stdout
        equal("the core file is cut" in said, True, "it says that it is cut: %r" % (done,))
        equal(said.count(part) < 2, True, "the file is named once: " + said)
        if done.returncode == 2:
            equal(done.stdout, "", "no answer")
            fates.add("no heap" if "no heap can be read" in said else "no root")
        else:
            fates.add("an answer")
    equal(fates - {"no root"}, {"no heap", "an answer"}, "what comes of cuts")


def check_ways(core: str, truth: Facts) -> None:
    address = {name: addr for name, addr in truth["name"]}
    found, text = ask(0, core, "path", address["target"], "-count", "1")
    path = found["paths"][0]
    equal([step.get("slot") for step in path[1:]], ['["user:17"]', "peer", None], "the slots")
    equal(path[-1]["object"]["addr"], address["target"], "the object stands last")
    equal('-> dict["user:17"] -> record Session .peer -> this' in text, True, "the text: " + text)
    end, _ = ask(0, core, "path", address["end of chain"], "-count", "1")
    equal(sum(step.get("skipped", "object" in step) for step in end["paths"][0]), 1000,
          "all steps of a long way are accounted for")
    equal(ask(0, core, "path", address["watched"])[0]["weak_only"], True, "held weakly only")
    equal(ask(0, core, "path", address["lost"])[0]["paths"], [], "what is lost")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="cairn-offline-") as directory:
        try:
            garbage = core_of(GARBAGE, os.path.join(directory, "garbage"))
            ways = core_of(WAYS, os.path.join(directory, "ways"))
        except Skip as reason:
            print("skipped: %s" % reason)
            return 1 if os.environ.get("CI") else SKIPPED
        check_garbage(*garbage)
        check_cut(*garbage)
        check_ways(*ways)
    print("leaks, collect and path are right offline")
    return 0


if __name__ == "__main__":
    sys.exit(main())
