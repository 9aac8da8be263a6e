"""Programs with a bug on order, for scenarios: run one, and read its truth.

A mutant is a program run with a bug: live in this GDB, under gdbserver, or as a core, with its
executable or without.  The truth is what the program itself wrote (demos/cacheserver/plant.h):
which object's count is off, by how much, and the line that a debugger should name.
"""
import glob
import os
import resource
import shutil
import subprocess
from collections import Counter
from typing import Any, Counter as CounterOf, Dict, List, NamedTuple, Optional, Sequence, Tuple

import gdb
from harness import DIRECTORY, Truth, check, fail

ORIGINAL = os.environ.get("SCENARIO_PROGRAM", "")
# Where lines are looked up that GDB can't know.
SYMBOLS = next((word[8:] for word in os.environ["SCENARIO_COMMAND"].split()
                if word.startswith("symbols=")), ORIGINAL)

Line = Tuple[str, int]


class Wrong(NamedTuple):
    """What the truth says of one object."""

    type_name: str
    surplus: int
    lines: CounterOf[Line]
    state: str  # "linked" where the program still holds it, "unlinked", "unknown"


class Mutant:
    """One run of the program."""

    def __init__(self, target: str, arguments: Sequence[str], track: str = "",
                 name: str = "mutant") -> None:
        self.target = target
        self.what = "%s %s%s" % (target, " ".join(arguments), " tracked" if track else "")
        self.directory = os.path.join(DIRECTORY, name)
        shutil.rmtree(self.directory, ignore_errors=True)
        os.mkdir(self.directory)
        truth = os.path.join(self.directory, "truth")
        kill()
        if target == "live":
            environment("SCENARIO_TRUTH", truth)
            environment("CAIRN_TRACK", track)
            gdb.execute("file " + ORIGINAL, to_string=True)
            gdb.execute("run %s > /dev/null" % " ".join(arguments), to_string=True)
        elif target == "remote":
            self._serve(arguments, truth, track)
        else:
            self._dump(arguments, truth, track)
        self.truth = Truth(truth)

    def _serve(self, arguments: Sequence[str], truth: str, track: str) -> None:
        os.environ["SCENARIO_TRUTH"] = truth  # gdbserver's environment, and so the program's
        os.environ.pop("CAIRN_TRACK", None)
        if track:
            os.environ["CAIRN_TRACK"] = track
        gdb.execute("set sysroot /")
        gdb.execute("file " + ORIGINAL, to_string=True)
        gdb.execute("target remote | gdbserver --once - %s %s 2> /dev/null"
                    % (ORIGINAL, " ".join(arguments)), to_string=True)
        gdb.execute("continue", to_string=True)

    def _dump(self, arguments: Sequence[str], truth: str, track: str) -> None:
        program = os.path.join(self.directory, os.path.basename(ORIGINAL))
        shutil.copy2(ORIGINAL, program)
        env = dict(os.environ, SCENARIO_TRUTH=truth)
        env.pop("CAIRN_TRACK", None)
        if track:
            env["CAIRN_TRACK"] = track
        limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
        subprocess.run([program, *arguments], cwd=self.directory, env=env, check=False, timeout=60,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL,
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (limit, limit)))
        cores = glob.glob(os.path.join(self.directory, "core*"))
        check(len(cores) == 1, "%s: one core in %s: %s" % (self.what, self.directory, cores))
        if self.target == "core":
            gdb.execute("file " + program, to_string=True)
        else:
            os.remove(program)
            gdb.execute("file", to_string=True)
        gdb.execute("core-file " + cores[0], to_string=True)

    def wrong(self) -> Dict[str, Wrong]:
        """The objects whose count is off, by address."""
        found: Dict[str, Wrong] = {}
        for addr, type_name, surplus, file, line, state in self.truth["bug"]:
            before = found.get(addr, Wrong(type_name, 0, Counter(), state))
            before.lines[(file, int(line))] += 1
            found[addr] = before._replace(surplus=before.surplus + int(surplus))
        return found

    def garbage(self) -> Dict[str, str]:
        """Of the objects that the program follows, those that it holds no more: their types."""
        return {addr: type_name for addr, type_name in self.truth["garbage"]}


def kill() -> None:
    if gdb.selected_inferior().pid and "core" not in str(gdb.execute("info files", to_string=True)):
        gdb.execute("kill", to_string=True)
    gdb.execute("core-file", to_string=True)


def environment(name: str, value: str) -> None:
    gdb.execute("set environment %s %s" % (name, value) if value else "unset environment " + name,
                to_string=True)


def line_of(place: Optional[Dict[str, Any]]) -> Line:
    """The line of a place, as GDB named it or, from module and offset, as the executable says."""
    if place is None:
        return ("?", 0)
    if "file" in place:
        return (os.path.basename(place["file"]), place["line"])
    if place.get("module") != os.path.basename(ORIGINAL):
        return ("?", 0)
    key = int(place["offset"])
    if key not in _lines:
        _lines[key] = _resolved(key)
    return _lines[key]


_lines: Dict[int, Line] = {}


def _resolved(offset: int) -> Line:
    """The innermost line of the program's own sources at a return address: what is inlined from
    the library's headers belongs to the line that calls it."""
    said = subprocess.run(["addr2line", "-i", "-e", SYMBOLS, hex(offset - 1)], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    for text in said.splitlines():
        file, _, line = text.split(" (")[0].rpartition(":")
        if "/include/cairn/" not in file and line.isdigit():
            return (os.path.basename(file), int(line))
    return ("?", 0)


def orders(arguments: Sequence[str] = ("-list",)) -> List[str]:
    """The bugs that the program can be ordered with."""
    said = subprocess.run([ORIGINAL, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return [line.split("\t")[0] for line in said.stdout.splitlines()]


def must(condition: bool, mutant: Mutant, message: str) -> None:
    if not condition:
        fail("%s: %s" % (mutant.what, message))
