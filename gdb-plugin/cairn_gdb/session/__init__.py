"""One program under the debugger, as every question meets it.

    session.py    its lens, its snapshot, the rows of the last listing
    target.py     what it needs of the debugger: an interface, no more
    moments.py    what was on the heap at a time, under a name or in a file
    tracked.py    what the program tracked of one object

Pure: the program is reached through the interface Target alone.  Imports outside, bridge, records.

What this is not: it puts nothing together for a reader (findings/ does) and prints nothing.
"""

from .session import Session, type_names
from .target import Target

__all__ = ["Session", "Target", "type_names"]
