"""The plugin loads fast, twice is harmless, and says what it can do without a program."""
import compileall
import os
import time

import gdb
from harness import PLUGIN, check, equal, error_of, execute, passed

LOAD_S = 0.050
SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                       "..", "..", "..", "gdb-plugin"))
COMMANDS = ("map", "arenas", "objects", "refcounts", "types", "show", "stack", "roots", "refs",
            "referrers", "path", "audit", "leaks", "collect", "cycles", "retained", "check",
            "snapshot", "diff", "history", "sites", "watch", "break")

# The first load ever compiles the plugin; what counts is every load after it, in time of this
# process's own: another one may be busy.
compileall.compile_dir(SOURCE, quiet=1)
before = time.process_time()
gdb.execute("source " + PLUGIN)
took = time.process_time() - before
print("loaded in %.1f ms" % (took * 1000))
check(took < LOAD_S, "the plugin loads in %.0f ms" % (LOAD_S * 1000))
equal(execute("source " + PLUGIN), "", "loading it again says nothing")
equal(execute("source " + os.path.join(SOURCE, "cairn.py")), "", "nor does the source tree's")

equal(int(gdb.parse_and_eval("$cairn_status")), 2, "$cairn_status before any command")
overview = execute("help cairn")
for command in COMMANDS:
    check("cairn " + command in overview, "help cairn names " + command)
    text = execute("help cairn " + command)
    check(text.splitlines()[0].endswith("."), "help of %s begins with a sentence" % command)
    check("-json" in text, "help of %s names its options" % command)
    if command == "snapshot":
        continue  # alone it lists what is kept
    message = error_of("cairn " + command + (" 1" if command in ("show", "refs") else ""))
    check("\n" not in message.strip(), "without a program %s says one line: %s"
          % (command, message))
equal(int(gdb.parse_and_eval("$cairn_status")), 2, "$cairn_status without a program")
check("20" in execute("show cairn limit"), "show cairn limit")
gdb.execute("set cairn limit 5")
check("5" in execute("show cairn limit"), "set cairn limit")
gdb.execute("set cairn ascii on")
check("on" in execute("show cairn ascii"), "set cairn ascii")
for name in ("refcount", "type", "size", "is_object"):
    check(execute("help function").find("cairn_" + name) >= 0, "help names $cairn_" + name)
passed()
