"""Bugs on order in the small demos, and what cairn says of each.

    demo_mutations.py [everything] [seed=N] [symbols=PROGRAM]

The program is a demo with fixtures/planted.h before it.  A bug of each kind at a place drawn by lot
(with `everything` at every line, on every target) and no bug: what is wrong must be named with the
right number by the command whose business it is, and nothing else.  Tracked, the planted line is
among those named, and no other one is certain.  What died of a release too many is named where a
slot refers to it; else its history names the release or says that it can't.
"""
import os
import random
from collections import Counter
from typing import Any, Counter as CounterOf, Dict, List, Set, Tuple

from harness import check, data, equal, execute, passed, rows
from mutants import Line, line_of, must
from planted import DEMO, OWN, Order, Planted, mends, orders, place, taker

WORDS = os.environ["SCENARIO_COMMAND"].split()[1:]
EVERYTHING = "everything" in WORDS
SEED = next((int(word[5:]) for word in WORDS if word.startswith("seed=")), 20261122)
TARGETS = ("live", "core", "core_only")
TRACK = "sites,events=256k,quarantine=1M"

Row = Dict[str, Any]
# By kind, and whether the planted line stands there: first, as the other one, or not at all.
named: CounterOf[Tuple[str, str]] = Counter()


def line_named(planted: Planted, left: List[Row]) -> None:
    """Whether the line stands among what is left over; none but it is certain."""
    lines = {line_of(one["site"]): one["confidence"] for one in left}
    others = {line_of(place) for one in left for place in one.get("or", [])}
    how = "first" if planted.line in lines else "second" if planted.line in others else "not"
    if how == "not" and all(one["op"] == "slot" for one in left):
        how = "as a slot without a retain"  # that would come out as well
    named[planted.kind, how] += 1
    if how == "not":
        print("not named: %s: %s:%d, but %s or %s" % (planted.what, *planted.line, lines, others))
    must(bool(lines), planted, "a line is named")
    sure = {line for line, confidence in lines.items() if confidence == "certain"}
    must(sure <= {planted.line}, planted, "certain is %s, not %s" % (sure, planted.line))
    wanted = ("release", "slot") if planted.surplus < 0 else ("allocate", "retain")
    must(all(one["op"] in wanted for one in left), planted,
         "what is left over is of the right kind: %s" % left)


# ---- what the demo does wrong by itself ------------------------------------------------------

def own(planted: Planted) -> CounterOf[Tuple[str, int]]:
    """Types and surplus of the demo's own bugs, as far as the order leaves them there."""
    found = Counter({(name, surplus): count
                     for (name, surplus, _), count in OWN.get(DEMO, {}).items()})
    if planted.order is not None and mends(planted.order):
        found[("session", -1)] = 0
    return +found


def kind_of(row: Row) -> Tuple[str, int]:
    """Type and surplus of a finding.  Of what was freed untracked nobody knows what it was; it is
    the bob of `overrelease`."""
    unknown = row.get("freed", False) and row["type"] == "?"
    return ("session" if unknown else row["type"], row["surplus"])


def own_line(row: Row) -> Set[Line]:
    return {place(text) for name, surplus, text in OWN.get(DEMO, {})
            if (name, surplus) == kind_of(row)}


def judge_own(planted: Planted, listed: List[Row], tracked: bool) -> None:
    if planted.kind == "extra-release":  # which may end the demo anywhere
        innocent = [row for row in listed if not row["doubts"] and not own_line(row)]
        must(innocent == [], planted, "nobody else is accused: %s" % innocent)
        return
    equal(Counter(kind_of(row) for row in listed), own(planted),
          planted.what + ": what else is listed")
    for row in listed if tracked else []:
        lines = {line_of(place) for one in row["unmatched"]
                 for place in [one["site"]] + one.get("or", [])}
        must(own_line(row) <= lines, planted, "the demo's own bug is in %s, not %s"
             % (own_line(row), lines))


# ---- counts that are wrong ------------------------------------------------------------------

def is_interned(addr: str) -> bool:
    """The heap's table of interned texts holds it: it is in use."""
    return any(row["holder"].get("type") == "set" for row in rows("referrers " + addr))


def below(top: str) -> Set[str]:
    """An object, and all that it owns that can die, but for what is interned."""
    found = [top]
    for addr in found:  # grows meanwhile
        for ref in rows("refs " + addr):
            one = ref["object"]
            if ref["kind"] == "strong" and not one.get("immortal") and one["addr"] not in found \
                    and not is_interned(one["addr"]):
                found.append(one["addr"])
    return set(found)


