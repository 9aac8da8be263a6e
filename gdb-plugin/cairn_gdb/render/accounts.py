"""The explanation of a count, in words."""

from typing import FrozenSet, Iterator

from .. import units
from ..findings import audits
from ..findings.accounting import Accounting
from ..records import CONSERVATIVE, Account
from .page import Page

NAMED = 4  # roots that are named one by one


def explanation(accounting: Accounting, page: Page) -> Iterator[str]:
    """`rc 3: 1 slot of objects holds it, 2 roots may own it: f2.x, f1.y`, and what it means."""
    account = accounting.account
    if account.verdict == "immortal":
        yield "  immortal: never freed, not counted."
        return
    slots = account.heap_refs
    parts = [f"{units.number(slots)} slots of objects hold it" if slots > 1 else
             "1 slot of an object holds it" if slots else "no object holds it"]
    if account.runtime_refs:
        parts.append(f"the runtime itself holds {units.number(account.runtime_refs)}")
    if account.root_refs:
        names = [root.name for root in accounting.roots if root.name]
        more = ", ..." if len(names) > NAMED else ""
        listed = f": {', '.join(names[:NAMED])}{more}" if names else ""
        parts.append(f"{units.counted(account.root_refs, 'root')} may own it{listed}")
    else:
        parts.append("no root was found")
    yield f"  rc {units.number(account.refcount)}: {', '.join(parts)}"
    for line in verdict_lines(accounting, page):
        yield "  " + line


def _on_condition(accounting: Accounting) -> str:
    """Which of the roots must own the object for its count to be right.  A root may own it or only
    borrow it, and a conservative one may be a word that was left behind."""
    account = accounting.account
    total = account.root_refs
    owners = account.refcount - account.heap_refs - account.runtime_refs
    if total == 0:
        return ": each reference is accounted for."
    names = [root.name for root in accounting.roots if root.name]
    if owners <= 0:
        return (f", if {names[0] if names else 'the root'} only borrows it." if total == 1 else
                ", if the roots only borrow it.")
    sure = sum(root.confidence != CONSERVATIVE for root in accounting.roots)
    if total == 1:
        doubt = "" if sure else "; that may be a stale word, and then a release is missing"
        return f", if {names[0] if names else 'the root'} owns it{doubt}."
    who = (f"each of the {units.number(total)} roots owns it" if owners == total else
           f"{units.number(owners)} of the {units.number(total)} roots "
           f"{'owns' if owners == 1 else 'own'} it")
    doubt = ("" if owners <= sure else "; all of them may be stale words" if sure == 0 else
             f"; only {units.number(sure)} of them {'is' if sure == 1 else 'are'} sure, the others "
             "may be stale words")
    return f", if {who}{doubt}."


def unexplained(account: Account, doubtful: bool, page: Page) -> str:
    """What is wrong with a count that is over- or under-retained."""
    style = "warning" if doubtful else "bad"
    if account.verdict == "over-retained":
        explained = account.refcount - account.surplus
        of = (f"{units.number(explained)} of its {units.number(account.refcount)} references "
              f"{'is' if explained == 1 else 'are'} explained" if explained else
              "nothing holds it")
        return (page.style(style, f"over-retained by {units.number(account.surplus)}")
                + f": {of}; a release is missing")
    return (page.style(style, f"under-retained by {units.number(-account.surplus)}")
            + f": {units.counted(account.heap_refs + account.runtime_refs, 'reference')} held, "
            f"count {units.number(account.refcount)}; a retain is missing, or a release is too "
            "many")


def doubt_lines(doubts: FrozenSet[str], page: Page) -> Iterator[str]:
    """Why a verdict is not certain, a line each."""
    for doubt in sorted(doubts):
        yield page.style("warning", "not certain: ") + audits.DOUBTS.get(doubt, doubt)


def verdict_lines(accounting: Accounting, page: Page) -> Iterator[str]:
    """The last lines: is the count right?"""
    account = accounting.account
    if account.verdict == "balanced":
        yield page.style("good", "balanced") + _on_condition(accounting)
    elif account.verdict in ("over-retained", "under-retained"):
        yield unexplained(account, bool(accounting.doubts), page)
        yield from doubt_lines(accounting.doubts, page)
    else:
        yield page.style("warning", "unknown") + ": the count can't be accounted for."
