"""What grew between the stops of a program: kept moments, files, cores; damaged files; another run.

The expected growth is worked out here from what the program says that it made and dropped.
"""
import collections
import json
import os
import subprocess
from typing import Any, Dict, List, NamedTuple, Set, Tuple

import gdb
from harness import (DIRECTORY, PLUGIN, TARGET, answer, check, data, equal, error_of, execute,
                     passed, start)

TRACKED = "tracked" in os.environ["SCENARIO_COMMAND"]
STRIPPED = ".O" not in os.environ["SCENARIO_PROGRAM"]
LENS = os.path.join(os.path.dirname(PLUGIN), "bin", "cairn-lens")
OWN = ("int", "cell", "str", "list")


class Item(NamedTuple):
    address: str
    number: int
    type_name: str
    line: int
    value: str


def told(moment: int) -> Dict[str, Item]:
    """The program's objects at a moment, by address."""
    with open(os.environ["SCENARIO_TRUTH"], encoding="ascii") as file:
        rows = [line.split() for line in file]
    return {row[1]: Item(row[1], int(row[2]), row[3], int(row[4]), row[5])
            for row in rows if row[0] == str(moment)}


def same(a: Item, b: Item) -> bool:
    """Whether diff must take two objects at one address for the same."""
    return a.number == b.number if TRACKED else (a.type_name, a.value) == (b.type_name, b.value)


def growth(first: int, second: int) -> Tuple[Dict[str, List[int]], Dict[Any, List[int]], Set[Any]]:
    """By type and by (type, line): [count_a, count_b, new, gone]; and (change, address) of each
    object that came or went."""
    a, b = told(first), told(second)
    types: Dict[str, List[int]] = collections.defaultdict(lambda: [0, 0, 0, 0])
    lines: Dict[Any, List[int]] = collections.defaultdict(lambda: [0, 0, 0, 0])
    changes = set()
    for index, (mine, other, fate) in enumerate(((a, b, "gone"), (b, a, "new"))):
        for item in mine.values():
            there = other.get(item.address)
            kept = there is not None and same(item, there)
            for row in (types[item.type_name], lines[item.type_name, item.line]):
                row[index] += 1
                row[3 - index] += not kept
            if not kept:
                changes.add((fate, item.address))
    return types, lines, changes


def compare(command: str, first: int, second: int) -> None:
    """Checks all three forms of a diff."""
    types, lines, changes = growth(first, second)
    by_type = data(command + " -limit 0")
    found = {row["type"]: row for row in by_type["rows"]}
    for name in OWN:
        count_a, count_b, new, gone = types[name]
        row = found.get(name)
        if row is None:
            equal((count_a, new, gone), (count_b, 0, 0), f"{command}: {name} is as it was")
            continue
        equal((row["count_b"] - row["count_a"], row["new"], row["gone"]),
              (count_b - count_a, new, gone), f"{command}: {name}")
    objects = data(command + " -by object -limit 0")
    equal({(row["change"], row["addr"]) for row in objects["rows"] if row["change"] != "resized"},
          changes, f"{command}: objects")
    told_a, told_b = told(first), told(second)
    for row in objects["rows"]:
        if row["change"] != "resized":
            equal(row.get("reused", False), row["addr"] in told_a and row["addr"] in told_b,
                  f"{command}: {row['addr']} is used again")
        equal("site" in row, TRACKED, f"{command}: the place of {row['addr']}")
    resized = [row for row in objects["rows"] if row["change"] == "resized"]
    grew = first == 1 and second > 1
    equal([row["type"] for row in resized], ["list"] if grew else [], f"{command}: resized")
    if grew:
        check(resized[0]["bytes_b"] - resized[0]["bytes_a"] >= 50 * 8, "the list's items count")
    if TARGET == "live" and command in ("diff one", "diff one now"):  # rows can be named
        named = [row["addr"] for row in objects["rows"] if row["change"] != "gone"]
        equal([data(f"show @{at}")["addr"] for at in (1, len(named))], [named[0], named[-1]],
              f"{command}: @N names objects that are there")
    equal(by_type["totals"]["new"], sum(change == "new" for change, _ in changes), "new, in all")
    equal(by_type["totals"]["gone"], sum(change == "gone" for change, _ in changes), "gone")
    if not TRACKED:
        check("CAIRN_TRACK=sites" in error_of(f"cairn {command} -by site"), "no sites are known")
        return
    by_site = data(command + " -by site -limit 0")["rows"]
    numbers = [(row["type"], [row["count_a"], row["count_b"], row["new"], row["gone"]],
                (row["site"] or {}).get("line")) for row in by_site if row["site"]]
    changed = {key: row for key, row in lines.items() if row[0] != row[1] or row[2] + row[3]}
    if grew:  # the line that made the list: it is as many, but larger
        changed.update({key: row for key, row in lines.items() if key[0] == "list"})
    if STRIPPED:
        equal(sorted(row for _, row, _ in numbers), sorted(changed.values()), "places, no lines")
        check(all("module" in row["site"] for row in by_site if row["site"]), "modules are known")
    else:
        equal({(name, line): row for name, row, line in numbers}, changed, f"{command}: by line")


