"""Potentials of terms of any kind: energies, curves, forces of whole chains, and splines that are not fitted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import cgcore
from cgcore.export.pieces import pieces_of
from cgcore.export.potentials import potentials as curves_of
from cgcore.export.tables import bond_table
from cgcore.physics.splines import Spline, Splines
from cgcore.physics.stiffness import bond_stiffness
from cgcore.simulation.chain_forces import chain_forces
from validation import explicit, explicit_terms
from validation.check import Row, at_most, check, equal, refuses
from validation.context import Context, four_terms
from validation.explicit import Array
from validation.term_problems import OWN, OWN_FUNCTIONS, Problem, problems
from validation.tolerances import near, relative

TOLERANCE, STEP = 1e-10, 1e-5
PIECES = 1e-9
"""Tolerance for polynomials that approximate other functions (seen: 1e-12)."""
POINTS = {
    "bond": np.linspace(3.6, 3.99, 7),
    "angle": np.linspace(1.43, 2.47, 7),
    "dihedral": np.linspace(-3.0, 3.05, 7),
    "pair": np.linspace(3.6, 15.2, 7),
}
"""Where curves are compared [Å or rad], some beyond the knots of splines."""


@check("potentials", quick=True, needs=("scipy",))
def potentials(context: Context) -> Iterator[Row]:
    """Energies, curves and chain forces of any term, stiffness of bonds, and fixed splines, from formulas in NumPy."""
    data = list(context.datasets.values())[-1].subset(8)
    every = problems(data)
    for problem in every[1:3]:
        yield from _energies(problem)
        yield from _curves(problem)
        yield from _bending(problem)
    yield from _chains(every[5], every[0].prior)
    yield from _parametrised(context.prior)
    yield from _stiffness(context.prior, every[2].prior)
    yield from _splines(context)


def _coefficients(prior: cgcore.Prior) -> list[Array]:
    return [np.asarray(prior.params[term.name], float) for term in prior.terms]


def _energies(problem: Problem) -> Iterator[Row]:
    """Energies of a frame of one chain, and of one with two chains and gaps."""
    prior, batch, sites = problem.prior, problem.data.join(), problem.data.sites()
    assert sites is not None
    found = jax.jit(partial(cgcore.term_energies, prior, prior.params))
    for f in range(2):
        R, mask, species = np.asarray(batch.R[f], float), np.asarray(batch.mask[f], bool), np.asarray(batch.species[f])
        n = int(mask.sum())
        ours = found(R, mask, species, sites=np.asarray(sites[f]))
        c = _coefficients(prior)
        theirs = explicit_terms.energies(R[:n], prior.terms, c, species[:n], np.asarray(sites[f])[:n], OWN_FUNCTIONS)
        for term, expected in zip(prior.terms, theirs, strict=True):
            name = f"{problem.name}, frame {f}, energy of {term.name}"
            yield at_most(name, abs(float(ours[term.name]) - expected) / max(abs(expected), 1e-3), 1e-9, "relative")


def _curves(problem: Problem) -> Iterator[Row]:
    """What tables, pictures and polynomials are made of."""
    for one, c in zip(curves_of(problem.prior), _coefficients(problem.prior), strict=True):
        term, x = one.term, POINTS[one.term.coordinate]
        rows = c.reshape(-1, term.basis.size)
        yield equal(f"{problem.name}, {term.name}, curves", len(one.curves), len(rows))
        w, last = term.weight, rows[-1]

        def slope(x: Array, term: cgcore.Term = term, w: float = w, c: Array = last) -> Array:
            return w * c @ explicit_terms.derivatives(term.basis, x, OWN)

        curve = one.curves[-1]
        energy = w * last @ explicit_terms.functions(term.basis, x, OWN_FUNCTIONS)
        second = (slope(x + STEP) - slope(x - STEP)) / (2 * STEP)
        for what, ours, theirs, tolerance in (
            ("energy", curve.energy(x), energy, TOLERANCE),
            ("slope", curve.slope(x), slope(x), TOLERANCE),
            ("curvature", curve.curvature(x), second, 1e-5),
        ):
            yield at_most(f"{problem.name}, {term.name}, {what}", relative(ours, theirs), tolerance, "relative")
        if term.basis.kind == "power":  # of a table that LAMMPS interpolates by a cubic spline of forces
            table = bond_table("any", curve, 10.0, 3.8, 11)
            said = [float(word) for word in table.parameters.split("FP ")[1].split()]
            ends = table.x[[0, -1]]
            second = (slope(ends + STEP) - slope(ends - STEP)) / (2 * STEP)
            off = float(np.max(np.abs(-np.array(said) / second - 1)))
            yield at_most(f"{problem.name}, {term.name}, slopes at the ends of a table", off, 1e-5, "relative")
        if term.basis.kind in ("bspline", "function"):
            off = relative(_piecewise(pieces_of(one), x), energy)
            yield at_most(f"{problem.name}, {term.name}, piece by piece", off, PIECES, "relative")


def _piecewise(pieces: Any, x: Array) -> Array:
    """The polynomials of the last group at x."""
    if pieces.period is not None:
        x = pieces.edges[0] + np.mod(x - pieces.edges[0], pieces.period)
    k = np.searchsorted(pieces.edges, x, side="right")
    d = x - pieces.starts[k]
    powers = np.arange(pieces.coefficients.shape[-1])
    return np.sum(pieces.coefficients[-1][k] * d[:, None] ** powers, axis=1)


def _bending(problem: Problem) -> Iterator[Row]:
    """What roughness is measured by: the mean square curvature over the range of a basis."""
    rng = np.random.default_rng(5)
    for term in problem.prior.terms:
        basis: Any = term.basis
        match basis.kind:
            case "bspline":
                first, last = basis.knots[0], basis.knots[-1]
            case "gaussian":
                first, last = basis.centres[0] - 3 * basis.width, basis.centres[-1] + 3 * basis.width
            case "fourier":
                first, last = -np.pi, np.pi
            case _:
                continue
        c, steps = rng.normal(size=basis.size), 6000
        x = first + (last - first) * (np.arange(steps) + 0.5) / steps
        h = 1e-3 * (last - first) / steps
        up, down = (c @ explicit_terms.derivatives(basis, x + shift, OWN) for shift in (h, -h))
        expected = float(np.mean(((up - down) / (2 * h)) ** 2))
        found = float(np.sum((basis.bending() @ c) ** 2))
        yield near(f"{problem.name}, {term.name}, mean square curvature", found, expected, 1e-4, 1e-12)


def _chains(problem: Problem, few: cgcore.Prior) -> Iterator[Row]:
    """Forces as dynamics takes them, of all terms together, of frames that are as long as the row: fewer than beads, so
    that the two are not taken for each other."""
    batch = problem.data.join()
    lengths = np.asarray(batch.mask, bool).sum(axis=1)
    n = int(lengths.max())
    which = np.flatnonzero(lengths == n)[:2]
    R, species = np.asarray(batch.R, float)[which, :n], np.asarray(batch.species)[which[0], :n]
    for name, prior in ((problem.name, problem.prior), ("few columns", few)):
        layout, c = cgcore.Layout.of(prior), np.concatenate([np.ravel(one) for one in _coefficients(prior)])
        ours = jax.jit(lambda c, R, layout=layout: chain_forces(layout, c, R, species=species))(c, R.T)
        for f, frame in enumerate(R):
            X = explicit_terms.matrix(frame, prior.terms, species, np.arange(n), None, OWN)
            moved = relative(np.asarray(ours)[..., f].T, X @ c)
            yield at_most(f"{name}, forces of the chain {f}", moved, TOLERANCE, "relative")


def _parametrised(prior: cgcore.Prior) -> Iterator[Row]:
    """The parameters that coefficients are turned into have the same energy, but for a constant."""
    rng = np.random.default_rng(7)
    for term in prior.terms:
        way, x = term.parametrisation, POINTS[term.coordinate]
        assert way is not None
        c = rng.normal(size=term.size) * 5
        expected = c @ explicit_terms.functions(term.basis, x, {})
        given = way.params(c, prior.params)
        found = np.array([float(way.energy(term.basis, jnp.asarray(at), given)) for at in x])
        off = relative(found - found[0], expected - expected[0])
        yield at_most(f"parameters of the {term.name}", off, TOLERANCE, "relative")


def _stiffness(prior: cgcore.Prior, splined: cgcore.Prior) -> Iterator[Row]:
    """What a time step is held against."""
    expected = prior.weights.bond * float(prior.params["kr"])
    yield near("bond stiffness of a parabola", bond_stiffness(prior, prior.params), expected, TOLERANCE, 1.0)
    (term,) = (term for term in splined.terms if term.name == "bond")
    x = np.linspace(3.0, 5.0, 4001)
    slopes = term.weight * np.asarray(splined.params["bond"]) @ explicit_terms.derivatives(term.basis, x, OWN)
    steepest = float(np.max(np.diff(slopes, axis=-1) / np.diff(x)))
    # Looked at on another grid.
    yield near("bond stiffness of splines", bond_stiffness(splined, splined.params), steepest, 0.2, 1.0)


def _splines(context: Context) -> Iterator[Row]:
    """Splines of a file beside coefficients: their curves, and the factor of what they leave."""
    from scipy.interpolate import CubicSpline

    rng, made = np.random.default_rng(2), {}
    for name, knots in {
        "bond": np.linspace(3.4, 4.2, 6),
        "angle": np.linspace(0.0, np.pi, 7),
        "dihedral": np.linspace(-np.pi, np.pi, 7),
    }.items():
        y = rng.normal(size=len(knots)) * 5
        y[-1] = y[0]
        made[name] = CubicSpline(knots, y, bc_type="periodic" if name == "dihedral" else "natural")
    prior = four_terms(context.prior)
    given: dict[str, Any] = {name: Spline(one.x, one.c[::-1].T) for name, one in made.items()}
    splined = replace(prior, splines=Splines(**given))
    for one in curves_of(splined)[:3]:
        name, weight = one.term.name, getattr(prior.weights, one.term.name)
        x = np.linspace(made[name].x[0], made[name].x[-1], 12)[1:-1]
        for order, what in enumerate(("energy", "slope", "curvature")):
            ours = getattr(one.curves[0], what)(x)
            yield at_most(f"spline of {name}, {what}", relative(ours, weight * made[name](x, order)), 1e-9, "relative")
    batch = context.some(8).join()
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    left = F.copy()
    for name, width in (("bond", 2), ("angle", 3), ("dihedral", 4)):
        rows = R.shape[1] - width + 1
        local = np.stack([R[:, k : k + rows] for k in range(width)], axis=2)
        x, gradient = explicit.value_and_gradient(name, local)
        slope = getattr(prior.weights, name) * made[name](x, 1)
        if name == "bond":  # beyond its knots nothing is felt
            slope = np.where((x >= made[name].x[0]) & (x <= made[name].x[-1]), slope, 0.0)
        for k in range(width):
            left[:, k : k + rows] += slope[..., None] * gradient[:, :, k]
    stiffest = prior.weights.bond * float(made["bond"](made["bond"].x, 2).max())
    found = bond_stiffness(splined, splined.params)
    yield near("bond stiffness of a fixed spline", found, stiffest, 1e-9, 1.0)
    fit = cgcore.fit(cgcore.from_arrays(R, F), splined, cgcore.Options(constraints="none", truncation=0.0))
    stiffer = given["angle"]._replace(coefficients=1.01 * given["angle"].coefficients)
    other = replace(prior, splines=Splines(**given | {"angle": stiffer}))
    foreign = refuses(lambda: cgcore.fit(fit.factor, other))
    yield equal("beside splines, a factor of other splines, refused", foreign, True)
    every = explicit.matrix(R, prior.weights, prior.params)[..., -1].ravel()
    c = every @ left.ravel() / (every @ every)
    beads = R.shape[0] * R.shape[1]
    best = float(np.sum((every * c - left.ravel()) ** 2)) / beads
    scale = float(np.sum(left**2)) / beads
    yield near("beside splines, loss without the fitted terms", fit.certificate.zero_prior_loss, scale, 1e-9, scale)
    yield near("beside splines, least loss", fit.train_loss, best, 1e-9, scale)
