"""The one exception that a user is meant to read.

Its text says what went wrong, where, and what to try; shell/ turns it into
gdb.GdbError.  Any other exception that escapes a command is a defect of the plugin.
"""

from typing import Iterable


class CairnError(Exception):
    """A short text for the user; first the problem, then what to try."""


def did_you_mean(name: str, known: Iterable[str], form: str = "{}") -> str:
    """`  Did you mean list?` where a known name is near, else ""."""
    import difflib  # only a mistake pays for it
    near = difflib.get_close_matches(name, list(known), 1)
    return f"  Did you mean {form.format(near[0])}?" if near else ""
