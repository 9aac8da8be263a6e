"""Findings of the audit as they are shown: the object, who holds it, what may explain it.

The lens judges all objects; here the few rows that are shown get their words.  Pure.
"""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Tuple

from .. import records
from ..outside.rootset import in_order
from ..records import Finding, Object, Referrer, Root
from ..session import Session

HOLDERS_MAX = 6  # of one object, that are named

# What may explain a count that nothing explains, in words.
DOUBTS = {
    "stand-in": "a register or a word of the stack holds it, and in optimised code one such place "
                "may stand for several references",
    "flux": "its heap was stopped while references were on their way",
    "opaque": "an object of an opaque type may hold it unseen",
    "unreadable": "a part of the heaps is damaged or can't be read, and may hold it",
    "roots": "not every thread could be searched",
    "stale": "a word leads to it that lies in a block which malloc seems to have got back",
    "guessed": "it is right only if a word that looks like a reference is one, and not a stale one",
}


class Holder(NamedTuple):
    """Who explains a part of a count: an object's slot, or a root."""

    referrer: Optional[Referrer]
    object: Optional[Object]  # the referrer's
    root: Optional[Root]


class Suspect(NamedTuple):
    finding: Finding
    object: Object  # of a freed one: what is known of it, with a count of 0
    freed: bool
    holders: Sequence[Holder]  # the first HOLDERS_MAX
    holder_count: int  # all that own it, and of an over-retained one all that may


def suspects(session: Session, findings: Sequence[Finding]) -> List[Suspect]:
    """The findings with what is shown of them."""
    return [_suspect(session, finding) for finding in findings]


def _suspect(session: Session, finding: Finding) -> Suspect:
    lens = session.lens
    row = None if finding.object is None else lens.snapshot_object(finding.object)
    freed = row is None
    if row is None:
        name = "?" if finding.type is None else lens.type(finding.type).name
        row = Object(finding.address, finding.size_bytes, finding.type or 0, name, 0, frozenset(),
                     0, 0)
    else:
        row = session.describe(row)
    holders, count = _holders(session, finding)
    return Suspect(finding, row, freed, holders, count)


def _holders(session: Session, finding: Finding) -> Tuple[List[Holder], int]:
    """The first slots that own the object, then roots; and how many there are of both."""
    account = finding.account
    found: List[Holder] = []
    under = account.verdict == "under-retained"  # then roots explain nothing
    if account.heap_refs:
        # Weak and borrowed slots are listed among them: a few more are asked for than are shown.
        rows, _ = session.lens.referrers(finding.address, 4 * HOLDERS_MAX,
                                         session.target.progress)
        for row in rows:
            if row.reference.kind in ("strong", "opaque") and len(found) < HOLDERS_MAX:
                found.append(Holder(row, session.lens.object_at(row.holder), None))
    if finding.object is not None and not under and len(found) < HOLDERS_MAX:
        roots = in_order(session.roots().of_object(finding.object))
        for root in roots[:HOLDERS_MAX - len(found)]:
            found.append(Holder(None, None, root))
    return found, account.heap_refs + (0 if under else account.root_refs)


def holder_text(holder: Holder) -> str:
    """`dict 0x7f…["k"]`, `main.x`, `a word at heap+0x30`."""
    if holder.referrer is not None:
        slot = holder.referrer.reference.slot_name
        name = "object" if holder.object is None else holder.object.type_name
        join = ("" if slot.startswith("[") else "." if slot[:1].isalpha() and " " not in slot
                else " ")
        return f"{name} {holder.referrer.holder:#x}{join}{slot}"
    assert holder.root is not None
    root = holder.root
    guess = " (a guess)" if root.confidence == records.CONSERVATIVE else ""
    kind = "" if root.kind in ("arg", "local") else f"{_KINDS.get(root.kind, root.kind)} "
    return f"{kind}{root.name}{guess}"


_KINDS = {"word": "the stack word", "foreign": "the word", "tls": "thread-local"}
