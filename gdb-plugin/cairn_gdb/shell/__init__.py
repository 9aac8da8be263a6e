"""What GDB's user types, and what GDB asks: the outermost room, which nothing else imports.

    gdb_commands.py   GDB commands, out of the table in commands/
    sessions.py       the session of each inferior; when it must read anew
    settings.py       `set cairn`, `show cairn`, the page
    help.py           a command's help
    mi.py             the MI commands
    printers.py       pretty-printers: `print x` shows the object
    functions.py      $cairn_refcount(x), ... for expressions and conditions

May import gdb, and every other room.

What this is not: what a command asks and says is its own file's, in commands/.
"""
