"""What a program tracked: `cairn show` tells the serial, the line that allocated the object and the
last events; of a block in quarantine it tells in words what was there and who freed it."""
import os
from typing import Any, Dict, Tuple

import gdb

from harness import check, data, equal, error_of, execute, passed, start

start()
told: Dict[str, Tuple[str, int, int]] = {}  # word -> address, serial, line
with open(os.environ["SCENARIO_TRUTH"], encoding="utf-8") as file:
    for fact in file:
        word, *rest = fact.split()
        told[word] = (rest[0], int(rest[1]), int(rest[2]))


def is_at(place: Dict[str, Any], word: str, function: str, what: str) -> None:
    """A place is the line that the program told of, where lines are known, else in the program."""
    check(place is not None, what + " has a place")
    if "file" in place:
        equal((os.path.basename(place["file"]), place["line"], place.get("function")),
              ("tracked.c", told[word][2], function), what)
    else:
        check(place.get("module", "").startswith("tracked."), "%s: %s" % (what, place))


address, serial, _ = told["site"]
shown = data("show " + address)
equal(shown["serial"], serial, "its serial")
is_at(shown["site"], "site", "make", "who allocated it")
equal(len(shown["backtrace"]), 2, "two callers of it")
check(shown["backtrace"][1] != shown["site"], "the second caller is another place")
equal([(row["op"], row["refcount"]) for row in shown["events"]],
      [("allocate", 1), ("retain", 2), ("retain", 3), ("release", 2)], "its events")
for row, word in zip(shown["events"], ("site", "retain", "append", "release")):
    is_at(row["site"], word, "make" if word == "site" else "main", "event " + row["op"])
equal(len({row["thread"] for row in shown["events"]}), 1, "one thread did all that")
below, *above = [int(row["stack"], 16) for row in shown["events"]]
equal(len(set(above)), 1, "what main did, it did in one activation")
check(below < above[0], "make was called by main: its stack ended below")
if "file" in shown["site"]:
    execute("frame function main")
    equal(above[0], int(gdb.parse_and_eval("(unsigned long) $sp")), "where main's stack ended")
equal(["holder" in row for row in shown["events"]], [False, False, True, False],
      "the list alone took for itself")
equal(data("show " + shown["events"][2]["holder"])["type"], "list", "the holder is that list")
text = execute("cairn show " + address)
check("serial %d, allocated at " % serial in text, "show says so: " + text)
check("retain    rc 3" in text, "show lists the events: " + text)

address, serial, _ = told["finalizer"]
shown = data("show " + address)
equal(shown["serial"], serial, "the serial of what a finalizer made")
is_at(shown["site"], "finalizer", "finalize", "who allocated it")

address, serial, line = told["freed"]
said = error_of("cairn show " + address)
for part in ("freed and is kept in quarantine", "serial %d" % serial, "str", "allocated at ",
             "freed at "):
    check(part in said, "what is said of a freed object has '%s': %s" % (part, said))
if "tracked.c:" in said:
    check("freed at tracked.c:%d in main" % line in said, "the line that freed it: " + said)
else:
    check("freed at tracked." in said, "where it was freed: " + said)

history = data("history " + address)
equal((history["type"], history["serial"]), ("str", serial), "whose history that is")
equal([(row["op"], row["refcount"]) for row in history["rows"]],
      [("allocate", 1), ("retain", 2), ("release", 1), ("release", 0), ("free", 0)],
      "the history of a freed object")
is_at(history["rows"][-1]["site"], "freed", "main", "where it was freed")
is_at(history["freed_at"], "freed", "main", "where, once more")
text = execute("cairn history " + address)
check("allocate" in text and text.count("freed at ") == 1, "history as text: " + text)
check("freed at " not in execute("cairn history " + told["site"][0]), "what lives was not freed")
cut = data("history %s -limit 2" % address)
equal([row["op"] for row in cut["rows"]], ["release", "free"], "the last two of it")
equal((cut["matched"], cut["shown"]), (5, 2), "what was cut is counted")

# Of the three lists that `make` made, for three callers, two live.
sites = data("sites -limit 0")
first = told["site"][0]
made = [row for row in sites["rows"] if row["site"] == data("show " + first)["site"]]
equal([(row["count"], row["allocations"]) for row in made], [(1, 1), (1, 1)], "those of make")
check(made[0]["backtrace"] != made[1]["backtrace"], "they have two callers")
# `make` is called three times from three lines: each of them is a site of its own.
callers = {str(row["backtrace"]) for row in made}
equal(len(callers), len(made), "a row each")
equal([row["freed"] for row in made], [0, 0], "those that live were not freed")
objects, placed = data("objects -limit 0")["matched"], sum(row["count"] for row in sites["rows"])
text = execute("cairn sites")
check("allocated at" in text, "sites as text")
check("%d more have no site" % (objects - placed) in text.replace(",", ""),
      "%d objects, %d with a site: %s" % (objects, placed, text))
passed()
