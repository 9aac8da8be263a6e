"""Who accounts for an object's count: slots of objects, the runtime, and roots.  Pure.

balanced: heap + runtime <= count <= heap + runtime + roots.  A root may own or borrow, and where
not every place of a root could be searched the roots are a lower bound: an over-retained object
may then have an owner that was not found, and this says so.
"""

from typing import List, NamedTuple, Optional

from ..records import EXACT, Account, Finding, Object, Root, least_sure
from ..session import Session


class Accounting(NamedTuple):
    account: Account
    roots: List[Root]  # that hold the object
    exactness: str
    warnings: List[str]
    doubts: frozenset = frozenset()  # why the verdict is not certain, as in records.Finding


def of(session: Session, row: Object) -> Accounting:
    """The accounting of one object; makes the snapshot and finds the roots where need be."""
    lens = session.snapshot(edges=True)
    roots = session.roots()
    index = lens.snapshot_find(row.address)
    warnings = session.walk_warnings() + roots.warnings
    if index is None:
        unknown = Account(row.refcount, 0, 0, 0, 0, "unknown", EXACT)
        warnings.append("the object is not in the snapshot: its page is damaged, or it is in "
                        "flux; its count can't be accounted for.")
        return Accounting(unknown, [], session.exactness(), warnings)
    account = lens.account(index, session.target.progress)
    found = _finding(session, row.address, account)
    if found is not None:
        account = found.account
    return Accounting(account, roots.of_object(index),
                      least_sure(account.exactness, session.exactness()), warnings,
                      frozenset() if found is None else found.doubts)


def _finding(session: Session, address: int, account: Account) -> Optional[Finding]:
    """What `cairn audit` says of a count that nothing explains: the same, with its doubts."""
    if account.verdict not in ("over-retained", "under-retained"):
        return None
    missing = not session.roots().complete or session.target.others_running() > 0
    session.lens.audit("", missing, False, session.target.progress)
    return session.lens.finding_at(address)
