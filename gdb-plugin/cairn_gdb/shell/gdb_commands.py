"""Makes GDB commands, settings and events out of the table in commands/.

Imports gdb.  This room parses the line, runs the command, prints what it says, and sets
$cairn_status; what a command asks and says is its own file's.  Here also lives the one Session
of each inferior.
"""

import os
from typing import Any, Dict, Iterable, List, Optional

import gdb

from .. import commands, lens_path
from ..commands import options
from ..commands.command import Command
from ..commands.options import EXIT, Arguments
from ..errors import CairnError
from ..program.target import GdbTarget, is_marked_running, others_running
from ..records import Result
from ..render import json_doc, prose
from ..render.page import Page
from ..session import Session, type_names
from ..session.moments import Store
from . import help as help_text

STATUS_FINE, STATUS_PROBLEM, STATUS_NO_ANSWER = 0, 1, 2
UNLIMITED_WIDTH = 120  # of a page when GDB has no width: a file, a pipe


# ---- sessions -----------------------------------------------------------------------------------

class Sessions:
    """The session of each inferior."""

    def __init__(self) -> None:
        self._by_number: Dict[int, Session] = {}
        self._moments = Store()  # one for all: what two inferiors were is compared, too
        self._passing = False  # what was read last may change without a word

    def current(self) -> Session:
        """Of the selected inferior."""
        inferior = gdb.selected_inferior()
        passing = is_marked_running() or others_running(inferior) > 0
        if passing or self._passing:
            self.invalidate()
        self._passing = passing
        session = self._by_number.get(inferior.num)
        if session is None:
            session = Session(GdbTarget(inferior), self._moments)
            self._by_number[inferior.num] = session
        return session

    def invalidate(self, _event: Any = None) -> None:
        """Memory may have changed, in whichever inferior: each reads again when it is asked."""
        for session in self._by_number.values():
            session.invalidate()

    def renamed(self, _event: Any = None) -> None:
        """The program may be another one, or have other symbols: memory itself is the same."""
        for session in self._by_number.values():
            session.forget_roots()
            session.target.forget()

    def ended(self, event: Any) -> None:
        """The program is gone; what was read of it may be large."""
        session = self._by_number.get(event.inferior.num)
        if session is not None:
            session.close()
            session.target.forget()

    def remove(self, event: Any) -> None:
        """The inferior is gone."""
        self.ended(event)
        self._by_number.pop(event.inferior.num, None)

    def connect(self) -> None:
        """Hears of all that can change memory; a stop itself changes nothing and costs nothing."""
        for name in ("cont", "memory_changed", "inferior_call"):
            _hear(name, self.invalidate)
        for name in ("register_changed", "new_objfile", "clear_objfiles", "connection_removed"):
            _hear(name, self.renamed)
        _hear("exited", self.ended)
        _hear("inferior_deleted", self.remove)


def _hear(event: str, handler: Any) -> None:
    registry = getattr(gdb.events, event, None)  # not every GDB has every event
    if registry is not None:
        registry.connect(handler)


sessions = Sessions()


# ---- settings -----------------------------------------------------------------------------------

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
        return f"A Cairn listing shows {shown} rows."


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
        return bool(gdb.parameter("style enabled")) and _on_terminal() and os.environ.get(
            "TERM", "dumb") != "dumb"
    except RuntimeError:
        return False


def _on_terminal() -> bool:
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
    width = gdb.parameter("width") if _on_terminal() else 0
    for line in lines:
        for piece in prose.wrapped(line, width or 0):
            gdb.write(piece + "\n")


def _text(command: Command, result: Result, sheet: Page) -> Iterable[str]:
    yield from command.lines(result.records, sheet)
    for warning in result.warnings:
        yield sheet.style("warning", "warning: ") + warning


def run(command: Command, line: str, from_tty: bool) -> None:
    """What GDB calls: everything from the line to the status."""
    set_status(STATUS_NO_ANSWER)
    # Known before the line is: a script that mistyped an option must not go on.
    leave = EXIT in command.options and "-exit" in line.split()
    try:
        arguments = options.parse(line, help_text.options_of(command), limit())
        leave = arguments.flag("exit")
        result = ask(command, arguments)
        if arguments.flag("json"):
            for piece in json_doc.pieces(document(command, result)):
                gdb.write(piece)
        else:
            _print(_text(command, result, page(from_tty)))
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
            return gdb.COMPLETE_EXPRESSION
        return words


def _words(command: Command, text: str, word: str) -> Any:
    """What may stand at the end of the text; a file where nothing that is known begins so."""
    typed = "" if text == "" or text[-1].isspace() else text.split()[-1]
    before = text[:len(text) - len(typed)].split()
    assert command.words is not None
    offered = command.words(sessions.current(), before) or []
    fitting = [each[len(typed) - len(word):] for each in offered if each.startswith(typed)]
    return fitting or gdb.COMPLETE_FILENAME


def _type_names() -> List[str]:
    try:
        return type_names(sessions.current())
    except (CairnError, gdb.error):
        return []


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


_table: Dict[str, Command] = {}


def install() -> str:
    """Registers everything; a second call registers nothing.  What is wrong, "" for nothing: the
    commands are there all the same and answer with the reason."""
    if _table:
        return ""
    SetCairn()
    ShowCairn()
    Limit()
    Ascii()
    for command in commands.load():
        _table[command.name] = command
        doc = help_text.of(command)
        type("Cairn_" + command.name, (CairnCommand,), {"command": command, "__doc__": doc})()
    set_status(STATUS_NO_ANSWER)
    sessions.connect()
    from ..stops import breakpoints
    from . import functions, mi, printers
    breakpoints.install(sessions.current)
    functions.install(sessions.current)
    printers.install(sessions.current)
    mi.install(list(_table.values()))
    return lens_path.missing()
