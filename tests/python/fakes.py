"""A heap in a table: what the pure rooms see of a program, without GDB and without the lens.

FakeLens answers the questions of bridge.Lens that the commands ask, from a few objects; it is as
simple as it can be and shares no code with the lens.
"""

import fnmatch
from typing import Any, Callable, Dict, List, Optional, Tuple

from cairn_gdb import records
from cairn_gdb.errors import CairnError
from cairn_gdb.records import (Account, Arena, CheckTotals, CountCensus, Filter, Heap, Identity,
                               Location, Object, Page, Problem, Reference, Referrer, RootRecord,
                               Type, TypeCensus, Value, WalkTotals)
from cairn_gdb.session import Session

IMMORTAL = 0xFFFFFFFF
TYPES = ("int", "str", "list", "node", "set")
ARENA = 0x400000
BLOCK = 48


def an_object(address: int, type_name: str, refcount: int, size: int = BLOCK,
              states: Tuple[str, ...] = ()) -> Object:
    if refcount == IMMORTAL:
        states += ("immortal",)
    return Object(address, size, TYPES.index(type_name), type_name, refcount, frozenset(states),
                  0, 0)


class FakeLens:
    def __init__(self) -> None:
        self.objects: Dict[int, Object] = {}
        self.values: Dict[int, str] = {}
        self.edges: List[Tuple[int, str, int]] = []  # holder, slot, target
        self.places: Dict[int, Location] = {}
        self.words: Dict[int, int] = {}  # readable memory outside the heap
        self.tracks: Dict[int, records.Track] = {}
        self.event_rows: List[records.Event] = []
        self.tracking_row: Optional[records.Tracking] = None
        self.misuse_row = records.Misuses(0, 0, 0, [])
        self.site_rows: Dict[int, records.Site] = {}
        self.pair_sites: List[records.PairSite] = []
        self.pairing_row: Optional[records.Pairing] = None
        self.deed_rows: List[records.Deed] = []
        self.unmatched_rows: List[records.Unmatched] = []
        self.finding_rows: List[records.Finding] = []
        self.audit_totals = records.AuditTotals(5, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                                records.EXACT)
        self.found = True
        self.last_error = "searched 3 modules"
        self.problem_list: List[Problem] = []
        self.totals_exactness = records.EXACT
        self.flux = "none"
        self.asked: List[str] = []  # the long works, in order
        self.closed = False

    def add(self, row: Object, value: str = "") -> Object:
        self.objects[row.address] = row
        self.values[row.address] = value
        return row

    # ---- model ----

    def load_model(self, progress: Any = None) -> bool:
        self.asked.append("model")
        return self.found

    def close(self) -> None:
        self.closed = True

    def root_records(self) -> List[RootRecord]:
        return [RootRecord(0x100, 1, "note", "cairn 0.1.0", 1)]

    def heaps(self) -> List[Heap]:
        return [Heap(0, 0x200, 7, "main", len(self.objects), 1, 4096, 1 << 22, 0, 0, 0, 1, 0, 0, 0,
                     0, self.flux, len(TYPES))]

    def arenas(self) -> List[Arena]:
        return [Arena(0, ARENA, 3 << 15, 1 << 15, 3, 1, 0, 12, 4, 600)]

    def page(self, arena: int, number: int) -> Page:
        return [Page(ARENA, 1 << 15, 0, "meta", 0, 0, 0, 0),
                Page(ARENA + (1 << 15), 1 << 15, BLOCK, "blocks", 16, 14, 12, 1),
                Page(ARENA + (2 << 15), 1 << 15, 0, "free", 0, 0, 0, 0)][number]

    def types(self) -> List[Type]:
        return [self.type(position) for position in range(len(TYPES))]

    def type(self, position: int) -> Type:
        return Type(position, 0x300 + position, BLOCK, TYPES[position], TYPES[position], 0, False,
                    False, True, False, 1, 1)

    # ---- objects ----

    def locate(self, address: int) -> Location:
        for row in self.objects.values():
            if row.address <= address < row.address + row.size_bytes:
                return Location("object", 0, 0, 1, row.address, row.size_bytes,
                                address - row.address)
        return self.places.get(address, Location("nothing", 0, 0, 0, 0, 0, 0))

    def object_at(self, address: int) -> Optional[Object]:
        return self.objects.get(address)

    def object_value(self, address: int) -> str:
        return self.values.get(address, "")

    def read(self, address: int, size: int) -> bytes:
        word = self.words.get(address)
        return b"" if word is None else word.to_bytes(8, "little")[:size]

    def references(self, address: int, first: int, capacity: int) -> Tuple[List[Reference], int]:
        rows = [Reference(holder + 8, target, "strong", slot, self.locate(target).place)
                for holder, slot, target in self.edges if holder == address]
        return (rows[first:first + capacity] if capacity else rows[first:]), len(rows)

    def fields(self, address: int, first: int, capacity: int) -> Tuple[List[Any], int]:
        return [records.Field("serial", "uint", address + 8, 8, "7")], 1

    def external_bytes(self, heap: int, address: int) -> int:
        return 0

    # ---- tracking ----

    def track_at(self, address: int) -> Optional[records.Track]:
        return self.tracks.get(self.locate(address).base)

    def events(self, heap: int, address: int = 0, serial: int = 0, capacity: int = 0,
               newest_first: bool = False) -> Tuple[List[records.Event], int]:
        rows = [row for row in self.event_rows
                if address in (0, row.object) and serial in (0, row.serial)]
        rows.sort(key=lambda row: row.sequence, reverse=newest_first)
        return (rows[:capacity] if capacity else rows), len(rows)

    def tracking(self, heap: int) -> Optional[records.Tracking]:
        return self.tracking_row

    def misuses(self, heap: int, type_glob: str, capacity: int) -> records.Misuses:
        known = self.tracking_row
        return self.misuse_row if known is not None else records.Misuses(0, 0, 0, [])

    def sites(self, heap: int, capacity: int = 0) -> Tuple[List[records.Site], int]:
        return list(self.site_rows.values()), len(self.site_rows)

    def site(self, heap: int, number: int) -> Optional[records.Site]:
        return self.site_rows.get(number)

    # ---- snapshot ----

    def walk(self, progress: Any = None) -> None:
        self.asked.append("walk")

    def index(self, progress: Any = None) -> None:
        self.asked.append("index")

    def walk_totals(self) -> WalkTotals:
        return WalkTotals(len(self.objects), sum(row.size_bytes for row in self.objects.values()),
                          1, 64, 0, 0, 0, 0, 3, 1, 0, self.totals_exactness)

    def snapshot_find(self, address: int) -> Optional[int]:
        addresses = sorted(self.objects)
        return addresses.index(address) if address in addresses else None

    def select(self, wanted: Filter, capacity: int) -> Tuple[List[Object], int]:
        keys: Dict[str, Callable[[Object], Any]] = {
            "refcount": lambda row: row.refcount, "size": lambda row: row.size_bytes,
            "address": lambda row: row.address, "type": lambda row: row.type_name}
        rows = [row for row in self.objects.values()
                if fnmatch.fnmatchcase(row.type_name, wanted.type_glob or "*")
                and wanted.refcount.low <= row.refcount <= wanted.refcount.high
                and wanted.size.low <= row.size_bytes <= wanted.size.high]
        rows.sort(key=lambda row: row.address)
        rows.sort(key=keys[wanted.sort], reverse=not wanted.reverse)
        return (rows[:capacity] if capacity else rows), len(rows)

    def census(self) -> List[TypeCensus]:
        rows = []
        for position, name in enumerate(TYPES):
            mine = [row for row in self.objects.values() if row.type == position]
            if mine:
                counts = [row.refcount for row in mine]
                rows.append(TypeCensus(position, name, len(mine),
                                       sum(row.size_bytes for row in mine), min(counts),
                                       max(counts)))
        return rows

    def refcounts(self) -> List[CountCensus]:
        counts = sorted({row.refcount for row in self.objects.values()}, reverse=True)
        return [CountCensus(count, count == IMMORTAL,
                            sum(row.refcount == count for row in self.objects.values()), BLOCK)
                for count in counts]

    def referrers(self, address: int, capacity: int, progress: Any = None
                  ) -> Tuple[List[Referrer], int]:
        rows = [Referrer(holder, Reference(holder + 8, target, "strong", slot, "object"), False)
                for holder, slot, target in self.edges if target == address]
        return (rows[:capacity] if capacity else rows), len(rows)

    def clear_roots(self) -> None:
        self.asked.append("roots")

    def account(self, index: int, progress: Any = None) -> Account:
        row = self.objects[sorted(self.objects)[index]]
        held = sum(target == row.address for _, _, target in self.edges)
        surplus = row.refcount - held - 1
        verdict = "over-retained" if surplus > 0 else "balanced"
        return Account(row.refcount, held, 0, 1, max(surplus, 0), verdict, records.EXACT)

    # ---- audit ----

    def audit(self, type_glob: str = "", roots_missing: bool = False, guessed: bool = False,
              progress: Any = None) -> records.AuditTotals:
        self.asked.append(f"audit {type_glob} {roots_missing} {guessed}")
        return self.audit_totals

    def findings(self, capacity: int = 0) -> Tuple[List[records.Finding], int]:
        rows = self.finding_rows
        return (rows[:capacity] if capacity else rows), len(rows)

    def finding_at(self, address: int) -> Optional[records.Finding]:
        return next((row for row in self.finding_rows if row.address == address), None)

    def snapshot_object(self, index: int) -> Object:
        return self.objects[sorted(self.objects)[index]]

    # ---- pairs ----

    def read_pairs(self, progress: Any = None) -> bool:
        return self.tracking_row is not None and "events" in self.tracking_row.switches

    def learn_pairs(self, progress: Any = None) -> None:
        self.asked.append("learn")

    def pair_site_count(self) -> int:
        return len(self.pair_sites)

    def pair_site(self, index: int) -> records.PairSite:
        return self.pair_sites[index]

    def set_pair_function(self, index: int, function: int, inner: bool) -> None:
        pass

    def pairing(self, heap: int, serial: int, progress: Any = None) -> Optional[records.Pairing]:
        self.asked.append(f"pairing {serial}")
        return self.pairing_row

    def deeds(self) -> List[records.Deed]:
        return self.deed_rows

    def unmatched(self) -> List[records.Unmatched]:
        return self.unmatched_rows

    def blame(self, progress: Any = None) -> Tuple[List[records.Unmatched], int]:
        return self.unmatched_rows, 1

    # ---- check ----

    def check(self, progress: Any = None) -> CheckTotals:
        return CheckTotals(len(self.objects), 3, 1, len(self.problem_list))

    def problems(self) -> List[Problem]:
        return self.problem_list


