"""The binary interface: what the libraries export is what the headers declare and what
symbols.txt says, no more and no less.

    symbols.py SHARED_LIBRARY STATIC_LIBRARY           checks
    symbols.py --update SHARED_LIBRARY STATIC_LIBRARY  writes symbols.txt

A line of symbols.txt is a symbol of the shared library with its version.  A line that goes, or that
changes, breaks programs: then SOVERSION changes too.  A line that comes is a new function, which
also needs a row in tests/unit/runtime/nth_failure.c if it may fail, else in no_memory.c beside it.
"""
import pathlib
import re
import subprocess
import sys
from typing import List, Set

ROOT = pathlib.Path(__file__).resolve().parents[2]
LISTED = pathlib.Path(__file__).with_name("symbols.txt")
INCLUDE = ROOT / "runtime" / "include"
UNITS = ROOT / "tests" / "unit" / "runtime"
ROWS = (UNITS / "nth_failure.c", UNITS / "no_memory.c")
DATA = {"cairn_contract_root"}  # the one symbol that is no function: contract.h names it


def nm(*arguments: str) -> List[List[str]]:
    """The words of each line that nm prints."""
    text = subprocess.run(["nm", *arguments], stdout=subprocess.PIPE, check=True,
                          universal_newlines=True).stdout
    return [line.split() for line in text.splitlines()]


def exported(library: str) -> List[str]:
    """Dynamic symbols with their versions; those that stand for a version are left out."""
    rows = nm("-D", "--defined-only", "--with-symbol-versions", library)
    return sorted(row[2] for row in rows if len(row) == 3 and row[1] != "A")


def declared() -> Set[str]:
    """The functions that a header declares as part of the interface."""
    names: Set[str] = set()
    for header in INCLUDE.rglob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
        names.update(re.findall(r"^CAIRN_API\b[^;{]*?\b(cairn_\w+)\(", text, re.MULTILINE))
    return names


def strangers(library: str) -> Set[str]:
    """Global symbols of the static library that could clash with a program's own.  (What the
    system's header of probes defines is one and the same in all that includes it.)"""
    rows = nm("-g", "--defined-only", library)
    names = {row[2] for row in rows if len(row) == 3}
    return {name for name in names if not name.startswith(("cairn_", "_.stapsdt."))}


def compare(what: str, found: Set[str], wanted: Set[str]) -> List[str]:
    """The differences, one a line."""
    lines = ["%s: %s is missing" % (what, name) for name in sorted(wanted - found)]
    return lines + ["%s: %s is too many" % (what, name) for name in sorted(found - wanted)]


def main(arguments: List[str]) -> int:
    update = arguments[:1] == ["--update"]
    shared, static = arguments[-2:]
    symbols = exported(shared)
    if update:
        LISTED.write_text("\n".join(symbols) + "\n")
    names = {symbol.split("@")[0] for symbol in symbols} - DATA
    rows = [name for path in ROWS for name in re.findall(r"\bCALL\((\w+)", path.read_text())]
    faults = compare("symbols.txt against the library", set(LISTED.read_text().split()),
                     set(symbols))
    faults += compare("the library against the headers", names, declared())
    faults += compare("rows of failing memory against the library", set(rows), names)
    faults += ["more than one row: " + name for name in sorted(names) if rows.count(name) > 1]
    faults += ["without a version: " + symbol for symbol in symbols if "@@CAIRN_" not in symbol]
    faults += ["in the static library, not cairn_*: " + name for name in sorted(strangers(static))]
    print("\n".join(faults) or "%d symbols" % len(symbols))
    return 1 if faults or len(names) < 50 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
