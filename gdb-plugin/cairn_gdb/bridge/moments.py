"""Moments: the objects of one time, kept or in a file, and what grew between two."""

import os
from ctypes import POINTER, byref, c_char_p, c_uint32, c_uint64, c_void_p
from typing import Any, List, Optional, Sequence, Tuple

from .. import records
from ..errors import CairnError
from ..records import EXACTNESS
from .abi import (AGAIN, COUNT, NO_MEMORY, OK, SLICE_MS, STATUS, STEP, Progress,
                  ProgressStruct, as_text, declare, named, struct, u32, u64)
from .library import load_library
from .snapshot import Snapshot

CHANGES = ("new", "gone", "resized")
SAME_PROCESS = ("other", "same", "unknown")
WATCHED = ("absent", "new", "kept", "kept by address")

OriginStruct = struct("lens_moment_origin", *u64("process", "time"), ("kind", c_char_p),
                      ("executable", c_char_p), ("label", c_char_p))
InfoStruct = struct(
    "lens_moment_info",
    *u64("objects", "bytes", "heap_count", "type_count", "site_count", "frame_count",
         "serial_count", "dying", "damaged_blocks", "unreadable_bytes", "stored_bytes"),
    *u32("exactness", "reserved"))
PlaceStruct = struct("lens_moment_place", *u64("address", "offset"), ("function", c_char_p),
                     ("file", c_char_p), ("module", c_char_p), *u32("line", "reserved"))
MomentSiteStruct = struct("lens_moment_site", *u64("first_frame"), *u32("frame_count", "heap"))
DiffTotalsStruct = struct(
    "lens_diff_totals",
    *u64("count_a", "count_b", "bytes_a", "bytes_b", "kept", "added", "gone", "reused", "resized",
         "kept_by_address", "type_rows", "site_rows", "object_rows", "types_unchanged"),
    *u32("same_process", "exactness"))
DiffRowStruct = struct(
    "lens_diff_row", ("type", c_char_p),
    *u64("count_a", "count_b", "bytes_a", "bytes_b", "kept", "added", "gone"),
    *u32("site_a", "site_b"))
DiffObjectStruct = struct(
    "lens_diff_object", *u64("address", "serial", "bytes_a", "bytes_b"), ("type", c_char_p),
    *u32("change", "reused", "site_a", "site_b"))

MomentPointer = c_void_p
JobPointer = c_void_p
DiffPointer = c_void_p

declare({
    "lens_moment_take": (STATUS, [*STEP, POINTER(MomentPointer)]),
    "lens_moment_free": (None, [MomentPointer]),
    "lens_moment_origin_set": (STATUS, [MomentPointer, POINTER(OriginStruct)]),
    "lens_moment_origin_get": (None, [MomentPointer, POINTER(OriginStruct)]),
    "lens_moment_info_get": (None, [MomentPointer, POINTER(InfoStruct)]),
    "lens_moment_frame_get": (STATUS, [MomentPointer, c_uint64, POINTER(PlaceStruct)]),
    "lens_moment_frame_set": (STATUS, [MomentPointer, c_uint64, POINTER(PlaceStruct)]),
    "lens_moment_site_get": (STATUS, [MomentPointer, c_uint32, POINTER(MomentSiteStruct)]),
    "lens_moment_save": (STATUS, [MomentPointer, c_char_p, POINTER(JobPointer)]),
    "lens_moment_load": (STATUS, [c_char_p, POINTER(JobPointer)]),
    "lens_moment_job_step": (STATUS, [JobPointer, c_uint32, POINTER(ProgressStruct)]),
    "lens_moment_job_result": (MomentPointer, [JobPointer]),
    "lens_moment_job_error": (c_char_p, [JobPointer]),
    "lens_moment_job_free": (None, [JobPointer]),
    "lens_moment_is_file": (c_uint32, [c_char_p]),
    "lens_diff_new": (STATUS, [MomentPointer, MomentPointer, c_char_p, c_uint64,
                               POINTER(DiffPointer)]),
    "lens_diff_watch": (STATUS, [DiffPointer, POINTER(c_uint64), c_uint64]),
    "lens_diff_watched": (STATUS, [DiffPointer, c_uint64, POINTER(c_uint32), COUNT, COUNT]),
    "lens_diff_step": (STATUS, [DiffPointer, c_uint32, POINTER(ProgressStruct)]),
    "lens_diff_free": (None, [DiffPointer]),
    "lens_diff_totals_get": (STATUS, [DiffPointer, POINTER(DiffTotalsStruct)]),
    "lens_diff_types": (STATUS, [DiffPointer, c_uint64, c_uint64, POINTER(DiffRowStruct), COUNT,
                                 COUNT]),
    "lens_diff_sites": (STATUS, [DiffPointer, c_uint64, c_uint64, POINTER(DiffRowStruct), COUNT,
                                 COUNT]),
    "lens_diff_objects": (STATUS, [DiffPointer, c_uint64, c_uint64, POINTER(DiffObjectStruct),
                                   COUNT, COUNT]),
})


