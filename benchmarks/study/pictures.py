"""The two pictures of the study."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.study.methods import INVERSION, SAFE, SAME_TERMS
from benchmarks.study.results import Study
from cgcore.files import atomic_path
from cgcore.report.picture import UNDATED
from cgcore.report.style import BLUE, DARK, GREEN, GREY, LIGHT, VERMILION, Axes, Figure, styled
from cgcore.simulation.observables import KINDS

COLORS = {INVERSION: VERMILION, SAME_TERMS: BLUE, SAFE: GREEN}
PANELS = ("angle", "dihedral", "radius_of_gyration")
MARKERS = "osD^vPX"


def write(folder: Path, study: Study) -> None:
    """Write scores.svg and distributions.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in (("scores.svg", scores), ("distributions.svg", distributions)):
        with atomic_path(folder / name) as temporary, styled():
            draw(study).savefig(temporary, format="svg", metadata=UNDATED[".svg"])


def scores(study: Study) -> Figure:
    """Excess loss, lost replicas and divergences for each method and each protein that was left out."""
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(11, 1.4 + 0.4 * len(study.methods)))
    figure.set_layout_engine("constrained")
    axes = figure.subplots(1, 4, sharey=True)
    for ax, (title, unit) in zip(
        axes,
        (
            ("Loss, against safe", "%"),
            ("Replicas lost", "%; hollow: by angles, too"),
            ("Angles", "divergence [bits]"),
            ("Radius of gyration", "divergence [bits]"),
        ),
        strict=True,
    ):
        ax.set_title(title)
        ax.set_xlabel(unit)
    axes[0].set_yticks(range(len(study.methods)), study.methods)
    axes[0].invert_yaxis()
    safe = {row.protein: row.left_out for row in study.of(SAFE)}
    marks = dict(zip(study.proteins, MARKERS, strict=False))
    for place, method in enumerate(study.methods):
        for row in study.of(method):
            excess = 100 * (row.left_out / safe[row.protein] - 1)
            _mark(axes[0], excess, place, marks[row.protein], row.protein if place == 0 else None)
        for run in study.simulated(method, left_out=True):
            mark = marks[run.protein]
            _mark(axes[1], 100 * run.lost / run.replicas, place, mark, hollow=run.broken < run.lost)
            for ax, name in zip(axes[2:], ("angle", "radius_of_gyration"), strict=True):
                if run.divergence and name in run.divergence:
                    _mark(ax, run.divergence[name], place, mark, hollow=run.lost > 0)
    axes[0].axvline(0, color=GREY, lw=1)
    for ax, name in zip(axes[2:], ("angle", "radius_of_gyration"), strict=True):
        floors = [run.floor[name] for run in study.runs if run.floor]
        if floors:
            ax.axvspan(0, float(np.mean(floors)), color=LIGHT, lw=0)
    figure.legend(loc="outside lower center", ncols=len(study.proteins), title="protein that the prior has not seen")
    return figure


def distributions(study: Study) -> Figure:
    """Reference and simulated distributions of each protein, for priors of three methods that were not fitted to it."""
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(10, 2.1 * len(study.proteins)))
    figure.set_layout_engine("constrained")
    axes = figure.subplots(len(study.proteins), len(PANELS), squeeze=False)
    for row, protein in zip(axes, study.proteins, strict=True):
        for ax, name in zip(row, PANELS, strict=True):
            ax.set_yticks([])
            ax.set_title(f"{protein}: {KINDS[name].title.lower()}", fontsize=9)
            ax.set_xlabel(KINDS[name].unit)
            runs = [run for run in study.runs if run.protein == protein and run.left_out and run.densities]
            for run in runs:
                assert run.densities is not None
                edges, reference, simulation = (np.array(values) for values in run.densities[name])
                if run is runs[0]:
                    ax.stairs(reference, edges, fill=True, color=LIGHT, label="all atoms")
                if run.method in COLORS:
                    ax.stairs(simulation, edges, color=COLORS[run.method], lw=1.4, label=run.method)
            if name != "radius_of_gyration":
                ax.set_xlim(*((60, 180) if name == "angle" else (-180, 180)))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def _mark(ax: Axes, x: float, y: int, marker: str, label: str | None = None, *, hollow: bool = False) -> None:
    """Draw a marker, shifted vertically for each protein so that equal values can be distinguished."""
    shift = 0.12 * (MARKERS.index(marker) - 2)
    ax.plot(x, y + shift, marker, color=DARK, mfc="white" if hollow else DARK, ms=5, label=label)
