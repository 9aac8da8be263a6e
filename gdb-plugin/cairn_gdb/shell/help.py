"""The help of a command: its summary, usage, options, and examples.  Pure.

GDB shows a help's first line in lists of commands, so that line is the summary and ends with a
period.
"""

from typing import List, Sequence, Tuple

from ..commands.command import Command
from ..commands.options import JSON, LIMIT, Option
from ..errors import did_you_mean


def options_of(command: Command) -> Tuple[Option, ...]:
    """The options that the command takes, those that all take included."""
    own = {option.name for option in command.options}
    return (*command.options, *(each for each in (LIMIT, JSON) if each.name not in own))


def usage(command: Command) -> str:
    words = ["cairn", command.name, command.argument]
    for option in options_of(command):
        metavar = f" {option.metavar}" if option.metavar else ""
        words.append(f"[-{option.name}{metavar}]")
    return " ".join(word for word in words if word)


def of(command: Command) -> str:
    """The whole help text."""
    parts: List[str] = [command.summary, f"Usage: {usage(command)}"]
    if command.details:
        parts.append(command.details.strip())
    heads = [f"  -{option.name} {option.metavar}".rstrip() for option in options_of(command)]
    width = max(len(head) for head in heads)
    listed = [f"{head:<{width}}  {option.help}"
              for head, option in zip(heads, options_of(command))]
    parts.append("Options:\n" + "\n".join(listed))
    if "OBJECT" in command.argument:
        parts.append("OBJECT is any expression that comes to an address in an object (x, $rdi,\n"
                     "node->left, 0x7f...), or @N: the row with that mark in the last listing.")
    if any(option.kind == "range" for option in command.options):
        parts.append("A RANGE is 3, >=3, >3, <=3, <3 or 2..5; sizes take k, M, G.")
    if command.examples:
        width = max(len(line) for line, _ in command.examples)
        parts.append("Examples:\n" + "\n".join(
            f"  {line:<{width}}  {answer}" for line, answer in command.examples))
    # The usage follows the summary at once, as in GDB's own help.
    return parts[0] + "\n" + "\n\n".join(parts[1:])


def unknown(name: str, known: Sequence[str]) -> str:
    """What to say of a command that is none."""
    listed = sorted(each for each in known if each)
    return f'There is no command "cairn {name}".' \
        f'{did_you_mean(name, listed, "`cairn {}`")}  There are {", ".join(listed)}.'
