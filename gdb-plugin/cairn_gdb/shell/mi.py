"""The MI commands: -cairn-objects, -cairn-stack, ... on GDB 12 and later.

Imports gdb.  The same options and the same records as the commands for people; the answer is the
JSON document as MI tuples and lists.
"""

from typing import Any, Dict, List, Sequence

import gdb

from ..commands import options
from ..commands.command import Command
from ..errors import CairnError
from . import gdb_commands, settings
from . import help as help_text


def install(commands: Sequence[Command]) -> None:
    """Registers them where this GDB can."""
    base = getattr(gdb, "MICommand", None)
    if base is None:
        return
    for command in commands:
        name = "-cairn-" + (command.name or "overview")
        type("CairnMI_" + command.name, (base,),
             {"invoke": lambda self, argv, command=command: _invoke(command, argv)})(name)


def _invoke(command: Command, argv: List[str]) -> Dict[str, Any]:
    gdb_commands.set_status(gdb_commands.STATUS_NO_ANSWER)
    try:
        arguments = options.parse_words(argv, help_text.options_of(command),
                                        settings.limit())
        arguments.values["json"] = True  # the rows are those of the document
        result = gdb_commands.ask(command, arguments)
        document = gdb_commands.document(command, result)
    except CairnError as problem:
        raise gdb.GdbError(str(problem))
    gdb_commands.set_status(result.status)
    return _mi(document)


def _mi(value: Any) -> Any:
    """JSON values as MI ones: MI has strings, lists and tuples."""
    if isinstance(value, dict):
        return {name: _mi(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_mi(part) for part in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value
