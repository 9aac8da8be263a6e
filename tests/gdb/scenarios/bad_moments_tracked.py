"""What was recorded, what grew and what is waited for, asked at bad moments of a tracked heap.

At each stop that bad_stops.py makes, also within the code that records:

 - `history` and `referrers` name the line and the number of what is wrong, as `audit` does;
 - `sites` counts what stands still, exactly;
 - a moment can be kept, and `diff` says nothing of what stands still, and all of what is gone;
 - `watch` and `break` are set and deleted; in the middle of a cascade, of a growing list and of a
   collection they wait for what comes, and it comes.

Then words of the heap and of the record itself are overwritten: every command answers or says why
it can't.
"""
import os
import re
import struct
from typing import Any, Callable, Dict, List, Set, Tuple

import gdb
from bad_stops import FEW, Told, visit
from harness import TARGET, answer, check, data, equal, execute, fail, passed, rows

TEXTS, KEYS = 30, 40  # as in bad_moments.c
SWITCHES = "sites,events=16k"

first: List[str] = []  # what was there when the first moment was kept
done: Set[str] = set()


def address(expression: str) -> str:
    return hex(int(gdb.parse_and_eval("(unsigned long)(%s)" % expression)))


def lines(told: Told, word: str) -> Set[int]:
    return {int(line) for name, line in told.truth["line"] if name == word}


def history(told: Told, moment: str) -> None:
    audited = {row["addr"]: row for row in rows("audit")}
    for word, addresses, op in (("over", told.over, "allocate"), ("under", told.under, "release"),
                                ("lost", told.lost, "allocate")):
        (addr,) = addresses
        what = "%s: %s %s" % (moment, word, addr)
        found = data("history " + addr)
        equal(len(found["unmatched"]), 1, what + ": one thing is left over")
        (left,) = found["unmatched"]
        equal((left["op"], left["count"]), (op, 1), what)
        named = {place["line"] for place in [left["site"]] + left.get("or", [])}
        check(named == lines(told, word) or (named < lines(told, word)
                                             and left["confidence"] != "certain"),
              "%s: the lines %s, not %s" % (what, named, lines(told, word)))
        equal(audited[addr]["unmatched"], found["unmatched"], what + ": audit says the same")
        accounting = data("referrers " + addr)["accounting"]
        equal((accounting["verdict"], accounting["surplus"]),
              (audited[addr]["verdict"], audited[addr]["surplus"]), what + ": so do the referrers")
        equal(data("show " + addr)["site"]["file"].rsplit("/", 1)[-1], "bad_moments.c", what)


def sites(told: Told, moment: str) -> None:
    counted: Dict[int, int] = {}
    for row in rows("sites"):
        if row["site"] and row["site"].get("function") in ("make_wrong", "make_right"):
            counted[row["site"]["line"]] = row["count"]
    for word, count in (("over", 1), ("lost", 1), ("text", TEXTS)):
        (line,) = lines(told, word)
        equal(counted.get(line), count, "%s: objects of line %d" % (moment, line))


def grown(told: Told, moment: str, collected: bool) -> None:
    """What is kept now is this moment; what was kept first differs by what came and went."""
    if not first:
        data("snapshot first")
        first.extend(row["addr"] for row in rows("objects"))
    data("snapshot again")
    same = data("diff again now")
    equal((same["rows"], same["totals"]["new"], same["totals"]["gone"]), ([], 0, 0),
          moment + ": nothing happened since")
    changes: List[Dict[str, Any]] = rows("diff first -by object")
    gone = {row["addr"] for row in changes if row["change"] == "gone"}
    new = {row["addr"] for row in changes if row["change"] == "new"}
    still = told.over | told.under | told.lost | {address("keeper"), address("obituary")}
    check(not (gone | new) & still, "%s: what stands still: %s" % (moment, (gone | new) & still))
    now = {row["addr"] for row in rows("objects")}
    equal(gone - now, set(first) - now, moment + ": what is gone")
    equal(new - set(first), now - set(first), moment + ": what is new")
    if moment.startswith(("a dict", "a list", "a signal", "a collection")):
        check(told.passing <= gone, moment + ": the chain is gone")
    if collected and moment.endswith("at its end"):
        check(told.ring <= gone, moment + ": the rings are gone")


def numbers() -> List[int]:
    return [each.number for each in gdb.breakpoints() or ()]


def waiting(told: Told, moment: str) -> None:
    (over,) = told.over
    before = numbers()
    watched, freed = data("watch " + over), data("break free " + over)
    equal((watched["addr"], freed["addr"]), (over, over), moment + ": what is waited for")
    listed = execute("info breakpoints")
    check("hw watchpoint" in listed and over in listed, moment + ": it is listed")
    execute("delete %d %d" % (watched["number"], freed["number"]))
    equal(numbers(), before, moment + ": it is deleted")


def until(number: int, moment: str) -> str:
    """Goes on to what breakpoint NUMBER says."""
    for _ in range(20):
        text = execute("continue")
        said = [line for line in text.splitlines() if line.startswith("cairn %d: " % number)]
        if said:
            return said[0]
        check(gdb.selected_frame().name() != "op_end", moment + ": it comes before the end")
    fail("%s: nothing came of %d" % (moment, number))


