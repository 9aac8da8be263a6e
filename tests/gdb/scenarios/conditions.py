"""Conditions of breakpoints ask the program as it is at each hit, and leave nothing stale."""
import gdb
from harness import data, equal, execute, passed, rows

never, marked = gdb.Breakpoint("visit"), gdb.Breakpoint("visit")
never.condition = "$cairn_refcount(item) == 99"
marked.condition = '$cairn_refcount(item) == 3 && $_streq($cairn_type(item), "int")'
said = execute("run")
equal("Error in testing" in said, False, "the conditions can be worked out: " + said)
equal((marked.hit_count, never.hit_count), (1, 0), "hits")
equal((data("show item")["value"], data("show item")["refcount"]), ("1006", 3), "the marked item")


def made() -> int:
    return sum(not row.get("immortal") for row in rows("objects -type int"))


equal(made(), 7, "items at the hit")
# From here on nothing but a condition looks at the program before it ends.
marked.delete()
execute("continue")
equal(never.hit_count, 0, "no hit")
equal(made(), 1, "items at the end")
passed()
