"""Potentials of terms of any kind: energies, curves, tables, and forces on whole chains."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import cgcore
from cgcore.export.pieces import pieces_of
from cgcore.export.potentials import Curve
from cgcore.export.potentials import potentials as curves_of
from cgcore.export.tables import angle_table, bond_table, dihedral_table, pair_table
from cgcore.physics.space import free
from cgcore.physics.stiffness import bond_stiffness
from cgcore.simulation.chain_forces import chain_forces
from validation import explicit_terms
from validation.check import Row, at_most, check, equal
from validation.context import Context
from validation.explicit import Array
from validation.geometries import LONG, end_to_end
from validation.term_problems import OWN, OWN_FUNCTIONS, Problem, problems
from validation.tolerances import near, relative

TOLERANCE, STEP = 1e-10, 1e-5
PIECES = 1e-9
"""Tolerance of polynomials that approximate other functions (observed: 1e-12)."""
NOTHING = 1e-4
"""A slope [kcal/mol/Å² or /degree²] that counts as zero: differences of forces are accurate to 1e-10 of it."""
POINTS = {
    "bond": np.linspace(3.6, 3.99, 7),
    "angle": np.linspace(1.43, 2.47, 7),
    "dihedral": np.linspace(-3.0, 3.05, 7),
    "pair": np.linspace(3.6, 15.2, 7),
}
"""Points at which curves are compared [Å or rad], some beyond the knots of splines."""


@check("potentials", quick=True, needs=("scipy",))
def potentials(context: Context) -> Iterator[Row]:
    """Energies, curves, tables and chain forces of any term, and the stiffness of bonds, from formulas in NumPy."""
    data = list(context.datasets.values())[-1].subset(8)
    every = problems(data)
    for problem in every[1:3]:
        yield from _energies(problem)
        yield from _curves(problem)
        yield from _bending(problem)
    yield from _energies(every[4])
    yield from _chains(every[5], every[0])
    yield from _parametrised(context.prior)
    yield from _stiffness(context.prior, every[2].prior)


def _coefficients(prior: cgcore.Prior) -> list[Array]:
    return [np.asarray(prior.params[term.name], float) for term in prior.terms]


def _energies(problem: Problem) -> Iterator[Row]:
    """Energies of two frames; for broken chains one frame has two chains and the other has one."""
    prior, batch, sites = problem.prior, problem.data.join(), problem.data.sites()
    displacement = free if problem.box is None else cgcore.periodic(problem.box)
    found = jax.jit(partial(cgcore.term_energies, prior, prior.params, displacement=displacement))
    for f in range(2):
        R, mask, species = np.asarray(batch.R[f], float), np.asarray(batch.mask[f], bool), np.asarray(batch.species[f])
        n = int(mask.sum())
        along = None if sites is None else np.asarray(sites[f])
        ours, c = found(R, mask, species, sites=along), _coefficients(prior)
        real = np.arange(n) if along is None else along[:n]
        theirs = explicit_terms.energies(R[:n], prior.terms, c, species[:n], real, OWN_FUNCTIONS, problem.box)
        for term, expected in zip(prior.terms, theirs, strict=True):
            name = f"{problem.name}, frame {f}, energy of {term.name}"
            yield at_most(name, abs(float(ours[term.name]) - expected) / max(abs(expected), 1e-3), 1e-9, "relative")


def _curves(problem: Problem) -> Iterator[Row]:
    """The curves that tables, figures and polynomials are made from."""
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
        yield from _tables(f"{problem.name}, {term.name}", term, curve, last)
        if term.basis.kind in ("bspline", "function"):
            off = relative(_piecewise(pieces_of(one), x), energy)
            yield at_most(f"{problem.name}, {term.name}, piece by piece", off, PIECES, "relative")


def _tables(name: str, term: cgcore.Term, curve: Curve, c: Array) -> Iterator[Row]:
    """The numbers in each table of a coordinate, and the slopes of the force at both ends, from which LAMMPS makes a
    cubic spline."""
    made = {
        "bond": (lambda: bond_table("any", curve, 10.0, 3.8, 11),),
        "angle": (lambda: angle_table("any", curve, np.pi),),
        "dihedral": (lambda: dihedral_table("any", curve, np.pi),),
        "pair": (lambda: bond_table("any", curve, 10.0, 3.8, 11), lambda: pair_table("any", curve, 12.0, 11)),
    }[term.coordinate]
    unit = {"angle": np.radians(1.0), "dihedral": -np.radians(1.0)}.get(term.coordinate, 1.0)

    def force(x: Array) -> Array:
        return -unit * term.weight * c @ explicit_terms.derivatives(term.basis, unit * x, OWN)

    for k, make in enumerate(made):
        table, what = make(), "table over r²" if k else "table"
        energy = term.weight * c @ explicit_terms.functions(term.basis, unit * table.x, OWN_FUNCTIONS)
        off = max(relative(table.energy, energy), relative(table.force, force(table.x)))
        yield at_most(f"{name}, {what}", off, TOLERANCE, "relative")
        words = table.parameters.split()
        if term.coordinate != "dihedral":  # which is periodic
            at = words.index("FPRIME" if k else "FP") + 1
            said, ends = np.array(words[at : at + 2], float), table.x[[0, -1]]
            second = (force(ends + STEP) - force(ends - STEP)) / (2 * STEP)
            off = max(abs(a - b) / max(abs(b), NOTHING) for a, b in zip(said, second, strict=True))
            yield at_most(f"{name}, slopes at the ends of a {what}", off, 1e-5, "relative")


def _piecewise(pieces: Any, x: Array) -> Array:
    """The polynomials of the last group at x."""
    if pieces.period is not None:
        x = pieces.edges[0] + np.mod(x - pieces.edges[0], pieces.period)
    k = np.searchsorted(pieces.edges, x, side="right")
    d = x - pieces.starts[k]
    powers = np.arange(pieces.coefficients.shape[-1])
    return np.sum(pieces.coefficients[-1][k] * d[:, None] ** powers, axis=1)


def _bending(problem: Problem) -> Iterator[Row]:
    """The measure of roughness: the mean square curvature over the range of a basis."""
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


def _chains(many: Problem, few: Problem) -> Iterator[Row]:
    """Forces as dynamics computes them, of all terms and on frames without padding.

    There are fewer frames than beads, so that the axes cannot be confused. A long chain has pair terms only, and too
    many separations to process one at a time.
    """
    batch = many.data.join()
    lengths = np.asarray(batch.mask, bool).sum(axis=1)
    n = int(lengths.max())
    which = np.flatnonzero(lengths == n)[:2]
    R, species = np.asarray(batch.R, float)[which, :n], np.asarray(batch.species)[which[0], :n]
    long, kinds = end_to_end(R, LONG), np.resize(species, LONG)
    pairs = few.prior.part(("repulsive", "bells"))  # one without and one with groups
    for name, prior, frames, of in (
        ("many columns", many.prior, R, species),
        ("few columns", few.prior, R, species),
        ("long chain", pairs, long, kinds),
    ):
        layout, c = cgcore.Layout.of(prior), np.concatenate([np.ravel(one) for one in _coefficients(prior)])
        ours = jax.jit(lambda c, R, layout=layout, of=of: chain_forces(layout, c, R, species=of))(c, frames.T)
        for f, frame in enumerate(frames):
            X = explicit_terms.matrix(frame, prior.terms, of, np.arange(len(of)), None, OWN)
            moved = relative(np.asarray(ours)[..., f].T, X @ c)
            yield at_most(f"{name}, forces of the chain {f}", moved, TOLERANCE, "relative")


def _parametrised(prior: cgcore.Prior) -> Iterator[Row]:
    """Parameters made from coefficients give the same energy, up to a constant."""
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
    """The stiffness that limits the time step."""
    expected = prior.weights.bond * float(prior.params["kr"])
    yield near("bond stiffness of a parabola", bond_stiffness(prior, prior.params), expected, TOLERANCE, 1.0)
    (term,) = (term for term in splined.terms if term.name == "bond")
    x = np.linspace(3.0, 5.0, 4001)
    slopes = term.weight * np.asarray(splined.params["bond"]) @ explicit_terms.derivatives(term.basis, x, OWN)
    steepest = float(np.max(np.diff(slopes, axis=-1) / np.diff(x)))
    # cgcore uses another grid.
    yield near("bond stiffness of splines", bond_stiffness(splined, splined.params), steepest, 0.2, 1.0)
