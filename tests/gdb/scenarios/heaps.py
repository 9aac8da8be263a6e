"""Several heaps in one thread: each is listed, each object belongs to its own."""
from harness import Heap, Truth, check, data, equal, passed, rows, start

start()
truth = Truth()
heap = Heap(truth)
listed = heap.compare_objects()
heap.compare_edges(balanced=True)

heaps = {row["name"]: row for row in data("")["heaps"]}
equal(set(heaps), {"red", "green", "empty"}, "the heaps; the destroyed one is gone")
red = heaps["red"]
equal((red["limit_bytes"], red["external_bytes"], red["group"]["name"]),
      (64 << 20, 3 << 20, "colours"), "what red may take, keeps, and shares a limit with")
equal(red["group"]["taken_bytes"], red["taken_bytes"], "the group's only heap")
check("group" not in heaps["green"] and "limit_bytes" not in heaps["green"], "green has no limit")
keepers = [row for row in rows("objects -type list -heap %d" % red["id"])
           if "external_bytes" in data("show " + row["addr"])]
equal([data("show " + row["addr"])["external_bytes"] for row in keepers], [3 << 20],
      "the list in red keeps bytes outside")
ids = {row["addr"]: row["id"] for row in heaps.values()}
for row in listed:
    if row["addr"] in heap.heap_of:
        equal(row["heap"], ids[heap.heap_of[row["addr"]]], "the heap of " + row["addr"])
for name in ("red", "green"):
    mine = rows("objects -heap %d" % heaps[name]["id"])
    check({row["addr"] for row in mine} >= {addr for addr, owner in heap.heap_of.items()
                                            if owner == heaps[name]["addr"]}, "objects of " + name)
    equal({row["heap"] for row in mine}, {heaps[name]["id"]}, "-heap shows one heap")
    equal(rows("objects -heap " + name), mine, "a heap by its name")
passed()
