"""The layout of a process's memory: each piece of it, and what it is for.

    text      code of the program              heap     what malloc hands out (brk)
    rodata    its constants                    arena    what Cairn hands out: counted objects
    data      its variables with a value       stack    of one thread
    bss       its variables that begin as 0    library  code and data of a shared library
    other     all else: [vdso], anonymous mappings, a heap's metadata

The memory map says where something is, the program's sections say what; where there are no
sections (a core without its executable) the permissions must do.  Pieces come in the order of
addresses and do not overlap.

Pure.
"""

from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

from .records import Region, Section

KINDS = ("text", "rodata", "data", "bss", "heap", "arena", "library", "stack", "other")


BRK_MAX_BYTES = 2 << 30  # how far behind the program Linux puts malloc's heap


class Piece(NamedTuple):
    start: int
    end: int
    kind: str
    name: str
    perms: str  # "rw-"

    @property
    def size(self) -> int:
        return self.end - self.start


class ArenaPlace(NamedTuple):
    start: int
    end: int
    name: str


class StackPlace(NamedTuple):
    sp: int
    name: str


def pieces(regions: Sequence[Region], sections: Sequence[Section], executable: str,
           arenas: Sequence[ArenaPlace], stacks: Sequence[StackPlace]) -> List[Piece]:
    """Every mapped address, in pieces of one kind each."""
    ordered = sorted(regions, key=lambda region: region.start)
    program = executable or _guess_program(ordered)
    own = _own_sections(sections)
    found: List[Piece] = []
    before = Region(0, 0, frozenset())  # the file-backed region that an anonymous one may belong to
    unnamed = not any(region.name == "[vdso]" for region in ordered)
    program_end = 0
    for region in ordered:
        if region.name == program:
            program_end = region.end
        for start, end, kind, name in _split(region, own, program, arenas, stacks):
            if kind == "other" and region.name == "":
                kind, name = _anonymous(region, start, before, program, program_end, unnamed,
                                        found)
            found.append(Piece(start, end, kind, name, perms_of(region)))
        if region.name.startswith("/"):
            before = region
    return _merged(found)


def perms_of(region: Region) -> str:
    return "".join(letter if word in region.flags else "-"
                   for letter, word in (("r", "read"), ("w", "write"), ("x", "execute")))


def _guess_program(regions: Sequence[Region]) -> str:
    """The program's file, where nobody named it: the first file that is no library."""
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
           arenas: Sequence[ArenaPlace], stacks: Sequence[StackPlace]
           ) -> Iterator[Tuple[int, int, str, str]]:
    """Cuts a region at the sections and arenas in it; the rest of it gets the region's kind."""
    inside = [(start, end, kind, "") for start, end, kind in own
              if start < region.end and region.start < end]
    inside += [(arena.start, arena.end, "arena", arena.name) for arena in arenas
               if arena.start < region.end and region.start < arena.end]
    kind, name = _kind_of_region(region, program, stacks)
    at = region.start
    for start, end, what, called in sorted(inside):
        start, end = max(start, at), min(end, region.end)
        if start >= end:
            continue
        if at < start:
            # What lies between two sections is padding or a header: it goes with the next one.
            if what == "arena" or not region.name.startswith("/"):
                yield at, start, kind, name
            else:
                start = at
        yield start, end, what, called
        at = end
    if at < region.end:
        if inside and inside[-1][2] != "arena" and region.name == program:
            kind = sorted(inside)[-1][2]  # the rest of the last page
        yield at, region.end, kind, name


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
    """What the drawing shows in one row: one piece, or all of a library."""

    start: int
    end: int
    kind: str
    name: str
    size: int  # of the mapped memory in it

    def holds(self, address: int) -> bool:
        return self.start <= address < self.end


def blocks(found: Sequence[Piece]) -> List[Block]:
    """A row a thing: the pieces of one file's library, of one kind of the program's sections."""
    rows: List[Block] = []
    for piece in found:
        last = rows[-1] if rows else None
        same = last is not None and last.kind == piece.kind and last.name == piece.name
        joins = piece.kind == "library" or (last is not None and last.end == piece.start)
        if last is not None and same and joins and piece.kind != "arena":
            rows[-1] = last._replace(end=piece.end, size=last.size + piece.size)
        else:
            rows.append(Block(piece.start, piece.end, piece.kind, piece.name, piece.size))
    return rows


def totals(found: Sequence[Piece]) -> Dict[str, int]:
    """Bytes of each kind that there is, in the order of KINDS."""
    sizes = {kind: sum(piece.size for piece in found if piece.kind == kind) for kind in KINDS}
    return {kind: size for kind, size in sizes.items() if size}
