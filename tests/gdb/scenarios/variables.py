"""Every kind of variable is drawn with its object, or with the reason why it has none.

Exact in the unoptimised build; never wrong in the optimised one.  Looking never runs the program.
"""
import os
from typing import Any, Dict, List, Set, Tuple

import gdb
from harness import LIVE, TARGET, Truth, check, data, equal, execute, passed, rows, start

VARIANT = os.environ.get("SCENARIO_PROGRAM", "").rsplit(".", 1)[-1]
OURS = ("late", "pointers", "aggregates", "main")
NAMED = VARIANT in ("O0", "O2") and TARGET != "core_only"

start()
truth = Truth()
calls: List[Any] = []
if hasattr(gdb.events, "inferior_call"):
    gdb.events.inferior_call.connect(calls.append)
stack = data("stack -limit 0")

# ---- the variables ----
drawn: Set[Tuple[str, str, str]] = set()
notes: Dict[str, str] = {}
for thread in stack["threads"]:
    for frame in thread["frames"]:
        for variable in frame["variables"]:
            name = "%s.%s" % (frame["function"], variable["name"])
            if frame["function"] not in OURS:
                continue
            if variable.get("note"):
                notes[name] = variable["note"]
            elif variable["object"]:
                drawn.add((variable["kind"], name, variable["object"]["addr"]))
    for variable in thread.get("variables", []):
        if variable["object"] and variable["kind"] == "tls":
            drawn.add(("tls", variable["name"], variable["object"]["addr"]))
slots = [(variable["name"], variable["addr"]) for variable in stack["data"]]
equal(len(slots), len(set(slots)), "each variable of the program's data is drawn once")
for variable in stack["data"]:
    if variable["object"] and variable["kind"] in ("static", "global"):
        drawn.add((variable["kind"], variable["name"], variable["object"]["addr"]))

expected = {(kind, name, addr) for kind, name, addr in truth["root"]
            if LIVE or kind != "tls" or ("tls", name, addr) in drawn}
wanted_notes = {name: note for name, note in truth["note"]}
if not NAMED:
    equal(drawn, set(), "without symbols nothing has a name")
    words = {variable["object"]["addr"] for thread in stack["threads"]
             for frame in thread["frames"] for variable in frame["variables"]
             if variable["object"] and variable["kind"] == "word"}
    check({addr for _, _, addr in expected} & words, "the stack's words stand in")
    check("stand in for variables" in execute("cairn stack"), "and that is said")
elif VARIANT == "O0":
    equal(drawn, expected, "what each variable refers to")
    # `result` is declared and not yet set, in two frames; the text of a union is its number.
    wanted_notes.update({"pointers.result": "uninitialised", "aggregates.result": "uninitialised"})
    if TARGET == "core":
        notes = {name: note for name, note in notes.items() if note != "unreadable"}
    equal(notes, wanted_notes, "why the others refer to nothing")
else:
    for row in drawn:
        check(row in expected, "%s is not true" % (row,))
    for name, note in notes.items():
        check(note == "optimized out" or wanted_notes.get(name) == note,
              "%s is %s" % (name, note))
    check("optimized out" in notes.values(), "some have gone: %s" % notes)

# ---- objects: every holder by name, and a count that is explained ----
if VARIANT == "O0" and NAMED and LIVE:
    held = {row["addr"]: row for row in stack["objects"]}
    for addr, one in held.items():
        mine = {name for _, name, at in expected if at == addr}
        check(mine <= set(one["holders"]), "holders of %s: %s" % (addr, one["holders"]))

# ---- roots: each storage place once ----
rooted = rows("roots")
places = [row["addr"] for row in rooted if row["addr"]]
equal(len(places), len(set(places)), "each place is one root")
names = {(row["kind"], row["name"], row["object"]["addr"]) for row in rooted}
if VARIANT == "O0" and NAMED:
    for row in expected:
        # *pointer is the slot that it points to, listed where that slot lies.
        check("*" in row[1] or row in names, "root %s" % (row,))
for variable in stack["data"]:
    if variable["object"] and not variable.get("note") and "*" not in variable["name"]:
        row = (variable["kind"], variable["name"], variable["object"]["addr"])
        check(row in names, "the picture and the roots call %s the same" % (row,))
for kind in ("local", "global", "word"):
    equal({row["kind"] for row in rows("roots -kind " + kind)} - {kind}, set(), "only " + kind)

# ---- words: a frame has those up to the next frame, drawn or not ----
caller = gdb.newest_frame().older()
if caller is not None:
    end = int(caller.read_register("sp")) & (1 << 64) - 1
    inner = data("stack -full -limit 1")["threads"][0]["frames"]
    equal(len(inner), 1, "one frame")
    equal([row for row in inner[0]["variables"]
           if row["kind"] == "word" and int(row["addr"], 16) >= end], [], "words of outer frames")

# ---- the drawing: no line too many, nothing lost, in every shape ----
text = execute("cairn stack -full -all")
check("not set yet" in text or VARIANT != "O0" or not NAMED, "the drawing names what is not set")
execute("set cairn ascii on")
check(execute("cairn stack -full -all").isascii(), "plain letters")
equal([str(call) for call in calls], [], "calls of the program's functions")
passed()