def _must(status: int, said: str = "") -> None:
    """Raises what a call without a lens failed with."""
    if status == OK:
        return
    if status == NO_MEMORY:
        raise CairnError("GDB itself is out of memory.")
    raise CairnError(_sentence(said or as_text(load_library().lens_status_text(status))))


def _sentence(text: str) -> str:
    return text if text.endswith(".") else text + "."


def _run(step: Any, handle: Any, progress: Optional[Progress]) -> int:
    """Runs a job to its end or its failure."""
    state = ProgressStruct()
    while True:
        status = step(handle, SLICE_MS, byref(state))
        if status != AGAIN:
            return int(status)
        if progress is not None:
            progress(as_text(state.phase), state.done, state.total)


class Moment:
    """A moment: independent of the lens that it was taken from, and of the program."""

    def __init__(self, handle: Any) -> None:
        """Takes the handle over."""
        self._library = load_library()
        self._self = handle

    def __del__(self) -> None:
        self._library.lens_moment_free(self._self)

    @property
    def handle(self) -> Any:
        return self._self

    def info(self) -> records.MomentInfo:
        row = InfoStruct()
        self._library.lens_moment_info_get(self._self, byref(row))
        origin = OriginStruct()
        self._library.lens_moment_origin_get(self._self, byref(origin))
        return records.MomentInfo(
            as_text(origin.label), as_text(origin.kind), origin.process,
            as_text(origin.executable), origin.time, row.objects, row.bytes, row.site_count,
            row.frame_count, row.serial_count, row.dying, row.damaged_blocks,
            row.unreadable_bytes, EXACTNESS[min(row.exactness, 2)])

    def set_origin(self, label: str, kind: str, process: int, executable: str, time: int) -> None:
        row = OriginStruct(process, time, kind.encode(), os.fsencode(executable), label.encode(
            "utf-8", "surrogateescape"))
        _must(self._library.lens_moment_origin_set(self._self, byref(row)))

    def frame(self, number: int) -> records.Place:
        row = PlaceStruct()
        _must(self._library.lens_moment_frame_get(self._self, number, byref(row)))
        return records.Place(row.address, as_text(row.function), as_text(row.file), row.line,
                             as_text(row.module), row.offset)

    def set_frame(self, number: int, place: records.Place) -> None:
        """Names a caller, so that it is known where the program is gone."""
        row = PlaceStruct(place.address, place.offset, place.function.encode(),
                          os.fsencode(place.file), os.fsencode(place.module), place.line, 0)
        _must(self._library.lens_moment_frame_set(self._self, number, byref(row)))

    def site(self, number: int) -> List[records.Place]:
        """The callers of a site, the innermost first; none for site 0."""
        row = MomentSiteStruct()
        if self._library.lens_moment_site_get(self._self, number, byref(row)) != OK:
            return []
        return [self.frame(row.first_frame + index) for index in range(row.frame_count)]

    def save(self, path: str, progress: Optional[Progress] = None) -> None:
        """Writes the file; CairnError says why not, and leaves what was there."""
        self._job(self._library.lens_moment_save, [self._self, os.fsencode(path)], progress)

    @classmethod
    def load(cls, path: str, progress: Optional[Progress] = None) -> "Moment":
        loaded = cls._job(load_library().lens_moment_load, [os.fsencode(path)], progress)
        assert loaded is not None
        return loaded

    @classmethod
    def _job(cls, begin: Any, arguments: List[Any], progress: Optional[Progress]
             ) -> Optional["Moment"]:
        library = load_library()
        job = JobPointer()
        try:
            status = begin(*arguments, byref(job))
            if status == OK:
                status = _run(library.lens_moment_job_step, job, progress)
            _must(status, as_text(library.lens_moment_job_error(job)) if job else "")
            result = library.lens_moment_job_result(job)
            return cls(MomentPointer(result)) if result else None
        finally:
            library.lens_moment_job_free(job)


def is_moment_file(path: str) -> bool:
    return bool(load_library().lens_moment_is_file(os.fsencode(path)))


