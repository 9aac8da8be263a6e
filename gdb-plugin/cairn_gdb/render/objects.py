"""Objects, and the lines that stand below a listing, as text."""

import re
from typing import Iterator

from ..records import Object
from . import units
from .page import Page


def count(row: Object) -> str:
    """The count as text; an immortal object's number means nothing to a reader."""
    return "immortal" if row.immortal else units.number(row.refcount)


def count_word(row: Object) -> str:
    """`rc 3`, or `immortal`."""
    return "immortal" if row.immortal else f"rc {units.number(row.refcount)}"


def value(row: Object) -> str:
    """The value's text for a reader who sees the type beside it: `<serial=1>`, not
    `<node serial=1>`."""
    return re.sub(rf"^<{re.escape(row.type_name)} (?=to |\S+=)", "<", row.value)


def label(number: int) -> str:
    """How a row of a listing is named in the next command."""
    return f"@{number}"


def one_line(row: Object, page: Page) -> str:
    """`list 0x7f... rc 2  [1, "two"]`"""
    head = (f"{page.style('type', row.type_name)} {page.style('address', hex(row.address))} "
            f"{count_word(row)}")
    return f"{head}  {value(row)}" if row.value else head


def closing(shown: int, matched: int, word: str, page: Page) -> Iterator[str]:
    """What was cut, where something was."""
    if shown < matched:
        yield page.style("quiet", f"{units.number(shown)} of {units.counted(matched, word)} "
                         "shown; -limit 0 shows all.")


def hint(text: str, page: Page) -> str:
    """The last line: what to type next."""
    return page.style("quiet", text)
