"""Reads a golden core as a release of today: all that its maker knew is found in it.

    golden.py lens CAIRN_LENS CORE_XZ
    golden.py gdb GDB PLUGIN CORE_XZ

CORE_XZ is unpacked into a temporary directory; the truth stands beside it, in NAME.json.
"""
import json
import lzma
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any, Dict, List, NoReturn

LACKS = "the contract lacks the "
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "gdb"))
import run_scenario  # noqa: E402


def fail(message: str) -> NoReturn:
    sys.exit("FAILED: " + message)


def equal(found: Any, expected: Any, what: str) -> None:
    if found != expected:
        fail("%s\n  found:    %r\n  expected: %r" % (what, found, expected))


def ask(lens: str, core: str, *words: str) -> Dict[str, Any]:
    """The data of an answer that is exact and warns of nothing but what the contract lacked."""
    done = subprocess.run([lens, core, *words, "-json", "-limit", "0"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, check=False, text=True)
    equal(done.returncode, 0, "exit status of %s" % (words,))
    answer = json.loads(done.stdout)
    warnings = [text for text in answer["warnings"] if not text.startswith(LACKS)]
    equal((answer["exactness"], warnings), ("exact", []), "how sure %s is" % (words,))
    data: Dict[str, Any] = answer["data"]
    return data


def check_lens(lens: str, core: str, truth: Dict[str, List[List[str]]]) -> None:
    builtin = {fields[0] for fields in truth["builtin"]}
    made = {fields[0]: (fields[1], int(fields[2]), int(fields[3])) for fields in truth["object"]}
    overview = ask(lens, core, "overview")
    equal({(heap["addr"], heap["name"]) for heap in overview["heaps"]},
          {(addr, name) for addr, name in truth["heap"]}, "the heaps")
    equal(overview["objects"], len(builtin) + len(made), "the number of objects")
    rows = ask(lens, core, "objects")["rows"]
    equal({row["addr"]: (row["type"], row["refcount"], row["size"])
           for row in rows if row["addr"] not in builtin}, made, "the objects")
    equal(builtin - {row["addr"] for row in rows}, set(), "built-in objects that are not listed")
    census: Dict[str, int] = {}
    for row in rows:
        census[row["type"]] = census.get(row["type"], 0) + 1
    equal({row["type"]: row["count"] for row in ask(lens, core, "types")["rows"]}, census,
          "the census by type")
    checked = ask(lens, core, "check")
    equal([row for row in checked["rows"] if not row["problem"].startswith(LACKS)], [],
          "what check finds")
    equal(checked["checked"]["objects"], len(rows), "the objects that were checked")
    print("%d objects found" % len(rows))


def check_gdb(gdb: str, plugin: str, core: str, truth: str) -> None:
    env = dict(os.environ, LC_ALL="C.UTF-8", TERM="dumb", SCENARIO_TARGET="core_only",
               SCENARIO_PLUGIN=plugin, SCENARIO_DIRECTORY=os.path.dirname(core),
               SCENARIO_TRUTH=truth)
    command = run_scenario.gdb_command(gdb)
    command += ["-iex", "python import sys; sys.path.insert(0, %r)" % run_scenario.HERE,
                "-x", plugin, "-x", str(HERE / "scenario.py"), "-c", core]
    done = subprocess.run(command, env=env, cwd=os.path.dirname(core), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode(errors="replace")
    print(text)
    if done.returncode != 0 or not run_scenario.SENTINEL.search(text):
        fail("the scenario did not come to its end; GDB exited with %d" % done.returncode)


def main() -> None:
    how, *programs, packed = sys.argv[1:]
    truth = packed[:-len(".core.xz")] + ".json"
    with tempfile.TemporaryDirectory(prefix="cairn-golden-") as directory:
        core = os.path.join(directory, "core")
        with lzma.open(packed) as source, open(core, "wb") as target:
            target.write(source.read())
        if how == "lens":
            check_lens(programs[0], core, json.loads(pathlib.Path(truth).read_text()))
        else:
            check_gdb(programs[0], programs[1], core, truth)


main()
