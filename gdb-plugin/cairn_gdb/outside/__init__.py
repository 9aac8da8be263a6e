"""What lies outside the heap, as plain data: the process's memory, and slots that may hold objects.

    slots.py      threads, frames, variables, and where in their words a pointer may lie
    holders.py    a slot's object, or why there is none
    rootset.py    the roots of one stop, with their names
    reached.py    was a variable set yet?  The code itself answers
    layout.py     each piece of the process's memory, and what it is for
    maps.py       memory maps and section tables, as Linux and GDB print them
    runtime_code.py   which code is the runtime's

Pure: texts, bytes and records in, records out.  Imports records and, for its type, the lens.

What this is not: it asks no debugger (program/ does, and fills these in), and it knows no session.
"""
