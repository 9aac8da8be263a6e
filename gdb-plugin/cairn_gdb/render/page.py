"""The paper that text is written on: its width, its letters, its colours.

Colours follow GDB's own default styles, so that an address looks here as it looks in `bt`.
"""


from typing import NamedTuple

# ANSI sequences by what a text is.  The first three are GDB's defaults for the same things.
_STYLES = {
    "address": "34",
    "function": "33",
    "variable": "36",
    "type": "36",
    "heading": "1",
    "good": "32",
    "bad": "31;1",
    "warning": "33",
    "quiet": "2",
}


class Page(NamedTuple):
    width: int = 80
    ascii: bool = False  # only plain letters: no lines, blocks or arrows
    colour: bool = False
    endless: bool = False  # a file, a pipe: a row may be longer than `width`, and stays one line

    def style(self, kind: str, text: str) -> str:
        """The text in the colour of its kind, where there are colours."""
        if not self.colour or not text:
            return text
        return f"\033[{_STYLES[kind]}m{text}\033[0m"

    @property
    def ellipsis(self) -> str:
        return "..." if self.ascii else "…"

    def letters(self, text: str) -> str:
        """The text in letters that the page can show: those of objects' texts may be any."""
        if not self.ascii or text.isascii():
            return text
        return text.replace("…", "...").encode("ascii", "backslashreplace").decode()
