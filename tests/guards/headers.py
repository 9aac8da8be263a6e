"""Guards the public headers: each compiles alone and without a warning, as every C and C++ that a
program may be written in, and cairn.h includes it.

    headers.py C_COMPILER CXX_COMPILER
"""
import pathlib
import subprocess
import sys

INCLUDE = pathlib.Path(__file__).resolve().parents[2] / "runtime" / "include"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
DIALECTS = [("c", standard) for standard in ("c11", "c17", "c2x")]
DIALECTS += [("c++", standard) for standard in ("c++17", "c++20")]
NOT_IN_CAIRN_H = ("cairn/cairn.h", "cairn/contract.h")  # contract.h is for readers

compilers = dict(zip(("c", "c++"), sys.argv[1:]))
faults = 0
checked = 0
for header in sorted(INCLUDE.rglob("*.h")):
    name = header.relative_to(INCLUDE).as_posix()
    for language, standard in DIALECTS:
        # Included, not compiled itself: GCC warns of headers as main files.  Twice is harmless.
        result = subprocess.run(
            [compilers[language], "-x", language, "-std=" + standard, *WARNINGS, "-I", str(INCLUDE),
             "-fsyntax-only", "-"], input="#include <%s>\n#include <%s>\n" % (name, name),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False)
        checked += 1
        if result.returncode != 0:
            faults += 1
            print("%s as %s:\n%s" % (name, standard, result.stdout))
whole = (INCLUDE / "cairn" / "cairn.h").read_text()
for header in sorted(INCLUDE.rglob("*.h")):
    name = header.relative_to(INCLUDE).as_posix()
    if name not in NOT_IN_CAIRN_H and '#include "%s"' % name not in whole:
        faults += 1
        print("cairn/cairn.h does not include %s" % name)
print("%d compilations, %d faults" % (checked, faults))
sys.exit(faults != 0 or checked == 0)
