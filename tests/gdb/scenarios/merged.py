"""Optimised code: a variable that is in no memory is said to be so, never to be null."""
import gdb
from harness import check, data, equal, passed, start

start()
frames = {frame["function"]: frame for frame in data("stack")["threads"][0]["frames"]}
notes = {variable["name"]: variable.get("note") for variable in frames["point"]["variables"]}
check("slot" in notes or "*slot" in notes, "slot is listed: %s" % notes)
for frame in ("stop", "point"):
    equal([row["name"] for row in frames[frame]["variables"] if row.get("note") == "null"], [],
          "no variable is null in " + frame)
gdb.execute("frame function point", to_string=True)
if "synthetic pointer" in gdb.parse_and_eval("slot").format_string(raw=True):
    equal(notes["slot"], "optimized out", "a pointer without a number")
passed()
