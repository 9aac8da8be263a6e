"""The program that GDB looks at: its memory, its regions, the values of its expressions.

Imports gdb.  Three kinds of target, and where each one's heap is read:

    native   GDB's read_memory; regions from /proc/PID/maps
    remote   GDB's read_memory; regions from the stub's /proc/PID/maps, else `info proc mappings`
    core     the core file itself, by the lens: GDB 10 to 13 read file pages that a core lacks as
             zeros where the executable is gone, the lens knows that they are absent

Memory is only read of the selected inferior: GDB 10 and 13 ignore which inferior read_memory was
called on.  The values of expressions always come from GDB.
"""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, List, Optional, Tuple

import gdb

from .. import records
from ..errors import CairnError
from ..outside import maps
from ..records import Identity, Region, Section, Value
from ..session import Session

if TYPE_CHECKING:  # loaded when a command first needs them
    from ..bridge import Lens
    from ..outside.rootset import Roots
    from ..outside.slots import Outside, Scope

CHUNK_BYTES = 1 << 20  # one read of a whole gigabyte is ten times slower than chunks
PAGE_BYTES = 1 << 12
PROGRESS_AFTER_S = 0.5  # shorter work shows nothing


class GdbTarget:
    """One inferior, as session.Target asks for it."""

    def __init__(self, inferior: gdb.Inferior) -> None:
        self._inferior = inferior
        self._identity: Optional[Identity] = None
        self._identity_key: Optional[Tuple[object, ...]] = None
        self._root: Optional[int] = None  # where the symbol says that a root record is; 0: nowhere
        self._regions: Optional[List[Region]] = None  # of the lens, for the names of modules
        self._progress_since = 0.0
        self._progress_shown = False

    # ---- who it is ----

    def forget(self) -> None:
        """The program may have been replaced by another one."""
        self._identity_key = None
        self._regions = None
        self._root = None

    def identity(self) -> Identity:
        """Asks GDB only when the inferior changed; `info target` is not free."""
        inferior = self._inferior
        if is_marked_running() and not _has_frames():
            raise CairnError("The program is running: `interrupt` it first.")
        key = (inferior.pid, inferior.progspace.filename, getattr(inferior, "connection_num", 0))
        if self._identity is None or key != self._identity_key:
            self._identity = _identify(inferior)
            self._identity_key = key
        return self._identity

    # ---- memory ----

    def open_lens(self) -> Lens:
        from ..bridge import Lens
        identity = self.identity()
        if identity.kind == "core":
            try:
                lens = Lens(core=identity.core, executable=identity.executable)
            except CairnError as problem:
                raise CairnError(f"The core file {identity.core} can't be read: {problem}")
        else:
            lens = Lens(read=self.read)
            lens.set_regions(_live_regions(identity))
        self._hint(lens)
        return lens

    def refresh_lens(self, lens: Lens) -> None:
        identity = self.identity()
        self._regions = None
        lens.refresh()
        if identity.kind != "core":
            lens.set_regions(_live_regions(identity))
        self._hint(lens)

    def _hint(self, lens: Lens) -> None:
        """Where symbols are left GDB knows at once what the lens would have to search for."""
        if self._root is None:  # looking a symbol up takes milliseconds
            try:
                self._root = int(gdb.parse_and_eval("(unsigned long)&cairn_contract_root"))
            except gdb.error:
                self._root = 0  # stripped: the lens finds the note
        if self._root:
            lens.hint_root(self._root)

    def read(self, address: int, size: int) -> bytes:
        """The readable prefix of [address, address + size)."""
        if gdb.selected_inferior().num != self._inferior.num:
            raise CairnError(f"Inferior {self._inferior.num} is not the selected one.")
        pieces: List[bytes] = []
        done = 0
        while done < size:
            wanted = min(CHUNK_BYTES, size - done)
            piece = self._read_prefix(address + done, wanted)
            pieces.append(piece)
            done += len(piece)
            if len(piece) < wanted:
                break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read_prefix(self, address: int, size: int) -> bytes:
        whole = self._try_read(address, size)
        if whole is not None:
            return whole
        # Memory is readable by pages: the prefix is found by halving the pages that remain.
        known = b""
        low, high = 0, size  # [address, address + low) is readable, up to high is not
        while True:
            middle = (address + (low + high) // 2) // PAGE_BYTES * PAGE_BYTES - address
            if middle <= low:
                middle = (address + low) // PAGE_BYTES * PAGE_BYTES + PAGE_BYTES - address
            if middle >= high:
                return known
            piece = self._try_read(address + low, middle - low)
            if piece is None:
                high = middle
            else:
                known, low = known + piece, middle

    def _try_read(self, address: int, size: int) -> Optional[bytes]:
        try:
            return bytes(self._inferior.read_memory(address, size))
        except gdb.MemoryError:
            return None
        except (OverflowError, ValueError):
            return None  # beyond the address space
        except gdb.error as problem:
            raise CairnError(f"GDB can't read the program's memory: {problem}")

    # ---- expressions ----

    def evaluate(self, expression: str) -> Value:
        if re.fullmatch("0[xX][0-9a-fA-F]{1,16}", expression.strip()):
            return Value(int(expression, 16), expression)  # not every language writes it so
        try:
            value = gdb.parse_and_eval(expression)
            return Value(address_of(value, expression), expression)
        except gdb.error as problem:
            said = str(problem).rstrip(".")
            hint = ""
            if "No symbol table" in said or "No symbol " in said:
                hint = "  Try `info locals`, `info args`, or an address in hex."
            raise CairnError(f"{said}.{hint}")

    # ---- progress ----

    def progress(self, phase: str, done: int, total: int) -> None:
        """One line on a terminal, kept until `progress_end`."""
        now = time.monotonic()
        if self._progress_since == 0.0:
            self._progress_since = now
        if now - self._progress_since < PROGRESS_AFTER_S or not _on_terminal():
            return
        share = f" {100 * done // total} %" if total > 0 else ""
        os.write(2, f"\r\033[Kcairn: {phase}{share}  (^C stops)".encode())
        self._progress_shown = True

    def progress_end(self) -> None:
        """The work is over: the line goes away."""
        if self._progress_shown:
            os.write(2, b"\r\033[K")
        self._progress_since, self._progress_shown = 0.0, False

    # ---- roots ----

    def collect_roots(self, session: Session) -> Roots:
        from . import roots
        return roots.collect(session)

    def outside(self, session: Session, scope: Scope) -> Outside:
        from . import roots
        return roots.outside(session, scope)

    def sections(self) -> List[Section]:
        return maps.parse_sections(gdb.execute("info files", to_string=True) or "")

    def stack_pointers(self) -> List[Tuple[int, str, int]]:
        from . import frames
        return frames.stack_pointers()

    def others_running(self) -> int:
        return others_running(self._inferior)

    def place_of(self, caller: int, lens: Lens) -> records.Place:
        from . import places
        if self._regions is None:
            self._regions = lens.regions()
        return places.place_of(caller, self._regions)

    def function_of(self, caller: int) -> Tuple[int, bool]:
        from . import places
        return places.function_of(caller)

    def watch(self, session: Session, address: int, name: str, after: int) -> records.Stop:
        from ..stops import setting
        return setting.watch(session, address, name, after)

    def break_death(self, session: Session, address: int, name: str) -> records.Stop:
        from ..stops import setting
        return setting.break_death(session, address, name)

    def break_event(self, kind: str, glob: str, after: int, loaded: bool) -> records.Stop:
        from ..stops import setting
        return setting.break_event(kind, glob, after, loaded)

    def observe(self, session: Session) -> List[int]:
        from ..stops import observing
        return observing.tell(session)

    def is_listened_for(self, kind: str) -> bool:
        from ..stops import setting
        return setting.is_listened_for(kind)

    def environment(self, name: str) -> str:
        said = gdb.execute(f"show environment {name}", to_string=True)
        return said.split("=", 1)[1].strip() if said.startswith(f"{name} =") else ""

    def symbol_at(self, address: int) -> str:
        from . import statics
        return statics.symbol_at(address)


def is_marked_running() -> bool:
    """GDB says that the selected thread runs.  It does not while a breakpoint's condition or its
    stop method is being worked out; no event tells when it goes on from there."""
    thread = gdb.selected_thread()
    return thread is not None and thread.is_running()


def others_running(inferior: gdb.Inferior) -> int:
    """Threads that run beside the selected one: in non-stop mode memory changes at any time.

    Asked in no other mode: the question makes GDB 10 forget its frames, and it ends with an
    internal error when it was about to print an argument of one."""
    if not gdb.parameter("non-stop"):
        return 0
    selected = gdb.selected_thread()
    number = 0 if selected is None else selected.num
    return sum(thread.is_running() for thread in inferior.threads() if thread.num != number)


def _has_frames() -> bool:
    try:
        gdb.newest_frame()
    except gdb.error:
        return False
    return True


def _on_terminal() -> bool:
    try:
        return os.isatty(2) and os.isatty(1)
    except OSError:
        return False


def _identify(inferior: gdb.Inferior) -> Identity:
    """Which program the inferior is; CairnError where there is none."""
    executable = inferior.progspace.filename or ""
    described = gdb.execute("info target", to_string=True)
    core = re.search(r"Local core dump file:\s*`(.*)', file type", described)
    if core is not None and inferior.pid != 0:
        # The file name of the program space is that of the symbols, which may come from another.
        program = re.search(r"Local exec file:\s*`(.*)', file type", described)
        if program is not None and os.path.isfile(program.group(1)):
            executable = program.group(1)
        return Identity("core", inferior.pid, executable, core.group(1))
    if inferior.pid == 0:
        raise CairnError("No program is being run here: `start` or `attach` it, or open a core "
                         "with `core FILE`.")
    # What is no process of this machine (a stub, a simulator) is read as a remote one is.
    native = re.search(r"^(Native|Unix child) process", described, re.MULTILINE)
    kind = "native" if native is not None else "remote"
    return Identity(kind, inferior.pid, executable)


def address_of(value: gdb.Value, expression: str) -> int:
    """The address that a value means as an object argument."""
    if value.is_optimized_out:
        raise CairnError(f"{expression} is optimized out here; try another frame, or `cairn "
                         "stack -full`.")
    kind = value.type.strip_typedefs()
    if kind.code in (gdb.TYPE_CODE_REF, getattr(gdb, "TYPE_CODE_RVALUE_REF", gdb.TYPE_CODE_REF)):
        value = value.referenced_value()
        kind = value.type.strip_typedefs()
    if kind.code in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_INT, gdb.TYPE_CODE_ENUM):
        return int(value) & records.UNBOUNDED
    if kind.code == gdb.TYPE_CODE_FUNC and value.address is not None:
        return int(value.address)
    if kind.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        if value.address is None:
            raise CairnError(f"{expression} is a value without an address; name a pointer to an "
                             "object.")
        return int(value.address)
    if kind.code == gdb.TYPE_CODE_ARRAY:
        raise CairnError(f"{expression} is an array; name one of its elements, as in "
                         f"{expression}[0].")
    raise CairnError(f"{expression} has type {value.type}, which can't point to an object.")


# ---- regions of a live program ------------------------------------------------------------------

def _live_regions(identity: Identity) -> List[Region]:
    """The memory map; empty where nobody tells it (then only hints lead to a heap)."""
    text = ""
    if identity.kind == "native":
        text = _read_text(f"/proc/{identity.pid}/maps")
    if not text:
        text = _remote_maps(identity.pid)
    regions = maps.parse_maps(text)
    return regions or maps.parse_mappings(_gdb_mappings())


def _read_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def _remote_maps(pid: int) -> str:
    """/proc/PID/maps of the machine that the program runs on: it has the permissions, which
    `info proc mappings` of GDB 10 and 11 leaves out."""
    import tempfile
    try:
        with tempfile.TemporaryDirectory(prefix="cairn-") as directory:
            path = os.path.join(directory, "maps")
            gdb.execute(f"remote get /proc/{pid}/maps {path}", to_string=True)
            return _read_text(path)
    except (gdb.error, OSError):
        return ""


def _gdb_mappings() -> str:
    try:
        return str(gdb.execute("info proc mappings", to_string=True))
    except gdb.error:
        return ""
