"""A C++ program is built with all warnings, links with both libraries, and runs.

    cxx.py SHARED_LIBRARY STATIC_LIBRARY
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = pathlib.Path(__file__).with_name("program.cpp")
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wold-style-cast",
            "-Werror"]


def main() -> int:
    compilers = [name for name in ("g++", "clang++") if shutil.which(name)]
    runs = 0
    with tempfile.TemporaryDirectory() as place:
        for compiler in compilers:
            for standard in ("c++17", "c++20"):
                for library in map(pathlib.Path, sys.argv[1:]):
                    program = str(pathlib.Path(place, "program"))
                    subprocess.run(
                        [compiler, "-std=" + standard, "-O2", *WARNINGS, "-I",
                         str(ROOT / "runtime" / "include"), str(SOURCE), str(library), "-pthread",
                         "-Wl,-rpath," + str(library.parent), "-o", program], check=True)
                    subprocess.run([program], check=True)
                    runs += 1
    print("%d programs" % runs)
    return 0 if runs else 77  # no C++ compiler at all: skipped


if __name__ == "__main__":
    sys.exit(main())
