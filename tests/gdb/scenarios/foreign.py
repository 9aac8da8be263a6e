"""A program without Cairn: every command says so in one line, and what was searched; its memory map
is drawn all the same."""
import gdb
from harness import answer, check, equal, error_of, execute, passed, start

start()
for command in ("", "objects", "types", "arenas", "refcounts", "stack", "roots", "check"):
    message = error_of("cairn " + command)
    check("\n" not in message.strip() and "No Cairn heap" in message, "%s: %s" % (command, message))
    equal(int(gdb.parse_and_eval("$cairn_status")), 2, "$cairn_status after " + command)
told = answer("map")
kinds = {region["kind"] for region in told["data"]["regions"]}
check({"text", "data", "stack"} <= kinds and "arena" not in kinds, "the map: %s" % kinds)
check(any("No Cairn heap" in warning for warning in told["warnings"]), "the map says so")
where = answer("map $pc")["data"]["address"]
equal((where["place"], where["object"]), ("nothing", None), "where the code is")
check(where["kind"] in ("text", "library"), "the code is in %s" % where["kind"])
check(" is in " in execute("cairn map $sp"), "the stack pointer has a place")
equal(int(gdb.parse_and_eval("$cairn_status")), 0, "$cairn_status after map")
passed()
