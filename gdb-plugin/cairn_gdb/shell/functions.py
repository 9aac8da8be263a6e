"""The convenience functions: $cairn_refcount(x), $cairn_type(x), $cairn_size(x),
$cairn_is_object(x), $cairn_type_like(x, GLOB).

Imports gdb.  They read one object, never the whole heap, so a breakpoint's condition may use
them.
"""

from typing import Any, Callable, Sequence

import gdb

from ..errors import CairnError
from ..program.target import address_of
from ..records import Object
from ..session import Session
from ..stops.breakpoints import heads_of

SessionOf = Callable[[], Session]


class _Function(gdb.Function):
    def __init__(self, name: str, session_of: SessionOf) -> None:
        super().__init__(name)
        self._name = name
        self._session_of = session_of

    def one(self, values: Sequence["gdb.Value"]) -> "gdb.Value":
        """The only argument.  GDB passes any number of them."""
        if len(values) != 1:
            raise gdb.GdbError(f"${self._name} takes one argument: ${self._name}(x).")
        return values[0]

    def find(self, value: "gdb.Value") -> Object:
        """The object that the argument points to; GdbError says in words why there is none."""
        try:
            session = self._session_of()
            return session.object_at(address_of(value, "the argument"), "the argument")[0]
        except CairnError as problem:
            raise gdb.GdbError(str(problem))


class RefCount(_Function):
    """Return the reference count of a Cairn object.
Usage: $cairn_refcount (X)
X is a pointer to an object, or any address in one.  A shared object that is never freed has a
count of 2^32 - 1."""

    def invoke(self, *values: "gdb.Value") -> Any:
        return self.find(self.one(values)).refcount


class TypeName(_Function):
    """Return the name of a Cairn object's type, as a string.
Usage: $cairn_type (X)
Use with $_streq in a condition: break f if $_streq ($cairn_type (x), "list")"""

    def invoke(self, *values: "gdb.Value") -> Any:
        return self.find(self.one(values)).type_name


class Size(_Function):
    """Return the bytes of a Cairn object's block, header included.
Usage: $cairn_size (X)"""

    def invoke(self, *values: "gdb.Value") -> Any:
        return self.find(self.one(values)).size_bytes


class IsObject(_Function):
    """Return 1 if an address is in a live Cairn object, else 0.
Usage: $cairn_is_object (X)
NULL, a freed object and a wild pointer give 0."""

    def invoke(self, *values: "gdb.Value") -> Any:
        value = self.one(values)
        try:
            self.find(value)
            return 1
        except gdb.GdbError:
            return 0


class TypeLike(_Function):
    """Return 1 if the type of a Cairn object matches a pattern, else 0.
Usage: $cairn_type_like (X, GLOB)
In GLOB, * and ? stand for any.  Reads three words of the program, so it is fit for the condition
of a breakpoint that is hit often.  0 too where X is no object."""

    def invoke(self, *values: "gdb.Value") -> Any:
        if len(values) != 2:
            raise gdb.GdbError('$cairn_type_like takes two arguments: $cairn_type_like(x, "list").')
        try:
            return int(heads_of(self._session_of()).matches(int(values[0]), values[1].string()))
        except CairnError as problem:
            raise gdb.GdbError(str(problem))


def install(session_of: SessionOf) -> None:
    """Registers the functions."""
    RefCount("cairn_refcount", session_of)
    TypeName("cairn_type", session_of)
    Size("cairn_size", session_of)
    IsObject("cairn_is_object", session_of)
    TypeLike("cairn_type_like", session_of)
