"""`cairn leaks` finds what the fixture built as garbage, leak for leak, and nothing else."""
import json
import os
import xml.etree.ElementTree as ET

import gdb
from harness import (DIRECTORY, TARGET, Truth, answer, check, data, equal, error_of, execute,
                     passed, rows, start)

start()
truth = Truth()
address = {name: addr for name, addr in truth["name"]}
name_of = {addr: name for name, addr in truth["name"]}


def status() -> int:
    return int(gdb.parse_and_eval("$cairn_status"))


# ---- each leak, by the fixture's own words ----
found = {name_of[row["root"]["addr"]]: row for row in rows("leaks")}
equal(status(), 1, "leaks are a problem")
expected = {}
for kind, surplus, names, objects in truth["leak"]:
    own = names.split(",")
    expected[own[0]] = (kind, int(surplus), len(own), int(objects))
equal({name: (row["kind"], row["surplus"], row["direct_objects"], row["objects"])
       for name, row in found.items()}, expected, "the leaks")
equal({name for name, row in found.items() if row["held"]}, {"both"}, "held by another leak")
equal(found["both"]["would_free"]["objects"], 0, "mending what another leak holds frees nothing")

everything = data("leaks -limit 0")
totals = everything["totals"]
garbage = set(truth["garbage"][0])
equal(totals["objects"], len(garbage), "all garbage is counted")
equal(totals["shared"]["objects"], len(truth["shared"][0]), "what hangs on several leaks")
equal(totals["cycles"]["leaks"] + totals["lost"]["leaks"], len(expected), "the leaks are counted")
equal(sum(row["objects"] for row in found.values()) + totals["shared"]["objects"], len(garbage),
      "each garbage object is in one row, or said to be shared")
equal(sum(row["bytes"] for row in found.values()) + totals["shared"]["bytes"], totals["bytes"],
      "so are the bytes")
went = {addr for addr, in truth["went"]}
cycles = sum(row["objects"] for row in found.values() if row["kind"] == "cycle")
equal(cycles, len(went) - 1, "cycles are what the collector frees, but for the interned str")

# ---- what hangs on each, and on several ----
everything = data("leaks -tree -limit 0")
joint = everything["joint"]["rows"]
equal([[name_of[addr] for addr in row["held_by"]] for row in joint], [["share 1", "share 2"]],
      "who holds jointly what several leaks hold")
once = [row["root"]["addr"] for row in everything["rows"] + joint]
for row in everything["rows"] + joint:
    once += [branch["object"]["addr"] for branch in row["tree"] if branch["note"] == ""]
equal(sorted(name_of[addr] for addr in once), sorted(garbage), "each object stands in one row")
equal({(name_of[row["root"]["addr"]], branch["slot"], name_of[branch["object"]["addr"]])
       for row in everything["rows"] for branch in row["tree"] if branch["note"] == "joint"},
      {("share 1", "data", "common"), ("share 2", "data", "common")}, "who holds it is said")
equal({name_of[branch["object"]["addr"]] for row in everything["rows"]
       for branch in row["tree"] if branch["note"] == "leak"}, {"both"}, "so is another leak")
for row in rows("leaks -tree"):
    below = {branch["object"]["addr"] for branch in row["tree"] if branch["note"] == ""}
    equal(len(below) + 1, row["objects"], "the tree of " + name_of[row["root"]["addr"]])
    check({name_of[addr] for addr in below} <= garbage, "only garbage hangs on a leak")
    equal(row["tree_more"], 0, "nothing is cut")
ann = next(row for row in rows("leaks -tree") if name_of[row["root"]["addr"]] == "ann")
equal({(branch["slot"], name_of[branch["object"]["addr"]], branch["note"])
       for branch in ann["tree"]},
      {("peer", "bob", ""), ("peer", "ann", "again"), ("data", "albums", ""),
       ("[0]", "first album", ""), ("[1]", "second album", "")}, "the tree of ann")

# ---- one object ----
only = rows("leaks " + address["first album"])
equal([name_of[row["root"]["addr"]] for row in only], ["ann"], "the leak of an object in it")
said = execute("cairn leaks " + address["in common"])
check("is held jointly: it hangs on 2 leaks and goes with the last of them" in said, said)
equal({name_of[row["root"]["addr"]] for row in rows("leaks " + address["in common"])},
      {"share 1", "share 2"}, "an object that is held jointly: its leaks")
