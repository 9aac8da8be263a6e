"""The MI commands: the same records as -json, through a GDB that speaks MI.

    mi_session.py GDB PLUGIN PROGRAM
"""
import subprocess
import sys
from typing import List

GDB, PLUGIN, PROGRAM = sys.argv[1:4]


class Session:
    """A GDB with the MI interpreter, asked one command at a time."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [GDB, "-nx", "-q", "-i=mi2", "-iex", "set debuginfod enabled off", "-x", PLUGIN,
             PROGRAM],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.count = 0

    def ask(self, command: str, wait_for: str = "", text: bool = False) -> str:
        """The result record of a command, with `wait_for` when a line that begins so has come; with
        `text` all that was said up to it."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.count += 1
        self.process.stdin.write("%d%s\n" % (self.count, command))
        self.process.stdin.flush()
        lines: List[str] = []
        result = ""
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("%d^" % self.count):
                result = line
            if result and (not wait_for or any(seen.startswith(wait_for) for seen in lines)):
                return "".join(lines) if text else result
        sys.exit("GDB ended at %s:\n%s" % (command, "".join(lines[-30:])))

    def close(self) -> None:
        self.ask("-gdb-exit")
        self.process.wait(timeout=10)


def check(condition: bool, message: str) -> None:
    if not condition:
        sys.exit("FAILED: " + message)


session = Session()
check("^done" in session.ask("-gdb-set mi-async off"), "MI answers")
if "^error" in session.ask('-interpreter-exec console "python gdb.MICommand"'):
    session.close()
    print("this GDB has no MI commands in Python: it is older than 12")
    sys.exit(0)
refused = session.ask("-cairn-objects")
check("^error" in refused and "msg=" in refused, "before the program runs: " + refused)
session.ask("-exec-run", wait_for="*stopped")
answer = session.ask("-cairn-objects -type list -limit 0")
check("^done" in answer and 'type="list"' in answer and "refcount=" in answer, answer)
address = answer.split('addr="')[1].split('"')[0]
for name, record in (("overview", "heaps=[{id="), ("map", "regions=[{start="),
                     ("arenas", 'rows=[{addr="0x'), ("arenas -pages", "block_bytes="),
                     ("refcounts", 'rows=[{refcount="'), ("types -sort count", 'type="list"'),
                     ("show " + address, 'fields=[{name="[0]"'), ("stack -all", "frames=[{level="),
                     ("roots -kind global", 'kind="global"'), ("refs " + address, 'slot="[0]"'),
                     ("referrers " + address, 'verdict="'), ("check", 'checked={objects="')):
    answer = session.ask("-cairn-" + name)
    check("^done," in answer and record in answer, "-cairn-%s: %s" % (name, answer[:300]))
for line, record in (("path " + address, "paths=["), ("audit", "totals={balanced="),
                     ("leaks -limit 2", "within_limits="), ("cycles -live", "garbage={cycles="),
                     ("collect -all", "would_free={objects="), ("retained -by root", 'by="root"'),
                     ("snapshot first", 'name="first"'), ("diff first", 'process="same"'),
                     ("watch " + address, 'kind="watch"'), ("break collect", 'kind="collect"'),
                     ("break free -type list", 'observed="true"')):
    answer = session.ask("-cairn-" + line)
    check("^done," in answer and record in answer, "-cairn-%s: %s" % (line, answer[:300]))
for line, word in (("history " + address, "CAIRN_TRACK"), ("sites", "CAIRN_TRACK")):
    refused = session.ask("-cairn-" + line)
    check("^error" in refused and word in refused, "-cairn-%s: %s" % (line, refused[:300]))
# Every command that there is, with an option that none has: MI knows each by its name.
listed = session.ask('-interpreter-exec console "complete cairn "', text=True)
names = [line.split()[1].rstrip('\\n"') for line in listed.splitlines()
         if line.startswith('~"cairn ')]
check(len(names) > 20 and "collect" in names, "all commands: %s" % names)
for name in names:
    refused = session.ask("-cairn-%s -no-such-option" % name)
    check("^error" in refused and "No option -no-such-option here" in refused,
          "-cairn-%s: %s" % (name, refused))
refused = session.ask("-cairn-objects -type no_such_type")
check("^error" in refused and "no_such_type" in refused, refused)
check("^done" in session.ask("-cairn-types"), "and goes on after an error")
session.close()
print("MI answers")
