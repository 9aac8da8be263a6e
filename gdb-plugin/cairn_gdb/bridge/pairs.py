"""Pairing: which release goes with which retain, and what is left over."""

from ctypes import POINTER, byref, c_uint32, c_uint64
from typing import Any, List, Optional, Tuple

from .. import records
from .abi import (COUNT, NONE, NOT_FOUND, OK, STATUS, STEP, LensPointer, Progress, declare, named,
                  struct, u32, u64)
from .audit import Audit
from .tracking import EVENT_OPS

SURENESS = ("certain", "likely", "possible")
FATES = ("none", "paired", "held", "root", "gone", "lost", "unmatched", "cut")

PairSiteStruct = struct("lens_pair_site", *u64("caller", "function"),
                        *u32("heap", "site", "inner", "reserved"))
PairingStruct = struct("lens_pairing", *u64("object", "serial"), *u32("heap", "type"),
                       *u64("deed_count", "lost_refs"),
                       *u32("freed", "cut", "gaps", "unmatched_count"))
DeedStruct = struct("lens_deed", *u64("sequence", "partner"),
                    *u32("op", "count", "thread", "site", "inner", "fate", "guessed", "known"),
                    *u64("holder"))
UnmatchedStruct = struct("lens_unmatched", *u32("site", "op", "inner", "sureness"),
                         *u64("count", "objects", "partner_count"),
                         *u32("partner", "other_count"), ("others", c_uint32 * 4),
                         *u32("other_more", "reserved"))

declare({
    "lens_pairs_read": (STATUS, STEP),
    "lens_pair_site_count": (c_uint64, [LensPointer]),
    "lens_pair_site_get": (STATUS, [LensPointer, c_uint64, POINTER(PairSiteStruct)]),
    "lens_pair_function_set": (STATUS, [LensPointer, c_uint64, c_uint64, c_uint32]),
    "lens_pairs_learn": (STATUS, STEP),
    "lens_pairing_of": (STATUS, [LensPointer, c_uint64, c_uint64, *STEP[1:],
                                 POINTER(PairingStruct)]),
    "lens_deeds": (STATUS, [LensPointer, c_uint64, c_uint64, POINTER(DeedStruct), COUNT, COUNT]),
    "lens_unmatched_rows": (STATUS, [LensPointer, c_uint64, POINTER(UnmatchedStruct), COUNT,
                                     COUNT]),
    "lens_blame": (STATUS, STEP),
    "lens_blame_rows": (STATUS, [LensPointer, c_uint64, POINTER(UnmatchedStruct), COUNT, COUNT,
                                 COUNT]),
})


class Pairs(Audit):
    """See the file's head."""

    def read_pairs(self, progress: Optional[Progress] = None) -> bool:
        """Reads the events of all heaps; False: no heap records events."""
        if self._check(self._library.lens_pairs_read(self._self, 1, None), 1, NOT_FOUND
                       ) == NOT_FOUND:
            return False
        self._steps(self._library.lens_pairs_read, progress)
        return True

    def learn_pairs(self, progress: Optional[Progress] = None) -> None:
        """Learns from balanced objects; live ones teach where an audit was made."""
        self._steps(self._library.lens_pairs_learn, progress)

    def pair_site_count(self) -> int:
        return int(self._library.lens_pair_site_count(self._self))

    def pair_site(self, index: int) -> records.PairSite:
        row = self._get(self._library.lens_pair_site_get, PairSiteStruct, index)
        return records.PairSite(row.caller, row.heap, row.site)

    def set_pair_function(self, index: int, function: int, inner: bool) -> None:
        """Says which function a place is in: any number that is the same for the same one, 0: not
        known; and whether it is a container's own, inlined into the program."""
        self._check(self._library.lens_pair_function_set(self._self, index, function, int(inner)))

    def pairing(self, heap: int, serial: int, progress: Optional[Progress] = None
                ) -> Optional[records.Pairing]:
        """Pairs the events of one object, after an audit; None: none is left.  deeds() and
        unmatched() tell the rest."""
        row = PairingStruct()
        status = self._steps(lambda lens, slice_ms, state: self._library.lens_pairing_of(
            lens, heap, serial, slice_ms, state, byref(row)), progress, NOT_FOUND)
        return self._pairing(row) if status == OK else None

    @staticmethod
    def _pairing(row: Any) -> records.Pairing:
        return records.Pairing(row.object, row.serial, row.heap, row.deed_count, row.lost_refs,
                               bool(row.freed), bool(row.cut), bool(row.gaps),
                               row.unmatched_count)

    def deeds(self) -> List[records.Deed]:
        """The events of the last pairing, in order."""
        rows, written, _ = self._rows(self._library.lens_deeds, DeedStruct, 0, 0)
        return [records.Deed(row.sequence, row.partner, named(EVENT_OPS, row.op), row.count,
                             row.thread, row.site, bool(row.inner), named(FATES, row.fate),
                             bool(row.guessed), bool(row.known), row.holder)
                for row in rows[:written]]

    def unmatched(self) -> List[records.Unmatched]:
        """What is left over of the last pairing, by place."""
        rows, written, _ = self._rows(self._library.lens_unmatched_rows, UnmatchedStruct, 0)
        return [self._unmatched(row) for row in rows[:written]]

    @staticmethod
    def _unmatched(row: Any) -> records.Unmatched:
        return records.Unmatched(
            None if row.site == NONE else row.site, named(EVENT_OPS, row.op), bool(row.inner),
            named(SURENESS, row.sureness), row.count, row.objects,
            None if row.partner == NONE else row.partner, row.partner_count,
            tuple(row.others[:row.other_count]), row.other_more)

    def blame(self, progress: Optional[Progress] = None
              ) -> Tuple[List[records.Unmatched], int]:
        """What is left over of all findings, by place; and how many have no event left."""
        self._steps(self._library.lens_blame, progress)
        written, total, silent = c_uint64(), c_uint64(), c_uint64()
        ask = self._library.lens_blame_rows
        self._check(ask(self._self, 0, None, byref(written), byref(total), byref(silent)))
        rows = (UnmatchedStruct * max(1, total.value))()
        self._check(ask(self._self, total.value, rows, byref(written), byref(total),
                        byref(silent)))
        return [self._unmatched(row) for row in rows[:written.value]], silent.value
