#!/usr/bin/python3
"""Measures the lens: on a core, and live in GDB, beside what a user could do without it.

    ./run bench lens [--objects N]... [--rounds N] [--keep DIRECTORY]

Heaps of native objects of 48 bytes with two references each, in address order and shuffled
(bench/lens/heap.c).  One processor, rounds interleaved, medians of processor time; the core's pages
are cached.  The floor is a plain C pass over the same bytes.  Ways that look at a part of the heap
only are marked with a star: their time an object is measured, their total is that times the
objects.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from typing import Dict, List, Optional, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
SUBSET = 100_000  # objects that a slow way looks at
FLOOR = "floor: census"
MOMENTS = "moments, outside GDB"
GRAPH = "the graph, outside GDB"
TARGETS = {  # seconds on ten million objects in a core, pages cached
    "census by type and count": 0.3,
    "referrers of one object, no index": 0.5,
    "walk, index both ways, reachability": 2.0,
    "diff of two: both taken, compared": 3.0,
    "walk, index, reachability, leaks": 2.0,
    "walk, index, components, retained sizes": 8.0,
    "walk, index, accounts, audit": 2.5,
}
TARGET_BYTES = 90.0
GRAPH_TARGET_BYTES = 120.0

Samples = Dict[str, List[Tuple[float, int]]]


class Bench:
    def __init__(self, options: argparse.Namespace, directory: str) -> None:
        self.options = options
        self.directory = directory
        programs = os.path.join(options.build, "bin", "bench")
        self.heap = os.path.join(programs, "bench_lens_heap")
        self.measure = os.path.join(programs, "bench_lens_measure")
        self.moments = os.path.join(programs, "bench_lens_moments")
        self.why = os.path.join(programs, "bench_lens_why")
        self.graph = os.path.join(programs, "bench_lens_graph")
        self.audit = os.path.join(programs, "bench_lens_audit")
        self.plugin = os.path.join(options.build, "cairn-gdb.py")
        self.pin = ["taskset", "-c", str(options.cpu)] if shutil.which("taskset") else []

    def run(self, command: List[str], **environment: str) -> str:
        done = subprocess.run(self.pin + command, check=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True, env={**os.environ, **environment})
        return done.stdout

    def make_core(self, objects: int, order: str) -> str:
        directory = os.path.join(self.directory, f"{objects}-{order}")
        os.makedirs(directory, exist_ok=True)

        def unlimited() -> None:
            hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
            resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        subprocess.run([self.heap, str(objects), order], cwd=directory, preexec_fn=unlimited,
                       stderr=subprocess.DEVNULL, check=False)
        cores = [name for name in os.listdir(directory) if name.startswith("core")]
        if len(cores) != 1:
            sys.exit("bench: no core was written; see /proc/sys/kernel/core_pattern")
        return os.path.join(directory, cores[0])

    def gdb(self, tasks: str, objects: int, target: List[str]) -> str:
        return self.run(["gdb", "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off",
                         *target, "-x", os.path.join(HERE, "lens", "in_gdb.py")], BENCH_TASKS=tasks,
                        BENCH_PLUGIN=self.plugin, BENCH_OBJECTS=str(objects),
                        BENCH_SUBSET=str(min(SUBSET, objects)))

    def live(self, objects: int, order: str) -> str:
        """The plugin in GDB attached to a program that waits."""
        with subprocess.Popen([self.heap, str(objects), order, "wait"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, universal_newlines=True) as program:
            assert program.stdout is not None and program.stdin is not None
            program.stdout.readline()
            try:
                return self.gdb("plugin", objects, ["-p", str(program.pid)])
            finally:
                program.stdin.close()

    def round(self, objects: int, order: str, core: str) -> Dict[str, str]:
        """Everything once; each way's output."""
        on_core = [self.heap, core]
        outputs = {"on the core, outside GDB": self.run([self.measure, core, "1"]),
                   MOMENTS: self.run([self.moments, core, core + ".moment"]),
                   "garbage and ways, outside GDB": self.run([self.why, core]),
                   GRAPH: self.run([self.graph, core]),
                   "the audit, outside GDB": self.run([self.audit, core]),
                   "on the core, inside GDB": self.gdb("plugin", objects, on_core),
                   "live, inside GDB": self.live(objects, order),
                   "without the lens *": self.gdb("values read_memory", objects, on_core)}
        slow = outputs["without the lens *"]
        first = [line.split("\t")[1] for line in slow.splitlines() if line.startswith("first\t")]
        if have_drgn() and first:
            outputs["without the lens *"] += self.run(
                ["/usr/bin/python3", os.path.join(HERE, "lens", "in_drgn.py"), core, self.heap,
                 first[0], str(min(SUBSET, objects))])
        return outputs


