"""The lens, as Python sees it: the one room that imports ctypes.

Declares what the plugin calls of lens.h, turns statuses into exceptions and rows into records.
Invariants:

 - A function of the lens that fails raises; what it returns is complete.
 - An exception in the reader's callback would be swallowed by ctypes: it is kept, the lens is
   told to stop, and it is raised from the call that the lens was in.  ^C that was pressed while
   the lens worked comes at the callback's entry, where nothing can be kept: the lens sees that it
   got no answer, and the call ends as cancelled.
 - Long work goes in slices of SLICE_MS; between two slices Python sees ^C.
 - Texts are copied out of the lens at once.

What this is not: it knows nothing of GDB and nothing of what a command wants.
"""

import ctypes
import functools
import os
import sys
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_char, c_char_p, c_int64,
                    c_size_t, c_uint32, c_uint64, c_void_p)
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from . import lens_path, records
from .errors import CairnError
from .records import EXACTNESS

ABI = 4
SLICE_MS = 50
NONE = 0xFFFFFFFF
NAME_BYTES = 512
TEXT_BYTES = 240  # of a value

ReadMemory = Callable[[int, int], bytes]  # address, bytes -> the readable prefix
Progress = Callable[[str, int, int], None]  # phase, done, total

# Statuses, in the order of lens.h.
(OK, AGAIN, NOT_FOUND, UNREADABLE, CORRUPT, NO_MEMORY, CANCELLED, BAD_ARGUMENT, UNSUPPORTED,
 IO) = range(10)

# Enumerations whose values count from 0, in the order of lens.h.
PLACES = ("nothing", "object", "dying", "buffer", "freed", "fresh", "free_page", "arena_meta",
          "heap_meta", "unreadable", "damaged", "quarantined")
PAGE_KINDS = ("free", "meta", "blocks", "large", "large_tail", "damaged")
SORTS = ("refcount", "size", "address", "type")
ROOT_KINDS = ("arg", "local", "static", "global", "tls", "register", "word", "foreign")
VERDICTS = ("balanced", "over-retained", "under-retained", "immortal", "unknown")
SEVERITIES = ("note", "warning", "damage")
FOUND = ("", "hint", "note", "scan")
EVENT_OPS = ("other", "allocate", "free", "retain", "release", "collect_start", "collect_end")
REF_KINDS = ("", "strong", "weak", "borrowed", "opaque")
# Bit sets, lowest bit first.
STATES = ("immortal", "dying", "candidate", "held", "finalized", "weakly", "interned",
          "saturated", "damaged", "shared")
TRACK_SWITCHES = ("sites", "events", "quarantine", "probes")
REGION_FLAGS = ("read", "write", "execute", "file", "stack", "absent")


class _Reader(Structure):
    READ = CFUNCTYPE(ctypes.c_int, c_void_p, c_uint64, c_uint64, c_void_p, POINTER(c_uint64))
    _fields_ = [("context", c_void_p), ("read", READ)]


def _struct(name: str, *members: Tuple[str, Any]) -> Any:
    """A ctypes struct with the members of the lens.h struct of the same name."""
    return type("_" + name, (Structure,), {"_fields_": list(members)})


def _u64(*names: str) -> List[Tuple[str, Any]]:
    return [(name, c_uint64) for name in names]


def _u32(*names: str) -> List[Tuple[str, Any]]:
    return [(name, c_uint32) for name in names]


_Region = _struct("lens_region", *_u64("start", "end"), *_u32("flags", "reserved"),
                  ("name", c_char_p))
_Thread = _struct("lens_thread", *_u64("id", "pc", "sp"), *_u32("register_count", "reserved"))
_RootRecord = _struct("lens_root_record", *_u64("address"), *_u32("major", "found"),
                      ("runtime", c_char_p), *_u64("heap_count"))
_Heap = _struct(
    "lens_heap", *_u64("address", "id"), ("name", c_char_p),
    *_u64("object_count", "buffer_count", "used_bytes", "reserved_bytes", "returned_bytes",
          "limit_bytes", "external_bytes", "arena_count", "collection_count", "collected_count",
          "candidate_count", "flux_object"),
    ("flux", c_char_p), *_u32("type_count", "root_record", "shared", "reserved"),
    *_u64("soft_limit_bytes", "taken_bytes", "peak_bytes", "group_limit_bytes",
          "group_taken_bytes"), ("group", c_char_p))
