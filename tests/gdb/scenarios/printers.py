"""Pretty-printers: values in print, info locals and bt; safe on cycles, damage and depth."""
import gdb
from harness import Truth, check, equal, execute, passed, start

start()
# `frame function` takes the caller of one that never returns for its neighbour.
while gdb.selected_frame().name() != "middle":
    gdb.execute("up", to_string=True)
truth = Truth()
(address,) = [addr for _, name, addr in truth["root"] if name == "main.list"]
(count,) = [int(fields[2]) for fields in truth["object"] if fields[0] == address]
items = sum(edge[0] == address for edge in truth["edge"])
shown = "list[%d] rc=%d" % (items, count)
text = execute("print list")
check(shown in text, "a pointer to a list: " + text)
check(shown in execute("print *list"), "the list itself")
check("1000" in text and "..." in text or "dict" in text, "its items, some of them: " + text)
check(len(text) < 2000, "a short text")
nodes = execute("print *node")
check("node" in nodes and "serial" in nodes, "a native object shows its fields: " + nodes)
check(len(nodes) < 4000, "a cycle ends: " + nodes)
locals_text = execute("info locals")
check("rc=" in locals_text, "info locals: " + locals_text)
check("rc=" in execute("backtrace 12"), "bt")
check(execute("print not_yet").strip().endswith(" 0x0"), "NULL stays as GDB prints it")
check("list" not in execute("print (cairn_object *)0x1230"), "a wild pointer")
equal(int(gdb.parse_and_eval("$cairn_refcount(list)")), count, "$cairn_refcount")
equal(gdb.parse_and_eval("$cairn_type(list)").string(), "list", "$cairn_type")
check(int(gdb.parse_and_eval("$cairn_size(list)")) > 0, "$cairn_size")
equal(int(gdb.parse_and_eval("$cairn_is_object(list)")), 1, "$cairn_is_object of an object")
equal(int(gdb.parse_and_eval("$cairn_is_object(0)")), 0, "$cairn_is_object of NULL")
equal(int(gdb.parse_and_eval("$cairn_is_object(&list)")), 0, "$cairn_is_object of a slot")
passed()
