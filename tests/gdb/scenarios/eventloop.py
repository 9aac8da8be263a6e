"""Owners in mapped memory, words with a bit of their own among them; and an object that was
retained after its death, without a quarantine: it is told from other damage, and so is who died."""
import re

import gdb
from harness import (TARGET, Truth, answer, check, data, equal, error_of, execute, passed, rows,
                     start)

start()
truth = Truth()
owned = {address: int(count) for _, address, count in truth["owner"]}
(dead, touches, line), = truth["dead"]

# Each callback in a timer or an event is owned there.
equal({row["addr"] for row in rows("objects -type callback")}, set(owned), "what lives")
equal({row["object"]["addr"] for row in rows("roots")} & set(owned), set(owned), "what is held")
audit = answer("audit -limit 0")["data"]
equal((audit["rows"], data("leaks")["rows"]), ([], []), "no count is wrong, nothing leaks")

# The dead one.
equal(audit["retained_after_free"], 1, "the audit counts it")
equal(int(gdb.parse_and_eval("$cairn_status")), 0, "the leaks know nothing of it")
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
