"""Pretty-printers: a variable shows the object that it points to.

    (gdb) print x
    $1 = list[3] rc=2 [1, "two", <dict 4>]

Imports gdb.  For cairn_object, pointers to it, and pointers to native structs whose first member
is one.  GDB asks for a printer with every value that it prints, so a look at the type's kind and
name decides, and nothing is read before.  What is no live object prints as GDB prints it, a freed
one says so; nothing here raises into GDB.  One object costs a few small reads: no snapshot is
made, cycles end where the lens cuts them.
"""

import re
from typing import Any, Callable, Dict, Optional

import gdb
import gdb.printing

from ..errors import CairnError
from ..records import GONE, Object
from ..render import objects
from ..session import Session

SessionOf = Callable[[], Session]

OBJECT = "cairn_object"
NESTING = 4  # how deep a first member is looked for


class ObjectPrinter:
    """Shows one object on one line."""

    def __init__(self, text: str) -> None:
        self._text = text

    def to_string(self) -> str:
        return self._text


class Printers:
    """GDB's lookup function: a value in, a printer or None out."""

    name = "cairn"

    def __init__(self, session_of: SessionOf) -> None:
        self.enabled = True
        self._session_of = session_of
        self._native: Dict[str, bool] = {}  # by struct name: is its first member an object?

    def forget_types(self, _event: Any = None) -> None:
        """A new program or library may call another struct the same."""
        self._native.clear()

    def __call__(self, value: "gdb.Value") -> Optional[ObjectPrinter]:
        kind = value.type
        code = kind.code
        if code == gdb.TYPE_CODE_TYPEDEF:
            kind = kind.strip_typedefs()
            code = kind.code
        if code == gdb.TYPE_CODE_PTR:
            target = kind.target()
            if target.code == gdb.TYPE_CODE_TYPEDEF:
                target = target.strip_typedefs()
            if target.code != gdb.TYPE_CODE_STRUCT or not self._begins_with_object(target):
                return None
        elif code != gdb.TYPE_CODE_STRUCT or kind.name != OBJECT:
            return None
        try:
            return self._printer(value, code == gdb.TYPE_CODE_PTR)
        except (CairnError, gdb.error, KeyboardInterrupt):
            return None

    def _begins_with_object(self, struct: "gdb.Type") -> bool:
        name = struct.name or ""
        if name == OBJECT:
            return True
        known = self._native.get(name) if name else None
        if known is None:
            known = _begins_with_object(struct)
            self._native[name] = known
        return known

    def _printer(self, value: "gdb.Value", pointer: bool) -> Optional[ObjectPrinter]:
        if value.is_optimized_out:
            return None
        if not pointer and value.address is None:
            return None
        address = int(value) if pointer else int(value.address)
        if address == 0:
            return None
        session = self._session_of()
        found = session.lens.object_at(address)
        if found is not None:
            return ObjectPrinter(text_of(session, found))
        place = session.lens.locate(address).place
        if place in GONE:
            return ObjectPrinter(f"{address:#x} <freed object>")
        if place in ("fresh", "free_page"):
            return ObjectPrinter(f"{address:#x} <no object: never used>")
        return None


def _begins_with_object(struct: "gdb.Type") -> bool:
    for _ in range(NESTING):
        fields = struct.fields()
        if not fields or getattr(fields[0], "bitpos", 1) != 0 or fields[0].type is None:
            return False
        struct = fields[0].type.strip_typedefs()
        if struct.code != gdb.TYPE_CODE_STRUCT:
            return False
        if struct.name == OBJECT:
            return True
    return False


def text_of(session: Session, row: Object) -> str:
    """`list[3] rc=2 [1, "two", <dict 4>]`"""
    lens = session.lens
    # Without a level to show, the lens writes a container as its type and how much is in it.
    size = re.fullmatch(r"<.* ([0-9]+\+?)>", lens.object_text(row.address, 0, 0))
    name = row.type_name if size is None else f"{row.type_name}[{size.group(1)}]"
    count = "immortal" if row.immortal else f"rc={row.refcount}"
    dying = " dying" if "dying" in row.state else ""
    row = row._replace(value=lens.object_value(row.address))
    return f"{name} {count}{dying} {objects.value(row)}".rstrip()


def install(session_of: SessionOf) -> None:
    """Puts the printers behind those of the program's own libraries."""
    printers = Printers(session_of)
    for name in ("new_objfile", "clear_objfiles"):
        registry = getattr(gdb.events, name, None)
        if registry is not None:
            registry.connect(printers.forget_types)
    gdb.printing.register_pretty_printer(None, printers, replace=True)