class FakeRoots:
    warnings: List[str] = []
    complete = True

    def __init__(self, lens: FakeLens) -> None:
        self.lens = lens

    def of_object(self, index: int) -> List[records.Root]:
        return [records.Root(0x7F00, 0x1000, "local", "exact", "main.x", 1, 0)]


class FakeTarget:
    def __init__(self, lens: FakeLens) -> None:
        self.lens = lens
        self.variables: Dict[str, int] = {}
        self.who = Identity("native", 42, "/bin/demo")
        self.opened = self.refreshed = 0
        self.running = 0

    def identity(self) -> Identity:
        return self.who

    def open_lens(self) -> FakeLens:
        self.opened += 1
        return self.lens

    def refresh_lens(self, lens: FakeLens) -> None:
        self.refreshed += 1

    def evaluate(self, expression: str) -> Value:
        if expression in self.variables:
            return Value(self.variables[expression], expression)
        try:
            return Value(int(expression, 0), expression)
        except ValueError:
            raise CairnError(f'No symbol "{expression}" in current context.')

    def progress(self, phase: str, done: int, total: int) -> None:
        pass

    def progress_end(self) -> None:
        pass

    def forget(self) -> None:
        pass

    def others_running(self) -> int:
        return self.running

    def place_of(self, caller: int, lens: Any) -> records.Place:
        if caller < 0x900:
            return records.Place(caller, "build", "/src/main.c", caller, "demo", caller)
        return records.Place(caller, "", "", 0, "demo", caller - 0x900)

    def function_of(self, caller: int) -> Tuple[int, bool]:
        return caller // 0x100, False

    def collect_roots(self, session: Session) -> FakeRoots:
        return FakeRoots(self.lens)


def a_session() -> Tuple[Any, FakeLens, FakeTarget]:
    """A session over: list 0x1000 -> node 0x2000 -> str 0x3000, three ints, one immortal."""
    lens = FakeLens()
    lens.add(an_object(0x1000, "list", 1), "[<node>]")
    lens.add(an_object(0x2000, "node", 3), "")
    lens.add(an_object(0x3000, "str", 2, 64), '"two"')
    for number in range(3):
        lens.add(an_object(0x4000 + number * 0x40, "int", 1, 16), str(1000 + number))
    lens.add(an_object(0x5000, "int", IMMORTAL, 16), "1")
    lens.edges = [(0x1000, "[0]", 0x2000), (0x2000, "name", 0x3000)]
    target = FakeTarget(lens)
    session: Any = Session(target)  # type: ignore[arg-type]
    return session, lens, target
