"""Makes GDB commands out of the table in commands/.

Imports gdb.  Parses the line, runs the command, prints what it says, and sets $cairn_status; what a
command asks and says is its own file's.
"""

import re
from typing import Any, Dict, Iterable, List, Optional

import gdb

from .. import commands, lens_path
from ..commands import options
from ..commands.command import Command
from ..commands.options import EXIT, Arguments
from ..errors import CairnError
from ..records import Result
from ..render import json_doc, prose
from ..render.page import Page
from ..session import type_names
from . import help as help_text
from . import settings
from .sessions import sessions

STATUS_FINE, STATUS_PROBLEM, STATUS_NO_ANSWER = 0, 1, 2


# ---- running a command --------------------------------------------------------------------------

def ask(command: Command, arguments: Arguments) -> Result:
    """Runs the command; what the user should read comes as CairnError."""
    if command.needs_argument and not arguments.expression:
        what = (f"Which {command.argument.lower()}?" if command.argument.isalpha() else
                "Something is missing.")
        raise CairnError(f"{what}  Usage: {help_text.usage(command)}")
    if arguments.expression and not command.takes_argument:
        raise CairnError(f'"{arguments.expression}" is one word too many.  Usage: '
                         f"{help_text.usage(command)}")
    session = sessions.current()
    session.begin(" ".join(f"cairn {command.name} {arguments.line}".split()))
    try:
        result = command.run(session, arguments)
        result.warnings += session.notes()
        return result
    except gdb.error as problem:  # a connection was lost, a register can't be read
        raise CairnError(str(problem))
    finally:
        session.target.progress_end()


def document(command: Command, result: Result) -> Dict[str, Any]:
    """The JSON document of a result."""
    try:
        identity = sessions.current().identity
    except CairnError:
        identity = None
    name = command.name or "overview"
    return json_doc.envelope(name, identity, result, command.document(result.records))


def set_status(status: int) -> None:
    gdb.set_convenience_variable("cairn_status", status)


def _print(lines: Iterable[str]) -> None:
    width = gdb.parameter("width") if settings.on_terminal() else 0
    for line in lines:
        for piece in prose.wrapped(line, width or 0):
            gdb.write(piece + "\n")


def _text(command: Command, result: Result, sheet: Page) -> Iterable[str]:
    for line in command.lines(result.records, sheet):
        yield sheet.letters(line)
    for warning in result.warnings:
        yield sheet.letters(sheet.style("warning", "warning: ") + warning)


def run(command: Command, line: str, from_tty: bool) -> None:
    """What GDB calls: everything from the line to the status."""
    set_status(STATUS_NO_ANSWER)
    # Known before the line is: a script that mistyped an option must not go on.
    leave = EXIT in command.options and "-exit" in line.split()
    try:
        arguments = options.parse(line, help_text.options_of(command), settings.limit())
        leave = arguments.flag("exit")
        result = ask(command, arguments)
        if arguments.flag("json"):
            for piece in json_doc.pieces(document(command, result)):
                gdb.write(piece)
        else:
            _print(_text(command, result, settings.page(from_tty)))
        status = result.status
    except CairnError as problem:
        if not leave:
            raise gdb.GdbError(str(problem))
        gdb.write(f"{problem}\n", gdb.STDERR)
        status = STATUS_NO_ANSWER
    except KeyboardInterrupt:
        raise gdb.GdbError("Quit")
    set_status(status)
    if leave:
        gdb.execute(f"quit {status}")


class CairnCommand(gdb.Command):
    """One command of the table; each has a class of its own, whose docstring is its help."""

    command: Command

    def __init__(self) -> None:
        name = f"cairn {self.command.name}".rstrip()
        super().__init__(name, gdb.COMMAND_DATA, prefix=self.command.name == "")

    def invoke(self, argument: str, from_tty: bool) -> None:
        self.dont_repeat()
        if self.command.name == "" and argument and not argument.startswith("-"):
            set_status(STATUS_NO_ANSWER)
            raise gdb.GdbError(help_text.unknown(argument.split()[0], list(_table)))
        if argument.strip() in ("-help", "--help", "-h"):
            gdb.execute(f"help cairn {self.command.name}")
            return
        run(self.command, argument, from_tty)

    def complete(self, text: str, word: Optional[str]) -> Any:
        # GDB asks twice: first, without a word, only how expressions are broken into words.
        words, expression = options.completions(
            text, word or "", help_text.options_of(self.command), _type_names)
        if expression and self.command.words is not None:
            return _words(self.command, text, word or "")
        if expression and self.command.takes_argument:
            return _rows(text, word or "") or gdb.COMPLETE_EXPRESSION
        return words


def _words(command: Command, text: str, word: str) -> Any:
    """What may stand at the end of the text; a file where nothing that is known begins so."""
    typed = "" if text == "" or text[-1].isspace() else text.split()[-1]
    before = text[:len(text) - len(typed)].split()
    assert command.words is not None
    offered = command.words(sessions.current(), before) or []
    fitting = [each[len(typed) - len(word):] for each in offered if each.startswith(typed)]
    return fitting or gdb.COMPLETE_FILENAME


def _rows(text: str, word: str) -> List[str]:
    """The rows of the last listing behind an @."""
    typed = re.search("@[0-9]*$", text)
    if typed is None:
        return []
    cut = len(typed.group()) - len(word)
    rows = [f"@{number + 1}" for number in range(len(sessions.current().listing))]
    return [each[cut:] for each in rows if each.startswith(typed.group())]


def _type_names() -> List[str]:
    try:
        return type_names(sessions.current())
    except (CairnError, gdb.error):
        return []


_table: Dict[str, Command] = {}


def install() -> str:
    """Registers everything; a second call registers nothing.  What is wrong, "" for nothing: the
    commands are there all the same and answer with the reason."""
    if _table:
        return ""
    settings.install()
    for command in commands.load():
        _table[command.name] = command
        doc = help_text.of(command)
        type("Cairn_" + command.name, (CairnCommand,), {"command": command, "__doc__": doc})()
    set_status(STATUS_NO_ANSWER)
    sessions.connect()
    from ..stops import stopped
    from . import functions, mi, printers
    stopped.install(sessions.current)
    functions.install(sessions.current)
    printers.install(sessions.current)
    mi.install(list(_table.values()))
    return lens_path.missing()
