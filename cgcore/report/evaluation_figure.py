"""The evaluation of a model's forces as a picture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cgcore.evaluation.result import Errors, Evaluation
from cgcore.report.evaluation_text import headline
from cgcore.report.force_panel import draw_forces
from cgcore.report.style import BLUE, DARK, GREEN, GREY, LIGHT, ORANGE, VERMILION, Axes, Figure, harmless, note, styled

SIZE = (15.5, 9.0)
"""Size of the figure [inches]."""

MOST_PROTEINS = 4
"""Largest number of proteins in the panel of beads: those with the most frames."""

MOST_CODES = 40
"""Largest number of beads for which residues are written below the axis."""

BINS = 60
_COLOURS = (BLUE, VERMILION, GREEN, ORANGE)


def draw_evaluation(found: Evaluation) -> Figure:
    """All panels as a matplotlib.figure.Figure that is not registered with pyplot.

    Raises:
        InputError: matplotlib is not installed.
    """
    with styled():
        from matplotlib.figure import Figure as NewFigure

        figure = NewFigure(figsize=SIZE)
        figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.12)
        cells = figure.add_gridspec(2, 3, width_ratios=(1.1, 1, 1))
        draw_forces(figure, figure.add_subplot(cells[0, 0]), found.sample)
        _draw_terms(figure.add_subplot(cells[0, 1]), found)
        _draw_energies(figure.add_subplot(cells[0, 2]), found)
        _draw_beads(figure.add_subplot(cells[1, :2]), found)
        _draw_types(figure.add_subplot(cells[1, 2]), found.types)
        figure.suptitle(harmless(headline(found)), x=0.01, ha="left", fontsize=14, color=DARK)
    return figure


def _draw_terms(ax: Axes, found: Evaluation) -> None:
    ax.set_title("What each term contributes")
    names, y = list(found.terms), np.arange(len(found.terms))
    if not names:
        return note(ax, "the model has no terms")
    gains = [term.loss_without - found.errors.loss for term in found.terms.values()]
    ax.barh(y - 0.2, [term.force for term in found.terms.values()], 0.38, color=LIGHT, edgecolor=GREY,
            label="mean |F|² of the term alone")  # fmt: skip
    ax.barh(y + 0.2, gains, 0.38, color=[BLUE if gain >= 0 else VERMILION for gain in gains])
    ax.barh([0], [0], color=BLUE, label="loss without it, minus the loss")
    ax.axvline(0, color=GREY, lw=1)
    ax.set_yticks(y, [harmless(name.replace("_", " ")) for name in names])
    ax.invert_yaxis()
    ax.set_xscale("symlog", linthresh=max(found.errors.reference / 1000, 1e-9))
    ax.set_xlabel("[(kcal/mol/Å)²]")
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower right")


def _draw_energies(ax: Axes, found: Evaluation) -> None:
    ax.set_title("Energy over the frames")
    finite = found.energies[np.isfinite(found.energies)]
    if not len(finite):
        return note(ax, "no frame has a finite energy")
    low, high = np.quantile(finite, [0.001, 0.999])
    if high - low <= 0:
        low, high = low - 1, high + 1
    ax.hist(np.clip(finite, low, high), bins=BINS, range=(low, high), color=BLUE, alpha=0.8)
    ax.axvline(found.energy.mean, color=VERMILION, lw=1.4, label=f"mean {found.energy.mean:.2f}")
    ax.axvspan(found.energy.mean - found.energy.deviation, found.energy.mean + found.energy.deviation, color=LIGHT,
               zorder=0, label=f"± {found.energy.deviation:.2f}")  # fmt: skip
    ax.set_xlabel("energy [kcal/mol]")
    ax.set_ylabel("frames")
    ax.legend(loc="upper right")


def _draw_beads(ax: Axes, found: Evaluation) -> None:
    ax.set_title("Error along the chain (pale: size of the reference forces)")
    shown = sorted(found.proteins, key=lambda protein: -protein.frames)[:MOST_PROTEINS]
    for protein, colour in zip(shown, _COLOURS, strict=False):
        numbers = [r.number for r in protein.residues]
        size = [(r.errors.reference / 3) ** 0.5 for r in protein.residues]
        ax.plot(numbers, size, color=colour, alpha=0.3, lw=3)
        ax.plot(
            numbers,
            [r.errors.rmse for r in protein.residues],
            "o-",
            ms=4,
            color=colour,
            label=harmless(protein.name[:24]),
        )
    ax.set_xlabel(
        "bead" + ("" if len(shown) == len(found.proteins) else f" ({len(shown)} of {len(found.proteins)} proteins)")
    )
    ax.set_ylabel("RMSE of a component [kcal/mol/Å]")
    ax.set_ylim(bottom=0)
    if len(shown) == 1 and len(shown[0].residues) <= MOST_CODES:
        ax.set_xticks(
            [r.number for r in shown[0].residues],
            [f"{r.number}\n{r.kind.removeprefix('species ')}" for r in shown[0].residues],
        )
    ax.legend(loc="lower right")


def _draw_types(ax: Axes, types: Mapping[str, Errors]) -> None:
    ax.set_title("Explained by kind of residue")
    if not types:
        return note(ax, "the data name no residues\nand have no species")
    y = np.arange(len(types))
    explained = np.array([errors.explained for errors in types.values()])
    ax.barh(y, 100 * np.nan_to_num(explained), color=[BLUE if part > 0 else VERMILION for part in explained])
    ax.axvline(0, color=GREY, lw=1)
    ax.set_yticks(y, [harmless(name) for name in types])
    ax.invert_yaxis()
    ax.set_xlabel("explained part of the forces' variance [%]")
    ax.grid(axis="y", visible=False)
