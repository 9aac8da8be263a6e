"""Each wrong input gets one clear line, and the next command works."""
from typing import List

import gdb
from harness import answer, check, data, equal, error_of, execute, passed, rows, start


def one_line(command: str, *words: str) -> None:
    """The command fails with one line that holds all the words."""
    message = error_of(command)
    check("\n" not in message.strip(), "'%s' fails with one line:\n%s" % (command, message))
    check("Traceback" not in message and "Error occurred in Python" not in message,
          "'%s' fails in words: %s" % (command, message))
    for word in words:
        check(word in message, "'%s' says '%s': %s" % (command, word, message))
    equal(int(gdb.parse_and_eval("$cairn_status")), 2, "$cairn_status after '%s'" % command)


# Before the program has started there is nothing to look at.
one_line("cairn objects")
start()
gdb.execute("frame function main", to_string=True)

objects: List[str] = ["show", "refs", "referrers"]
for command in objects:
    one_line("cairn %s freed" % command, "freed")
    one_line("cairn %s buffer" % command, "buffer")
    one_line("cairn %s null" % command, "NULL")
    one_line("cairn %s wild" % command, "0x1230")
    one_line("cairn %s no_such_name" % command, "no_such_name")
    one_line("cairn %s object +" % command)
    one_line("cairn %s" % command)
    one_line("cairn %s slot" % command, "slot")
    one_line("cairn %s @99" % command, "@99")
    interior = data("%s interior" % command)
    check(interior is not None, "an interior pointer finds its object")
one_line("cairn objects -type no_such_type", "no_such_type")
for text in ("x", "5..2", "..", ">", "1..x", "-3"):
    one_line("cairn objects -refcount %s" % text)
one_line("cairn objects -size 5Q", "5Q")
one_line("cairn objects -heap 99", "99")
one_line("cairn objects -sort colour", "colour")
one_line("cairn objects -limit many", "many")
one_line("cairn objects -bogus", "bogus")
one_line("cairn nonsense")
for function in ("refcount", "type", "size"):
    for argument in ("freed", "buffer", "null", "wild", "no_such_name", "", "object, object"):
        message = error_of("print $cairn_%s(%s)" % (function, argument)).strip()
        check("\n" not in message and "Python" not in message,
              "$cairn_%s(%s) fails in words: %s" % (function, argument, message))
check(len(rows("objects -type str")) >= 1, "and all works as before")
check("an object" in execute("cairn show object"), "and shows objects")

# ---- a damaged object: it is named, all others are still shown, and memory is read afresh ----
before = rows("objects")
address = int(gdb.parse_and_eval("(unsigned long)object"))
program = gdb.selected_inferior()
header = bytes(program.read_memory(address, 8))
program.write_memory(address + 4, b"\xff\xff\xff\x7f")  # a type that nobody defined
equal({row["addr"] for row in rows("objects")}, {row["addr"] for row in before} - {hex(address)},
      "the others are still shown")
check(answer("objects")["warnings"], "that one is left out is said")
for command in objects:
    one_line("cairn %s object" % command, hex(address), "damaged")
check(hex(address) in {row["addr"] for row in rows("check")}, "check says which")
equal(int(gdb.parse_and_eval("$cairn_status")), 1, "$cairn_status after a problem")
check("damaged" in execute("cairn stack"), "the picture says it, too")
program.write_memory(address, header)
equal((rows("objects"), rows("check")), (before, []), "and all is as before")
passed()
