"""What a program may rely on in the JSON of each command, as data, and whether a document is so.

The shapes are written from the statement of the commands alone.  A shape is

    int, str, bool, None    a value of exactly that kind (true is no number)
    ADDRESS                 a string "0x..."
    {"a", "b"}              one of these words
    (one, other)            either of them
    [shape]                 a list of it
    {"key": shape}          an object with these keys, and perhaps others; "key?" may be absent

Beside its shape each document obeys rules that hold wherever a key of a name stands (`everywhere`).
"""
import json
import os
import re
from typing import Any, Dict, Iterator, List, Set, Tuple

ADDRESS = re.compile(r"0x(0|[1-9a-f][0-9a-f]*)")

OBJECT = {"addr": ADDRESS, "type": str, "refcount": int, "size": int, "value?": str,
          "immortal?": bool}
CONFIDENCE = {"exact", "tolerant", "conservative"}
ROOT_KIND = {"arg", "local", "static", "global", "tls", "register", "word", "foreign"}
SLOT_KIND = {"strong", "weak", "borrowed", "opaque"}
VERDICT = {"balanced", "over-retained", "under-retained", "immortal", "unknown"}
ROOT = {"kind": ROOT_KIND, "name": str, "thread": (int, None), "frame": (int, None),
        "addr": (ADDRESS, None), "object": OBJECT, "confidence": CONFIDENCE}
ROOT_OF_WAY = {name: shape for name, shape in ROOT.items() if name != "object"}
ACCOUNT = {"refcount": int, "heap_refs": int, "runtime_refs": int, "root_refs": int,
           "verdict": VERDICT, "surplus": int}
SITE = {"addr": ADDRESS, "function?": str, "file?": str, "line?": int, "module?": str,
        "offset?": int}
NOTE = {"interior", "freed", "dangling", "uninitialised", "optimized out", "null", "unreadable"}
VARIABLE = {"name": str, "kind": str, "addr": (ADDRESS, None), "object": (OBJECT, None),
            "note?": NOTE}
FRAME = {"level": int, "function": (str, None), "file": (str, None), "line": (int, None),
         "variables": [VARIABLE]}
FIELD = {"name": str, "kind": str, "value": (OBJECT, str, int, float, bool, None)}
HEAP = {"id": int, "name": str, "addr": ADDRESS, "objects": int, "bytes": int, "arenas": int,
        "reserved_bytes": int, "collections?": int, "manual_collection?": bool}
MANUAL = [{"id": int, "collections": int}]
REGION_KIND = {"text", "rodata", "data", "bss", "heap", "arena", "library", "stack", "other"}


def listing(row: Any, **more: Any) -> Dict[str, Any]:
    """The listing whose rows have this shape."""
    return dict({"rows": [row], "matched": int, "shown": int}, **more)


STEP = ({"root": ROOT_OF_WAY}, {"root": {"kind": {"runtime", "immortal", "dying"}}},
        {"object": OBJECT, "slot": str, "kind": SLOT_KIND}, {"object": OBJECT}, {"skipped": int})
OBJECTS_AND_BYTES = {"objects": int, "bytes": int}
EVENT = {"seq": int, "op": str, "refcount": int, "thread": int, "site": (SITE, None)}

