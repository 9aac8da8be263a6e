"""The memory layout: each thing where it belongs, every byte in one region, on every target."""
import os
from typing import Any, Dict, List, Optional

import gdb
from harness import TARGET, Truth, check, data, equal, execute, passed, start

VARIANT = os.environ.get("SCENARIO_PROGRAM", "").rsplit(".", 1)[-1]
NAMED = VARIANT in ("O0", "O2") and TARGET != "core_only"
KINDS = {"text", "rodata", "data", "bss", "heap", "arena", "library", "stack", "other"}

start()
truth = Truth()
regions: List[Dict[str, Any]] = data("map")["regions"]


def kind_at(address: int) -> Optional[str]:
    found = [region["kind"] for region in regions
             if int(region["start"], 16) <= address < int(region["end"], 16)]
    check(len(found) <= 1, "%#x lies in one region" % address)
    return found[0] if found else None


def value(expression: str) -> int:
    return int(gdb.parse_and_eval("(unsigned long)(%s)" % expression))


equal({region["kind"] for region in regions} - KINDS, set(), "kinds")
check({"text", "arena", "stack"} <= {region["kind"] for region in regions}, "the main kinds")
for one, other in zip(regions, regions[1:]):
    check(int(one["end"], 16) <= int(other["start"], 16), "regions come in order")
equal({kind_at(int(fields[0], 16)) for fields in truth["object"]}, {"arena"}, "objects")
equal(kind_at(value("$sp")), "stack", "the stack pointer")
check(kind_at(value("$pc")) in ("library", "text"), "the program counter")
check(kind_at(0x10) is None, "nothing at 16")
if NAMED:
    equal({name: kind_at(value("&" + name)) for name in ("main", "a_global", "a_global_table")},
          {"main": "text", "a_global": "bss", "a_global_table": "bss"}, "symbols")
if TARGET in ("live", "remote"):
    check("heap" in {region["kind"] for region in regions}, "malloc's heap")

# ---- one address ----
asked = truth["object"][0][0]
answer = data("map " + asked)["address"]
equal((answer["addr"], answer["kind"], answer["place"], answer["object"]["addr"]),
      (asked, "arena", "object", asked), "where an object is")
text = execute("cairn map " + asked)
check("high addresses" in text and "the start of" in text, "the drawing says where")
execute("set cairn ascii on")
check(execute("cairn map").isascii(), "plain letters")
passed()
