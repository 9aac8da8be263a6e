"""Stopped at a bad moment every answer is right, or says that it is not sure; none fails.

bad_moments.c keeps a few things wrong and all else right while it runs its operations.  At each of
the stops that bad_stops.py makes:

 - what is wrong is named, with its number, by the command whose business it is;
 - nothing else is named, unless its row or the whole answer says that it is not certain;
 - every command answers, as text and as JSON.
"""
import struct
from typing import Any, Dict, List, Set

import gdb
from bad_stops import FEW, Told, visit
from harness import answer, check, data, equal, error_of, execute, passed, rows

COMMANDS = ("audit", "leaks", "cycles", "collect", "retained", "check", "types", "stack")
exact: List[str] = []  # answers that were
waiting: Set[str] = set()  # objects whose count was in doubt, as the heap was in flux
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
    waiting.update(row["addr"] for row in listed if "flux" in row["doubts"])


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


def sure(reply: Dict[str, Any], moment: str) -> bool:
    """The answer is exact; one that is not says what it can't vouch for."""
    if reply["exactness"] == "exact":
        exact.append(moment)
        return True
    check(reply["warnings"], moment + ": not exact, and does not say why")
    return False


def cycles(told: Told, moment: str, collected: bool) -> None:
    reply = answer("cycles -limit 0")
    listed: List[Dict[str, Any]] = reply["data"]["rows"]
    members = {one["addr"] for row in listed for one in row["objects"]}
    check(members <= told.ring, "%s: rings of others: %s" % (moment, members - told.ring))
    if sure(reply, moment + ": cycles") and not collected:
        equal(members, told.ring, moment + ": cycles")
        check(all(row["break"]["whole"] and (row["break"]["slot"] == "next"
                                             or len(row["objects"]) > 2) for row in listed),
              moment + ": the slot of each ring")
    found = answer("leaks -limit 0")
    if sure(found, moment + ": leaks") and reply["exactness"] == "exact":
        rings = {row["root"]["addr"] for row in found["data"]["rows"] if row["kind"] == "cycle"}
        equal(len(rings), len(listed), moment + ": leaks and cycles agree")


def collect(told: Told, moment: str, collected: bool) -> None:
    """What the collector would free is the rings, and what hangs on nothing else."""
    reply = answer("collect -limit 0")
    freed = {row["addr"] for row in reply["data"]["rows"] if row["verdict"] == "freed"}
    goes = told.ring | told.hung
    check(freed <= goes, "%s: collect would free %s" % (moment, freed - goes))
    if sure(reply, moment + ": collect") and not collected:
        equal(freed, goes, moment + ": collect")
    for row in reply["data"]["rows"]:
        equal(row["external"], row["refcount"] - row["internal"], moment + ": the arithmetic")


def path(told: Told, moment: str, collected: bool) -> None:
    (over,) = told.over
    ways = data("path " + over)["paths"]
    check(any("keeper" in str(way[0]) for way in ways),
          "%s: a path from keeper: %s" % (moment, ways))
    (lost,) = told.lost
    reply = answer("path " + lost)
    if sure(reply, moment + ": path"):
        for way in reply["data"]["paths"]:
            check(way[0]["root"].get("confidence") == "conservative",
                  "%s: nothing keeps %s: %s" % (moment, lost, way))
    for addr in sorted(told.ring)[:2]:
        if collected:
            break
        for way in data("path " + addr)["paths"]:
            check(way[0]["root"].get("confidence") != "exact" or "keeper" not in str(way),
                  "%s: nothing keeps a ring: %s" % (moment, way))


def retained(told: Told, moment: str, collected: bool) -> None:
    """Keeper keeps what is in it alone: the list of the one released too often among it."""
    (over,) = told.over
    keeper = hex(int(gdb.parse_and_eval("(unsigned long)keeper")))
    reply = answer("retained " + over)
    equal(reply["data"]["object"]["addr"], over, moment + ": retained")
    whole = answer("retained " + keeper)
    if not sure(reply, moment + ": retained") or not sure(whole, moment + ": retained"):
        return
    equal([one["addr"] for one in reply["data"]["kept_by"]][:1], [keeper], moment + ": kept by")
    check(whole["data"]["object"]["retained_objects"] >= 34,
          "%s: keeper keeps 30 texts and four that are wrong: %s" % (moment, whole["data"]))
    totals = whole["data"]
    check(totals["unreached"]["objects"] >= (1 if collected else 1 + len(told.ring) // 2),
          "%s: what is lost is not reached: %s" % (moment, totals["unreached"]))


def others(told: Told, moment: str) -> None:
    """What holds for these is that they answer, and about the right object."""
    (over,) = told.over
    for command in COMMANDS + ("path " + over, "show " + over):
        check(execute("cairn " + command).strip() != "", "%s: cairn %s" % (moment, command))
    check("CAIRN_TRACK" in error_of("cairn history " + over), moment + ": history says why not")


def ask(told: Told, moment: str, collected: bool) -> None:
    audit(told, moment)
    leaks(told, moment, collected)
    cycles(told, moment, collected)
    collect(told, moment, collected)
    path(told, moment, collected)
    retained(told, moment, collected)
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


told_at_end = visit(ask)
check(waiting & told_at_end.ring or FEW, "the collector was met while garbage waited")
corruption(told_at_end)
for command in ("cycles", "leaks", "collect", "path", "retained"):
    count = sum(moment.endswith(": " + command) for moment in exact)
    check(count >= (1 if FEW else 10), "%s was exact only %d times" % (command, count))
passed()
