"""The graph of the snapshot: cycles, dominators, retained sizes."""

from ctypes import POINTER, c_char_p, c_uint32, c_uint64
from typing import List, Optional, Tuple

from .. import records
from .abi import (COUNT, NONE, STATUS, STEP, LensPointer, Progress, ProgressStruct, as_text,
                  declare, struct, u32, u64)
from .accounts import Accounts
from .one import RefStruct

CycleStruct = struct("lens_cycle", *u64("object_count", "bytes"),
                     *u32("cycle", "component", "first", "garbage"))
CyclesTotalsStruct = struct(
    "lens_cycles_totals", *u64("garbage_cycles", "garbage_objects", "garbage_bytes",
                               "live_cycles", "live_objects", "live_bytes"))
CycleOpenedStruct = struct(
    "lens_cycle_opened", *u32("cycle", "reserved"),
    *u64("slot_count", "ring_count", "outside_refs", "break_count", "untried"))
CycleSlotStruct = struct("lens_cycle_slot", *u32("holder", "target"), ("ref", RefStruct))
CycleBreakStruct = struct(
    "lens_cycle_break", *u32("type", "slot", "part", "holder"),
    *u64("slot_count", "back_count", "object_count", "bytes"), *u32("tried", "builtin"),
    ("name", c_char_p))
RetainedTotalsStruct = struct(
    "lens_retained_totals", *u64("objects", "bytes", "lost_objects", "lost_bytes",
                                 "shared_objects", "shared_bytes", "roots"))
RetainedRowStruct = struct("lens_retained_row", *u64("bytes", "objects", "root_count"),
                           *u32("dominator", "reached"))
RetainedRootStruct = struct("lens_retained_root", *u32("object", "reserved"),
                            *u64("root_count", "bytes", "objects"))
RetainedTypeStruct = struct("lens_retained_type", *u32("type", "reserved"),
                            *u64("count", "own_bytes", "bytes", "objects"))

declare({
    "lens_retained": (STATUS, STEP),
    "lens_retained_totals_get": (STATUS, [LensPointer, POINTER(RetainedTotalsStruct)]),
    "lens_retained_object": (STATUS, [LensPointer, c_uint32, POINTER(RetainedRowStruct)]),
    "lens_retained_roots": (STATUS, [LensPointer, c_uint64, POINTER(RetainedRootStruct), COUNT,
                                     COUNT]),
    "lens_retained_under": (STATUS, [LensPointer, c_uint32, c_uint64, POINTER(c_uint32), COUNT,
                                     COUNT]),
    "lens_retained_types": (STATUS, STEP),
    "lens_retained_types_get": (STATUS, [LensPointer, c_uint64, POINTER(RetainedTypeStruct),
                                         COUNT, COUNT]),
    "lens_cycles": (STATUS, STEP),
    "lens_cycles_select": (STATUS, [LensPointer, c_uint32, c_uint64, POINTER(CycleStruct), COUNT,
                                    COUNT]),
    "lens_cycles_totals_get": (STATUS, [LensPointer, POINTER(CyclesTotalsStruct)]),
    "lens_cycle_objects": (STATUS, [LensPointer, c_uint32, c_uint64, c_uint64, POINTER(c_uint32),
                                    COUNT, COUNT]),
    "lens_cycle_open": (STATUS, [LensPointer, c_uint32, c_uint32, POINTER(ProgressStruct)]),
    "lens_cycle_opened_get": (STATUS, [LensPointer, POINTER(CycleOpenedStruct)]),
    "lens_cycle_slots": (STATUS, [LensPointer, c_uint64, POINTER(CycleSlotStruct), COUNT, COUNT]),
    "lens_cycle_breaks": (STATUS, [LensPointer, c_uint64, POINTER(CycleBreakStruct), COUNT,
                                   COUNT]),
})


