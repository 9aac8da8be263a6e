"""Several heaps in one thread: each is listed, each object belongs to its own."""
from harness import Heap, Truth, check, data, equal, passed, rows, start

start()
truth = Truth()
heap = Heap(truth)
listed = heap.compare_objects()
heap.compare_edges(balanced=True)

heaps = {row["name"]: row for row in data("")["heaps"]}
equal(set(heaps), {"red", "green", "empty"}, "the heaps; the destroyed one is gone")
ids = {row["addr"]: row["id"] for row in heaps.values()}
for row in listed:
    if row["addr"] in heap.heap_of:
        equal(row["heap"], ids[heap.heap_of[row["addr"]]], "the heap of " + row["addr"])
for name in ("red", "green"):
    mine = rows("objects -heap %d" % heaps[name]["id"])
    check({row["addr"] for row in mine} >= {addr for addr, owner in heap.heap_of.items()
                                            if owner == heaps[name]["addr"]}, "objects of " + name)
    equal({row["heap"] for row in mine}, {heaps[name]["id"]}, "-heap shows one heap")
passed()
