"""A random heap (tests/fixtures/random_heap.c): its maker and the plugin agree on everything.

Small heaps are compared edge by edge, from both ends; of large ones all objects.
"""
import os
from collections import Counter
from typing import Counter as CounterOf, Tuple

from harness import Heap, Truth, answer, check, data, equal, execute, passed, rows, start

EDGES_MAX = 3000  # above it asking each object takes too long

Edge = Tuple[str, str, str]  # holder, target, kind

start()
truth = Truth()
print("built by: " + os.environ["SCENARIO_COMMAND"])
heap = Heap(truth)
heap.compare_objects()
equal(len(data("")["heaps"]), len(truth["heap"]), "the heaps")

if len(truth["edge"]) <= EDGES_MAX:
    # The generator names slots in its own way: here the ends and the kind count.  Its opaque
    # objects disguise what they hold: nobody outside can see that.
    expected: CounterOf[Edge] = Counter((holder, target, kind)
                                        for holder, _, target, kind in truth["edge"]
                                        if kind != "opaque")
    outward: CounterOf[Edge] = Counter()
    inward: CounterOf[Edge] = Counter()
    for addr in heap.objects:
        for ref in rows("refs " + addr):
            outward[(addr, ref["object"]["addr"], ref["kind"])] += 1
        for row in rows("referrers " + addr):
            if row["holder"].get("addr") in heap.objects and "type" in row["holder"]:
                inward[(row["holder"]["addr"], addr, row["kind"])] += 1
    equal(dict(outward), dict(expected), "who holds what")
    equal(dict(inward), {edge: count for edge, count in expected.items()
                         if edge[1] in heap.objects}, "who is held by whom")

# A reference that an opaque object disguises is no proof of a leak, and each answer says so.
for _, _, target, kind in truth["edge"][:EDGES_MAX]:
    if kind == "opaque" and target in heap.objects:
        account = answer("referrers " + target)
        equal(account["exactness"], "conservative", "the account of " + target)
        if account["data"]["accounting"]["verdict"] == "over-retained":
            check("hold it unseen" in execute("cairn show " + target), "and that of " + target)
            break

held = {row["object"]["addr"] for row in rows("roots")}
check({addr for _, _, addr in truth["root"] if addr in heap.objects} <= held,
      "each malloc'ed root is found")
passed()
