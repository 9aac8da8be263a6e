"""What the lens and the target answer, as plain data.

Pure: no gdb, no ctypes, no text for the user.  Addresses are ints, sizes are bytes.  The field
names are the words of lens.h; enumerations are given by name, so that no other room knows the
numbers.  A question a file; all names are here.
"""

from .answer import (CONSERVATIVE, EVERYTHING, EXACT, EXACTNESS, TOLERANT, UNBOUNDED, Filter,
                     Range, Result, Value, least_sure)
from .heap import (GONE, Arena, CheckTotals, CountCensus, Heap, Location, Page, Problem,
                   RootRecord, Type, TypeCensus, WalkTotals)
from .moments import DiffObject, DiffRow, DiffTotals, MomentInfo
from .objects import Account, Field, Head, Object, Reference, Referrer, Root, Shortcut
from .program import Identity, Place, Region, Section, Stop, Store, Thread
from .reach import PathTotals, Retained, RetainedRoot, RetainedTotals, RetainedType, Way
from .tracking import Deed, Event, Misuses, PairSite, Pairing, Site, Track, Tracking, Unmatched
from .wrong import (AuditTotals, CollectRow, Collected, Cycle, CycleBreak, CycleGroup,
                    CycleOpened, CycleSlot, CyclesTotals, Finding, Leak, LeakCensus, LeakTotals)

__all__ = ["CONSERVATIVE", "EVERYTHING", "EXACT", "EXACTNESS", "TOLERANT", "UNBOUNDED", "Account",
           "Arena", "AuditTotals", "CheckTotals", "CollectRow", "Collected", "CountCensus", "Cycle",
           "CycleBreak", "CycleGroup", "CycleOpened", "CycleSlot", "CyclesTotals",
           "Deed", "DiffObject", "DiffRow", "DiffTotals", "Event", "Field", "Filter", "Finding",
           "GONE", "Head", "Heap", "Identity", "Leak", "LeakCensus", "LeakTotals", "Location",
           "Misuses", "MomentInfo",
           "Object", "Page", "PairSite", "Pairing", "PathTotals", "Place", "Problem", "Range",
           "Reference", "Referrer", "Region", "Result", "Retained", "RetainedRoot",
           "RetainedTotals", "RetainedType", "Root", "RootRecord", "Section", "Shortcut", "Site",
           "Stop", "Store", "Thread", "Track", "Tracking", "Type", "TypeCensus", "Unmatched",
           "Value", "WalkTotals", "Way", "least_sure"]