_Arena = _struct(
    "lens_arena", *_u64("address", "bytes", "page_bytes", "page_count", "page_free_count"),
    *_u32("heap", "reserved"),
    *_u64("blocks_used", "blocks_free", "bytes_used", "side", "side_bytes"))
_Page = _struct("lens_page", *_u64("address", "bytes", "block_bytes"),
                *_u32("kind", "block_count", "fresh", "used_count", "span_pages", "reserved"))
_Type = _struct("lens_type", *_u64("address", "size_bytes"), ("name", c_char_p),
                ("display", c_char_p),
                *_u32("heap", "index", "slot_count", "field_count", "opaque", "acyclic",
                      "builtin", "damaged"))
_Location = _struct("lens_location", *_u32("place", "heap", "arena", "page"),
                    *_u64("base", "block_bytes", "offset"))
_Object = _struct("lens_object", *_u64("address", "size_bytes"),
                  *_u32("type", "refcount", "state", "heap", "arena", "reserved"))
_Ref = _struct("lens_ref", *_u64("slot_address", "target"), *_u32("kind", "slot"),
               *_u64("element"), *_u32("part", "target_place"))
_Field = _struct("lens_field", ("name", c_char_p), ("kind", c_char_p), *_u64("address"),
                 *_u32("width", "reserved"), ("text", c_char * 96))
_Tracking = _struct(
    "lens_tracking", *_u32("switches", "on", "backtrace", "site_count"),
    *_u64("serial_last", "event_capacity", "event_count", "event_lost", "site_lost",
          "quarantine_count", "quarantine_bytes", "quarantine_limit", "misuse_count"))
_Track = _struct("lens_track", *_u64("base", "serial"),
                 *_u32("place", "heap", "type", "site", "freed_site", "freed_thread"))
_Event = _struct("lens_event", *_u64("sequence", "object", "serial", "caller"),
                 *_u32("op", "count", "type", "thread", "site", "heap"))
_Site = _struct("lens_site", *_u32("number", "frame_count"),
                *_u64("object_count", "object_bytes", "allocation_count"),
                ("frames", c_uint64 * 8))
_Progress = _struct("lens_progress", ("phase", c_char_p), *_u64("done", "total"))
_WalkTotals = _struct(
    "lens_walk_totals",
    *_u64("objects", "object_bytes", "buffers", "buffer_bytes", "dying", "orphan_buffers",
          "damaged_blocks", "unreadable_bytes", "pages", "arenas"),
    *_u32("exactness", "reserved"))
_Filter = _struct("lens_filter", ("type_glob", c_char_p),
                  *_u64("refcount_min", "refcount_max", "size_min", "size_max"),
                  *_u32("heap", "sort", "reverse", "reserved"))
_TypeCensus = _struct("lens_type_census",
                      *_u32("type", "refcount_min", "refcount_max", "reserved"),
                      *_u64("count", "bytes"))
_CountCensus = _struct("lens_count_census", *_u32("refcount", "immortal"),
                       *_u64("count", "bytes"))
_Referrer = _struct("lens_referrer", *_u64("holder"), ("ref", _Ref),
                    *_u32("holder_dying", "reserved"))
_Root = _struct("lens_root", *_u64("slot_address", "value"),
                *_u32("object", "kind", "confidence", "interior", "thread", "frame"),
                *_u64("tag"))
_Account = _struct("lens_account", *_u64("refcount", "heap_refs", "runtime_refs", "root_refs"),
                   ("surplus", c_int64), *_u32("verdict", "exactness"))
_CheckTotals = _struct("lens_check_totals", *_u64("objects", "pages", "arenas", "problems"))
_Problem = _struct("lens_problem", *_u64("address"), *_u32("severity", "repeated"),
                   ("text", c_char_p))

_Lens = c_void_p
_COUNT = POINTER(c_uint64)


