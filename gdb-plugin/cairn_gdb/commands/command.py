"""What a command is: its name, its words, its options, and three functions.

A command's file asks the session (`run`) and then says what it found twice: for programs
(`document`, the `data` of the JSON envelope) and for people (`lines`).  Nothing here knows GDB.
"""

from typing import Any, Callable, Iterator, List, NamedTuple, Optional, Tuple

from ..records import Result
from ..render.page import Page
from ..session import Session
from .options import Arguments, Option


class Command(NamedTuple):
    name: str  # "" is the overview: `cairn` alone
    summary: str  # the first line of the help, ends with a period
    run: Callable[[Session, Arguments], Result]
    document: Callable[[Any], Any]  # records -> JSON data
    lines: Callable[[Any, Page], Iterator[str]]  # records -> text
    argument: str = ""  # as the usage shows it: "OBJECT", "[ADDRESS]", "" for none
    options: Tuple[Option, ...] = ()
    details: str = ""  # the help's middle: what the columns mean, what is not said
    examples: Tuple[Tuple[str, str], ...] = ()  # (what to type, what it answers)
    # For an argument that is no expression: the words that may follow those given; none: a file
    words: Optional[Callable[[Session, List[str]], Optional[List[str]]]] = None

    @property
    def takes_argument(self) -> bool:
        return self.argument != ""

    @property
    def needs_argument(self) -> bool:
        return self.takes_argument and not self.argument.startswith("[")
