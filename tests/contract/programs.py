"""What the linker made of the contract, and what an offline reader finds in cores of it.

    programs.py elf FILE...                     no text relocations, one allocated note
    programs.py probes FILE...                  all USDT probes are there
    programs.py core CAIRN_LENS KIND PROGRAM    PROGRAM's core, without PROGRAM, is readable
    programs.py tracked CAIRN_LENS PROGRAM      what PROGRAM tracked is in its core, lines found
                                                by addr2line from what the reader says

KIND is how the core is written: by the signal that kills the program, or by gcore.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import Dict, List, NoReturn, Tuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "gdb"))
import run_scenario  # noqa: E402


def fail(message: str) -> NoReturn:
    sys.exit("FAILED: " + message)


def run(*command: str) -> str:
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
                          text=True, env=dict(os.environ, LC_ALL="C")).stdout


def elf(files: List[str]) -> None:
    for file in files:
        if "TEXTREL" in run("readelf", "-dW", file):
            fail("%s has text relocations" % file)
        if "CAIRN" not in run("readelf", "-nW", file):
            fail("%s has no note of Cairn's" % file)
        notes = [line for line in run("readelf", "-SW", file).splitlines()
                 if ".note.cairn" in line]
        if len(notes) != 1 or " A " not in notes[0]:
            fail("%s: the note is not one allocated section: %s" % (file, notes))
        data = [line for line in run("readelf", "-sW", file).splitlines()
                if line.endswith(("cairn_contract_root", "cairn_root_record"))]
        sections = {line.split()[6] for line in data}
        headers = run("readelf", "-SW", file)
        for index in sections - {"UND"}:
            row = next(line for line in headers.splitlines()
                       if line.strip().startswith(("[%2s]" % index, "[%s]" % index)))
            if " WA " not in row:
                fail("%s: the root record is not in written data: %s" % (file, row))
    print("%d files: no text relocations, the note is loaded" % len(files))


PROBES = {"allocate", "free", "retain", "release", "collect_start", "collect_end"}


def probes(files: List[str]) -> None:
    for file in files:
        found: Dict[str, int] = {}  # arguments by name
        name = ""
        for line in run("readelf", "-nW", file).splitlines():
            words = line.split()
            if words[:1] == ["Name:"]:
                name = words[1]
            elif words[:1] == ["Arguments:"]:
                found[name] = len(words) - 1
        if set(found) != PROBES or set(found.values()) != {5}:
            fail("%s has the probes %s" % (file, found))
    print("%d files: %d probes each" % (len(files), len(PROBES)))


def core(lens: str, kind: str, program: str) -> None:
    with tempfile.TemporaryDirectory(prefix="cairn-contract-") as directory:
        copy = os.path.join(directory, os.path.basename(program))
        shutil.copy2(program, copy)
        truth = os.path.join(directory, "truth")
        env = dict(os.environ, SCENARIO_TRUTH=truth)
        try:
            if kind == "signal":
                path = run_scenario.core_by_signal([copy], directory, env, 60)
            else:
                path = run_scenario.core_by_gdb("gdb", [copy], directory, env, 60)
        except run_scenario.Skip as reason:
            print("skipped: %s" % reason)
            sys.exit(1 if os.environ.get("CI") else 77)
        os.remove(copy)
        compare(lens, path, truth)


def tracked(lens: str, program: str) -> None:
    """The serial, the place of allocation and the events of one object."""
    with tempfile.TemporaryDirectory(prefix="cairn-contract-") as directory:
        truth = os.path.join(directory, "truth")
        env = dict(os.environ, SCENARIO_TRUTH=truth)
        try:
            path = run_scenario.core_by_signal([program], directory, env, 60)
        except run_scenario.Skip as reason:
            print("skipped: %s" % reason)
            sys.exit(1 if os.environ.get("CI") else 77)
        told = {words[0]: words[1:] for words in
                (line.split() for line in pathlib.Path(truth).read_text().splitlines())}
        address, serial, line = told["site"]
        found = json.loads(run(lens, path, "show", address, "-json"))["data"]
        text = run(lens, path, "show", address)
    events = [(row["op"], row["refcount"]) for row in found["events"]]
    if events != [("allocate", 1), ("retain", 2), ("retain", 3), ("release", 2)]:
        fail("its events are %s" % events)
    if found["serial"] != int(serial) or "serial %s, allocated by " % serial not in text:
        fail("its serial is %s, not %s:\n%s" % (found["serial"], serial, text))
    place = run("addr2line", "-e", program, hex(found["site"]["offset"] - 1)).split()[0]
    if os.path.basename(place) != "tracked.c:" + line:
        fail("it was allocated at %s, not in line %s" % (place, line))
    print("%d events, allocated at %s" % (len(events), os.path.basename(place)))


def compare(lens: str, path: str, truth: str) -> None:
    """All objects that the program made are found, with type, name, count and size."""
    builtin, made = set(), {}
    for line in pathlib.Path(truth).read_text().splitlines():
        word, *fields = line.split("\t")
        if word == "builtin":
            builtin.add(fields[0])
        elif word == "object":
            made[fields[0]] = (fields[1], int(fields[2]), int(fields[3]))
    answer = json.loads(run(lens, path, "objects", "-json", "-limit", "0"))
    found: Dict[str, Tuple[str, int, int]] = {
        row["addr"]: (row["type"], row["refcount"], row["size"])
        for row in answer["data"]["rows"] if row["addr"] not in builtin}
    if found != made:
        fail("not found: %s\nnot expected: %s" % (sorted(set(made.items()) - set(found.items())),
                                                  sorted(set(found.items()) - set(made.items()))))
    print("%d objects found in %s" % (len(found), os.path.basename(path)))


if sys.argv[1] == "elf":
    elf(sys.argv[2:])
elif sys.argv[1] == "tracked":
    tracked(*sys.argv[2:4])
elif sys.argv[1] == "probes":
    probes(sys.argv[2:])
else:
    core(*sys.argv[2:5])
