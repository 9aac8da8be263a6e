"""Stops at what happens to objects: counts that change, deaths, allocations, frees, collections;
who did it, in programs of all kinds, live and remote, tracked and not.

The expected changes, lines and addresses are those that the program tells of itself.
"""
import os
import re
from typing import Any, List, Tuple

import gdb
from harness import TARGET, check, data, equal, error_of, execute, fail, passed, start

TRACKED = "tracked" in os.environ["SCENARIO_COMMAND"]
VARIANT = os.path.basename(os.environ["SCENARIO_PROGRAM"]).split(".")[1]
LIVE_HERE = TARGET == "live"  # a remote program is searched for roots for a second
LINES = VARIANT.startswith("O")


def current() -> Any:
    """The session of the program."""
    from cairn_gdb.shell.sessions import sessions
    return sessions.current()


def told(word: str) -> List[List[str]]:
    with open(os.environ["SCENARIO_TRUTH"], encoding="ascii") as file:
        return [line.split()[1:] for line in file if line.split()[0] == word]


def address_of(name: str) -> str:
    return next(address for each, address in told("object") if each == name)


def continued() -> Tuple[str, str]:
    """Goes on; all that is said, and Cairn's line of it ("" where there is none)."""
    text = execute("continue")
    lines = [line for line in text.splitlines() if line.startswith("cairn ")]
    check(len(lines) <= 1, f"one line a stop: {text}")
    return text, lines[0] if lines else ""


def at_line(said: str, line: str) -> None:
    """The line, or where there are none the module."""
    wanted = f"at stops.c:{line} in " if LINES else f"stops.{VARIANT}+0x"
    check(wanted in said, f"{wanted!r} in {said!r}")


def names_it(address: str) -> None:
    if LIVE_HERE:
        equal(data("show @1")["addr"], address, "@1 names it")


def numbers() -> List[int]:
    return [each.number for each in gdb.breakpoints() or ()]


def counts() -> None:
    """Every change of a count, in order, with its line; then the death."""
    address = address_of("counted")
    found = data(f"watch {address}")
    equal((found["addr"], found["refcount"], found["kind"]), (address, 1, "watch"), "what is set")
    number = found["number"]
    listed = execute("info breakpoints")
    check("hw watchpoint" in listed and address in listed, listed)
    for before, after, line in told("change"):
        text, said = continued()
        verb = "retained" if int(after) > int(before) else "released"
        wanted = f"the count of the list at {address} was {before} and is {after}, {verb} at "
        check(said.startswith(f"cairn {number}: {wanted}"), said or text)
        at_line(said, line)
        check(said.endswith(".  @1 names it."), said)
        names_it(address)
    text, said = continued()
    wanted = f"the list at {address} died, with a count of 1 before, released at "
    check(wanted in said, said or text)
    at_line(said, next(line for name, line in told("death") if name == "counted"))
    check(f"{number} is deleted" in said, said)
    equal(numbers(), [], "it deletes itself")


def deaths() -> None:
    """One leaf, freed by code that may be inlined, and one of a cycle that is collected."""
    leaf = data(f"break free {address_of('leaf')}")["number"]
    cycle = data(f"break free {address_of('cycle')}")["number"]
    lines = {name: line for name, line in told("death")}
    for number, name, kind in ((leaf, "leaf", "int"), (cycle, "cycle", "node")):
        text, said = continued()
        wanted = f"cairn {number}: the {kind} at {address_of(name)} died"
        check(said.startswith(wanted), said or text)
        at_line(said, lines[name])
    equal(numbers(), [], "both are gone")


def lost() -> None:
    """A heap that is destroyed takes its objects along: told at the next stop."""
    address = address_of("lost")
    execute(f"cairn watch {address}")
    text, said = continued()
    check(f"the list at {address} is gone: its memory was given back" in said
          or f"the list at {address} died" in said, said or text)
    equal(numbers(), [], "its watchpoint, too")


def after() -> None:
    """The k-th change, and deleting by hand."""
    address, others = address_of("counted"), numbers()
    execute(f"cairn watch {address} -after 3")
    before, then, line = told("change")[2]
    text, said = continued()
    check(f"was {before} and is {then}" in said, said or text)
    at_line(said, line)
    check("condition" in error_of(f"condition {numbers()[-1]} 1 == 1"), "GDB allows one condition")
    execute(f"delete {numbers()[-1]}")
    continued()
    equal(numbers(), others, "deleted as any other")