def _signatures() -> Dict[str, Tuple[Any, Sequence[Any]]]:
    """The functions of lens.h that are called here: what each returns, what it takes."""
    status, size = ctypes.c_int, c_uint64
    rows = [c_uint64]  # a capacity, then its rows
    out = [_COUNT, _COUNT]  # written, total
    step = [_Lens, c_uint32, POINTER(_Progress)]
    return {
        "lens_abi": (c_uint32, []),
        "lens_status_text": (c_char_p, [status]),
        "lens_new": (status, [POINTER(_Reader), POINTER(_Lens)]),
        "lens_new_core": (status, [c_char_p, c_char_p, POINTER(_Lens)]),
        "lens_free": (None, [_Lens]),
        "lens_error": (c_char_p, [_Lens]),
        "lens_refresh": (None, [_Lens]),
        "lens_region_add": (status, [_Lens, POINTER(_Region)]),
        "lens_regions_clear": (None, [_Lens]),
        "lens_region_count": (size, [_Lens]),
        "lens_region_get": (status, [_Lens, size, POINTER(_Region)]),
        "lens_thread_count": (size, [_Lens]),
        "lens_thread_get": (status, [_Lens, size, POINTER(_Thread)]),
        "lens_thread_register": (status, [_Lens, size, c_uint32, POINTER(c_char_p), _COUNT]),
        "lens_read": (status, [_Lens, size, size, c_void_p, _COUNT]),
        "lens_root_hint": (status, [_Lens, size]),
        "lens_model_load": (status, [_Lens, c_uint32]),
        "lens_root_record_count": (size, [_Lens]),
        "lens_root_record_get": (status, [_Lens, size, POINTER(_RootRecord)]),
        "lens_heap_count": (size, [_Lens]),
        "lens_heap_get": (status, [_Lens, size, POINTER(_Heap)]),
        "lens_arena_count": (size, [_Lens]),
        "lens_arena_get": (status, [_Lens, size, POINTER(_Arena)]),
        "lens_page_get": (status, [_Lens, size, size, POINTER(_Page)]),
        "lens_type_count": (size, [_Lens]),
        "lens_type_get": (status, [_Lens, size, POINTER(_Type)]),
        "lens_locate": (status, [_Lens, size, POINTER(_Location)]),
        "lens_object_at": (status, [_Lens, size, POINTER(_Object)]),
        "lens_object_text": (status, [_Lens, size, c_uint32, c_uint32, c_char_p, c_size_t]),
        "lens_object_refs": (status, [_Lens, size, size, *rows, POINTER(_Ref), *out]),
        "lens_ref_text": (status, [_Lens, size, POINTER(_Ref), c_char_p, c_size_t]),
        "lens_object_fields": (status, [_Lens, size, size, *rows, POINTER(_Field), *out]),
        "lens_external_get": (status, [_Lens, size, size, POINTER(c_uint64)]),
        "lens_tracking_get": (status, [_Lens, size, POINTER(_Tracking)]),
        "lens_track_at": (status, [_Lens, size, POINTER(_Track)]),
        "lens_events": (status, [_Lens, size, size, size, c_uint32, size, *rows,
                                 POINTER(_Event), *out]),
        "lens_site_get": (status, [_Lens, size, c_uint32, POINTER(_Site)]),
        "lens_sites": (status, [_Lens, size, size, *rows, POINTER(_Site), *out]),
        "lens_quarantine": (status, [_Lens, size, size, *rows, POINTER(_Track), *out]),
        "lens_walk": (status, step),
        "lens_index": (status, step),
        "lens_check": (status, step),
        "lens_snapshot_object": (status, [_Lens, c_uint32, POINTER(_Object)]),
        "lens_snapshot_find": (status, [_Lens, size, POINTER(c_uint32)]),
        "lens_walk_totals_get": (status, [_Lens, POINTER(_WalkTotals)]),
        "lens_select": (status, [_Lens, POINTER(_Filter), *rows, POINTER(_Object), *out]),
        "lens_census": (status, [_Lens, *rows, POINTER(_TypeCensus), *out]),
        "lens_refcounts": (status, [_Lens, *rows, POINTER(_CountCensus), *out]),
        "lens_referrers": (status, [_Lens, size, c_uint32, size, *rows, POINTER(_Referrer),
                                    *out]),
        "lens_roots_clear": (None, [_Lens]),
        "lens_root_add": (status, [_Lens, POINTER(_Root)]),
        "lens_roots_scan": (status, [_Lens, size, size, c_uint32, c_uint32, c_uint32, _COUNT,
                                     _COUNT]),
        "lens_foreign_ranges": (status, [_Lens, *rows, POINTER(_Region), *out]),
        "lens_root_count": (size, [_Lens]),
        "lens_root_get": (status, [_Lens, size, POINTER(_Root)]),
        "lens_roots_of": (status, [_Lens, c_uint32, *rows, _COUNT, *out]),
        "lens_account_object": (status, [_Lens, c_uint32, c_uint32, POINTER(_Account)]),
        "lens_check_totals_get": (status, [_Lens, POINTER(_CheckTotals)]),
        "lens_problem_count": (size, [_Lens]),
        "lens_problem_get": (status, [_Lens, size, POINTER(_Problem)]),
    }


