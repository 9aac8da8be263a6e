"""Brings bad_moments.c to its bad moments, for scenarios that ask there.

The program is stopped while another thread works; in each of its operations, after so many
instructions, drawn by lot; in a finalizer; in a signal handler, on top of whatever was interrupted;
and at the end, where nothing is under way.  With the word `few` among the program's arguments each
of these comes once.
"""
import os
import random
from typing import Callable, Set

import gdb
from harness import Truth, check, fail, run_to

SEED = int(os.environ.get("CAIRN_MOMENTS_SEED", "20261122"))
FEW = "few" in os.environ["SCENARIO_COMMAND"].split()
STOPS, TURNS = (0, 1) if FEW else (11, 5)  # in an operation; beside a thread


class Told:
    """The program's own account: what is wrong all the time, and what may be on its way out."""

    def __init__(self, truth: Truth) -> None:
        def all_of(word: str) -> Set[str]:
            return {fields[0] for fields in truth[word]}
        self.truth = truth
        self.over, self.under, self.lost = all_of("over"), all_of("under"), all_of("lost")
        self.ring, self.passing = all_of("ring"), all_of("passing")
        self.hung = all_of("hung")  # on rings alone


Ask = Callable[[Told, str, bool], None]  # what was told, the moment, whether rings may be collected


def _at(function: str) -> bool:
    return bool(gdb.selected_frame().name() == function)


def _operation(told: Told, name: str, ask: Ask, drawn: random.Random) -> None:
    """Stops it after so many instructions, again and again until it is over."""
    gdb.execute("finish", to_string=True)
    marks = {mark: gdb.Breakpoint(mark, internal=True)
             for mark in ("op_end", "in_finalizer", "in_handler")}
    stops, most = 0, 20
    if FEW:
        gdb.execute("stepi %d" % drawn.randint(1, 2000), to_string=True)
    while not _at("op_end"):
        function = gdb.selected_frame().name()
        ask(told, "%s, stop %d, in %s" % (name, stops, function),
            name == "a collection" and (FEW or stops > 0))
        stops += 1
        if FEW and function in marks:
            marks[function].enabled = False
        if stops > STOPS:
            gdb.execute("continue", to_string=True)
        else:
            gdb.execute("stepi %d" % drawn.randint(1, most), to_string=True)
            most = most * 2 if most < 2000 else most
        if not gdb.selected_inferior().pid:
            fail(name + ": the program is gone")
    if not FEW:
        ask(told, name + ", at its end", name == "a collection")
    for mark in marks.values():
        mark.delete()


def visit(ask: Ask) -> Told:
    """Asks at every bad moment; returns with the program at its end."""
    print("seed %d" % SEED)
    drawn = random.Random(SEED)
    gdb.execute("handle SIGUSR1 nostop noprint pass", to_string=True)
    run_to("both_work")
    told = Told(Truth())
    meanwhile = gdb.Breakpoint("both_work", internal=True)
    for turn in range(TURNS):
        ask(told, "two threads, turn %d" % turn, False)
        gdb.execute("continue", to_string=True)
    meanwhile.delete()
    operations = 0
    while True:
        run_to("op_begin")
        current = gdb.parse_and_eval("name").string()
        if current == "the end":
            check(operations == 5, "all operations were met")
            return told
        _operation(told, current, ask, drawn)
        operations += 1