def events() -> None:
    """Making and freeing, of each object from the next one on."""
    made = data("break alloc -type node")
    check(not made.get("pending"), "the probe is there")
    equal(made["observed"], not TRACKED, "what is not tracked is sent past the probe")
    said = execute("cairn break alloc -type node")
    equal("the runtime's slow way" in said, not TRACKED, said)
    check("warning" not in said, said)
    execute(f"delete {numbers()[-1]}")
    check("$cairn_type_like" in execute("info breakpoints"), "the type is a condition")
    floats = data("break alloc -type fl?at -after 4")["number"]
    # At the same place, and true for the same objects, but not yet: not a word of it.
    waiting = data("break alloc -type n?de -after 7")["number"]
    stops: List[Tuple[int, str]] = []
    for _ in range(6 + 3):
        text, said = continued()
        match = re.match(r"cairn (\d+): (node|float) at (0x[0-9a-f]+)(, serial \d+)?, made at ",
                         said)
        if match is None:
            fail(said or text)
        row = told("made")
        equal(match.group(4) is not None, TRACKED, "a serial where there is one")
        # What was made before is told; this one will be, as the next.
        stops.append((len(row), match.group(3)))
        equal(int(match.group(1)), floats if match.group(2) == "float" else made["number"], said)
        names_it(match.group(3))
        wanted = "float" if len(row) % 2 else "node"
        equal(match.group(2), wanted, "in the program's order")
        if row and LINES:
            line = next((line for kind, _, line in row if kind == wanted), None)
            if line is not None:
                at_line(said, line)
    execute(f"delete {made['number']} {floats} {waiting}")
    freed = data("break free -type node -after 6")["number"]
    text, said = continued()
    check(said.startswith(f"cairn {freed}: node at "), said or text)
    addresses = [address for kind, address, _ in told("made")]
    equal([address for _, address in stops], [addresses[index] for index, _ in stops], "objects")
    check(f"node at {addresses[10]}, " in said, "the sixth node that was freed: " + said)
    execute("delete")
    continued()
    if not TRACKED:
        taken_back()


def stores() -> int:
    """How many words a debugger would store now for the heap to be observed."""
    heap = next(each for each in current().lens.heaps() if each.name == "stops")
    found = current().lens.observe_stores(heap.position)
    check(found is not None, "this runtime knows of observing")
    return len(found or ())


def taken_back() -> None:
    """With nobody listening the program takes back what was stored, at its next object."""
    execute("cairn break alloc")
    equal(stores(), 0, "all is stored")
    execute("delete")
    equal(stores(), 0, "GDB itself takes nothing back")
    continued()
    equal(stores(), 2, "the program does")


def old_runtime() -> None:
    """Where a heap says nothing, this is said."""
    lens = type(current().lens)
    kept = lens.observe_stores
    lens.observe_stores = lambda self, heap: None
    try:
        text = execute("cairn break alloc")
        check("not tracked" in text and "CAIRN_TRACK" in text and "slow way" not in text, text)
        equal(data("break free")["observed"], False, "nothing is sent there")
    finally:
        lens.observe_stores = kept
        execute("delete")


def enabled_again() -> None:
    """While it is disabled the heap goes its fast way; enabled, it misses nothing."""
    number = data("break alloc -type node")["number"]
    continued()
    execute(f"disable {number}")
    for _ in range(5):
        execute("tbreak fflush")
        continued()
    equal(stores(), 2, "the program took it back")
    execute(f"enable {number}")
    equal(stores(), 0, "stored again")
    made = len(told("made")) + 1  # one is about to be told; a node is next where they are even
    text, said = continued()
    check(said.startswith(f"cairn {number}: node at "), said or text)
    equal(len(told("made")), made + made % 2, "the very next one")
    execute("delete")


def same_places() -> None:
    """Two runs, one of them observed: each object lies at the same place."""
    found = []
    for observed in (False, True):
        execute("run")
        if observed:
            execute("cairn break alloc -type none_such")
            execute("cairn break free -type none_such")
        while gdb.selected_inferior().pid:
            execute("continue")
        found.append(told("made"))
        execute("delete")
    equal(len(found[0]), 12, "they tell")
    equal(found[1], found[0], "nothing else has changed")


def collecting() -> int:
    number = data("break collect")["number"]
    check("collect_start" in execute("info breakpoints"), "a probe")
    return int(number)


