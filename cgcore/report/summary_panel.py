"""The summary of a fit as a text panel."""

from __future__ import annotations

import textwrap

from cgcore.fitting.result import FitResult
from cgcore.report.style import DARK, GREY, VERMILION, Axes, harmless
from cgcore.report.summary import certificate_lines

MOST = 11
"""Largest number of lines of remarks."""


def draw_summary(ax: Axes, result: FitResult) -> None:
    """Draw the certificate, terms without data, notes and warnings."""
    ax.set_title("Certificate")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    y, step = 0.97, 0.062
    for line in certificate_lines(result):
        ax.text(0.0, y, line.name, transform=ax.transAxes, va="top", color=GREY)
        ax.text(1.0, y, line.value, transform=ax.transAxes, va="top", ha="right", color=DARK)
        y -= step
    y -= 0.4 * step
    remarks = [(f"warning: {w}", VERMILION) for w in result.warnings]
    remarks += [(f"{term}: {why}", DARK) for term, why in result.identifiability.without_data.items()]
    remarks += [(text, GREY) for text in result.identifiability.notes]
    lines = [(part, colour) for text, colour in remarks for part in textwrap.wrap(text, 66, subsequent_indent="   ")]
    if len(lines) > MOST:
        lines = [*lines[: MOST - 1], ("...", GREY)]
    for text, colour in lines:
        ax.text(0.0, y, harmless(text), transform=ax.transAxes, va="top", color=colour, fontsize=8.5)
        y -= 0.82 * step