# ---- finding and loading the library ----------------------------------------------------------

_library: Any = None


def load_library() -> Any:
    """The library, loaded and declared once; CairnError with what was tried when it can't be."""
    global _library
    if _library is None:
        _library = _open_library()
    return _library


def _open_library() -> Any:
    tried = []
    for path in lens_path.candidates():
        if not os.path.exists(path):
            tried.append(f"{path}: no such file")
            continue
        try:
            library = ctypes.CDLL(path)
            library.lens_abi.restype = c_uint32
            abi = library.lens_abi()
            if abi != ABI:
                tried.append(f"{path}: it has ABI {abi}, this plugin needs {ABI}")
                continue
            for name, (result, arguments) in _signatures().items():
                function = getattr(library, name)
                function.restype = result
                function.argtypes = list(arguments)
            return library
        except (OSError, AttributeError) as problem:
            said = str(problem)
            tried.append(said if said.startswith(path) else f"{path}: {said}")
    raise CairnError(lens_path.cannot_load(tried))


def _text(value: Optional[bytes]) -> str:
    return "" if value is None else value.decode("utf-8", "replace")


def _named(names: Sequence[str], value: int) -> str:
    return names[value] if value < len(names) else f"unknown {value}"


@functools.lru_cache(maxsize=None)  # few combinations occur, one for each object is asked for
def _flags(names: Tuple[str, ...], value: int) -> frozenset:
    return frozenset(name for bit, name in enumerate(names) if value >> bit & 1)


@functools.lru_cache(maxsize=None)  # once
def _hush_callbacks() -> None:
    """Keeps Python from writing of a ^C at the entry of the reader's callback: _check raises it."""
    before = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if getattr(unraisable.object, "__func__", None) is not Lens._serve:
            before(unraisable)

    sys.unraisablehook = hook


# ---- a lens -----------------------------------------------------------------------------------

