"""Objects of a shared heap, held by objects of three heaps and by the stacks of three threads."""
import json
import os
import subprocess

from harness import LIVE, PLUGIN, Heap, Truth, check, data, equal, execute, passed, rows, start

start()
truth = Truth()
heap = Heap(truth)
listed = heap.compare_objects()
heap.compare_edges(balanced=LIVE)

heaps = {row["name"]: row for row in data("")["heaps"]}
equal({name for name, row in heaps.items() if row.get("shared")}, {"registry"}, "what is shared")
check("registry (shared)" in execute("cairn"), "the overview says which heap is shared")
registry = heaps["registry"]
for row in listed:
    equal(row.get("shared", False), row["heap"] == registry["id"], "shared of " + row["addr"])

catalog, title = (addr for kind, _, addr in truth["root"] if kind == "static")
for addr, slots in ((catalog, 1), (title, 2)):
    account = data("show " + addr)
    workers = [row for row in account["held_from"] if row["name"].startswith("worker ")]
    equal({row["name"]: row["slots"] for row in workers},
          {"worker %d" % i: slots for i in range(3)}, "the heaps that hold " + addr)
    holders = rows("referrers %s -limit 0" % addr)
    ids = [row["holder"]["heap"] for row in holders if "heap" in row["holder"]]
    equal({id: ids.count(id) for id in set(ids) if id != registry["id"]},
          {heaps["worker %d" % i]["id"]: slots for i in range(3)}, "the heap of each holder")
    text = execute("cairn referrers " + addr + " -limit 0")
    check(all("worker %d" % i in text for i in range(3)), "each holder's heap is named: " + text)
check("shared by threads" in execute("cairn show " + title), "show says that it is shared")
check("held from objects in registry (1 slot), worker 0 (2 slots)"
      in execute("cairn show " + title),
      "show names the heaps")

check("Only registry; the other heaps are left out." in
      execute("cairn objects -heap %d" % registry["id"]), "a listing of one heap says so")

core = os.environ.get("SCENARIO_CORE")
if core:
    lens = os.path.join(os.path.dirname(PLUGIN), "bin", "cairn-lens")
    said = json.loads(subprocess.check_output([lens, core, "objects", "-limit", "0", "-json"]))
    for row in said["data"]["rows"]:
        equal(row.get("shared", False), row["heap"] == registry["id"], "cairn-lens: " + row["addr"])
    said = json.loads(subprocess.check_output([lens, core, "show", title, "-json"]))
    equal(said["exactness"], "conservative", "cairn-lens: every root is a guess")

# The catalog: one slot in each of three heaps, a variable in each of three threads, one global.
threads = {row["holder"]["thread"] for row in rows("referrers %s -limit 0" % catalog)
           if row["holder"].get("name", "").endswith("borrowed")}
equal(len(threads), 3, "a variable in each worker")
passed()
