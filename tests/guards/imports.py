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
LISTED = GDB_ROOMS | {"outside", "session", "findings", "render"}  # their __init__ names each file


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


def named_in(tour: pathlib.Path) -> "Set[str]":
    """The files that an __init__.py names where it lists what is in its room."""
    listed = re.findall(r"^    .*", tour.read_text(), re.MULTILINE)
    return set(re.findall(r"\b[a-z_]+\.py", "\n".join(listed)))


def tour_faults() -> "Iterator[str]":
    """What the __init__.py of the plugin and of its rooms say is there."""
    for room in LISTED:
        there = {path.name for path in (PLUGIN / room).glob("*.py")} - {"__init__.py"}
        named = named_in(PLUGIN / room / "__init__.py")
        yield from (f"{room}/__init__.py does not name {name}" for name in there - named)
        yield from (f"{room}/__init__.py names {name}, and it is not there"
                    for name in named - there)
    rooms = re.findall(r"^    (\w+)/ ", (PLUGIN / "__init__.py").read_text(), re.MULTILINE)
    if rooms != list(ROOMS)[1:]:
        yield f"__init__.py names other rooms, or in another order: {rooms}"


def file_faults(path: pathlib.Path, room: str, used: "Set[Tuple[str, str]]") -> "Iterator[str]":
    """What the file imports and may not; notes in `used` which rooms it imports."""
    name = path.relative_to(PLUGIN)
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


def room_faults() -> "Iterator[str]":
    used: "Set[Tuple[str, str]]" = set()
    for path in sorted(PLUGIN.rglob("*.py")):
        room = path.relative_to(PLUGIN).parts[0] if path.parent != PLUGIN else ""
        if room in ROOMS:
            yield from file_faults(path, room, used)
        else:
            yield f"{path.relative_to(PLUGIN)}: no room is called {room}"
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


faults = [*tour_faults(), *room_faults(), *lens_faults()]
print("\n".join(faults) or "every arrow goes one way")
sys.exit(bool(faults))
