#!/usr/bin/python3
"""Measures the runtime beside its peers: allocators, collectors, counted runtimes.

    ./run bench runtime [BENCH]... [--rounds N] [--peers A,B] [--quick] [--output DIRECTORY]

bench/runtime/README.md says what is measured and how to read it.
"""

import argparse
import json
import os
import sys
from typing import Any, Dict, List, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "runtime"))

from driver import markdown, plot, report, rounds  # noqa: E402
from driver.benches import BENCHMARKS, Benchmark  # noqa: E402
from driver.facts import facts  # noqa: E402
from driver.make import CFLAGS, Make  # noqa: E402
from driver.peers import PEERS, Peer  # noqa: E402


def chosen_benchmarks(names: List[str]) -> List[Benchmark]:
    known = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    for name in names:
        if name not in known:
            sys.exit(f"bench: no benchmark is called {name}; there are: {' '.join(known)}")
    return [known[name] for name in names] or list(BENCHMARKS)


def chosen_peers(names: str, benchmarks: List[Benchmark]) -> List[Peer]:
    known = {peer.name: peer for peer in PEERS}
    wanted = [name for name in names.split(",") if name]
    for name in wanted:
        if name not in known:
            sys.exit(f"bench: no peer is called {name}; there are: {' '.join(known)}")
    peers = [known[name] for name in wanted] or list(PEERS)
    used = {benchmark.name for benchmark in benchmarks}
    return [peer for peer in peers if used & set(peer.benches)]


def arguments(words: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmarks", nargs="*", metavar="BENCH", help="B1 and so on; none: all")
    parser.add_argument("--build", default="", help="the build directory of the release preset")
    parser.add_argument("--rounds", type=int, help="5, or with --quick 1")
    parser.add_argument("--peers", default="", help="only these, with commas between them")
    parser.add_argument("--quick", action="store_true", help="little work: shows that all works")
    parser.add_argument("--output", metavar="DIRECTORY", help="of results.json and the pictures")
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--packages", action="store_true",
                        help="print the packages of Debian that all this needs, and end")
    options = parser.parse_args(words)
    if not options.build and not options.packages:
        parser.error("--build is missing: run it as ./run bench runtime")
    options.rounds = options.rounds or (1 if options.quick else 5)
    return options


def main(words: Optional[List[str]] = None) -> int:
    options = arguments(words)
    if options.packages:
        print(*sorted({package for peer in PEERS for package in peer.packages}),
              "python3-matplotlib")
        return 0
    benchmarks = chosen_benchmarks(options.benchmarks)
    peers = chosen_peers(options.peers, benchmarks)
    make = Make(options.build, os.path.join(options.build, "bench-runtime"))
    output = options.output or os.path.join(make.directory, "results")
    os.makedirs(output, exist_ok=True)
    make.install_cairn()
    runner = rounds.Runner({peer.name: peer.build(make) for peer in peers}, options.cpu,
                           options.quick, make.directory)
    machine = facts(make.compiler, " ".join(CFLAGS), options.cpu)
    print("\n".join(f"  {name:<12}{value}" for name, value in machine.items()) + "\n")
    results: Dict[str, Any] = {"machine": machine, "rounds": options.rounds,
                               "quick": options.quick, "benchmarks": {}}
    sections: List[str] = []
    for benchmark in benchmarks:
        samples: List[rounds.Sample] = []
        try:
            for fresh in runner.rounds(benchmark, peers, options.rounds):
                samples += fresh
                rounds.agree(samples)
        except rounds.Failed as failure:
            sys.exit(f"bench: {failure}")
        table = report.rows(samples)
        print("\n".join(report.lines(benchmark, table)), flush=True)
        results["benchmarks"][benchmark.name] = report.document(benchmark, table, samples)
        plot.draw(benchmark, table, machine, os.path.join(output, f"{benchmark.name}.svg"))
        with open(os.path.join(output, "results.json"), "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
        sections.append(markdown.section(benchmark, table))
        with open(os.path.join(output, "results.md"), "w", encoding="utf-8") as file:
            file.write("\n".join(sections))
    print(f"  in {output}: results.json, results.md, and a picture of each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
