"""A program that makes objects all the time: observed from the next object on, left alone, attached
again.  The truth is in the program's memory, read past GDB."""
import os
import signal
import struct
import time
from typing import Any, List

import gdb
from harness import TARGET, check, data, equal, execute, passed


def lens() -> Any:
    from cairn_gdb.shell.sessions import sessions
    return sessions.current().lens


def word(process: int, address: int, width: int) -> int:
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        return int(struct.unpack({4: "<I", 8: "<Q"}[width], memory.read(width))[0])


def addresses(count: int) -> List[str]:
    """The objects of the next stops, as Cairn names them."""
    found = []
    for _ in range(count):
        lines = [line for line in execute("continue").splitlines() if line.startswith("cairn ")]
        check(len(lines) == 1 and "float at 0x" in lines[0], f"a float is made: {lines}")
        found.append(lines[0].split("float at ")[1].split(",")[0].rstrip("."))
    return found


def items() -> List[str]:
    """What the program's list holds."""
    held = data("objects -type list -limit 0")["rows"]
    return [row["object"]["addr"] for row in data(f"refs {held[0]['addr']} -limit 0")["rows"]]


def in_a_row(found: List[str], before: int, under_way: int) -> None:
    """Each is in the list before the next one is made: nothing was missed, from the first on."""
    held = items()
    equal(held[-len(found) + 1:], found[:-1], "the last of the list")
    check(len(held) - before - len(found) + 1 <= under_way, "the first is the very next one")


if TARGET == "remote":
    execute("set sysroot /")
    gdb.execute("target remote | gdbserver --once - " + os.environ["SCENARIO_COMMAND"],
                to_string=True)
execute("set breakpoint pending on")
execute("break usleep")
for command in ("run" if TARGET == "live" else "continue", *["continue"] * 4):
    execute(command)
execute("delete")
before = len(items())
stores = lens().observe_stores(0)
equal(len(stores), 2, "nothing is stored yet")
equal(data("break alloc -type float")["observed"], True, "it is not tracked")
in_a_row(addresses(5), before, 0)

if TARGET == "live":
    process = gdb.selected_inferior().pid
    execute("detach")
    deadline = time.monotonic() + 20
    while any(word(process, each.address, each.width) == each.value for each in stores):
        check(time.monotonic() < deadline, "the program takes back what was stored")
        time.sleep(0.01)
    execute(f"attach {process}")
    equal(lens().observe_stores(0), [], "what waits is known to a program that is attached")
    before = len(items())
    in_a_row(addresses(5), before, 1)
    execute("delete")
    execute("detach")
    os.kill(process, signal.SIGKILL)
passed()
