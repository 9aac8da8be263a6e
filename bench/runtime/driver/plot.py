"""Draws a benchmark: a panel per case and figure, a bar per peer, from the lowest to the highest.

Needs matplotlib; without it there are no pictures, and that is said once.
"""

import sys
from typing import Dict, List, Tuple

from driver.benches import Benchmark
from driver.report import OURS, Row

COLOUR_OURS = "#c2571a"
COLOUR_PEER = "#8fa3ad"
COLOUR_INK = "#2b2f33"
told = False


def panels(table: List[Row]) -> List[Tuple[str, str, List[Row]]]:
    """Case, figure and their rows, the best first."""
    result = []
    for case, figure in dict.fromkeys((row.case, row.figure) for row in table):
        group = [row for row in table if (row.case, row.figure) == (case, figure)]
        group.sort(key=lambda row: (row.median is None, row.median or 0))
        result.append((case, figure, group))
    return result


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
    groups = panels(table)
    columns = 2 if len(groups) in (2, 4) else min(3, len(groups))
    deep = -(-len(groups) // columns)
    height = 1.1 + 0.34 * max(len(group) for _, _, group in groups)
    pyplot.rcParams.update({"font.size": 9, "svg.hashsalt": "cairn", "svg.fonttype": "none",
                            "text.color": COLOUR_INK, "axes.labelcolor": COLOUR_INK,
                            "xtick.color": COLOUR_INK, "ytick.color": COLOUR_INK})
    figure, grid = pyplot.subplots(deep, columns, squeeze=False, constrained_layout=True,
                                   figsize=(4.2 * columns, height * deep + 0.7))
    for number, axes in enumerate(axes for line in grid for axes in line):
        if number < len(groups):
            draw_panel(axes, *groups[number])
        else:
            axes.axis("off")
    figure.suptitle(f"{benchmark.name}  {benchmark.title}", fontsize=12, fontweight="bold")
    figure.supxlabel(f"less is better; median, lowest and highest round; {machine['processor']}",
                     fontsize=8)
    if path.endswith(".svg"):
        figure.savefig(path, metadata={"Date": None})
    else:
        figure.savefig(path, dpi=110)
    pyplot.close(figure)


def draw_panel(axes, case: str, figure: str, group: List[Row]) -> None:  # type: ignore
    medians = [row.median or 0 for row in group]
    errors = [[row.median - row.low if row.median is not None else 0 for row in group],
              [row.high - row.median if row.median is not None else 0 for row in group]]
    places = range(len(group))
    axes.barh(places, medians, height=0.68, xerr=errors, ecolor=COLOUR_INK, capsize=2,
              error_kw={"elinewidth": 0.8},
              color=[COLOUR_OURS if row.peer == OURS else COLOUR_PEER for row in group])
    limit = max([row.high for row in group] + [1e-9]) * 1.28
    for place, row in zip(places, group):
        text = f" {row.median:.3g}" if row.median is not None else f" crash ({row.crash})"
        axes.text(row.high if row.median is not None else 0, place, text, va="center", fontsize=8)
    axes.set_xlim(0, limit)
    axes.set_yticks(list(places), [row.peer for row in group])
    axes.invert_yaxis()
    axes.set_title(case, fontsize=10)
    axes.set_xlabel(figure)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
