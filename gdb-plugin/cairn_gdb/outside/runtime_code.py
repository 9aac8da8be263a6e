"""Which code is the runtime's, in programs of every kind.

Pure.  Each source of the runtime notes where its code lies, in a section that a stripped program
has too (runtime/src/text_range.h): rows of two distances, from the row to the start and to the
end.
"""

from typing import Callable, List, Sequence, Tuple

from ..records import Section

SECTION = "cairn_text_ranges"
ROW = 8

Ranges = List[Tuple[int, int]]


def ranges(sections: Sequence[Section], read: Callable[[int, int], bytes]) -> Ranges:
    """Starts and ends of the runtime's code; none where no runtime says where it is."""
    found: Ranges = []
    for section in sections:
        if section.name != SECTION:
            continue
        rows = read(section.start, section.end - section.start)
        for at in range(0, len(rows) - len(rows) % ROW, ROW):
            start, end = (section.start + at + part + int.from_bytes(
                rows[at + part:at + part + 4], "little", signed=True) for part in (0, 4))
            if start < end:
                found.append((start, end))
    return sorted(found)


def holds(code: Ranges, address: int) -> bool:
    return any(start <= address < end for start, end in code)