def exactness() -> None:
    envelope = answer("diff one")
    equal(envelope["exactness"], "exact" if TRACKED else "tolerant", "how sure")
    said = " ".join(envelope["warnings"])
    equal("known again by address" in said, not TRACKED, "what identity rests on is said")


def limits() -> None:
    grown = data("diff one two")["totals"]
    objects = grown["count_b"] - grown["count_a"]
    size = grown["bytes_b"] - grown["bytes_a"]
    for option, status in ((f"-max-growth-objects {objects}", 0),
                           (f"-max-growth-objects {objects - 1}", 1),
                           (f"-max-growth-bytes {size}", 0), (f"-max-growth-bytes {size - 1}", 1),
                           ("-max-growth-objects 0 -type cell", 0)):
        text = execute(f"cairn diff one two {option}")
        equal(int(gdb.parse_and_eval("$cairn_status")), status, option)
        equal("Limit exceeded" in text, status == 1, option)
    error_of("cairn diff one nowhere")
    equal(int(gdb.parse_and_eval("$cairn_status")), 2, "no answer")
    check("needs a size" in error_of("cairn diff one -max-growth-bytes lots"), "a bad size")


def files() -> str:
    """Saves kept moments and compares files; returns the path of the first."""
    one, two = os.path.join(DIRECTORY, "one.cairn"), os.path.join(DIRECTORY, "a b.cairn")
    text = execute(f"cairn snapshot save {one} one")
    check(one in text, "where it was written")
    saved = data(f'snapshot save "{two}" two')
    equal((saved["file"], saved["name"]), (two, "two"), "what was saved")
    compare(f'diff {one} "{two}"', 1, 2)
    compare(f"diff {one} two", 1, 2)
    again = data(f"diff one {one}")
    equal((again["rows"], again["totals"]["kept"]), ([], again["totals"]["count_a"]),
          "a file is the moment that it was saved from")
    return one


