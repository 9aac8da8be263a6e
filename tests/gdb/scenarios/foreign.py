"""A program without Cairn: every command says so in one line, and what was searched."""
import gdb
from harness import check, equal, error_of, passed, start

start()
for command in ("", "objects", "types", "arenas", "refcounts", "stack", "roots", "check"):
    message = error_of("cairn " + command)
    check("\n" not in message.strip() and "No Cairn heap" in message, "%s: %s" % (command, message))
    equal(int(gdb.parse_and_eval("$cairn_status")), 2, "$cairn_status after " + command)
passed()
