"""Stopped at any instruction, the census is right or names what is in flux, and never fails.

steps.c runs operations between op_begin and op_end, and keeps account of what lives between them.
Here each instruction of each operation is stepped; at each the whole heap is read anew through
the plugin's session.  When the operation is over, the account of before and after judges all
that was seen between:

 - an object that neither account has was never seen;
 - one that both have was always there, with a count between the two (one more while the runtime
   holds it itself), unless it was named as in flux;
 - one that appears or disappears does so once.

At each instruction the integrity check must find nothing either: no count below the references.
"""
import struct
from typing import Any, Dict, List, Tuple

import gdb
from cairn_gdb import records
from cairn_gdb.shell.sessions import sessions
from harness import check, equal, fail, passed, quiet, run_to

COUNT_MAX = (1 << 31) - 1  # above it an object is immortal
ROW = struct.Struct("<QQ")
MINIMUM = 3000  # instructions: fewer would prove little

Seen = Dict[int, Tuple[int, bool]]  # address -> count, in flux


def census() -> Seen:
    """The counted objects as the plugin sees them now."""
    session = sessions.current()
    lens = session.snapshot()
    totals = lens.walk_totals()
    equal((totals.damaged_blocks, totals.unreadable_bytes), (0, 0), "no block looks damaged")
    lens.check()  # references above a count, free lists, pages
    equal([row.text for row in lens.problems() if row.severity == "damage"], [], "no damage")
    flux = {heap.flux_object for heap in lens.heaps() if heap.flux != "none"}
    found, _ = lens.select(records.Filter(refcount=records.Range(0, COUNT_MAX)), 10000)
    return {row.address: (row.refcount, row.address in flux or "dying" in row.state
                          or "held" in row.state) for row in found}


def account() -> Dict[int, int]:
    """What the program itself says of its objects: address -> count."""
    count = int(gdb.parse_and_eval("alive_count"))
    start = int(gdb.parse_and_eval("(unsigned long)&alive[0]"))
    if count == 0:
        return {}  # GDB 16 refuses to read nothing
    table = bytes(gdb.selected_inferior().read_memory(start, ROW.size * count))
    mask = (1 << 64) - 1
    return {~inverted & mask: refs for inverted, refs in ROW.iter_unpack(table) if refs}


def judge(name: str, before: Dict[int, int], after: Dict[int, int], seen: List[Seen]) -> None:
    for addr in set().union(*seen):
        if addr not in before and addr not in after:
            fail("%s: 0x%x was seen, and never was" % (name, addr))
    for addr in set(before) | set(after):
        low = min(before.get(addr, 0), after.get(addr, 0))
        high = max(before.get(addr, 0), after.get(addr, 0)) + 1
        there = [addr in one for one in seen]
        changes = sum(one != other for one, other in zip(there, there[1:]))
        check(changes <= 1, "%s: 0x%x came or went once" % (name, addr))
        check(low == 0 or all(there), "%s: 0x%x was always there" % (name, addr))
        for step, one in enumerate(seen):
            count, in_flux = one.get(addr, (low, False))
            check(in_flux or low <= count <= high,
                  "%s, instruction %d: the count of 0x%x is %d, not in %d..%d"
                  % (name, step, addr, count, low, high))


def step() -> None:
    """One instruction, but for two.  A string instruction that repeats itself stops after each of
    its bytes: what is left of it, thousands of steps in a memset, is run in one go.  The kernel's
    clock tries again until its time stood still: stepped, it never would, so it is left at once."""
    before = int(gdb.parse_and_eval("$pc"))
    gdb.execute("stepi", to_string=True)
    if "clock_gettime" in (gdb.selected_frame().name() or ""):
        gdb.execute("finish", to_string=True)
        return
    if int(gdb.parse_and_eval("$pc")) != before:
        return
    repeated: Any = gdb.selected_frame().architecture().disassemble(before)[0]
    gdb.Breakpoint("*%d" % (before + repeated["length"]), internal=True, temporary=True)
    gdb.execute("continue", to_string=True)


def step_through(end: int) -> List[Seen]:
    """Steps from op_begin's caller to op_end; the heap at every instruction."""
    seen = []
    with quiet():
        while int(gdb.parse_and_eval("$pc")) != end:
            step()
            seen.append(census())
    return seen


def settle(seen: List[Seen], own: Dict[int, Any]) -> List[Seen]:
    """Leaves out what the runtime itself made when the heap was made."""
    return [{addr: row for addr, row in one.items() if addr not in own} for one in seen]


gdb.execute("set step-mode on")  # into code without line numbers as well
gdb.execute("set environment LD_BIND_NOW 1")  # the loader's instructions prove nothing
run_to("op_begin")
runtime_own = census()
instructions = 0
end_address = int(gdb.parse_and_eval("(unsigned long)op_end"))
while True:
    operation = gdb.parse_and_eval("name").string()
    gdb.execute("finish", to_string=True)
    earlier = account()
    steps = settle(step_through(end_address), runtime_own)
    instructions += len(steps)
    print("%5d instructions: %s" % (len(steps), operation))
    gdb.execute("finish", to_string=True)
    gdb.Breakpoint("op_begin", temporary=True)
    gdb.execute("continue", to_string=True)
    if gdb.selected_inferior().pid == 0:
        break
    judge(operation, earlier, account(), steps)
check(instructions >= MINIMUM, "%d instructions were stepped" % instructions)
passed()
