"""The integrity of the heap, and the problems that were met."""

from ctypes import POINTER, c_char_p, c_uint64
from typing import List, Optional

from .. import records
from .abi import STATUS, STEP, LensPointer, Progress, as_text, declare, named, struct, u32, u64
from .base import Base

SEVERITIES = ("note", "warning", "damage")

CheckTotalsStruct = struct("lens_check_totals", *u64("objects", "pages", "arenas", "problems"))
ProblemStruct = struct("lens_problem", *u64("address"), *u32("severity", "repeated"),
                       ("text", c_char_p))

declare({
    "lens_check": (STATUS, STEP),
    "lens_check_totals_get": (STATUS, [LensPointer, POINTER(CheckTotalsStruct)]),
    "lens_problem_count": (c_uint64, [LensPointer]),
    "lens_problem_get": (STATUS, [LensPointer, c_uint64, POINTER(ProblemStruct)]),
})


class Check(Base):
    """See the file's head."""

    def check(self, progress: Optional[Progress] = None) -> records.CheckTotals:
        self._steps(self._library.lens_check, progress)
        row = self._get(self._library.lens_check_totals_get, CheckTotalsStruct)
        return records.CheckTotals(row.objects, row.pages, row.arenas, row.problems)

    def problems(self) -> List[records.Problem]:
        found = []
        for index in range(self._library.lens_problem_count(self._self)):
            row = self._get(self._library.lens_problem_get, ProblemStruct, index)
            found.append(records.Problem(row.address, named(SEVERITIES, row.severity),
                                         row.repeated, as_text(row.text)))
        return found
