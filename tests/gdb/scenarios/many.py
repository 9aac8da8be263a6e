"""Leaks and cycles by the hundred thousand: object for object what the program's own collection
frees and what it reports when the heap is destroyed; and what is said beyond the limits up to which
places are looked up."""
import json
import os
import subprocess
from typing import Any, Dict, List

from harness import (DIRECTORY, PLUGIN, Truth, answer, check, equal, execute, passed, rows, run_to)

GROUPED_MAX, STORES_MAX = 5000, 1000  # as the texts say
LENS = os.path.join(os.path.dirname(PLUGIN), "bin", "cairn-lens")
TRACKED = "CAIRN_TRACK" in os.environ

run_to("built")
truth = Truth()
lost = {addr for addr, in truth["lost"]}
pair_of = {addr: frozenset(pair) for pair in truth["pair"] for addr in pair}
kept = {addr for addr, in truth["kept"]}
leaks_made = len(lost) + len(truth["pair"])

# ---- what the lens says while they are there ----
everything = answer("leaks -limit 0")
found: List[Dict[str, Any]] = everything["data"]["rows"]
equal({row["root"]["addr"] for row in found if row["kind"] == "lost"}, lost, "what is lost")
cycles = [row["root"]["addr"] for row in found if row["kind"] == "cycle"]
equal(len(cycles), len(truth["pair"]), "a row a pair")
equal({pair_of.get(addr) for addr in cycles}, set(pair_of.values()), "the pairs")
equal(everything["data"]["matched"], leaks_made, "nothing else leaks")
freed = {row["addr"] for row in rows("collect -freed")}
equal(freed, set(pair_of), "what a collection would free")
text = execute("cairn leaks")
execute("cairn collect")

# ---- limits: all is found, places are looked up for so many ----
several, too_many = "alike: lost str from ", "where all are at most 5,000"
if TRACKED:
    said = any(too_many in warning for warning in everything["warnings"])
    equal(said, leaks_made > GROUPED_MAX, "beyond the limit: %s" % everything["warnings"])
    equal("groups" in everything["data"], leaks_made <= GROUPED_MAX, "up to the limit")
    equal(several in text, leaks_made <= GROUPED_MAX, "as text: " + text)
    equal(too_many in text, leaks_made > GROUPED_MAX, "what was left out, as text: " + text)
    check("site" in found[-1] and "site" in found[0], "each row has its place, however many")
    if leaks_made <= GROUPED_MAX:
        equal({(row["kind"], row["type"]): row["leaks"] for row in everything["data"]["groups"]},
              {("lost", "str"): len(lost), ("cycle", "node"): len(cycles)}, "how many of each")
    rings = answer("cycles -limit 0")
    with_line = ["site" in row["break"] for row in rings["data"]["rows"]]
    equal(len(with_line), len(truth["pair"]), "a ring a pair")
    first = min(len(with_line), STORES_MAX)
    equal(with_line, [True] * first + [False] * (len(with_line) - first), "who stored it")
    said = any("the first 1,000 rows" in warning for warning in rings["warnings"])
    equal(said, len(with_line) > STORES_MAX, "and how many that were looked for")
else:
    check(too_many not in text and several not in text, "nothing to add up without sites")

# ---- the same without a debugger, of a core ----
if TRACKED and os.path.exists(LENS):
    core = os.path.join(DIRECTORY, "core")
    execute(f"gcore {core}")
    told, text = [subprocess.run([LENS, core, *line.split()], stdout=subprocess.PIPE, text=True,
                                 check=False, timeout=60).stdout
                  for line in ("leaks -limit 0 -json", "leaks")]
    theirs = json.loads(told)
    equal(any(too_many in warning for warning in theirs["warnings"]), leaks_made > GROUPED_MAX,
          f"cairn-lens, beyond the limit: {theirs['warnings']}")
    equal({(row["kind"], row["type"]): row["leaks"] for row in theirs["data"].get("groups", [])},
          {("lost", "str"): len(lost), ("cycle", "node"): len(cycles)}
          if leaks_made <= GROUPED_MAX else {}, "cairn-lens: how many of each")
    equal({row["root"]["addr"] for row in theirs["data"]["rows"] if row["kind"] == "lost"}, lost,
          "cairn-lens: what is lost")
    equal((several in text, too_many in text),
          (leaks_made <= GROUPED_MAX, leaks_made > GROUPED_MAX), "cairn-lens, as text: " + text)

# ---- the program's own verdict ----
run_to("over")
after = Truth()
left = {addr for addr, in after["left"]}
check(not freed & left, "all that would be freed is gone")
check(lost | kept <= left, "and nothing else is")
equal(int(after["freed"][0][0]), len(freed), "as many as cairn_collect said")
objects, size = (int(field) for field in after["report"][0])
equal(objects, len(lost), "the program reports what is lost")
equal(size, sum(row["bytes"] for row in found if row["kind"] == "lost"), "so many bytes")
equal(after["type"], [["str", str(objects), str(size)]] if objects else [], "of that type")
passed()
