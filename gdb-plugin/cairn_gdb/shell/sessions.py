"""The one session of each inferior, and when it must read anew.

Imports gdb.
"""

from typing import Any, Dict

import gdb

from ..program.target import GdbTarget, is_marked_running, others_running
from ..session import Session
from ..session.moments import Store


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
