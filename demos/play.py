"""GDB commands that play the demos: `stop-at NAME` and `play FILE`.

A demo marks the places worth a look with a comment, `// stop: NAME`; `stop-at` runs the program to
the code at that comment, so a script survives any edit of the program.  `play` runs a script line
by line as a person would type it, and shows each line.  It is no part of the plugin.
"""
import os
import re

from typing import Dict, List, Optional

import gdb

MARK = re.compile(r"//\s*stop:\s*([\w-]+)")


def main_source() -> str:
    """The path of the source that defines main."""
    symbol = gdb.lookup_global_symbol("main")
    if symbol is None or symbol.symtab is None:
        raise gdb.GdbError("no program with debug information is loaded")
    return str(symbol.symtab.fullname())


def marks(path: str) -> Dict[str, int]:
    """The marked places of a source: name to line number."""
    found: Dict[str, int] = {}
    with open(path, encoding="utf-8") as source:
        for number, line in enumerate(source, 1):
            match = MARK.search(line)
            if match:
                found[match.group(1)] = number
    return found


class Arrival(gdb.Breakpoint):
    """A silent temporary breakpoint that remembers whether it was the one that stopped."""

    def __init__(self, spec: str) -> None:
        super().__init__(spec, internal=True, temporary=True)
        self.silent = True
        self.reached = False

    def stop(self) -> bool:
        self.reached = True
        return True


class StopAt(gdb.Command):
    """Run the program to a place that its source marks.

Usage: stop-at NAME
The source of main marks places with comments: // stop: NAME"""

    def __init__(self) -> None:
        super().__init__("stop-at", gdb.COMMAND_RUNNING)

    def complete(self, text: str, word: str) -> List[str]:
        try:
            return [name for name in marks(main_source()) if name.startswith(word)]
        except (gdb.GdbError, OSError):
            return []

    def invoke(self, argument: str, from_tty: bool) -> None:
        path = main_source()
        places = marks(path)
        name = argument.strip()
        if name not in places:
            raise gdb.GdbError("no stop is called '%s'; there are: %s"
                               % (name, ", ".join(places)))
        arrival = Arrival("%s:%d" % (path, places[name]))
        started = gdb.selected_inferior().pid != 0
        # GDB's own chatter about threads is of no use to a reader.
        gdb.execute("continue" if started else "run", to_string=True)
        if not arrival.reached:
            raise gdb.GdbError("the program did not come to '%s'" % name)
        place = gdb.newest_frame().find_sal()
        gdb.write("-- %s: in %s, %s:%d --\n"
                  % (name, gdb.newest_frame().name(), os.path.basename(path), place.line))


class Play(gdb.Command):
    """Play a script of GDB commands, showing each as if it were typed.

Usage: play FILE
A line that begins with # is told to the reader."""

    def __init__(self) -> None:
        super().__init__("play", gdb.COMMAND_SUPPORT, gdb.COMPLETE_FILENAME)

    def invoke(self, argument: str, from_tty: bool) -> None:
        with open(os.path.expanduser(argument.strip()), encoding="utf-8") as script:
            lines = script.read().splitlines()
        for line in lines:
            shown = self.shown(line)
            if shown is not None:
                gdb.write(shown + "\n")
                gdb.flush()
            if line and not line.startswith("#"):
                try:
                    gdb.execute(line, from_tty=True)  # as typed by a person
                except gdb.error as error:
                    raise gdb.GdbError("%s: %s" % (line, error)) from None
                gdb.flush()

    @staticmethod
    def shown(line: str) -> Optional[str]:
        if line.startswith("# interactive:"):
            return None
        if line.startswith("#"):
            return line[1:].strip()
        return "(gdb) " + line if line else ""


StopAt()
Play()
