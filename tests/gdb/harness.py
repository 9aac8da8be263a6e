"""What a scenario uses inside GDB: bring the target to its stop, ask cairn, compare with the truth.

A scenario is a Python script that GDB runs.  It begins with `from harness import ...`, calls
`check`, and ends with `passed()`, which prints the sentinel that run_scenario.py waits for.  A
failed check raises at once.

The truth is what the program wrote from its own bookkeeping (fixtures/truth.h) into the file
$SCENARIO_TRUTH, one fact a line.
"""
import json
import os
import traceback
from typing import Any, Dict, List, NoReturn, Optional

import gdb

TARGET = os.environ["SCENARIO_TARGET"]
PLUGIN = os.environ["SCENARIO_PLUGIN"]
DIRECTORY = os.environ["SCENARIO_DIRECTORY"]
LIVE = TARGET in ("live", "remote")

_checks = 0


def fail(message: str) -> NoReturn:
    """Ends GDB with a failure that says where."""
    print("CHECK FAILED: " + message)
    traceback.print_stack()
    gdb.flush()
    os._exit(1)


def check(condition: Any, message: str) -> None:
    global _checks
    _checks += 1
    if not condition:
        fail(message)


def equal(found: Any, expected: Any, what: str) -> None:
    """Checks two values; two sets or dicts are shown by their differences."""
    global _checks
    _checks += 1
    if found == expected:
        return
    if isinstance(found, (set, frozenset)) and isinstance(expected, (set, frozenset)):
        fail("%s\n  not found:    %s\n  not expected: %s"
             % (what, sorted(expected - found)[:20], sorted(found - expected)[:20]))
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = [k for k in list(found) + list(expected) if found.get(k) != expected.get(k)]
        fail("%s\n" % what + "\n".join("  %s: found %s, expected %s"
                                       % (k, found.get(k), expected.get(k)) for k in keys[:20]))
    fail("%s\n  found:    %r\n  expected: %r" % (what, found, expected))


def passed() -> None:
    print("SCENARIO PASSED: %d checks" % _checks)
    gdb.flush()


def start() -> None:
    """Brings a live or remote program to the signal that ends it; a core is there already."""
    if TARGET == "live":
        gdb.execute("run", to_string=True)
    elif TARGET == "remote":
        gdb.execute("set sysroot /")
        gdb.execute("target remote | gdbserver --once - " + os.environ["SCENARIO_COMMAND"],
                    to_string=True)
        gdb.execute("continue", to_string=True)


def run_to(location: str) -> None:
    """Runs or continues a live program to a breakpoint location."""
    breakpoint = gdb.Breakpoint(location, temporary=True)
    gdb.execute("continue" if gdb.selected_inferior().pid else "run", to_string=True)
    check(not breakpoint.is_valid(), "came to " + location)


def execute(command: str) -> str:
    """What a command prints."""
    text = gdb.execute(command, to_string=True)
    return text if text is not None else ""


def error_of(command: str) -> str:
    """The message that a command fails with."""
    try:
        said = execute(command)
    except gdb.error as error:
        return str(error)
    except KeyboardInterrupt:
        return "Quit"
    fail("'%s' did not fail; it said: %s" % (command, said))


def answer(command: str) -> Dict[str, Any]:
    """The JSON envelope of a cairn command."""
    text = execute("cairn " + command + " -json")
    try:
        envelope: Dict[str, Any] = json.loads(text)
    except ValueError as error:
        fail("'cairn %s -json' is no JSON (%s):\n%s" % (command, error, text))
    check(envelope.get("schema") == "cairn/1", "'cairn %s' has the envelope" % command)
    return envelope


def data(command: str) -> Dict[str, Any]:
    """The data of a cairn command."""
    found: Dict[str, Any] = answer(command)["data"]
    return found


def rows(command: str) -> List[Dict[str, Any]]:
    """All rows of a listing; checks its own counts."""
    listing = data(command + " -limit 0")
    found: List[Dict[str, Any]] = listing["rows"]
    check(listing["shown"] == len(found) == listing["matched"],
          "'cairn %s -limit 0' shows all that matched" % command)
    return found


class Truth:
    """The program's own account.  Facts by their first word, each a list of fields."""

    def __init__(self, path: Optional[str] = None) -> None:
        self.facts: Dict[str, List[List[str]]] = {}
        with open(path or os.environ["SCENARIO_TRUTH"], encoding="utf-8") as file:
            lines = file.read().splitlines()
        check(lines and lines[-1] == "end", "the truth is complete")
        for line in lines[:-1]:
            word, *fields = line.split("\t")
            self.facts.setdefault(word, []).append(fields)

    def __getitem__(self, word: str) -> List[List[str]]:
        return self.facts.get(word, [])
