"""The results as Markdown, as docs/PERFORMANCE.md has them: a table per figure, peers down and
cases across, then what was to be reached.

Pure: rows in, text out.
"""

from typing import Dict, List, Optional

from driver.benches import Benchmark
from driver.report import MANY, OURS, Row, judge, ours


def number(value: float) -> str:
    """Three digits, and no exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(row: Row, mine: Optional[float]) -> str:
    if row.median is None:
        return f"crash ({row.crash})"
    text = number(row.median)
    if row.peer == OURS:
        return f"**{text}**"
    return f"{text} ({row.median / mine:.2f})" if mine else text


def figure_lines(table: List[Row], figure: str) -> List[str]:
    rows = [row for row in table if row.figure == figure]
    cases = list(dict.fromkeys(row.case for row in rows))
    lines = [f"| {figure} | {' | '.join(cases)} |", f"| --- |{' ---: |' * len(cases)}"]
    versions: Dict[str, str] = {row.peer: row.version for row in table if row.version}
    for peer in dict.fromkeys(row.peer for row in rows):
        cells = {row.case: cell(row, ours(table, row.case, figure))
                 for row in rows if row.peer == peer}
        name = f"{peer} {versions.get(peer, '')}".strip()
        lines.append(f"| {name} | {' | '.join(cells.get(case, '') for case in cases)} |")
    return [*lines, ""]


def target_lines(benchmark: Benchmark, table: List[Row]) -> List[str]:
    verdicts = judge(benchmark, table)
    if not verdicts:
        return []
    lines = []
    if len(verdicts) > MANY:
        met = sum(verdict.met for verdict in verdicts)
        if met == len(verdicts):
            return [f"All of {met} targets are met.", ""]
        lines += [f"{met} of {len(verdicts)} targets are met; these are not:", ""]
        verdicts = [verdict for verdict in verdicts if not verdict.met]
    lines += ["| to reach | reached | |", "| --- | ---: | --- |"]
    for verdict in verdicts:
        reached = "" if verdict.reached is None else number(verdict.reached)
        lines.append(f"| {verdict.text} | {reached} | {'met' if verdict.met else '**not met**'} |")
    return [*lines, ""]


def section(benchmark: Benchmark, table: List[Row]) -> str:
    lines = [f"### {benchmark.name}: {benchmark.title}", ""]
    for figure in dict.fromkeys(row.figure for row in table):
        lines += figure_lines(table, figure)
    return "\n".join([*lines, *target_lines(benchmark, table)])
