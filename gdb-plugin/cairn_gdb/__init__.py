"""Cairn in GDB: the commands that ask a reference-counted heap and show its answers.

A room is a folder, and its __init__.py says what it is, what it imports and what it is not.  From
the ground up; a room imports only rooms that stand above it here:

    records/    what the lens and the program answer, as plain data
    bridge/     the lens, a C library that reads the heap           the only one that imports ctypes
    outside/    what lies outside the heap, as plain data
    session/    one program: its lens, its snapshot, the rows of the last listing
    findings/   what several answers are put together to
    render/     tables, pictures, colours, the JSON envelope
    commands/   one file a command: ask the session, then say it as JSON or as text
    stops/      stopping where something happens to an object       may import gdb
    program/    memory, frames, variables, statics of the program   may import gdb
    shell/      GDB's commands, printers and functions; MI          may import gdb

Every room may import errors.py (what a user reads), units.py (numbers as people read them) and
lens_path.py (where the lens may lie).  What imports no gdb is pure and tested without GDB.
tests/guards/imports.py holds the rooms to all this.

Nothing is read from the program until a cairn command is typed or an object is printed.
"""

from typing import List

# Where the lens may lie, besides the places that lens_path.py knows; a build tree's loader adds its
# own before anything else is imported.
lens_directories: List[str] = []
