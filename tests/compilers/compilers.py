#!/usr/bin/python3
"""Builds the runtime and two of its tests as another compiler or level would, and runs them.

    compilers.py COMPILER "FLAGS" STEPS

The tests are the random steps against a model (tests/property/runtime.c) and the one that stops at
every instruction (tests/unit/runtime/instruction.c): which instructions there are is the compiler's
choice.  Warnings are errors.  Everything is compiled in one go, so that -flto sees the whole.
"""

import glob
import os
import subprocess
import sys
import tempfile
from typing import List

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wno-unused-parameter", "-Werror"]
DEFINES = ["-D_GNU_SOURCE", '-DCAIRN_VERSION="0.0.0"']
FOLDERS = ["runtime/include", "runtime/src", "tests/world", "tests/unit/runtime", "tests"]


def sources(pattern: str) -> List[str]:
    found = sorted(glob.glob(os.path.join(ROOT, pattern)))
    if not found:
        raise SystemExit(f"compilers.py: there is no {pattern}")
    return found


def build(compiler: str, flags: List[str], out: str, files: List[str],
          libraries: List[str]) -> None:
    includes = [f"-I{os.path.join(ROOT, folder)}" for folder in FOLDERS]
    subprocess.run([compiler, "-std=c11", "-g", *flags, *WARNINGS, *DEFINES, *includes, *files,
                    "-o", out, *libraries, "-pthread"], check=True)


def main() -> int:
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    compiler, flags, steps = sys.argv[1], sys.argv[2].split(), sys.argv[3]
    runtime = sources("runtime/src/*.c")
    world = sources("tests/world/*.c") + sources("tests/property/runtime.c")
    instruction = sources("tests/unit/runtime/instruction.c")
    with tempfile.TemporaryDirectory() as directory:
        random_steps = os.path.join(directory, "property_runtime")
        build(compiler, flags, random_steps, runtime + world, [])
        subprocess.run([random_steps], check=True,
                       env={**os.environ, "CAIRN_PROPERTY_STEPS": steps})
        stepped = os.path.join(directory, "instruction")
        build(compiler, flags, stepped, runtime + instruction, ["-lcmocka"])
        subprocess.run([stepped], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