def without_gdb(one: str) -> None:
    """cairn-lens says the same of the files, object by object."""
    if not os.path.exists(LENS):
        return
    known = ("addr", "type", "change", "serial", "reused", "count_a", "count_b", "bytes_a",
             "bytes_b")
    two = os.path.join(DIRECTORY, "a b.cairn")
    for line in ("", "-limit 3", "-type cell -limit 0", "-limit 0"):
        more = line.split()
        done = subprocess.run([LENS, "diff", one, two, "-by", "object", "-json", *more],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=60)
        equal((done.returncode, done.stderr), (0, ""), "cairn-lens diff")
        theirs = json.loads(done.stdout)["data"]
        ours = data(f'diff {one} "{two}" -by object ' + line)
        pared = [[{name: row.get(name) for name in known} for row in found["rows"]]
                 for found in (theirs, ours)]
        equal(pared[0], pared[1], f"the rows of {line}")
        check(all(("site" in row) == TRACKED for row in theirs["rows"] + ours["rows"]),
              "where they were allocated")
        equal((theirs["matched"], theirs["shown"], theirs["by"]),
              (ours["matched"], ours["shown"], "object"), "how many")
    check(len(pared[0]) > 3, "some objects came and went")
    text = subprocess.run([LENS, "diff", one, two, "-by", "object", "-limit", "0"],
                          stdout=subprocess.PIPE, text=True, check=False, timeout=60).stdout
    for row in ours["rows"]:
        check(f"{row['addr']} " in text, f"{row['addr']} stands in {text}")
    refused = subprocess.run([LENS, "diff", one, two, "-by", "site"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    equal(refused.returncode, 0 if TRACKED else 2, "places are known where the program tracks")
    check(TRACKED or "CAIRN_TRACK=sites" in refused.stderr, refused.stderr)


def damaged(path: str) -> None:
    """Files that were cut, changed, or are something else."""
    with open(path, "rb") as file:
        whole = file.read()
    other = os.path.join(DIRECTORY, "other")
    for content, said in ((whole[:200], "end is missing"), (whole[:40], "end is missing"),
                          (whole[:300] + b"x" + whole[301:], "checksum"),
                          (whole + b"12345678", "behind its end"),
                          (b"no snapshot at all, but a text", "no core that can be read"),
                          (b"", "no core that can be read")):
        with open(other, "wb") as file:
            file.write(content)
        message = error_of(f"cairn diff {other} two")
        check(said in message and other in message, f"{said!r} in {message!r}")
    with open(other, "wb") as file:
        file.write(b"precious")
    check("no snapshot" in error_of(f"cairn snapshot save {other}"), "no other file is replaced")
    with open(other, "rb") as file:
        equal(file.read(), b"precious", "it is as it was")
    check("No such file" in error_of("cairn snapshot save /nowhere/at/all"), "no such directory")
    check("directory" in error_of(f"cairn snapshot save {DIRECTORY}"), "a directory")
    execute(f"cairn snapshot save {path}")  # a snapshot may be replaced
    equal([name for name in os.listdir(DIRECTORY) if ".part" in name], [], "nothing is left over")


def words() -> None:
    listed = data("snapshot list")
    equal([row["name"] for row in listed["rows"]], ["one", "two"], "what is kept")
    equal([row["serials"] > 0 for row in listed["rows"]], [TRACKED, TRACKED], "serials")
    execute("cairn snapshot three")
    equal(data("snapshot drop three")["dropped"], True, "dropped")
    for command, said in (("snapshot drop three", "No moment is kept as three"),
                          ("snapshot now", "another name"), ("snapshot a b", "one word"),
                          ("snapshot save", "Which file"), ("snapshot drop", "Which one"),
                          ("diff", "Usage"), ("diff one two three", "one word too many"),
                          ("diff on", "Did you mean one?"), ("diff one two -by", "one of type"),
                          ('diff "one', "quotation")):
        check(said in error_of("cairn " + command), f"{command}: {error_of('cairn ' + command)}")
    for typed, offered in (("cairn snapshot s", "cairn snapshot save"),
                           ("cairn snapshot drop o", "cairn snapshot drop one"),
                           ("cairn diff tw", "cairn diff two"), ("cairn diff one n", "now"),
                           ("cairn diff one -by s", "cairn diff one -by site")):
        check(offered in execute("complete " + typed), f"{typed}: {execute('complete ' + typed)}")
    text = execute("cairn diff one two")
    lines = text.splitlines()
    check(lines[0].startswith("A: one, ") and lines[1].startswith("B: two, "), text)
    check("In all: +" in text, text)
    if TRACKED and not STRIPPED:
        check("growth of int from growing.c:" in text, text)


def cores(first: str) -> None:
    """Between a file and two cores, and the program."""
    execute(f"gcore {first}.core")
    equal(data(f"diff {first}.core now")["rows"], [], "the core is this moment")
    types = {row["type"]: row["count_b"] - row["count_a"]
             for row in data(f"diff one {first}.core")["rows"]}
    expected, _, _ = growth(1, 3)
    equal({name: types.get(name, 0) for name in OWN},
          {name: expected[name][1] - expected[name][0] for name in OWN}, "to a core")
    if TRACKED:
        rows = data(f"diff one {first}.core -by site -limit 0")["rows"]
        _, lines, _ = growth(1, 3)
        equal(sorted(row["count_b"] for row in rows if row["site"] and row["type"] == "cell"),
              sorted(row[1] for key, row in lines.items() if key[0] == "cell"),
              "a core without lines knows the places by module and distance")


def another_run() -> None:
    """What is kept outlives the program; another run has no object in common with it."""
    execute("kill")
    check("No program" in error_of("cairn diff one"), "nothing runs")
    equal(len(data("diff one two")["rows"]) > 0, True, "kept moments need no program")
    execute("run")
    envelope = answer("diff one")
    totals = envelope["data"]["totals"]
    equal((totals["process"], totals["kept"], totals["new"]), ("other", None, None), "another run")
    equal(totals["count_a"], totals["count_b"], "which did the same so far")
    check("different processes" in " ".join(envelope["warnings"]), "and this is said")
    check("different processes" in error_of("cairn diff one -by object"), "no objects to compare")


start()
execute("cairn snapshot one")
execute("continue")
execute("cairn snapshot two")
compare("diff one", 1, 2)
compare("diff one two", 1, 2)
compare("diff one now", 1, 2)
exactness()
limits()
words()
path = files()
without_gdb(path)
damaged(path)
execute("continue")
compare("diff one", 1, 3)
compare("diff two", 2, 3)
if TARGET == "live":
    cores(os.path.join(DIRECTORY, "one.cairn"))
    another_run()
passed()
