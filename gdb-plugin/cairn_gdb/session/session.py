"""One program as the commands see it: its lens, its snapshot, the rows of the last listing.

A session belongs to one inferior and lives as long as it.  Whatever it read is dropped when the
program may have changed (`invalidate`); only the rows of the last listing stay, so that `@3`
still means what the user saw.  Pure: the program is reached through Target (target.py).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Dict, List, Optional, Sequence, Tuple

from .. import records, units
from ..errors import CairnError
from ..records import GONE, Location, Object
from . import moments, tracked
from .target import Target

if TYPE_CHECKING:  # loaded when a command first needs them
    from ..bridge import Lens
    from ..outside.rootset import Roots

FUNCTIONS_MAX = 5_000  # places that retain or release whose function is looked up
_OF_THE_RUNTIME = {"set": "the intern table", "tuple": "the small ints"}  # by type


class Session:
    """See the file's head.  Raises CairnError for whatever the user should read."""

    def __init__(self, target: Target, kept: Optional[moments.Store] = None) -> None:
        self.target = target
        self.moments = moments.Store() if kept is None else kept  # that have a name
        self.listing: List[int] = []  # addresses of the last listing's rows that have marks
        self.asked = ""  # the command that runs, or what else lists now
        self._listed_by = ""  # what listed those rows
        self._listed_of: Optional[records.Identity] = None  # the program that was looked at then
        self._unmarked_by = ""  # what listed without a mark since then; "": nothing did
        self._notes: List[str] = []  # what the answer has to say of the marks that were used
        self._lens: Optional[Lens] = None
        self._current = False  # the lens has seen the program as it is now
        self._problem = ""  # why it has seen no heap; said again until the program changes
        self._identity: Optional[records.Identity] = None
        self._walked = self._indexed = False
        self._roots: Optional[Roots] = None
        self._pairs: Optional[bool] = None  # the events were read; False: none are kept

    # ---- what was read, and when to forget it ----

    def invalidate(self) -> None:
        """The program's memory may have changed."""
        self._current = self._walked = self._indexed = False
        self._problem = ""
        self._roots = None
        self._pairs = None

    def forget_roots(self) -> None:
        """The names of variables, or the registers, may have changed."""
        self._roots = None

    def close(self) -> None:
        """The program is gone."""
        self.invalidate()
        if self._lens is not None:
            self._lens.close()
            self._lens = None

    @property
    def identity(self) -> records.Identity:
        return self.target.identity()

    @property
    def lens(self) -> Lens:
        """The lens, its model loaded: heaps, arenas and types are known; no object is read."""
        identity = self.target.identity()
        if identity != self._identity:
            self.close()
            self._identity = identity
        if self._lens is not None and self._current:
            return self._lens
        if self._problem:
            raise CairnError(self._problem)
        self._walked = self._indexed = False
        self._roots = None
        self._pairs = None
        try:
            self._lens = self._fresh_lens(identity)
        except CairnError as problem:
            self._problem = str(problem)
            raise
        self._current = True
        return self._lens

    @property
    def memory(self) -> Tuple[Lens, str]:
        """The lens, and why it knows no heap ("" where it does): a memory map needs none."""
        try:
            return self.lens, ""
        except CairnError as problem:
            if self._lens is None:
                raise
            return self._lens, str(problem)

    def _fresh_lens(self, identity: records.Identity) -> Lens:
        lens = self._lens
        if lens is None:
            # Kept at once: should the search be interrupted, the lens is not lost.
            lens = self._lens = self.target.open_lens()
        else:
            self.target.refresh_lens(lens)
        if not lens.load_model(self.target.progress):
            said = lens.last_error.rstrip(".")
            met = "".join(f"  Also: {text}." for text in _texts(lens)[:2])
            where, advice = "in this program", ("One is there once the program has called "
                                                "cairn_heap_new.")
            if identity.kind == "core":
                where, advice = "found in this core", (
                    "There is one if the program had called cairn_heap_new, and all memory that "
                    "it wrote was dumped (/proc/PID/coredump_filter says what is).")
            raise CairnError(f"No Cairn heap {where}" + (f": {said}." if said else ".")
                             + f"{met}  {advice}")
        return lens

    def snapshot(self, edges: bool = False) -> Lens:
        """The lens with all objects read, with `edges` also who holds whom."""
        lens = self.lens
        if not self._walked:
            lens.walk(self.target.progress)
            self._walked = True
        if edges and not self._indexed:
            lens.index(self.target.progress)
            self._indexed = True
        return lens

    def roots(self) -> Roots:
        """The roots of this stop, added to the lens's snapshot."""
        lens = self.snapshot()
        if self._roots is None:
            lens.clear_roots()
            self._roots = self.target.collect_roots(self)
        return self._roots

    def pairs(self) -> bool:
        """Reads the events of all heaps, for pairing; False: no heap records events."""
        lens = self.lens
        if self._pairs is None:
            self._pairs = lens.read_pairs(self.target.progress)
            for index in range(min(lens.pair_site_count(), FUNCTIONS_MAX) if self._pairs else 0):
                lens.set_pair_function(
                    index, *self.target.function_of(lens.pair_site(index).caller))
        return self._pairs

    @property
    def indexed(self) -> bool:
        """Who holds whom is known already."""
        return self._current and self._indexed

    # ---- rows ----

    def remember(self, addresses: Sequence[int]) -> None:
        """The rows of a listing, for `@N`.  One whose rows have no marks, or that is empty, leaves
        the last one standing; who then uses a mark is told of which listing it is."""
        if addresses:
            self.listing, self._listed_by, self._unmarked_by = list(addresses), self.asked, ""
            self._listed_of = self.identity
        elif self.listing:
            self._unmarked_by = self.asked

    def begin(self, asked: str) -> None:
        """A command begins, whose words these are."""
        self.asked, self._notes = asked, []

    def notes(self) -> List[str]:
        """What its answer has to say of the marks that it used."""
        return self._notes

    def describe(self, row: Object) -> Object:
        """The object with its short value text."""
        return self.describe_all([row])[0]

    def describe_all(self, rows: Sequence[Object]) -> List[Object]:
        """The objects with their short value texts."""
        value = self.lens.object_value
        return [row._replace(value=value(row.address)) for row in rows]

    def heap_label(self, index: int) -> str:
        """How a heap is called in text: its name, or its number."""
        heaps = self.lens.heaps()
        if index >= len(heaps):
            return "?"
        return heaps[index].name or f"heap {heaps[index].id}"

    def arena_numbers(self) -> Dict[int, int]:
        """The number of each arena among those of its heap, in the order of addresses, by its
        position: arenas of several heaps lie mixed."""
        counts: Dict[int, int] = {}
        numbers = {}
        for arena in self.lens.arenas():
            numbers[arena.position] = counts.get(arena.heap, 0)
            counts[arena.heap] = numbers[arena.position] + 1
        return numbers

    def runtime_name(self, row: Object) -> str:
        """What an object is that the runtime keeps for itself; "" for those of the program."""
        name = _OF_THE_RUNTIME.get(row.type_name, "")
        if not name or "held" in row.state or not self.lens.type(row.type).builtin:
            return ""
        lens = self.snapshot(edges=True)
        index = lens.snapshot_find(row.address)
        held = index is not None and lens.account(index, self.target.progress).runtime_refs
        return name if held else ""

    # ---- object arguments ----

    def address_of(self, expression: str) -> int:
        """The address that an object argument means: `@N` or any expression."""
        row = re.fullmatch(r"@(-?[0-9]+)", expression.strip())
        if row is None:
            if expression.strip().startswith("@"):
                raise CairnError(f"{expression.strip()}: a row of the last listing is named by its "
                                 "number alone, as in @3.")
            if expression.strip() == "":
                raise CairnError("Which object?  Give an expression, an address, or @N for row "
                                 "N of the last listing.")
            return self.target.evaluate(expression).address
        number = int(row.group(1))
        if not self.listing:
            raise CairnError(f"@{number}: nothing was listed yet; try `cairn objects` first.")
        if not 1 <= number <= len(self.listing):
            raise CairnError(f"@{number}: the last listing has rows @1 to @{len(self.listing)}.")
        if self._unmarked_by:
            self._notes.append(f"@{number} is of `{self._listed_by}`: `{self._unmarked_by}` listed "
                               "nothing that has a mark.")
        if self._listed_of is not None and self._listed_of != self.identity:
            self._notes.append(f"@{number} is of `{self._listed_by}` of "
                               f"{_called(self._listed_of)}: here its address may mean something "
                               "else.")
        return self.listing[number - 1]

    def object(self, expression: str) -> Tuple[Object, Location]:
        """The live object that an object argument means; CairnError says in words why not."""
        address = self.address_of(expression)
        try:
            return self.object_at(address, expression.strip())
        except CairnError as problem:
            raise CairnError("  ".join([str(problem), *self._notes])) from None

    def object_at(self, address: int, expression: str) -> Tuple[Object, Location]:
        """The live object that holds the address; the expression is what it was called."""
        lens = self.lens
        location = lens.locate(address)
        if location.place in ("object", "dying"):
            found = lens.object_at(location.base)
            if found is not None:
                return found, location
        raise CairnError(self._why_no_object(expression, address, location))

    def _why_no_object(self, expression: str, address: int, location: Location) -> str:
        named = f"{address:#x}"
        if expression != named:
            named = f"{expression} is {address:#x}, which"
        if address == 0:
            return f"{expression} is NULL: it points to no object."
        for heap in self.lens.heaps():
            if heap.address == address:
                return (f"{named} is the heap {heap.name or heap.id} itself, no object; `cairn "
                        f"objects -heap '{heap.name or heap.id}'` lists its objects.")
        where = {
            "freed": "is in a block that was freed: the object that was there is gone",
            "quarantined": "is in a block that was freed and is kept in quarantine",
            "touched": "is in a block that was freed, and retained since, it seems: a use after "
                       "free",
            "fresh": "is in a block that was never used",
            "free_page": "is in a free page of an arena",
            "arena_meta": "is in an arena's own page table, where no object is",
            "heap_meta": "is in a heap's metadata (types, tables), where no object is",
            "unreadable": "is in memory that can't be read",
            "damaged": "is in a damaged block or page",
        }.get(location.place)
        if location.place == "buffer":
            return (f"{named} is in a buffer at {location.base:#x} ({location.block_bytes} "
                    "bytes), memory that an object owns, not an object; try `cairn referrers "
                    f"{location.base:#x}`.")
        if where is not None:
            named_block = location.place in (*GONE, "fresh", "damaged")
            block = (f" (block {location.base:#x}, {location.block_bytes} bytes)"
                     if named_block and location.base else "")
            gone = tracked.of(self, address) if location.place in GONE else None
            if gone is not None:
                name = "" if gone.track.type is None else self.lens.type(gone.track.type).name
                block += f".  What was there: {tracked.gone_text(gone, name)}"
            advice = "  Try `cairn check`." if location.place == "damaged" else ""
            return f"{named} {where}{block}.{advice}"
        return self._why_outside(expression, named, address)

    def _why_outside(self, expression: str, named: str, address: int) -> str:
        """The address is in no heap: perhaps it is the address of a variable that holds one."""
        word = self.lens.read(address, 8)
        if len(word) == 8:
            held = int.from_bytes(word, "little")
            if held and self.lens.locate(held).place in ("object", "dying"):
                return (f"{named} is no object but a slot that holds one ({held:#x}); "
                        f"try *({expression}), or {held:#x}.")
        else:
            return f"{named} is in no heap, and no memory can be read there."
        return (f"{named} is in none of the program's heaps; `cairn map {expression}` says what is "
                "there.")

    # ---- short names for the commands ----

    def exactness(self) -> str:
        """How sure a whole-heap answer is."""
        sure = self.snapshot().walk_totals().exactness
        return records.least_sure(sure, records.TOLERANT) if self.target.others_running() else sure

    def object_exactness(self, row: Object) -> Tuple[str, List[str]]:
        """How sure an answer about one object is, and why; makes no snapshot."""
        heap = self.lens.heaps()[row.heap]
        if "dying" in row.state:
            return records.TOLERANT, ["the object is dying: its slots are being cleared."]
        if heap.flux_object == row.address and heap.flux != "none":
            return records.TOLERANT, [f"the object is in flux: stopped in mid-{heap.flux}."]
        if self.lens.type(row.type).opaque:
            return records.CONSERVATIVE, ["its type is opaque: each word that looks like a "
                                          "reference is listed."]
        return records.EXACT, []

    def heap_warnings(self) -> List[str]:
        """What the heaps say of themselves: none there, or one in the middle of something."""
        heaps = self.lens.heaps()
        if not heaps:
            return ["the program has no heap now: cairn_heap_new was not called yet, or every heap "
                    "was destroyed."]
        said = [f"{heap.name or heap.id} is stopped in mid-{heap.flux}"
                + (f"; the object at {heap.flux_object:#x} is in flux." if heap.flux_object else
                   ".") for heap in heaps if heap.flux != "none"]
        running = self.target.others_running()
        if running:
            what = "it" if running == 1 else "they"
            said.append(f"{units.counted(running, 'thread')} ran while this was read: what {what} "
                        "changed meanwhile may look damaged; `interrupt -a` stops all.")
        return said

    def problem_warnings(self) -> List[str]:
        """What the lens met on its way, in one line; `cairn check` lists it."""
        met = _texts(self.lens)
        if len(met) < 2:
            return [f"{text}." for text in met]
        return [f"{units.counted(len(met), 'problem')} met, the first: {met[0]}; `cairn check` "
                "lists them."]

    def walk_warnings(self) -> List[str]:
        """What a whole-heap answer has to say about what is missing or in flux."""
        totals = self.snapshot().walk_totals()
        said = self.heap_warnings() + self.problem_warnings()
        if totals.dying:
            verb = "is" if totals.dying == 1 else "are"
            said.append(f"{units.counted(totals.dying, 'object')} {verb} dying: slots are being "
                        "cleared.")
        if totals.damaged_blocks:
            them = "it" if totals.damaged_blocks == 1 else "them"
            said.append(f"{units.counted(totals.damaged_blocks, 'damaged block')} left out; `cairn "
                        f"check` names {them}.")
        if totals.unreadable_bytes:
            said.append(f"{units.size(totals.unreadable_bytes)} of the heap can't be read and is "
                        "left out.")
        return said


def _called(identity: records.Identity) -> str:
    """Which program that was, in words."""
    if identity.kind == "core":
        return f"the core {identity.core}"
    return f"process {identity.pid}" if identity.pid else "another program"


def _texts(lens: Lens) -> List[str]:
    return [problem.text.rstrip(".") for problem in lens.problems() if problem.severity != "note"]


def type_names(session: Session) -> List[str]:
    """The names of all types that have one."""
    return sorted({row.name for row in session.lens.types() if not row.name.startswith("<")})
