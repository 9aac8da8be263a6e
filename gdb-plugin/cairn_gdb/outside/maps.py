"""Memory maps and section tables, as Linux and GDB print them.  Pure: text in, records out."""

import re
from typing import Dict, List

from ..records import Region, Section

_MAPS_LINE = re.compile(
    r"([0-9a-f]+)-([0-9a-f]+) ([r-])([w-])([x-])[sp] [0-9a-f]+ \S+ \d+ *(.*)")


def parse_maps(text: str) -> List[Region]:
    """The lines of a Linux /proc/PID/maps."""
    regions = []
    for line in text.splitlines():
        match = _MAPS_LINE.fullmatch(line)
        if match is not None:
            regions.append(_region(int(match.group(1), 16), int(match.group(2), 16),
                                   "".join(match.group(3, 4, 5)), match.group(6)))
    return regions


_MAPPINGS_LINE = re.compile(
    r"\s*0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+0x[0-9a-f]+\s+0x[0-9a-f]+\s*([r-][w-][x-])?[sp]?\s*(.*)")


def parse_mappings(text: str) -> List[Region]:
    """The table of `info proc mappings`; where it has no permissions all may be read and
    written."""
    regions = []
    for line in text.splitlines():
        match = _MAPPINGS_LINE.fullmatch(line)
        if match is not None:
            regions.append(_region(int(match.group(1), 16), int(match.group(2), 16),
                                   match.group(3) or "rw-", match.group(4)))
    return regions


def _region(start: int, end: int, permissions: str, name: str) -> Region:
    flags = {word for word, letter in (("read", "r"), ("write", "w"), ("execute", "x"))
             if letter in permissions}
    if name.startswith("/"):
        flags.add("file")
    if name.startswith("[stack"):
        flags.add("stack")
    return Region(start, end, frozenset(flags), name)


# ---- sections of the files that GDB has ---------------------------------------------------------

_SECTION_LINE = re.compile(r"\s*0x([0-9a-f]+) - 0x([0-9a-f]+) is (\.\S+|cairn_\S+)(?: in (.*))?")


def parse_sections(text: str) -> List[Section]:
    """The lines of `info files`, each once: over gdbserver it lists the sections twice, for the
    remote program and for its file here.  Segments of a core (load1) are none, and .tbss takes no
    memory where it is said to lie."""
    found: Dict[Section, None] = {}
    for line in text.splitlines():
        match = _SECTION_LINE.fullmatch(line)
        if match is not None and match.group(3) != ".tbss":
            found[Section(int(match.group(1), 16), int(match.group(2), 16),
                          match.group(3), match.group(4) or "")] = None
    return list(found)
