"""The model: root records, heaps, arenas, pages and types; no object is read."""

from ctypes import POINTER, byref, c_char_p, c_uint32, c_uint64
from typing import List, Optional

from .. import records
from .abi import (AGAIN, CORRUPT, NOT_FOUND, OK, SLICE_MS, STATUS, UNREADABLE, UNSUPPORTED,
                  LensPointer, Progress, as_text, declare, named, struct, u32, u64)
from .memory import Memory

PAGE_KINDS = ("free", "meta", "blocks", "large", "large_tail", "damaged")
FOUND = ("", "hint", "note", "scan")

RootRecordStruct = struct("lens_root_record", *u64("address"), *u32("major", "found"),
                          ("runtime", c_char_p), *u64("heap_count"))
HeapStruct = struct(
    "lens_heap", *u64("address", "id"), ("name", c_char_p),
    *u64("object_count", "buffer_count", "used_bytes", "reserved_bytes", "returned_bytes",
         "limit_bytes", "external_bytes", "arena_count", "collection_count", "collected_count",
         "candidate_count", "flux_object"),
    ("flux", c_char_p), *u32("type_count", "root_record", "shared", "manual_collection"),
    *u64("soft_limit_bytes", "taken_bytes", "peak_bytes", "group_limit_bytes",
         "group_taken_bytes"), ("group", c_char_p))
ArenaStruct = struct(
    "lens_arena", *u64("address", "bytes", "page_bytes", "page_count", "page_free_count"),
    *u32("heap", "reserved"),
    *u64("blocks_used", "blocks_free", "bytes_used", "side", "side_bytes"))
PageStruct = struct("lens_page", *u64("address", "bytes", "block_bytes"),
                    *u32("kind", "block_count", "fresh", "used_count", "span_pages", "reserved"))
TypeStruct = struct("lens_type", *u64("address", "size_bytes"), ("name", c_char_p),
                    ("display", c_char_p),
                    *u32("heap", "index", "slot_count", "field_count", "opaque", "acyclic",
                         "builtin", "damaged"))

ShortcutStruct = struct(
    "lens_shortcut",
    *u64("live", "dying", "buffer", "quarantined", "saturated", "count_mask", "type_mask",
         "arena_alignment"),
    *u32("type_shift", "arena_heap", "heap_id", "reserved"))

OBSERVE_STORES = 2
StoreStruct = struct("lens_store", *u64("address", "value"), *u32("width", "reserved"))

declare({
    "lens_observe_stores": (STATUS, [LensPointer, c_uint64, POINTER(StoreStruct),
                                     POINTER(c_uint64)]),
    "lens_shortcut_get": (STATUS, [LensPointer, POINTER(ShortcutStruct)]),
    "lens_root_hint": (STATUS, [LensPointer, c_uint64]),
    "lens_model_load": (STATUS, [LensPointer, c_uint32]),
    "lens_root_record_count": (c_uint64, [LensPointer]),
    "lens_root_record_get": (STATUS, [LensPointer, c_uint64, POINTER(RootRecordStruct)]),
    "lens_heap_count": (c_uint64, [LensPointer]),
    "lens_heap_get": (STATUS, [LensPointer, c_uint64, POINTER(HeapStruct)]),
    "lens_arena_count": (c_uint64, [LensPointer]),
    "lens_arena_get": (STATUS, [LensPointer, c_uint64, POINTER(ArenaStruct)]),
    "lens_page_get": (STATUS, [LensPointer, c_uint64, c_uint64, POINTER(PageStruct)]),
    "lens_type_count": (c_uint64, [LensPointer]),
    "lens_type_get": (STATUS, [LensPointer, c_uint64, POINTER(TypeStruct)]),
    "lens_external_get": (STATUS, [LensPointer, c_uint64, c_uint64, POINTER(c_uint64)]),
})


