"""The inspection of a data set as a picture: sampled coordinates, forces by frame, and whether they are consistent."""

from __future__ import annotations

import textwrap

import numpy as np

from cgcore.factor.histogram import EDGES
from cgcore.inspection import Inspection
from cgcore.judging.units import UNITS
from cgcore.report.style import BLUE, DARK, GREY, LIGHT, ORANGE, VERMILION, Axes, Figure, harmless, note, styled

SIZE = (15.0, 8.2)
"""Size of the figure [inches]."""

MOST_SOURCES, MOST_FINDINGS, WIDTH = 12, 8, 62
"""Largest numbers of sources and findings in the picture, and width of the text; text and record have all."""

_LABELS = {"bond": "r [Å]", "angle": "θ [degrees]", "dihedral": "φ [degrees], minus the IUPAC dihedral"}


def draw_inspection(found: Inspection) -> Figure:
    """The inspection as a matplotlib.figure.Figure that is not registered with pyplot.

    Raises:
        InputError: matplotlib is not installed.
    """
    with styled():
        from matplotlib.figure import Figure as NewFigure

        figure = NewFigure(figsize=SIZE)
        figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.12)
        axes = figure.subplots(2, 3)
        for ax, name in zip(axes[0], EDGES, strict=True):
            _draw_histogram(ax, name, found)
        _draw_forces(axes[1, 0], found)
        _draw_ratios(axes[1, 1], found)
        _draw_findings(axes[1, 2], found)
        wrong = len(found.judgement.wrong)
        verdict = "nothing wrong" if not wrong else f"{wrong} fault{'s' if wrong > 1 else ''}: a fit is refused"
        title = f"{found.path}: {found.frames:,} frames, {found.real_beads:,} beads; {verdict}"
        figure.suptitle(harmless(title), x=0.01, ha="left", fontsize=14, color=VERMILION if wrong else DARK)
    return figure


def _draw_histogram(ax: Axes, name: str, found: Inspection) -> None:
    counts, scale = found.histograms.counts[name], 1.0 if name == "bond" else 180 / np.pi
    ax.set_title(f"{name.capitalize()}s")
    sampled = found.histograms.sampled_range(name)
    if sampled is None:
        note(ax, "the chains are too short")
        return
    ax.stairs(counts, EDGES[name] * scale, fill=True, color=LIGHT)
    ax.stairs(counts, EDGES[name] * scale, color=BLUE)
    low, high = sampled
    ax.set_xlim((low - 0.05 * (high - low)) * scale, (high + 0.05 * (high - low)) * scale)
    ax.set_xlabel(_LABELS[name])
    ax.set_ylabel("values")
    if name == "bond":
        ax.set_yscale("symlog", linthresh=1)  # makes a single outlier visible
        known = found.histograms.known(name, sampled)
        if known is not None and not np.isfinite(known).all():
            ax.text(0.98, 0.97, "bonds beyond 2 to 6 Å\nstand at the ends", transform=ax.transAxes,
                    ha="right", va="top", fontsize=8.5, color=VERMILION)  # fmt: skip


def _draw_forces(ax: Axes, found: Inspection) -> None:
    """Draw the root mean square force of each frame, with frames of findings marked."""
    ax.set_title("Forces, frame by frame")
    start, marked = 0, {}
    for finding in found.judgement.findings:
        marked.setdefault(finding.source, {}).update(dict.fromkeys(finding.frames, finding.severity))
    labels = set()
    for one in found.judgement.sources:
        x = start + np.arange(len(one.force_rms))
        ax.plot(x, one.force_rms, ".", ms=2, color=BLUE, rasterized=True)
        for severity, colour in (("warning", ORANGE), ("wrong", VERMILION)):
            own = {frame for frame, s in marked.get(one.source, {}).items() if s == severity}
            here = np.isin(one.frames, list(own))
            if here.any():
                label = None if severity in labels else severity
                labels.add(severity)
                ax.plot(x[here], one.force_rms[here], "x", ms=5, color=colour, label=label)
        start += len(x)
        if one is not found.judgement.sources[-1]:
            ax.axvline(start - 0.5, color=GREY, lw=0.8, ls=":")
    if labels:
        ax.legend(loc="upper right")
    ax.set_ylim(bottom=0)
    ax.set_xlabel("frame" if len(found.judgement.sources) == 1 else "frame, sources one after the other")
    ax.set_ylabel("root mean square component [kcal/mol/Å]")


def _draw_ratios(ax: Axes, found: Inspection) -> None:
    """Draw kr var(r) / kT of each source on a logarithmic axis, with the values expected for other units."""
    ax.set_title("Equipartition of bonds")
    known = [one for one in found.judgement.sources if one.ratio is not None and one.ratio.value > 0][:MOST_SOURCES]
    if not known:
        note(ax, "forces do not restrain the bonds,\nor there are too few frames to tell")
        return
    for row, one in enumerate(known):
        assert one.ratio is not None
        good = 0.6 < one.ratio.value < 1.7
        low = min(one.ratio.error, 0.99 * one.ratio.value)
        ax.errorbar(one.ratio.value, row, xerr=[[low], [one.ratio.error]], fmt="o", color=BLUE if good else VERMILION)
    ax.axvline(1, color=DARK, lw=1)
    for unit in UNITS:
        ax.axvline(unit.factor, color=GREY, lw=0.8, ls=":")
        ax.text(unit.factor, 1.0, f" {unit.name}", transform=ax.get_xaxis_transform(), rotation=90, va="top",
                ha="right", fontsize=7.5, color=GREY)  # fmt: skip
    ax.set_xscale("log")
    ax.set_xlim(5e-4, 1e2)
    ax.set_yticks(range(len(known)), [harmless(_short(one.source)) for one in known])
    ax.set_ylim(-0.5, len(known) - 0.5)
    ax.set_xlabel("kr var(r) / kT, 1 in kcal/mol/Å; dotted: in other units")


def _draw_findings(ax: Axes, found: Inspection) -> None:
    note(ax, "")
    ax.set_title("Findings")
    if not found.judgement.findings:
        note(ax, "nothing is wrong with these data\nas far as physics can tell")
        return
    y = 1.0
    for finding in found.judgement.findings[:MOST_FINDINGS]:
        lines = textwrap.wrap(f"{finding.severity.value}: {finding}", WIDTH, break_on_hyphens=False)
        colour = VERMILION if finding.severity == "wrong" else DARK
        ax.text(0, y, harmless("\n".join(lines)), transform=ax.transAxes, va="top", fontsize=8, color=colour)
        y -= 0.042 * len(lines) + 0.03
    if len(found.judgement.findings) > MOST_FINDINGS:
        rest = len(found.judgement.findings) - MOST_FINDINGS
        ax.text(0, y, f"and {rest} more", transform=ax.transAxes, va="top", fontsize=8)


def _short(text: str, width: int = 24) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
