"""The table of the commands, one file each.  To add one: write its file, name it here."""

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