equal(status(), 1, "an answer about garbage")
check("is no garbage" in execute("cairn leaks " + address["live 1"]), "a living object")
equal(status(), 0, "an answer about one object that is no leak")

# ---- limits, types ----
equal(data("leaks -type list")["matched"], 2, "-type")
for line, wanted in (("-max-objects 18", 0), ("-max-objects 17", 1), ("-max-bytes 1k", 0),
                     ("-max-bytes 100", 1), ("-max-objects 18 -max-bytes 100", 1),
                     ("-type list -max-objects 4", 0), ("-type list -max-objects 3", 1)):
    execute("cairn leaks " + line)
    equal(status(), wanted, "$cairn_status after leaks " + line)
check("No type is called" in error_of("cairn leaks -type nosuch"), "an unknown type is an error")

# ---- suppressions, a baseline, JUnit ----
rules = os.path.join(DIRECTORY, "rules")
with open(rules, "w", encoding="utf-8") as file:
    file.write("# what we know of\ntype=list kind=cycle\nslot=session.peer kind=cycle\n\n"
               "type=session function=nowhere  # fits nothing\n")
some = data("leaks -limit 0 -suppress " + rules)
equal({name_of[row["root"]["addr"]] for row in some["rows"]}, set(expected) - {"ann", "self"},
      "suppressed by type and by slot")
equal(some["unused_suppressions"], [{"where": rules + ":5", "rule": "type=session "
                                     "function=nowhere"}], "an unused rule is said")
check(rules + ":5: suppresses nothing" in execute("cairn leaks -suppress " + rules), "as text")

baseline = os.path.join(DIRECTORY, "baseline.json")
with open(baseline, "w", encoding="utf-8") as file:
    file.write(execute("cairn leaks -limit 0 -json"))
equal(data("leaks -baseline " + baseline)["matched"], 0, "a baseline accepts what it lists")
equal(status(), 0, "and that is no problem")
with open(baseline, encoding="utf-8") as file:
    document = json.load(file)
dropped = [row for row in document["data"]["rows"] if row["root"]["type"] == "session"][0]
document["data"]["rows"].remove(dropped)
with open(baseline, "w", encoding="utf-8") as file:
    json.dump(document, file)
equal(data("leaks -baseline " + baseline)["matched"], 1, "one more than accepted is new")

report = os.path.join(DIRECTORY, "leaks.xml")
execute("cairn leaks -suppress %s -junit %s" % (rules, report))
suite = ET.parse(report).getroot().find("testsuite")
assert suite is not None
cases = suite.findall("testcase")
equal(len(cases), int(suite.attrib["tests"]), "the cases are counted")
equal(sum(case.find("failure") is not None for case in cases), int(suite.attrib["failures"]),
      "so are the failures")
equal({(case.attrib["classname"], case.attrib["name"]) for case in cases
       if case.find("failure") is not None},
      {("cairn.leaks.lost", "session"), ("cairn.leaks.lost", "list")}, "what failed")
equal(sum(case.find("skipped") is not None for case in cases), 2, "what is suppressed is skipped")
for line, words in (("-suppress /nowhere/rules", "can't be read: No such file"),
                    ("-junit /nowhere/report.xml", "can't be written: No such file"),
                    ("-baseline " + rules, "is not what `cairn leaks -json` writes, and no")):
    check(words in error_of("cairn leaks " + line), "the error of leaks " + line)

# ---- text ----
text = execute("cairn leaks")
for words in ("8 leaks, 18 objects", "2 cycles that the collector frees", "2 that hold each other",
              "holds itself", "another leak holds it too", "2 objects, 112 B of it hang on several "
              "leaks", "The next collection frees all 2 cycles: 6 objects",
              "Mending @2 alone would free 3 objects, 128 B, 19 % of it"):
    check(words in text, "'%s' stands in\n%s" % (words, text))
cut = execute("cairn leaks -limit 2")
check("2 of 8 leaks shown" in cut and "By type: 6 session, 2 list." in cut, "what was cut:\n" + cut)
equal(answer("leaks")["exactness"], "exact", "how sure it is, on " + TARGET)
passed()
