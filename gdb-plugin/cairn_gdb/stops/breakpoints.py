"""Breakpoints and watchpoints that know objects: a count that changes, an object that dies, objects
that are made, freed or collected.

Imports gdb.  Each is an ordinary one of GDB's: `info breakpoints` shows it, `delete`, `disable`,
`ignore` and `commands` work.

 - An object is watched by its header word in hardware: whoever changes it, inlined or not, is
   caught.
 - Making, freeing and collecting have USDT probes; where the runtime was built without them, the
   functions that they stand in, if there are symbols.  Heaps that are not tracked send their
   objects past the probes while these are listened to (observing.py).

What this is not: it chooses no place to stop at (setting.py) and says nothing (stopped.py).
"""

from typing import Dict, NamedTuple, Optional, Tuple

import gdb

from ..session import Session
from . import heads
from .heads import Heads


class Event(NamedTuple):
    """Where a kind of event is to be met."""

    probe: str
    functions: Tuple[str, ...]  # where there are no probes: internal ones, called at each
    register: str  # the object, at a function's entry


EVENTS = {
    "alloc": Event("allocate", ("cairn_track_allocate",), "$rsi"),
    "free": Event("free", ("cairn_track_free",), "$rsi"),
    "collect": Event("collect_start", ("cairn_detect_all", "cairn_detect_candidates"), "$rdi"),
}

_heads: Dict[int, Heads] = {}  # by inferior


# ---- one object ---------------------------------------------------------------------------------

def _read_word(address: int) -> Optional[int]:
    try:
        data = gdb.selected_inferior().read_memory(address, heads.WORD)
    except (gdb.error, OverflowError):
        return None
    return int.from_bytes(bytes(data), "little")


def heads_of(session: Session) -> Heads:
    """What is known of the headers of the selected program's objects."""
    number = gdb.selected_inferior().num
    known = _heads.get(number)
    if known is None:
        known = _heads[number] = Heads(session, _read_word)
    return known


def forget_heads(inferior_number: int) -> None:
    """The program ended, and its objects with it."""
    _heads.pop(inferior_number, None)


class ObjectWatch(gdb.Breakpoint):
    """A hardware watchpoint on the header of one object."""

    kind = "watch"

    def __init__(self, known: Heads, address: int, name: str, after: int) -> None:
        head = known.head(address)
        assert head is not None  # the object was looked at just now
        self.heads, self.address, self.name = known, address, name
        self.inferior_number = gdb.selected_inferior().num  # GDB 14 has an `inferior` of its own
        self.head = head
        self.left = after  # changes until it stops
        self.change: Optional[Tuple[int, int]] = None  # of the count, that it stopped at
        self.died = False
        # The count, and beside it type and state: a death may leave the count's bits as they are.
        super().__init__(f"*(unsigned int (*)[2]) {address:#x}", gdb.BP_WATCHPOINT, gdb.WP_WRITE)

    def stop(self) -> bool:
        """GDB asks at each change of the header."""
        head = self.heads.head(self.address)
        before = self.head
        if head is None or not head.live or head.type_index != before.type_index:
            self.died = True
            return True
        # A count of 0 is on its way down: what is next is the death, or another owner.
        if head.refcount == before.refcount or head.refcount == 0:
            return False
        self.head = head
        return self.changed(before.refcount, head.refcount)

    def changed(self, before: int, after: int) -> bool:
        """The count is another one: stop?"""
        self.left -= 1
        if self.left > 0:
            return False
        self.change = (before, after)
        return True

    def is_gone(self) -> bool:
        """The object is not there any more, however it went."""
        head = self.heads.head(self.address)
        return head is None or not head.live or head.type_index != self.head.type_index


class DeathWatch(ObjectWatch):
    """Stops only where the object dies."""

    kind = "free"

    def changed(self, before: int, after: int) -> bool:
        return False


# ---- any object ---------------------------------------------------------------------------------

class EventBreak(gdb.Breakpoint):
    """A breakpoint where objects are made or freed, or a collection starts."""

    def __init__(self, kind: str, location: str, register: str, glob: str, after: int) -> None:
        self.kind, self.glob = kind, glob
        self.was_enabled = True
        # "" where it stands at a probe, which has its own way to name its arguments.
        self.register = register
        super().__init__(location)
        if register and kind == "free":
            glob = glob or "?*"  # the function sees buffers go, too
        if glob:
            self.condition = f'$cairn_type_like({register or "$_probe_arg0"}, "{glob}")'
        self.after = after
        self.begin()

    def begin(self) -> None:
        """A run begins, in which the after-th time counts anew."""
        if self.after > 1:
            self.ignore_count = self.after - 1

    @property
    def listens(self) -> bool:
        """It stands at a probe that objects pass."""
        return self.kind != "collect" and not self.register

    def has_stopped(self) -> bool:
        """GDB names all breakpoints of a place where one stopped."""
        if self.hit_count < self.after:
            return False
        return not self.condition or bool(int(gdb.parse_and_eval(self.condition)))
