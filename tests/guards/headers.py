"""Guards the public headers: each compiles alone and without a warning, as every C and C++ that a
program may be written in, with gcc and with clang, and cairn.h includes it.  The checks of clang
are left out where there is none.

    headers.py C_COMPILER CXX_COMPILER
"""
import pathlib
import shutil
import subprocess
import sys

INCLUDE = pathlib.Path(__file__).resolve().parents[2] / "runtime" / "include"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
DIALECTS = [("c", standard) for standard in ("c11", "c17", "c2x")]
DIALECTS += [("c++", standard) for standard in ("c++17", "c++20")]
NOT_IN_CAIRN_H = ("cairn/cairn.h", "cairn/contract.h")  # contract.h is for readers

OWN_WARNINGS = {"c": ["-Wstrict-prototypes", "-Wmissing-prototypes"],
                "c++": ["-Wold-style-cast", "-Wundef", "-Wcast-align"]}

pairs = [tuple(sys.argv[1:3]), ("gcc", "g++"), ("clang", "clang++")]
compilers = sorted({("c", c) for c, _ in pairs if shutil.which(c)} |
                   {("c++", cxx) for _, cxx in pairs if shutil.which(cxx)})
faults = 0
checked = 0
for header in sorted(INCLUDE.rglob("*.h")):
    name = header.relative_to(INCLUDE).as_posix()
    for language, compiler in compilers:
        for standard in (standard for of, standard in DIALECTS if of == language):
            # Included, not compiled itself: GCC warns of headers as main files.  Twice is harmless.
            result = subprocess.run(
                [compiler, "-x", language, "-std=" + standard, "-O2", *WARNINGS,
                 *OWN_WARNINGS[language], "-I", str(INCLUDE), "-fsyntax-only", "-"],
                input="#include <%s>\n#include <%s>\n" % (name, name), stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, universal_newlines=True, check=False)
            checked += 1
            if result.returncode != 0:
                faults += 1
                print("%s as %s with %s:\n%s" % (name, standard, compiler, result.stdout))
whole = (INCLUDE / "cairn" / "cairn.h").read_text()
for header in sorted(INCLUDE.rglob("*.h")):
    name = header.relative_to(INCLUDE).as_posix()
    if name not in NOT_IN_CAIRN_H and '#include "%s"' % name not in whole:
        faults += 1
        print("cairn/cairn.h does not include %s" % name)
print("%d compilations, %d faults" % (checked, faults))
sys.exit(faults != 0 or checked == 0)
