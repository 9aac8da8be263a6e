"""`cairn retained` says what would go with an object, a root, a type, as the program built them."""
from typing import Any, Dict

from harness import Truth, check, data, equal, error_of, execute, passed, rows, start

start()
truth = Truth()
addr_of = {name: addr for name, addr in truth["name"]}
name_of = {addr: name for name, addr in truth["name"]}


def of(name: str) -> Dict[str, Any]:
    return data("retained %s" % addr_of[name])


# A dict that one global holds, with a ring of two sessions in it.
first = of("live 1")
equal(first["object"]["retained_objects"], 2, "live 1 keeps live 2")
equal([name_of[row["addr"]] for row in first["rows"]], ["live 2"], "directly")
second = of("live 2")
equal(second["object"]["retained_objects"], 1, "live 2 keeps nothing but itself")
equal(second["object"]["dominator"]["addr"], addr_of["live 1"], "live 1 alone keeps live 2")
equal(first["object"]["retained_bytes"], second["object"]["retained_bytes"] * 2,
      "both sessions weigh the same")
kept_by = [row["type"] for row in second["kept_by"]]
equal(kept_by, ["session", "dict"], "and the dict keeps live 1")
alive = second["kept_by"][1]["addr"]
whole = data("retained %s" % alive)
check(whole["object"]["retained_objects"] >= 3, "the dict keeps itself and both")
check(alive in name_of or whole["object"]["only_roots"], "only roots hold the dict")

by_root = rows("retained -by root -limit 0")
mine = [row for row in by_root if row["object"]["addr"] == alive]
equal(len(mine), 1, "the roots of the dict are one row")
equal(mine[0]["retained_bytes"], whole["object"]["retained_bytes"], "they keep what it keeps")
equal(mine[0]["retained_objects"], whole["object"]["retained_objects"], "object for object")

for name in ("ann", "lost", "owner", "self"):
    gone = of(name)
    equal((gone["object"]["reached"], gone["object"]["retained_objects"]), (False, 0),
          name + " is garbage and keeps nothing")
lost = {name for row in truth["garbage"] for name in row} | {
    name for row in truth["shared"] for name in row}
found = data("retained -limit 0")
unreached = [row for row in found["rows"] if not row["reached"]]
equal({name_of.get(row["addr"], "a weakref") for row in unreached} - {"a weakref"}, lost,
      "what no root leads to")  # optimised code keeps no weakref that it never uses
equal(found["unreached"]["objects"], len(unreached), "their number")
equal(found["matched"], found["reached"]["objects"] + found["unreached"]["objects"],
      "all objects are one or the other")
sizes = [row["retained_bytes"] for row in found["rows"]]
equal(sizes, sorted(sizes, reverse=True), "the biggest first")
equal([row["retained_bytes"] for row in data("objects -sort retained -limit 5")["rows"]],
      sizes[:5], "objects -sort retained agrees")

by_type = {row["type"]: row for row in rows("retained -by type -limit 0")}
session = by_type["session"]
equal((session["count"], session["retained_objects"]), (2, 2), "the sessions that are reached")
equal(session["retained_bytes"], first["object"]["retained_bytes"], "go with each other")
check(by_type["dict"]["retained_objects"] >= whole["object"]["retained_objects"],
      "a type keeps at least what one of its objects does")

only = rows("retained -type session -limit 0")
equal({row["type"] for row in only}, {"session"}, "-type chooses")
check("No type is called" in error_of("cairn retained -type sesion"), "an unknown type")
check("ask one of the two" in error_of("cairn retained -by root %s" % alive), "two questions")
check("there are none" in error_of("cairn retained -by type -type dict"), "no row to choose")

text = execute("cairn retained -limit 3")
check("@1" in text and "3 of" in text and "-limit 0 shows all" in text, "cut and said:\n" + text)
top = data("retained -limit 3")["rows"][0]["addr"]
execute("cairn retained -limit 3")
check(top in execute("cairn show @1"), "@1 is the first row")
text = execute("cairn retained %s" % addr_of["live 2"])
for words in ("If it went", "It goes with each of: session", "The last of these is held by"):
    check(words in text, "'%s' stands in\n%s" % (words, text))
check("it is garbage already" in execute("cairn retained %s" % addr_of["ann"]), "garbage is said")
check("retained" in execute("cairn objects -sort retained"), "a column of its own")
passed()
