"""A golden core in GDB, without any executable: objects, references, counts, fields."""
import json
from typing import Dict, List

from harness import Heap, Truth, check, data, equal, passed, rows, start

start()
truth = Truth()
heap = Heap(truth)
listed = heap.compare_objects()
equal({(row["addr"], row["name"]) for row in data("")["heaps"]},
      {(addr, name) for addr, name in truth["heap"]}, "the heaps")
heap.compare_edges(balanced=True)

by_count: Dict[int, int] = {}
for row in listed:
    by_count[row["refcount"]] = by_count.get(row["refcount"], 0) + 1
equal({row["refcount"]: row["count"] for row in rows("refcounts")}, by_count,
      "the census by count")
equal([row for row in rows("check") if not row["problem"].startswith("the contract lacks the ")],
      [], "what check finds")

fields: Dict[str, List[List[str]]] = {}
for addr, name, value in truth["field"]:
    fields.setdefault(addr, []).append([name, value])
check(fields, "there are fields")
for addr, expected in fields.items():
    shown = {field["name"]: field["value"] for field in data("show " + addr)["fields"]}
    for name, value in expected:
        known = json.loads(value)
        if isinstance(known, str):  # how a text is quoted may change
            check(known in shown[name], "%s of %s: %r" % (name, addr, shown[name]))
        else:
            equal(shown[name], known, "%s of %s" % (name, addr))
passed()
