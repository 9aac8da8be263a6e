"""Owners in mapped memory, words with a bit of their own among them; owners in blocks of malloc
that were given back; and an object that was retained after its death, without a quarantine: it is
told from other damage, and so is who died."""
import re

import gdb
from harness import (TARGET, Truth, answer, check, data, equal, error_of, execute, passed, rows,
                     start)

start()
truth = Truth()
owned = {address: what for what, address, _ in truth["owner"]}
(dead, touches, line), = truth["dead"]

# Each object in a timer, an event or a peer is owned there.
forgotten = {address: int(count) for address, count in truth["forgotten"]}
lists = {row["addr"] for row in rows("objects -type list")}
equal({row["addr"] for row in rows("objects -type callback")} | lists, set(owned) | set(forgotten),
      "what lives")
held = {row["object"]["addr"] for row in rows("roots")}
equal(held & (set(owned) | set(forgotten)), set(owned), "what is held")

# What a freed block leads to is held by nobody; that it was freed is malloc's word alone.  One
# word explains one reference at most.
audit = answer("audit -limit 0")["data"]
equal({row["addr"]: row["doubts"] for row in audit["rows"]},
      {address: ["stale", "unreadable"] if count == 1 else ["unreadable"]
       for address, count in forgotten.items()}, "wrong counts, and the doubts")
equal((audit["totals"]["over"], audit["totals"]["over_doubtful"]), (0, len(forgotten)), "totals")
leaks = data("leaks -limit 0")
equal({row["root"]["addr"] for row in leaks["rows"]}, set(forgotten), "what leaks")
equal(int(gdb.parse_and_eval("$cairn_status")), 1, "and that is a problem")
equal(leaks["totals"]["stale_words"], len(forgotten), "the words that keep nothing")
check("%d more words lie in blocks that malloc got back" % len(forgotten) in execute("cairn leaks"),
      "it is said")

# The dead one.
equal(audit["retained_after_free"], 1, "the audit counts it")
said = execute("cairn audit")
equal(int(gdb.parse_and_eval("$cairn_status")), 1, "for the audit it is a problem")
check("1 freed block was retained after the death" in said, "and said:\n" + said)
check("retained_after_free" in data("audit -type callback"), "of whatever type")
equal(int(gdb.parse_and_eval("$cairn_status")), 0, "which may not be the one that was asked for")
problems = {row["addr"]: row["problem"] for row in rows("check")}
check("counts %s" % touches in problems[dead] and "freed" in problems[dead],
      "the check says how often: %s" % problems)
told = error_of("cairn show " + dead)
where = r"\S+\+0x" if TARGET == "core_only" else "eventloop.c:%s in died_of" % line
check(re.search("retained since.*What was there: callback, serial .*freed at " + where, told),
      "show says what died there: " + told)
history = execute("cairn history " + dead)
check(re.search(r"callback at %s, serial \d+, freed\b" % dead, history),
      "and so does its history:\n" + history)
check("it seems" in execute("cairn map " + dead), "the map says it")
if TARGET != "core_only":
    stack = execute("cairn stack")
    check(re.search(r"stale\.callback \(freed", stack), "and the picture:\n" + stack)
    gdb.execute("frame function main", to_string=True)
    check("<freed object>" in execute("print stale.callback"), "and print")
passed()
