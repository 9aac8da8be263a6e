"""The lens, as Python sees it: the one room that imports ctypes.

Declares what the plugin calls of lens.h, turns statuses into exceptions and rows into records.

A part a file, each with the structs, functions and enumerations of one header below lens/: abi.py
is what they are written with, base.py one lens and how it is called.  Invariants:

 - A function of the lens that fails raises; what it returns is complete.
 - An exception in the reader's callback would be swallowed by ctypes: it is kept, the lens is
   told to stop, and it is raised from the call that the lens was in.  ^C that was pressed while
   the lens worked comes at the callback's entry, where nothing can be kept: the lens sees that it
   got no answer, and the call ends as cancelled.
 - Long work goes in slices of SLICE_MS; between two slices Python sees ^C.
 - Texts are copied out of the lens at once.

What this is not: it knows nothing of GDB and nothing of what a command wants.
"""

from .abi import ABI
from .check import Check
from .graph import Graph
from .leaks import Leaks
from .library import load_library
from .moments import Diff, Moment, Moments, is_moment_file
from .pairs import Pairs
from .paths import Paths
from .tracking import Tracking

__all__ = ["ABI", "Diff", "Lens", "Moment", "is_moment_file", "load_library"]


class Lens(Tracking, Pairs, Graph, Leaks, Moments, Paths, Check):
    """One lens over one program or core: all parts."""
