"""Non-stop mode: while another thread runs, each answer is read anew and says how sure it is."""
import time

import gdb
from harness import answer, check, execute, passed

execute("set non-stop on")
gdb.Breakpoint("stand")
execute("run")
execute("thread 1")


def floats() -> int:
    envelope = answer("types")
    check(envelope["exactness"] != "exact", "the answer is not called exact")
    check("1 thread ran while this was read" in " ".join(envelope["warnings"]), "and says why")
    return sum(row["count"] for row in envelope["data"]["rows"] if row["type"] == "float")


first = floats()
deadline = time.monotonic() + 30
while floats() <= first:
    check(time.monotonic() < deadline, "the other thread's objects are seen")
    time.sleep(0.01)

passed()
