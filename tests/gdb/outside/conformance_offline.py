"""The JSON of cairn-lens has the shapes that are stated of the commands (shapes.py): a program
reads both alike.  What needs a debugger is not there: stack, roots, map, and stops.

    conformance_offline.py CAIRN_LENS EVERYTHING
"""
import os
import subprocess
import sys
import tempfile
from typing import Dict, List

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from run_scenario import SKIPPED, Skip, core_by_signal  # noqa: E402
from shapes import DATA, document_faults  # noqa: E402

LENS, EVERYTHING = sys.argv[1:3]


def lines(core: str, told: Dict[str, str], saved: str) -> Dict[str, List[str]]:
    """The name of a shape, and the words of each line that is to answer with it."""
    asked: Dict[str, List[str]] = {name: [] for name in (
        "overview", "types", "objects", "refcounts", "arenas", "leaks", "collect", "cycles",
        "retained", "audit", "sites", "check")}
    asked["objects"] = ["-type str", "-refcount >=2", "-sort size -reverse", "-limit 0"]
    asked["collect"] = ["-candidates", "-freed", "-all"]
    asked["leaks"] = ["-type node", "-max-objects 9", told["living"], "-tree", "-tree -limit 0"]
    asked["cycles"] = ["-live", "-live -objects 1"]
    asked["audit"] = ["-type str", "-type list", "-unsure"]
    asked["types"] = ["-sort count -reverse"]
    asked["sites"] = ["-type str"]
    asked["retained"] = ["-type list"]
    found = {name: ["%s %s %s" % (core, name, more) for more in ["", "-limit 1"] + options]
             for name, options in asked.items()}
    found["arenas -pages"] = ["%s arenas -pages" % core]
    found["retained -by root"] = ["%s retained -by root" % core]
    found["retained -by type"] = ["%s retained -by type" % core]
    for name, word in (("show", "keeper"), ("refs", "living"), ("referrers", "keeper"),
                       ("path", "deep"), ("history", "over")):
        found[name] = ["%s %s %s" % (core, name, told[word])]
    found["show"].append("%s show %s" % (core, told["odd"]))
    found["show"].append("%s show %s -depth 4 -limit 0" % (core, told["keeper"]))
    found["history"].append("%s history %s" % (core, told["dead"]))
    found["snapshot"] = ["snapshot %s -output %s" % (core, saved)]
    found["diff"] = ["diff %s %s" % (core, saved), "diff %s %s -by site" % (saved, core),
                     "diff %s %s -by object" % (saved, core)]
    return found


def main() -> int:
    checks = 0
    with tempfile.TemporaryDirectory(prefix="cairn-conformance-") as directory:
        truth = os.path.join(directory, "truth")
        try:
            core = core_by_signal([EVERYTHING], directory, dict(os.environ, SCENARIO_TRUTH=truth),
                                  60)
        except Skip as reason:
            print("skipped: %s" % reason)
            return 1 if os.environ.get("CI") else SKIPPED
        with open(truth, encoding="ascii") as file:
            told = dict(fact.split("\t") for fact in file.read().splitlines()[:-1])
        for shape, asked in lines(core, told, os.path.join(directory, "saved.cairn")).items():
            for line in asked:
                done = subprocess.run([LENS, "-json", *line.split()], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                      timeout=60, check=False)
                wrong = [done.stderr] if done.stderr or done.returncode not in (0, 1) else \
                    document_faults(done.stdout, shape.split()[0], DATA[shape])
                if wrong:
                    sys.exit("FAILED: cairn-lens -json %s\n  %s" % (line, "\n  ".join(wrong[:20])))
                checks += 1
    print("%d documents are as stated" % checks)
    return 0 if checks > 30 else 1


if __name__ == "__main__":
    sys.exit(main())
