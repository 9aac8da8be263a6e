"""Each demo shows what its opening comment promises.  The program's name says which one."""
import os
import re
from typing import Any, Dict, List, Tuple

import gdb
from harness import check, data, equal, execute, passed, rows

demo = os.path.basename(os.environ["SCENARIO_PROGRAM"])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
gdb.execute("source " + os.path.join(ROOT, "demos", "play.py"))


# What is wrong at a demo's stop, as its text tells: counts (type, surplus), leaks (kind, type).
# At every other stop nothing is.
WRONG: Dict[str, Tuple[List[Tuple[str, int]], List[Tuple[str, str]]]] = {
    "cycle nameless": ([], [("cycle", "list"), ("cycle", "person")]),
    "leak served": ([("dict", 1)] * 3, [("lost", "dict")] * 3),
    "overrelease greeted": ([("session", -1)], []),
    "overrelease freed": ([("?", -1)], [])}  # a freed one: its type is not known any more


def stop_at(name: str) -> None:
    check(("-- %s: " % name) in execute("stop-at " + name), "comes to " + name)
    counts, leaks = WRONG.get("%s %s" % (demo, name), ([], []))
    equal(sorted((row["type"], row["surplus"]) for row in rows("audit")), counts,
          name + ": what audit reports")
    equal(sorted((row["kind"], row["root"]["type"]) for row in rows("leaks")), leaks,
          name + ": what leaks")


def names() -> Dict[str, Tuple[str, int]]:
    """What each variable on the stack refers to: the value and the count."""
    found = {}
    for thread in data("stack -limit 0")["threads"]:
        for frame in thread["frames"]:
            for variable in frame["variables"]:
                if variable.get("object"):
                    thing = variable["object"]
                    found[frame["function"] + "." + variable["name"]] = (
                        thing.get("value", ""), thing["refcount"])
    return found


def counted(type_name: str) -> List[Dict[str, Any]]:
    """The objects of a type that are freed one day."""
    return [row for row in rows("objects -type " + type_name) if not row.get("immortal")]


def printed(expression: str) -> int:
    return int(gdb.parse_and_eval(expression))


def frames() -> None:
    stop_at("inside-f2")
    equal(names(), {"f2.x": ("10001", 1), "f1.x": ("10000", 1), "main.y": ("5000", 1)},
          "inside f2")
    stop_at("f2-returned")
    equal(names(), {"f1.y": ("10001", 1), "f1.x": ("10000", 1), "main.y": ("5000", 1)},
          "f2 has returned")
    stop_at("f1-returned")
    equal(names(), {"main.z": ("10001", 1), "main.y": ("5000", 1)}, "f1 has returned")
    equal({row["value"] for row in counted("int")}, {"5000", "10001"}, "10000 is gone")
    stop_at("end")
    equal(names(), {}, "no name is left")
    equal(counted("int"), [], "no number is left")


def frames_small() -> None:
    """With the article's numbers: shared, and never freed."""
    stop_at("inside-f2")
    equal({name: value for name, (value, _) in names().items()},
          {"f2.x": "11", "f1.x": "10", "main.y": "5"}, "inside f2")
    stop_at("f1-returned")
    equal({name: value for name, (value, _) in names().items()},
          {"main.z": "11", "main.y": "5"}, "f1 has returned")
    equal(counted("int"), [], "all these ints are shared")


def identity() -> None:
    stop_at("named")
    check(printed("x == y && y == z"), "x, y and z are one object")
    check(printed("a == b && a != c"), "a and b are one object, c is another")
    equal(printed("$cairn_refcount(a)"), 2, "a's count")
    holders = {tuple(sorted(row["holders"])) for row in data("stack -limit 0")["objects"]}
    check(("main.a", "main.b") in holders and ("main.x", "main.y", "main.z") in holders,
          "names that share an object meet: %s" % holders)
    frame = data("stack -limit 0")["threads"][0]["frames"][0]
    equal([variable["name"] for variable in frame["variables"]], ["x", "y", "z", "a", "b", "c"],
          "no other name is in the way")
    stop_at("rebound")
    check(printed("a != b"), "b has moved on")
    equal(printed("$cairn_refcount(a)"), 1, "a's count")


def layout() -> None:
    stop_at("placed")
    regions = data("map")["regions"]

    def kind_of(expression: str) -> str:
        address = printed("(unsigned long)(%s)" % expression)
        for region in regions:
            if int(region["start"], 16) <= address < int(region["end"], 16):
                return str(region["kind"])
        return "nowhere"

    expected = {"main": "text", "&a_constant": "rodata", "&at_start": "data",
                "&in_this_file": "data", "&kept_between_calls": "data", "&zero_at_start": "bss",
                "from_malloc": "heap", "object": "arena", "&a_local": "stack",
                "printf": "library"}
    equal({name: kind_of(name) for name in expected}, expected, "each thing in its place")


