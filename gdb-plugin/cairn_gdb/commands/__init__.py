"""The commands, one file each, and the table of them.  To add one: write its file, name it here.

    command.py   what a command is             options.py   its line: options, ranges, sizes
    NAME.py      one command: ask the session, then say it as JSON or as text
    NAME_text.py the text, where it is long

Pure.  Imports render, findings, session, outside, bridge, records.

What this is not: a command of GDB.  shell/ makes those, reads the line and prints the answer.
"""

import importlib
from typing import List

from .command import Command

# In the order of the documentation: look, who points where, what is wrong.
NAMES = (
    "overview",
    "map",
    "arenas",
    "objects",
    "refcounts",
    "types",
    "show",
    "stack",
    "roots",
    "refs",
    "referrers",
    "path",
    "audit",
    "leaks",
    "collect",
    "cycles",
    "retained",
    "check",
    "snapshot",
    "diff",
    "history",
    "sites",
    "watch",
    "break_",
)


def load() -> List[Command]:
    """All commands; imports their files."""
    return [importlib.import_module(f"{__name__}.{name}").COMMAND for name in NAMES]