def mistakes() -> None:
    for command, said in (("watch", "Usage"), ("watch 0", "NULL"), ("break", "Usage"),
                          ("break nothing", "one of alloc, collect, free"),
                          ("break collect -type list", "of no type"),
                          ("break alloc 0x10", "takes an object"),
                          (f"break free {address_of('counted')} -after 2", "dies once"),
                          (f"watch {address_of('counted')} -after 0", "from 1 on"),
                          ('break alloc -type "a\\"b"', "no quotes")):
        message = error_of("cairn " + command)
        check(said in message, f"{command}: {message}")
    immortal = next(row for row in data("objects -limit 0")["rows"] if row.get("immortal"))
    check("immortal" in error_of(f"cairn watch {immortal['addr']}"), "nothing to wait for")
    check("immortal" in error_of(f"cairn break free {immortal['addr']}"), "nor here")
    for _ in range(4):
        data(f"watch {address_of('counted')}")
    message = error_of(f"cairn watch {address_of('counted')}")
    check("watches 4 places at once, and " + ", ".join(map(str, numbers())) in message, message)
    check("watches 4 places" in error_of(f"cairn break free {address_of('counted')}"), "nor that")
    execute(f"disable {numbers()[0]}")
    data(f"watch {address_of('counted')}")
    execute("delete")
    execute("set can-use-hw-watchpoints 0")
    check("hardware" in error_of(f"cairn watch {address_of('counted')}"), "no hardware watchpoint")
    equal(numbers(), [], "nothing is left of it")
    execute("set can-use-hw-watchpoints 1")
    check("cairn break alloc" in execute("complete cairn break a"), "completion")


def another_run() -> None:
    """What waits for an object goes with the program, what waits for any stays."""
    # The first two of the next run are not to be stopped at, either.
    later: List[int] = [data("break alloc -type node -after 3")["number"]]
    continued()
    collect = collecting()
    execute(f"cairn watch {address_of('leaf')}")
    execute("kill")
    equal(numbers(), [*later, collect], "what is left")
    execute("run")
    after()
    text, said = continued()
    check(said.startswith(f"cairn {collect}: collection "), said or text)
    check("of the whole heap" in said, said)
    execute("delete")


def without_probes() -> None:
    """A runtime that was built without probes: the functions around them, if there are symbols."""
    from cairn_gdb.stops import breakpoints
    probes = dict(breakpoints.EVENTS)
    for kind, event in probes.items():
        breakpoints.EVENTS[kind] = event._replace(probe="none_such")
    try:
        execute("run")
        if not LINES:
            message = error_of("cairn break alloc")
            check("no probe cairn:none_such" in message and "stripped" in message, message)
            equal(numbers(), [], "nothing is left of it")
            return
        made = data("break alloc -type node")["number"]
        collect = data("break collect")["number"]
        text, said = continued()  # the first trap
        text, said = continued()
        check(said.startswith(f"cairn {made}: node at 0x") and "made at stops.c:" in said, text)
        execute(f"delete {made}")
        freed = data("break free -type list")["number"]
        while f"cairn {collect}: a collection starts, called at stops.c:" not in said:
            check(gdb.selected_inferior().pid != 0, "a collection is met")
            text, said = continued()
        execute("delete")
        check(freed > collect, "set in between")
    finally:
        breakpoints.EVENTS.update(probes)


def before_it_runs() -> None:
    if TARGET != "live":
        return
    from cairn_gdb.stops import observing
    text = execute("cairn break alloc -type list")
    check("CAIRN_TRACK" not in text and "slow way" in text, "this runtime needs nothing: " + text)
    kept, observing.is_listened_for = observing.is_listened_for, lambda probe: False
    try:
        check("CAIRN_TRACK" in execute("cairn break alloc"), "an older one says what it needs")
        execute("set environment CAIRN_TRACK probes")
        check("CAIRN_TRACK" not in execute("cairn break alloc"), "it has it")
        execute("unset environment CAIRN_TRACK")
    finally:
        observing.is_listened_for = kept
    execute("delete")


before_it_runs()
start()
mistakes()
counts()
continued()
deaths()
continued()
lost()
continued()
if not TRACKED:
    old_runtime()
events()
execute("delete")
if TARGET == "live":
    execute("run")
    another_run()
    if not TRACKED and VARIANT != "static_pie":  # which has no fflush to stop at
        execute("kill")
        for command in ("run", *["continue"] * 4):
            execute(command)
        enabled_again()
        execute("kill")
        same_places()
    if TRACKED:
        execute("kill")
        without_probes()
passed()
