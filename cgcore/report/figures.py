"""The picture of a fit."""

from __future__ import annotations

from typing import Any

from cgcore.data import Dataset
from cgcore.factor.histogram import Histograms
from cgcore.fitting.result import FitResult
from cgcore.physics.space import Displacement, free
from cgcore.report.cross_validation_panel import draw_curve
from cgcore.report.force_panel import draw_forces
from cgcore.report.force_sample import force_sample
from cgcore.report.loss_panel import draw_loss
from cgcore.report.potential_panels import draw_group, draw_potential, draw_repulsion
from cgcore.report.singular_values_panel import draw_singular_values
from cgcore.report.style import DARK, VERMILION, Figure, styled
from cgcore.report.summary import headline
from cgcore.report.summary_panel import draw_summary
from cgcore.report.term_curves import both, of_groups

SIZE = (15.5, 14.0)
"""Size of the figure [inches]."""

ROWS = (1.3, 1.0, 1.0)
"""Relative heights of the rows that every fit has."""

COLUMNS, ROW = 4, 3.0
"""Number of columns of small panels (potentials by group, of pairs, of listed rows), and height of a row [inches]."""


def draw(
    result: FitResult,
    factor_histograms: Histograms,
    dataset: Dataset | None,
    temperature: float,
    *,
    displacement: Displacement = free,
) -> Figure:
    """All panels as a matplotlib.figure.Figure that is not registered with pyplot.

    Arguments:
        result: the fit.
        factor_histograms: histograms of the fitted data (`Factor.histograms`).
        dataset: frames on which forces are compared; None if only a factor was given.
        temperature: temperature of the Boltzmann inversion [K].
        displacement: displacement function of the fit, in jax-md's convention.

    Raises:
        InputError: matplotlib is not installed.
    """
    sample = None
    with styled():
        from matplotlib.figure import Figure as NewFigure

        if dataset is not None:
            sample = force_sample(dataset, result.prior, result.fitted_params, displacement)
        small = of_groups(both(result), factor_histograms)
        more = -(-len(small) // COLUMNS)
        width, height = SIZE
        figure = NewFigure(figsize=(width, height + ROW * more))
        figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.12)
        usual = height / sum(ROWS)
        cells = figure.add_gridspec(len(ROWS) + more, 3, height_ratios=(*ROWS, *[ROW / usual] * more))
        for row in range(more):
            line = cells[len(ROWS) + row, :].subgridspec(1, COLUMNS)
            for column, shown in enumerate(small[row * COLUMNS : (row + 1) * COLUMNS]):
                draw_group(figure.add_subplot(line[column]), result, shown, temperature)
        parts = cells[0, 0].subgridspec(2, 1)
        draw_loss(figure.add_subplot(parts[0]), figure.add_subplot(parts[1]), result)
        draw_singular_values(figure.add_subplot(cells[0, 1].subgridspec(1, 1)[0]), result)
        _cross_validation(figure, cells[0, 2], result)
        for column, name in enumerate(("bond", "angle", "dihedral")):
            draw_potential(figure.add_subplot(cells[1, column]), name, result, factor_histograms, temperature)
        draw_repulsion(figure.add_subplot(cells[2, 0]), result, None if sample is None else sample.distances)
        draw_forces(figure, figure.add_subplot(cells[2, 1]), sample)
        draw_summary(figure.add_subplot(cells[2, 2]), result)
        figure.suptitle("Prior fit by force matching: " + headline(result), x=0.01, ha="left", fontsize=14,
                        color=DARK if result.converged else VERMILION)  # fmt: skip
    return figure


def _cross_validation(figure: Figure, cell: Any, result: FitResult) -> None:
    curve = result.curve
    if curve is None or curve.held_out_protein_loss is None:
        top = bottom = figure.add_subplot(cell.subgridspec(1, 1)[0])
    else:
        parts = cell.subgridspec(2, 1, height_ratios=(3, 2))
        top, bottom = figure.add_subplot(parts[0]), figure.add_subplot(parts[1])
    if result.options.coordinates == "physical":
        why = "none: in physical coordinates\nno direction is left at its start"
    else:
        name, value = ("cut-off", result.cutoff) if result.smoothness is None else ("smoothness", result.smoothness)
        said = result.options.truncation if result.smoothness is None else result.options.smoothness
        given = isinstance(said, int | float)
        why = f"none: the {name} was given\n({value:g})" if given else f"none: too few blocks;\nthe {name} is {value:g}"
    draw_curve(top, bottom, curve, why)