class Moments(Snapshot):
    """See the file's head."""

    def take_moment(self, progress: Optional[Progress] = None) -> Moment:
        """The moment of this stop; names no lines yet, and no origin."""
        taken = MomentPointer()

        def step(lens: Any, slice_ms: int, state: Any) -> int:
            return int(self._library.lens_moment_take(lens, slice_ms, state, byref(taken)))

        self._steps(step, progress)
        return Moment(taken)


class Diff:
    """What is different between two moments, which it keeps."""

    def __init__(self, first: Moment, second: Moment, type_glob: str = "", objects: int = 0,
                 progress: Optional[Progress] = None, watched: Sequence[int] = ()) -> None:
        """`objects`: how many rows of objects are kept; `watched`: addresses in the second moment,
        ascending, of which `watched()` tells."""
        self._library = load_library()
        self.moments = (first, second)
        self._self = DiffPointer()
        _must(self._library.lens_diff_new(first.handle, second.handle,
                                          type_glob.encode() if type_glob else None, objects,
                                          byref(self._self)))
        addresses = (c_uint64 * max(1, len(watched)))(*watched)
        _must(self._library.lens_diff_watch(self._self, addresses, len(watched)))
        _must(_run(self._library.lens_diff_step, self._self, progress))

    def __del__(self) -> None:
        self._library.lens_diff_free(self._self)

    def totals(self) -> records.DiffTotals:
        row = DiffTotalsStruct()
        _must(self._library.lens_diff_totals_get(self._self, byref(row)))
        return records.DiffTotals(
            row.count_a, row.count_b, row.bytes_a, row.bytes_b, row.kept, row.added, row.gone,
            row.reused, row.resized, row.kept_by_address, row.types_unchanged,
            SAME_PROCESS[min(row.same_process, 2)], EXACTNESS[min(row.exactness, 2)])

    def watched(self) -> List[str]:
        """What became of each watched address: "absent", "new", "kept" (by its serial) or "kept by
        address"."""
        written, total = c_uint64(), c_uint64()
        _must(self._library.lens_diff_watched(self._self, 0, None, byref(written), byref(total)))
        fates = (c_uint32 * max(1, total.value))()
        _must(self._library.lens_diff_watched(self._self, total.value, fates, byref(written),
                                              byref(total)))
        return [named(WATCHED, fate) for fate in fates[:written.value]]

    def types(self, limit: int) -> Tuple[List[records.DiffRow], int]:
        """Types that changed, the greatest change first, at most `limit` (0: all); how many."""
        return self._groups(self._library.lens_diff_types, limit)

    def sites(self, limit: int) -> Tuple[List[records.DiffRow], int]:
        """The same by type and by who allocated."""
        return self._groups(self._library.lens_diff_sites, limit)

    def _groups(self, function: Any, limit: int) -> Tuple[List[records.DiffRow], int]:
        rows, total = self._fill(function, DiffRowStruct, limit)
        return [records.DiffRow(as_text(row.type), row.count_a, row.count_b, row.bytes_a,
                                row.bytes_b, row.kept, row.added, row.gone,
                                self._places(row)) for row in rows], total

    def objects(self, limit: int) -> Tuple[List[records.DiffObject], int]:
        """Objects that came, went, or have other bytes now; how many there are."""
        rows, total = self._fill(self._library.lens_diff_objects, DiffObjectStruct, limit)
        return [records.DiffObject(row.address, row.serial, as_text(row.type),
                                   named(CHANGES, row.change), row.bytes_a, row.bytes_b,
                                   bool(row.reused), tuple(self._places(row)))
                for row in rows], total

    def _places(self, row: Any) -> List[records.Place]:
        """Who allocated: as the second moment knows it, else the first; lines before none."""
        first, second = self.moments
        newer = second.site(row.site_b) if row.site_b else []
        older = first.site(row.site_a) if row.site_a and not _has_lines(newer) else []
        return older if _has_lines(older) or not newer else newer

    def _fill(self, function: Any, kind: Any, limit: int) -> Tuple[List[Any], int]:
        written, total = c_uint64(), c_uint64()
        _must(function(self._self, 0, 0, None, byref(written), byref(total)))
        capacity = min(limit, total.value) if limit else total.value
        rows = (kind * max(1, capacity))()
        _must(function(self._self, 0, capacity, rows, byref(written), byref(total)))
        return list(rows[:written.value]), total.value


def _has_lines(places: List[records.Place]) -> bool:
    return bool(places) and bool(places[0].file)