# command -> the shape of its `data`
DATA: Dict[str, Any] = {
    "overview": {"heaps": [HEAP], "objects": int, "bytes": int},
    "map": {"regions": [{"start": ADDRESS, "end": ADDRESS, "kind": REGION_KIND, "name": str,
                         "perms": str}]},
    "arenas": listing({"addr": ADDRESS, "heap": int, "bytes": int, "pages": int,
                       "blocks_used": int, "blocks_free": int, "bytes_used": int}),
    "arenas -pages": listing({"addr": ADDRESS, "heap": int, "blocks_used": int,
                              "blocks_free": int, "bytes_used": int}),
    "objects": listing(dict(OBJECT, heap=int, arena=ADDRESS)),
    "refcounts": listing({"refcount": int, "count": int, "bytes": int}),
    "types": listing({"type": str, "count": int, "bytes": int, "refcount_min": int,
                      "refcount_max": int}),
    "show": dict(OBJECT, fields=[FIELD]),
    "stack": {"threads": [{"id": int, "frames": [FRAME]}],
              "objects": [dict(OBJECT, holders=[str])]},
    "roots": listing(ROOT),
    "refs": listing({"slot": str, "kind": SLOT_KIND, "object": OBJECT}),
    "referrers": listing({"holder": (OBJECT, ROOT), "slot": (str, None), "kind": str},
                         accounting=ACCOUNT),
    "path": {"paths": [[STEP]]},
    "audit": listing(dict(OBJECT, heap_refs=int, runtime_refs=int, root_refs=int, verdict=VERDICT,
                          surplus=int), totals={"balanced": int, "over": int, "under": int},
                     **{"misuses?": int, "misuses_other_types?": int, "misuses_unknown_type?": int,
                        "caught?": [dict(EVENT, addr=ADDRESS, serial=int)]}),
    "leaks": listing({"kind": {"cycle", "lost"}, "objects": int, "bytes": int, "root": OBJECT,
                      "surplus": int}, totals=OBJECTS_AND_BYTES, **{"manual_heaps?": MANUAL}),
    "cycles": listing({"objects": [OBJECT], "slots": [{
        "holder": ADDRESS, "holder_type": str, "slot": str, "kind": SLOT_KIND, "target": ADDRESS,
        "target_type": str}], "bytes": int, "garbage": bool,
                       "break": (dict, None)}),
    "collect": listing(dict(OBJECT, internal=int, external=int, verdict={"freed", "kept"}),
                       would_free=OBJECTS_AND_BYTES, **{"manual_heaps?": MANUAL}),
    "retained": listing(dict(OBJECT, retained_bytes=int, retained_objects=int)),
    "retained -by type": listing({"type": str, "retained_bytes": int, "retained_objects": int}),
    "retained -by root": listing({"kind": str, "name": str, "retained_bytes": int,
                                  "retained_objects": int}),
    "check": listing({"addr": (ADDRESS, None), "problem": str},
                     checked={"objects": int, "pages": int, "arenas": int}),
    "snapshot": {"name": str, "objects": int, "bytes": int},
    "snapshot list": listing({"name": str, "objects": int, "bytes": int}),
    "diff": listing({"type": str, "count_a": int, "count_b": int, "bytes_a": int,
                     "bytes_b": int}),
    "history": listing(dict(EVENT, paired=(int, None)), unmatched=[dict]),
    "sites": listing({"site": (SITE, None), "count": int, "bytes": int}),
}

ENVELOPE = {"schema": {"cairn/1"}, "command": str,
            "target": {"kind": {"native", "core", "remote"}, "pid": int, "executable": str},
            "exactness": CONFIDENCE, "warnings": [str], "data": dict}

_ADDRESSES = {"addr", "start", "end", "arena"}
_COUNTS = re.compile(r".*(bytes|_refs|_objects|_count)|count|refcount|size|seq|serial|matched|"
                     r"shown|level|pid|surplus|count_[ab]|bytes_[ab]")


def strictly(text: str) -> Any:
    """The one document in the text: no key twice, no NaN, nothing before it or behind it."""
    def pairs(found: List[Tuple[str, Any]]) -> Dict[str, Any]:
        names = [name for name, _ in found]
        if len(set(names)) != len(names):
            raise ValueError("a key stands twice in %s" % names)
        return dict(found)

    def refuse(word: str) -> None:
        raise ValueError("%s is no JSON" % word)

    if not text.startswith("{") or not text.endswith("}\n") or text.count("\n") != 1:
        raise ValueError("not one document on one line")
    return json.loads(text, object_pairs_hook=pairs, parse_constant=refuse)


