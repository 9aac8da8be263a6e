"""Moments of cores: kept, saved, compared with the core's own file; with and without symbols."""
import os

import gdb
from harness import DIRECTORY, TARGET, answer, check, data, equal, error_of, execute, passed

CORE = os.environ["SCENARIO_CORE"]
with open(os.environ["SCENARIO_TRUTH"], encoding="ascii") as truth:
    TOLD = [line.split() for line in truth]
check(TOLD and {row[0] for row in TOLD} == {"1"}, "the program died at its first moment")

kept = data("snapshot here")
equal(kept["objects"], data("")["objects"], "all objects")
equal((kept["kind"], kept["sites"]), ("core", 3), "of a core, with three places")
path = os.path.join(DIRECTORY, "core.cairn")
text = execute(f"cairn snapshot save {path}")
check("OTHER-CORE" in text, "a core does not run on: " + text)
for first, second in ((path, "now"), (path, CORE), (CORE, "here"), ("here", path)):
    envelope = answer(f"diff {first} {second}")
    found = envelope["data"]
    equal((found["rows"], found["totals"]["process"]), ([], "same"), f"{first} {second}")
    equal(found["totals"]["kept"], kept["objects"], "all is still there")
    equal(envelope["exactness"], "exact", "by serials")
    equal(int(gdb.parse_and_eval("$cairn_status")), 0, "nothing is wrong")
by_line = {row[4] for row in TOLD}
equal(len(by_line), 3, "the program has three places, too")
if TARGET == "core":
    text = execute("cairn sites")
    check("growing.c:" in text, "lines are known: " + text)
check("no core that can be read" in error_of(f"cairn diff {os.environ['SCENARIO_TRUTH']}"),
      "a file that is neither")
for command in (f"watch {TOLD[0][1]}", f"break free {TOLD[0][1]}", "break alloc", "break collect"):
    check("core does not run" in error_of("cairn " + command), command)
passed()
