"""What all parts of the mirror of lens.h are written with: its statuses, its kinds of arguments.

A part declares its structs with `struct` and its functions with `declare`; library.py gives the
functions these signatures when it has loaded the library.
"""

import ctypes
import functools
from ctypes import POINTER, Structure, c_uint32, c_uint64, c_void_p
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

ABI = 10
SLICE_MS = 50
NONE = 0xFFFFFFFF

ReadMemory = Callable[[int, int], bytes]  # address, bytes -> the readable prefix
Progress = Callable[[str, int, int], None]  # phase, done, total
Signature = Tuple[Any, Sequence[Any]]  # what a function returns, what it takes

# Statuses, in the order of lens.h.
(OK, AGAIN, NOT_FOUND, UNREADABLE, CORRUPT, NO_MEMORY, CANCELLED, BAD_ARGUMENT, UNSUPPORTED,
 IO) = range(10)

SIGNATURES: Dict[str, Signature] = {}  # the functions of lens.h that are called here


def declare(functions: Dict[str, Signature]) -> None:
    """Adds functions to those that the library must have."""
    SIGNATURES.update(functions)


def struct(name: str, *members: Tuple[str, Any]) -> Any:
    """A ctypes struct with the members of the lens.h struct of the same name."""
    return type("_" + name, (Structure,), {"_fields_": list(members)})


def u64(*names: str) -> List[Tuple[str, Any]]:
    return [(name, c_uint64) for name in names]


def u32(*names: str) -> List[Tuple[str, Any]]:
    return [(name, c_uint32) for name in names]


LensPointer = c_void_p
STATUS = ctypes.c_int
COUNT = POINTER(c_uint64)
ProgressStruct = struct("lens_progress", ("phase", ctypes.c_char_p), *u64("done", "total"))
STEP = [LensPointer, c_uint32, POINTER(ProgressStruct)]  # a sliced function


def as_text(value: Optional[bytes]) -> str:
    return "" if value is None else value.decode("utf-8", "replace")


def named(names: Sequence[str], value: int) -> str:
    return names[value] if value < len(names) else f"unknown {value}"


@functools.lru_cache(maxsize=None)  # few combinations occur, one for each object is asked for
def flag_set(names: Tuple[str, ...], value: int) -> frozenset:
    """The names of the bits that are set, the lowest bit's name first."""
    return frozenset(name for bit, name in enumerate(names) if value >> bit & 1)
