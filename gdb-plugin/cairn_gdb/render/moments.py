"""Moments and growth as text and records."""

import time
from typing import Any, Dict, Sequence

from .. import units
from ..records import MomentInfo, Place
from ..session import tracked
from . import json_doc


def signed(count: int) -> str:
    """`+18,204`, `-3`, `0`."""
    return f"{count:+,}" if count else "0"


def signed_size(count: int) -> str:
    """`+1.5 KiB`, `-48 B`, `0`."""
    return ("+" if count > 0 else "-") + units.size(abs(count)) if count else "0"


def origin(info: MomentInfo) -> str:
    """Which program it is of, and when: `native process 123 at 17:06:11`."""
    process = f" process {info.process}" if info.process else ""
    when = time.strftime(" at %Y-%m-%d %H:%M:%S", time.localtime(info.time)) if info.time else ""
    return f"{info.kind or 'a program'}{process}{when}"


def amount(info: MomentInfo) -> str:
    return f"{units.counted(info.objects, 'object')}, {units.size(info.bytes)}"


def record(name: str, info: MomentInfo) -> Dict[str, Any]:
    """A moment as it stands in every document."""
    found: Dict[str, Any] = {"name": name, "objects": info.objects, "bytes": info.bytes,
                             "kind": info.kind, "pid": info.process,
                             "executable": info.executable, "serials": info.serials,
                             "sites": info.sites, "exactness": info.exactness}
    if info.time:
        found["time"] = info.time
    return found


def places(callers: Sequence[Place]) -> str:
    """The innermost caller and those around it; `no site` where none is known."""
    return " < ".join(tracked.place_text(place) for place in callers) or "no site"


def places_record(callers: Sequence[Place]) -> Dict[str, Any]:
    return {"site": json_doc.place_record(callers[0] if callers else None),
            "backtrace": [json_doc.place_record(place) for place in callers]}
