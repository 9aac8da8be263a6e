"""`cairn cycles` puts rings that are alike into one row, names the slot to make weak, and with
tracking the line that stored its reference."""
import os
from typing import Dict, FrozenSet, List, Set, Tuple

from harness import TARGET, Truth, check, data, equal, error_of, execute, passed, rows, start

TRACKED = "CAIRN_TRACK" in os.environ
LINES = "stripped" not in os.environ["SCENARIO_PROGRAM"] and TARGET != "core_only"

start()
truth = Truth()
kind_of: Dict[FrozenSet[str], str] = {}
line_of: Dict[FrozenSet[str], int] = {}
for kind, line, *told in truth["ring"]:
    kind_of[frozenset(told)], line_of[frozenset(told)] = kind, int(line)
counts = {kind: list(kind_of.values()).count(kind) for kind in set(kind_of.values())}
WEAK = {"pair": ("node", "peer"), "moved": ("node", "list"), "tree": ("node", "peer"),
        "scope": ("closure", "scope")}

# ---- a row a cycle, for programs ----
found = rows("cycles -objects 0")
sets = {frozenset(one["addr"] for one in row["objects"]): row for row in found}
equal(set(sets), set(kind_of), "the rings")
groups: Dict[int, Set[str]] = {}
for members, row in sets.items():
    kind = kind_of[members]
    groups.setdefault(row["group"], set()).add(kind)
    equal(row["alike"], counts[kind], "how many are like it: " + kind)
    best = row["break"]
    equal((best["type"], best["slot"]), WEAK[kind], "the slot to make weak: " + kind)
    check(best["whole"] and best["whole_group"], "all of it would go: " + kind)
    equal({(one["type"], one["slot"]) for one in row["breaks"]
           if one["owner"] and not one["builtin"]} - {WEAK[kind]},
          {("parent", "list")} if kind == "tree" else
          {("scope", "names")} if kind == "scope" else set(), "who owns what it holds: " + kind)
equal(sorted(sorted(group) for group in groups.values()),
      [["moved"], ["pair"], ["scope"], ["tree"]], "a group a kind")

# ---- who stored it ----
for members, row in sets.items():
    best, kind = row["break"], kind_of[members]
    equal("site" in best, TRACKED, "a line where the program tracked: " + kind)
    if not TRACKED:
        continue
    check({best["stored"]["holder"], best["stored"]["target"]} <= members, "of this ring")
    check(best["confidence"] in ("certain", "likely", "possible"), "how sure")
    if not LINES:
        check(best["site"].get("module"), "a place in a module: %s" % best["site"])
        continue
    lines: List[int] = [best["site"]["line"]] + [one["line"] for one in best.get("or", [])]
    check(line_of[members] in lines, "%s: %s, not line %d" % (kind, best, line_of[members]))
    if best["confidence"] != "possible":
        equal(lines, [line_of[members]], "sure, and right: " + kind)
    check(kind == "moved" or best["confidence"] != "possible", "%s: %s" % (kind, best))

# ---- a row a kind, for people ----
text = execute("cairn cycles")
shapes = {"pair": "node.peer → node.peer, of 2 objects each",
          "moved": "node.list → node.list, of 2 objects each",
          "tree": "parent.list → list[] → node.peer, of 3 to 6 objects",
          "scope": "closure.scope → scope.names → dict[], of 3 objects each"}
plain = text.replace(" -> ", " → ")
for kind, shape in shapes.items():
    first, *rest = shape.split(", ")
    heads = [line for line in plain.splitlines() if "%d cycles like this" % counts[kind] in line]
    turned: List[str] = first.split(" → ")
    ways: List[Tuple[str, ...]] = [tuple(turned[at:] + turned[:at]) for at in range(len(turned))]
    check(len(heads) == 1 and any(" → ".join(way) in heads[0] for way in ways)
          and ", ".join(rest) in heads[0], "'%s' in %s" % (shape, heads))
check(text.count("all of it would go, and all that are like it") == 4, "what goes, of each kind")
equal("CAIRN_TRACK=sites,events" in text, not TRACKED, "what would tell more")
equal(text.count("of this ring was "), 4 if TRACKED else 0, "a line a kind")
check("%d cycles of garbage" % len(kind_of) in text, text)
listed = [line for line in text.splitlines() if line.startswith("@")]
equal(len(listed), 4, "a row a kind")
cut = execute("cairn cycles -limit 1")
check("1 of 4 kinds of cycles shown" in cut, "what was cut is said:\n" + cut)

# ---- down to the cycles ----
everything = execute("cairn cycles -all -limit 0")
equal(sum(line.startswith("@") for line in everything.splitlines()), len(kind_of), "-all: each")
some = next(members for members, kind in kind_of.items() if kind == "tree")
one = rows("cycles " + sorted(some)[0])
equal([frozenset(each["addr"] for each in row["objects"]) for row in one], [some],
      "the cycle of an object")
alike = rows("cycles %s -all" % sorted(some)[0])
equal({frozenset(each["addr"] for each in row["objects"]) for row in alike},
      {members for members, kind in kind_of.items() if kind == "tree"}, "and those like it")
execute("cairn cycles")
alike = rows("cycles @1 -all")
equal(len({row["group"] for row in alike}), 1, "@N names a row's cycle")
living = data("objects -type closure -limit 0")["rows"]
apart = [row["addr"] for row in living if not any(row["addr"] in ring for ring in kind_of)]
check("is in no cycle" in execute("cairn cycles " + apart[0]), "an object that is in none")
check("No option -frob" in error_of("cairn cycles -frob"), "an option that is none")
passed()
