"""Each fitted potential over the values that the data hold."""

from __future__ import annotations

import numpy as np

from cgcore.factor.histogram import Histograms
from cgcore.fitting.result import FitResult
from cgcore.physics.constants import BOLTZMANN
from cgcore.physics.prior import Params
from cgcore.report.boltzmann import Sampled, inverted, sampled, weighted
from cgcore.report.style import BLUE, GREY, LIGHT, VERMILION, Axes, note

TITLES = {"bond": "Bond", "angle": "Angle", "dihedral": "Dihedral"}
LABELS = {"bond": "r [Å]", "angle": "θ [degrees]", "dihedral": "φ [degrees], minus the IUPAC dihedral"}
CENTRAL = 0.998
"""Part of the values that decide the zero of energy and its axis: a Fourier series runs wild beyond them."""


def draw_potential(ax: Axes, name: str, result: FitResult, histograms: Histograms, temperature: float) -> None:
    """Fitted, initial and Boltzmann-inverted potential over the histogram of "bond", "angle" or "dihedral".

    Arguments:
        ax: panel.
        name: the term.
        result: the fit.
        histograms: of the data that were fitted.
        temperature: of the Boltzmann inversion [K].
    """
    ax.set_title(TITLES[name])
    values = sampled(histograms, name)
    if values is None:
        outside = histograms.counts[name].sum() > 0
        return note(ax, f"all {name}s are beyond the histogram" if outside else f"no chain is long enough for {name}s")
    to_shown = 1.0 if name == "bond" else 180 / np.pi
    x = np.linspace(values.edges[0], values.edges[-1], 400)
    core = values.central(CENTRAL)
    near = (x >= values.edges[:-1][core][0]) & (x <= values.edges[1:][core][-1])
    fitted, initial = (shifted(name, x, near, result, p) for p in (result.fitted_params, result.initial_params))
    boltzmann = inverted(values, name, temperature)
    ax.plot(x * to_shown, initial, color=GREY, ls="--", lw=1.3, label="initial")
    ax.plot(values.centres * to_shown, boltzmann, color=VERMILION, marker=".", ms=4, lw=0.8,
            label=f"Boltzmann-inverted, {temperature:g} K")  # fmt: skip
    ax.plot(x * to_shown, fitted, color=BLUE, lw=2.2, label="fitted")
    top = 1.08 * max(float(fitted[near].max()), float(np.nanmax(boltzmann)), 3 * BOLTZMANN * temperature)
    ax.set_ylim(-0.03 * top, 1.3 * top)  # room for the legend
    ax.set_xlim(values.edges[0] * to_shown, values.edges[-1] * to_shown)
    if name == "dihedral":
        ax.set_xlim(-180, 180)
        ax.set_xticks(range(-180, 181, 60))
    ax.set_xlabel(LABELS[name])
    ax.set_ylabel(f"{name} energy × weight [kcal/mol]")
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(handles[::-1], labels[::-1], loc="upper center", ncols=3, columnspacing=1, handlelength=1.4)
    _histogram_behind(ax, values, to_shown)


def shifted(name: str, x: np.ndarray, near: np.ndarray, result: FitResult, params: Params) -> np.ndarray:
    """The weighted potential at x [kcal/mol], 0 at its minimum over the part of x that `near` marks."""
    energy = weighted(name, x, result.prior.weights, params)
    return energy - energy[near].min()


def draw_repulsion(ax: Axes, result: FitResult, distances: np.ndarray | None) -> None:
    """Repulsion, and excluded volume where it is on, against distance.

    Arguments:
        ax: panel.
        result: the fit.
        distances: some of the sampled distances with j - i >= 6 [Å]; None where there are no frames.
    """
    ax.set_title("Repulsion")
    empty, weights = result.identifiability.without_data, result.prior.weights
    shown = {"repulsive": "j−i ≥ 6"} | ({"excluded_volume": "j−i 2..5"} if weights.excluded_volume is not None else {})
    shown = {name: label for name, label in shown.items() if name not in empty}
    if not shown:
        return note(ax, f"no repulsion:\n{empty['repulsive']}")
    nearest, farthest = 3.5, 15.0
    if distances is not None and len(distances):
        nearest = min(max(float(distances.min()), 0.5), 12.0)
        farthest = max(farthest, min(float(np.quantile(distances, 0.98)), 4 * nearest))
    x = np.linspace(nearest, farthest, 400)
    for (name, pairs), colour in zip(shown.items(), (BLUE, VERMILION), strict=False):
        fitted, initial = (weighted(name, x, weights, p) for p in (result.fitted_params, result.initial_params))
        ax.plot(x, fitted, color=colour, lw=2.2, label=f"fitted, {pairs}")
        ax.plot(x, initial, color=GREY if name == "repulsive" else colour, ls="--", lw=1.3, label=f"initial, {pairs}")
    ax.axhline(0, color=GREY, lw=0.8)
    ax.set_xlim(x[0], x[-1])
    ax.set_xlabel("r [Å]")
    ax.set_ylabel("pair energy × weight [kcal/mol]")
    ax.legend(loc="best")
    if distances is not None and len(distances):
        counts, edges = np.histogram(distances, bins=60, range=(x[0], x[-1]))
        if counts.sum():
            _histogram_behind(ax, Sampled(edges, counts.astype(np.float64)), 1.0)


def _histogram_behind(ax: Axes, values: Sampled, to_shown: float) -> None:
    behind = ax.twinx()
    behind.stairs(values.density, values.edges * to_shown, fill=True, color=LIGHT)
    behind.set_ylim(0, 1.35 * values.density.max())
    behind.set_axis_off()
    ax.set_zorder(behind.get_zorder() + 1)
    ax.patch.set_visible(False)
