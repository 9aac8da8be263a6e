"""The README's transcript is what the demo prints.

    readme.py README GDB PLUGIN PLAY SCRIPT PROGRAM

Each block that begins with `$ ./run demo frames` must stand in the demo's output, its lines
together and in order; a line of `...` stands for what is left out.  Addresses may differ.
"""
import re
import subprocess
import sys
from typing import List

readme, gdb, plugin, play, script, program = sys.argv[1:7]


def plain(line: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x...", line).rstrip()


def find(part: List[str], lines: List[str], start: int) -> int:
    """The index behind the first place at or after `start` where the lines of `part` stand."""
    for index in range(start, len(lines) - len(part) + 1):
        if lines[index:index + len(part)] == part:
            return index + len(part)
    sys.exit("FAILED: the README says\n%s\nthe demo says\n%s" % ("\n".join(part), "\n".join(lines)))


done = subprocess.run(
    [gdb, "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off", "-x", plugin, "-x", play,
     "-ex", "play " + script, program],
    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    check=True)
said = [plain(line) for line in done.stdout.splitlines()]
with open(readme, encoding="utf-8") as file:
    blocks = re.findall(r"^```\n\$ \./run demo frames\n(.*?)^```$", file.read(),
                        re.MULTILINE | re.DOTALL)
if not blocks:
    sys.exit("FAILED: the README has no transcript")
for block in blocks:
    position, part = 0, []
    for line in [plain(line) for line in block.splitlines()] + ["..."]:
        if line != "...":
            part.append(line)
        elif part:
            position, part = find(part, said, position), []
print("%d transcripts are true" % len(blocks))
