"""`cairn collect` says, object for object, what the program's own collection frees."""
from harness import TARGET, Truth, check, data, equal, execute, passed, rows, start

start()
truth = Truth()
name_of = {addr: name for name, addr in truth["name"]}
went = {addr for addr, in truth["went"]}

freed = rows("collect -freed")
equal({row["addr"] for row in freed}, went, "what the collection frees")
equal(len(freed), int(truth["freed"][0][0]), "as many as cairn_collect said")
check(all(row["verdict"] == "freed" for row in freed), "all of them are freed")
why = {name_of[row["addr"]]: row["why"] for row in freed}
equal(why, {"ann": "garbage", "bob": "garbage", "albums": "garbage", "self": "garbage",
            "first album": "falls", "second album": "falls", "dormant word": "swept"},
      "why each one goes")

found = data("collect -limit 0")
equal(found["would_free"]["objects"], len(went), "the sum of objects")
equal(found["would_free"]["bytes"] >= sum(row["size"] for row in freed), True, "the sum of bytes")
for row in found["rows"]:
    check(row["verdict"] == "freed" or row["candidate"], "kept rows are candidates")

every = {row["addr"]: row for row in rows("collect -all")}
by_name = {name: every[addr] for name, addr in truth["name"] if addr in every}
for name, internal, external, verdict in (
        ("ann", 1, 0, "garbage"), ("self", 1, 0, "garbage"), ("lost", 0, 1, "kept"),
        ("left", 1, 2, "kept"), ("right", 1, 0, "reached"), ("owner", 0, 1, "kept"),
        ("hung 1", 2, 0, "reached"), ("common", 2, 0, "reached"), ("both", 1, 1, "kept"),
        ("live 1", 2, 0, "reached")):
    row = by_name[name]
    equal((row["internal"], row["external"], row["why"]), (internal, external, verdict),
          "the arithmetic of " + name)
    equal(row["refcount"], row["internal"] + row["external"], "the count of " + name)
    equal(row["verdict"], "freed" if verdict == "garbage" else "kept", "the verdict on " + name)

only = rows("collect -all -type list")
equal({row["type"] for row in only}, {"list"}, "-type chooses rows")
local = {row["addr"] for row in rows("collect -candidates -freed")}
equal(local, went - {addr for name, addr in truth["name"] if name == "dormant word"},
      "a local collection leaves the intern table alone")
equal({row["addr"] for row in rows("collect -freed -heap 1")}, went, "the only heap")

text = execute("cairn collect")
for words in ("cairn_collect would free 7 objects", "only garbage holds it",
              "goes with what is freed", "only the intern table holds it"):
    check(words in text, "'%s' stands in\n%s" % (words, text))
check(TARGET != "live" or "0x" in text, "addresses are shown")
passed()