class Lens:
    """One lens over one program or core."""

    def __init__(self, read: Optional[ReadMemory] = None, core: str = "",
                 executable: str = "") -> None:
        """Over memory that `read` serves, or over the core file `core`."""
        self._library = load_library()
        self._self = _Lens()
        self._pending: Optional[BaseException] = None
        self._types: Dict[int, records.Type] = {}
        self._read_memory = read
        self._text_buffer = ctypes.create_string_buffer(TEXT_BYTES)
        if read is None:
            status = self._library.lens_new_core(
                os.fsencode(core), os.fsencode(executable) if executable else None,
                byref(self._self))
        else:
            _hush_callbacks()
            # The lens copies the struct; the callback object must live as long as the lens.
            self._callback = _Reader.READ(self._serve)
            status = self._library.lens_new(byref(_Reader(None, self._callback)),
                                            byref(self._self))
        if status != OK:
            said = _text(self._library.lens_error(None))
            raise CairnError(said or _text(self._library.lens_status_text(status)))

    def close(self) -> None:
        """Gives the lens back; no other method may be called after it."""
        if self._self:
            self._library.lens_free(self._self)
            self._self = _Lens()

    def _serve(self, _context: Any, address: int, size: int, out: Any, read_bytes: Any) -> int:
        """The reader's callback: nothing may be raised through it."""
        try:
            assert self._read_memory is not None
            data = self._read_memory(address, size)
            ctypes.memmove(out, data, len(data))
            read_bytes[0] = len(data)
            return OK
        except BaseException as problem:  # KeyboardInterrupt too: it is raised by _check
            self._pending = problem
            return CANCELLED

    def _check(self, status: int, *accepted: int) -> int:
        """Raises what the callback kept, or the status as a CairnError unless it is accepted."""
        pending, self._pending = self._pending, None
        if pending is not None:
            raise pending
        if status == OK or status in accepted:
            return status
        if status == CANCELLED:
            raise KeyboardInterrupt
        said = _text(self._library.lens_error(self._self))
        if status == NO_MEMORY:
            said = "GDB itself is out of memory" + (f": {said}" if said else ".")
        raise CairnError(said or _text(self._library.lens_status_text(status)))

    def _steps(self, step: Any, progress: Optional[Progress]) -> None:
        """Runs a sliced function to its end."""
        state = _Progress()
        while self._check(step(self._self, SLICE_MS, byref(state)), AGAIN) == AGAIN:
            if progress is not None:
                progress(_text(state.phase), state.done, state.total)

    def _get(self, function: Any, kind: Any, *index: int) -> Any:
        row = kind()
        self._check(function(self._self, *index, byref(row)))
        return row

    def _rows(self, function: Any, kind: Any, capacity: int, *head: Any) -> Tuple[Any, int, int]:
        """Calls a function that fills rows; capacity 0 asks for all.  (rows, written, total)"""
        written, total = c_uint64(), c_uint64()
        if capacity == 0:
            self._check(function(self._self, *head, 0, None, byref(written), byref(total)))
            capacity = total.value
        rows = (kind * max(1, capacity))()
        self._check(function(self._self, *head, capacity, rows, byref(written), byref(total)))
        return rows, written.value, total.value

    # ---- memory and model ----

    def refresh(self) -> None:
        """Forgets what was read; the target ran."""
        self._types.clear()
        self._library.lens_refresh(self._self)

    def set_regions(self, regions: Sequence[records.Region]) -> None:
        self._library.lens_regions_clear(self._self)
        for region in regions:
            flags = sum(1 << bit for bit, name in enumerate(REGION_FLAGS)
                        if name in region.flags)
            row = _Region(region.start, region.end, flags, 0,
                          region.name.encode("utf-8", "surrogateescape"))
            self._check(self._library.lens_region_add(self._self, byref(row)))

    def regions(self) -> List[records.Region]:
        return [self._region(self._get(self._library.lens_region_get, _Region, index))
                for index in range(self._library.lens_region_count(self._self))]

    @staticmethod
    def _region(row: Any) -> records.Region:
        return records.Region(row.start, row.end, _flags(REGION_FLAGS, row.flags),
                              _text(row.name))

    def threads(self) -> List[records.Thread]:
        """Threads of a core file; none for a lens over a reader."""
        found = []
        for index in range(self._library.lens_thread_count(self._self)):
            row = self._get(self._library.lens_thread_get, _Thread, index)
            registers = []
            for number in range(row.register_count):
                name, value = c_char_p(), c_uint64()
                self._check(self._library.lens_thread_register(
                    self._self, index, number, byref(name), byref(value)))
                registers.append((_text(name.value), value.value))
            found.append(records.Thread(row.id, row.pc, row.sp, tuple(registers)))
        return found

    def read(self, address: int, size: int) -> bytes:
        """The readable prefix of [address, address + size)."""
        buffer = ctypes.create_string_buffer(size)
        count = c_uint64()
        self._check(self._library.lens_read(self._self, address, size, buffer, byref(count)))
        return buffer.raw[:count.value]

    def hint_root(self, address: int) -> None:
        self._check(self._library.lens_root_hint(self._self, address))

    def load_model(self, progress: Optional[Progress] = None) -> bool:
        """Finds the heaps.  False: there is no root record; `last_error` says what was searched."""
        while True:
            status = self._check(self._library.lens_model_load(self._self, SLICE_MS), AGAIN,
                                 NOT_FOUND)
            if status != AGAIN:
                return status == OK
            if progress is not None:
                progress("searching for a heap", 0, 0)

    @property
    def last_error(self) -> str:
        return _text(self._library.lens_error(self._self))

    def root_records(self) -> List[records.RootRecord]:
        count = self._library.lens_root_record_count(self._self)
        rows = (self._get(self._library.lens_root_record_get, _RootRecord, index)
                for index in range(count))
        return [records.RootRecord(row.address, row.major, _named(FOUND, row.found),
                                   _text(row.runtime), row.heap_count) for row in rows]

    def heaps(self) -> List[records.Heap]:
        return [self._heap(index) for index in range(self._library.lens_heap_count(self._self))]

    def _heap(self, index: int) -> records.Heap:
        row = self._get(self._library.lens_heap_get, _Heap, index)
        return records.Heap(
            index, row.address, row.id, _text(row.name), row.object_count, row.buffer_count,
            row.used_bytes, row.reserved_bytes, row.returned_bytes, row.limit_bytes,
            row.external_bytes, row.arena_count, row.collection_count, row.collected_count,
            row.candidate_count, row.flux_object, _text(row.flux), row.type_count,
            bool(row.shared), row.soft_limit_bytes, row.taken_bytes, row.peak_bytes,
            row.group_limit_bytes, row.group_taken_bytes, _text(row.group) if row.group else None)

    def external_bytes(self, heap: int, address: int) -> int:
        """What an object keeps outside its heap; 0 too where that can't be read."""
        found = c_uint64()
        status = self._library.lens_external_get(self._self, heap, address, byref(found))
        return found.value if self._check(status, UNREADABLE, CORRUPT) == OK else 0

    def arenas(self) -> List[records.Arena]:
        found = []
        for index in range(self._library.lens_arena_count(self._self)):
            row = self._get(self._library.lens_arena_get, _Arena, index)
            found.append(records.Arena(
                index, row.address, row.bytes, row.page_bytes, row.page_count,
                row.page_free_count, row.heap, row.blocks_used, row.blocks_free,
                row.bytes_used, row.side, row.side_bytes))
        return found

    def page(self, arena: int, page: int) -> records.Page:
        row = self._get(self._library.lens_page_get, _Page, arena, page)
        return records.Page(row.address, row.bytes, row.block_bytes,
                            _named(PAGE_KINDS, row.kind), row.block_count, row.fresh,
                            row.used_count, row.span_pages)

    def types(self) -> List[records.Type]:
        return [self.type(index) for index in range(self._library.lens_type_count(self._self))]

    def type(self, index: int) -> records.Type:
        known = self._types.get(index)
        if known is None:
            row = self._get(self._library.lens_type_get, _Type, index)
            known = records.Type(
                index, row.address, row.size_bytes, _text(row.name), _text(row.display),
                row.heap, bool(row.opaque), bool(row.acyclic), bool(row.builtin),
                bool(row.damaged), row.slot_count, row.field_count)
            self._types[index] = known
        return known

    # ---- one address, one object ----

    def locate(self, address: int) -> records.Location:
        row = self._get(self._library.lens_locate, _Location, address)
        return records.Location(_named(PLACES, row.place), row.heap, row.arena, row.page,
                                row.base, row.block_bytes, row.offset)

    def object_at(self, address: int) -> Optional[records.Object]:
        """The live or dying object at exactly that address."""
        row = _Object()
        status = self._library.lens_object_at(self._self, address, byref(row))
        if self._check(status, NOT_FOUND, UNREADABLE, CORRUPT) != OK:
            return None
        return self._object(row)

    def _object(self, row: Any) -> records.Object:
        return records.Object(row.address, row.size_bytes, row.type, self.type(row.type).name,
                              row.refcount, _flags(STATES, row.state), row.heap, row.arena)

    def object_text(self, address: int, depth: int = 1, width: int = 8) -> str:
        """A short text of the value; "" where none is known."""
        buffer = self._text_buffer
        status = self._library.lens_object_text(self._self, address, depth, width, buffer,
                                                TEXT_BYTES)
        if self._check(status, NOT_FOUND, UNREADABLE, CORRUPT, UNSUPPORTED) != OK:
            return ""
        return _text(buffer.value)

    def references(self, address: int, first: int, capacity: int
                   ) -> Tuple[List[records.Reference], int]:
        """The references of one object from the first-th on (capacity 0: all), and how many."""
        rows, written, total = self._rows(self._library.lens_object_refs, _Ref, capacity,
                                          address, first)
        return [self._reference(address, rows[index]) for index in range(written)], total

    def _reference(self, holder: int, row: Any) -> records.Reference:
        buffer = ctypes.create_string_buffer(NAME_BYTES)
        status = self._library.lens_ref_text(self._self, holder, byref(row), buffer, NAME_BYTES)
        known = self._check(status, NOT_FOUND, UNREADABLE, CORRUPT) == OK
        name = _text(buffer.value) if known else f"+{row.slot_address - holder:#x}"
        return records.Reference(row.slot_address, row.target, _named(REF_KINDS, row.kind), name,
                                 _named(PLACES, row.target_place))

    def fields(self, address: int, first: int, capacity: int) -> Tuple[List[records.Field], int]:
        rows, written, total = self._rows(self._library.lens_object_fields, _Field, capacity,
                                          address, first)
        return [records.Field(_text(row.name), _text(row.kind), row.address, row.width,
                              _text(row.text)) for row in rows[:written]], total

    # ---- tracking ----

    def tracking(self, heap: int) -> Optional[records.Tracking]:
        """What a heap tracks; None: it never did."""
        row = _Tracking()
        status = self._library.lens_tracking_get(self._self, heap, byref(row))
        if self._check(status, NOT_FOUND) != OK:
            return None
        return records.Tracking(
            _flags(TRACK_SWITCHES, row.switches), bool(row.on), row.backtrace, row.site_count,
            row.serial_last, row.event_capacity, row.event_count, row.event_lost, row.site_lost,
            row.quarantine_count, row.quarantine_bytes, row.quarantine_limit, row.misuse_count)

    def track_at(self, address: int) -> Optional[records.Track]:
        """What is known of the object in the block that holds the address, or of the last one."""
        row = _Track()
        status = self._library.lens_track_at(self._self, address, byref(row))
        return self._track(row) if self._check(status, NOT_FOUND) == OK else None

    @staticmethod
    def _track(row: Any) -> records.Track:
        return records.Track(row.base, row.serial, _named(PLACES, row.place), row.heap,
                             None if row.type == NONE else row.type, row.site, row.freed_site,
                             row.freed_thread)

    def events(self, heap: int, address: int = 0, serial: int = 0, capacity: int = 0,
               newest_first: bool = False) -> Tuple[List[records.Event], int]:
        """The events that are left, of one object and one serial (0: any), and how many."""
        rows, written, total = self._rows(self._library.lens_events, _Event, capacity, heap,
                                          address, serial, int(newest_first), 0)
        return [records.Event(row.sequence, row.object, row.serial, row.caller,
                              _named(EVENT_OPS, row.op), row.count,
                              None if row.type == NONE else row.type, row.thread, row.site,
                              row.heap) for row in rows[:written]], total

    def site(self, heap: int, number: int) -> Optional[records.Site]:
        row = _Site()
        status = self._library.lens_site_get(self._self, heap, number, byref(row))
        return self._site(row) if self._check(status, NOT_FOUND, UNREADABLE) == OK else None

    def sites(self, heap: int, capacity: int = 0) -> Tuple[List[records.Site], int]:
        rows, written, total = self._rows(self._library.lens_sites, _Site, capacity, heap, 0)
        return [self._site(row) for row in rows[:written]], total

    @staticmethod
    def _site(row: Any) -> records.Site:
        return records.Site(row.number, row.object_count, row.object_bytes, row.allocation_count,
                            tuple(row.frames[:min(row.frame_count, 8)]))

    def quarantine(self, heap: int, capacity: int = 0) -> Tuple[List[records.Track], int]:
        """The blocks in quarantine, the one that was freed first first, and how many."""
        rows, written, total = self._rows(self._library.lens_quarantine, _Track, capacity, heap,
                                          0)
        return [self._track(row) for row in rows[:written]], total

    # ---- snapshot ----

    def walk(self, progress: Optional[Progress] = None) -> None:
        """Makes the snapshot: all objects.  Free when it was made already."""
        self._steps(self._library.lens_walk, progress)

    def index(self, progress: Optional[Progress] = None) -> None:
        """Adds the edges to the snapshot."""
        self._steps(self._library.lens_index, progress)

    def walk_totals(self) -> records.WalkTotals:
        row = self._get(self._library.lens_walk_totals_get, _WalkTotals)
        return records.WalkTotals(
            row.objects, row.object_bytes, row.buffers, row.buffer_bytes, row.dying,
            row.orphan_buffers, row.damaged_blocks, row.unreadable_bytes, row.pages, row.arenas,
            EXACTNESS[min(row.exactness, 2)])

    def snapshot_object(self, index: int) -> records.Object:
        return self._object(self._get(self._library.lens_snapshot_object, _Object, index))

    def snapshot_find(self, address: int) -> Optional[int]:
        """The snapshot's index of the object that holds the address (interior allowed)."""
        found = c_uint32()
        status = self._library.lens_snapshot_find(self._self, address, byref(found))
        return found.value if self._check(status, NOT_FOUND) == OK else None

    def select(self, wanted: records.Filter, capacity: int) -> Tuple[List[records.Object], int]:
        """The rows that match, at most `capacity` (0: all), and how many match."""
        row = _Filter(
            wanted.type_glob.encode() if wanted.type_glob else None,
            wanted.refcount.low, wanted.refcount.high, wanted.size.low, wanted.size.high,
            NONE if wanted.heap is None else wanted.heap, SORTS.index(wanted.sort),
            int(wanted.reverse), 0)
        rows, written, total = self._rows(self._library.lens_select, _Object, capacity,
                                          byref(row))
        return [self._object(rows[index]) for index in range(written)], total

    def census(self) -> List[records.TypeCensus]:
        rows, written, _ = self._rows(self._library.lens_census, _TypeCensus, 0)
        return [records.TypeCensus(row.type, self.type(row.type).name, row.count, row.bytes,
                                   row.refcount_min, row.refcount_max)
                for row in rows[:written]]

    def refcounts(self) -> List[records.CountCensus]:
        rows, written, _ = self._rows(self._library.lens_refcounts, _CountCensus, 0)
        return [records.CountCensus(row.refcount, bool(row.immortal), row.count, row.bytes)
                for row in rows[:written]]

    def referrers(self, address: int, capacity: int, progress: Optional[Progress] = None
                  ) -> Tuple[List[records.Referrer], int]:
        """The slots in objects that hold `address`, at most `capacity` (0: all); how many."""
        library = self._library
        written, total = c_uint64(), c_uint64()
        wanted = capacity or 256
        while True:
            rows = (_Referrer * wanted)()
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

    # ---- roots and accounting ----

    def clear_roots(self) -> None:
        self._library.lens_roots_clear(self._self)

    def add_root(self, root: records.Root, tag: int = 0) -> None:
        """Adds a slot outside the heap; needs a snapshot.  `tag` is handed back by root()."""
        row = _Root(root.slot_address, root.value, NONE, ROOT_KINDS.index(root.kind),
                    EXACTNESS.index(root.confidence), int(root.interior),
                    NONE if root.thread is None else root.thread,
                    NONE if root.frame is None else root.frame, tag)
        self._check(self._library.lens_root_add(self._self, byref(row)))

    def scan_roots(self, start: int, end: int, kind: str, thread: Optional[int] = None,
                   progress: Optional[Progress] = None) -> int:
        """Adds each aligned word of [start, end) that lies in an object; how many were added."""
        cursor, added = c_uint64(start), c_uint64()
        count = 0
        while True:
            status = self._check(self._library.lens_roots_scan(
                self._self, start, end, ROOT_KINDS.index(kind),
                NONE if thread is None else thread, SLICE_MS, byref(cursor), byref(added)),
                AGAIN)
            count += added.value
            if status != AGAIN:
                return count
            if progress is not None:
                progress("searching memory for roots", cursor.value - start, end - start)

    def foreign_ranges(self) -> List[records.Region]:
        """Written memory that is neither the heap's nor a stack."""
        rows, written, _ = self._rows(self._library.lens_foreign_ranges, _Region, 0)
        return [self._region(row) for row in rows[:written]]

    def root_count(self) -> int:
        return int(self._library.lens_root_count(self._self))

    def root(self, index: int) -> Tuple[records.Root, int]:
        """A root and the tag that it was added with."""
        row = self._get(self._library.lens_root_get, _Root, index)
        return records.Root(
            row.slot_address, row.value, _named(ROOT_KINDS, row.kind),
            EXACTNESS[min(row.confidence, 2)], "", None if row.thread == NONE else row.thread,
            None if row.frame == NONE else row.frame, bool(row.interior),
            None if row.object == NONE else row.object), row.tag

    def roots_of(self, index: int) -> List[int]:
        """The roots (numbers for root()) that hold the object with that snapshot index."""
        rows, written, _ = self._rows(self._library.lens_roots_of, c_uint64, 0, index)
        return list(rows[:written])

    def account(self, index: int, progress: Optional[Progress] = None) -> records.Account:
        """What explains the count of the object with that snapshot index."""
        row = _Account()
        while self._check(self._library.lens_account_object(
                self._self, index, SLICE_MS, byref(row)), AGAIN) == AGAIN:
            if progress is not None:
                progress("accounting", 0, 0)
        return records.Account(row.refcount, row.heap_refs, row.runtime_refs, row.root_refs,
                               row.surplus, _named(VERDICTS, row.verdict),
                               EXACTNESS[min(row.exactness, 2)])

    # ---- check ----

    def check(self, progress: Optional[Progress] = None) -> records.CheckTotals:
        self._steps(self._library.lens_check, progress)
        row = self._get(self._library.lens_check_totals_get, _CheckTotals)
        return records.CheckTotals(row.objects, row.pages, row.arenas, row.problems)

    def problems(self) -> List[records.Problem]:
        found = []
        for index in range(self._library.lens_problem_count(self._self)):
            row = self._get(self._library.lens_problem_get, _Problem, index)
            found.append(records.Problem(row.address, _named(SEVERITIES, row.severity),
                                         row.repeated, _text(row.text)))
        return found