def have_drgn() -> bool:
    return subprocess.run(["/usr/bin/python3", "-c", "import drgn"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


def parse(output: str, objects: int, samples: Samples, facts: Dict[str, float]) -> None:
    for line in output.splitlines():
        words = line.split("\t")
        if len(words) == 2:
            facts[words[0]] = float(words[1])
        elif len(words) == 3:
            # The measuring program's third column is derived: it looks at all objects.
            looked = int(words[2]) if words[2].isdigit() else objects
            samples.setdefault(words[0], []).append((float(words[1]), looked))


def report(objects: int, sections: Dict[str, Samples], facts: Dict[str, float]) -> bool:
    floor = statistics.median(time for time, _ in sections["on the core, outside GDB"][FLOOR])
    reached = True
    for title, samples in sections.items():
        print(f"\n  {title}")
        print(f"  {'':<40}{'total':>12}{'an object':>12}{'floors':>9}")
        for name, rows in samples.items():
            looked = rows[0][1]
            if looked == 1:
                print(f"  {name:<40}{statistics.median(time for time, _ in rows) * 1e3:>9.1f} ms")
                continue
            each = statistics.median(time / count for time, count in rows)
            note = ""
            if objects == 10_000_000 and name in TARGETS and title.endswith("outside GDB"):
                missed = each * objects > TARGETS[name]
                reached = reached and not missed
                note = f"  {'MISSED' if missed else 'ok'}: at most {TARGETS[name]} s"
            print(f"  {name:<40}{each * objects * 1e3:>9.1f} ms{each * 1e9:>9.1f} ns"
                  f"{each * objects / floor:>9.1f}{note}")
    print(f"\n  memory of the lens, everything indexed and reachability: "
          f"{facts['bytes an object']:.1f} bytes an object"
          + (f" (at most {TARGET_BYTES:.0f})" if objects == 10_000_000 else ""))
    print(f"  ... with leaks {facts['why bytes an object']:.1f} bytes an object, where all is "
          f"garbage {facts['why bytes an object, all garbage']:.1f}; the longest slice "
          f"{facts['why longest slice ms']:.0f} ms")
    print(f"  ... with components, dominators and retained sizes: "
          f"{facts['graph: bytes an object']:.1f} bytes an object; the longest slice took "
          f"{facts['graph: longest slice']:.0f} ms")
    print(f"  ... with the audit {facts['audit: bytes an object']:.1f} bytes an object, where all "
          f"counts are wrong {facts['audit: bytes an object, all wrong']:.1f}; the longest slice "
          f"{facts['audit: longest slice']:.0f} ms")
    if objects == 10_000_000:
        reached = reached and facts["bytes an object"] <= TARGET_BYTES
        reached = reached and facts["graph: bytes an object"] <= GRAPH_TARGET_BYTES
    values = sections["without the lens *"].get("gdb.Value walk")
    census = sections["on the core, outside GDB"]["census by type and count"]
    if values:
        ratio = statistics.median(time / count for time, count in values) / statistics.median(
            time / count for time, count in census)
        print(f"  a census is {ratio:,.0f} times a gdb.Value walk")
    return reached


def measure_heap(bench: Bench, objects: int, order: str) -> bool:
    how = "in address order" if order == "ordered" else order
    print(f"\n{objects:,} objects, {how}", flush=True)
    core = bench.make_core(objects, order)
    sections: Dict[str, Samples] = {}
    facts: Dict[str, float] = {}
    for number in range(bench.options.rounds + 1):
        for title, output in bench.round(objects, order, core).items():
            if number > 0:  # the first one warms the page cache and the memory of the machine
                parse(output, objects, sections.setdefault(title, {}), facts)
    if not bench.options.keep:
        shutil.rmtree(os.path.dirname(core))
    return report(objects, sections, facts)


def main(words: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="the build directory")
    parser.add_argument("--objects", type=int, action="append",
                        help="objects of a heap (1000000, 10000000)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--keep", metavar="DIRECTORY", help="leave the cores there")
    options = parser.parse_args(words)
    directory = options.keep or tempfile.mkdtemp(prefix="cairn-bench-")
    reached = True
    try:
        bench = Bench(options, directory)
        for objects in options.objects or [1_000_000, 10_000_000]:
            for order in ("ordered", "shuffled"):
                reached = measure_heap(bench, objects, order) and reached
    finally:
        if not options.keep:
            shutil.rmtree(directory, ignore_errors=True)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
