"""The program that GDB looks at: what only a debugger knows.

    target.py      its memory, regions, the values of its expressions: the session's Target
    frames.py      threads and frames, with their variables     variables.py   a variable's words
    registers.py   a frame's registers                          code.py        is one set yet?
    statics.py     statics, globals, thread-local variables     roots.py       all slots together
    places.py      a line of the program's code

May import gdb; imports stops, session, outside, bridge, records.

What this is not: it knows no command and no text for people.  What it finds it gives as the plain
data of outside/ and records/.
"""
