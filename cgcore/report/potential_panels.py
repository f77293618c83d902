"""Panels of fitted potentials, over histograms of the sampled values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cgcore.constants import BOLTZMANN
from cgcore.export.potentials import Curve
from cgcore.factor.histogram import Histograms
from cgcore.fitting.result import FitResult
from cgcore.physics.parametrisations import StrengthAndLength
from cgcore.report.bands import band, draw_band
from cgcore.report.boltzmann import Sampled, inverted, sampled, weighted
from cgcore.report.style import BLUE, GREY, LIGHT, VERMILION, Axes, harmless, note
from cgcore.report.term_curves import Shown, both, totals

TITLES = {"bond": "Bond", "angle": "Angle", "dihedral": "Dihedral"}
LABELS = {
    "bond": "r [Å]",
    "angle": "θ [degrees]",
    "dihedral": "φ [degrees], minus the IUPAC dihedral",
    "pair": "r [Å]",
}
REPULSIONS = {"repulsive": "j−i ≥ 6", "excluded_volume": "j−i 2..5"}
"""Pair terms that share a panel, and the pairs that they act on."""

INTERVAL = "95 % interval"

CENTRAL = 0.998
"""Central fraction of the values that determines the zero of energy and the axis, since a Fourier series may take
extreme values beyond."""


def draw_potential(ax: Axes, name: str, result: FitResult, histograms: Histograms, temperature: float) -> None:
    """Draw the fitted, initial and Boltzmann-inverted potential over the histogram of "bond", "angle" or "dihedral".

    If groups have potentials of their own, the fitted potentials of all groups are drawn.

    Arguments:
        ax: the panel.
        name: the coordinate.
        result: the fit.
        histograms: histograms of the fitted data.
        temperature: temperature of the Boltzmann inversion [K].
    """
    ax.set_title(TITLES[name])
    values = sampled(histograms, name)
    if values is None:
        outside = histograms.counts[name].sum() > 0
        return note(ax, f"all {name}s are beyond the histogram" if outside else f"no chain is long enough for {name}s")
    curves = totals(both(result), name)
    if not curves:
        return note(ax, f"the prior has no term of all {name}s")
    _draw_over_values(ax, result, name, curves, values, temperature)
    ax.set_ylabel(f"{name} energy × weight [kcal/mol]")


def draw_group(ax: Axes, result: FitResult, shown: Shown, temperature: float) -> None:
    """Draw one potential of a term with groups, listed rows or pairs, over the histogram of its values if known.

    Arguments:
        ax: the panel, a small one.
        result: the fit.
        shown: the potential.
        temperature: temperature of the Boltzmann inversion [K].
    """
    ax.set_title(harmless(shown.title), fontsize=9.5)
    ax.set_ylabel("kcal/mol", fontsize=8.5)
    if shown.values is not None:
        curves = [(shown.fitted, shown.initial)]
        return _draw_over_values(ax, result, shown.coordinate, curves, shown.values, temperature, True)
    to_shown = _to_shown(shown.coordinate)
    x = np.linspace(*shown.ends, 400)
    ax.axhline(0, color=GREY, lw=0.8)
    ax.plot(x * to_shown, shown.initial.energy(x), color=GREY, ls="--", lw=1.3, label="initial")
    energy = shown.fitted.energy(x)
    zero = None if shown.coordinate == "pair" else np.ones(len(x))
    draw_band(ax, x * to_shown, energy, band(result, shown.fitted, x, zero))
    ax.plot(x * to_shown, energy, color=BLUE, lw=2.0, label="fitted")
    ax.set_xlim(x[0] * to_shown, x[-1] * to_shown)
    ax.set_xlabel(LABELS[shown.coordinate], fontsize=8.5)


def _draw_over_values(
    ax: Axes,
    result: FitResult,
    name: str,
    curves: Sequence[tuple[Curve, Curve]],
    values: Sampled,
    temperature: float,
    small: bool = False,
) -> None:
    """Draw curves over the histogram; each is 0 at its minimum over the central values."""
    to_shown = _to_shown(name)
    x = np.linspace(values.edges[0], values.edges[-1], 400)
    core = values.central(CENTRAL)
    near = (x >= values.edges[:-1][core][0]) & (x <= values.edges[1:][core][-1])
    if not near.any():  # there are fewer values than points of the line
        near = np.ones(len(x), bool)
    boltzmann, several = inverted(values, name, temperature), len(curves) > 1
    fitted = [shifted(curve, x, near) for curve, _ in curves]
    if not several:
        ax.plot(x * to_shown, shifted(curves[0][1], x, near), color=GREY, ls="--", lw=1.3, label="initial")
    ax.plot(values.centres * to_shown, boltzmann, color=VERMILION, marker=".", ms=4, lw=0.8,
            label=f"Boltzmann-inverted, {temperature:g} K")  # fmt: skip
    if not several:
        density = np.interp(x, values.centres, values.density)
        draw_band(ax, x * to_shown, fitted[0], band(result, curves[0][0], x, density), None if small else INTERVAL)
    for number, energy in enumerate(fitted):
        label = "fitted, each group" if several else "fitted"
        ax.plot(x * to_shown, energy, color=BLUE, lw=0.8 if several else 2.2, alpha=0.6 if several else 1.0,
                label=label if number == 0 else None)  # fmt: skip
    highest = max(float(energy[near].max()) for energy in fitted)
    top = 1.08 * max(highest, float(np.nanmax(boltzmann)), 3 * BOLTZMANN * temperature)
    ax.set_ylim(-0.03 * top, (1.05 if small else 1.3) * top)  # room for the legend
    ax.set_xlim(values.edges[0] * to_shown, values.edges[-1] * to_shown)
    if name == "dihedral":
        ax.set_xlim(-180, 180)
        ax.set_xticks(range(-180, 181, 60))
    ax.set_xlabel(LABELS[name], fontsize=8.5 if small else None)
    if not small:
        handles, labels = ax.get_legend_handles_labels()
        ax.legend(handles[::-1], labels[::-1], loc="upper center", ncols=2, columnspacing=1, handlelength=1.4)
    _histogram_behind(ax, values, to_shown)


def _to_shown(coordinate: str) -> float:
    return 180 / np.pi if coordinate in ("angle", "dihedral") else 1.0


def shifted(curve: Curve, x: np.ndarray, near: np.ndarray) -> np.ndarray:
    """The potential at x [kcal/mol], shifted to 0 at its minimum over the x marked by `near`."""
    energy = curve.energy(x)
    return energy - energy[near].min()


def draw_repulsion(ax: Axes, result: FitResult, distances: np.ndarray | None) -> None:
    """Draw the repulsion and, if it is on, excluded volume against distance; pair terms with other bases have separate
    panels.

    Arguments:
        ax: the panel.
        result: the fit.
        distances: sampled distances with j - i >= 6 [Å]; None without frames.
    """
    ax.set_title("Repulsion")
    empty = result.identifiability.without_data
    own = {one.name for one in result.prior.terms if isinstance(one.parametrisation, StrengthAndLength)}
    shown = {name: label for name, label in REPULSIONS.items() if name in own and name not in empty}
    if not shown:
        why = next((empty[name] for name in REPULSIONS if name in own and name in empty), "the prior has no such term")
        return note(ax, f"no repulsion:\n{why}")
    nearest, farthest = 3.5, 15.0
    if distances is not None and len(distances):
        nearest = min(max(float(distances.min()), 0.5), 12.0)
        farthest = max(farthest, min(float(np.quantile(distances, 0.98)), 4 * nearest))
    x, every = np.linspace(nearest, farthest, 400), both(result)
    for (name, pairs), colour in zip(shown.items(), (BLUE, VERMILION), strict=False):
        fitted, initial = (weighted(name, x, result.prior, p) for p in (result.fitted_params, result.initial_params))
        own = next(one.fitted.curves[0] for one in every if one.fitted.term.name == name)
        draw_band(ax, x, fitted, band(result, own, x, None), colour=colour)
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
