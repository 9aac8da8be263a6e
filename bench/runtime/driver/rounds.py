"""Runs the peers, round by round, and takes what they print.

Invariants: within a round each case is given to all peers, one after the other, before the next
case; nothing runs beside them.  All peers of a bench, case and figure print one check, or the run
ends.  A program that ends by a signal is a crash: a sample without a value, where the benchmark
allows it.  Any other failure ends the run.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Tuple

from driver.benches import Benchmark, Case
from driver.peers import Peer


@dataclass(frozen=True)
class Sample:
    bench: str
    case: str
    peer: str
    figure: str
    value: Optional[float]  # None: it crashed before it got there
    check: str = ""
    version: str = ""
    crash: str = ""  # "SIGSEGV"


class Failed(Exception):
    """The run cannot go on: a peer failed, or two do not agree."""


def parse(output: str, bench: str, case: str, peer: str) -> List[Sample]:
    """The samples in a peer's output, which must be about what was asked."""
    samples = []
    for line in output.splitlines():
        if not line.startswith("{"):
            raise Failed(f"{peer} {bench} {case}: not a line of JSON: {line}")
        row = json.loads(line)
        if (row["bench"], row["case"], row["peer"]) != (bench, case, peer):
            raise Failed(f"{peer} {bench} {case}: answers something else: {line}")
        samples.append(Sample(bench, case, peer, row["figure"], float(row["value"]), row["check"],
                              row["version"]))
    return samples


def agree(samples: List[Sample]) -> None:
    """Raises Failed when two peers, or two rounds, computed different things."""
    first: Dict[Tuple[str, str, str], Sample] = {}
    for sample in samples:
        if sample.value is None:
            continue
        other = first.setdefault((sample.bench, sample.case, sample.figure), sample)
        if other.check != sample.check:
            raise Failed(f"{sample.bench} {sample.case} {sample.figure}: {other.peer} computed "
                         f"{other.check}, {sample.peer} {sample.check}")


class Runner:
    def __init__(self, commands: Dict[str, List[str]], cpu: int, quick: bool,
                 directory: str = ".") -> None:
        self.commands = commands
        self.quick = quick
        self.directory = directory  # where programs keep what they make: the documents of B9
        self.pin = ["taskset", "-c", str(cpu)] if shutil.which("taskset") else []

    def once(self, benchmark: Benchmark, case: Case, peer: str) -> List[Sample]:
        """One run of one peer's program."""
        words = (case.quick if self.quick else case.arguments).split()
        name = words[0]
        command = [*self.pin, *self.commands[peer], benchmark.name, *words]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, universal_newlines=True, check=False,
                                  timeout=benchmark.timeout_s, cwd=self.directory,
                                  env={**os.environ, "LC_ALL": "C"})
        except subprocess.TimeoutExpired as expired:
            raise Failed(f"{' '.join(command)}\ntook more than {benchmark.timeout_s} s"
                         ) from expired
        samples = parse(done.stdout, benchmark.name, name, peer)
        if done.returncode < 0 and benchmark.crash_figure:
            crash = signal.Signals(-done.returncode).name
            return [*samples, Sample(benchmark.name, name, peer, benchmark.crash_figure, None,
                                     crash=crash)]
        if done.returncode != 0 or not samples:
            raise Failed(f"{' '.join(command)}\nended with status {done.returncode}\n{done.stderr}")
        return samples

    def rounds(self, benchmark: Benchmark, peers: List[Peer], count: int) -> Iterator[List[Sample]]:
        """The samples of each round."""
        for number in range(count):
            samples: List[Sample] = []
            for case in benchmark.cases:
                for peer in peers:
                    if not peer.does(benchmark.name, case.name):
                        continue
                    say(f"{benchmark.name} round {number + 1}/{count}: {case.name} {peer.name}")
                    samples += self.once(benchmark, case, peer.name)
            yield samples
        say("")


def say(text: str) -> None:
    """Progress, on a terminal only."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
