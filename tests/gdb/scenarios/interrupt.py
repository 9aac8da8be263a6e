"""^C in long work comes back at once, and the next command works."""
import os
import signal
import threading
import time

import gdb
from harness import check, data, equal, execute, passed, start

WITHIN_S = 1.0

start()


def interrupted(command: str, after: float) -> None:
    """Sends ^C to GDB while it is at the command."""
    sent = []

    def press() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(after, press)
    try:
        timer.start()  # it may press before this returns
        gdb.execute(command, to_string=True)
        timer.cancel()
        check(not sent, "'%s' did not end before ^C" % command)
    except (KeyboardInterrupt, gdb.error):
        took = time.monotonic() - sent[0]
        print("'%s' came back %.0f ms after ^C" % (command, took * 1000))
        check(took < WITHIN_S, "'%s' comes back within %g s" % (command, WITHIN_S))


for delay in (0.01, 0.1, 0.5):
    interrupted("cairn objects -limit 0", delay)
    interrupted("cairn roots -limit 0", delay)
equal(data("objects -type node")["matched"], 1000000, "and then all works")

# While the objects are read, from first to last: ^C is not lost, and leaves nothing half read.
for delay in range(5, 100, 5):
    execute("set var *(char *)$sp = *(char *)$sp")  # all is read anew
    interrupted("cairn types", delay / 1000)
    found = {row["type"]: row["count"] for row in data("types")["rows"]}
    equal(found["node"], 1000000, "nodes after ^C at %d ms" % delay)
passed()
