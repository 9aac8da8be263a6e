"""Guards the lens's public functions: each is asked for by cairn-lens or the plugin, or lens.h says
that it is there for others; and what lens.h says so of is asked for by neither.
"""
import pathlib
import re
import sys
from typing import Set

PLUGIN = pathlib.Path(__file__).resolve().parents[2] / "gdb-plugin"
INCLUDE = PLUGIN / "lens" / "include"
NAME = re.compile(r"\blens_[a-z0-9_]+\b")
DECLARED = re.compile(r"LENS_API[^;]*?\b(lens_[a-z0-9_]+)\(")


def names_in(folder: pathlib.Path, *suffixes: str) -> Set[str]:
    return {name for file in folder.rglob("*") if file.suffix in suffixes
            for name in NAME.findall(file.read_text())}


public = {name for file in INCLUDE.rglob("*.h") for name in DECLARED.findall(file.read_text())}
for_others = set(NAME.findall((INCLUDE / "lens.h").read_text())) & public - {
    "lens_refresh", "lens_free"}  # its conventions speak of these
asked = names_in(PLUGIN / "lens" / "program", ".c", ".h") | names_in(PLUGIN / "cairn_gdb", ".py")
faults = 0
for name in sorted(public - asked - for_others):
    faults += 1
    print("%s is public, and neither cairn-lens nor the plugin asks for it" % name)
for name in sorted(for_others & asked):
    faults += 1
    print("lens.h says that %s is for others, and it is asked for" % name)
print("%d public functions, %d for others, %d faults" % (len(public), len(for_others), faults))
sys.exit(faults != 0 or len(public) < 100)
