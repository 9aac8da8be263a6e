"""At any instruction of the runtime the audit is right, or says what is on its way.

    instants.py STOPS

instants.c runs operations on objects that nothing but a list in the heap holds, each between
op_begin and op_end.  Each is stopped again and again, after so many instructions: at first after a
few, drawn by lot, and after every STOPS of them after about twice as many.  At each stop the heap
is audited.  Three objects are wrong all the time, and the program says which: exactly these are
found, for certain and by as much as they are wrong; but where a register has one whose count is too
high, as while the collector looks at it, it looks balanced, or that is its one doubt; and while a
list's items are shifted some may be in vector registers alone, so any count may be right that is
too high.  Whatever else is listed is doubtful.  `referrers` says of each what the audit says.

While a collection frees its garbage, cairn-lens is asked of a core, too, which lacks what the
collector notes beside the objects: it accuses nobody else for certain, and the count that is too
low is found.
"""
import json
import os
import random
import subprocess
from collections import Counter
from typing import Any, Counter as CounterOf, Dict, List

import gdb
from harness import DIRECTORY, PLUGIN, check, data, equal, execute, passed, quiet, run_to

STOPS = int(os.environ["SCENARIO_COMMAND"].split()[1])
FEW = 5  # instructions between the first stops, about
SEED = int(os.environ.get("CAIRN_MOMENTS_SEED", "20261123"))
MINIMUM = 100 * STOPS
MASK = (1 << 64) - 1
LENS = os.path.join(os.path.dirname(PLUGIN), "bin", "cairn-lens")
CORE = os.path.join(DIRECTORY, "core")
stops: CounterOf[str] = Counter()
doubts: CounterOf[str] = Counter()
cores: CounterOf[str] = Counter()
plain: CounterOf[str] = Counter()  # stops at which all three were found, for certain


def told(name: str) -> str:
    return hex(~int(gdb.parse_and_eval(name)) & MASK)


def where(operation: str) -> str:
    return "%s, at %s" % (operation, execute("x/i $pc").strip()[3:])


def agree(row: Dict[str, Any], operation: str) -> None:
    """`referrers` of a finding says the same of its count."""
    account = data("referrers %s" % row["addr"])["accounting"]
    equal({key: account.get(key) for key in account}, {key: row.get(key) for key in account},
          "referrers and audit agree on a %s; %s" % (row["type"], where(operation)))


def judge(operation: str, planted: Dict[str, int]) -> None:
    listed: List[Dict[str, Any]] = data("audit -limit 0")["rows"]
    sure = {row["addr"]: row["surplus"] for row in listed if not row["doubts"]}
    plain[operation] += sure == planted
    shifting = int(gdb.parse_and_eval("*(unsigned *)%d" % FLUX)) == RESIZE
    excuses = {"stand-in", "flux"} if shifting else {"stand-in"}
    for addr in HIGH:
        in_doubt = [row["doubts"] for row in listed if row["addr"] == addr]
        if in_doubt == [] or 0 < len(in_doubt[0]) and set(in_doubt[0]) <= excuses:
            sure.setdefault(addr, 1)
    if sure != planted:
        print(execute("bt 12"), execute("cairn audit -limit 0"), execute("info registers"))
    equal(sure, planted, "found for certain; " + where(operation))
    for row in listed:
        doubts.update(row["doubts"])
        if row["doubts"] or sum(stops.values()) % 10 == 0:
            agree(row, operation)
    stops[operation] += 1


def is_freeing() -> bool:
    flux = int(gdb.parse_and_eval("*(unsigned *)%d" % FLUX))
    return flux == RECLAIM or bool(flux == RELEASE and int(gdb.parse_and_eval("heap->collecting")))


def judge_core(operation: str, planted: Dict[str, int]) -> None:
    gdb.execute("gcore " + CORE, to_string=True)
    reply = subprocess.run([LENS, CORE, "audit", "-limit", "0", "-json"], stdout=subprocess.PIPE,
                           check=False, timeout=60)
    os.remove(CORE)
    listed: List[Dict[str, Any]] = json.loads(reply.stdout)["data"]["rows"]
    for row in listed:
        if not row["doubts"]:
            equal(row["surplus"], planted.get(row["addr"]), "in a core; " + where(operation))
    found = {row["addr"] for row in listed}
    check(set(planted) - set(HIGH) <= found, "all are found in a core; " + where(operation))
    cores[operation] += 1


def at_end() -> bool:
    return gdb.selected_frame().name() == "op_end"


def go_on(instructions: int) -> None:
    """That many instructions, or to the end of the operation.  The clock is not stepped through: it
    reads until two readings agree, and stepped they never do."""
    gdb.execute("stepi %d" % instructions, to_string=True)
    if "clock_gettime" in (gdb.selected_frame().name() or ""):
        gdb.execute("finish", to_string=True)


def pass_through(operation: str, planted: Dict[str, int], drawn: random.Random) -> None:
    most = 2 * FEW
    while True:
        with quiet():
            go_on(drawn.randint(1, most))
        if at_end():
            return
        judge(operation, planted)
        if os.path.exists(LENS) and is_freeing():
            judge_core(operation, planted)
        if stops[operation] % STOPS == 0:
            most *= 2


print("seed %d" % SEED)
drawn = random.Random(SEED)
gdb.execute("set step-mode on")  # into code without line numbers as well
gdb.execute("set environment LD_BIND_NOW 1")  # the loader's instructions prove nothing
run_to("op_begin")
gdb.Breakpoint("op_end", internal=True)
FLUX = int(gdb.parse_and_eval("(unsigned long)&heap->flux"))
RESIZE, RECLAIM, RELEASE = (int(gdb.parse_and_eval("CAIRN_FLUX_" + flux))
                            for flux in ("RESIZE", "RECLAIM", "RELEASE"))
HIGH = (told("surplus"), told("looked_at"))
wrong = {told("deficit"): -1, **dict.fromkeys(HIGH, 1)}
for number in range(int(gdb.parse_and_eval("operation_count"))):
    name = gdb.parse_and_eval("name").string()
    gdb.execute("finish", to_string=True)
    pass_through(name, wrong, drawn)
    print("%5d stops: %s" % (stops[name], name))
    check(2 * plain[name] >= stops[name], "%d times all were certain" % plain[name])
    if number + 1 < int(gdb.parse_and_eval("operation_count")):
        run_to("op_begin")
print("doubtful: %s" % dict(doubts))
print("cores: %s" % dict(cores))
check(not os.path.exists(LENS) or sum(cores.values()) > 0, "cores in mid-reclaim")
check(doubts["flux"] > 0, "the collector was met while garbage waited")
check(sum(stops.values()) >= MINIMUM, "enough stops: %d" % sum(stops.values()))
passed()
