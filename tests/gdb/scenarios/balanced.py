"""Never a false alarm: where every count is right, nothing is reported, wherever the program stops.

    balanced.py SEED HEAPS GAP

balanced.c makes and changes HEAPS heaps of seeds, many of them alive at once.  Here it is stopped
between operations, and after a random number of instructions, at most MOST, into the next ones:
in the library, in the program, in any thread.  At each stop `audit` must find no count that is
wrong for certain, and between operations none that may be; `leaks` must list the rings that the
program says it has dropped, all of them, and nothing else.

That this can fail is seen at the end: the program leaves out one retain, then one release, and
each time the object that it names must be found.
"""
import os
import random
import struct
from collections import Counter
from typing import Any, Counter as CounterOf, Dict, Set

import gdb
from harness import TARGET, check, connect, data, equal, execute, fail, passed, quiet, resume, rows

WORDS = os.environ["SCENARIO_COMMAND"].split()[1:]
SEED, HEAPS, GAP = (int(word) for word in WORDS[:3])
MOST, ENOUGH = (40, 12) if TARGET == "remote" else (4000, 100)  # instructions; stops
OPTIMIZED = "O0" not in os.path.basename(os.environ["SCENARIO_PROGRAM"])
NO_GARBAGE, PERHAPS, GARBAGE = range(3)
ROW = struct.Struct("<QII")
MASK = (1 << 64) - 1
drawn = random.Random(SEED)
stops: CounterOf[str] = Counter()
doubtful: CounterOf[str] = Counter()


def number(name: str) -> int:
    return int(gdb.parse_and_eval(name))


def garbage() -> Dict[int, Set[str]]:
    """By state: the addresses that the program itself says nobody holds."""
    found: Dict[int, Set[str]] = {NO_GARBAGE: set(), PERHAPS: set(), GARBAGE: set()}
    count = number("garbage_count")
    if count:
        start = number("(unsigned long)&garbage[0]")
        table = bytes(gdb.selected_inferior().read_memory(start, ROW.size * count))
        for inverted, state, _ in ROW.iter_unpack(table):
            found[state].add(hex(~inverted & MASK))
    return found


def none(found: Any, what: str) -> None:
    """Checks that nothing was found; says where the program is else."""
    if found:
        gdb.execute("thread apply all bt 12")
        fail("seed %d, operation %d, heap %d: %s: %s"
             % (SEED, number("operations"), number("heaps_made"), what, found))
    check(not found, what)


def agree(row: Dict[str, Any]) -> None:
    """`referrers` says of a finding's count what the audit says, in numbers, doubts and words."""
    if row.get("freed"):
        return  # there is no count to ask about
    account = data("referrers " + row["addr"])["accounting"]
    equal(account, {key: row[key] for key in account}, "referrers and audit on " + row["addr"])
    said = [line.strip() for line in execute("cairn referrers " + row["addr"]).splitlines()]
    audited = execute("cairn audit -limit 0")
    verdict = [line for line in said if line.startswith(row["verdict"] + " by ")]
    check(len(verdict) == 1 and verdict[0] in audited, "in the same words: %s" % said)
    equal(sum(line.startswith("not certain: ") for line in said), len(row["doubts"]),
          "a line a doubt: %s" % said)


def judge(between: bool) -> None:
    """No alarm at this stop."""
    audit = data("audit -limit 0")
    listed = [row for row in audit["rows"] if row["verdict"] != "balanced"]
    sure = [row for row in listed if not row["doubts"]]
    equal(audit["totals"]["over"] + audit["totals"]["under"], len(sure), "the certain ones")
    none(sure, "false alarms")
    if between and not OPTIMIZED:
        none(listed, "doubted between operations")
    for row in listed:
        doubtful.update(row["doubts"])
    for row in listed[:2]:
        agree(row)
    truth = garbage()
    leaked: Set[str] = set()
    for row in rows("leaks -tree"):
        leaked |= {row["root"]["addr"]} | {step["object"]["addr"] for step in row["tree"]}
    none(leaked - truth[GARBAGE] - truth[PERHAPS], "listed as leaks")
    if between:
        none(truth[GARBAGE] - leaked, "leaks that are not listed")
    stops["between" if between else "within"] += 1


def begin() -> None:
    """The program at its first moment."""
    connect()
    gdb.Breakpoint("moment")
    resume()


def ended() -> bool:
    return gdb.selected_inferior().pid == 0


def balanced() -> None:
    begin()
    while not ended():
        judge(between=True)
        with quiet():
            gdb.execute("stepi %d" % int(MOST ** drawn.random()), to_string=True)
        if not ended():
            judge(between=False)
            with quiet():
                gdb.execute("continue", to_string=True)


def planted(kind: str, surplus: int) -> None:
    """The same heaps with one bug: named, by how much, and nothing else with it."""
    gdb.execute("set environment BALANCED_PLANT " + kind)
    gdb.execute("run", to_string=True)
    with quiet():
        while number("planted") == 0:
            gdb.execute("continue", to_string=True)
    address = hex(~number("planted") & MASK)
    listed = rows("audit")
    for _ in range(20 if surplus > 0 else 0):  # a stale word may stand for it a while
        if listed:
            break
        with quiet():
            gdb.execute("continue", to_string=True)
        listed = rows("audit")
    equal([(row["addr"], row["verdict"], row["surplus"]) for row in listed],
          [(address, "over-retained" if surplus > 0 else "under-retained", surplus)],
          "the %s that is missing" % kind)
    agree(listed[0])
    lost = [row["root"]["addr"] for row in rows("leaks") if row["kind"] == "lost"]
    equal(lost, [address] if surplus > 0 else [], "what is lost")


gdb.execute("set environment LD_BIND_NOW 1")  # the loader's instructions prove nothing
print("seed %d" % SEED)
balanced()
print("%d heaps, %d stops between operations and %d within; doubtful: %s"
      % (HEAPS, stops["between"], stops["within"], dict(doubtful)))
check(stops["between"] + stops["within"] >= ENOUGH, "enough stops")
if TARGET == "live":
    planted("retain", -1)
    gdb.execute("kill", to_string=True)
    planted("release", 1)
    gdb.execute("kill", to_string=True)
passed()
