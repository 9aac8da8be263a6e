"""`cairn cycles` lists the rings that the program made, tells garbage from what lives, and names
the slot that breaks each."""
from typing import Any, Dict, FrozenSet

from harness import Truth, check, data, equal, error_of, execute, passed, rows, start

start()
truth = Truth()
addr_of = {name: addr for name, addr in truth["name"]}
name_of = {addr: name for name, addr in truth["name"]}


def members(row: Dict[str, Any]) -> FrozenSet[str]:
    return frozenset(name_of[one["addr"]] for one in row["objects"])


RINGS = {  # members: how many references of their counts come from elsewhere
    frozenset(("ann", "bob")): 0, frozenset(("self",)): 0, frozenset(("left", "right")): 2,
    frozenset(("hung 1", "hung 2")): 1}
LIVE = frozenset(("live 1", "live 2"))

found = data("cycles")
equal({members(row): row["outside_refs"] for row in found["rows"]}, RINGS, "the garbage rings")
check(all(row["garbage"] for row in found["rows"]), "all of them are garbage")
equal((found["matched"], found["shown"]), (4, 4), "nothing is cut")
equal(found["garbage"]["cycles"], 4, "the sum of cycles")
equal(found["garbage"]["objects"], 7, "the sum of objects")
equal(found["garbage"]["bytes"], sum(row["bytes"] for row in found["rows"]), "the sum of bytes")
equal(found["live"]["cycles"], 1, "one ring lives")
sizes = [row["bytes"] for row in found["rows"]]
equal(sizes, sorted(sizes, reverse=True), "the biggest first")

for row in found["rows"]:
    chosen = members(row)
    count = len(chosen)
    equal((row["object_count"], row["ring"], row["slot_count"]), (count, count, count),
          "a ring and nothing else")
    want = "[0]" if chosen == {"self"} else "peer"
    slots = row["slots"]
    equal([slot["slot"] for slot in slots], [want] * count, "the slots by name")
    equal([slot["kind"] for slot in slots], ["strong"] * count, "they own")
    equal({kind for slot in slots for kind in (slot["holder_type"], slot["target_type"])},
          {"list" if want == "[0]" else "session"}, "who holds whom, by type")
    for slot, after in zip(slots, slots[1:] + slots[:1]):
        equal(slot["target"], after["holder"], "each holds the next one")
    equal([one["addr"] for one in row["objects"]], [slot["holder"] for slot in slots],
          "the objects stand along the ring")
    best = row["break"]
    equal((best["type"], best["slot"]), ("list", "items") if want == "[0]" else ("session", "peer"),
          "the slot to make weak")
    equal((best["objects"], best["bytes"], best["whole"]), (count, row["bytes"], True),
          "all of it would go")
    equal(best["slots"], count, "as many references as the ring has")
    check(best["holder"]["addr"] in {one["addr"] for one in row["objects"]}, "a member holds")

every = data("cycles -live -limit 0")
equal({members(row): row["garbage"] for row in every["rows"]},
      {**{ring: True for ring in RINGS}, LIVE: False}, "-live adds what lives")
live = [row for row in every["rows"] if not row["garbage"]][0]
equal(live["outside_refs"], 1, "the dict holds one of them")

cut = data("cycles -limit 2 -objects 1")
equal((cut["matched"], cut["shown"], len(cut["rows"][1]["objects"]), len(cut["rows"][1]["slots"])),
      (4, 2, 1, 1), "-limit and -objects cut")
equal(cut["rows"][1]["object_count"], 2, "and say how many there are")

listed = rows("cycles")
text = execute("cairn cycles -all")
for number, row in enumerate(listed, 1):
    shown = execute("cairn show @%d -json" % number)
    check(row["objects"][0]["addr"] in shown, "@%d is the first object of its row" % number)
for words in (".peer", "the first one", "4 cycles of garbage: 7 objects",
              "If session.peer were weak (2 references), all of it would go.",
              "If list.items held a weakref or nothing, all of it would go.",
              "1 reference of their counts from elsewhere", "-live lists them"):
    check(words in text, "'%s' stands in\n%s" % (words, text))
check(text.index("@4") < text.index("@1"), "the biggest by the prompt")
check("No option -frob" in error_of("cairn cycles -frob"), "an option that is none")
check("1 of 4 cycles shown" in execute("cairn cycles -all -limit 1"), "what was cut is said")
check("1 of 3 kinds of cycles shown" in execute("cairn cycles -limit 1"), "what was cut is said")
equal({members(row): row["alike"] for row in found["rows"]},
      {ring: 1 if held == 0 else 2 for ring, held in RINGS.items()},
      "those whose counts are held from elsewhere are alike")
equal(execute("cairn cycles -all"), text, "the same at each call")
passed()
