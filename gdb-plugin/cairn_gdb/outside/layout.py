"""The layout of a process's memory: each piece of it, and what it is for.

    text      code of the program              heap     what malloc hands out
    rodata    its constants                    arena    what Cairn hands out: counted objects
    data      its variables with a value       stack    of one thread
    bss       its variables that begin as 0    library  code and data of a shared library
    other     all else: [vdso], anonymous mappings, a heap's metadata

The memory map says where something is, the program's sections say what; where there are no
sections (a core without its executable) the permissions must do.  Pieces come in the order of
addresses and do not overlap.

Pure.
"""

import re
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ..records import Region, Section

KINDS = ("text", "rodata", "data", "bss", "heap", "arena", "library", "stack", "other")


BRK_MAX_BYTES = 2 << 30  # how far behind the program Linux puts malloc's heap
THREAD_HEAP_BYTES = 64 << 20  # of glibc's malloc for one thread, the unused rest without access


class Owner(NamedTuple):
    """One of Cairn's heaps."""

    position: int  # in the lens's list: two heaps may have one label
    label: str


class Piece(NamedTuple):
    start: int
    end: int
    kind: str
    name: str
    perms: str  # "rw-"
    owner: Optional[Owner] = None  # the heap of Cairn that it belongs to

    @property
    def size(self) -> int:
        return self.end - self.start


class HeapPlace(NamedTuple):
    """Memory of one of Cairn's heaps: an arena, or what the collector keeps beside one."""

    start: int
    end: int
    kind: str  # "arena" or "other"
    name: str
    owner: Owner


class StackPlace(NamedTuple):
    sp: int
    name: str


def pieces(regions: Sequence[Region], sections: Sequence[Section], executable: str,
           places: Sequence[HeapPlace], stacks: Sequence[StackPlace]) -> List[Piece]:
    """Every mapped address, in pieces of one kind each."""
    ordered = sorted(regions, key=lambda region: region.start)
    own = _own_sections(sections)
    program = _program_file(ordered, own, executable)
    found: List[Piece] = []
    before = Region(0, 0, frozenset())  # the file-backed region that an anonymous one may belong to
    unnamed = not any(region.name == "[vdso]" for region in ordered)
    program_end = 0
    thread_heaps = _thread_heaps(ordered)
    for region in ordered:
        if region.name == program:
            program_end = region.end
        for start, end, kind, name, owner in _split(region, own, program, places, stacks):
            if start in thread_heaps:
                kind, name = "heap", "malloc, a thread's"
            elif kind == "other" and region.name == "" and owner is None:
                kind, name = _anonymous(region, start, before, program, program_end, unnamed,
                                        found)
            found.append(Piece(start, end, kind, name, perms_of(region), owner))
        if region.name.startswith("/"):
            before = region
    return _merged(found)


def _thread_heaps(ordered: Sequence[Region]) -> Set[int]:
    """Where malloc's heaps of further threads start: aligned to their size, which they and the part
    behind them that nobody may access add up to."""
    return {region.start for region, rest in zip(ordered, ordered[1:])
            if region.start % THREAD_HEAP_BYTES == 0 and region.name == rest.name == ""
            and "write" in region.flags and perms_of(rest) == "---" and rest.start == region.end
            and rest.end == region.start + THREAD_HEAP_BYTES}


def perms_of(region: Region) -> str:
    return "".join(letter if word in region.flags else "-"
                   for letter, word in (("r", "read"), ("w", "write"), ("x", "execute")))


def _program_file(regions: Sequence[Region], own: Sequence[Tuple[int, int, str]],
                  executable: str) -> str:
    """The program's file, as the map calls it: not always as it is called here (a core's program
    under another name or in another place, the one with the symbols).  Where its sections lie then;
    where nobody named it the first file that is no library."""
    named = re.sub("^target:", "", executable)  # of a remote program GDB says where its file is
    if named and any(region.name == named for region in regions):
        return named
    for region in regions:
        if region.name.startswith("/") and any(region.start <= start < region.end
                                               for start, _, _ in own):
            return region.name
    if named:
        return named
    for region in regions:
        file = region.name.rsplit("/", 1)[-1]
        if region.name.startswith("/") and ".so" not in file:
            return region.name
    return ""


_CODE = (".text", ".plt", ".init", ".fini")
_CONSTANT = (".rodata", ".eh_frame", ".interp", ".note", ".gnu", ".hash", ".dynsym", ".dynstr",
             ".rela", ".gcc_except_table", ".stapsdt")
_BSS = (".bss", ".tbss", ".lbss")


def _kind_of_section(name: str) -> str:
    if name.startswith((".init_array", ".fini_array")):
        return "data"
    for kind, beginnings in (("text", _CODE), ("rodata", _CONSTANT), ("bss", _BSS)):
        if name.startswith(beginnings):
            return kind
    return "data"


def _own_sections(sections: Sequence[Section]) -> List[Tuple[int, int, str]]:
    """The program's sections as (start, end, kind), neighbours of a kind as one."""
    found: List[Tuple[int, int, str]] = []
    for section in sorted(section for section in sections if section.file == ""):
        kind = _kind_of_section(section.name)
        if found and found[-1][2] == kind and section.start - found[-1][1] < 64:
            found[-1] = (found[-1][0], section.end, kind)
        else:
            found.append((section.start, section.end, kind))
    return found


