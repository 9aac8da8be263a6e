"""The cache server (demos/cacheserver) is right without a bug on order, and wrong with each.

    cacheserver.py PROGRAM

Without an order nothing leaks and the truth is empty, whatever the seed.  Each bug that can be
ordered strikes, its truth names a line of the place's own source, and those that leave a count too
high leak when the server takes itself down.
"""
import os
import re
import resource
import subprocess
import sys
import tempfile
from typing import Dict, List, Tuple

PROGRAM = sys.argv[1]
OVER = ("missing-release", "extra-retain")


def run(*arguments: str, core: bool = False) -> Tuple[int, str, List[List[str]]]:
    """The exit status, what was printed, and the truth's facts."""
    with tempfile.TemporaryDirectory(prefix="cairn-server-") as directory:
        path = os.path.join(directory, "truth")
        done = subprocess.run(
            [PROGRAM, *arguments], cwd=directory, env=dict(os.environ, SCENARIO_TRUTH=path),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
        facts = []
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                facts = [line.split("\t") for line in file.read().splitlines()]
        return done.returncode, done.stdout, facts


def check(condition: bool, message: str) -> None:
    if not condition:
        sys.exit("FAILED: " + message)


for seed in range(1, 9):
    status, said, _ = run("-seed", str(seed), "-shards", "4", "-end")
    check((status, said) == (0, "nothing leaked\n"), "seed %d: %s" % (seed, said))
    status, said, facts = run("-seed", str(seed))
    check(status < 0 and [fact[0] for fact in facts] == ["passed"] * 3 + ["end"],
          "seed %d is at rest, nothing wrong: %s" % (seed, facts))

places = [line.split("\t") for line in run("-list")[1].splitlines()]
check(len(places) >= 60, "there are %d bugs" % len(places))
source: Dict[str, str] = {}
for name, where in places:
    file, line = os.path.basename(where).split(":")
    place, kind = name.split(":")
    source[place] = file
    status, said, facts = run("-plant", name)
    struck = [fact for fact in facts if fact[0] in ("bug", "held", "link")]
    check(status < 0 and struck != [], "%s strikes: %s" % (name, said))
    lines = {(fact[-3], fact[-2]) if fact[0] != "link" else (fact[3], fact[4]) for fact in struck}
    check(all(re.fullmatch(r"[a-z]+\.c", one) for one, _ in lines), "%s: %s" % (name, lines))
    if kind in ("extra-release", "extra-retain", "not-cleared", "still-held", "strong"):
        check(lines == {(file, line)}, "%s is at %s:%s: %s" % (name, file, line, lines))
    if kind in OVER:
        check(all(int(fact[3]) == 1 for fact in struck), name + " makes counts too high")
        status, said, _ = run("-plant", name, "-end")
        check(status == 1 and said.endswith("something leaked\n"), name + " leaks: " + said)
print("%d bugs strike" % len(places))
