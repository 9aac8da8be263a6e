"""Two programs in one GDB: each answer is about the one that is selected."""
import os

import gdb
from harness import Heap, Truth, check, data, equal, passed, run_to, start

start()
truth = Truth()
first = Heap(truth)
first.compare_objects()
gdb.execute("add-inferior -exec %s" % os.environ["SCENARIO_PROGRAM"], to_string=True)
gdb.execute("inferior 2", to_string=True)
run_to("main")
gdb.execute("inferior 1", to_string=True)
first.compare_objects()
gdb.execute("inferior 2", to_string=True)
os.environ["SCENARIO_SECOND"] = os.environ["SCENARIO_TRUTH"] + ".second"
gdb.execute("call (int)setenv(\"SCENARIO_TRUTH\", \"%s\", 1)" % os.environ["SCENARIO_SECOND"],
            to_string=True)
gdb.execute("continue", to_string=True)
second = Heap(Truth(os.environ["SCENARIO_SECOND"]))
second.compare_objects()
check(data("")["objects"] > 0, "the second program's heap")
pids = {inferior.pid for inferior in gdb.inferiors()}
equal(len(pids), 2, "two processes")
for _ in range(2):
    gdb.execute("inferior 1", to_string=True)
    first.compare_objects()
    first.compare_edges(balanced=True)
    gdb.execute("inferior 2", to_string=True)
    second.compare_objects()
    second.compare_edges(balanced=True)
passed()
