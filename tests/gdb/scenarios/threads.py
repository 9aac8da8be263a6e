"""Several threads with a heap each: every stack is drawn, every heap is found."""
from harness import LIVE, Heap, Truth, check, data, equal, passed, rows, start

start()
truth = Truth()
heap = Heap(truth)
heap.compare_objects()
equal(len(data("")["heaps"]), 4, "a heap a thread")

threads = data("stack -all -limit 0")["threads"]
equal(len(threads), 5, "main and four workers")
drawn = {("work." + variable["name"], variable["object"]["addr"])
         for thread in threads for frame in thread["frames"] if frame["function"] == "work"
         for variable in frame["variables"] if variable.get("object")}
expected = {(name, addr) for kind, name, addr in truth["root"] if kind == "local"}
equal(drawn, expected, "the workers' variables")
rooted = rows("roots")
for kind, name, addr in truth["root"]:
    names = {row["name"] for row in rooted if row["object"]["addr"] == addr}
    if kind == "tls" and not LIVE:
        continue  # thread-local variables are named in live programs only
    check(any(name in found for found in names), "%s is a root; there are %s" % (name, names))
heap.compare_edges(balanced=LIVE)
passed()
