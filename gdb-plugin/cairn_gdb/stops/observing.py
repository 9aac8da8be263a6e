"""Objects of heaps that are not tracked, on their way past the probes.

Imports gdb.  Objects are made by a few instructions that are compiled into the program, which pass
no probe.  GDB raises the semaphore of a probe that has a breakpoint, and lowers it when the
breakpoint goes, is disabled, or the program is left alone; while it is raised, the runtime sends
each object past the probes.  It takes notice on its slow ways, some dozen objects later, so that of
a program that runs already the next objects would be missed: here they are not, by the two words
that docs/CONTRACT.md lets a debugger store.

What this is not: needed for a program that is started with its breakpoints set, or to undo
anything: the runtime takes the words back itself.
"""

from __future__ import annotations

import re
from typing import Dict, List

import gdb

from ..errors import CairnError
from ..session import Session

_asked: Dict[int, int] = {}  # by inferior: the process whose heaps were told


def tell(session: Session) -> List[int]:
    """Sends the objects of each heap past the probes, from the next one on.  The heaps that can't:
    their runtime knows no such thing, and they are not tracked."""
    inferior = gdb.selected_inferior()
    blind = []
    for heap in session.lens.heaps():
        stores = session.lens.observe_stores(heap.position)
        tracking = session.lens.tracking(heap.position)
        if stores is None:
            if tracking is None or not tracking.on:
                blind.append(heap.position)
            continue
        for store in stores:
            inferior.write_memory(store.address, store.value.to_bytes(store.width, "little"))
    _asked[inferior.num] = inferior.pid
    return blind


def tell_once(session: Session) -> None:
    """As `tell`, where this process was not told: it was attached, breakpoints set before."""
    inferior = gdb.selected_inferior()
    if inferior.pid == 0 or _asked.get(inferior.num) == inferior.pid:
        return
    try:
        if session.identity.kind != "core":
            tell(session)
    except (CairnError, gdb.error):
        pass  # no heap yet: what is made from now on finds the semaphore raised
    _asked[inferior.num] = inferior.pid


def forget(number: int) -> None:
    """The inferior's program is gone, or goes on unobserved."""
    _asked.pop(number, None)


def is_listened_for(probe: str) -> bool:
    """Whether the runtime that GDB has the file of takes notice of breakpoints at the probe; true
    too where it has none yet."""
    try:
        said = gdb.execute(f"info probes stap ^cairn$ ^{probe}$", to_string=True)
    except gdb.error:
        return True
    places = re.findall(rf"^stap\s+cairn\s+{probe}\s+(0x[0-9a-f]+)(\s+0x[0-9a-f]+)?", said,
                        re.MULTILINE)
    return not places or any(semaphore for _, semaphore in places)
