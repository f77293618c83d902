"""The picture of the results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.pretraining.results import Results
from benchmarks.pretraining.tables import ALONE
from benchmarks.pretraining.training import MODES, PRIORS
from cgcore.files import atomic_path
from cgcore.report.picture import UNDATED
from cgcore.report.style import BLUE, DARK, GREEN, VERMILION, Axes, Figure, styled

COLORS: Mapping[str, str] = dict(zip(PRIORS, (VERMILION, BLUE, GREEN), strict=True))
MARKERS: Mapping[str, str] = dict(zip(PRIORS, "sDo", strict=True))


def write(path: Path, results: Results) -> None:
    """Write the picture as SVG."""
    with atomic_path(path) as temporary, styled():
        draw(results).savefig(temporary, format="svg", metadata=UNDATED[".svg"])


def draw(results: Results) -> Figure:
    """Held-out loss against steps, with a panel for each mode and a line for each seed, and the lost replicas."""
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(11, 7))
    figure.set_layout_engine("constrained")
    grid = figure.add_gridspec(2, len(MODES), height_ratios=(3, 2))
    first: Axes = None
    for place, mode in enumerate(MODES):
        ax = first = figure.add_subplot(grid[0, place], sharey=first)
        ax.set_title(f"Prior {mode}")
        ax.set_xlabel("training steps")
        _losses(ax, results, mode)
        if place == 0:
            ax.set_ylabel("held-out loss [(kcal/mol/Å)²]")
            ax.set_ylim(_range(results))
    _lost(figure.add_subplot(grid[1, :]), results)
    handles = figure.axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=len(PRIORS) + 1)
    return figure


def _losses(ax: Axes, results: Results, mode: str) -> None:
    labelled = set()
    for one in results.trained:
        if one.mode == mode:
            label = None if one.prior in labelled else one.prior
            labelled.add(one.prior)
            ax.plot(one.steps, one.losses, color=COLORS[one.prior], marker=MARKERS[one.prior], ms=3.5, label=label)
    ax.axhline(results.best_prior, color=DARK, ls="--", lw=1.2, label="best prior, no network")
    ax.set_xlim(0)


def _range(results: Results) -> tuple[float, float]:
    """From the lowest loss to slightly above the best prior; the first steps of bad starts are cut off."""
    low = min(one.lowest for one in results.trained)
    later = [loss for one in results.trained for loss in one.losses[1:] if np.isfinite(loss)]
    high = max(results.best_prior, float(np.percentile(later, 90)))
    return low - 0.05 * (high - low), high + 0.15 * (high - low)


def _lost(ax: Axes, results: Results) -> None:
    ax.set_title("Replicas lost in the simulation (hollow: by angles, too)")
    ax.set_ylabel("% of replicas")
    ax.set_ylim(-6, 106)
    columns = (ALONE, *MODES)
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_xticks(range(len(columns)), [ALONE, *(f"prior {mode}" for mode in MODES)])
    found = [(one.prior, ALONE, one.simulated) for one in results.alone]
    found += [(one.prior, one.mode, one.simulated) for one in results.trained]
    runs = [(prior, mode, run) for prior, mode, run in found if run is not None]
    for number, (prior, mode, run) in enumerate(runs):
        before = sum(other[:2] == (prior, mode) for other in runs[:number])
        x = columns.index(mode) + 0.2 * (PRIORS.index(prior) - 1) + 0.05 * before
        fill = "white" if run.broken < run.lost else COLORS[prior]
        ax.plot(x, 100 * run.lost / run.replicas, MARKERS[prior], color=COLORS[prior], mfc=fill, ms=7, clip_on=False)
