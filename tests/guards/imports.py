"""Guards the arrows between the rooms: who may include and import what (docs/ARCHITECTURE.md)."""
import ast
import pathlib
import re
import sys
from typing import Dict, Iterator, Set, Tuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "gdb-plugin" / "cairn_gdb"
LENS_INCLUDES = re.compile(r'#\s*include\s*[<"](cairn/(?!contract\.h)[^>"]*|layout\.h|internal\.h)')

# The rooms of the plugin, each with those that it may import; never one that stands below it.
# "" is the ground: errors.py, units.py, lens_path.py.  An import for a type counts as one.
ROOMS: "Dict[str, Set[str]]" = {
    "": set(),
    "records": set(),
    "bridge": {"", "records"},
    "outside": {"bridge", "records"},
    "session": {"", "outside", "bridge", "records"},
    "findings": {"", "session", "outside", "bridge", "records"},
    "render": {"", "findings", "session", "outside", "records"},
    "commands": {"", "render", "findings", "session", "outside", "bridge", "records"},
    "stops": {"", "session", "outside", "records"},
    "program": {"", "stops", "session", "outside", "bridge", "records"},
    "shell": {"", "program", "stops", "commands", "render", "session", "records"},
}
GDB_ROOMS = {"stops", "program", "shell"}


def imports_of(path: pathlib.Path) -> "Iterator[Tuple[str, int]]":
    """Every module that the file imports, anywhere in it, as seen from the package; the line."""
    here = path.relative_to(PLUGIN).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or "", node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = ("cairn_gdb",) + here[:len(here) - node.level + 1]
            base += tuple(node.module.split(".")) if node.module else ()
            yield from ((".".join(base + (alias.name,)), node.lineno) for alias in node.names)


def room_of(module: str) -> str:
    name = module.split(".")[1]
    return name if name in ROOMS else ""


def plugin_faults() -> "Iterator[str]":
    used: "Set[Tuple[str, str]]" = set()
    for path in sorted(PLUGIN.rglob("*.py")):
        name = path.relative_to(PLUGIN).as_posix()
        room = name.split("/")[0] if "/" in name else ""
        if room not in ROOMS:
            yield f"{name}: no room is called {room}"
            continue
        asked = {module.split(".")[0] for module, _ in imports_of(path)}
        if "gdb" in asked and room not in GDB_ROOMS:
            yield f"{name}: imports gdb"
        if ("gdb" in asked) != ("Imports gdb" in path.read_text()):
            yield f"{name}: imports gdb without saying so, or says so and does not"
        if "ctypes" in asked and room != "bridge":
            yield f"{name}: imports ctypes"
        for module, line in imports_of(path):
            if not module.startswith("cairn_gdb."):
                continue
            other = room_of(module)
            used.add((room, other))
            if other != room and other not in ROOMS[room]:
                yield f"{name}:{line}: {room or 'the ground'} may not import {module}"
    order = list(ROOMS)
    for room, others in ROOMS.items():
        yield from (f"{room} imports {other}, which stands below it" for other in others
                    if order.index(other) > order.index(room))
        yield from (f"{room} may import {other or 'the ground'}, and does not" for other in others
                    if (room, other) not in used)


def lens_faults() -> "Iterator[str]":
    for path in ROOT.glob("gdb-plugin/lens/**/*.[ch]"):
        text = path.read_text()
        if LENS_INCLUDES.search(text):
            yield f"{path}: includes more of the runtime than cairn/contract.h"
        # gcc drops a call of a function that does nothing but prefetch; memory/ahead.h keeps it.
        if "__builtin_prefetch" in text and path.name != "ahead.h":
            yield f"{path}: prefetches by itself"


faults = [*plugin_faults(), *lens_faults()]
print("\n".join(faults) or "every arrow goes one way")
sys.exit(bool(faults))
