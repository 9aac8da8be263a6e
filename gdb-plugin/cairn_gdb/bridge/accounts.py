"""Roots, and who accounts for a count."""

from ctypes import POINTER, byref, c_int64, c_uint32, c_uint64
from typing import List, Optional, Tuple

from .. import records
from ..records import EXACTNESS
from .abi import (AGAIN, COUNT, NONE, SLICE_MS, STATUS, LensPointer, Progress, declare, named,
                  struct, u32, u64)
from .memory import RegionStruct
from .snapshot import Snapshot

ROOT_KINDS = ("arg", "local", "static", "global", "tls", "register", "word", "foreign")
VERDICTS = ("balanced", "over-retained", "under-retained", "immortal", "unknown")

RootStruct = struct("lens_root", *u64("slot_address", "value"),
                    *u32("object", "kind", "confidence", "interior", "thread", "frame"),
                    *u64("tag"), *u32("unmerged", "reserved"))
AccountStruct = struct("lens_account", *u64("refcount", "heap_refs", "runtime_refs", "root_refs"),
                       ("surplus", c_int64), *u32("verdict", "exactness"))

declare({
    "lens_roots_clear": (None, [LensPointer]),
    "lens_root_add": (STATUS, [LensPointer, POINTER(RootStruct)]),
    "lens_roots_scan": (STATUS, [LensPointer, c_uint64, c_uint64, c_uint32, c_uint32, c_uint32,
                                 COUNT, COUNT]),
    "lens_foreign_ranges": (STATUS, [LensPointer, c_uint64, POINTER(RegionStruct), COUNT, COUNT]),
    "lens_root_count": (c_uint64, [LensPointer]),
    "lens_root_get": (STATUS, [LensPointer, c_uint64, POINTER(RootStruct)]),
    "lens_roots_of": (STATUS, [LensPointer, c_uint32, c_uint64, COUNT, COUNT, COUNT]),
    "lens_account_object": (STATUS, [LensPointer, c_uint32, c_uint32, POINTER(AccountStruct)]),
})


class Accounts(Snapshot):
    """See the file's head."""

    def clear_roots(self) -> None:
        self._library.lens_roots_clear(self._self)

    def add_root(self, root: records.Root, tag: int = 0) -> None:
        """Adds a slot outside the heap; needs a snapshot.  `tag` is handed back by root()."""
        row = RootStruct(root.slot_address, root.value, NONE, ROOT_KINDS.index(root.kind),
                         EXACTNESS.index(root.confidence), int(root.interior),
                         NONE if root.thread is None else root.thread,
                         NONE if root.frame is None else root.frame, tag, int(root.unmerged), 0)
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
        rows, written, _ = self._rows(self._library.lens_foreign_ranges, RegionStruct, 0)
        return [self._region(row) for row in rows[:written]]

    def root_count(self) -> int:
        return int(self._library.lens_root_count(self._self))

    def root(self, index: int) -> Tuple[records.Root, int]:
        """A root and the tag that it was added with."""
        row = self._get(self._library.lens_root_get, RootStruct, index)
        return records.Root(
            row.slot_address, row.value, named(ROOT_KINDS, row.kind),
            EXACTNESS[min(row.confidence, 2)], "", None if row.thread == NONE else row.thread,
            None if row.frame == NONE else row.frame, bool(row.interior),
            None if row.object == NONE else row.object, bool(row.unmerged)), row.tag

    def roots_of(self, index: int) -> List[int]:
        """The roots (numbers for root()) that hold the object with that snapshot index."""
        rows, written, _ = self._rows(self._library.lens_roots_of, c_uint64, 0, index)
        return list(rows[:written])

    def account(self, index: int, progress: Optional[Progress] = None) -> records.Account:
        """What explains the count of the object with that snapshot index."""
        row = AccountStruct()
        while self._check(self._library.lens_account_object(
                self._self, index, SLICE_MS, byref(row)), AGAIN) == AGAIN:
            if progress is not None:
                progress("accounting", 0, 0)
        return records.Account(row.refcount, row.heap_refs, row.runtime_refs, row.root_refs,
                               row.surplus, named(VERDICTS, row.verdict),
                               EXACTNESS[min(row.exactness, 2)])
