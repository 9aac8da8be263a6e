"""clang-tidy over the C sources of one room, remembering what was clean.

    tidy.py BUILD ROOM

A source that was clean is not looked at again until it, a header of the project or the checks
change.  The work is on a budget of time: what was not reached is said, and is no failure.
"""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
from typing import Dict

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUDGET_S = 240


def digest(*paths: pathlib.Path) -> str:
    state = hashlib.sha256()
    for path in paths:
        state.update(path.read_bytes())
    return state.hexdigest()


def main() -> int:
    build, room = pathlib.Path(sys.argv[1]), sys.argv[2]
    tidy = shutil.which("clang-tidy")
    if tidy is None:
        print("clang-tidy is not installed")
        return 1 if os.environ.get("CI") else 77
    commands = json.loads((build / "compile_commands.json").read_text())
    sources = sorted({pathlib.Path(entry["file"]) for entry in commands
                      if pathlib.Path(entry["file"]).is_relative_to(ROOT / room)})
    headers = [path for part in ("runtime", "gdb-plugin", "demos", "tests")
               for path in sorted((ROOT / part).rglob("*.h"))]
    base = digest(ROOT / ".clang-tidy", *headers)
    memory = build / ("tidy-%s.json" % room)
    clean: Dict[str, str] = json.loads(memory.read_text()) if memory.exists() else {}
    failed, skipped, deadline = [], [], time.monotonic() + BUDGET_S
    for source in sources:
        name, key = str(source.relative_to(ROOT)), base + digest(source)
        if clean.get(name) == key:
            continue
        if time.monotonic() > deadline:
            skipped.append(name)
            continue
        done = subprocess.run([tidy, "--quiet", "-p", str(build), str(source)], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            failed.append(name)
            print(done.stdout or done.stderr)
        else:
            clean[name] = key
            memory.write_text(json.dumps(clean))
    print("%d sources, %d not clean: %s" % (len(sources), len(failed), " ".join(failed)))
    if skipped:
        print("not looked at, the time was up: " + " ".join(skipped))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