class Graph(Accounts):
    """See the file's head."""

    def cycles(self, progress: Optional[Progress] = None) -> records.CyclesTotals:
        """Finds all cycles and judges them by the roots that were added."""
        self._steps(self._library.lens_cycles, progress)
        row = self._get(self._library.lens_cycles_totals_get, CyclesTotalsStruct)
        return records.CyclesTotals(row.garbage_cycles, row.garbage_objects, row.garbage_bytes,
                                    row.live_cycles, row.live_objects, row.live_bytes)

    def cycle_rows(self, live: bool, capacity: int) -> Tuple[List[records.Cycle], int]:
        """The garbage cycles, with `live` all, the biggest first; at most `capacity` (0: all)."""
        rows, written, total = self._rows(self._library.lens_cycles_select, CycleStruct, capacity,
                                          3 if live else 1)
        return [records.Cycle(row.cycle, row.object_count, row.bytes, row.first,
                              bool(row.garbage)) for row in rows[:written]], total

    def cycle_objects(self, number: int, capacity: int) -> List[records.Object]:
        """Objects of a cycle by address, at most `capacity` (0: all)."""
        rows, written, _ = self._rows(self._library.lens_cycle_objects, c_uint32, capacity, number,
                                      0)
        return [self.snapshot_object(rows[index]) for index in range(written)]

    def open_cycle(self, number: int, progress: Optional[Progress] = None) -> records.CycleOpened:
        """Looks into one cycle; cycle_slots and cycle_breaks tell of it until the next one."""
        self._steps(lambda lens, slice_ms, state: self._library.lens_cycle_open(
            lens, number, slice_ms, state), progress)
        row = self._get(self._library.lens_cycle_opened_get, CycleOpenedStruct)
        return records.CycleOpened(row.slot_count, row.ring_count, row.outside_refs, row.untried)

    def cycle_slots(self, capacity: int) -> List[records.CycleSlot]:
        """References within the open cycle, those of the ring first; at most `capacity` (0: all).
        """
        rows, written, _ = self._rows(self._library.lens_cycle_slots, CycleSlotStruct, capacity)
        slots = []
        for row in rows[:written]:
            holder = self.snapshot_object(row.holder)
            slots.append(records.CycleSlot(holder, self.snapshot_object(row.target),
                                           self._reference(holder.address, row.ref)))
        return slots

    def cycle_breaks(self) -> List[records.CycleBreak]:
        """The declared slots within the open cycle; the one that lets most go comes first."""
        rows, written, _ = self._rows(self._library.lens_cycle_breaks, CycleBreakStruct, 0)
        breaks = []
        for row in rows[:written]:
            kind = self.type(row.type)
            table = kind.display in ("dict", "set") and row.part == 0
            breaks.append(records.CycleBreak(
                kind.name, as_text(row.name), "key" if table else "",
                self.snapshot_object(row.holder), row.slot_count, row.object_count, row.bytes,
                bool(row.tried), bool(row.builtin)))
        return breaks

    def retain(self, progress: Optional[Progress] = None) -> records.RetainedTotals:
        """Works out what each object alone keeps, by the roots that were added."""
        self._steps(self._library.lens_retained, progress)
        row = self._get(self._library.lens_retained_totals_get, RetainedTotalsStruct)
        return records.RetainedTotals(row.objects, row.bytes, row.lost_objects, row.lost_bytes,
                                      row.shared_objects, row.shared_bytes, row.roots)

    def retained(self, index: int) -> records.Retained:
        """What would go with the object of that snapshot index; after retain()."""
        row = self._get(self._library.lens_retained_object, RetainedRowStruct, index)
        return records.Retained(row.bytes, row.objects,
                                None if row.dominator == NONE else row.dominator,
                                row.root_count, bool(row.reached))

    def retained_roots(self, capacity: int) -> Tuple[List[records.RetainedRoot], int]:
        """Objects whose roots alone keep them, the most bytes first, at most `capacity` (0: all);
        how many there are."""
        rows, written, total = self._rows(self._library.lens_retained_roots, RetainedRootStruct,
                                          capacity)
        return [records.RetainedRoot(row.object, row.root_count, row.bytes, row.objects)
                for row in rows[:written]], total

    def retained_under(self, index: int, capacity: int) -> Tuple[List[int], int]:
        """Snapshot indices of what one object alone keeps directly, the most bytes first; at most
        `capacity` (0: all), and how many there are."""
        rows, written, total = self._rows(self._library.lens_retained_under, c_uint32, capacity,
                                          index)
        return list(rows[:written]), total

    def retained_types(self, capacity: int, progress: Optional[Progress] = None
                       ) -> Tuple[List[records.RetainedType], int]:
        """What would go with all objects of each type, the most bytes first; how many types."""
        self._steps(self._library.lens_retained_types, progress)
        rows, written, total = self._rows(self._library.lens_retained_types_get,
                                          RetainedTypeStruct, capacity)
        return [records.RetainedType(row.type, self.type(row.type).name, row.count,
                                     row.own_bytes, row.bytes, row.objects)
                for row in rows[:written]], total
