#!/usr/bin/python3
"""Makes the golden core of a release: NAME.core.xz and the truth about it, NAME.json.

    make.py PROGRAM VERSION        PROGRAM is heap.c, linked statically and stripped

The program runs with no environment, as /tmp/golden/heap: these words are all that the core tells
of where it was made, and that is verified.  What exists is never made again: see README.md.
"""
import json
import lzma
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
from typing import Dict, List, NoReturn

HERE = pathlib.Path(__file__).resolve().parent
NEUTRAL = pathlib.Path("/tmp/golden")
# Written private memory, and the first page of each ELF file, where the note is.
COREDUMP_FILTER = "0x11"
CORE_XZ_BYTES_MAX = 150_000


def fail(message: str) -> NoReturn:
    sys.exit("make.py: " + message)


def run(program: pathlib.Path) -> str:
    """Lets the program die in the neutral directory; returns what it printed."""
    pathlib.Path("/proc/self/coredump_filter").write_text(COREDUMP_FILTER)
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    shutil.copy(program, NEUTRAL / "heap")
    nothing: Dict[str, str] = {}
    done = subprocess.run([str(NEUTRAL / "heap")], cwd=NEUTRAL, env=nothing, check=False, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if done.returncode >= 0:
        fail("the program exited with %d instead of dying" % done.returncode)
    return done.stdout


def facts_of(printed: str) -> Dict[str, List[List[str]]]:
    """What the program printed, by the first word of each line."""
    facts: Dict[str, List[List[str]]] = {}
    lines = printed.splitlines()
    if not lines or lines[-1] != "end":
        fail("the program's account is not complete")
    for line in lines[:-1]:
        word, *fields = line.split("\t")
        facts.setdefault(word, []).append(fields)
    return facts


def verify_neutral(core: bytes) -> None:
    """Nothing of this machine is in the core."""
    words = {socket.gethostname(), str(pathlib.Path.home()), str(HERE.parents[1])}
    words |= {value for value in os.environ.values() if len(value) >= 8}
    for word in sorted(words - {""}):
        if word.encode() in core:
            fail("the core contains %r" % word)


def as_text(facts: Dict[str, List[List[str]]]) -> str:
    """JSON with a fact a line."""
    groups = []
    for word, rows in facts.items():
        lines = ",\n".join("  " + json.dumps(row) for row in rows)
        groups.append("%s: [\n%s\n]" % (json.dumps(word), lines))
    return "{\n" + ",\n".join(groups) + "\n}\n"


def main() -> None:
    program, version = pathlib.Path(sys.argv[1]), sys.argv[2]
    packed = HERE / ("cairn-%s.core.xz" % version)
    if packed.exists():
        fail("%s is there, and stays as it is" % packed.name)
    NEUTRAL.mkdir()
    try:
        facts = facts_of(run(program))
        cores = list(NEUTRAL.glob("core*"))
        if len(cores) != 1:
            fail("no core: /proc/sys/kernel/core_pattern must be 'core'")
        core = cores[0].read_bytes()
    finally:
        shutil.rmtree(NEUTRAL)
    verify_neutral(core)
    small = lzma.compress(core, preset=9 | lzma.PRESET_EXTREME)
    if len(small) > CORE_XZ_BYTES_MAX:
        fail("the packed core has %d bytes: what made it so large?" % len(small))
    packed.write_bytes(small)
    packed.with_name("cairn-%s.json" % version).write_text(as_text(facts))
    print("%s: %d bytes, of %d" % (packed.name, len(small), len(core)))


main()
