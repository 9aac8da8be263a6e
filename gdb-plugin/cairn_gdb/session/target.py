"""What a session needs of the debugger: its questions, and who may ask whom.

Nothing is done here.  program/target.py answers with GDB, the tests with a table; so all that a
session does is pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Protocol, Tuple

from .. import records
from ..records import Section, Value

if TYPE_CHECKING:  # loaded when a command first needs them
    from ..bridge import Lens
    from ..outside.rootset import Roots
    from ..outside.slots import Outside, Scope
    from .session import Session


class Target(Protocol):
    """What a session needs of the debugger."""

    def identity(self) -> records.Identity:
        """Which program this is; CairnError when there is none to look at."""

    def open_lens(self) -> Lens:
        """A lens over the program's memory, with its regions and hints."""

    def refresh_lens(self, lens: Lens) -> None:
        """Makes a lens that was opened before see the program as it is now."""

    def evaluate(self, expression: str) -> Value:
        """The address that an expression comes to; CairnError when it has none."""

    def progress(self, phase: str, done: int, total: int) -> None:
        """Shows how far long work is (called between slices)."""

    def progress_end(self) -> None:
        """The work is over."""

    def forget(self) -> None:
        """The program may have been replaced by another one: ask again which it is."""

    def collect_roots(self, session: Session) -> Roots:
        """Adds the program's variables, registers and raw words to the lens as roots."""

    def outside(self, session: Session, scope: Scope) -> Outside:
        """The threads, their frames and variables, and the variables of the data sections."""

    def sections(self) -> List[Section]:
        """The sections of the program and its libraries, where their files are known."""

    def stack_pointers(self) -> List[Tuple[int, str, int]]:
        """The number, name and stack pointer of each thread that is stopped."""

    def others_running(self) -> int:
        """How many threads run while this one is looked at (non-stop mode)."""

    def place_of(self, caller: int, lens: Lens) -> records.Place:
        """Where in the program the call is that returns to the address."""

    def function_of(self, caller: int) -> Tuple[int, bool]:
        """Where the function begins that the call is in that returns to the address (0: nobody
        knows), and whether a container of Cairn's, inlined there, makes the call."""

    def watch(self, session: Session, address: int, name: str, after: int) -> records.Stop:
        """Stops the program where an object's count changes, from the after-th time on."""

    def break_death(self, session: Session, address: int, name: str) -> records.Stop:
        """Stops the program where an object dies."""

    def break_event(self, kind: str, glob: str, after: int, loaded: bool) -> records.Stop:
        """Stops the program where objects are made ("alloc") or freed ("free"), or a collection
        starts ("collect").  `loaded`: the runtime is in the program already."""

    def observe(self, session: Session) -> List[int]:
        """Lets heaps that are not tracked send their next object past the probes already, where
        something waits there; returns the heaps that never do."""

    def is_listened_for(self, kind: str) -> bool:
        """Whether the runtime sends objects past the probe of "alloc" or "free" while something
        waits there; true too where there is no runtime yet."""

    def environment(self, name: str) -> str:
        """A variable of the environment that the program will be run with; "" where it has none."""

    def symbol_at(self, address: int) -> str:
        """The symbol that the address lies in, with the distance; "" where none is known."""
