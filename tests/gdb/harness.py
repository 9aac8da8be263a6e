"""What a scenario uses inside GDB: bring the target to its stop, ask cairn, compare with the truth.

A scenario is a Python script that GDB runs.  It begins with `from harness import ...`, calls
`check`, and ends with `passed()`, which prints the sentinel that run_scenario.py waits for.  A
failed check raises at once.

The truth is what the program wrote from its own bookkeeping (fixtures/truth.h) into the file
$SCENARIO_TRUTH, one fact a line; of a golden core it is kept as JSON.
"""
import contextlib
import json
import os
import sys
import traceback
from typing import Any, Dict, Iterator, List, NoReturn, Optional

import gdb

TARGET = os.environ["SCENARIO_TARGET"]
PLUGIN = os.environ["SCENARIO_PLUGIN"]
DIRECTORY = os.environ["SCENARIO_DIRECTORY"]
LIVE = TARGET in ("live", "remote")

_checks = 0


def fail(message: str) -> NoReturn:
    """Ends GDB with a failure that says where."""
    print("CHECK FAILED: " + message, file=sys.stderr)
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
    if LIVE:
        connect()
        resume()


def connect() -> None:
    """Starts gdbserver with a remote program, before its first instruction."""
    if TARGET == "remote":
        gdb.execute("set sysroot /")
        gdb.execute("target remote | gdbserver --once - " + os.environ["SCENARIO_COMMAND"],
                    to_string=True)


def resume() -> None:
    """Lets the program go on, from its start where it has not begun."""
    gdb.execute("continue" if gdb.selected_inferior().pid else "run", to_string=True)


def run_to(location: str) -> None:
    """Runs or continues a live or remote program to a breakpoint location."""
    if not gdb.selected_inferior().pid:
        connect()
    breakpoint = gdb.Breakpoint(location, temporary=True)
    resume()
    check(not breakpoint.is_valid(), "came to " + location)


def execute(command: str) -> str:
    """What a command prints."""
    text = gdb.execute(command, to_string=True)
    return text if text is not None else ""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """GDB says where it is after each step, to_string or not: leave that out."""
    gdb.flush()
    kept, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    try:
        yield
    finally:
        gdb.flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(null)


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
        path = path or os.environ["SCENARIO_TRUTH"]
        with open(path, encoding="utf-8") as file:
            if path.endswith(".json"):
                self.facts = json.load(file)
                return
            lines = file.read().splitlines()
        check(lines and lines[-1] == "end", "the truth is complete")
        for line in lines[:-1]:
            word, *fields = line.split("\t")
            self.facts.setdefault(word, []).append(fields)

    def __getitem__(self, word: str) -> List[List[str]]:
        return self.facts.get(word, [])


class Heap:
    """The program's account of its objects and edges, and their comparison with cairn's."""

    def __init__(self, truth: Truth) -> None:
        self.builtin = {fields[0] for fields in truth["builtin"]}
        self.objects = {fields[0]: (fields[1], int(fields[2]), int(fields[3]))
                        for fields in truth["object"]}
        self.heap_of = {fields[0]: fields[4] for fields in truth["object"]}
        self.edges = {(holder, slot, target, kind)
                      for holder, slot, target, kind in truth["edge"]}
        self.interned = {fields[0] for fields in truth["interned"]}

    def compare_objects(self) -> List[Dict[str, Any]]:
        """All that was made is listed, and nothing else; returns the listing."""
        listed = rows("objects")
        found = {row["addr"]: (row["type"], row["refcount"], row["size"])
                 for row in listed if row["addr"] not in self.builtin}
        equal(set(found), set(self.objects), "the objects")
        equal(found, self.objects, "type, count and size of each object")
        check(self.builtin <= {row["addr"] for row in listed}, "built-in objects are listed too")
        return listed

    def compare_edges(self, balanced: bool) -> None:
        """Who holds what, asked from both ends; `balanced`: every count must be explained."""
        outward = {(addr, ref["slot"], ref["object"]["addr"], ref["kind"])
                   for addr in self.objects for ref in rows("refs " + addr)}
        equal(outward, self.edges, "who holds what")
        strong: Dict[str, int] = {}
        for _, _, target, kind in self.edges:
            strong[target] = strong.get(target, 0) + (kind == "strong")
        for addr in self.interned:  # the intern table is an object as well
            strong[addr] = strong.get(addr, 0) + 1
        inward = set()
        for addr, (type_name, refcount, _) in self.objects.items():
            answer = data("referrers %s -limit 0" % addr)
            for row in answer["rows"]:
                if "type" in row["holder"] and row["holder"]["addr"] not in self.builtin:
                    inward.add((row["holder"]["addr"], row["slot"], addr, row["kind"]))
            accounting = answer["accounting"]
            equal(accounting["refcount"], refcount, "refcount of " + addr)
            equal(accounting["heap_refs"], strong.get(addr, 0), "heap_refs of " + addr)
            if balanced:
                equal(accounting["verdict"], "balanced", "verdict on %s, a %s" % (addr, type_name))
        equal(inward, {edge for edge in self.edges if edge[2] in self.objects},
              "who is held by whom")
