"""The graph of the snapshot: cycles, dominators, retained sizes."""

from ctypes import POINTER, byref, c_char_p, c_uint32, c_uint64
from typing import Any, List, Optional, Tuple

from .. import records
from .abi import (COUNT, NONE, NOT_FOUND, OK, STATUS, STEP, LensPointer, Progress,
                  ProgressStruct, as_text, declare, struct, u32, u64)
from .accounts import Accounts
from .one import RefStruct

CycleStruct = struct("lens_cycle", *u64("object_count", "bytes"),
                     *u32("cycle", "component", "first", "garbage"))
CycleGroupStruct = struct(
    "lens_cycle_group", *u64("cycle_count", "object_count", "bytes", "objects_least",
                             "objects_most"), *u32("group", "cycle", "garbage", "held"))
CyclesTotalsStruct = struct(
    "lens_cycles_totals", *u64("garbage_cycles", "garbage_objects", "garbage_bytes",
                               "live_cycles", "live_objects", "live_bytes"))
CycleOpenedStruct = struct(
    "lens_cycle_opened", *u32("cycle", "reserved"),
    *u64("slot_count", "ring_count", "outside_refs", "break_count", "untried"))
CycleSlotStruct = struct("lens_cycle_slot", *u32("holder", "target"), ("ref", RefStruct))
CycleBreakStruct = struct(
    "lens_cycle_break", *u32("type", "slot", "part", "holder", "target", "on_ring"),
    *u64("slot_count", "back_count", "object_count", "bytes"),
    *u32("tried", "builtin", "owner", "reserved"), ("name", c_char_p))
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
    "lens_cycle_of": (STATUS, [LensPointer, c_uint32, POINTER(c_uint32)]),
    "lens_cycle_get": (STATUS, [LensPointer, c_uint32, POINTER(CycleStruct)]),
    "lens_cycles_group": (STATUS, [LensPointer, c_uint32, c_uint32, POINTER(ProgressStruct)]),
    "lens_cycle_groups": (STATUS, [LensPointer, c_uint64, POINTER(CycleGroupStruct), COUNT,
                                   COUNT]),
    "lens_cycle_group_of": (STATUS, [LensPointer, c_uint32, POINTER(c_uint32)]),
    "lens_cycle_group_get": (STATUS, [LensPointer, c_uint32, POINTER(CycleGroupStruct)]),
    "lens_cycle_group_cycles": (STATUS, [LensPointer, c_uint32, c_uint64, POINTER(CycleStruct),
                                         COUNT, COUNT]),
    "lens_cycle_group_parted": (STATUS, [LensPointer, c_uint32, c_uint32, c_uint32, c_uint32,
                                         POINTER(c_uint32)]),
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
        return [self._cycle(row) for row in rows[:written]], total

    @staticmethod
    def _cycle(row: Any) -> records.Cycle:
        return records.Cycle(row.cycle, row.object_count, row.bytes, row.first, bool(row.garbage))

    def cycle(self, number: int) -> records.Cycle:
        return self._cycle(self._get(self._library.lens_cycle_get, CycleStruct, number))

    def cycle_of(self, index: int) -> Optional[int]:
        """The number of the cycle that the object of that snapshot index is in; None: in none."""
        number = c_uint32()
        status = self._library.lens_cycle_of(self._self, index, byref(number))
        return number.value if self._check(status, NOT_FOUND) == OK else None

    def group_cycles(self, live: bool, progress: Optional[Progress] = None) -> None:
        """Puts the garbage cycles, with `live` all, into groups of those that are alike."""
        self._steps(lambda lens, slice_ms, state: self._library.lens_cycles_group(
            lens, 3 if live else 1, slice_ms, state), progress)

    def cycle_groups(self, capacity: int) -> Tuple[List[records.CycleGroup], int]:
        """Those with the most bytes first, at most `capacity` (0: all), and how many there are."""
        rows, written, total = self._rows(self._library.lens_cycle_groups, CycleGroupStruct,
                                          capacity)
        return [self._group(row) for row in rows[:written]], total

    @staticmethod
    def _group(row: Any) -> records.CycleGroup:
        return records.CycleGroup(row.group, row.cycle_count, row.object_count, row.bytes,
                                  row.objects_least, row.objects_most, row.cycle,
                                  bool(row.garbage), bool(row.held))

    def cycle_group_of(self, cycle: int) -> records.CycleGroup:
        """The group of a cycle of a kind that was put into groups."""
        number = c_uint32()
        self._check(self._library.lens_cycle_group_of(self._self, cycle, byref(number)))
        return self._group(self._get(self._library.lens_cycle_group_get, CycleGroupStruct,
                                     number.value))

    def cycles_of_group(self, number: int, capacity: int) -> Tuple[List[records.Cycle], int]:
        """The cycles of a group, the biggest first, at most `capacity` (0: all); how many."""
        rows, written, total = self._rows(self._library.lens_cycle_group_cycles, CycleStruct,
                                          capacity, number)
        return [self._cycle(row) for row in rows[:written]], total

    def parts_group(self, number: int, one: records.CycleBreak) -> bool:
        """Whether each cycle of a group goes, for sure, once that slot is weak."""
        parted = c_uint32()
        self._check(self._library.lens_cycle_group_parted(
            self._self, number, one.holder.type, one.slot, one.number, byref(parted)))
        return bool(parted.value)

    def _part(self, index: int, part: int) -> str:
        """ "key" of a table's keys."""
        table = index != NONE and self.type(index).display in ("dict", "set")
        return "key" if table and part == 0 else ""

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
                                           self._reference(holder.address, row.ref),
                                           row.ref.slot, row.ref.part))
        return slots

    def cycle_breaks(self) -> List[records.CycleBreak]:
        """The declared slots within the open cycle; the one that lets most go comes first."""
        rows, written, _ = self._rows(self._library.lens_cycle_breaks, CycleBreakStruct, 0)
        breaks = []
        for row in rows[:written]:
            breaks.append(records.CycleBreak(
                self.type(row.type).name, as_text(row.name), self._part(row.type, row.part),
                self.snapshot_object(row.holder), row.slot_count, row.object_count, row.bytes,
                bool(row.tried), bool(row.builtin), bool(row.owner),
                self.snapshot_object(row.target), row.slot, row.part))
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
