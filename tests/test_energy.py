"""Energy and forces of one frame: against NumPy, jax-md, finite differences, symmetries, padding, degenerate
geometry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import (
    ALL_ON,
    TERMS,
    chain,
    declared,
    forces,
    frames,
    np_energies,
    np_forces,
    only,
    prior,
    relative,
    rotation,
    term_energies,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcore.config import default_prior
from cgcore.data import Batch
from cgcore.physics.energy import energy
from cgcore.physics.prior import Prior, Weights
from cgcore.physics.rows import Rows

ONE = np.ones(9, bool)


@pytest.fixture(scope="module")
def given_prior() -> Prior:
    return prior(np.random.default_rng(0))


@pytest.fixture(scope="module")
def R() -> np.ndarray:
    return chain(np.random.default_rng(1), 9)


@pytest.mark.slow
@pytest.mark.parametrize("n_beads", [1, 2, 3, 4, 5, 6, 7, 8])
def test_terms_and_forces_equal_numpy(n_beads: int, given_prior: Prior) -> None:
    R, mask = chain(np.random.default_rng(n_beads), n_beads), np.ones(n_beads, bool)
    expected = np_energies(ALL_ON, given_prior.params, R)
    got = term_energies(ALL_ON, given_prior.params, R, mask)
    assert set(got) == set(TERMS)
    for name, value in got.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-12, atol=1e-13, err_msg=name)
    assert relative(forces(ALL_ON, given_prior.params, R, mask), np_forces(ALL_ON, given_prior.params, R)) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("term", TERMS)
def test_forces_of_each_term_equal_numpy(term: str, given_prior: Prior) -> None:
    """A term that is small beside the others is compared by itself."""
    R, weights = chain(np.random.default_rng(8), 8), only(term)
    F = forces(weights, given_prior.params, R, np.ones(8, bool))
    assert relative(F, np_forces(weights, given_prior.params, R)) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize(("n", "k"), [(0, 0), (10, 4)])
def test_any_number_of_harmonics(n: int, k: int, R: np.ndarray) -> None:
    p = prior(np.random.default_rng(n + k), n, k)
    got, expected = term_energies(ALL_ON, p.params, R, ONE), np_energies(ALL_ON, p.params, R)
    for name, value in expected.items():
        np.testing.assert_allclose(got[name], value, rtol=1e-12, atol=1e-12, err_msg=name)
    assert relative(forces(ALL_ON, p.params, R, ONE), np_forces(ALL_ON, p.params, R)) < 1e-12


@pytest.mark.slow
def test_excluded_volume_is_an_option(given_prior: Prior, R: np.ndarray) -> None:
    off = ALL_ON._replace(excluded_volume=None)
    without = term_energies(off, given_prior.params, R, ONE)
    every = term_energies(ALL_ON, given_prior.params, R, ONE)
    assert set(without) == set(TERMS[:-1])
    for name, value in without.items():
        np.testing.assert_allclose(value, every[name], rtol=1e-14)
    assert every["excluded_volume"] > 0
    total = jax.jit(energy)(given_prior, given_prior.params, R, ONE)
    np.testing.assert_allclose(total, sum(map(float, every.values())), rtol=1e-14)


@pytest.mark.slow
def test_weights_are_factors(given_prior: Prior, R: np.ndarray) -> None:
    got = term_energies(Weights(2.0, 3.0, 5.0, 7.0, 11.0), given_prior.params, R, ONE)
    plain = term_energies(Weights(1.0, 1.0, 1.0, 1.0, 1.0), given_prior.params, R, ONE)
    for name, factor in zip(TERMS, (2, 3, 5, 7, 11), strict=True):
        np.testing.assert_allclose(got[name], factor * plain[name], rtol=1e-15)


@pytest.mark.slow
@pytest.mark.parametrize("term", TERMS)
def test_forces_against_central_differences(term: str, chignolin: Batch) -> None:
    p = prior(np.random.default_rng(5), 10, 2).params | {
        name: v for name, v in default_prior().params.items() if name in ("a", "b", "k_dih", "gamma_dih")
    }
    R, mask, h = chignolin.R[500].astype(np.float64), np.ones(10, bool), 1e-4
    shifts = h * np.eye(R.size).reshape(-1, *R.shape)

    def differences(h_times: float) -> np.ndarray:
        values = [batch_energies(declared(only(term), p), p, R + sign * h_times * shifts, mask) for sign in (1, -1)]
        return np.asarray(values[0] - values[1]).reshape(R.shape) / (2 * h * h_times)

    # Richardson extrapolation from two step sizes is exact to fourth order.
    expected = (4 * differences(1.0) - differences(2.0)) / -3
    assert relative(forces(only(term), p, R, mask), expected) < 1e-6
    assert np.abs(expected).max() > 1e-3


batch_energies = jax.jit(jax.vmap(energy, in_axes=(None, None, 0, None)))


@pytest.fixture(scope="module")
def jax_md_energies() -> dict[str, Callable[..., Any]]:
    """The four terms for which jax-md has functions, computed by these."""
    from jax_md import energy, smap, space
    from jax_md.mm_forcefields.base import compute_dihedral
    from jax_md.quantity import cosine_angle_between_two_vectors

    displacement, _ = space.free()
    distance = space.canonicalize_displacement_or_metric(displacement)
    rows = {kind: Rows(kind).candidates(10, False) for kind in ("bonds", "angles", "dihedrals")}

    def angles(u: Any, v: Any, a: Any, b: Any) -> Any:
        theta = jnp.arccos(jax.vmap(cosine_angle_between_two_vectors)(u, v))
        n = jnp.arange(1, len(a) + 1)[:, None]
        return jnp.sum(a[:, None] * jnp.cos(n * theta[None]) + b[:, None] * jnp.sin(n * theta[None]), axis=0)

    def dihedrals(b1: Any, b2: Any, b3: Any, k: Any, gamma: Any) -> Any:
        phi = jax.vmap(compute_dihedral)(b1, b2, b3)
        n = jnp.arange(1, len(k) + 1)[:, None]
        # jax-md's dihedral is IUPAC's, the negative of cgcore's, so gamma changes sign.
        return jnp.sum(k[:, None] * (1 + jnp.cos(n * phi[None] + gamma[:, None])), axis=0)

    def angle_sum(R: Any, p: dict[str, Any]) -> Any:
        u, v = (R[rows["angles"][:, k]] - R[rows["angles"][:, 1]] for k in (0, 2))
        return jnp.sum(angles(u, v, p["a"], p["b"]))

    def dihedral_sum(R: Any, p: dict[str, Any]) -> Any:
        b1, b2, b3 = (R[rows["dihedrals"][:, k + 1]] - R[rows["dihedrals"][:, k]] for k in range(3))
        return jnp.sum(dihedrals(b1, b2, b3, p["k_dih"], p["gamma_dih"]))

    def pair_sum(R: Any, p: dict[str, Any]) -> Any:
        # smap.pair with a matrix of epsilon counts each pair once; the matrix is zero where j - i < 6.
        far = (np.abs(np.subtract.outer(np.arange(10), np.arange(10))) >= 6).astype(float)
        soft = smap.pair(
            lambda r, epsilon: epsilon * (p["sigma"] / jnp.where(r > 0, r, 1.0)) ** 4, distance, epsilon=far
        )
        return p["epsilon"] * soft(R)

    return {
        # simple_spring is epsilon / alpha |r - length|^alpha: epsilon is cgcore's kr, with its 1/2. It converts what is
        # not a JAX array to float32.
        "bond": lambda R, p: energy.simple_spring_bond(
            displacement, jnp.asarray(rows["bonds"]), length=jnp.asarray(p["r0"]), epsilon=jnp.asarray(p["kr"])
        )(R),
        "angle": angle_sum,
        "dihedral": dihedral_sum,
        "repulsive": pair_sum,
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("term", "tolerance"),
    # jax-md adds 1e-7 to the lengths in an angle and 1e-10 in a dihedral.
    [("bond", 1e-13), ("angle", 3e-6), ("dihedral", 1e-8), ("repulsive", 1e-13)],
)
def test_terms_equal_jax_md(
    term: str, tolerance: float, jax_md_energies: dict[str, Callable[..., Any]], chignolin: Batch
) -> None:
    p, plain = default_prior().params, Weights(1.0, 1.0, 1.0, 1.0)
    for R in chignolin.R[::250].astype(np.float64):
        expected = float(jax_md_energies[term](jnp.asarray(R), p))
        got = float(term_energies(plain, p, R, np.ones(10, bool))[term])
        assert got == pytest.approx(expected, rel=tolerance, abs=tolerance), term


@pytest.mark.slow
def test_rotation_and_translation(chignolin: Batch) -> None:
    rng, p, mask = np.random.default_rng(2), prior(np.random.default_rng(0)).params, np.ones(10, bool)
    for R in chignolin.R[::300].astype(np.float64):
        Q, shift = rotation(rng), rng.normal(scale=10, size=3)
        E, F = term_energies(ALL_ON, p, R, mask), forces(ALL_ON, p, R, mask)
        moved = R @ Q + shift
        for name, value in term_energies(ALL_ON, p, moved, mask).items():
            np.testing.assert_allclose(value, E[name], rtol=1e-12, atol=1e-12, err_msg=name)
        assert relative(forces(ALL_ON, p, moved, mask), np.asarray(F) @ Q) < 1e-12
        # No net force, no net torque.
        scale = np.abs(F).max()
        assert np.abs(np.sum(F, axis=0)).max() < 1e-12 * scale
        assert np.abs(np.cross(R, F).sum(axis=0)).max() < 1e-11 * scale


def test_a_mirror_image_changes_the_dihedral_term_alone(R: np.ndarray, given_prior: Prior) -> None:
    here = term_energies(ALL_ON, given_prior.params, R, ONE)
    mirrored = term_energies(ALL_ON, given_prior.params, R * [1, 1, -1], ONE)
    changed = {name for name in TERMS if abs(float(here[name] - mirrored[name])) > 1e-9}
    assert changed == {"dihedral"}
    back = given_prior.params | {"gamma_dih": -given_prior.params["gamma_dih"]}
    np.testing.assert_allclose(
        term_energies(ALL_ON, back, R * [1, 1, -1], ONE)["dihedral"], here["dihedral"], rtol=1e-12
    )


FILLS = [0.0, np.nan, np.inf, -np.inf, 1e300, -7.5]


@given(
    length=st.integers(1, 8),
    fill=st.sampled_from(FILLS) | st.just("last bead") | st.just("random"),
    seed=st.integers(0, 9),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_padding_does_not_matter(length: int, fill: float | str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = prior(np.random.default_rng(0)).params
    real = chain(rng, length)
    padding = {"last bead": real[-1], "random": rng.normal(scale=3, size=(9 - length, 3))}.get(str(fill), fill)
    R = np.empty((9, 3))
    R[:length], R[length:] = real, padding
    mask = np.arange(9) < length
    expected = np_energies(ALL_ON, p, real)
    for name, value in term_energies(ALL_ON, p, R, mask).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-12, atol=1e-13, err_msg=name)
    F = np.asarray(forces(ALL_ON, p, R, mask))
    assert relative(F[:length], np_forces(ALL_ON, p, real)) < 1e-12
    assert not F[length:].any()


def test_a_term_counts_only_if_all_its_beads_are_real(R: np.ndarray, given_prior: Prior) -> None:
    # Padding at bead 4 leaves two chains of 4 beads, with pairs across the gap.
    mask = np.arange(9) != 4
    p = given_prior.params
    got = term_energies(ALL_ON, p, R, mask)
    parts = [np_energies(ALL_ON, p, half) for half in (R[:4], R[5:])]
    for name in ("bond", "angle", "dihedral"):
        np.testing.assert_allclose(got[name], parts[0][name] + parts[1][name], rtol=1e-12)
    pairs = [(0, 6), (0, 7), (0, 8), (1, 7), (1, 8), (2, 8)]
    far = sum(p["epsilon"] * (p["sigma"] / np.linalg.norm(R[i] - R[j])) ** 4 for i, j in pairs)
    np.testing.assert_allclose(got["repulsive"], far, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("direction", [[1.0, 0, 0], [1.0, 2, 2]])
def test_a_straight_chain_has_zero_angle_and_dihedral_forces(direction: list[float], given_prior: Prior) -> None:
    R = np.arange(9.0)[:, None] * np.array(direction)
    for term in ("angle", "dihedral"):
        F = forces(only(term), given_prior.params, R, ONE)
        np.testing.assert_array_equal(F, np.zeros((9, 3)), err_msg=term)
    assert np.isfinite(forces(ALL_ON, given_prior.params, R, ONE)).all()


@pytest.mark.slow
def test_collinear_beads_in_a_bent_chain(R: np.ndarray, given_prior: Prior) -> None:
    straight, folded, nearly = R.copy(), R.copy(), R.copy()
    straight[3] = 2 * straight[2] - straight[1]  # 180 degrees
    folded[3] = (folded[1] + folded[2]) / 2  # 0 degrees
    nearly[3] = straight[3] + [1e-9, 0, 0]
    for geometry in (straight, folded, nearly):
        for weights in (ALL_ON, *map(only, TERMS)):
            assert np.isfinite(forces(weights, given_prior.params, geometry, ONE)).all()


def test_overlapping_beads_are_not_silent(R: np.ndarray, given_prior: Prior) -> None:
    off = ALL_ON._replace(excluded_volume=None)
    for i, j, weights in [(0, 6, off), (2, 8, off), (0, 2, ALL_ON), (1, 6, ALL_ON)]:
        overlapping = R.copy()
        overlapping[j] = R[i]
        assert not np.isfinite(forces(weights, given_prior.params, overlapping, ONE)).all()
    # Without a term for them, close pairs may coincide.
    overlapping = R.copy()
    overlapping[5] = R[1]
    assert np.isfinite(forces(off, given_prior.params, overlapping, ONE)).all()


@pytest.mark.slow
def test_float32_stays_float32(R: np.ndarray, given_prior: Prior) -> None:
    p = jax.tree.map(np.float32, given_prior.params)
    F = forces(ALL_ON, p, R.astype(np.float32), ONE)
    assert F.dtype == np.float32
    assert relative(F, np_forces(ALL_ON, given_prior.params, R)) < 1e-4
    with jax.enable_x64(False):
        assert jax.eval_shape(energy, given_prior, p, R.astype(np.float32), ONE).dtype == np.float32


@pytest.fixture(scope="module")
def periodic() -> Callable[..., Any]:
    from jax_md import space

    return space.periodic(jnp.array(64.0))[0]


@pytest.mark.slow
def test_a_periodic_box(periodic: Callable[..., Any], R: np.ndarray, given_prior: Prior) -> None:
    p = given_prior.params
    E, F = np_energies(ALL_ON, p, R), np_forces(ALL_ON, p, R)
    # Inside a large box nothing changes, nor when the chain crosses its boundary and is wrapped.
    crossing = np.mod(R - R.mean(axis=0), 64.0)
    assert np.ptp(crossing, axis=0).max() > 50
    for positions in (R, crossing):
        got = term_energies(ALL_ON, p, positions, ONE, displacement=periodic)
        for name in TERMS:
            np.testing.assert_allclose(got[name], E[name], rtol=1e-12, atol=1e-12, err_msg=name)
        assert relative(forces(ALL_ON, p, positions, ONE, displacement=periodic), F) < 1e-12
    # In free space the wrapped chain is torn apart.
    assert term_energies(ALL_ON, p, crossing, ONE)["bond"] > 100 * E["bond"]


def test_parameter_gradients_are_finite_for_any_padding(given_prior: Prior) -> None:
    gradient = jax.jit(jax.grad(energy, argnums=1))
    for fill in FILLS:
        data = frames(np.random.default_rng(0), [1, 2, 5, 9], 9, fill)
        for R, mask in zip(data.R, data.mask, strict=True):
            assert all(np.isfinite(g).all() for g in gradient(given_prior, given_prior.params, R, mask).values())
