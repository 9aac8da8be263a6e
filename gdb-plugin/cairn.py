"""Loads Cairn's GDB commands:  source PATH/cairn.py

It lies beside the package cairn_gdb, in the source tree as in an installation.  Loading it twice
is harmless.  It reads nothing of a program; the lens is loaded when the first command needs it.
"""

import os
import sys

import gdb


def _load() -> None:
    # __file__ is another script's where this one is sourced from it; the code knows its own.
    directory = os.path.dirname(os.path.realpath(_load.__code__.co_filename))
    if sys.version_info < (3, 9):
        _say("Cairn needs a GDB with Python 3.9 or later; this one has %d.%d."
             % sys.version_info[:2])
        return
    loaded = sys.modules.get("cairn_gdb")
    if loaded is not None:
        first = os.path.dirname(os.path.dirname(os.path.realpath(str(loaded.__file__))))
        if first != directory:
            _say("Cairn is loaded already, from %s; %s is ignored." % (first, directory))
    elif directory not in sys.path:
        sys.path.insert(0, directory)
    try:
        from cairn_gdb.shell import gdb_commands
    except ImportError as problem:
        _say("Cairn can't be loaded from %s: %s.  The directory cairn_gdb must lie beside "
             "cairn.py." % (directory, problem))
        return
    missing = gdb_commands.install()
    if missing:
        _say(missing)


def _say(text: str) -> None:
    gdb.write(text + "\n", gdb.STDERR)


_load()
