"""Objects, and the lines that stand below a listing, as text."""

import re
from typing import Iterator, Optional

from .. import units
from ..records import Object
from .page import Page
from .tables import cells, cut


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


VALUE_MIN = 30  # letters of a value that are shown however narrow the page is


def one_line(row: Object, page: Page, used: int = 0, size_bytes: Optional[int] = None) -> str:
    """`list 0x7f... rc 2  [1, "two"]`, the value cut to the page, of which `used` cells are gone.
    With `size_bytes`: `list 0x7f... rc 2, 24 B  [1, "two"]`."""
    numbers = count_word(row) + ("" if size_bytes is None else f", {units.size(size_bytes)}")
    head = (f"{page.style('type', row.type_name)} {page.style('address', hex(row.address))} "
            f"{numbers}")
    plain = f"{row.type_name} {row.address:#x} {numbers}  "
    room = max(page.width - used - cells(plain), VALUE_MIN)
    return f"{head}  {cut(value(row), room, page)}" if row.value else head


def closing(shown: int, matched: int, word: str, page: Page) -> Iterator[str]:
    """What was cut, where something was."""
    if shown < matched:
        yield page.style("quiet", f"{units.number(shown)} of {units.counted(matched, word)} "
                         "shown; -limit 0 shows all.")


def hint(text: str, page: Page) -> str:
    """The last line: what to type next."""
    return page.style("quiet", text)
