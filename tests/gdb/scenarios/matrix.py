"""Everything that was built is found, with its type, count, size, edges and holders; nothing else.

Heap facts are exact in every variant and target.  Variables are exact in the unoptimised build,
never wrong in an optimised one, and where there are no symbols the raw words stand in for them.
"""
import os
from typing import Dict, List

from harness import LIVE, TARGET, Heap, Truth, check, data, equal, passed, rows, start

VARIANT = os.environ.get("SCENARIO_PROGRAM", "").rsplit(".", 1)[-1]
# A core without its executable has no symbols of the program, whatever the program had.
NAMED = VARIANT in ("O0", "O2") and TARGET != "core_only"

start()
truth = Truth()
heap = Heap(truth)
listed = heap.compare_objects()

# ---- the census by type and by count ----
by_type: Dict[str, List[int]] = {}
by_count: Dict[int, int] = {}
for row in listed:
    by_type.setdefault(row["type"], []).append(row["size"])
    by_count[row["refcount"]] = by_count.get(row["refcount"], 0) + 1
equal({row["type"]: (row["count"], row["bytes"]) for row in rows("types")},
      {name: (len(sizes), sum(sizes)) for name, sizes in by_type.items()}, "the census by type")
equal({row["refcount"]: row["count"] for row in rows("refcounts")}, by_count,
      "the census by count")
overview = data("")
equal([row["name"] for row in overview["heaps"]], ["matrix"], "the heap")
equal(overview["objects"], len(listed), "the number of objects")

heap.compare_edges(balanced=NAMED and VARIANT == "O0")

# ---- the roots ----
roots = [(kind, name, addr) for kind, name, addr in truth["root"]]
rooted = rows("roots")
held = {row["object"]["addr"] for row in rooted}
if NAMED and VARIANT == "O0":
    stack = data("stack -limit 0")
    drawn = {(variable["kind"], "%s.%s" % (frame["function"], variable["name"]),
              variable["object"]["addr"])
             for thread in stack["threads"] for frame in thread["frames"]
             for variable in frame["variables"]
             if variable.get("object") and frame["function"] in ("inner", "middle", "main")}
    expected = {root for root in roots if root[0] in ("arg", "local")}
    equal({row for row in drawn if row[0] in ("arg", "local")}, expected, "the stack")
    named = {(row["kind"], row["name"], row["object"]["addr"]) for row in rooted}
    for kind in ("global", "static", "tls"):
        if kind == "tls" and not LIVE:
            continue  # libthread_db answers for live programs only
        for root in roots:
            if root[0] == kind:
                check(root in named, "root %s; there are %s" % (root, sorted(named)))
else:
    # Without names, or optimised: each object that a kept variable holds is found all the same.
    for kind, name, addr in roots:
        if kind in ("global", "static", "tls", "foreign"):
            check(addr in held, "%s (%s) is found among the roots" % (name, kind))
passed()
