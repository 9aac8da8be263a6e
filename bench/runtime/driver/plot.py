"""Draws a benchmark: a panel per case and figure, a bar per peer, from the lowest to the highest.
Where that would be very many panels: one per figure, with a line per peer over the sizes, or with a
bar per case where cases are no sizes.

Needs matplotlib; without it there are no pictures, and that is said once.
"""

import sys
from dataclasses import replace
from functools import partial
from typing import Any, Dict, List, Tuple

from driver.benches import Benchmark
from driver.report import OURS, Row

COLOUR_OURS = "#c2571a"
COLOUR_PEER = "#8fa3ad"
COLOUR_INK = "#2b2f33"
COLOURS = ("#4c6a92", "#6b9e78", "#8b6bb1", "#3fa7a3", "#b0a03c", "#a8557c", "#7a7a7a")
MOST_BARS = 12  # panels
told = False

Panel = Tuple[str, str, List[Row]]


def draw(benchmark: Benchmark, table: List[Row], machine: Dict[str, str], path: str) -> None:
    global told
    try:
        import matplotlib
        matplotlib.use("svg" if path.endswith(".svg") else "agg")
        from matplotlib import pyplot
    except ImportError:
        if not told:
            print("bench: no pictures: python3-matplotlib is not installed", file=sys.stderr)
        told = True
        return
    pyplot.rcParams.update({"font.size": 9, "svg.hashsalt": "cairn", "svg.fonttype": "none",
                            "text.color": COLOUR_INK, "axes.labelcolor": COLOUR_INK,
                            "xtick.color": COLOUR_INK, "ytick.color": COLOUR_INK})
    groups = bar_panels(table)
    if not all(row.case.split("=")[1].isdigit() for row in table) and len(groups) > MOST_BARS:
        groups = case_panels(table)
        height = 1.1 + 0.34 * max(len(group) for _, _, group in groups)
        figure = panels(pyplot, groups, draw_bars, height, 0.7)
    elif len(groups) <= MOST_BARS and not benchmark.lines:
        height = 1.1 + 0.34 * max(len(group) for _, _, group in groups)
        figure = panels(pyplot, groups, draw_bars, height, 0.7)
    else:
        groups = line_panels(table)
        names = sorted({row.peer for row in table} - {OURS})
        colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}
        figure = panels(pyplot, groups, partial(draw_lines, {**colours, OURS: COLOUR_OURS}), 2.9, 1)
        legend(figure)
    figure.suptitle(f"{benchmark.name}  {benchmark.title}", fontsize=12, fontweight="bold", x=0.02,
                    ha="left")
    figure.supxlabel(f"less is better; median, lowest and highest round; {machine['processor']}",
                     fontsize=8)
    if path.endswith(".svg"):
        figure.savefig(path, metadata={"Date": None})
    else:
        figure.savefig(path, dpi=110)
    pyplot.close(figure)


def panels(pyplot: Any, groups: List[Panel], draw_one: Any, height: float, more: float) -> Any:
    columns = 2 if len(groups) in (2, 4) else min(3, len(groups))
    deep = -(-len(groups) // columns)
    figure, grid = pyplot.subplots(deep, columns, squeeze=False, constrained_layout=True,
                                   figsize=(4.2 * columns, height * deep + more))
    for number, axes in enumerate(axes for line in grid for axes in line):
        if number < len(groups):
            draw_one(axes, *groups[number])
            axes.spines[["top", "right"]].set_visible(False)
        else:
            axes.axis("off")
    return figure


def bar_panels(table: List[Row]) -> List[Panel]:
    """Case, figure and their rows, the best first."""
    result = []
    for case, figure in dict.fromkeys((row.case, row.figure) for row in table):
        group = [row for row in table if (row.case, row.figure) == (case, figure)]
        group.sort(key=lambda row: (row.median is None, row.median or 0))
        result.append((case, figure, group))
    return result


def case_panels(table: List[Row]) -> List[Panel]:
    """A panel per figure, where cases are compared: a bar per case, named by it."""
    result: Dict[str, List[Row]] = {}
    for row in table:
        name = row.case.split("=", 1)[1]
        named = replace(row, peer=name if row.peer == OURS else f"{name}: {row.peer}")
        result.setdefault(row.figure, []).append(named)
    return [("", figure, rows) for figure, rows in result.items()]


def draw_bars(axes: Any, case: str, figure: str, group: List[Row]) -> None:
    medians = [row.median or 0 for row in group]
    errors = [[row.median - row.low if row.median is not None else 0 for row in group],
              [row.high - row.median if row.median is not None else 0 for row in group]]
    places = range(len(group))
    axes.barh(places, medians, height=0.68, xerr=errors, ecolor=COLOUR_INK, capsize=2,
              error_kw={"elinewidth": 0.8},
              color=[COLOUR_PEER if row.peer != OURS and (case or ":" in row.peer) else COLOUR_OURS
                     for row in group])
    limit = max([row.high for row in group] + [1e-9]) * 1.28
    for place, row in zip(places, group):
        text = f" {row.median:.3g}" if row.median is not None else f" crash ({row.crash})"
        axes.text(row.high if row.median is not None else 0, place, text, va="center", fontsize=8)
    axes.set_xlim(0, limit)
    axes.set_yticks(list(places), [row.peer for row in group])
    axes.invert_yaxis()
    axes.set_title(case, fontsize=10)
    axes.set_xlabel(figure)
    axes.tick_params(axis="y", length=0)


def line_panels(table: List[Row]) -> List[Panel]:
    """What the cases are about, figure, and their rows; cases are called "dict=1000" here."""
    result: Dict[Tuple[str, str], List[Row]] = {}
    for row in table:
        result.setdefault((row.case.split("=")[0], row.figure), []).append(row)
    return [(about, figure, rows) for (about, figure), rows in result.items()]


def draw_lines(colours: Dict[str, str], axes: Any, about: str, figure: str,
               group: List[Row]) -> None:
    for peer in sorted({row.peer for row in group}, key=lambda peer: (peer == OURS, peer)):
        rows = [row for row in group if row.peer == peer and row.median is not None]
        medians = [row.median or 0 for row in rows]
        errors = [[(row.median or 0) - row.low for row in rows],
                  [row.high - (row.median or 0) for row in rows]]
        axes.errorbar([int(row.case.split("=")[1]) for row in rows], medians, yerr=errors,
                      label=peer, marker="o", markersize=3.5, capsize=2, color=colours[peer],
                      linewidth=2.4 if peer == OURS else 1.2)
    axes.set_xscale("log")
    axes.set_yscale("log")
    from matplotlib.ticker import LogLocator, NullFormatter
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom / 1.4, top * 1.4)
    axes.grid(True, which="major", axis="y", linewidth=0.3)
    axes.set_title(figure if about == "objects" else f"{about}: {figure}", fontsize=10)
    axes.set_xlabel("objects" if about == "objects" else "entries")


def legend(figure: Any) -> None:
    """One for all panels."""
    known: Dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels()):
            known.setdefault(label, handle)
    figure.legend(known.values(), known.keys(), loc="upper right", ncol=len(known), frameon=False)