def reuse() -> None:
    stop_at("filled")
    filled = rows("arenas")
    check(len(filled) >= 7, "two million floats need several arenas")
    stop_at("sieved")
    sieved = rows("arenas")
    equal(len(sieved), len(filled), "no arena went back")
    check(sum(row["blocks_used"] for row in sieved)
          < sum(row["blocks_used"] for row in filled) - 990000, "every second object died")
    stop_at("refilled")
    equal(len(rows("arenas")), len(filled), "the holes were filled: no new arena")
    stop_at("emptied")
    emptied = rows("arenas")
    check(sum(row["blocks_used"] for row in emptied) < 1000, "all died")
    stop_at("trimmed")
    check(len(rows("arenas")) < len(filled), "arenas went back")


def cycle() -> None:
    stop_at("tied")
    equal({name: count for name, (_, count) in names().items()},
          {"main.ann": 2, "main.bob": 2, "main.list": 2}, "a name and another holder each")
    stop_at("nameless")
    equal(names(), {}, "no name is left")
    persons = counted("person")
    equal([row["refcount"] for row in persons], [1, 1], "the persons' counts")
    holders = rows("referrers " + persons[0]["addr"])
    equal([(row["holder"].get("addr"), row["slot"]) for row in holders],
          [(persons[1]["addr"], "spouse")], "held by the other one")
    equal([row["refcount"] for row in counted("list")], [1], "the list holds itself")
    stop_at("collected")
    equal(counted("person") + counted("list"), [], "collected")


def leak() -> None:
    stop_at("served")
    dicts = counted("dict")
    equal([row["refcount"] for row in dicts], [1, 1, 1], "three dicts are left")
    for row in dicts:
        accounting = data("referrers " + row["addr"])["accounting"]
        equal((accounting["verdict"], accounting["surplus"]), ("over-retained", 1),
              "a release is missing")


def overrelease() -> None:
    stop_at("greeted")
    equal(sorted(row["refcount"] for row in counted("session")), [1, 2, 2], "the counts")
    accounting = data("referrers session")["accounting"]
    equal((accounting["heap_refs"], accounting["verdict"], accounting["surplus"]),
          (2, "under-retained", -1), "one release too many")
    stop_at("freed")
    equal(len(counted("session")), 2, "the session is freed")
    check(len(data("check")["rows"]) >= 1, "check finds the dict's dangling slot")
    equal(printed("$cairn_status"), 1, "$cairn_status")


def jsonheap() -> None:
    """`cairn types` against the census that the program makes while it parses."""
    stop_at("ready")
    gdb.execute("up", to_string=True)
    census = {name: printed("reader.census.objects[%d]" % kind)
              for kind, name in enumerate(("dict", "list", "str", "int", "float"))}
    census["list"] += 2  # main's own: documents, replaced
    census["int"] += 262  # the small ints, which every heap has
    census.update({"bool": 2, "none": 1, "tuple": 1, "set": 1})
    equal({row["type"]: row["count"] for row in rows("types -limit 0")}, census, "the census")
    strs = rows("objects -type str -limit 0")
    equal(sum(row["refcount"] > 1 for row in strs), printed("reader.census.keys"),
          "the keys, which the intern table holds too")
    equal([name for name, _ in names().items() if name.startswith("main.")],
          ["main.documents", "main.replaced", "main.reader.replaced"], "the names in main")
    equal(data("check")["rows"], [], "check finds nothing")


def opening(demo: str) -> None:
    """What the opening comment tells a newcomer to type, typed: nothing fails, and a number at the
    head of a remark is what `print` says."""
    with open(os.path.join(ROOT, "demos", demo + ".gdb"), encoding="utf-8") as script:
        (stop,) = re.findall(r"^# interactive: (\S+)$", script.read(), re.MULTILINE)
    with open(os.path.join(ROOT, "demos", demo + ".c"), encoding="utf-8") as source:
        comment = source.read().split("*/")[0]
    typed = re.findall(r"^ \*     \(gdb\) (.+?)(?:   *(\S.*))?$", comment, re.MULTILINE)
    check(len(typed) >= 3, "the opening comment says what to try")
    gdb.execute("kill", to_string=True)
    stop_at(stop)
    for command, remark in typed:
        said = execute(command)
        if command.startswith(("cairn", "print")):
            check(said.strip(), "'%s' says something" % command)
        number = re.match(r"([0-9]+):", remark)
        if number:
            equal(said.split()[-1], number.group(1), command)


if os.environ["SCENARIO_COMMAND"].endswith(" 5"):
    frames_small()
else:
    {"frames": frames, "identity": identity, "layout": layout, "reuse": reuse, "cycle": cycle,
     "leak": leak, "overrelease": overrelease, "jsonheap": jsonheap}[demo]()
    opening(demo)
passed()
