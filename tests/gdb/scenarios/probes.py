"""USDT probes: GDB stops at them and knows their arguments, in programs of every kind."""
import gdb
from harness import check, data, equal, execute, passed


def argument(number: int) -> int:
    return int(gdb.parse_and_eval("$_probe_arg%d" % number))


execute("starti")
program = gdb.current_progspace()
if program is not None and "tracked.O0" in (program.filename or ""):
    execute("tbreak main")  # the shared library is there by then
    execute("continue")
execute("break -probe cairn:free")
execute("break -probe cairn:collect_start")
execute("break -probe cairn:collect_end")
equal(len(gdb.breakpoints()), 3, "three breakpoints")
equal({b.pending for b in gdb.breakpoints()}, {False}, "GDB found the probes")

execute("continue")
equal(argument(0) != 0, True, "an object is being freed")
freed, serial = argument(0), argument(3)
shown = data("show %#x" % freed)
equal((shown["serial"], shown["refcount"]), (serial, 0), "the serial of what is being freed")
check("dying" in execute("cairn show %#x" % freed), "it is dying")
equal(argument(2), shown["size"], "its bytes")
equal(int(gdb.parse_and_eval("$_probe_argc")), 5, "five arguments")

gdb.breakpoints()[0].enabled = False
execute("continue")
heap = data("")["heaps"][0]
equal((hex(argument(0)), argument(1), argument(2)), (heap["addr"], 0, 1), "the first collection")
execute("continue")
equal((hex(argument(0)), argument(1), argument(3)), (heap["addr"], 0, 0), "it freed nothing")
passed()