def dies(addr: str, moment: str) -> None:
    number = data("break free " + addr)["number"]
    said = until(number, moment)
    check("the node at %s died" % addr in said and "is deleted" in said, moment + ": " + said)
    check(number not in numbers(), moment + ": it deletes itself")


def is_alive(addr: str) -> bool:
    return bool(gdb.parse_and_eval("$cairn_is_object(%s)" % addr))


def count_changes(moment: str) -> None:
    addr = address("obituary")
    watched = data("watch " + addr)
    found = re.search(r"was (\d+) and is (\d+), retained at bad_moments\.c:(\d+) in operations",
                      until(watched["number"], moment))
    check(found is not None and int(found.group(2)) == int(found.group(1)) + 1
          == watched["refcount"] + 1, moment + ": the dict takes the list")
    execute("delete %d" % watched["number"])


def comes(told: Told, moment: str) -> None:
    """Once in each of three operations: what is waited for, and comes."""
    operation, _, stop = moment.partition(", stop ")
    if operation in done or not stop or (not FEW and stop.startswith("0")):
        return
    chain = [fields[0] for fields in told.truth["passing"]]
    if operation == "a cascade of deaths":
        dies(next(addr for addr in chain if data("show " + addr)["type"] == "node"), moment)
    elif operation == "a dict and a list grow":
        count_changes(moment)
    elif operation == "a collection":
        alive = sorted(addr for addr in told.ring if is_alive(addr))
        if not alive:
            return
        dies(alive[-1], moment)
    else:
        return
    done.add(operation)


def ask(told: Told, moment: str, collected: bool) -> None:
    history(told, moment)
    sites(told, moment)
    grown(told, moment, collected)
    waiting(told, moment)
    print("right: " + moment)
    comes(told, moment)


COMMANDS = ("history {over}", "history {under}", "sites", "sites -type str", "snapshot broken",
            "diff first", "diff first -by site", "diff first -by object", "referrers {over}",
            "refs {keeper}", "show {over}", "show {keeper}", "path {over}", "audit", "objects",
            "types", "watch {over}", "break free {over}", "break collect")
HELD = (("a header", "keeper"), ("a list's items", "&((struct cairn_list *)keeper)->items"))
RECORDED = tuple((name, "&heap->tracking->" + name) for name in (
    "events", "event_capacity", "event_count", "sites", "switches")) + (
        ("the record", "&heap->tracking"),)


def corruption(told: Told) -> None:
    names = {"over": min(told.over), "under": min(told.under), "keeper": address("keeper")}
    inferior = gdb.selected_inferior()
    guilty = told.over | told.lost | told.under

    def answered(moment: str) -> None:
        for command in COMMANDS:
            try:
                said = execute("cairn " + command.format(**names))
            except gdb.error as error:
                said = str(error)
            check(said.strip() and "Python" not in said and "Traceback" not in said
                  and "rror occurred" not in said, "%s: cairn %s: %s" % (moment, command, said))
        execute("delete")

    def overwritten(places: Tuple[Tuple[str, str], ...], then: Callable[[str], None]) -> None:
        for what, place in places:
            at = int(gdb.parse_and_eval("(unsigned long)(%s)" % place))
            kept = bytes(inferior.read_memory(at, 8))
            words = (b"\xff" * 8, struct.pack("<Q", at ^ 0x123450), b"\x03" + b"\0" * 7, b"\0" * 8)
            for word in words[:1] if FEW else words:
                inferior.write_memory(at, word)
                moment = "%s is %s" % (what, word.hex())
                answered(moment)
                then(moment)
                print("right: " + moment)
            inferior.write_memory(at, kept)

    def still_right(moment: str) -> None:
        """The record is no part of the counts: they stand, whatever became of it.  But where the
        ring is not known for one its words look like owners, and this is said."""
        found = {row["addr"]: row for row in rows("audit -unsure")}
        for addresses, surplus in ((told.over, 1), (told.lost, 1), (told.under, -1)):
            row = found[min(addresses)]
            sure = row["surplus"] == surplus and set(row["doubts"]) <= {"unreadable"}
            check(sure or (surplus > 0 and row["verdict"] == "balanced"
                           and "guessed" in str(row["doubts"])), "%s: %s" % (moment, row))
        accused = {addr for addr, row in found.items() if not row["doubts"]}
        check(accused <= guilty, "%s: accuses %s" % (moment, accused - guilty))

    overwritten(HELD, lambda moment: check(rows("check") != [], moment + ": the check finds it"))
    if not FEW:
        overwritten(RECORDED, still_right)


os.environ["CAIRN_TRACK"] = SWITCHES  # for gdbserver
gdb.execute("set environment CAIRN_TRACK " + SWITCHES)
corruption(visit(ask))
equal(done, {"a cascade of deaths", "a dict and a list grow", "a collection"}, "what came")
equal(answer("audit")["target"]["kind"], "remote" if TARGET == "remote" else "native", "the target")
passed()
