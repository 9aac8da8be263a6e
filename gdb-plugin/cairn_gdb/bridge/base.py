"""One lens: made and given back, its reader's callback, and how its functions are called."""

import ctypes
import functools
import os
import sys
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_uint32, c_uint64, c_void_p
from typing import Any, Dict, Optional, Tuple

from .. import records
from ..errors import CairnError
from .abi import (AGAIN, CANCELLED, COUNT, NO_MEMORY, OK, SLICE_MS, STATUS, LensPointer, Progress,
                  ProgressStruct, ReadMemory, as_text, declare)
from .library import load_library

TEXT_BYTES = 240  # of a value
ROWS_UNASKED = 1 << 12  # so many are made room for before it is known how many there are


class ReaderStruct(Structure):
    READ = CFUNCTYPE(ctypes.c_int, c_void_p, c_uint64, c_uint64, c_void_p, COUNT)
    _fields_ = [("context", c_void_p), ("read", READ)]


# What is answered in one go asks whether to go on.
TURN = CFUNCTYPE(None, c_void_p, POINTER(c_uint32))

declare({
    "lens_abi": (c_uint32, []),
    "lens_status_text": (c_char_p, [STATUS]),
    "lens_new": (STATUS, [POINTER(ReaderStruct), POINTER(LensPointer)]),
    "lens_new_core": (STATUS, [c_char_p, c_char_p, POINTER(LensPointer)]),
    "lens_free": (None, [LensPointer]),
    "lens_turn_set": (None, [LensPointer, TURN, c_void_p]),
    "lens_error": (c_char_p, [LensPointer]),
})


@functools.lru_cache(maxsize=None)  # once
def _hush_callbacks() -> None:
    """Keeps Python from writing of a ^C at the entry of a lens's callback: _check raises it."""
    before = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if getattr(unraisable.object, "__func__", None) not in (Base._serve, Base._go_on):
            before(unraisable)

    sys.unraisablehook = hook


class Base:
    """One lens over one program or core, and how its functions are called."""

    def __init__(self, read: Optional[ReadMemory] = None, core: str = "",
                 executable: str = "") -> None:
        """Over memory that `read` serves, or over the core file `core`."""
        self._library = load_library()
        self._self = LensPointer()
        self._pending: Optional[BaseException] = None
        self._types: Dict[int, records.Type] = {}
        self._read_memory = read
        self._text_buffer = ctypes.create_string_buffer(TEXT_BYTES)
        _hush_callbacks()
        if read is None:
            status = self._library.lens_new_core(
                os.fsencode(core), os.fsencode(executable) if executable else None,
                byref(self._self))
        else:
            # The lens copies the struct; the callback object must live as long as the lens.
            self._callback = ReaderStruct.READ(self._serve)
            status = self._library.lens_new(byref(ReaderStruct(None, self._callback)),
                                            byref(self._self))
        if status != OK:
            said = as_text(self._library.lens_error(None))
            raise CairnError(said or as_text(self._library.lens_status_text(status)))
        self._turn = TURN(self._go_on)
        self._library.lens_turn_set(self._self, self._turn, None)

    def close(self) -> None:
        """Gives the lens back; no other method may be called after it."""
        if self._self:
            self._library.lens_free(self._self)
            self._self = LensPointer()

    def _serve(self, _context: Any, address: int, size: int, out: Any, read_bytes: Any) -> int:
        """The reader's callback: nothing may be raised through it."""
        try:
            assert self._read_memory is not None
            data = self._read_memory(address, size)
            ctypes.memmove(out, data, len(data))
            read_bytes[0] = len(data)
            return OK
        except BaseException as problem:  # KeyboardInterrupt too: it is raised by _check
            self._pending = problem
            return CANCELLED

    def _go_on(self, _context: Any, go_on: Any) -> None:
        """The turn's callback: Python sees a ^C on the way in, or in here.

        What ctypes returns of a callback that was broken off may be anything: the answer is stored.
        """
        try:
            go_on[0] = 1
        except BaseException as problem:
            self._pending = problem
            go_on[0] = 0

    def _check(self, status: int, *accepted: int) -> int:
        """Raises what the callback kept, or the status as a CairnError unless it is accepted."""
        pending, self._pending = self._pending, None
        if pending is not None:
            raise pending
        if status == OK or status in accepted:
            return status
        if status == CANCELLED:
            raise KeyboardInterrupt
        said = as_text(self._library.lens_error(self._self))
        if status == NO_MEMORY:
            said = "GDB itself is out of memory" + (f": {said}" if said else ".")
        raise CairnError(said or as_text(self._library.lens_status_text(status)))

    def _steps(self, step: Any, progress: Optional[Progress], *accepted: int) -> int:
        """Runs a sliced function to its end, which is OK or a status that is accepted."""
        state = ProgressStruct()
        while True:
            status = self._check(step(self._self, SLICE_MS, byref(state)), AGAIN, *accepted)
            if status != AGAIN:
                return status
            if progress is not None:
                progress(as_text(state.phase), state.done, state.total)

    def _get(self, function: Any, kind: Any, *index: int) -> Any:
        row = kind()
        self._check(function(self._self, *index, byref(row)))
        return row

    def _rows(self, function: Any, kind: Any, capacity: int, *head: Any) -> Tuple[Any, int, int]:
        """Calls a function that fills rows; capacity 0 asks for all.  (rows, written, total)"""
        written, total = c_uint64(), c_uint64()
        if capacity == 0 or capacity > ROWS_UNASKED:  # a large capacity must not cost its memory
            self._check(function(self._self, *head, 0, None, byref(written), byref(total)))
            capacity = min(capacity or total.value, total.value)
        rows = (kind * max(1, capacity))()
        self._check(function(self._self, *head, capacity, rows, byref(written), byref(total)))
        return rows, written.value, total.value
