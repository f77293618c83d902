"""Writing the picture of a fit to a file."""

from __future__ import annotations

import math
import os

from cgcore.data import Dataset
from cgcore.errors import InputError
from cgcore.factor.histogram import Histograms
from cgcore.files import atomic_path
from cgcore.fitting.result import FitResult
from cgcore.physics.space import Displacement, free
from cgcore.report.figures import draw
from cgcore.report.page import page
from cgcore.report.picture import DPI, UNDATED, require_picture
from cgcore.report.style import styled

SUFFIXES = (".png", ".svg", ".pdf", ".html")


def require_plot(path: str | os.PathLike[str]) -> str:
    """As `require_picture`, for a picture or an HTML page."""
    return require_picture(path, SUFFIXES)


def write_plot(
    path: str | os.PathLike[str],
    result: FitResult,
    factor_histograms: Histograms,
    dataset: Dataset | None,
    temperature: float,
    *,
    report: str = "",
    displacement: Displacement = free,
) -> None:
    """Draw a fit to a file, completely or not at all: a picture or, for .html, a self-contained page.

    Arguments:
        path: path of the file; its suffix, one of `SUFFIXES`, determines the format.
        result: the fit.
        factor_histograms: histograms of the fitted data (`Factor.histograms`).
        dataset: frames on which forces are compared; None if only a factor was given.
        temperature: temperature of the Boltzmann inversion [K].
        report: text report of the fit, for the page.
        displacement: displacement function of the fit, in jax-md's convention.

    Raises:
        InputError: the suffix is unknown, the temperature is invalid, matplotlib is not installed, or the file cannot
            be written.
    """
    suffix = require_plot(path)
    if not (math.isfinite(temperature) and temperature > 0):
        raise InputError(f"temperature is {temperature}; give a finite number of kelvin above 0")
    figure = draw(result, factor_histograms, dataset, temperature, displacement=displacement)
    with atomic_path(path) as temporary, styled():
        if suffix == ".html":
            temporary.write_text(page(figure, result, report), encoding="utf-8")
        else:
            figure.savefig(temporary, format=suffix[1:], dpi=DPI, metadata=UNDATED[suffix])
