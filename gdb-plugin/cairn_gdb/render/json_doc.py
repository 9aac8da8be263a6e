"""The JSON document of a command: the envelope, and the records in it."""

from typing import Any, Dict, FrozenSet, Iterator, List, Optional, Sequence

from ..findings.pairing import Left
from ..records import Account, Identity, Object, Place, Result, Root
from ..session.tracked import Happened, Tracked

SCHEMA = "cairn/1"


def address(value: int) -> str:
    return f"{value:#x}"


def object_record(row: Object) -> Dict[str, Any]:
    """An object, as it stands in every document."""
    record: Dict[str, Any] = {"addr": address(row.address), "type": row.type_name,
                              "refcount": row.refcount, "size": row.size_bytes}
    if row.value:
        record["value"] = row.value
    if row.immortal:
        record["immortal"] = True
    if "shared" in row.state:
        record["shared"] = True
    return record


def root_record(row: Root, held: Object) -> Dict[str, Any]:
    """A root and the object that it holds, as it stands in every document."""
    return {"kind": row.kind, "name": row.name, "thread": row.thread, "frame": row.frame,
            "addr": address(row.slot_address) if row.slot_address else None,
            "object": object_record(held), "confidence": row.confidence}


def account_record(row: Account, doubts: FrozenSet[str]) -> Dict[str, Any]:
    return {"doubts": sorted(doubts), "refcount": row.refcount, "heap_refs": row.heap_refs,
            "runtime_refs": row.runtime_refs, "root_refs": row.root_refs,
            "verdict": row.verdict, "surplus": row.surplus}


def place_record(row: Optional[Place]) -> Optional[Dict[str, Any]]:
    """A place in the program's code; what is not known has no key."""
    if row is None:
        return None
    record: Dict[str, Any] = {"addr": address(row.address)}
    if row.function:
        record["function"] = row.function
    if row.file:
        record.update(file=row.file, line=row.line)
    if row.module:
        record.update(module=row.module, offset=row.offset)
    return record


def left_records(rows: Sequence[Left]) -> List[Dict[str, Any]]:
    """What is left over, by place."""
    found = []
    for each in rows:
        row = each.row
        record: Dict[str, Any] = {"site": place_record(each.place), "op": _LEFT_OPS[row.op],
                                  "count": row.refs, "objects": row.objects,
                                  "confidence": row.sureness}
        if len(each.places) > 1:
            record["backtrace"] = [place_record(place) for place in each.places]
        if row.inner:
            record["inner"] = True
        if each.others:
            record["or"] = [place_record(place) for place in each.others]
        if row.other_more:
            record["or_more"] = row.other_more
        if each.partner is not None:
            record["partner"] = place_record(each.partner)
            record["partner_count"] = row.partner_count
        found.append(record)
    return found


_LEFT_OPS = {"allocate": "allocate", "retain": "retain", "release": "release", "other": "slot"}


def event_records(row: Tracked) -> List[Dict[str, Any]]:
    return [event_record(happened) for happened in row.events]


def event_record(happened: Happened) -> Dict[str, Any]:
    event, place = happened
    record: Dict[str, Any] = {"seq": event.sequence, "op": event.op, "refcount": event.refcount,
                              "thread": event.thread, "site": place_record(place)}
    if event.stack:
        record["stack"] = address(event.stack)
    if event.holder:
        record["holder"] = address(event.holder)
    if event.caught:
        record["caught"] = True
    return record


def track_record(row: Tracked) -> Dict[str, Any]:
    """What the program tracked of an object: keys beside those of the object."""
    record: Dict[str, Any] = {"serial": row.track.serial}
    if row.allocated:
        record["site"] = place_record(row.allocated[0])
        record["backtrace"] = [place_record(place) for place in row.allocated]
    if row.freed:
        record["freed_at"] = place_record(row.freed[0])
    if row.event_count:
        record["events"] = event_records(row)
        record["event_count"] = row.event_count
        record["events_lost"] = row.lost
    return record


def listing(rows: Sequence[Any], matched: int) -> Dict[str, Any]:
    return {"rows": list(rows), "matched": matched, "shown": len(rows)}


def envelope(command: str, identity: Optional[Identity], result: Result, data: Any
             ) -> Dict[str, Any]:
    """The whole document.  `identity` is None where there is no program."""
    target: Dict[str, Any] = {"kind": "native", "pid": 0, "executable": ""}
    if identity is not None:
        target = {"kind": identity.kind, "pid": identity.pid,
                  "executable": identity.executable}
    return {"schema": SCHEMA, "command": command, "target": target,
            "exactness": result.exactness, "warnings": list(result.warnings), "data": data}


def pieces(document: Dict[str, Any]) -> Iterator[str]:
    """The document's text, on one line as readers of a log want it; it comes in pieces, a row of
    its data each, so that ^C ends a long one at once."""
    import json  # only a user of -json pays for it
    encode = json.JSONEncoder(ensure_ascii=False).encode
    data = document["data"]
    rows = data.get("rows") if isinstance(data, dict) else None
    if not rows:
        yield encode(document) + "\n"
        return
    outside = encode({name: part for name, part in document.items() if name != "data"})
    yield outside[:-1] + ', "data": {"rows": ['
    for number, row in enumerate(rows, 1):
        yield encode(row) + (", " if number < len(rows) else "")
    rest = encode({name: part for name, part in data.items() if name != "rows"})
    yield ("]" if rest == "{}" else "], " + rest[1:-1]) + "}}\n"
