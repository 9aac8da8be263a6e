"""Variables of the program: where in one a pointer may lie, and the words that lie there.

Imports gdb.  A type becomes a Shape (outside/slots.py) once; with it a variable's bytes are read
in one go, however many elements it has, and at most READ_MAX_BYTES of them.  What a word means (an
object, a freed block, nothing) is not asked here.

Invariant: looking at a variable never runs code of the program (see storage_of).
"""

from typing import Any, Callable, Iterator, List, Optional

import gdb

from ..outside.slots import (WORD_BYTES, Leaf, Run, Shape, Spans, Variable, best_leaves, run_hits,
                             word_at)

Read = Callable[[int, int], bytes]  # address, bytes -> the readable prefix

READ_MAX_BYTES = 16 << 20  # of one variable
EXPAND_MAX = 16  # elements of an array that are named one by one
HITS_MAX = 10_000  # of one variable
DEPTH_MAX = 8  # of structs in structs
TEXT_MAX = 60

_RECORDS = (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)
_REFERENCES = (gdb.TYPE_CODE_REF, getattr(gdb, "TYPE_CODE_RVALUE_REF", gdb.TYPE_CODE_REF))


# ---- shapes from types -------------------------------------------------------------------------

def is_object_struct(kind: "gdb.Type") -> bool:
    """A cairn_object, or a struct whose first member is one."""
    for _ in range(DEPTH_MAX):
        kind = kind.strip_typedefs()
        if kind.code != gdb.TYPE_CODE_STRUCT:
            return False
        if kind.tag == "cairn_object":
            return True
        members = kind.fields()
        if not members or members[0].type is None:
            return False
        kind = members[0].type
    return False


def _is_address_integer(kind: "gdb.Type") -> bool:
    """uintptr_t or intptr_t, by whatever further names."""
    while kind.code == gdb.TYPE_CODE_TYPEDEF:
        if kind.name in ("uintptr_t", "intptr_t"):
            return True
        kind = kind.target()
    return False


def trust_of(kind: "gdb.Type", member: bool = False) -> str:
    """What a word of that type promises; "" for what is no reference for sure.

    Any integer variable of a word's size may hold an address; a member of a struct or an array
    only where its type says so: the C library's structs are full of leftovers."""
    address_integer = _is_address_integer(kind)
    kind = kind.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_INT:
        allowed = address_integer or not member
        return "integer" if kind.sizeof == WORD_BYTES and allowed else ""
    if kind.code != gdb.TYPE_CODE_PTR or kind.sizeof != WORD_BYTES:
        return ""
    target = kind.target().strip_typedefs()
    if target.code == gdb.TYPE_CODE_FUNC:
        return ""
    if target.code == gdb.TYPE_CODE_PTR and trust_of(target) in ("object", "slot"):
        return "slot"
    return "object" if is_object_struct(target) else "pointer"


def shape_of(kind: "gdb.Type", depth: int = 0) -> Shape:
    """Where in a value of that type a pointer may lie; `depth`: of the value in its variable."""
    plain = kind.strip_typedefs()
    if plain.code in _REFERENCES and depth == 0:
        return shape_of(plain.target())
    if plain.code == gdb.TYPE_CODE_ARRAY:
        return _array_shape(plain, depth)
    if plain.code in _RECORDS:
        return _record_shape(plain, depth)
    trust = trust_of(kind, depth > 0)
    return Shape(plain.sizeof, (Leaf(0, "", trust),) if trust else ())


def _array_shape(kind: "gdb.Type", depth: int) -> Shape:
    element_type = kind.target()
    element = shape_of(element_type, depth + 1)
    if getattr(kind, "dynamic", False):
        return Shape(0)  # only a value knows how long it is; GDB 10 gives up when it is asked
    low, high = kind.range()
    count = high - low + 1
    if element.empty or count <= 0:
        return Shape(kind.sizeof)
    if count > EXPAND_MAX or element.runs:
        return Shape(kind.sizeof, (), (Run(0, "", element.size, count, element),))
    leaves = [Leaf(index * element.size + leaf.offset, f"[{index}]{leaf.path}", leaf.trust)
              for index in range(count) for leaf in element.leaves]
    return Shape(kind.sizeof, tuple(leaves))


def _path_of(member: "gdb.Field") -> str:
    """A member's part of a name; none for an anonymous struct or a base class."""
    return f".{member.name}" if member.name and not member.is_base_class else ""


