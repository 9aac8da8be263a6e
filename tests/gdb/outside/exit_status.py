"""`cairn check -exit` and `cairn leaks -exit` end a batch GDB with 0, 1 or 2, as a CI job needs it.

    exit_status.py GDB PLUGIN HEALTHY DAMAGED FOREIGN LEAKY
"""
import subprocess
import sys
from typing import List

gdb, plugin, healthy, damaged, foreign, leaky = sys.argv[1:7]
failures: List[str] = []


def expect(status: int, program: str, *commands: str) -> None:
    command = [gdb, "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off", "-x", plugin]
    for line in commands:
        command += ["-ex", line]
    done = subprocess.run(command + [program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
    if done.returncode != status:
        failures.append("%s, %s: exited with %d, not %d:\n%s"
                        % (program, commands, done.returncode, status, done.stdout))


# The last command is not the one whose status counts: -exit leaves at once.
never = "print never_reached"
expect(0, healthy, "run", "cairn check -exit", never)
expect(1, damaged, "start", "break _exit", "continue", "cairn check -exit", never)
expect(2, foreign, "run", "cairn check -exit", never)
expect(2, healthy, "cairn check -exit", never)
expect(0, healthy, "run", "cairn check", "quit $cairn_status")
expect(0, healthy, "run", "cairn leaks -exit", never)
expect(1, leaky, "run", "cairn leaks -exit", never)
expect(0, leaky, "run", "cairn leaks -exit -max-objects 18", never)
expect(1, leaky, "run", "cairn leaks -exit -max-objects 17", never)
expect(2, leaky, "run", "cairn leaks -exit -suppress /nowhere", never)
expect(2, foreign, "run", "cairn leaks -exit", never)
print("\n".join(failures) or "every status is right")
sys.exit(bool(failures))
