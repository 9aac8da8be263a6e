"""The explanation of a count, in words."""

from typing import Iterator

from ..accounting import Accounting
from . import units
from .page import Page

NAMED = 4  # roots that are named one by one


def explanation(accounting: Accounting, page: Page) -> Iterator[str]:
    """`count 3 = 1 from objects + 2 from roots (f2.x, f1.y): balanced`, and what it means."""
    account = accounting.account
    if account.verdict == "immortal":
        yield "  count  immortal: never freed, not counted."
        return
    parts = [f"{account.heap_refs} from slots of objects"]
    if account.runtime_refs:
        parts.append(f"{account.runtime_refs} from the runtime itself")
    roots = units.counted(account.root_refs, "root")
    names = [root.name for root in accounting.roots if root.name]
    if names:
        more = ", ..." if len(names) > NAMED else ""
        roots += f" ({', '.join(names[:NAMED])}{more})"
    parts.append(f"up to {roots}" if account.root_refs else "no root")
    yield f"  count  {account.refcount}: {', '.join(parts)}"
    yield "  " + verdict(accounting, page)


def verdict(accounting: Accounting, page: Page) -> str:
    """The last line: is the count right?"""
    account = accounting.account
    if account.verdict == "balanced":
        return page.style("good", "balanced") + ": each reference is accounted for."
    if account.verdict == "over-retained":
        surplus = units.counted(account.surplus, "reference")
        sure = ("" if accounting.roots_complete else
                ", or an owner in memory that could not be searched")
        return (page.style("bad", "over-retained") + f": {surplus} that nobody holds; a release "
                f"is missing{sure}.")
    if account.verdict == "under-retained":
        deficit = units.counted(-account.surplus, "holder")
        return (page.style("bad", "under-retained") + f": {deficit} more than the count; a retain "
                "is missing or a release is too many, and it will be freed while it is held.")
    return page.style("warning", "unknown") + ": the count can't be accounted for."
