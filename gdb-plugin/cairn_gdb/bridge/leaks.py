"""What is garbage: what the collector would free, what leaks."""

from ctypes import POINTER, byref, c_char_p, c_int64, c_uint32, c_uint64, c_void_p
from typing import Any, List, Optional, Tuple

from .. import records
from .abi import (COUNT, NONE, NOT_FOUND, OK, STATUS, STEP, LensPointer, Progress, ProgressStruct,
                  declare, named, struct, u32, u64)
from .accounts import Accounts

LEAK_KINDS = ("cycle", "lost", "joint")
COLLECT_VERDICTS = ("none", "kept", "reached", "garbage", "falls", "swept")

LeakStruct = struct("lens_leak", *u32("number", "kind", "root", "held"),
                    *u64("own_objects", "own_bytes", "objects", "bytes", "surplus", "root_refs"))
LeaksTotalsStruct = struct(
    "lens_leaks_totals",
    *u64("object_count", "bytes", "cycles", "cycle_objects", "cycle_bytes", "lost",
         "lost_objects", "lost_bytes", "joints", "shared_objects", "shared_bytes", "roots",
         "guessed_roots", "guessed_registers", "guessed_words", "guessed_foreign",
         "stale_words"))
LeakCensusStruct = struct("lens_leak_census", *u32("type", "kind"),
                          *u64("leaks", "objects", "bytes"))
CollectedStruct = struct(
    "lens_collected",
    *u64("object_count", "members", "candidates", "kept", "reached", "garbage", "falls", "swept",
         "freed_objects", "freed_bytes", "finalizers", "opaque", "busy_heaps", "full_heaps"),
    ("verdict", c_void_p), ("internal", c_void_p))
CollectRowStruct = struct("lens_collect_row", *u32("object", "verdict"),
                          *u64("refcount", "internal"), ("external", c_int64))

declare({
    "lens_leaks": (STATUS, STEP),
    "lens_leaks_totals_get": (STATUS, [LensPointer, POINTER(LeaksTotalsStruct)]),
    "lens_leaks_select": (STATUS, [LensPointer, c_char_p, c_uint64, POINTER(LeakStruct), COUNT,
                                   COUNT]),
    "lens_leaks_joint": (STATUS, [LensPointer, c_uint64, POINTER(LeakStruct), COUNT, COUNT]),
    "lens_leak_holders": (STATUS, [LensPointer, c_uint32, c_uint64, POINTER(c_uint32), COUNT,
                                   COUNT]),
    "lens_leak_of": (STATUS, [LensPointer, c_uint32, POINTER(c_uint32)]),
    "lens_leak_get": (STATUS, [LensPointer, c_uint32, POINTER(LeakStruct)]),
    "lens_leaks_census": (STATUS, [LensPointer, c_uint64, POINTER(LeakCensusStruct), COUNT,
                                   COUNT]),
    "lens_collect": (STATUS, [LensPointer, c_uint32, c_uint32, c_uint32,
                              POINTER(ProgressStruct)]),
    "lens_collected_get": (STATUS, [LensPointer, POINTER(CollectedStruct)]),
    "lens_collect_rows": (STATUS, [LensPointer, c_uint32, c_char_p, c_uint64,
                                   POINTER(CollectRowStruct), COUNT, COUNT]),
})


class Leaks(Accounts):
    """See the file's head."""

    def leaks(self, progress: Optional[Progress] = None) -> records.LeakTotals:
        """Finds all leaks, by the roots that were added."""
        self._steps(self._library.lens_leaks, progress)
        row = self._get(self._library.lens_leaks_totals_get, LeaksTotalsStruct)
        return records.LeakTotals(*(getattr(row, name) for name, _ in row._fields_))

    def leak_rows(self, type_glob: str, capacity: int) -> Tuple[List[records.Leak], int]:
        """The leaks whose root is of such a type, the largest first, at most `capacity` (0: all),
        and how many there are."""
        rows, written, total = self._rows(self._library.lens_leaks_select, LeakStruct, capacity,
                                          type_glob.encode() if type_glob else None)
        return [self._leak(row) for row in rows[:written]], total

    def leak_joint(self, capacity: int) -> Tuple[List[records.Leak], int]:
        """What several leaks hold, the most bytes first, at most `capacity` (0: all), and how many
        there are."""
        rows, written, total = self._rows(self._library.lens_leaks_joint, LeakStruct, capacity)
        return [self._leak(row) for row in rows[:written]], total

    def leak_holders(self, number: int, capacity: int) -> Tuple[List[int], int]:
        """The rows (leaks, and what is held jointly) that hold a row, at most `capacity` (0: all),
        and how many there are."""
        rows, written, total = self._rows(self._library.lens_leak_holders, c_uint32, capacity,
                                          number)
        return list(rows[:written]), total

    def _leak(self, row: Any) -> records.Leak:
        return records.Leak(row.number, named(LEAK_KINDS, row.kind),
                            self.snapshot_object(row.root), bool(row.held), row.own_objects,
                            row.own_bytes, row.objects, row.bytes, row.surplus, row.root_refs)

    def leak_of(self, index: int) -> Optional[int]:
        """The number of the row that a garbage object is in, a leak's or one of what is held
        jointly; None: the object is no garbage."""
        number = c_uint32()
        status = self._library.lens_leak_of(self._self, index, byref(number))
        if self._check(status, NOT_FOUND) != OK:
            return None
        return number.value

    def leak(self, number: int) -> records.Leak:
        return self._leak(self._get(self._library.lens_leak_get, LeakStruct, number))

    def leak_census(self) -> List[records.LeakCensus]:
        """Leaks by kind and type of their roots."""
        rows, written, _ = self._rows(self._library.lens_leaks_census, LeakCensusStruct, 0)
        return [records.LeakCensus("" if row.type == NONE else self.type(row.type).name,
                                   named(LEAK_KINDS, row.kind), row.leaks, row.objects, row.bytes)
                for row in rows[:written]]

    def collect(self, heap: Optional[int], local: bool, progress: Optional[Progress] = None
                ) -> records.Collected:
        """What a collection of the heap (None: of each) would do; `local`: one of candidates."""
        wanted = NONE if heap is None else heap
        self._steps(lambda lens, slice_ms, state: self._library.lens_collect(
            lens, wanted, int(local), slice_ms, state), progress)
        row = self._get(self._library.lens_collected_get, CollectedStruct)
        return records.Collected(
            row.members, row.candidates, row.kept, row.reached, row.garbage, row.falls, row.swept,
            row.freed_objects, row.freed_bytes, row.finalizers, row.opaque, row.busy_heaps,
            row.full_heaps)

    def collect_rows(self, freed: bool, kept: str, type_glob: str, capacity: int
                     ) -> Tuple[List[records.CollectRow], int]:
        """Objects of the last collect(), at most `capacity` (0: all), and how many there are.
        `kept`: "none", "candidates" or "members" of those that stay."""
        which = int(freed) + {"none": 0, "candidates": 2, "members": 4}[kept]
        rows, written, total = self._rows(
            self._library.lens_collect_rows, CollectRowStruct, capacity, which,
            type_glob.encode() if type_glob else None)
        return [records.CollectRow(self.snapshot_object(row.object),
                                   named(COLLECT_VERDICTS, row.verdict), row.internal,
                                   row.external) for row in rows[:written]], total