def faults(value: Any, shape: Any, where: str = "data") -> Iterator[str]:
    """What is not as the shape says, each with where."""
    if isinstance(shape, tuple):
        found = [list(faults(value, one, where)) for one in shape]
        if all(found):
            yield from min(found, key=len)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield "%s is no list: %r" % (where, value)
            return
        for number, each in enumerate(value):
            yield from faults(each, shape[0], "%s[%d]" % (where, number))
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            yield "%s is no object: %r" % (where, value)
            return
        for name, each in shape.items():
            key = name.rstrip("?")
            if key in value:
                yield from faults(value[key], each, "%s.%s" % (where, key))
            elif key == name:
                yield "%s has no %s: %s" % (where, key, sorted(value))
    elif isinstance(shape, (set, frozenset)):
        if not isinstance(value, str) or value not in shape:
            yield "%s is none of %s: %r" % (where, sorted(shape), value)
    elif isinstance(shape, re.Pattern):
        if not isinstance(value, str) or not shape.fullmatch(value):
            yield "%s is no address: %r" % (where, value)
    elif shape is None:
        if value is not None:
            yield "%s is not null: %r" % (where, value)
    elif type(value) is not shape:  # pylint: disable=unidiomatic-typecheck
        yield "%s is no %s: %r" % (where, shape.__name__, value)


def everywhere(value: Any, where: str = "data") -> Iterator[str]:
    """What breaks a rule that holds in every document: no number is a fraction, addresses are
    strings, counts and sizes integers, an object is whole, a listing counts its rows."""
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from everywhere(each, "%s[%d]" % (where, number))
    elif isinstance(value, float) and not where.endswith(".value"):  # a field's may be one
        yield "%s is no integer: %r" % (where, value)
    elif isinstance(value, dict):
        yield from _object_rules(value, where)
        for name, each in value.items():
            below = "%s.%s" % (where, name)
            if name in _ADDRESSES and each is not None:
                yield from faults(each, ADDRESS, below)
            elif _COUNTS.fullmatch(name) and not isinstance(each, (list, dict)):
                yield from faults(each, int, below)
            yield from everywhere(each, below)


def _object_rules(value: Dict[str, Any], where: str) -> Iterator[str]:
    whole = {"addr", "refcount"} <= set(value) or {"addr", "type", "size"} <= set(value)
    if whole and "seq" not in value:  # an event has a count, too
        yield from faults(value, OBJECT, where)
    if "rows" in value:
        rows = value["rows"]
        if not len(rows) == value.get("shown") <= value.get("matched", -1):
            yield "%s: %d rows, shown %r, matched %r" % (where, len(rows), value.get("shown"),
                                                         value.get("matched"))


def document_faults(text: str, command: str, shape: Any) -> List[str]:
    """All that is wrong with what a command printed."""
    try:
        document = strictly(text)
    except ValueError as error:
        return ["%s: %s" % (error, text[:200])]
    found = list(faults(document, ENVELOPE, "document")) + list(everywhere(document, "document"))
    if set(document) != set(ENVELOPE):
        found.append("the envelope has other keys: %s" % sorted(document))
    if document.get("command") != command:
        found.append("the command is %r" % document.get("command"))
    return found + list(faults(document.get("data"), shape))


# ---- docs/JSON.md -------------------------------------------------------------------------------

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "JSON.md")


def keys_of(value: Any) -> Set[str]:
    """All keys in a document, however deep."""
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set()


def documented() -> Dict[str, Set[str]]:
    """The keys that the page names, of each command by its heading, with those of all."""
    with open(PAGE, encoding="utf-8") as file:
        _, *sections = re.split(r"^## ", file.read(), flags=re.MULTILINE)
    named: Dict[str, Set[str]] = {}
    for section in sections:
        heading, text = section.split("\n", 1)
        code = " ".join(re.findall(r"`([^`]*)`", text))
        named[heading] = set(re.findall(r"[a-z_]+", code))
    common = named.pop("Everywhere")
    return {heading: words | common for heading, words in named.items()}
