"""Stopped at a bad moment every answer is right, or says that it is not sure; none fails.

bad_moments.c keeps a few things wrong and all else right while it runs its operations.  At each of
the stops that bad_stops.py makes:

 - what is wrong is named, with its number, by the command whose business it is;
 - nothing else is named, unless its row or the whole answer says that it is not certain;
 - every command answers, as text and as JSON.
"""
import struct
from typing import Any, Dict, List

import gdb
from bad_stops import FEW, Told, visit
from harness import answer, check, data, equal, error_of, execute, passed, rows

COMMANDS = ("audit", "leaks", "cycles", "collect", "retained", "check", "types", "stack")
PLACES = {"&keeper_list->items": "&((struct cairn_list *)keeper)->items",
          "&keeper_list->count": "&((struct cairn_list *)keeper)->count"}


def audit(told: Told, moment: str) -> None:
    reply = answer("audit -limit 0")
    listed: List[Dict[str, Any]] = reply["data"]["rows"]
    found = {row["addr"]: row["surplus"] for row in listed}
    for addr in told.over | told.lost:
        equal(found.get(addr), 1, "%s: audit names %s" % (moment, addr))
    for addr in told.under:
        equal(found.get(addr), -1, "%s: audit names %s" % (moment, addr))
    innocent = [row for row in listed if row["addr"] not in told.over | told.lost | told.under
                and not row["doubts"]]
    check(innocent == [], "%s: audit accuses %s" % (moment, innocent))


def leaks(told: Told, moment: str, collected: bool) -> None:
    reply = answer("leaks -limit 0")
    listed: List[Dict[str, Any]] = reply["data"]["rows"]
    lost = {row["root"]["addr"] for row in listed if row["kind"] == "lost"}
    check(told.lost <= lost, "%s: leaks names %s, not %s" % (moment, lost, told.lost))
    if reply["exactness"] == "exact":
        rings = {row["root"]["addr"] for row in listed if row["kind"] == "cycle"}
        check(rings <= told.ring, "%s: rings %s" % (moment, rings - told.ring))
        check(collected or rings, moment + ": the rings are leaks")
        check(lost <= told.lost | told.over, "%s: lost %s" % (moment, lost))


def is_held(addr: str) -> bool:
    """A root leads to it: a stale word, or a variable of the runtime's own frames."""
    return any(row["kind"] not in ("strong", "weak") for row in rows("referrers " + addr))


def cycles(told: Told, moment: str, collected: bool) -> None:
    reply = answer("cycles -limit 0")
    listed: List[Dict[str, Any]] = reply["data"]["rows"]
    members = {one["addr"] for row in listed for one in row["objects"]}
    check(members <= told.ring, "%s: rings of others: %s" % (moment, members - told.ring))
    if not collected:
        # A stale word keeps a ring, for who looks from outside: both of its nodes then.
        kept = {addr for addr in told.ring - members if is_held(addr)}
        check(len(told.ring - members) <= 2 * len(kept) <= 8,
              "%s: rings that are left out: %s" % (moment, {
                  addr: execute("cairn referrers " + addr) for addr in told.ring - members}))


def others(told: Told, moment: str) -> None:
    """What holds for these is that they answer, and about the right object."""
    (over,) = told.over
    ways = data("path " + over)["paths"]
    check(any("keeper" in str(way[0]) for way in ways),
          "%s: a path from keeper: %s" % (moment, ways))
    would = data("collect -limit 0")
    freed = {row["addr"] for row in would["rows"] if row["verdict"] == "freed"}
    check(freed <= told.ring, "%s: collect would free %s" % (moment, freed - told.ring))
    equal(data("retained " + over)["object"]["addr"], over, moment + ": retained")
    for command in COMMANDS + ("path " + over, "show " + over):
        check(execute("cairn " + command).strip() != "", "%s: cairn %s" % (moment, command))
    check("CAIRN_TRACK" in error_of("cairn history " + over), moment + ": history says why not")


def ask(told: Told, moment: str, collected: bool) -> None:
    audit(told, moment)
    leaks(told, moment, collected)
    cycles(told, moment, collected)
    others(told, moment)
    print("right: " + moment)


def corruption(told: Told) -> None:
    """A word of the heap is overwritten: every command answers, the check names the damage, and
    what was held by the broken object is accused by none without a doubt."""
    inferior = gdb.selected_inferior()
    guilty = told.over | told.lost | told.under
    for what, place in (("a header", "keeper"), ("a list's items", "&keeper_list->items"),
                        ("a list's count", "&keeper_list->count")):
        address = int(gdb.parse_and_eval("(unsigned long)(%s)" % PLACES.get(place, place)))
        kept = bytes(inferior.read_memory(address, 8))
        words = (struct.pack("<Q", address ^ 0x123450), b"\xff" * 8, b"\xa5" * 8)
        for word in words[:1] if FEW else words:
            inferior.write_memory(address, word)
            moment = "%s is %s" % (what, word.hex())
            for command in COMMANDS:
                try:
                    check(execute("cairn " + command).strip() != "", moment + ": " + command)
                except gdb.error as error:
                    check("Python" not in str(error) and "rror occurred" not in str(error),
                          "%s: cairn %s: %s" % (moment, command, error))
            check(rows("check") != [], moment + ": the check finds it")
            accused = [row for row in rows("audit") if row["addr"] not in guilty
                       and not row["doubts"]]
            check(accused == [], "%s: audit accuses %s" % (moment, accused[:3]))
            print("right: " + moment)
        inferior.write_memory(address, kept)


corruption(visit(ask))
passed()
