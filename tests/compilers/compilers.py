#!/usr/bin/python3
"""Builds the runtime and some of its tests as another compiler or level would, and runs them.

    compilers.py COMPILER "FLAGS" STEPS

The tests are the random steps against a model (tests/property/runtime.c), the one that stops at
every instruction (tests/unit/runtime/instruction.c): which instructions there are is the compiler's
choice; and the one of ready blocks (tests/unit/runtime/hot.c), which programs that are optimised
take by themselves.  Warnings are errors.  With -flto each program is optimised as a whole, the
runtime with it.
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
TESTS = {"property_runtime": ["tests/world/*.c", "tests/property/runtime.c"],
         "instruction": ["tests/unit/runtime/instruction.c"],
         "hot": ["tests/unit/runtime/hot.c"]}
FOLDERS = ["runtime/include", "runtime/src", "tests/world", "tests/unit/runtime", "tests"]


def sources(pattern: str) -> List[str]:
    found = sorted(glob.glob(os.path.join(ROOT, pattern)))
    if not found:
        raise SystemExit(f"compilers.py: there is no {pattern}")
    return found


def main() -> int:
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    includes = [f"-I{os.path.join(ROOT, folder)}" for folder in FOLDERS]
    compile_c = [sys.argv[1], "-std=c11", "-g", *sys.argv[2].split(), *WARNINGS, *DEFINES,
                 *includes]
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([*compile_c, "-c", *sources("runtime/src/*.c")], check=True, cwd=directory)
        objects = sorted(glob.glob(os.path.join(directory, "*.o")))
        for name, files in TESTS.items():
            program = os.path.join(directory, name)
            of_test = [path for pattern in files for path in sources(pattern)]
            subprocess.run([*compile_c, *of_test, *objects, "-o", program, "-lcmocka", "-pthread"],
                           check=True)
            subprocess.run([program], check=True,
                           env={**os.environ, "CAIRN_PROPERTY_STEPS": sys.argv[3]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
