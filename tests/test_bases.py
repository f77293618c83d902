"""Bases against SciPy, closed forms and quadrature; NumPy against JAX; refusals and their messages."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.interpolate import BSpline as SciPySpline

from cgcore import InputError
from cgcore.physics.bases import (
    Basis,
    BSpline,
    DebyeHueckel,
    Fourier,
    Function,
    Gaussian,
    Harmonic,
    Power,
    basis_from_dict,
)
from validation.explicit_terms import splines
from validation.term_problems import OWN, damped_sine

EXACT = 1e-12
"""Relative tolerance of sums of a few float64 products."""

UNEVEN = (2.0, 2.7, 3.1, 4.4, 5.0, 7.3)
TURN = (-np.pi, -2.0, -1.1, 0.3, 1.0, 2.2, np.pi)

SPLINES = [
    BSpline(TURN if ends == "periodic" else UNEVEN, degree, ends)  # type: ignore[arg-type]
    for degree in (2, 3, 5)
    for ends in ("open", "cutoff", "periodic")
]
BASES: list[Basis] = [
    Harmonic(),
    Fourier(3),
    Power(4),
    Power(4.5),
    DebyeHueckel(7.0),
    Gaussian((2.5, 4.0, 6.0), 0.8),
    Function("damped sine", 2, damped_sine),
    *SPLINES,
]
X = np.sort(np.concatenate([np.random.default_rng(0).uniform(2.0, 7.3, 40), UNEVEN]))


def named(basis: Basis) -> str:
    return f"{basis.kind} {getattr(basis, 'ends', '')} {getattr(basis, 'degree', '')}".strip()


def derivatives(basis: Basis, x: Any) -> np.ndarray:
    """Derivatives computed with NumPy if the basis supports it, otherwise compiled, since single operations take a
    second."""
    return np.asarray(jax.jit(basis.derivatives)(x) if basis.kind == "function" else basis.derivatives(np.asarray(x)))


CLOSED: list[tuple[Basis, Any, Any]] = [
    (Harmonic(), lambda x: [x**2 / 2, -x], lambda x: [x, -1 + 0 * x]),
    (
        Fourier(2),
        lambda x: [np.cos(x), np.cos(2 * x), np.sin(x), np.sin(2 * x)],
        lambda x: [-np.sin(x), -2 * np.sin(2 * x), np.cos(x), 2 * np.cos(2 * x)],
    ),
    (Power(4), lambda x: [1 / x**4], lambda x: [-4 / x**5]),
    (Power(4.5), lambda x: [x**-4.5], lambda x: [-4.5 * x**-5.5]),
    (DebyeHueckel(7.0), lambda x: [np.exp(-x / 7) / x], lambda x: [-np.exp(-x / 7) * (x + 7) / (7 * x**2)]),
    (
        Gaussian((3.0, 5.0), 0.5),
        lambda x: [np.exp(-2 * (x - 3) ** 2), np.exp(-2 * (x - 5) ** 2)],
        lambda x: [-4 * (x - 3) * np.exp(-2 * (x - 3) ** 2), -4 * (x - 5) * np.exp(-2 * (x - 5) ** 2)],
    ),
    (
        Function("damped sine", 2, damped_sine),
        lambda x: [np.sin(x) / x, np.exp(-x / 3)],
        lambda x: list(OWN["damped sine"](x)),
    ),
]


@pytest.mark.parametrize(("basis", "values", "slopes"), CLOSED, ids=[named(case[0]) for case in CLOSED])
def test_values_and_derivatives_are_the_closed_forms(basis: Basis, values: Any, slopes: Any) -> None:
    np.testing.assert_allclose(basis.functions(X), values(X), rtol=EXACT, atol=EXACT)
    np.testing.assert_allclose(derivatives(basis, X), slopes(X), rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("basis", SPLINES, ids=named)
def test_splines_are_scipys_inside_and_outside_of_the_knots(basis: BSpline) -> None:
    x = np.concatenate([np.linspace(-4.0, 9.0, 200), basis.knots])
    for order, found in enumerate((basis.functions(x), basis.derivatives(x))):
        expected = splines(basis.knots, basis.degree, basis.ends, x, order)
        np.testing.assert_allclose(found, expected, rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("basis", [one for one in SPLINES if one.ends != "periodic"], ids=named)
def test_splines_are_scipys_design_matrix(basis: BSpline) -> None:
    knots = np.concatenate([[UNEVEN[0]] * basis.degree, UNEVEN, [UNEVEN[-1]] * basis.degree])
    every = SciPySpline.design_matrix(X, knots, basis.degree).toarray().T
    np.testing.assert_allclose(every.sum(axis=0), 1.0, rtol=EXACT)  # which is why one function can be left out
    kept = every[:-2] if basis.ends == "cutoff" else every[1:]
    np.testing.assert_allclose(basis.functions(X), kept, rtol=EXACT, atol=EXACT)


@settings(deadline=None, max_examples=60)
@given(
    widths=st.lists(st.floats(1e-3, 10.0), min_size=7, max_size=12),
    first=st.floats(-20.0, 20.0),
    degree=st.integers(2, 5),
    ends=st.sampled_from(("open", "cutoff", "periodic")),
    where=st.lists(st.floats(-1.0, 2.0), min_size=1, max_size=10),
)
def test_any_spline_is_scipys(widths: list[float], first: float, degree: int, ends: Any, where: list[float]) -> None:
    knots = first + np.cumsum([0.0, *widths])
    x = knots[0] + np.array(where) * (knots[-1] - knots[0])
    basis = BSpline(tuple(knots.tolist()), degree, ends)
    # Division by the narrowest interval amplifies the rounding of x.
    steep = degree * np.finfo(float).eps * np.abs([*knots, *x]).max() / min(widths)
    expected = splines(basis.knots, degree, ends, x, 0)
    np.testing.assert_allclose(basis.functions(x), expected, atol=1e3 * steep * (1 + np.abs(expected).max()))
    expected = splines(basis.knots, degree, ends, x, 1)
    if degree > 2:  # the slope of a quadratic spline has kinks at its knots
        np.testing.assert_allclose(basis.derivatives(x), expected, atol=1e3 * steep * (1 + np.abs(expected).max()))


@pytest.mark.parametrize("degree", [2, 3, 4, 5])
def test_a_period_has_one_value_where_rounding_leads_to_its_end(degree: int) -> None:
    """A number too small to be subtracted from the period is mapped to the last knot."""
    basis = BSpline(tuple(np.arange(8.0).tolist()), degree, "periodic")
    for made in (basis.functions, basis.derivatives):
        just_below, there = made(np.array([-1e-38, 7.0 - 1e-15, 0.0])).T[:2], made(np.array([0.0]))[:, 0]
        np.testing.assert_allclose(just_below, [there, there], atol=1e-12)


@pytest.mark.parametrize("basis", BASES, ids=named)
def test_derivatives_are_those_of_the_values(basis: Basis) -> None:
    x = jnp.asarray(X[::3] + 1e-3)  # not at a knot, where JAX takes the derivative of one side
    tangent = jax.jit(lambda x: jax.jvp(basis.functions, (x,), (jnp.ones_like(x),))[1])(x)
    np.testing.assert_allclose(derivatives(basis, x), tangent, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("basis", BASES, ids=named)
def test_numpy_and_jax_agree_for_arrays_of_any_shape(basis: Basis) -> None:
    x = X[:44].reshape(2, 22)
    for made in (basis.functions, basis.derivatives):
        found = jax.jit(made)(jnp.asarray(x))
        assert found.shape == (basis.size, 2, 22)
        np.testing.assert_allclose(found, made(x) if basis.kind != "function" else found, rtol=1e-13, atol=1e-13)
    assert len(basis.names) == len(set(basis.names)) == basis.size


@pytest.mark.parametrize("basis", BASES, ids=named)
def test_strengths_are_slopes_over_distances_and_nothing_at_infinity(basis: Basis) -> None:
    r = X[5::7]
    found = np.asarray(jax.jit(basis.strengths)(jnp.asarray([*(r**2), np.inf])))
    np.testing.assert_allclose(found[:, :-1], -derivatives(basis, r) / r, rtol=1e-11, atol=1e-12)
    assert (found[:, -1] == 0).all()


@pytest.mark.parametrize("basis", BASES, ids=named)
def test_slopes_of_an_angle_need_its_cosine_and_sine_alone(basis: Basis) -> None:
    angle = np.linspace(0.2, 3.0, 9)
    found = jax.jit(basis.slopes)((np.cos(angle), np.sin(angle)))
    np.testing.assert_allclose(found, derivatives(basis, angle), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("basis", BASES, ids=named)
def test_the_slope_of_a_potential_is_the_sum_of_its_functions_slopes(basis: Basis) -> None:
    c = np.random.default_rng(1).normal(size=basis.size)
    np.testing.assert_allclose(basis.slope(X, c), c @ derivatives(basis, X), rtol=1e-10, atol=1e-11)


def test_a_parabolas_slope_is_exact_at_its_rest_value() -> None:
    assert Harmonic().slope(np.array([3.8]), np.array([1e9, 3.8e9]))[0] == 0
    assert Harmonic().slope(np.array([3.8]), np.array([0.0, 2.0]))[0] == -2.0


@pytest.mark.parametrize("basis", [one for one in SPLINES if one.degree == 3], ids=named)
def test_bending_of_splines_is_the_mean_square_of_the_curvature(basis: BSpline) -> None:
    c = np.random.default_rng(2).normal(size=basis.size)

    def squared(x: float) -> float:
        return float((c @ splines(basis.knots, basis.degree, basis.ends, np.array([x]), 2))[0] ** 2)

    first, last = basis.knots[0], basis.knots[-1]
    ends = zip(basis.knots, basis.knots[1:], strict=False)
    whole = sum(quad(squared, a, np.nextafter(b, a), epsabs=1e-12)[0] for a, b in ends)
    assert np.sum((basis.bending() @ c) ** 2) == pytest.approx(whole / (last - first), rel=1e-9)


def test_bending_of_gaussians_and_of_harmonics() -> None:
    bells, c = Gaussian((2.5, 4.0, 6.0), 0.8), np.array([1.0, -0.7, 0.4])

    def curvature(x: float) -> float:
        u = (x - np.array(bells.centres)) / 0.8
        return float(c @ ((u**2 - 1) * np.exp(-(u**2) / 2)) / 0.8**2)

    low, high = 2.5 - 3 * 0.8, 6.0 + 3 * 0.8
    mean = quad(lambda x: curvature(x) ** 2, low, high, epsabs=1e-12)[0] / (high - low)
    assert np.sum((bells.bending() @ c) ** 2) == pytest.approx(mean, rel=1e-9)
    c = np.array([1.0, -2.0, 0.5, 0.3])

    def turning(x: float) -> float:
        return float(c @ [-np.cos(x), -4 * np.cos(2 * x), -np.sin(x), -4 * np.sin(2 * x)])

    mean = quad(lambda x: turning(x) ** 2, -np.pi, np.pi, epsabs=1e-12)[0] / (2 * np.pi)
    assert np.sum((Fourier(2).bending() @ c) ** 2) == pytest.approx(mean, rel=1e-9)


@pytest.mark.parametrize("basis", [Harmonic(), Power(4), DebyeHueckel(7.0), Function("own", 2, damped_sine)], ids=named)
def test_nothing_is_smoothed_where_there_is_no_scale_for_it(basis: Basis) -> None:
    assert basis.bending().shape == (0, basis.size)


@pytest.mark.parametrize("degree", [2, 3, 4, 5])
def test_an_open_spline_goes_on_along_its_tangents(degree: int) -> None:
    basis = BSpline(UNEVEN, degree)
    for end, outside in ((UNEVEN[0], [-5.0, 1.9]), (UNEVEN[-1], [7.4, 100.0])):
        x = np.array(outside)
        value, slope = basis.functions(np.array([end])), basis.derivatives(np.array([end]))
        np.testing.assert_allclose(basis.functions(x), value + slope * (x - end), rtol=EXACT, atol=EXACT)
        np.testing.assert_array_equal(basis.derivatives(x), np.broadcast_to(slope, (basis.size, 2)))


@pytest.mark.parametrize("degree", [2, 3, 4, 5])
def test_a_cutoff_spline_ends_with_its_slope_at_the_last_knot(degree: int) -> None:
    basis, x = BSpline(UNEVEN, degree, "cutoff"), np.array([UNEVEN[-1], 8.0, 1e3])
    assert not basis.functions(x).any()
    assert not basis.derivatives(x).any()
    just_before = np.array([UNEVEN[-1] - 1e-7])
    assert np.abs(basis.derivatives(just_before)).max() < 1e-6
    assert not np.asarray(jax.jit(basis.strengths)(x**2)).any()


@pytest.mark.parametrize("degree", [3, 4, 5])
def test_a_periodic_spline_has_no_jump_where_it_is_closed(degree: int) -> None:
    basis = BSpline(TURN, degree, "periodic")
    there = np.array([np.pi, -np.pi])
    for made in (basis.functions, basis.derivatives):
        np.testing.assert_allclose(*made(there).T, rtol=EXACT, atol=EXACT)
        np.testing.assert_allclose(made(X + 2 * np.pi), made(X), atol=1e-11)
    below, above = np.array([np.pi - 1e-6, np.pi - 2e-6]), np.array([-np.pi + 1e-6, -np.pi + 2e-6])
    curvature = [np.diff(basis.derivatives(x), axis=1)[:, 0] / 1e-6 for x in (below, above)]
    np.testing.assert_allclose(-curvature[0], curvature[1], atol=1e-4)


@pytest.mark.parametrize("basis", BASES, ids=named)
def test_plain_values_come_back(basis: Basis) -> None:
    found = basis_from_dict(json.loads(json.dumps(basis.as_dict())))
    assert found.as_dict() == basis.as_dict()
    assert (found == basis) == (basis.kind != "function")  # no code is stored


def test_functions_from_a_file_hold_no_code() -> None:
    found = basis_from_dict(Function("mine", 2, damped_sine).as_dict())
    with pytest.raises(InputError, match="give them again"):
        found.functions(X)


REFUSED: dict[str, tuple[Any, str]] = {
    "descending knots": (lambda: BSpline((3.0, 2.0)), "increase"),
    "a knot twice": (lambda: BSpline((1.0, 2.0, 2.0)), "increase"),
    "one knot": (lambda: BSpline((1.0,)), "at least two"),
    "a knot that is NaN": (lambda: BSpline((1.0, float("nan"), 2.0)), "increase"),
    "an infinite knot": (lambda: BSpline((1.0, float("inf"))), "increase"),
    "a knot of text": (lambda: BSpline((1.0, "2")), "increase"),  # type: ignore[arg-type]
    "a knot too long for a float": (lambda: BSpline((1.0, 10**400)), "increase"),
    "too many knots": (lambda: BSpline(tuple(np.arange(1001.0).tolist())), "at most 1000"),
    "degree 1": (lambda: BSpline(UNEVEN, 1), "2 to 5"),
    "degree 6": (lambda: BSpline(UNEVEN, 6), "2 to 5"),
    "half a degree": (lambda: BSpline(UNEVEN, 2.5), "2 to 5"),  # type: ignore[arg-type]
    "other ends": (lambda: BSpline(UNEVEN, 3, "loose"), "open, cutoff, periodic"),  # type: ignore[arg-type]
    "a period of few knots": (lambda: BSpline((0.0, 1.0, 2.0, 3.0), 3, "periodic"), "give more"),
    "65 harmonics": (lambda: Fourier(65), "at most 64"),
    "a billion harmonics": (lambda: Fourier(10**9), "at most 64"),
    "-1 harmonics": (lambda: Fourier(-1), "at most 64"),
    "true harmonics": (lambda: Fourier(True), "at most 64"),
    "power 0": (lambda: Power(0), "above 0"),
    "power 25": (lambda: Power(25), "at most 24"),
    "power NaN": (lambda: Power(float("nan")), "above 0"),
    "no screening length": (lambda: DebyeHueckel(0.0), "above 0"),
    "endless screening": (lambda: DebyeHueckel(float("inf")), "above 0"),
    "no centres": (lambda: Gaussian((), 1.0), "at least one"),
    "centres twice": (lambda: Gaussian((1.0, 1.0), 1.0), "increase"),
    "width 0": (lambda: Gaussian((1.0,), 0.0), "above 0"),
    "no title": (lambda: Function("", 2, damped_sine), "title"),
    "no functions": (lambda: Function("x", 0, damped_sine), "count"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    make, word = REFUSED[case]
    with pytest.raises(InputError, match=word):
        make()


@pytest.mark.parametrize(
    "plain",
    [{"basis": "fourier", "harmonics": 2, "colour": 3}, {"basis": "fourier"}, {"basis": "wavelet"}, {}],
    ids=["unknown key", "missing key", "unknown basis", "nothing"],
)
def test_plain_values_of_no_basis(plain: dict[str, Any]) -> None:
    with pytest.raises((TypeError, KeyError)):
        basis_from_dict(plain)


@pytest.mark.parametrize("basis", BASES, ids=named)
def test_float32_stays_float32(basis: Basis) -> None:
    """Whatever types the numbers of the basis were given as."""
    given = {
        name: getattr(basis, name) for name in ("knots", "centres", "width", "length", "n") if hasattr(basis, name)
    }
    wide = {name: tuple(map(np.float64, x)) if isinstance(x, tuple) else np.float64(x) for name, x in given.items()}
    basis = replace(basis, **wide)
    x = jnp.asarray([2.5, 3.5], jnp.float32)
    for function in (basis.functions, basis.derivatives, basis.strengths):
        assert jax.eval_shape(function, x).dtype == jnp.float32
