"""`cairn path` names the ways to an object as the fixture built them, in words and as JSON."""
import os
import re
from typing import Any, Dict, List

import gdb
from harness import Truth, check, data, equal, error_of, execute, passed, start

start()
truth = Truth()
OPTIMISED = not os.environ["SCENARIO_PROGRAM"].endswith(".O0")
address = {name: addr for name, addr in truth["name"]}


def paths(line: str) -> List[List[Dict[str, Any]]]:
    found: List[List[Dict[str, Any]]] = data("path " + line)["paths"]
    return found


def slots(path: List[Dict[str, Any]]) -> List[str]:
    return [step["slot"] for step in path[1:] if "slot" in step]


def text(name: str, options: str = "") -> str:
    said = execute("cairn path %s %s" % (address[name], options))
    return re.sub(r"\n +(?=→|->)", " ", said)  # long ways are broken before an arrow


# ---- the shortest ways, whoever the root is ----
found = data("path %s -count 0" % address["target"])
check(found["complete"], "all that leads to it was looked at")
ways = found["paths"]
equal(found["object"]["addr"], address["target"], "the object")
for path in ways:
    check("root" in path[0], "the root stands first")
    equal(path[-1]["object"]["addr"], address["target"], "the object stands last")
    check("slot" not in path[-1], "it holds nothing on the way")
    for step in path[1:]:
        equal(step["object"].get("value"), data("show " + step["object"]["addr"]).get("value"),
              "an object on the way has its value")
lengths = [len(path) for path in ways]
equal(lengths, sorted(lengths), "the shortest first")
equal(slots(ways[0]), ['["user:17"]', "peer"], "by the cache")
equal([step["object"]["type"] for step in ways[0][1:]], ["dict", "Session", "Session"],
      "through its session")
check(["[0]", "[0]", "[0]"] in [slots(path) for path in ways], "by the registry")
roots = {(path[0]["root"]["addr"], path[0]["root"]["name"]) for path in ways}
equal(len(roots), len(ways), "each root once")

# ---- then variants ----
many = data("path %s -count 40" % address["target"])
equal(many["variants"], sorted(many["variants"]), "variants stand behind")
check(['["user:17"]', "data", "[0]"] in [slots(path) for path in many["paths"]],
      "the other way from the cache")
equal(len(many["paths"]), 2 * sum('["user:17"]' in slots(path)[0] for path in ways)
      + sum(slots(path)[0] == "[0]" for path in ways), "there are no more ways than these")

# ---- what a reader sees ----
shown = text("target", "-count 1")
check(re.search(r"dict\[\"user:17\"\] → record Session \.peer → this$", shown, re.M),
      "the sentence:\n" + shown)
execute("set cairn ascii on")
check('dict["user:17"] -> record Session .peer -> this' in text("target", "-count 1"), "as ASCII")
execute("set cairn ascii auto")
equal(int(gdb.parse_and_eval("$cairn_status")), 0, "no problem")
equal(data("show @1")["addr"], address["first"], "@1 is the last one that holds it")

# ---- a long way ----
end = paths(address["end of chain"] + " -count 1")[0]
skipped = [step["skipped"] for step in end if "skipped" in step]
equal(len(skipped), 1, "the middle is left out")
equal(sum("object" in step for step in end) + skipped[0], 1000, "all its steps are accounted for")
equal(set(slots(end)), {"next"}, "by `next`")
check(re.search(r"node \.next × 16 → … 968 more steps … → node \.next × 15 → this$",
                text("end of chain", "-count 1"), re.M), "as text")

# ---- weak and borrowed, garbage ----
for name, slot, kind, slots_there in (("watched", "target", "weak", ["target"]),
                                      ("borrowed", "parent", "borrowed", ["parent"]),
                                      ("in watched", "target", "weak", ["target", "[0]"])):
    only = data("path " + address[name])
    check(only["weak_only"], name + " has no other way")
    equal(slots(only["paths"][0]), slots_there, "the slots to " + name)
    equal(only["paths"][0][1]["kind"], kind, "the kind of the slot to " + name)
    said = text(name)
    check("Only weak or borrowed slots lead to it" in said and "(%s)" % kind in said, said)
equal(data("path " + address["lost"])["paths"], [], "no way to what is lost")
check("it is garbage" in text("lost"), "as text")
check(not data("path " + address["target"])["weak_only"], "the target is owned")

# ---- other roots ----
other = paths(address["in other memory"])[0]
equal((other[0]["root"]["kind"], other[0]["root"]["confidence"]), ("foreign", "conservative"),
      "a malloc'ed word")
check("other memory, perhaps no reference" in text("in other memory"), "as text")
check("Each starts at a raw word" in text("in other memory"), "and how sure that is")
equal(paths(address["none"])[0][0]["root"]["kind"], "immortal", "none is never freed")
check("this is never freed" in text("none"), text("none"))
equal(paths(address["interned"])[0][0]["root"]["kind"], "runtime", "interned")
check("the runtime (the intern table) → set key \"a word\" → this" in text("interned"),
      text("interned"))

# ---- names of variables, where there is debug information ----
if gdb.lookup_static_symbol("registry") is not None and not OPTIMISED:
    said = text("target", "-count 0")
    for words in (r"serve\.requests \(argument, frame #\d+ ways\.c:\d+\) → dict",
                  r"main\.cache \(local, frame #\d+ ways\.c:\d+\) → dict",
                  r"registry \(static\) → list\[0\] → list\[0\] → list\[0\] → this"):
        check(re.search(words, said), words + " stands in\n" + said)
    check("chain (global) → node .next" in text("end of chain"), "a global")

for line, words in (("0x10", "in no heap"), ("", "Which object"), ("%s -count 10001"
                    % address["target"], "takes at most 10,000")):
    check(words in error_of("cairn path " + line), "the error of path " + line)
passed()