class Model(Memory):
    """See the file's head."""

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
        return as_text(self._library.lens_error(self._self))

    def root_records(self) -> List[records.RootRecord]:
        count = self._library.lens_root_record_count(self._self)
        rows = (self._get(self._library.lens_root_record_get, RootRecordStruct, index)
                for index in range(count))
        return [records.RootRecord(row.address, row.major, named(FOUND, row.found),
                                   as_text(row.runtime), row.heap_count) for row in rows]

    def heaps(self) -> List[records.Heap]:
        return [self._heap(index) for index in range(self._library.lens_heap_count(self._self))]

    def _heap(self, index: int) -> records.Heap:
        row = self._get(self._library.lens_heap_get, HeapStruct, index)
        return records.Heap(
            index, row.address, row.id, as_text(row.name), row.object_count, row.buffer_count,
            row.used_bytes, row.reserved_bytes, row.returned_bytes, row.limit_bytes,
            row.external_bytes, row.arena_count, row.collection_count, row.collected_count,
            row.candidate_count, row.flux_object, as_text(row.flux), row.type_count,
            bool(row.shared), row.soft_limit_bytes, row.taken_bytes, row.peak_bytes,
            row.group_limit_bytes, row.group_taken_bytes, as_text(row.group) if row.group else None,
            bool(row.manual_collection))

    def shortcut(self) -> Optional[records.Shortcut]:
        """How to look at one object without the lens; None where the program is not so simple."""
        row = ShortcutStruct()
        status = self._library.lens_shortcut_get(self._self, byref(row))
        if self._check(status, UNSUPPORTED) != OK:
            return None
        return records.Shortcut(row.live, row.dying, row.buffer, row.quarantined, row.saturated,
                                row.count_mask, row.type_mask, row.type_shift,
                                row.arena_alignment, row.arena_heap, row.heap_id)

    def observe_stores(self, heap: int) -> Optional[List[records.Store]]:
        """What to store for the heap's next object to pass the probes; None where nothing does."""
        rows, written = (StoreStruct * OBSERVE_STORES)(), c_uint64()
        status = self._library.lens_observe_stores(self._self, heap, rows, byref(written))
        if self._check(status, UNSUPPORTED, CORRUPT, UNREADABLE) != OK:
            return None
        return [records.Store(row.address, row.value, row.width) for row in rows[:written.value]]

    def external_bytes(self, heap: int, address: int) -> int:
        """What an object keeps outside its heap; 0 too where that can't be read."""
        found = c_uint64()
        status = self._library.lens_external_get(self._self, heap, address, byref(found))
        return found.value if self._check(status, UNREADABLE, CORRUPT) == OK else 0

    def arenas(self) -> List[records.Arena]:
        found = []
        for index in range(self._library.lens_arena_count(self._self)):
            row = self._get(self._library.lens_arena_get, ArenaStruct, index)
            found.append(records.Arena(
                index, row.address, row.bytes, row.page_bytes, row.page_count,
                row.page_free_count, row.heap, row.blocks_used, row.blocks_free,
                row.bytes_used, row.side, row.side_bytes))
        return found

    def page(self, arena: int, page: int) -> records.Page:
        row = self._get(self._library.lens_page_get, PageStruct, arena, page)
        return records.Page(row.address, row.bytes, row.block_bytes,
                            named(PAGE_KINDS, row.kind), row.block_count, row.fresh,
                            row.used_count, row.span_pages)

    def types(self) -> List[records.Type]:
        return [self.type(index) for index in range(self._library.lens_type_count(self._self))]

    def type(self, index: int) -> records.Type:
        known = self._types.get(index)
        if known is None:
            row = self._get(self._library.lens_type_get, TypeStruct, index)
            known = records.Type(
                index, row.address, row.size_bytes, as_text(row.name), as_text(row.display),
                row.heap, bool(row.opaque), bool(row.acyclic), bool(row.builtin),
                bool(row.damaged), row.slot_count, row.field_count)
            self._types[index] = known
        return known