def judge_lost(planted: Planted) -> None:
    """Too high a count: the object and what only it holds is a leak, unless something holds it."""
    rings = {one["addr"] for row in rows("cycles") for one in row["objects"]
             if planted.addr in {each["addr"] for each in row["objects"]}}
    leaks = [row for row in rows("leaks -tree") if row["root"]["addr"] in {planted.addr} | rings]
    if is_interned(planted.addr):
        must(leaks == [], planted, "what is held does not leak: %s" % leaks)
        return
    must(len(leaks) == 1, planted, "one leak has it: %s" % leaks)
    (leak,) = leaks
    must((leak["kind"], leak["surplus"]) == ("lost", 1), planted, "it is lost by 1: %s" % leak)
    equal(leak["direct_objects"] + leak["indirect_objects"], leak["objects"],
          planted.what + ": direct and indirect")
    if DEMO in ("layout", "frames", "identity", "reuse"):  # whose objects hold nothing
        equal((leak["direct_objects"], leak["objects"], leak["bytes"]),
              (1, 1, leak["root"]["size"]), planted.what + ": a leaf")
    members = {leak["root"]["addr"]} | {step["object"]["addr"] for step in leak["tree"]
                                        if not step["object"].get("immortal")}
    equal(members, below(leak["root"]["addr"]), planted.what + ": what hangs on it")


def judge_count(planted: Planted, row: Row, tracked: bool) -> None:
    verdict = "over-retained" if planted.surplus > 0 else "under-retained"
    equal((row["type"], row["surplus"], row["verdict"]),
          (planted.type_name, planted.surplus, verdict), planted.what)
    must(row["doubts"] == [], planted, "nothing is doubted: %s" % row["doubts"])
    if tracked:
        line_named(planted, row["unmatched"])
        history = data("history %s -limit 0" % planted.addr)
        equal([(one["op"], line_of(one["site"]), one["count"]) for one in history["unmatched"]],
              [(one["op"], line_of(one["site"]), one["count"]) for one in row["unmatched"]],
              planted.what + ": history and audit agree")
    if planted.surplus > 0:
        judge_lost(planted)


def judge_dead(planted: Planted, row: Any, tracked: bool) -> None:
    """It died of a release too many: a slot that leads to it, or a use that was caught, accuses
    that release; else nobody claims that all is well."""
    must(planted.surplus < 0, planted, "only a release too many lets it die")
    if row is not None:
        must(row["freed"] and row["verdict"] == "under-retained", planted, "it is held and freed")
    if not tracked:
        return
    history = data("history %s -limit 0" % planted.addr)
    lived = [one for one in history["rows"] if not one.get("caught")]
    equal((history["type"], lived[-1]["op"]), (planted.type_name, "free"),
          planted.what + ": how it ended")
    caught = len(history["rows"]) - len(lived)
    equal(data("audit").get("misuses", 0), caught, planted.what + ": the uses of the dead")
    assert planted.order is not None
    at_line = [one for one in history["rows"] if one["op"] == "release"
               and line_of(one["site"]) == (DEMO + ".c", planted.order.line)]
    must(len(at_line) >= 1, planted, "the release stands in the history: %s" % history["rows"])
    must(bool(row is None and not caught) or history["unmatched"], planted,
         "a slot refers to it, or it was used: a release is named")
    if history["unmatched"]:
        line_named(planted, history["unmatched"])
        return
    named[planted.kind, "dead, by variables"] += 1
    text = " ".join(execute("cairn history " + planted.addr).split())
    must("Nothing is left over" not in text and "can't tell" in text, planted,
         "no claim is made for the dead: " + text)


def judge_bug(planted: Planted, tracked: bool) -> None:
    listed = {row["addr"]: row for row in rows("audit")}
    row = listed.pop(planted.addr, None)
    order = planted.order
    if not planted.addr or order is None:
        must(row is None, planted, "no bug is there")
    elif mends(order):
        must(row is None, planted, "the demo's own bug is mended")
    elif planted.addr in {one["addr"] for one in rows("objects")}:  # if only to die just now
        must(row is not None, planted, "%s is audited" % planted.addr)
        assert row is not None
        judge_count(planted, row, tracked)
    else:
        judge_dead(planted, row, tracked)
    judge_own(planted, list(listed.values()), tracked)


# ---- slots that are wrong, and every count is right ---------------------------------------------

def judge_balanced(planted: Planted, tracked: bool) -> None:
    """Of what a slot holds no count is wrong."""
    listed = rows("audit")
    judge_own(planted, listed, tracked)
    must(planted.addr not in {row["addr"] for row in listed} or DEMO in OWN, planted,
         "no count is wrong")


