"""Bugs on order in the small demos, for scenarios: the orders, and what is true of each.

A demo that was built with fixtures/planted.h takes an order KIND:LINE:N and writes what it did.
Two things it can't know, as only who reads its source does: what the demo itself does wrong (OWN),
and which line took the reference that a release gives back (TAKERS).
"""
import os
import random
from typing import Dict, List, NamedTuple, Optional, Tuple

from harness import check
from mutants import ORIGINAL, Line, Mutant, environment

DEMO = os.path.basename(ORIGINAL).split(".")[0]
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "demos", DEMO + ".c")
with open(SOURCE, encoding="utf-8") as opened:
    TEXT = opened.read().splitlines()

# What goes wrong at which of the calls that planted.h counts.
KINDS = {"missing-release": "release", "extra-release": "release", "forgotten-clear": "release",
         "extra-retain": "retain", "missing-weak": "made", "weak": "made"}

# Of what the demo itself forgets: type, surplus and the line to blame, as often as it does.
OWN = {
    "leak": {("dict", 1, "cairn_dict_new(heap)"): 3},
    "overrelease": {("list", 1, "cairn_list_new(heap, USERS)"): 1,
                    ("dict", 1, "cairn_dict_new(heap)"): 1,
                    ("session", -1, "the bug: cairn_list_get"): 1}}

# Who took what the call in a line gives back: of its calls in order, the last one for the rest.
TAKERS: Dict[str, Dict[str, List[str]]] = {
    "frames": {
        "cairn_release(old);": ["z = f1(cairn_retain(y));", "cairn_object *y = f2(cairn_retain(x"],
        "cairn_release(x);": ["cairn_int_new(cairn_object_heap(*name)"],
        "cairn_clear(&y);": ["cairn_int_new(heap, argc > 1"],
        "cairn_clear(&z);": ["cairn_int_new(cairn_object_heap(*name)"]},
    "identity": {
        "cairn_release(b);": ["b = cairn_int_new(heap, 2000);"],
        "cairn_release(a);": ["cairn_object *a = cairn_int_new"],
        "cairn_release(c);": ["cairn_object *c = cairn_int_new"]},
    "layout": {"cairn_release(object);": ["cairn_str_from(heap,"]},
    "reuse": {
        "i += 2) cairn_clear": ["cairn_float_new(heap, (double)i)"],
        "cairn_clear(&floats[7]);": ["cairn_float_new(heap, (double)i)"]},
    "cycle": {
        "cairn_release(name);": ["cairn_str_from(heap, text)"],
        "cairn_clear(name);": ["cairn_record_new(heap, type)", "cairn_record_new(heap, type)",
                               "cairn_list_new(heap, 1)"]},
    "leak": {
        "cairn_release(key);": ["cairn_str_intern("],
        "cairn_release(value);": ["cairn_str_new("],
        "cairn_release(request);": ["cairn_dict_new(heap)"]},
    "overrelease": {
        "cairn_release(name);": ["cairn_str_intern(heap, user"],
        "cairn_release(session);": ["cairn_record_new(heap, type)"]},
    "jsonheap": {
        "cairn_clear(&reader->document);": ["is_dict ? cairn_dict_new"],
        "cairn_clear(&documents);": ["cairn_object *documents = cairn_list_new"],
        "cairn_clear(&replaced);": ["cairn_object *replaced = cairn_list_new"]},
}


# Always: the list that holds itself is released twice, and the runtime notices while it dies.
ALWAYS = {"cycle": [("extra-release", "cairn_clear(name);", 3)]}


class Order(NamedTuple):
    kind: str
    line: int
    at: int  # of the calls in that line

    def __str__(self) -> str:
        return "%s:%d:%d" % self

    @property
    def text(self) -> str:
        return TEXT[self.line - 1]


def place(text: str) -> Line:
    """The line of the source that has the text."""
    found = [number for number, line in enumerate(TEXT, 1) if text in line]
    check(len(found) == 1, "one line of %s.c has %r: %s" % (DEMO, text, found))
    return (DEMO + ".c", found[0])


def mends(order: Order) -> bool:
    """`overrelease` gives bob back once too often: one release of him less puts that right."""
    return order.kind in ("missing-release", "forgotten-clear") and DEMO == "overrelease" and (
        "the bug: cairn_list_get" in order.text
        or "cairn_release(session);" in order.text and order.at == 2)


def taker(order: Order) -> Line:
    """The line that took what the ordered call gives back."""
    if DEMO == "reuse" and "i++) cairn_clear" in order.text:
        index = order.at - 1
        return place("cairn_float_new(heap, 7.5)" if index == 7 else
                     "cairn_float_new(heap, -(double)i)" if index % 2 == 0 else
                     "cairn_float_new(heap, (double)i)")
    if DEMO == "identity" and TEXT[order.line].strip() == "b = cairn_int_new(heap, 2000);":
        return place("cairn_object *b = cairn_retain(a);")
    takers = [takers for text, takers in TAKERS[DEMO].items() if text in order.text]
    check(len(takers) == 1, "who took it is known: " + order.text)
    return place(takers[0][min(order.at, len(takers[0])) - 1])


class Planted(Mutant):
    """A run with an order (None: without), and what is true then."""

    def __init__(self, target: str, order: Optional[Order], track: str = "") -> None:
        said = "" if order is None else str(order)
        environment("PLANTED", said)
        os.environ["PLANTED"] = said  # of programs that run for a core
        super().__init__(target, [], track)
        self.what = "%s %s%s" % (target, said, ", tracked" if track else "")
        self.order, self.kind = order, "" if order is None else order.kind
        self.addr, self.type_name, self.surplus = "", "", 0
        self.line: Line = ("", 0)
        for addr, type_name, surplus, file, line, _ in self.truth["bug"]:
            self.addr, self.type_name, self.surplus = addr, type_name, int(surplus)
            self.line = (file, int(line))
        for addr, type_name, _ in self.truth["kept"]:
            self.addr, self.type_name = addr, type_name
        for addr, type_name, _, _ in self.truth["link"]:
            self.addr, self.type_name = addr, type_name
        if self.addr and order is not None and order.kind == "missing-release":
            self.line = ("", 0) if mends(order) else taker(order)


def calls(clean: Planted) -> Dict[str, List[Tuple[int, int]]]:
    """By what is called, the lines of the demo that do, and how often."""
    found: Dict[str, List[Tuple[int, int]]] = {}
    for what, line, count in clean.truth["calls"]:
        found.setdefault(what, []).append((int(line), int(count)))
    return found


def orders(clean: Planted, chance: random.Random, everything: bool) -> List[Order]:
    """One order of each kind, drawn by lot; or for every line the first, the last, and one more."""
    found = []
    for kind, what in KINDS.items():
        lines = calls(clean).get(what, [])
        for line, count in lines if everything else lines and [chance.choice(lines)]:
            drawn = {chance.randint(1, count)} | ({1, count} if everything else set())
            found += [Order(kind, line, at) for at in sorted(drawn)]
    always = [Order(kind, place(text)[1], at) for kind, text, at in ALWAYS.get(DEMO, [])]
    return found + [order for order in always if order not in found]
