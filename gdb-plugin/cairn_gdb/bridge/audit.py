"""The audit: counts that are not explained."""

from ctypes import POINTER, byref, c_char_p, c_int64, c_uint32, c_uint64
from typing import Any, List, Optional, Tuple

from .. import records
from ..records import EXACTNESS
from .abi import (COUNT, NONE, NOT_FOUND, STATUS, LensPointer, Progress, ProgressStruct, declare,
                  flag_set, named, struct, u32, u64)
from .accounts import VERDICTS, Accounts

DOUBTS = ("stand-in", "flux", "opaque", "unreadable", "roots", "guessed", "stale")

AuditFilterStruct = struct("lens_audit_filter", ("type_glob", c_char_p),
                           *u32("roots_missing", "guessed"))
AuditTotalsStruct = struct(
    "lens_audit_totals",
    *u64("balanced", "over", "under", "immortal", "unknown", "over_doubtful", "under_doubtful",
         "freed", "stray", "guessed", "surplus", "deficit", "findings"),
    *u32("exactness", "reserved"))
FindingStruct = struct(
    "lens_finding", *u64("address"), *u32("object", "verdict"), ("surplus", c_int64),
    *u64("refcount", "heap_refs", "runtime_refs", "root_refs", "guessed_refs", "size_bytes"),
    *u32("type", "doubts"))

declare({
    "lens_audit": (STATUS, [LensPointer, POINTER(AuditFilterStruct), c_uint32,
                            POINTER(ProgressStruct)]),
    "lens_audit_totals_get": (STATUS, [LensPointer, POINTER(AuditTotalsStruct)]),
    "lens_finding_at": (STATUS, [LensPointer, c_uint64, POINTER(FindingStruct)]),
    "lens_findings": (STATUS, [LensPointer, c_uint64, POINTER(FindingStruct), COUNT, COUNT]),
})


class Audit(Accounts):
    """See the file's head."""

    def audit(self, type_glob: str = "", roots_missing: bool = False, guessed: bool = False,
              progress: Optional[Progress] = None) -> records.AuditTotals:
        """Judges all objects by the roots that were added; `guessed`: those that are balanced only
        where raw words own them are findings too."""
        wanted = AuditFilterStruct(type_glob.encode() if type_glob else None, int(roots_missing),
                                   int(guessed))
        self._steps(lambda lens, slice_ms, state: self._library.lens_audit(
            lens, byref(wanted), slice_ms, state), progress)
        row = self._get(self._library.lens_audit_totals_get, AuditTotalsStruct)
        return records.AuditTotals(
            row.balanced, row.over, row.under, row.immortal, row.unknown, row.over_doubtful,
            row.under_doubtful, row.freed, row.stray, row.guessed, row.surplus, row.deficit,
            row.findings, EXACTNESS[min(row.exactness, 2)])

    def findings(self, capacity: int = 0) -> Tuple[List[records.Finding], int]:
        """Of the last audit, the worst first, at most `capacity` (0: all); and how many."""
        rows, written, total = self._rows(self._library.lens_findings, FindingStruct, capacity)
        return [self._finding(row) for row in rows[:written]], total

    def finding_at(self, address: int) -> Optional[records.Finding]:
        """Of the last audit, the one at the address."""
        row = FindingStruct()
        status = self._check(self._library.lens_finding_at(self._self, address, byref(row)),
                             NOT_FOUND)
        return None if status == NOT_FOUND else self._finding(row)

    @staticmethod
    def _finding(row: Any) -> records.Finding:
        doubts = flag_set(DOUBTS, row.doubts)
        sure = records.CONSERVATIVE if doubts - {"flux"} else (
            records.TOLERANT if doubts else records.EXACT)
        account = records.Account(row.refcount, row.heap_refs, row.runtime_refs, row.root_refs,
                                  row.surplus, named(VERDICTS, row.verdict), sure)
        return records.Finding(row.address, None if row.object == NONE else row.object, account,
                               row.guessed_refs, row.size_bytes,
                               None if row.type == NONE else row.type, doubts)