def judge_kept(planted: Planted, tracked: bool) -> None:
    """A slot was not cleared: that slot is the first step of a way to the object."""
    ((addr, type_name, slot),) = planted.truth["kept"]
    if DEMO == "reuse":  # its slots lay in memory that it has given back
        planted.surplus = 1
        assert planted.order is not None
        planted.line = taker(planted.order)
        listed = {row["addr"]: row for row in rows("audit")}
        must(set(listed) == {addr}, planted, "it is the only one: %s" % listed)
        judge_count(planted, listed[addr], tracked)
        return
    found = data("path %s -count 50" % addr)
    equal(found["object"]["type"], type_name, planted.what)
    starts = {int(way[0]["root"].get("addr", "0"), 16) for way in found["paths"]}
    must(int(slot, 16) in starts, planted, "%s is held by the slot %s: %s"
         % (addr, slot, found["paths"]))


def judge_link(planted: Planted) -> None:
    """A slot that should be weak: a ring with that slot in it, or a way through it."""
    ((addr, _, observer, where),) = planted.truth["link"]
    if where == "registry":
        ways = data("path %s -count 50" % addr)["paths"]
        through = [step for way in ways for step in way[1:]
                   if step.get("object", {}).get("addr") == observer]
        must(any(step.get("slot") == "target" for step in through), planted,
             "%s is held through %s: %s" % (addr, observer, ways))
        return
    rings = [row for row in rows("cycles -live")
             if {addr, observer} <= {one["addr"] for one in row["objects"]}]
    must(len(rings) == 1, planted, "%s and %s are in one ring" % (addr, observer))
    (ring,) = rings
    must(ring["garbage"], planted, "the ring is garbage")
    must((observer, "target", addr) in {(slot["holder"], slot["slot"], slot["target"])
                                        for slot in ring["slots"]}, planted, "its slot is shown")
    # The list of `cycle` is in itself as well: only without its items all would go.
    advice = ("list", "items") if DEMO == "cycle" else ("observer", "target")
    best = ring["break"]
    equal((best["type"], best["slot"], best["whole"]), (*advice, True), planted.what)


def judge_cycles(planted: Planted) -> None:
    """No ring but the one that was ordered, and those of `cycle` where they were not collected."""
    if planted.kind == "extra-release":  # which may end the demo anywhere
        return
    own_rings = 0 if DEMO != "cycle" else 2 if planted.kind == "missing-weak" else 1
    mine = {addr for addr, *_ in planted.truth["bug"] + planted.truth["link"]}
    others = [row for row in rows("cycles")
              if not mine & {one["addr"] for one in row["objects"]}]
    must(len(others) <= own_rings and (planted.kind != "weak" or not others), planted,
         "no other ring: %s" % others)


def judge(planted: Planted, tracked: bool) -> None:
    struck = planted.truth["bug"] + planted.truth["kept"] + planted.truth["link"]
    if planted.truth["kept"]:
        judge_kept(planted, tracked)
    if planted.truth["link"] and planted.kind == "missing-weak":
        judge_link(planted)
    if planted.truth["bug"] or not struck:
        judge_bug(planted, tracked)
    elif not (planted.truth["kept"] and DEMO == "reuse"):
        judge_balanced(planted, tracked)
    judge_cycles(planted)
    print("right: " + planted.what)


def run(order: Order, target: str, tracked: bool) -> None:
    """Without a quarantine a second death may hit anyone's block: what dies is run tracked only."""
    if order.kind != "extra-release" or tracked:
        judge(Planted(target, order, TRACK if tracked else ""), tracked)
        return
    first = Planted("live", order, TRACK)
    if first.addr in {one["addr"] for one in rows("objects")}:
        judge(Planted(target, order), False)


print("seed %d" % SEED)
clean = Planted("live", None, TRACK)
judge(clean, True)
drawn = orders(clean, random.Random("%s %d" % (DEMO, SEED)), EVERYTHING)
check(len(drawn) >= 4, "there are places for bugs: %s" % drawn)
for number, ordered in enumerate(drawn):
    if EVERYTHING:
        for where in TARGETS:
            run(ordered, where, True)
            run(ordered, where, False)
    else:
        run(ordered, TARGETS[number % 3], True)
        run(ordered, TARGETS[(number + 1) % 3], False)
for (kind, how), count in sorted(named.items()):
    print("%s: %d named %s" % (kind, count, how))
misses = sum(count for (_, how), count in named.items() if how == "not")
check(misses <= (sum(named.values()) // 10 if EVERYTHING else 0), "the planted line is named")
passed()
