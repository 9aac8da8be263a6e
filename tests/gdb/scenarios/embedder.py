"""A program that was not written for the tool: a small Lisp (fixtures/lisp), and its natural bugs.

    embedder.py bug=N symbols=PROGRAM

Nothing in it keeps accounts.  What is true follows from its sources and from the 200 orders that it
takes: every seventh is short of an argument, every other one makes a closure that its own scope
keeps.  The lines to find are looked up by their text.
"""
import glob
import os
from collections import Counter
from typing import Any, Dict, List

import gdb
from harness import LIVE, TARGET, check, data, equal, error_of, passed, rows, start
from mutants import Line, line_of

BUG = next(int(word[4:]) for word in os.environ["SCENARIO_COMMAND"].split()
           if word.startswith("bug="))
HERE = os.path.dirname(os.path.abspath(__file__))
SHORT = len(range(5, 200, 7))  # orders with one argument
RINGS = 200 - SHORT
LINES: Dict[str, List[Line]] = {}
for path in glob.glob(os.path.join(HERE, "..", "fixtures", "lisp", "*.c")):
    with open(path, encoding="utf-8") as opened:
        for number, text in enumerate(opened, 1):
            LINES.setdefault(text.strip(), []).append((os.path.basename(path), number))


def place(text: str) -> Line:
    """The only line of the sources that reads so."""
    check(len(LINES.get(text, [])) == 1, "one line reads %r: %s" % (text, LINES.get(text)))
    return LINES[text][0]


def nothing(*commands: str) -> None:
    for command in commands:
        found = rows(command)
        check(found == [], "cairn %s finds nothing: %s" % (command, found[:2]))


def lines_of(left: List[Dict[str, Any]]) -> List[Line]:
    return [line_of(place) for one in left for place in [one["site"]] + one.get("or", [])]


def right() -> None:
    """Nothing is wrong, and what is kept is kept by the globals."""
    nothing("audit", "leaks", "cycles", "check")
    kept = [row for row in rows("objects -type list") if row["value"].startswith('["customer ')]
    check(len(kept) == 20, "the last 20 quotes are there: %d" % len(kept))
    (last,) = [row for row in kept if '"customer 199"' in row["value"]]
    ways = data("path " + last["addr"])["paths"]
    names = {way[0]["root"]["name"] for way in ways}
    check(any("globals" in name for name in names) or not LIVE, "the globals hold it: %s" % names)


def forgotten_release() -> None:
    """An error path: each short order leaves the scope of its call."""
    nothing("cycles", "check")
    listed = rows("audit")
    equal(Counter((row["type"], row["surplus"], row["verdict"]) for row in listed),
          Counter({("scope", 1, "over-retained"): SHORT}), "each short order")
    made = place("cairn_object *scope = cairn_object_new(lisp->heap, lisp->scope);")
    for row in listed:
        (one,) = row["unmatched"]
        equal((line_of(one["site"]), one["confidence"]), (made, "certain"), "which was not given")
    (blame,) = data("audit -limit 0")["unmatched"]
    equal((blame["count"], line_of(blame["site"])), (SHORT, made), "all of them are one line's")
    # Where other scopes are given back: the function that has the path which forgets it.
    (forgetful,) = {line_of(row["unmatched"][0]["partner"]) for row in listed}
    check(forgetful in LINES["cairn_release(scope);"], "where others go: %s" % (forgetful,))
    leaks = rows("leaks")
    equal({row["root"]["addr"] for row in leaks}, {row["addr"] for row in listed}, "the leaks")
    equal({row["objects"] for row in leaks}, {3}, "a scope, its dict and the customer")


def never_collected() -> None:
    """Closures that their own scope keeps: rings, and every count is right."""
    nothing("audit", "check")
    rings = rows("cycles")
    equal((len(rings), {row["garbage"] for row in rings}), (RINGS, {True}), "a ring an order")
    for row in rings[:20]:
        equal(sorted(one["type"] for one in row["objects"]), ["closure", "dict", "scope"],
              "what holds what")
        slots = {slot["slot"] for slot in row["slots"]}
        check({"scope", "names", '["total"]'} <= slots, "its slots by name: %s" % slots)
        whole = {(one["type"], one["slot"]) for one in row["breaks"] if one["whole"]}
        check(("closure", "scope") in whole, "closure.scope would do: %s" % whole)
    equal(len(rows("leaks")), RINGS, "as many leaks")
    would = data("collect")["would_free"]["objects"]
    if LIVE:
        freed = int(gdb.parse_and_eval("(unsigned long)cairn_collect('main'::lisp.heap)"))
        equal(would, freed, "what the collector frees")
        nothing("audit", "leaks", "cycles", "check")


def released_twice() -> None:
    """What the dict has released is released again: quotes die that the list still has."""
    listed = rows("audit")
    check(len(listed) >= 15, "many are hit: %d" % len(listed))
    equal({(row["type"], row["surplus"], row["verdict"]) for row in listed},
          {("list", -1, "under-retained")}, "quotes with a count too low")
    guilty = place("cairn_release(before);")
    # Without symbols nobody knows which function was inlined where.
    demanded = TARGET != "core_only" or "O2" not in os.environ["SCENARIO_PROGRAM"]
    for row in listed:
        check(not demanded or guilty in lines_of(row["unmatched"]), "%s: eval.c:%d is named: %s"
              % (row["addr"], guilty[1], row["unmatched"]))
        check(all(one["confidence"] != "certain" for one in row["unmatched"]
                  if line_of(one["site"]) != guilty), "no other is certain")
    freed = [row for row in listed if row.get("freed")]
    check(freed != [], "some are dead already")
    for row in freed[:3]:
        history = data("history %s -limit 0" % row["addr"])
        check(history["rows"][-1]["op"] == "free" and guilty in
              [line_of(one["site"]) for one in history["rows"] if one["op"] == "release"],
              "its history has both: %s" % history["rows"])
    check("block that was freed" in error_of("cairn show " + freed[0]["addr"]), "it is gone")


def forgotten_retain() -> None:
    """A slot that was filled without a retain: the first scope dies that a closure still has, and
    the runtime notices in the middle of its death."""
    listed = rows("audit")
    equal(Counter((row["type"], row["surplus"], row["verdict"], row["refcount"] == 0)
                  for row in listed),
          Counter({("scope", -1, "under-retained", False): 1,
                   ("scope", -1, "under-retained", True): 1}), "the globals, and what is dying")
    dying, = [row for row in listed if row["refcount"] == 0]
    equal([(one["holder"]["type"], one["slot"]) for one in dying["holders"]],
          [("closure", "scope")], "who holds what is dying")
    globals_, = [row for row in listed if row["refcount"] != 0]
    check((dying["addr"], "outer") in {(one["holder"]["addr"], one["slot"])
                                       for one in globals_["holders"]}, "the slot is among those")
    for row in listed:
        check(row["doubts"] == [], "no doubt: %s" % row["doubts"])
        check(all(one["confidence"] != "certain" for one in row["unmatched"]),
              "no release is blamed for certain: %s" % row["unmatched"])


start()
(right, forgotten_release, never_collected, released_twice, forgotten_retain)[BUG]()
passed()
