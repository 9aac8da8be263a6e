"""Judges samples and prints them: medians, ratios to Cairn, the targets, met or by how much not.

Pure: samples in, text and plain data out.  Less is better in every figure.
"""

import statistics
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from driver.benches import Benchmark, Target
from driver.rounds import Sample

OURS = "cairn"
MANY = 16  # targets


@dataclass(frozen=True)
class Row:
    """What one peer reached in one case and figure, over all rounds."""
    case: str
    figure: str
    peer: str
    median: Optional[float]  # None: it crashed
    low: float
    high: float
    crash: str
    version: str


@dataclass(frozen=True)
class Verdict:
    text: str  # what was to be reached, and where
    reached: Optional[float]  # None: not measured
    wanted: float
    met: bool


def rows(samples: List[Sample]) -> List[Row]:
    """A row per case, figure and peer, in the order in which they came."""
    groups: Dict[Tuple[str, str, str], List[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.case, sample.figure, sample.peer), []).append(sample)
    result = []
    for (case, figure, peer), group in groups.items():
        values = [sample.value for sample in group if sample.value is not None]
        crash = next((sample.crash for sample in group if sample.crash), "")
        version = next((sample.version for sample in group if sample.version), "")
        if crash or not values:
            result.append(Row(case, figure, peer, None, 0, 0, crash or "no value", version))
        else:
            result.append(Row(case, figure, peer, statistics.median(values), min(values),
                              max(values), "", version))
    return result


def ours(table: List[Row], case: str, figure: str) -> Optional[float]:
    return next((row.median for row in table
                 if (row.case, row.figure, row.peer) == (case, figure, OURS)), None)


def judge(benchmark: Benchmark, table: List[Row]) -> List[Verdict]:
    """Each target in each case and figure that it speaks of."""
    verdicts: List[Verdict] = []
    keys = list(dict.fromkeys((row.case, row.figure) for row in table if row.peer == OURS))
    for target in benchmark.targets:
        for case, figure in keys:
            if target.cases and case not in target.cases:
                continue
            if target.figures and figure not in target.figures:
                continue
            verdicts += judge_one(target, table, case, figure)
    return verdicts


def judge_one(target: Target, table: List[Row], case: str, figure: str) -> List[Verdict]:
    where = f"{case}, {figure}"
    mine = ours(table, case, figure)
    if target.at_most is not None:
        return [Verdict(f"at most {target.at_most:g} ({where})", mine, target.at_most,
                        mine is not None and mine <= target.at_most)]
    theirs = [row for row in table
              if (row.case, row.figure) == (case, figure) and row.peer in target.peers]
    if target.best_of:
        theirs = sorted((row for row in theirs if row.median), key=lambda row: row.median or 0)[:1]
    verdicts = [judge_peer(target, row, mine) for row in theirs]
    if target.any_of and any(verdict.met for verdict in verdicts):
        return [verdict for verdict in verdicts if verdict.met]
    return verdicts


def judge_peer(target: Target, row: Row, mine: Optional[float]) -> Verdict:
    who = f"{row.peer}, the best" if target.best_of else row.peer
    text = f"{target.times:.3g}x {who}" if target.times >= 1 else (
        f"within {1 / target.times:.3g}x of {who}")
    text += f" ({row.case}, {row.figure})"
    if row.median is None:
        return Verdict(f"{text}: it crashed", None, target.times, mine is not None)
    if not mine:
        return Verdict(text, None, target.times, False)
    return Verdict(text, row.median / mine, target.times, row.median / mine >= target.times)


def table_lines(benchmark: Benchmark, table: List[Row]) -> List[str]:
    lines = [f"{benchmark.name}  {benchmark.title}"]
    for case, figure in dict.fromkeys((row.case, row.figure) for row in table):
        lines += ["", f"  {case}: {figure}",
                  f"  {'':<28}{'median':>10}{'lowest':>10}{'highest':>10}{'/ cairn':>10}"]
        mine = ours(table, case, figure)
        for row in table:
            if (row.case, row.figure) != (case, figure):
                continue
            name = f"{row.peer} {row.version}"[:27]
            if row.median is None:
                lines.append(f"  {name:<28}{'crash: ' + row.crash:>40}")
                continue
            ratio = f"{row.median / mine:>10.2f}" if mine else ""
            lines.append(f"  {name:<28}{row.median:>10.2f}{row.low:>10.2f}{row.high:>10.2f}"
                         + ratio)
    return lines


def verdict_lines(verdicts: List[Verdict]) -> List[str]:
    """A line each; of very many only those that are not met."""
    lines = []
    if len(verdicts) > MANY:
        met = sum(verdict.met for verdict in verdicts)
        lines.append(f"  {met} of {len(verdicts)} are met")
        verdicts = [verdict for verdict in verdicts if not verdict.met]
    for verdict in verdicts:
        word = "met    " if verdict.met else "NOT MET"
        reached = "" if verdict.reached is None else f": {verdict.reached:.3g}"
        short = ""
        if not verdict.met and verdict.reached is not None:
            off = max(verdict.reached / verdict.wanted, verdict.wanted / verdict.reached) - 1
            short = f", off by {off * 100:.0f} %"
        lines.append(f"  {word}  {verdict.text}{reached}{short}")
    return lines


def lines(benchmark: Benchmark, table: List[Row]) -> List[str]:
    """All that is printed of one benchmark."""
    text = table_lines(benchmark, table)
    verdicts = verdict_lines(judge(benchmark, table))
    if verdicts:
        text += ["", "  To be reached (the peer's figure over Cairn's):", *verdicts]
    if benchmark.notes:
        text += ["", f"  {benchmark.notes}"]
    return [*text, ""]


def document(benchmark: Benchmark, table: List[Row], samples: List[Sample]) -> Dict[str, Any]:
    """The same as plain data, with each round's value."""
    return {
        "title": benchmark.title,
        "rows": [{**vars(row), "values": [sample.value for sample in samples if
                                          (sample.case, sample.figure, sample.peer)
                                          == (row.case, row.figure, row.peer)]} for row in table],
        "targets": [vars(verdict) for verdict in judge(benchmark, table)],
    }
