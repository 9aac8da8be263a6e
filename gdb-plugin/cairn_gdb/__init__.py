"""Cairn in GDB: the commands that ask a reference-counted heap and show its answers.

The way of the data, one file a step:

    target.py    memory, regions, values of the program          imports gdb
    bridge/      the lens, a C library that reads the heap       imports ctypes
    records/     what the lens answers, as plain data: a question a file
    session.py   one program: its lens, its snapshot, the rows of the last listing
    commands/    one file a command: ask the session, then say it as JSON or as text
    render/      tables, pictures, units, colours, the JSON envelope
    gdb_commands.py   makes GDB commands out of the table in commands/   imports gdb

and for what lies outside the heap:

    variables.py   a variable's words         frames.py   the frames and their variables
    statics.py     statics, globals, TLS      roots.py    all slots together     (import gdb)
    reached.py     was a variable set yet?    slots.py    threads, frames, slots as plain data
    holders.py     a slot's object, or why there is none
    tracked.py     what the program tracked of an object
    places.py      a line of the program's code                         imports gdb
    rootset.py     the roots of one stop      layout.py   the memory of the process

for what several of the lens's answers are put together to:

    accounting.py  one object's count         reasons.py      what explains it, beside names
    audits.py      findings                   pairing.py      who forgot to release
    leak_report.py leaks; with them leak_rules.py, leak_baseline.py and leak_tree.py
    ways.py        how an object is reached   cycle_stores.py which line closed a ring
    moments.py     what there was at a time   maps.py         maps that Linux and GDB print

and for stopping the program where something happens to an object:

    breakpoints.py   breakpoints and watchpoints that know objects      imports gdb
    observing.py     objects of heaps that are not tracked              imports gdb
    heads.py     one object by its header, at each hit
    runtime_code.py  which code is the runtime's

Only these import gdb: the nine above that say so, functions.py (the convenience functions),
printers.py (pretty-printers), mi.py (MI commands).  Only bridge/ imports ctypes.  All else is
pure and tested without GDB.

Nothing is read from the program until a cairn command is typed or an object is printed.
"""

from typing import List

# Where the lens may lie, besides the places that lens_path.py knows; a build tree's loader adds its
# own before anything else is imported.
lens_directories: List[str] = []
