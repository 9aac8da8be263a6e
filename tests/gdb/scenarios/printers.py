"""Pretty-printers: values in print, info locals and bt; safe on cycles, damage and depth."""
import re

import gdb
from harness import check, equal, execute, passed, start

start()
# `frame function` takes the caller of one that never returns for its neighbour.
while gdb.selected_frame().name() != "middle":
    gdb.execute("up", to_string=True)
text = execute("print list")
check(re.search(r"list\[8\] rc=\d+", text), "a pointer to a list: " + text)
check(re.search(r"list\[8\] rc=\d+", execute("print *list")), "the list itself")
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
equal(int(gdb.parse_and_eval("$cairn_refcount(list)")), 6, "$cairn_refcount")
equal(gdb.parse_and_eval("$cairn_type(list)").string(), "list", "$cairn_type")
check(int(gdb.parse_and_eval("$cairn_size(list)")) > 0, "$cairn_size")
equal(int(gdb.parse_and_eval("$cairn_is_object(list)")), 1, "$cairn_is_object of an object")
equal(int(gdb.parse_and_eval("$cairn_is_object(0)")), 0, "$cairn_is_object of NULL")
equal(int(gdb.parse_and_eval("$cairn_is_object(&list)")), 0, "$cairn_is_object of a slot")
passed()
