"""`set cairn`, `show cairn`, and the page that an answer is written on, as GDB is set up.

Imports gdb.
"""

import os

import gdb

from ..render.page import Page

UNLIMITED_WIDTH = 120  # of a page when GDB has no width: a file, a pipe


class SetCairn(gdb.Command):
    """Set what Cairn shows and how."""

    def __init__(self) -> None:
        super().__init__("set cairn", gdb.COMMAND_DATA, prefix=True)


class ShowCairn(gdb.Command):
    """Show what Cairn shows and how."""

    def __init__(self) -> None:
        super().__init__("show cairn", gdb.COMMAND_DATA, prefix=True)

    def invoke(self, argument: str, from_tty: bool) -> None:
        for name in ("limit", "ascii"):
            gdb.execute(f"show cairn {name}")


class Limit(gdb.Parameter):
    """Set how many rows a Cairn listing shows.
An option -limit N of a command goes before it.  0 or "unlimited" shows all."""

    set_doc = "Set how many rows a Cairn listing shows."
    show_doc = "Show how many rows a Cairn listing shows."

    def __init__(self) -> None:
        super().__init__("cairn limit", gdb.COMMAND_DATA, gdb.PARAM_UINTEGER)
        self.value = 20

    def get_set_string(self) -> str:
        return ""

    def get_show_string(self, shown: str) -> str:
        return f"A Cairn listing shows {'all' if shown == 'unlimited' else shown} rows."


class Ascii(gdb.Parameter):
    """Set whether Cairn draws with plain letters only.
"auto" draws lines where the terminal's character set has them."""

    set_doc = "Set whether Cairn draws with plain letters only."
    show_doc = "Show whether Cairn draws with plain letters only."

    def __init__(self) -> None:
        super().__init__("cairn ascii", gdb.COMMAND_DATA, gdb.PARAM_AUTO_BOOLEAN)
        self.value = None

    def get_set_string(self) -> str:
        return ""

    def get_show_string(self, shown: str) -> str:
        return f"Drawing with plain letters only is {shown}."


def page(person: bool) -> Page:
    """The page as GDB's settings and Cairn's say; without colours for anyone but a person."""
    width = gdb.parameter("width") or UNLIMITED_WIDTH
    ascii_only = gdb.parameter("cairn ascii")
    if ascii_only is None:
        ascii_only = not _can_encode("─█→")
    return Page(width=width, ascii=bool(ascii_only), colour=person and _styling(),
                endless=not gdb.parameter("width"))


def _styling() -> bool:
    try:
        # GDB itself styles only what goes to a terminal that can show it.
        return bool(gdb.parameter("style enabled")) and on_terminal() and os.environ.get(
            "TERM", "dumb") != "dumb"
    except RuntimeError:
        return False


def on_terminal() -> bool:
    """What is written goes to a person's terminal."""
    try:
        return os.isatty(1)
    except OSError:
        return False


def _can_encode(letters: str) -> bool:
    import locale
    try:
        letters.encode(locale.nl_langinfo(locale.CODESET))
        return True
    except (LookupError, UnicodeError):
        return False


def limit() -> int:
    """The default of -limit; 0: all."""
    return int(gdb.parameter("cairn limit") or 0)


def install() -> None:
    """Registers the settings."""
    SetCairn()
    ShowCairn()
    Limit()
    Ascii()
