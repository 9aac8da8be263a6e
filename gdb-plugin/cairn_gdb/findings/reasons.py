"""What else explains an object's count, beside the names that the picture shows.

Slots of other objects, the runtime itself, and what is left unexplained.  It needs to know who
holds whom in the whole heap: in a large one that is not worked out unasked.  Pure.
"""

from typing import Dict, List, NamedTuple, Optional, Sequence

from ..outside.holders import Scene
from ..records import Object
from ..session import Session

INDEX_MAX = 500_000  # objects: about a tenth of a second
NAMED_MAX = 3  # other holders of one object that are named


class Reason(NamedTuple):
    number: int  # of the count
    text: str  # "from elsewhere"; "" for a slot of one of the program's objects
    holder: int = 0  # address of the object
    holder_type: str = ""
    slot: str = ""


def of(session: Session, scene: Scene, rows: Sequence[Object]
       ) -> Optional[Dict[int, List[Reason]]]:
    """The reasons for each object's count; None where that would need a long search."""
    cheap = sum(heap.object_count for heap in session.lens.heaps()) <= INDEX_MAX
    if not rows or not (session.indexed or cheap):
        return None
    found = {}
    for row in rows:
        drawn = len(scene.slots.get(row.address, ()))
        mine = None if row.immortal else _of_object(session, row, drawn)
        if mine is not None:
            found[row.address] = mine
    return found


def _of_object(session: Session, row: Object, drawn: int) -> Optional[List[Reason]]:
    """`drawn`: how many of the object's holders the picture shows."""
    lens = session.snapshot(edges=True)
    index = lens.snapshot_find(row.address)
    if index is None:
        return None
    account = lens.account(index, session.target.progress)
    found = _slots(session, row) if account.heap_refs else []
    if account.heap_refs > len(found):
        more = " more" if found else ""
        found.append(Reason(account.heap_refs - len(found), f"from{more} objects"))
    if account.runtime_refs:
        found.append(Reason(account.runtime_refs, "from the runtime itself"))
    rest = row.refcount - account.heap_refs - account.runtime_refs - drawn
    if rest > 0:
        found.append(Reason(rest, "from elsewhere"))
    return found


def _slots(session: Session, row: Object) -> List[Reason]:
    """The first slots of objects that own a reference."""
    lens = session.lens
    rows, _ = lens.referrers(row.address, NAMED_MAX, session.target.progress)
    found = []
    for one in rows:
        if one.reference.kind in ("strong", "opaque"):
            holder = lens.object_at(one.holder)
            known = "" if holder is None else session.runtime_name(holder)
            found.append(Reason(1, f"from {known}" if known else "", one.holder,
                                "object" if holder is None else holder.type_name,
                                one.reference.slot_name))
    return found


def text(reason: Reason, labels: Dict[int, str]) -> str:
    """`+1 from list @2[3]`; `labels`: how the objects of the picture are called."""
    if reason.text:
        return f"+{reason.number:,} {reason.text}"
    who = f"{reason.holder_type} {labels.get(reason.holder) or hex(reason.holder)}"
    slot = reason.slot
    if slot and slot[0].isalpha():
        slot = f" {slot}" if " " in slot else f".{slot}"
    return f"+{reason.number} from {who}{slot}"
