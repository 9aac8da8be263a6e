"""Guards the arrows between the rooms: who may include and import what (docs/ARCHITECTURE.md)."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "gdb-plugin" / "cairn_gdb"
GDB_ROOMS = {"target", "breakpoints", "gdb_commands", "frames", "variables", "statics", "roots",
             "functions", "observing", "printers", "mi", "places"}
LENS_INCLUDES = re.compile(r'#\s*include\s*[<"](cairn/(?!contract\.h)[^>"]*|layout\.h|internal\.h)')


def importers(module: str) -> "set[str]":
    pattern = re.compile(r"^\s*(import|from) %s\b" % module, re.MULTILINE)
    return {path.relative_to(PLUGIN).with_suffix("").as_posix()
            for path in PLUGIN.rglob("*.py") if pattern.search(path.read_text())}


faults = [str(path) for path in ROOT.glob("gdb-plugin/lens/**/*.[ch]")
          if LENS_INCLUDES.search(path.read_text())]
# gcc drops a call of a function that does nothing but prefetch; memory/ahead.h keeps it.
faults += ["prefetches by itself: %s" % path for path in ROOT.glob("gdb-plugin/lens/**/*.[ch]")
           if "__builtin_prefetch" in path.read_text() and path.name != "ahead.h"]
faults += ["imports gdb: %s" % name for name in importers("gdb") - GDB_ROOMS]
faults += ["imports ctypes: %s" % name for name in importers("ctypes")
           if not name.startswith("bridge/")]
faults += ["says that it imports, and does not: %s" % name for name in GDB_ROOMS - importers("gdb")]
print("\n".join(faults) or "every arrow goes one way")
sys.exit(bool(faults))
