"""Raw memory of the target: its regions, threads and bytes."""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_uint32, c_uint64, c_void_p
from typing import Any, List, Sequence

from .. import records
from .abi import COUNT, STATUS, LensPointer, as_text, declare, flag_set, struct, u32, u64
from .base import Base

REGION_FLAGS = ("read", "write", "execute", "file", "stack", "absent")

RegionStruct = struct("lens_region", *u64("start", "end"), *u32("flags", "reserved"),
                      ("name", c_char_p))
ThreadStruct = struct("lens_thread", *u64("id", "pc", "sp"), *u32("register_count", "reserved"))

declare({
    "lens_refresh": (None, [LensPointer]),
    "lens_region_add": (STATUS, [LensPointer, POINTER(RegionStruct)]),
    "lens_regions_clear": (None, [LensPointer]),
    "lens_region_count": (c_uint64, [LensPointer]),
    "lens_region_get": (STATUS, [LensPointer, c_uint64, POINTER(RegionStruct)]),
    "lens_thread_count": (c_uint64, [LensPointer]),
    "lens_thread_get": (STATUS, [LensPointer, c_uint64, POINTER(ThreadStruct)]),
    "lens_thread_register": (STATUS, [LensPointer, c_uint64, c_uint32, POINTER(c_char_p), COUNT]),
    "lens_read": (STATUS, [LensPointer, c_uint64, c_uint64, c_void_p, COUNT]),
})


class Memory(Base):
    """See the file's head."""

    def refresh(self) -> None:
        """Forgets what was read; the target ran."""
        self._types.clear()
        self._library.lens_refresh(self._self)

    def set_regions(self, regions: Sequence[records.Region]) -> None:
        self._library.lens_regions_clear(self._self)
        for region in regions:
            flags = sum(1 << bit for bit, name in enumerate(REGION_FLAGS)
                        if name in region.flags)
            row = RegionStruct(region.start, region.end, flags, 0,
                               region.name.encode("utf-8", "surrogateescape"))
            self._check(self._library.lens_region_add(self._self, byref(row)))

    def regions(self) -> List[records.Region]:
        return [self._region(self._get(self._library.lens_region_get, RegionStruct, index))
                for index in range(self._library.lens_region_count(self._self))]

    @staticmethod
    def _region(row: Any) -> records.Region:
        return records.Region(row.start, row.end, flag_set(REGION_FLAGS, row.flags),
                              as_text(row.name))

    def threads(self) -> List[records.Thread]:
        """Threads of a core file; none for a lens over a reader."""
        found = []
        for index in range(self._library.lens_thread_count(self._self)):
            row = self._get(self._library.lens_thread_get, ThreadStruct, index)
            registers = []
            for number in range(row.register_count):
                name, value = c_char_p(), c_uint64()
                self._check(self._library.lens_thread_register(
                    self._self, index, number, byref(name), byref(value)))
                registers.append((as_text(name.value), value.value))
            found.append(records.Thread(row.id, row.pc, row.sp, tuple(registers)))
        return found

    def read(self, address: int, size: int) -> bytes:
        """The readable prefix of [address, address + size)."""
        buffer = ctypes.create_string_buffer(size)
        count = c_uint64()
        self._check(self._library.lens_read(self._self, address, size, buffer, byref(count)))
        return buffer.raw[:count.value]
