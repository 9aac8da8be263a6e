"""One address, one object: reads only what it needs, makes no snapshot."""

import ctypes
from ctypes import POINTER, byref, c_char, c_char_p, c_size_t, c_uint32, c_uint64
from typing import Any, List, Optional, Tuple

from .. import records
from .abi import (CORRUPT, COUNT, NONE, NOT_FOUND, OK, STATUS, UNREADABLE, UNSUPPORTED, LensPointer,
                  as_text, declare, flag_set, named, struct, u32, u64)
from .base import TEXT_BYTES
from .model import Model

NAME_BYTES = 512
PLACES = ("nothing", "object", "dying", "buffer", "freed", "fresh", "free_page", "arena_meta",
          "heap_meta", "unreadable", "damaged", "quarantined", "touched")
REF_KINDS = ("", "strong", "weak", "borrowed", "opaque")
STATES = ("immortal", "dying", "candidate", "held", "finalized", "weakly", "interned",
          "saturated", "damaged", "shared")

LocationStruct = struct("lens_location", *u32("place", "heap", "arena", "page"),
                        *u64("base", "block_bytes", "offset"))
ObjectStruct = struct("lens_object", *u64("address", "size_bytes"),
                      *u32("type", "refcount", "state", "heap", "arena", "reserved"))
RefStruct = struct("lens_ref", *u64("slot_address", "target"), *u32("kind", "slot"),
                   *u64("element"), *u32("part", "target_place"))
FieldStruct = struct("lens_field", ("name", c_char_p), ("kind", c_char_p), *u64("address"),
                     *u32("width", "reserved"), ("text", c_char * 96))

declare({
    "lens_locate": (STATUS, [LensPointer, c_uint64, POINTER(LocationStruct)]),
    "lens_object_at": (STATUS, [LensPointer, c_uint64, POINTER(ObjectStruct)]),
    "lens_object_text": (STATUS, [LensPointer, c_uint64, c_uint32, c_uint32, c_char_p, c_size_t]),
    "lens_object_value": (STATUS, [LensPointer, c_uint64, c_char_p]),
    "lens_object_refs": (STATUS, [LensPointer, c_uint64, c_uint64, c_uint64, POINTER(RefStruct),
                                  COUNT, COUNT]),
    "lens_ref_text": (STATUS, [LensPointer, c_uint64, POINTER(RefStruct), c_char_p, c_size_t]),
    "lens_object_fields": (STATUS, [LensPointer, c_uint64, c_uint64, c_uint64,
                                    POINTER(FieldStruct), COUNT, COUNT]),
})


class One(Model):
    """See the file's head."""

    def locate(self, address: int) -> records.Location:
        row = self._get(self._library.lens_locate, LocationStruct, address)
        return records.Location(named(PLACES, row.place), row.heap, row.arena, row.page,
                                row.base, row.block_bytes, row.offset)

    def object_at(self, address: int) -> Optional[records.Object]:
        """The live or dying object at exactly that address."""
        row = ObjectStruct()
        status = self._library.lens_object_at(self._self, address, byref(row))
        if self._check(status, NOT_FOUND, UNREADABLE, CORRUPT) != OK:
            return None
        return self._object(row)

    def _object(self, row: Any) -> records.Object:
        # A damaged object has none of its heap's types.
        name = "?" if row.type == NONE else self.type(row.type).name
        return records.Object(row.address, row.size_bytes, row.type, name, row.refcount,
                              flag_set(STATES, row.state), row.heap, row.arena)

    def object_value(self, address: int) -> str:
        """The value as it stands in rows and records; "" where none is known."""
        return self._text(self._library.lens_object_value(self._self, address, self._text_buffer))

    def object_text(self, address: int, depth: int, width: int) -> str:
        """A text of the value, so deep and wide; "" where none is known."""
        return self._text(self._library.lens_object_text(self._self, address, depth, width,
                                                         self._text_buffer, TEXT_BYTES))

    def _text(self, status: int) -> str:
        buffer = self._text_buffer
        if self._check(status, NOT_FOUND, UNREADABLE, CORRUPT, UNSUPPORTED) != OK:
            return ""
        return as_text(buffer.value)

    def references(self, address: int, first: int, capacity: int
                   ) -> Tuple[List[records.Reference], int]:
        """The references of one object from the first-th on (capacity 0: all), and how many."""
        rows, written, total = self._rows(self._library.lens_object_refs, RefStruct, capacity,
                                          address, first)
        return [self._reference(address, rows[index]) for index in range(written)], total

    def _reference(self, holder: int, row: Any) -> records.Reference:
        buffer = ctypes.create_string_buffer(NAME_BYTES)
        status = self._library.lens_ref_text(self._self, holder, byref(row), buffer, NAME_BYTES)
        known = self._check(status, NOT_FOUND, UNREADABLE, CORRUPT) == OK
        name = as_text(buffer.value) if known else f"+{row.slot_address - holder:#x}"
        return records.Reference(row.slot_address, row.target, named(REF_KINDS, row.kind), name,
                                 named(PLACES, row.target_place))

    def fields(self, address: int, first: int, capacity: int) -> Tuple[List[records.Field], int]:
        rows, written, total = self._rows(self._library.lens_object_fields, FieldStruct, capacity,
                                          address, first)
        return [records.Field(as_text(row.name), as_text(row.kind), row.address, row.width,
                              as_text(row.text)) for row in rows[:written]], total