def _record_shape(kind: "gdb.Type", depth: int) -> Shape:
    if kind.tag == "cairn_object" or depth > DEPTH_MAX:
        return Shape(kind.sizeof)
    leaves: List[Leaf] = []
    runs: List[Run] = []
    for member in kind.fields():
        at = getattr(member, "bitpos", None)
        if at is None or member.bitsize or at % 8 or member.type is None:
            continue  # static, or a bit-field
        shape = shape_of(member.type, depth + 1)
        path = _path_of(member)
        leaves.extend(Leaf(at // 8 + leaf.offset, path + leaf.path, leaf.trust)
                      for leaf in shape.leaves)
        runs.extend(run._replace(offset=at // 8 + run.offset, path=path + run.path)
                    for run in shape.runs)
    return Shape(kind.sizeof, best_leaves(leaves), tuple(runs))


# ---- reading a variable ------------------------------------------------------------------------

def storage_of(value: "gdb.Value") -> Optional[int]:
    """Where in memory the value lies; None where it does not.

    Value.address must not be asked of an array: where the array is in no memory, GDB pushes it to
    the program, with a call of the program's malloc."""
    kind = value.type.strip_typedefs()
    while kind.code == gdb.TYPE_CODE_ARRAY:
        value = value[kind.range()[0]]
        kind = value.type.strip_typedefs()
    return None if value.address is None else int(value.address)


class VariableReader:
    """Reads variables: from a frame, or without one where they need none."""

    def __init__(self, spans: Spans, read: Read, everything: bool = False) -> None:
        self._spans = spans
        self._read = read
        self._everything = everything
        self.left_out = 0  # hits that were too many

    def read(self, value: "gdb.Value", name: str, kind: str, shape: Shape, **known: Any
             ) -> Iterator[Variable]:
        """The slots of one variable that are worth showing."""
        plain = Variable(name, kind, **known)
        try:
            if value.type.strip_typedefs().code in _REFERENCES:
                value = value.referenced_value()
                plain = plain._replace(through=True)  # the slot is another variable's
            address = storage_of(value)
            if address is None:
                yield from self._in_registers(value, plain, shape)
            elif not shape.empty:
                yield from self._in_memory(value, plain._replace(addr=address), shape, address)
            elif self._everything:
                yield plain._replace(addr=address, text=_text_of(value))
        except gdb.error:
            if self._everything or is_reference(shape):
                yield plain._replace(fault="unreadable")

    def _in_memory(self, value: "gdb.Value", plain: Variable, shape: Shape, address: int
                   ) -> Iterator[Variable]:
        size = max(shape.size, 0)
        data = self._read(address, min(size, READ_MAX_BYTES))
        if len(data) < min(size, READ_MAX_BYTES) and (self._everything or is_reference(shape)):
            yield plain._replace(fault="unreadable")
            return
        if size > READ_MAX_BYTES:
            self.left_out += (size - READ_MAX_BYTES) // WORD_BYTES
        shown = 0
        for leaf in shape.leaves:
            word = word_at(data, leaf.offset)
            if word is not None and self._worth(leaf, word):
                shown += 1
                yield self._slot(plain, leaf, word, address + leaf.offset)
        for run in shape.runs:
            for leaf, word in run_hits(run, data, self._spans):
                shown += 1
                if shown > HITS_MAX:
                    self.left_out += 1
                    continue
                yield self._slot(plain, leaf, word, address + leaf.offset)
        if shown == 0 and self._everything:
            yield plain._replace(text=_text_of(value))

    def _slot(self, plain: Variable, leaf: Leaf, word: int, address: Optional[int]) -> Variable:
        """The slot at `address` (None: a register), or the slot that it points to."""
        name = plain.name + leaf.path
        if leaf.trust == "slot" and word and not plain.unset:
            inner = word_at(self._read(word, WORD_BYTES), 0)
            if inner is not None:
                return plain._replace(name="*" + name, addr=word, word=inner, trust="object",
                                      through=True)
        return plain._replace(name=name, addr=address, word=word, trust=leaf.trust)

    def _in_registers(self, value: "gdb.Value", plain: Variable, shape: Shape
                      ) -> Iterator[Variable]:
        if value.is_optimized_out or (shape.scalar and _is_synthetic(value)):
            if self._everything or is_reference(shape):
                yield plain._replace(fault="optimized out")
        elif shape.scalar:
            word = int(value) & (1 << 64) - 1
            if self._worth(shape.leaves[0], word):
                yield self._slot(plain, shape.leaves[0], word, None)
            elif self._everything:
                yield plain._replace(text=_text_of(value))
        elif value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
            for member in value.type.strip_typedefs().fields():
                if not hasattr(member, "bitpos") or member.type is None:
                    continue
                inner = plain._replace(name=plain.name + _path_of(member))
                yield from self._in_registers(value[member], inner, shape_of(member.type))
        elif self._everything:
            yield plain._replace(text=_text_of(value))

    def _worth(self, leaf: Leaf, word: int) -> bool:
        """References by type are always worth a row, other words only where they may be one."""
        if leaf.trust in ("object", "slot"):
            return True
        return self._spans.covers(word)


def is_reference(shape: Shape) -> bool:
    return any(leaf.trust in ("object", "slot") for leaf in shape.leaves)


def _is_synthetic(value: "gdb.Value") -> bool:
    """A pointer to a variable that is in no memory: it has no number, and GDB gives 0 for it."""
    return int(value) == 0 and "synthetic pointer" in value.format_string(raw=True)


def _text_of(value: "gdb.Value") -> str:
    """The value as GDB prints it, on one line."""
    try:
        text = " ".join(value.format_string(max_elements=8, repeat_threshold=4,
                                            raw=True).split())
    except (gdb.error, TypeError):
        return ""
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX - 3] + "..."
