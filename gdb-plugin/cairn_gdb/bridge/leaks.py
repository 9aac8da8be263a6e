"""What is garbage: what the collector would free, what leaks."""

from ctypes import POINTER, c_char_p, c_int64, c_uint32, c_uint64, c_void_p
from typing import List, Optional, Tuple

from .. import records
from .abi import COUNT, NONE, STATUS, LensPointer, Progress, ProgressStruct, declare, named, struct
from .abi import u32, u64
from .accounts import Accounts

COLLECT_VERDICTS = ("none", "kept", "reached", "garbage", "falls", "swept")

CollectedStruct = struct(
    "lens_collected",
    *u64("object_count", "members", "candidates", "kept", "reached", "garbage", "falls", "swept",
         "freed_objects", "freed_bytes", "finalizers", "opaque", "busy_heaps", "full_heaps"),
    ("verdict", c_void_p), ("internal", c_void_p))
CollectRowStruct = struct("lens_collect_row", *u32("object", "verdict"),
                          *u64("refcount", "internal"), ("external", c_int64))

declare({
    "lens_collect": (STATUS, [LensPointer, c_uint32, c_uint32, c_uint32,
                              POINTER(ProgressStruct)]),
    "lens_collected_get": (STATUS, [LensPointer, POINTER(CollectedStruct)]),
    "lens_collect_rows": (STATUS, [LensPointer, c_uint32, c_char_p, c_uint64,
                                   POINTER(CollectRowStruct), COUNT, COUNT]),
})


class Leaks(Accounts):
    """See the file's head."""

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
