"""The JSON of every command has the keys and kinds that programs rely on; limits; rows as @N.

Nothing of this costs a user who types no command: until then the lens is not even loaded.
"""
import os
from typing import Any, Dict, Set

import gdb
from harness import (TARGET, Truth, answer, check, data, equal, error_of, execute, passed, rows,
                     run_to, start)

OBJECT = {"addr", "type", "refcount", "size"}
ROOT = {"kind", "name", "thread", "frame", "addr", "object", "confidence"}
ACCOUNT = {"refcount", "heap_refs", "runtime_refs", "root_refs", "verdict", "surplus"}


def lens_is_loaded() -> bool:
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return "liblens" in maps.read()


def has(record: Dict[str, Any], keys: Set[str], what: str) -> None:
    check(keys <= set(record), "%s lacks %s: %s" % (what, sorted(keys - set(record)), record))


def listing(command: str, keys: Set[str]) -> None:
    """Each row has the keys; the limit cuts, says so, and 0 cuts nothing."""
    for row in rows(command):
        has(row, keys, command)
        if isinstance(row.get("object"), dict):
            has(row["object"], OBJECT, command)
    cut = data(command + " -limit 1")
    equal((cut["shown"], len(cut["rows"])), (1, 1), "'cairn %s -limit 1'" % command)
    if cut["matched"] > 1:
        check("-limit 0" in execute("cairn %s -limit 1" % command), command + " says it is cut")


if TARGET == "live":
    run_to("main")
    for _ in range(20):
        gdb.execute("next", to_string=True)
start()
check(not lens_is_loaded(), "stopping alone loads and reads nothing")
truth = Truth()
(a_list,) = [addr for _, name, addr in truth["root"] if name == "main.list"]

# ---- the envelope ----
envelope = answer("objects")
check(lens_is_loaded(), "a command loads it")
equal(envelope["command"], "objects", "the command")
equal(envelope["target"]["kind"], {"live": "native", "remote": "remote"}.get(TARGET, "core"),
      "the kind of target")
equal(os.path.basename(envelope["target"]["executable"]), "matrix.O0", "the executable")
check(envelope["target"]["pid"] > 0, "the process")
check(envelope["exactness"] in ("exact", "tolerant", "conservative"), "how sure it is")
equal(envelope["warnings"], [], "no warning")

# ---- listings ----
listing("arenas", {"addr", "heap", "bytes", "pages", "blocks_used", "blocks_free", "bytes_used"})
listing("arenas -pages", {"addr", "block_bytes", "blocks_used", "blocks_free", "bytes_used"})
listing("objects", OBJECT | {"heap", "arena"})
listing("refcounts", {"refcount", "count", "bytes"})
listing("types", {"type", "count", "bytes", "refcount_min", "refcount_max"})
listing("roots", ROOT)
listing("refs " + a_list, {"slot", "kind", "object"})
listing("referrers " + a_list, {"holder", "slot", "kind"})
kinds = {row["kind"] for row in rows("roots")}
wanted = {"arg", "local", "static", "global", "foreign"}
check(wanted <= kinds, "kinds of roots: %s" % kinds)
for kind in sorted(kinds):
    equal({row["kind"] for row in rows("roots -kind " + kind)}, {kind}, "-kind " + kind)
edges = {ref["kind"] for addr, *_ in truth["object"] for ref in rows("refs " + addr)}
equal(edges, {"strong", "weak", "borrowed"}, "kinds of references")

# ---- the others ----
has(data(""), {"heaps", "objects", "bytes"}, "the overview")
has(data("")["heaps"][0], {"id", "name", "addr", "objects", "bytes", "arenas", "reserved_bytes"},
    "a heap")
for region in data("map")["regions"]:
    has(region, {"start", "end", "kind", "name", "perms"}, "a region")
shown = data("show " + a_list)
has(shown, OBJECT | {"value", "fields"}, "show")
for field in shown["fields"]:
    has(field, {"name", "kind", "value"}, "a field")
    has(field["value"], OBJECT, "a reference's value")
has(data("referrers " + a_list)["accounting"], ACCOUNT, "the accounting")
stack = data("stack -limit 0")
for frame in stack["threads"][0]["frames"]:
    has(frame, {"level", "function", "file", "line", "variables"}, "a frame")
    for variable in frame["variables"]:
        has(variable, {"name", "kind", "addr", "object"}, "a variable")
for row in stack["objects"]:
    has(row, OBJECT | {"holders"}, "an object of the picture")
if TARGET != "core":
    # A register that holds an object and is no variable's: raw, and as sure as raw words are.
    gdb.execute("set $kept = $r12")
    gdb.execute("set var $r12 = " + a_list)
    (register,) = [row for row in rows("roots -kind register") if row["name"] == "$r12"]
    equal((register["object"]["addr"], register["frame"], register["confidence"]),
          (a_list, 0, "conservative"), "a register")
    full = {(variable["kind"], variable["name"])
            for variable in data("stack -full -limit 0")["threads"][0]["variables"]}
    check(("register", "$r12") in full, "-full shows it: %s" % full)
    gdb.execute("set var $r12 = $kept")
    check("$r12" not in {row["name"] for row in rows("roots")}, "and it is forgotten")
checked = data("check")
equal((checked["rows"], set(checked["checked"])), ([], {"objects", "pages", "arenas"}), "check")

# ---- where objects lie; those that are never freed ----
arenas = {row["addr"]: row["bytes"] for row in rows("arenas")}
some = rows("objects")
check(some, "there are objects")
for row in some:
    check(0 <= int(row["addr"], 16) - int(row["arena"], 16) < arenas[row["arena"]],
          "%s lies in its arena" % row["addr"])
    equal(row.get("immortal", False), row["refcount"] >= 1 << 31, "immortal: %s" % row)
(none,) = rows("objects -type none")
check(none.get("immortal") is True, "none is immortal")

# ---- how deep, how many, in which order ----
flat = data("show %s -depth 0" % a_list)
check(not flat.get("fields"), "-depth 0 shows no field")
(a_dict,) = [field["value"] for field in data("show %s -depth 2" % a_list)["fields"]
             if field["value"]["type"] == "dict"]
check(a_dict["fields"], "-depth 2 shows what the items hold")
check(all(not field["value"].get("fields") for field in shown["fields"]), "the default is 1")
equal(data("objects")["shown"], 20, "the limit's default")
gdb.execute("set cairn limit 7")
equal((data("objects")["shown"], data("objects --limit 3")["shown"]), (7, 3), "set cairn limit")
gdb.execute("set cairn limit 20")
for key, name in (("refcount", "refcount"), ("size", "size"), ("addr", "addr"), ("type", "type")):
    for reverse in ("", " -reverse"):
        found = [int(row["addr"], 16) if key == "addr" else row[name]
                 for row in rows("objects -refcount <1000 -sort %s%s" % (key, reverse))]
        down = (key in ("refcount", "size")) != bool(reverse)
        equal(found, sorted(found, reverse=down), "-sort %s%s" % (key, reverse))
largest = data("objects -sort size -limit 3")["rows"]
equal(len(largest), 3, "three rows")
for number, row in enumerate(largest, 1):
    equal(data("show @%d" % number)["addr"], row["addr"], "@%d" % number)
check("@4" in error_of("cairn show @4"), "there is no @4")
equal(int(gdb.parse_and_eval("$cairn_status")), 2, "$cairn_status after an error")
equal(data("show %#x" % (int(a_list, 16) + 9))["addr"], a_list, "an interior address")
equal(int(gdb.parse_and_eval("$cairn_status")), 0, "$cairn_status after an answer")
passed()
