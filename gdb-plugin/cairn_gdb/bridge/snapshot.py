"""The snapshot of all objects, and the questions that need nothing else."""

from ctypes import POINTER, byref, c_char_p, c_uint32, c_uint64
from typing import List, Optional, Tuple

from .. import records
from ..records import EXACTNESS
from .abi import (AGAIN, COUNT, NONE, NOT_FOUND, OK, SLICE_MS, STATUS, STEP, LensPointer,
                  Progress, declare, struct, u32, u64)
from .one import ObjectStruct, One, RefStruct

SORTS = ("refcount", "size", "address", "type", "retained")

WalkTotalsStruct = struct(
    "lens_walk_totals",
    *u64("objects", "object_bytes", "buffers", "buffer_bytes", "dying", "orphan_buffers",
         "damaged_blocks", "unreadable_bytes", "pages", "arenas", "touched_blocks"),
    *u32("exactness", "reserved"))
FilterStruct = struct("lens_filter", ("type_glob", c_char_p),
                      *u64("refcount_min", "refcount_max", "size_min", "size_max"),
                      *u32("heap", "sort", "reverse", "reserved"))
TypeCensusStruct = struct("lens_type_census",
                          *u32("type", "refcount_min", "refcount_max", "reserved"),
                          *u64("count", "bytes"))
CountCensusStruct = struct("lens_count_census", *u32("refcount", "immortal"),
                           *u64("count", "bytes"))
ReferrerStruct = struct("lens_referrer", *u64("holder"), ("ref", RefStruct),
                        *u32("holder_dying", "reserved"))

declare({
    "lens_walk": (STATUS, STEP),
    "lens_index": (STATUS, STEP),
    "lens_snapshot_object": (STATUS, [LensPointer, c_uint32, POINTER(ObjectStruct)]),
    "lens_snapshot_find": (STATUS, [LensPointer, c_uint64, POINTER(c_uint32)]),
    "lens_walk_totals_get": (STATUS, [LensPointer, POINTER(WalkTotalsStruct)]),
    "lens_select": (STATUS, [LensPointer, POINTER(FilterStruct), c_uint64, POINTER(ObjectStruct),
                             COUNT, COUNT]),
    "lens_census": (STATUS, [LensPointer, c_uint64, POINTER(TypeCensusStruct), COUNT, COUNT]),
    "lens_refcounts": (STATUS, [LensPointer, c_uint64, POINTER(CountCensusStruct), COUNT, COUNT]),
    "lens_referrers": (STATUS, [LensPointer, c_uint64, c_uint32, c_uint64, c_uint64,
                                POINTER(ReferrerStruct), COUNT, COUNT]),
})


class Snapshot(One):
    """See the file's head."""

    def walk(self, progress: Optional[Progress] = None) -> None:
        """Makes the snapshot: all objects.  Free when it was made already."""
        self._steps(self._library.lens_walk, progress)

    def index(self, progress: Optional[Progress] = None) -> None:
        """Adds the edges to the snapshot."""
        self._steps(self._library.lens_index, progress)

    def walk_totals(self) -> records.WalkTotals:
        row = self._get(self._library.lens_walk_totals_get, WalkTotalsStruct)
        return records.WalkTotals(
            row.objects, row.object_bytes, row.buffers, row.buffer_bytes, row.dying,
            row.orphan_buffers, row.damaged_blocks, row.unreadable_bytes, row.pages, row.arenas,
            row.touched_blocks, EXACTNESS[min(row.exactness, 2)])

    def snapshot_object(self, index: int) -> records.Object:
        return self._object(self._get(self._library.lens_snapshot_object, ObjectStruct, index))

    def snapshot_find(self, address: int) -> Optional[int]:
        """The snapshot's index of the object that holds the address (interior allowed)."""
        found = c_uint32()
        status = self._library.lens_snapshot_find(self._self, address, byref(found))
        return found.value if self._check(status, NOT_FOUND) == OK else None

    def select(self, wanted: records.Filter, capacity: int) -> Tuple[List[records.Object], int]:
        """The rows that match, at most `capacity` (0: all), and how many match."""
        row = FilterStruct(
            wanted.type_glob.encode() if wanted.type_glob else None,
            wanted.refcount.low, wanted.refcount.high, wanted.size.low, wanted.size.high,
            NONE if wanted.heap is None else wanted.heap, SORTS.index(wanted.sort),
            int(wanted.reverse), 0)
        rows, written, total = self._rows(self._library.lens_select, ObjectStruct, capacity,
                                          byref(row))
        return [self._object(rows[index]) for index in range(written)], total

    def census(self) -> List[records.TypeCensus]:
        rows, written, _ = self._rows(self._library.lens_census, TypeCensusStruct, 0)
        return [records.TypeCensus(row.type, self.type(row.type).name, row.count, row.bytes,
                                   row.refcount_min, row.refcount_max)
                for row in rows[:written]]

    def refcounts(self) -> List[records.CountCensus]:
        rows, written, _ = self._rows(self._library.lens_refcounts, CountCensusStruct, 0)
        return [records.CountCensus(row.refcount, bool(row.immortal), row.count, row.bytes)
                for row in rows[:written]]

    def referrers(self, address: int, capacity: int, progress: Optional[Progress] = None
                  ) -> Tuple[List[records.Referrer], int]:
        """The slots in objects that hold `address`, at most `capacity` (0: all); how many."""
        library = self._library
        written, total = c_uint64(), c_uint64()
        wanted = capacity or 256
        while True:
            rows = (ReferrerStruct * wanted)()
            while self._check(library.lens_referrers(
                    self._self, address, SLICE_MS, 0, wanted, rows, byref(written),
                    byref(total)), AGAIN) == AGAIN:
                if progress is not None:
                    progress("searching for holders", 0, 0)
            if capacity or total.value <= wanted:
                break
            wanted = total.value
        found = [records.Referrer(row.holder, self._reference(row.holder, row.ref),
                                  bool(row.holder_dying)) for row in rows[:written.value]]
        return found, total.value
