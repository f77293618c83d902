"""The analytic design matrix, compared with autodiff forces and with NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import (
    ALL_ON,
    SPANS,
    TERMS,
    Frames,
    chain,
    declared,
    design_matrix,
    force_matching_loss,
    forces,
    frames,
    np_coordinates,
    np_forces,
    np_matrix,
    only,
    prior,
    relative,
)

from cgcore.data import Batch
from cgcore.physics import energy
from cgcore.physics.coefficients import Layout, to_coefficients
from cgcore.physics.internal import coordinates
from cgcore.physics.prior import Prior, Weights
from cgcore.physics.space import free

_batch_forces = jax.jit(jax.vmap(energy.forces, in_axes=(None, None, 0, 0, None, None)), static_argnums=(0, 5))


def batch_forces(weights: Weights, params: Any, R: np.ndarray, mask: np.ndarray, displacement: Any) -> jax.Array:
    """`energy.forces` of many frames, compiled."""
    return _batch_forces(declared(weights, params), params, R, mask, None, displacement)


def matrix(
    weights: Weights, layout: Layout, R: np.ndarray, lengths: np.ndarray, displacement: Callable[..., Any] = free
) -> np.ndarray:
    """X as (frames, beads, xyz, columns)."""
    return np.transpose(design_matrix(weights, layout, R, lengths, displacement), (3, 2, 1, 0))


def internal_coordinates(R: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
    """The coordinates from which histograms are made, each (rows, frames)."""
    at = jax.jit(coordinates, static_argnums=2)(jnp.asarray(R.T), lengths, free)
    return {name: np.asarray(kind.value) for name, kind in at._asdict().items()}


@pytest.fixture(scope="module")
def given_prior() -> Prior:
    return prior(np.random.default_rng(0))


@pytest.fixture(scope="module")
def padded() -> Frames:
    """Chains of every short length, and padding at the position of a real bead."""
    data = frames(np.random.default_rng(1), [9, 8, 7, 6, 5, 4, 3, 2, 0], 9)
    for R, n in zip(data.R, data.lengths, strict=True):
        R[n:] = R[0]
    return data


@pytest.mark.parametrize("n_beads", [2, 4, 7, 8, *(pytest.param(n, marks=pytest.mark.slow) for n in (3, 5, 6))])
def test_equals_numpy(n_beads: int, given_prior: Prior) -> None:
    layout, c = Layout.of(given_prior), to_coefficients(given_prior.params)
    R = chain(np.random.default_rng(n_beads), n_beads)
    lengths = np.array([n_beads])
    X = matrix(ALL_ON, layout, R[None], lengths)
    expected = np_matrix(ALL_ON, layout, R[None])
    for column, name in enumerate(layout.names):
        assert relative(X[..., column], expected[..., column]) < 1e-12, name
    # The columns of a term are its forces with all other weights 0, see below.
    for term in TERMS:
        F, columns = np_forces(only(term), given_prior.params, R), layout.slices[term]
        forces_of_term = X[0][..., columns] @ c[columns] / getattr(ALL_ON, term)
        assert np.abs(forces_of_term - F).max() <= 1e-12 * max(float(np.abs(F).max()), 1e-300), term


@pytest.mark.parametrize("term", TERMS)
def test_each_term_has_its_columns(term: str, padded: Frames, given_prior: Prior) -> None:
    layout = Layout.of(given_prior)
    X = matrix(only(term), layout, padded.R, padded.lengths)
    touched = set(np.flatnonzero(np.abs(X).max(axis=(0, 1, 2))))
    assert touched == set(range(layout.size)[layout.slices[term]])


@pytest.mark.slow
def test_equals_autodiff_for_every_length(padded: Frames, given_prior: Prior) -> None:
    layout, c = Layout.of(given_prior), to_coefficients(given_prior.params)
    for weights in (ALL_ON, *map(only, TERMS)):
        X = matrix(weights, layout, padded.R, padded.lengths)
        F = np.asarray(batch_forces(weights, given_prior.params, padded.R, padded.mask, free))
        for f, n in enumerate(padded.lengths):
            assert np.abs(X[f] @ c - F[f]).max() <= 1e-12 * np.abs(F[f]).max(), (weights, n)
            assert not X[f, n:].any()
        assert np.isfinite(X).all()


@pytest.mark.parametrize("fill", [0.0, 1e100, -3.0])
def test_padding_does_not_matter(fill: float, given_prior: Prior) -> None:
    lengths = [8, 5, 2, 0]
    plain, other = (frames(np.random.default_rng(2), lengths, 9, fill=f) for f in (5.0, fill))
    layout = Layout.of(given_prior)
    X = [matrix(ALL_ON, layout, d.R, d.lengths) for d in (plain, other)]
    np.testing.assert_array_equal(X[1], X[0])


@pytest.mark.parametrize(("n", "k", "excluded_volume"), [(0, 0, 0.7), (0, 3, None), (10, 2, None)])
def test_any_layout(n: int, k: int, excluded_volume: float | None, chignolin: Batch) -> None:
    weights = ALL_ON._replace(excluded_volume=excluded_volume)
    layout = Layout.of(prior(np.random.default_rng(n + k), n, k, weights))
    R = chignolin.R[::100].astype(np.float64)
    X = matrix(weights, layout, R, np.full(10, 10))
    assert X.shape == (10, 10, 3, layout.size)
    assert relative(X, np_matrix(weights, layout, R)) < 1e-12


def test_internal_coordinates_are_those_of_the_energy(padded: Frames) -> None:
    found = internal_coordinates(padded.R, padded.lengths)
    for f, n in enumerate(padded.lengths[:-1]):
        expected = np_coordinates(padded.R[f, :n])
        for name, span in SPANS.items():
            got = found[name][: max(n - span + 1, 0), f]
            np.testing.assert_allclose(got, expected[name], rtol=1e-12, atol=1e-13, err_msg=name)


def test_histograms_hold_minus_the_iupac_dihedral() -> None:
    R = np.array([[[1.0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1]]]) * 3.8
    found = internal_coordinates(R, np.array([4]))
    assert found["dihedral"][:, 0].tolist() == pytest.approx([-np.pi / 2])
    assert found["angle"][:, 0].tolist() == pytest.approx([np.pi / 2, np.pi / 2])
    assert found["bond"][:, 0].tolist() == pytest.approx([3.8, 3.8, 3.8])


@pytest.mark.slow
@pytest.mark.parametrize("direction", [[1.0, 0, 0], [1.0, 2, 2]])
def test_a_straight_chain_follows_the_same_convention(direction: list[float], given_prior: Prior) -> None:
    layout, c = Layout.of(given_prior), to_coefficients(given_prior.params)
    R = np.arange(9.0)[:, None] * np.array(direction)
    for term in ("angle", "dihedral"):
        X = matrix(only(term), layout, R[None], np.array([9]))
        np.testing.assert_array_equal(X, np.zeros_like(X), err_msg=term)
    X = matrix(ALL_ON, layout, R[None], np.array([9]))
    F = forces(ALL_ON, given_prior.params, R, np.ones(9, bool))
    assert relative(X[0] @ c, F) < 1e-12


def test_overlap_is_not_silent(given_prior: Prior) -> None:
    layout = Layout.of(given_prior)
    R = chain(np.random.default_rng(0), 9)
    for i, j in [(0, 6), (2, 4), (3, 4)]:
        overlapping = R.copy()
        overlapping[j] = R[i]
        assert not np.isfinite(matrix(ALL_ON, layout, overlapping[None], np.array([9]))).all(), (i, j)


@pytest.mark.slow
def test_a_periodic_box(padded: Frames, given_prior: Prior) -> None:
    from jax_md import space

    periodic, _ = space.periodic(jnp.array(64.0))
    layout, c = Layout.of(given_prior), to_coefficients(given_prior.params)
    crossing = np.mod(padded.R - padded.R.mean(axis=1, keepdims=True), 64.0)
    X = matrix(ALL_ON, layout, crossing, padded.lengths, periodic)
    F = np.asarray(batch_forces(ALL_ON, given_prior.params, crossing, padded.mask, periodic))
    for f in range(len(F)):
        assert np.abs(X[f] @ c - F[f]).max() <= 1e-12 * max(np.abs(F[f]).max(), 1e-300)
    assert relative(X, matrix(ALL_ON, layout, padded.R, padded.lengths)) < 1e-12
    # In a small box, images are closer than the length of the chain.
    small, _ = space.periodic(jnp.array([15.0, 16.0, 17.0]))
    R = padded.R[:1]
    F = forces(ALL_ON, given_prior.params, R[0], padded.mask[0], displacement=small)
    assert relative(matrix(ALL_ON, layout, R, padded.lengths[:1], small)[0] @ c, F) < 1e-12
    assert relative(F, np_forces(ALL_ON, given_prior.params, R[0])) > 1e-6


@pytest.mark.slow
def test_loss_is_the_quadratic_form(padded: Frames, given_prior: Prior) -> None:
    layout, c = Layout.of(given_prior), to_coefficients(given_prior.params)
    residual = matrix(ALL_ON, layout, padded.R, padded.lengths) @ c - np.where(padded.mask[..., None], padded.F, 0.0)
    value = force_matching_loss(ALL_ON, given_prior.params, *padded[:3])
    np.testing.assert_allclose(value, np.sum(residual**2) / padded.mask.sum(), rtol=1e-12)


@pytest.mark.slow
def test_float32(padded: Frames, given_prior: Prior) -> None:
    layout = Layout.of(given_prior)
    X = matrix(ALL_ON, layout, padded.R.astype(np.float32), padded.lengths)
    assert X.dtype == np.float32
    assert relative(X, matrix(ALL_ON, layout, padded.R, padded.lengths)) < 1e-4
