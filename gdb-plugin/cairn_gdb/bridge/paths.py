"""Ways: why an object lives."""

import ctypes
from ctypes import POINTER, byref, c_uint32, c_uint64
from typing import List, Optional, Tuple

from .. import records
from .abi import (COUNT, NOT_FOUND, OK, STATUS, UNREADABLE, LensPointer, Progress, ProgressStruct,
                  declare, named, struct, u32, u64)
from .accounts import Accounts
from .one import RefStruct

WAY_STARTS = ("root", "runtime", "immortal", "dying")
WAYS_MAX = 10000

WayStruct = struct("lens_way", *u64("root", "objects"),
                   *u32("start", "first", "variant", "reserved"))
PathsTotalsStruct = struct("lens_paths_totals", *u64("ways", "starts", "holders"),
                           *u32("complete", "given_up"))

declare({
    "lens_paths": (STATUS, [LensPointer, c_uint32, c_uint64, c_uint32, c_uint32,
                            POINTER(ProgressStruct)]),
    "lens_paths_totals_get": (STATUS, [LensPointer, POINTER(PathsTotalsStruct)]),
    "lens_way_get": (STATUS, [LensPointer, c_uint64, POINTER(WayStruct)]),
    "lens_way_objects": (STATUS, [LensPointer, c_uint64, c_uint64, c_uint64, POINTER(c_uint32),
                                  COUNT, COUNT]),
    "lens_holding_ref": (STATUS, [LensPointer, c_uint32, c_uint32, POINTER(RefStruct)]),
})


class Paths(Accounts):
    """See the file's head."""

    def paths(self, index: int, wanted: int, soft: bool, progress: Optional[Progress] = None
              ) -> Tuple[List[records.Way], records.PathTotals]:
        """The shortest ways to the object with that snapshot index, 1 to WAYS_MAX of them; `soft`:
        over weak and borrowed slots too."""
        self._steps(lambda lens, slice_ms, state: self._library.lens_paths(
            lens, index, wanted, int(soft), slice_ms, state), progress)
        totals = self._get(self._library.lens_paths_totals_get, PathsTotalsStruct)
        ways = []
        for number in range(totals.ways):
            row = self._get(self._library.lens_way_get, WayStruct, number)
            ways.append(records.Way(number, named(WAY_STARTS, row.start), row.root, row.objects,
                                    bool(row.variant)))
        return ways, records.PathTotals(totals.starts, totals.holders, bool(totals.complete),
                                        bool(totals.given_up))

    def way_objects(self, way: int, first: int, capacity: int) -> List[int]:
        """Snapshot indices of the objects of a way, from the first-th on."""
        rows = (c_uint32 * max(1, capacity))()
        written, total = c_uint64(), c_uint64()
        self._check(self._library.lens_way_objects(
            self._self, way, first, capacity, ctypes.cast(rows, POINTER(c_uint32)),
            byref(written), byref(total)))
        return list(rows[:written.value])

    def holding_ref(self, holder: int, target: int) -> Optional[records.Reference]:
        """The slot by which one object holds another; both are snapshot indices."""
        row = RefStruct()
        status = self._library.lens_holding_ref(self._self, holder, target, byref(row))
        if self._check(status, NOT_FOUND, UNREADABLE) != OK:
            return None
        return self._reference(self.snapshot_object(holder).address, row)