def _split(region: Region, own: Sequence[Tuple[int, int, str]], program: str,
           places: Sequence[HeapPlace], stacks: Sequence[StackPlace]
           ) -> Iterator[Tuple[int, int, str, str, Optional[Owner]]]:
    """Cuts a region at the sections and the heaps' places in it; the rest of it gets the region's
    kind."""
    inside: List[Tuple[int, int, str, str, Optional[Owner]]] = [
        (start, end, kind, "", None) for start, end, kind in own
        if start < region.end and region.start < end]
    inside += [place for place in places if place.start < region.end and region.start < place.end]
    inside.sort(key=lambda part: part[:2])
    kind, name = _kind_of_region(region, program, stacks)
    at = region.start
    for start, end, what, called, owner in inside:
        start, end = max(start, at), min(end, region.end)
        if start >= end:
            continue
        if at < start:
            # What lies between two sections is padding or a header: it goes with the next one.
            if owner is not None or not region.name.startswith("/"):
                yield at, start, kind, name, None
            else:
                start = at
        yield start, end, what, called, owner
        at = end
    if at < region.end:
        if inside and inside[-1][4] is None and region.name == program:
            kind = inside[-1][2]  # the rest of the last page
        yield at, region.end, kind, name, None


def _kind_of_region(region: Region, program: str, stacks: Sequence[StackPlace]
                    ) -> Tuple[str, str]:
    for stack in stacks:
        if region.start <= stack.sp < region.end:
            return "stack", stack.name
    if region.name.startswith("[stack"):
        return "stack", "main"
    if region.name == "[heap]":
        return "heap", "malloc"
    if region.name == program and program:
        kind = ("text" if "execute" in region.flags else
                "data" if "write" in region.flags else "rodata")
        return kind, ""
    if region.name.startswith("/"):
        return "library", region.name
    return "other", region.name


def _anonymous(region: Region, start: int, before: Region, program: str, program_end: int,
               unnamed: bool, found: Sequence[Piece]) -> Tuple[str, str]:
    """What a mapping without a name is: the zeroed end of the file before it, or malloc's where
    the map names nothing but files (`unnamed`: a core's)."""
    if before.end == region.start == start and before.name != "":
        return ("bss", "") if before.name == program else ("library", before.name)
    touching = bool(found) and found[-1].end == start
    if touching and found[-1].kind in ("bss", "library") and "write" in region.flags:
        return found[-1].kind, found[-1].name
    if unnamed and "write" in region.flags and _may_be_brk(region, program_end, found):
        return "heap", "malloc"
    return "other", ""


def _may_be_brk(region: Region, program_end: int, found: Sequence[Piece]) -> bool:
    """The first mapping behind the program and near it; below a static-pie program, the first of
    all."""
    if not program_end:
        return not found
    near = region.start - program_end < BRK_MAX_BYTES
    return near and not any(piece.kind in ("heap", "library", "arena") for piece in found)


def _merged(found: Sequence[Piece]) -> List[Piece]:
    """Neighbours of one kind, name and permission as one piece; arenas stay by themselves."""
    merged: List[Piece] = []
    for piece in found:
        last = merged[-1] if merged else None
        if (last is not None and last.end == piece.start and piece.kind != "arena"
                and last[2:] == piece[2:]):
            merged[-1] = last._replace(end=piece.end)
        else:
            merged.append(piece)
    return merged


class Block(NamedTuple):
    """What the drawing shows in one row: one piece, all of a library, or what a heap has of a
    kind between two other things."""

    start: int
    end: int
    kind: str
    name: str
    size: int  # of the mapped memory in it
    pieces: Tuple[Piece, ...]

    def holds(self, address: int) -> bool:
        return any(piece.start <= address < piece.end for piece in self.pieces)


def blocks(found: Sequence[Piece]) -> List[Block]:
    """A row a thing, in the order of addresses."""
    rows: List[List[Piece]] = []
    # The rows of heaps' memory since the last other thing: one for the arenas of a heap, one for
    # each other thing of it.
    mixed: Dict[Tuple[Owner, str], List[Piece]] = {}
    for piece in found:
        if piece.owner is not None:
            key = (piece.owner, "" if piece.kind == "arena" else piece.name)
            if key not in mixed:
                mixed[key] = []
                rows.append(mixed[key])
            mixed[key].append(piece)
            continue
        mixed = {}
        if rows and _joins(rows[-1][-1], piece):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [Block(row[0].start, row[-1].end, row[0].kind, _name_of(row),
                  sum(piece.size for piece in row), tuple(row)) for row in rows]


def _joins(last: Piece, piece: Piece) -> bool:
    """Both belong to one thing: one file's library, one kind of the program's sections."""
    same = last.kind == piece.kind and last.name == piece.name and last.owner is None
    return same and (piece.kind == "library" or last.end == piece.start)


def _name_of(row: Sequence[Piece]) -> str:
    first = row[0]
    if first.kind == "arena" and first.owner is not None and len(row) > 1:
        return f"{first.owner.label}, {len(row)} arenas"
    return first.name


def totals(found: Sequence[Piece]) -> Dict[str, int]:
    """Bytes of each kind that there is, in the order of KINDS."""
    sizes = {kind: sum(piece.size for piece in found if piece.kind == kind) for kind in KINDS}
    return {kind: size for kind, size in sizes.items() if size}
