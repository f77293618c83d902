"""Pictures and texts: what they state is what the result and the raw frames say."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from validation.check import Row, at_most, check, equal
from validation.context import Context
from validation.reports.data import ceiling, evaluated, inspected
from validation.reports.fits import EXACT, SPECIES, Chains, energy, every_term, filled, potential, two_files
from validation.reports.parts import parts
from validation.reports.reading import behind, line, panel, printed, said, texts
from validation.reports.runs import compared, learned, simulated, trained
from validation.reports.texts import curve, report
from validation.tolerances import relative

TEMPERATURE = 290.0
"""Temperature of the Boltzmann inversion [K], which is not that of the fit."""

COMPONENTS = 20_000
"""Number of force components that a picture shows, at most, in whole frames that are evenly spaced."""


@check("reports", needs=("matplotlib",))
def reports(context: Context) -> Iterator[Row]:
    """Pictures and texts of fits, inspections, evaluations, simulations and trainings, read back as numbers."""
    with tempfile.TemporaryDirectory() as name:
        data = two_files(Path(name))
        train, held_out = data.split(0.25)
        prior = every_term().part(["bond", "angle", "repulsive", "kinds"])
        fit = cgcore.fit(train, prior, cgcore.Options(temperature=310.0, blocks=8), validation=held_out)
        fit = replace(fit, curve=curve())
        chains = Chains(train)
        yield from _picture(fit, train, chains)
        yield from report(fit)
        yield from parts(fit, chains)
        yield from inspected(data)
    yield from evaluated()
    yield from ceiling()
    yield from simulated()
    yield from trained()
    yield from learned()
    yield from compared()


def _picture(fit: Any, train: cgcore.Dataset, chains: Chains) -> Iterator[Row]:
    """The picture of a fit to two proteins."""
    from cgcore.report.figures import draw

    figure = draw(fit, fit.factor.histograms, train, TEMPERATURE)
    for name in ("bond", "angle"):
        values, kinds = chains.values(name)
        fitted, initial = ([energy(name, fit.prior, p)] for p in (fit.fitted_params, fit.initial_params))
        ax = panel(figure, name.capitalize())
        if name == "bond":
            errors = _errors(fit, [("bond", 0)])
            yield from potential(name, ax, name, values, TEMPERATURE, [fitted], initial, errors)
            continue
        own = [[*fitted, energy("kinds", fit.prior, fit.fitted_params, k)] for k in range(SPECIES)]
        yield from potential(name, ax, name, values, TEMPERATURE, own)
        for k, both in enumerate(own):
            start = [*initial, energy("kinds", fit.prior, fit.initial_params, k)]
            ax, errors = panel(figure, f"kinds, species {k}"), _errors(fit, [("angle", 0), ("kinds", k)])
            some = values[kinds == k]
            yield from potential(f"species {k}", ax, name, some, TEMPERATURE, [both], start, errors)
    order = [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left").startswith("kinds")]
    most = np.argsort(-np.bincount(chains.values("angle")[1]), kind="stable")
    yield equal("groups, those with the most values first", str(order), str([f"kinds, species {k}" for k in most]))
    yield equal("dihedrals, without a term", len(panel(figure, "Dihedral").lines), 0)
    yield from _repulsion(fit, panel(figure, "Repulsion"), chains)
    yield from _forces(fit, panel(figure, "Predicted"), chains)
    yield from _summary(fit, figure)


def _errors(fit: Any, terms: list[tuple[str, int]]) -> Any:
    return lambda x, zero: fit.errors.potential(terms, x, zero)


def _spaced(chains: Chains) -> np.ndarray:
    frames, beads = len(chains.every), sum(len(R) for R, _, _ in chains.every)
    return np.unique(np.linspace(0, frames - 1, COMPONENTS * frames // (3 * beads)).round().astype(int))


def _repulsion(fit: Any, ax: Any, chains: Chains) -> Iterator[Row]:
    distances = chains.distances(_spaced(chains))
    nearest = float(distances.min())
    grid = np.linspace(nearest, max(15.0, min(np.quantile(distances, 0.98), 4 * nearest)), 400)
    for name, params in (("fitted", fit.fitted_params), ("initial", fit.initial_params)):
        x, shown = line(ax, f"{name}, j")
        yield at_most(f"repulsion, {name}, at", relative(x, grid), EXACT, "relative")
        known = energy("repulsive", fit.prior, params)(grid)
        yield at_most(f"repulsion, {name}", relative(shown, known), EXACT, "relative")
    known = energy("repulsive", fit.prior, fit.fitted_params)(grid)
    yield from filled("repulsion", ax.collections[0], grid, known, fit.errors.potential([("repulsive", 0)], grid))
    edges, heights = behind(ax)
    density, bins = np.histogram(distances, 60, (grid[0], grid[-1]), density=True)
    yield at_most("repulsion, bins", relative(edges, bins), EXACT, "relative")
    yield at_most("repulsion, densities of distances", relative(heights, density), EXACT, "relative")


def _forces(fit: Any, ax: Any, chains: Chains) -> Iterator[Row]:
    rows = _spaced(chains)
    F, P = chains.forces(rows, every_term(), {**every_term().params, **fit.fitted_params, **_silent()})
    yield equal("forces, frames left out", 0 < len(rows) < len(chains.every), True)
    said_of = r"# components, # frames\nRMS error # kcal/mol/Å\ncorrelation #"
    numbers = len(F), len(rows), np.sqrt(np.mean((P - F) ** 2)), np.corrcoef(F, P)[0, 1]
    yield from said("forces, in words", texts(ax), said_of, *numbers)
    cells = ax.collections[0]
    at, counts, limit = np.asarray(cells.get_offsets()), np.asarray(cells.get_array(), float), ax.get_xlim()[1]
    inside = (np.abs(F) < limit) & (np.abs(P) < limit)
    # The outermost cells reach over the edge of the panel; the axis ends beyond the largest 0.05 % of each kind.
    yield at_most("forces, part of the components in no cell", abs(counts.sum() / len(F) - 1), 0.001)
    # A component counts at the centre of its cell, which is less than a cell away.
    for k, (name, known) in enumerate((("reference", F), ("predicted", P))):
        size = np.sqrt(np.sum(counts * at[:, k] ** 2) / counts.sum())
        off = abs(size - np.sqrt(np.mean(known[inside] ** 2)))
        yield at_most(f"forces, size of the {name} ones", off, 2 * limit / 55, "kcal/mol/Å")
    yield at_most("forces, line", float(np.abs(np.subtract(*line(ax, "predicted = reference"))).max()), 0.0)


def _silent() -> dict[str, Any]:
    """Parameters of terms that the fit does not have."""
    return {"k_dih": np.zeros(2), "gamma_dih": np.zeros(2), "epsilon_ex": 0.0, "sigma_ex": 1.0}


def _summary(fit: Any, figure: Any) -> Iterator[Row]:
    """The certificate as text, and the title of the picture."""
    ax, c = panel(figure, "Certificate"), fit.certificate
    words = [one.get_text() for one in ax.texts]
    found = dict(zip(words[::2], words[1::2], strict=False))
    known = {
        "loss": c.loss,
        "unconstrained loss L*": c.optimal_loss,
        "optimal loss, resolved": c.optimal_loss_resolved,
        "optimal loss, every": c.optimal_loss_every_direction,
        "initial loss": c.initial_loss,
        "zero prior loss": c.zero_prior_loss,
        "held-out loss": fit.val_loss,
        "KKT residual": c.kkt_residual,
        "price of constraints": c.price,
        "roughness": fit.roughness,
    }
    for name, value in known.items():
        yield printed(f"certificate, {name}", [found.get(name, "nan")], [value])
    yield printed("certificate, explained", found.get("explained", "nan %").split()[:1], [100 * c.explained])
    title = figure.get_suptitle()
    yield equal("title", title.startswith(f"Prior fit by force matching: converged, {fit.steps} steps, "), True)
