"""A simulation as a picture: distributions compared with those of the data, and the number of stable replicas."""

from __future__ import annotations

import numpy as np

from cgcore.report.simulation_text import headline
from cgcore.report.style import BLUE, DARK, GREY, LIGHT, VERMILION, Axes, Figure, harmless, note, styled
from cgcore.simulation.checks import Outcome
from cgcore.simulation.divergence import Observable
from cgcore.simulation.observables import KINDS
from cgcore.simulation.result import SimulationResult

SIZE = (15.0, 7.4)
"""Size of the figure [inches]."""

VISIBLE = 2e-3
"""Densities below this fraction of the highest one are invisible, and do not widen the axis."""

ROOM = 1.32
"""Height of an axis relative to the highest curve, to leave room for text."""

_COLUMNS = 4
_LABELS = {
    "bond": "r [Å]",
    "angle": "θ [degrees]",
    "dihedral": "φ [degrees], minus the IUPAC dihedral",
    "distance": "distance [Å]",
    "contacts": "contacts",
    "radius_of_gyration": "radius of gyration [Å]",
    "end_to_end": "end-to-end distance [Å]",
}


def draw_simulation(result: SimulationResult) -> Figure:
    """All observables and the verdict, as a matplotlib.figure.Figure that is not registered with pyplot.

    Raises:
        InputError: matplotlib is not installed.
    """
    with styled():
        from matplotlib.figure import Figure as NewFigure

        figure = NewFigure(figsize=SIZE)
        figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.12)
        axes = figure.subplots(2, _COLUMNS).ravel()
        _draw_replicas(axes[0], result)
        for ax, (name, kind) in zip(axes[1:], KINDS.items(), strict=True):
            if (observable := result.observables.get(name)) is not None:
                _draw_observable(ax, name, observable)
            else:
                ax.set_title(harmless(kind.title))
                short = result.origin.beads < kind.beads
                note(ax, "the chain is too short" if short else "every replica was lost\nbefore a frame was compared")
        if result.observables:
            handles, labels = axes[1].get_legend_handles_labels()
            figure.legend(handles, labels, loc="upper right", ncols=2, fontsize=11)
        figure.suptitle(harmless(headline(result)), x=0.01, ha="left", fontsize=14,
                        color=DARK if result.whole else VERMILION)  # fmt: skip
    return figure


def _draw_observable(ax: Axes, name: str, found: Observable) -> None:
    ax.set_title(harmless(found.title))
    ax.stairs(found.reference.density, found.edges, fill=True, color=LIGHT)
    ax.stairs(found.reference.density, found.edges, color=GREY, lw=1.3, label="data")
    ax.stairs(found.simulation.density, found.edges, color=BLUE, lw=2, label="simulation")
    for summary, colour in ((found.reference, GREY), (found.simulation, BLUE)):
        if summary.mean is not None and found.edges[0] <= summary.mean <= found.edges[-1]:
            ax.axvline(summary.mean, ymax=1 / ROOM, color=colour, lw=1, ls=":")
    ax.set_xlabel(_LABELS[name])
    ax.set_ylabel(f"density [1/{found.unit.removesuffix('s')}]" if found.unit else "probability")
    top = max(float(found.reference.density.max()), float(found.simulation.density.max()))
    ax.set_ylim(0, ROOM * top)
    ax.set_xlim(*_seen(found, top))
    if name == "dihedral":
        ax.set_xticks(range(-180, 181, 60))
    error = "" if found.divergence_error is None else f" ± {found.divergence_error:.3f}"
    floor = "" if found.divergence_floor is None else f"\nhalves of the data {found.divergence_floor:.3f}"
    ax.text(0.98, 0.97, f"JS divergence {found.divergence:.3f}{error} bit{floor}", transform=ax.transAxes,
            ha="right", va="top", fontsize=8.5, color=DARK)  # fmt: skip


def _seen(found: Observable, top: float) -> tuple[float, float]:
    """The range from the first visible bin to the last, and one more on both sides."""
    (filled,) = np.nonzero(np.maximum(found.reference.density, found.simulation.density) > VISIBLE * top)
    first, last = max(int(filled[0]) - 1, 0), min(int(filled[-1]) + 2, len(found.edges) - 1)
    return float(found.edges[first]), float(found.edges[last])


def _draw_replicas(ax: Axes, result: SimulationResult) -> None:
    """Draw the number of replicas that are not lost against time; angles out of range do not count here."""
    of, end = result.settings.replicas, result.settings.at(result.settings.steps)
    lost = sorted(
        r.time for r in result.replicas if r.status not in (Outcome.WHOLE, Outcome.ANGLE) and r.time is not None
    )
    ax.set_title("Replicas in one piece")
    ax.step([0.0, *lost, end], [of, *(of - k - 1 for k in range(len(lost))), of - len(lost)], where="post",
            color=VERMILION if lost else BLUE, lw=2)  # fmt: skip
    ax.set_xlabel("time [ps]")
    ax.set_ylabel("replicas")
    ax.set_xlim(0, end)
    ax.set_ylim(0, ROOM * of)
    ax.yaxis.get_major_locator().set_params(integer=True)
    counts = {o: sum(r.status == o for r in result.replicas) for o in Outcome}
    words = {
        Outcome.WHOLE: "whole",
        Outcome.NOT_FINITE: "not finite",
        Outcome.BOND: "bond out of range",
        Outcome.OVERLAP: "overlap of beads",
        Outcome.ANGLE: "angles out of range",
    }
    lines = [f"{count} {words[outcome]}" for outcome, count in counts.items() if count]
    if np.isfinite(result.closest_approach):
        lines.append(f"closest approach {result.closest_approach:.2f} Å, |i−j| ≥ 3")
    ax.text(0.98, 0.97, "\n".join(lines), transform=ax.transAxes, ha="right", va="top", fontsize=8.5, color=DARK)
