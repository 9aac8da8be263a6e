"""What is leaked now and was not there before: a baseline that is a snapshot, kept, in a file, of
another run; and one that is what an earlier `cairn leaks` printed."""
import os

import gdb
from harness import (DIRECTORY, Truth, answer, check, data, equal, error_of, execute, passed,
                     run_to)

TRACKED = "tracked" in os.environ["SCENARIO_COMMAND"]
snapshot = os.path.join(DIRECTORY, "before.snapshot")
listed = os.path.join(DIRECTORY, "before.json")

run_to("round_over")
execute("cairn snapshot before")
execute("cairn snapshot save " + snapshot)
with open(listed, "w", encoding="utf-8") as file:
    file.write(execute("cairn leaks -limit 0 -json"))
run_to("round_over")
truth = Truth()
reused = {addr for addr, in truth["reused"]}
every = {addr for _, _, addr in truth["leaked"]}
second = {addr for made, _, addr in truth["leaked"] if made == "2"}
check(len(reused) >= 3, "rings took the places of older ones")

equal({row["root"]["addr"] for row in data("leaks -limit 0")["rows"]}, every, "all that leaks")
for baseline in ("before", snapshot):
    said = answer("leaks -limit 0 -baseline " + baseline)
    new = {row["root"]["addr"] for row in said["data"]["rows"]}
    # Without serials a ring that is in the place of an older one looks like that one; it is said.
    equal(new, second if TRACKED else second - reused, "what is new since " + baseline)
    equal(int(gdb.parse_and_eval("$cairn_status")), 1, "new leaks are a problem")
    equal(said["data"]["set_aside"]["leaks"], len(every) - len(new), "the others are set aside")
    equal(said["exactness"], "exact" if TRACKED else "tolerant", "how sure that is")
    equal(any("alike counts as there before" in text for text in said["warnings"]), not TRACKED,
          "and why")

# By kind, type and place as many are accepted as there were.
kinds = [kind for made, kind, _ in truth["leaked"]]
counted = data("leaks -limit 0 -baseline " + listed)
check(counted["matched"] == len(every) - 9, "what was printed accepts 5 rings and 4 lost strs")

execute("cairn snapshot after")
equal(data("leaks -baseline after")["matched"], 0, "all was there just now")
equal(int(gdb.parse_and_eval("$cairn_status")), 0, "and that is no problem")

execute("kill")
gdb.execute("set disable-randomization off")
run_to("round_over")
equal(data("leaks -baseline " + listed)["matched"], 0, "another run leaks the same")
check("is of another process" in error_of("cairn leaks -baseline " + snapshot),
      "a snapshot says nothing of another run")
equal(int(gdb.parse_and_eval("$cairn_status")), 2, "that is no answer")
passed()
