"""What the program recorded of its objects: sites, events, quarantine."""

from ctypes import POINTER, byref, c_char_p, c_uint32, c_uint64
from typing import Any, List, Optional, Tuple

from .. import records
from .abi import (COUNT, NONE, NOT_FOUND, OK, STATUS, UNREADABLE, LensPointer, declare, flag_set,
                  named, struct, u32, u64)
from .one import PLACES, One

EVENT_OPS = ("other", "allocate", "free", "retain", "release", "collect_start", "collect_end")
TRACK_SWITCHES = ("sites", "events", "quarantine", "probes")

TrackingStruct = struct(
    "lens_tracking", *u32("switches", "on", "backtrace", "site_count"),
    *u64("serial_last", "event_capacity", "event_count", "event_lost", "site_lost",
         "quarantine_count", "quarantine_bytes", "quarantine_limit", "misuse_count"))
TrackStruct = struct("lens_track", *u64("base", "serial"),
                     *u32("place", "heap", "type", "site", "freed_site", "freed_thread"))
EventStruct = struct("lens_event", *u64("sequence", "object", "serial", "caller"),
                     *u32("op", "count", "type", "thread", "site", "heap", "inner", "caught"),
                     *u64("stack", "holder"))
MisusesStruct = struct("lens_misuses", *u64("matched", "others", "unknown"))
SiteStruct = struct("lens_site", *u32("number", "frame_count"),
                    *u64("object_count", "object_bytes", "allocation_count"),
                    ("frames", c_uint64 * 8))

declare({
    "lens_tracking_get": (STATUS, [LensPointer, c_uint64, POINTER(TrackingStruct)]),
    "lens_track_at": (STATUS, [LensPointer, c_uint64, POINTER(TrackStruct)]),
    "lens_events": (STATUS, [LensPointer, c_uint64, c_uint64, c_uint64, c_uint32, c_uint64,
                             c_uint64, POINTER(EventStruct), COUNT, COUNT]),
    "lens_misuses_get": (STATUS, [LensPointer, c_uint64, c_char_p, c_uint64, POINTER(EventStruct),
                                  COUNT, POINTER(MisusesStruct)]),
    "lens_site_get": (STATUS, [LensPointer, c_uint64, c_uint32, POINTER(SiteStruct)]),
    "lens_sites": (STATUS, [LensPointer, c_uint64, c_uint64, c_uint64, POINTER(SiteStruct), COUNT,
                            COUNT]),
    "lens_quarantine": (STATUS, [LensPointer, c_uint64, c_uint64, c_uint64, POINTER(TrackStruct),
                                 COUNT, COUNT]),
})


class Tracking(One):
    """See the file's head."""

    def tracking(self, heap: int) -> Optional[records.Tracking]:
        """What a heap tracks; None: it never did."""
        row = TrackingStruct()
        status = self._library.lens_tracking_get(self._self, heap, byref(row))
        if self._check(status, NOT_FOUND) != OK:
            return None
        return records.Tracking(
            flag_set(TRACK_SWITCHES, row.switches), bool(row.on), row.backtrace, row.site_count,
            row.serial_last, row.event_capacity, row.event_count, row.event_lost, row.site_lost,
            row.quarantine_count, row.quarantine_bytes, row.quarantine_limit, row.misuse_count)

    def track_at(self, address: int) -> Optional[records.Track]:
        """What is known of the object in the block that holds the address, or of the last one."""
        row = TrackStruct()
        status = self._library.lens_track_at(self._self, address, byref(row))
        return self._track(row) if self._check(status, NOT_FOUND) == OK else None

    @staticmethod
    def _track(row: Any) -> records.Track:
        return records.Track(row.base, row.serial, named(PLACES, row.place), row.heap,
                             None if row.type == NONE else row.type, row.site, row.freed_site,
                             row.freed_thread)

    def events(self, heap: int, address: int = 0, serial: int = 0, capacity: int = 0,
               newest_first: bool = False) -> Tuple[List[records.Event], int]:
        """The events that are left, of one object and one serial (0: any), and how many."""
        rows, written, total = self._rows(self._library.lens_events, EventStruct, capacity, heap,
                                          address, serial, int(newest_first), 0)
        return [self._event(row) for row in rows[:written]], total

    @staticmethod
    def _event(row: Any) -> records.Event:
        return records.Event(row.sequence, row.object, row.serial, row.caller,
                             named(EVENT_OPS, row.op), row.count,
                             None if row.type == NONE else row.type, row.thread, row.site,
                             row.heap, bool(row.inner), bool(row.caught), row.stack,
                             row.holder)

    def misuses(self, heap: int, type_glob: str, capacity: int) -> records.Misuses:
        """The uses of freed objects that a heap caught, and the last of their events."""
        rows = (EventStruct * max(capacity, 1))()
        written, found = c_uint64(), MisusesStruct()
        self._check(self._library.lens_misuses_get(
            self._self, heap, type_glob.encode() if type_glob else None, capacity, rows,
            byref(written), byref(found)))
        return records.Misuses(found.matched, found.others, found.unknown,
                               [self._event(row) for row in rows[:written.value]])

    def site(self, heap: int, number: int) -> Optional[records.Site]:
        row = SiteStruct()
        status = self._library.lens_site_get(self._self, heap, number, byref(row))
        return self._site(row) if self._check(status, NOT_FOUND, UNREADABLE) == OK else None

    def sites(self, heap: int, capacity: int = 0) -> Tuple[List[records.Site], int]:
        rows, written, total = self._rows(self._library.lens_sites, SiteStruct, capacity, heap, 0)
        return [self._site(row) for row in rows[:written]], total

    @staticmethod
    def _site(row: Any) -> records.Site:
        return records.Site(row.number, row.object_count, row.object_bytes, row.allocation_count,
                            tuple(row.frames[:min(row.frame_count, 8)]))

    def quarantine(self, heap: int, capacity: int = 0) -> Tuple[List[records.Track], int]:
        """The blocks in quarantine, the one that was freed first first, and how many."""
        rows, written, total = self._rows(self._library.lens_quarantine, TrackStruct, capacity,
                                          heap, 0)
        return [self._track(row) for row in rows[:written]], total
