"""Potentials as numbers: the energy is that of the term, and slope and curvature are its derivatives."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from term_examples import SPECIES, TERMS, even, prior_of_terms

from cgcore.config import default_prior
from cgcore.export.potentials import Potential, Sum, potentials
from cgcore.physics.bases import BSpline, Fourier
from cgcore.physics.energy import spline_energy
from cgcore.physics.prior import Prior, standard_terms
from cgcore.physics.rows import Rows
from cgcore.physics.splines import Spline, Splines, TypedSplines
from cgcore.physics.term import Term

X = {
    "bond": np.linspace(2.5, 6.5, 37),
    "pair": np.linspace(2.5, 15.0, 41),
    "angle": np.linspace(0.11, 3.1, 37),
    "dihedral": np.linspace(-3.1, 3.09, 37),
}


def every() -> dict[str, Potential]:
    return {one.term.name: one for one in potentials(prior_of_terms())}


NAMES = [*(term.name for term in TERMS), "bond", "angle", "dihedral", "repulsive", "excluded_volume"]


@pytest.mark.parametrize("name", NAMES)
def test_energy_and_its_derivatives(name: str) -> None:
    given, one = prior_of_terms(), every()[name]
    x, h = X[one.term.coordinate], 1e-4
    assert len(one.curves) == len(one.labels)
    for group, curve in enumerate(one.curves):
        which = None if one.term.groups is None else group
        # By NumPy, which agrees with JAX (tests/test_bases.py); JAX would need a dozen small programs for each point.
        exact = [float(one.term.energy(at, given.params, which)) for at in x[::9]]
        scale = max(np.max(np.abs(curve.energy(x))), 1e-3)
        np.testing.assert_allclose(curve.energy(x[::9]), one.term.weight * np.array(exact), atol=1e-12 * scale)
        # Five points are exact for the polynomials of splines, except in intervals with a knot.
        U, S = ([f(x + k * h) for k in (-2, -1, 1, 2)] for f in (curve.energy, curve.slope))
        first, second = ((y[0] - 8 * y[1] + 8 * y[2] - y[3]) / (12 * h) for y in (U, S))
        assert np.max(np.abs(first - curve.slope(x))) < 1e-8 * scale / h**0.25
        assert np.max(np.abs(second - curve.curvature(x))) < 1e-6 * max(np.max(np.abs(second)), scale)
        assert curve.energy(x).dtype == curve.slope(x).dtype == curve.curvature(x).dtype == np.float64


def test_float64_also_where_jax_is_not() -> None:
    with jax.enable_x64(False):
        low = {name: [c.energy(X[one.term.coordinate]) for c in one.curves] for name, one in every().items()}
    for name, one in every().items():
        for curve, energy in zip(one.curves, low[name], strict=True):
            np.testing.assert_array_equal(curve.energy(X[one.term.coordinate]), energy)


def test_dihedrals_have_no_jump_at_the_turn() -> None:
    ends = np.array([-np.pi, np.pi])
    terms = (
        Term("turn", Rows("dihedrals"), BSpline(even(-np.pi, np.pi, 9), 3, "periodic")),
        Term("wave", Rows("dihedrals"), Fourier(5)),
    )
    for one in potentials(prior_of_terms(terms)):
        if one.term.coordinate == "dihedral":
            for values in (one.curves[0].energy(ends), one.curves[0].slope(ends)):
                assert values[0] == pytest.approx(values[1], abs=1e-11)


def test_curvature_at_the_ends_of_a_spline_is_that_from_inside() -> None:
    (one,) = (p for p in potentials(prior_of_terms()) if p.term.name == "bond_spline")
    ends, inside = np.array([2.0, 7.0]), np.array([2.0 + 1e-7, 7.0 - 1e-7])
    np.testing.assert_allclose(one.curves[0].curvature(ends), one.curves[0].curvature(inside), rtol=1e-5)


def test_a_sum() -> None:
    given = every()
    x, parts = X["pair"], [given["contact"].curves[0], given["charge"].curves[0]]
    total = Sum(parts)
    np.testing.assert_array_equal(total.slope(x), parts[0].slope(x) + parts[1].slope(x))
    assert total.scale == parts[0].scale
    assert total.diverges
    assert not Sum([]).energy(x).any()


def test_rows_and_their_groups() -> None:
    given = every()
    rows, groups = given["angle_some"].rows(len(SPECIES), SPECIES)
    assert all(SPECIES[row].max() < 2 for row in rows)
    labels = [given["angle_some"].labels[k] for k in groups]
    assert labels == ["-".join(f"species {SPECIES[bead]}" for bead in row) for row in rows]
    assert [len(given[name].rows(len(SPECIES), SPECIES)[0]) for name in ("between", "native")] == [0, 3]
    assert [name for name, one in given.items() if one.needs_species] == [
        "bond_types", "angle_central", "angle_some", "turn", "contact_types", "pair_some", "near", "bend"
    ]  # fmt: skip


def splines(rng: np.random.Generator) -> Splines:
    """Splines for two of three species, with different knots."""
    from scipy.interpolate import CubicSpline

    def of(knots: np.ndarray, periodic: bool = False) -> Spline:
        y = rng.normal(size=len(knots))
        y[-1] = y[0]
        return Spline(knots, CubicSpline(knots, y, bc_type="periodic" if periodic else "clamped").c[::-1].T)

    typed = [of(np.sort(rng.uniform(1.0, 2.9, 8))) for _ in range(3)]
    types = TypedSplines(np.stack([s.knots for s in typed]), np.stack([s.coefficients for s in typed]),
                         np.array([True, False, True]))  # fmt: skip
    turn = of(np.linspace(-np.pi, np.pi, 12), True)
    return Splines(of(np.linspace(3.5, 4.3, 9)), of(np.linspace(1.2, 2.8, 10)), turn, types)


@pytest.mark.slow
def test_splines_of_a_file() -> None:
    base, fixed = default_prior(), splines(np.random.default_rng(0))
    given = Prior(base.weights, base.params, splines=fixed)
    found = {one.term.name: one for one in potentials(given)}
    theta, phi = np.linspace(0.1, 3.1, 50), np.linspace(-3.1, 9.0, 50)
    with jax.enable_x64(True):
        for kind, group in ((0, 1), (1, 0), (2, 2), (-1, 0), (7, 0)):
            of_kind = partial(spline_energy, "angle", fixed, species=jnp.asarray(kind))
            exact, slopes = (jax.vmap(function)(jnp.asarray(theta)) for function in (of_kind, jax.grad(of_kind)))
            np.testing.assert_allclose(
                found["angle"].curves[group].energy(theta), given.weights.angle * np.array(exact), atol=1e-12
            )
            np.testing.assert_allclose(
                found["angle"].curves[group].slope(theta), given.weights.angle * np.array(slopes), atol=1e-11
            )
        turns = jax.vmap(partial(spline_energy, "dihedral", fixed, species=jnp.asarray(0)))(jnp.asarray(phi))
    np.testing.assert_allclose(found["dihedral"].curves[0].energy(phi), given.weights.dihedral * np.array(turns),
                               atol=1e-12)  # fmt: skip
    assert found["angle"].rows(4, np.array([0, 2, 1, 0]))[1].tolist() == [2, 0]
    assert found["angle"].rows(4, None)[1].tolist() == [0, 0]
    assert [one.name for one in standard_terms(given.weights, given.params)] == list(found)
