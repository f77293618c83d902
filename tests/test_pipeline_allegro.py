"""Allegro: symmetries, smoothness, locality, padding and derivatives."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import relative
from hypothesis import given, settings
from hypothesis import strategies as st
from network_helpers import (
    N_SPECIES,
    Frame,
    central_differences,
    evaluate,
    force_loss_gradient,
    orders_at_cutoff,
    padded,
    random_frame,
    symmetry_errors,
)

from cgcore.config.networks import AllegroSettings
from cgcore.physics.space import Displacement, free
from cgcore.pipeline.networks.allegro import Allegro
from cgcore.pipeline.networks.equivariant import outputs

# Real networks, which take long to compile; test_pipeline_allegro_formula is the quick alternative.
pytestmark = pytest.mark.slow

CUTOFF = 9.0
FILLS = [0.0, np.nan, np.inf, 1e300, -7.5]


def network(
    num_layers: int = 2, max_edges: int | None = None, displacement: Displacement = free, max_ell: int = 2
) -> Allegro:
    sizes = AllegroSettings(
        max_ell=max_ell, num_layers=num_layers, n_radial_basis=4, embed_n_hidden=(8,), species_embed=4, mlp_n_hidden=16
    )
    return Allegro(sizes, 5.0, CUTOFF, N_SPECIES, displacement, max_edges)


@cache
def params(num_layers: int = 2, dtype: Any = np.float64) -> Any:
    return network(num_layers).init(jax.random.key(num_layers), dtype)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return [random_frame(seed, 10) for seed in range(8)]


def test_layers_keep_only_what_can_still_become_a_scalar() -> None:
    names = [[str(ir) for ir in layer] for layer in outputs(2, 3)]
    # A pseudoscalar, 0o, needs two more products to become a scalar; the last layer produces scalars only.
    assert [set(layer) for layer in names] == [{"0e", "1o", "1e", "2e", "2o"}, {"0e", "1o", "2e"}, {"0e"}]


@pytest.mark.parametrize("max_edges", [None, 90], ids=["every_pair", "listed"])
@pytest.mark.parametrize("symmetry", ["rotation", "reflection", "translation", "permutation"])
def test_symmetries(symmetry: str, max_edges: int | None, frames: list[Frame]) -> None:
    errors = symmetry_errors(network(2, max_edges), params(), symmetry, frames)
    assert max(errors) < 1e-12


def test_three_layers_tell_pseudovectors_from_vectors(frames: list[Frame]) -> None:
    net = network(3, max_ell=1)
    assert "1e" in map(str, outputs(1, 3)[0])
    p = net.init(jax.random.key(0), np.float64)
    for symmetry in ("rotation", "reflection"):
        assert max(symmetry_errors(net, p, symmetry, frames[:2])) < 1e-12


@pytest.mark.parametrize("symmetry", ["rotation", "reflection", "translation", "permutation"])
def test_symmetries_in_float32(symmetry: str) -> None:
    single = [random_frame(seed, 10, np.float32) for seed in range(8)]
    assert max(symmetry_errors(network(), params(dtype=np.float32), symmetry, single)) < 1e-6


def test_the_parameters_choose_the_dtype(frames: list[Frame]) -> None:
    net, double = network(), params()
    assert {leaf.dtype for leaf in jax.tree.leaves(params(dtype=np.float32))} == {np.dtype(np.float32)}
    single = jax.tree.map(lambda leaf: leaf.astype(np.float32), double)
    for frame in frames[:2]:
        E, F = evaluate(net, double, frame)
        E32, F32 = evaluate(net, single, frame)
        assert (E.dtype, E32.dtype, F32.dtype) == (np.float64, np.float32, np.float64)
        assert abs(E32 - E) < 1e-5 * abs(E)
        assert relative(F32, F) < 1e-5


@pytest.mark.parametrize("max_edges", [None, 90], ids=["every_pair", "listed"])
def test_forces_are_minus_the_gradient(max_edges: int | None, frames: list[Frame]) -> None:
    net = network(2, max_edges)
    assert relative(evaluate(net, params(), frames[0])[1], central_differences(net, params(), frames[0])) < 1e-8


def test_smooth_at_the_cutoff() -> None:
    assert orders_at_cutoff(network(), params(), CUTOFF) == pytest.approx((3, 2), abs=0.1)
    assert orders_at_cutoff(network(2, 90), params(), CUTOFF) == pytest.approx((3, 2), abs=0.1)


@given(length=st.integers(1, 10), fill=st.sampled_from(FILLS), seed=st.integers(0, 9))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_padding_does_not_matter(length: int, fill: float, seed: int) -> None:
    real, F = random_frame(seed, length), np.ones((10, 3))
    clean, dirty = padded(real, 10), padded(real, 10, fill, species=10**6)
    for net, p in ((network(), params()), (network(1, 90), params(1))):
        energy, forces = evaluate(net, p, dirty)
        expected_energy, expected_forces = evaluate(net, p, clean)
        np.testing.assert_array_equal(energy, expected_energy)
        np.testing.assert_array_equal(forces, expected_forces)
        assert not forces[length:].any()
        got, expected = (jax.tree.leaves(force_loss_gradient(net, p, f, F)) for f in (dirty, clean))
        for g, e in zip(got, expected, strict=True):
            assert np.isfinite(g).all()
            np.testing.assert_array_equal(g, e)


def test_padding_is_as_good_as_no_beads() -> None:
    real = random_frame(0, 6)
    energy, forces = evaluate(network(1), params(1), real)
    padded_energy, padded_forces = evaluate(network(1), params(1), padded(real, 10))
    np.testing.assert_allclose(padded_energy, energy, rtol=1e-12)
    assert relative(padded_forces[:6], forces) < 1e-12


@pytest.mark.parametrize("max_edges", [None, 90], ids=["every_pair", "listed"])
def test_two_far_copies_have_twice_the_energy(max_edges: int | None) -> None:
    one, net = random_frame(0, 5), network(2, max_edges)
    two = Frame(np.concatenate([one.R, one.R + 100.0]), np.ones(10, bool), np.tile(one.species, 2))
    energy, forces = evaluate(net, params(), padded(one, 10))
    both_energy, both_forces = evaluate(net, params(), two)
    np.testing.assert_allclose(both_energy, 2 * energy, rtol=1e-12)
    assert relative(both_forces, np.tile(forces[:5], (2, 1))) < 1e-11  # 100 Å cost digits of the differences


def test_strictly_local() -> None:
    # A chain in which each bead reaches only the next ones: i and j interact through one centre, for any number of
    # layers.
    R = np.array([[0.7 * CUTOFF * k, 0.3 * (-1) ** k, 0] for k in range(4)])
    frame = padded(Frame(R, np.ones(4, bool), np.arange(4)), 10)

    def forces_without(bead: int) -> np.ndarray:
        return evaluate(network(), params(), frame._replace(mask=frame.mask & (np.arange(10) != bead)))[1]

    every = evaluate(network(), params(), frame)[1]
    assert np.abs(forces_without(2)[0] - every[0]).max() > 1e-6 * np.abs(every).max()
    np.testing.assert_array_equal(forces_without(3)[0], every[0])


def test_a_sum_of_more_than_pairs_that_knows_species() -> None:
    three = padded(random_frame(0, 3)._replace(species=np.array([0, 1, 2])), 10)
    pairs = [three._replace(mask=three.mask & (np.arange(10) != left_out)) for left_out in range(3)]
    energy = evaluate(network(1), params(1), three)[0]
    assert abs(energy - sum(evaluate(network(1), params(1), pair)[0] for pair in pairs)) > 1e-3 * abs(energy)
    other = evaluate(network(1), params(1), three._replace(species=np.roll(three.species[:3], 1).repeat([1, 1, 8])))[0]
    assert abs(other - energy) > 1e-3 * abs(energy)


def _coincident(R: np.ndarray) -> np.ndarray:
    return np.concatenate([R[:5], R[:5]])


def _collinear(R: np.ndarray) -> np.ndarray:
    return np.outer(np.arange(10), [0, 0, 3.0])


def _far_apart(R: np.ndarray) -> np.ndarray:
    return 100 * R


@pytest.mark.parametrize(("num_layers", "max_edges"), [(2, None), (1, 90)], ids=["every_pair", "listed"])
@pytest.mark.parametrize("degenerate", [_coincident, _collinear, _far_apart, np.zeros_like])
def test_degenerate_geometries_stay_finite(
    degenerate: Callable[[np.ndarray], np.ndarray], num_layers: int, max_edges: int | None, frames: list[Frame]
) -> None:
    net, p = network(num_layers, max_edges), params(num_layers)
    frame = frames[0]._replace(R=degenerate(frames[0].R))
    energy, forces = evaluate(net, p, frame)
    assert np.isfinite(energy)
    assert np.isfinite(forces).all()
    assert all(np.isfinite(g).all() for g in jax.tree.leaves(force_loss_gradient(net, p, frame, frames[0].R)))
    if degenerate is _far_apart:
        assert energy == 0
        assert not forces.any()


def test_one_bead() -> None:
    energy, forces = evaluate(network(1), params(1), random_frame(0, 1))
    assert energy == 0
    assert not forces.any()


def test_a_real_bead_that_is_nan_is_not_silent(frames: list[Frame]) -> None:
    R = frames[0].R.copy()
    R[4, 1] = np.nan
    for net in (network(), network(2, 90)):
        energy, forces = evaluate(net, params(), frames[0]._replace(R=R))
        assert np.isnan(energy)
        assert np.isnan(forces).any()


def test_too_few_slots_are_not_silent(frames: list[Frame]) -> None:
    enough = evaluate(network(), params(), frames[0])
    energy, forces = evaluate(network(1, 30), params(1), frames[0])
    assert np.isnan(energy)
    assert np.isnan(forces).any()
    energy, forces = evaluate(network(2, 90), params(), frames[0])
    np.testing.assert_allclose(energy, enough[0], rtol=1e-12)
    assert relative(forces, enough[1]) < 1e-12


def test_gradient_of_the_force_loss_against_differences(frames: list[Frame]) -> None:
    net, frame, p = network(), frames[1], params()
    F = np.random.default_rng(0).normal(size=frame.R.shape)
    gradient = force_loss_gradient(net, p, frame, F)[1]
    rng = np.random.default_rng(1)
    h = 1e-5
    for _ in range(3):
        way = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), p)
        ends = [
            force_loss_gradient(net, jax.tree.map(lambda a, b, s=sign: a + s * h * b, p, way), frame, F)[0]
            for sign in (1, -1)
        ]
        slope = sum(np.vdot(g, w) for g, w in zip(jax.tree.leaves(gradient), jax.tree.leaves(way), strict=True))
        assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(slope, rel=1e-6)
    assert all(np.abs(g).max() > 0 for g in jax.tree.leaves(gradient))


def test_a_periodic_box(frames: list[Frame]) -> None:
    from jax_md import space

    frame, box = frames[0], 40.0
    crossing = frame._replace(R=np.mod(frame.R, box))
    assert np.ptp(crossing.R, axis=0).max() > 30
    boxed = network(1, displacement=space.periodic(jnp.array(box))[0])
    energy, forces = evaluate(network(1), params(1), frame)
    got_energy, got_forces = evaluate(boxed, params(1), crossing)
    np.testing.assert_allclose(got_energy, energy, rtol=1e-12)
    assert relative(got_forces, forces) < 1e-11
    assert abs(evaluate(network(1), params(1), crossing)[0] - energy) > 1e-3 * abs(energy)
    expected, got = (
        jax.tree.leaves(force_loss_gradient(n, params(1), f, np.ones((10, 3))))
        for n, f in ((network(1), frame), (boxed, crossing))
    )
    for g, e in zip(got, expected, strict=True):
        assert relative(g, e) < 1e-10


def test_mapped_over_frames_and_compiled_once(frames: list[Frame]) -> None:
    net, traces = network(1), []

    def energy(p: Any, *frame: Any) -> jax.Array:
        traces.append(1)
        return net.energy(p, *frame)

    batched = jax.jit(jax.vmap(energy, in_axes=(None, 0, 0, 0)))
    stacked = [np.stack(column) for column in zip(*frames, strict=True)]
    for energies in (batched(params(1), *stacked), batched(params(1), *stacked)):
        np.testing.assert_allclose(energies, [evaluate(net, params(1), frame)[0] for frame in frames], rtol=1e-12)
    assert len(traces) == 1


def test_starts_differ_by_key_alone() -> None:
    first, again, other = (network().init(jax.random.key(seed), np.float64) for seed in (2, 2, 3))
    assert jax.tree.structure(first) == jax.tree.structure(other)
    for a, b, c in zip(*map(jax.tree.leaves, (first, again, other)), strict=True):
        np.testing.assert_array_equal(a, b)
        assert np.abs(a - c).min() > 0
    assert hash(network()) == hash(network())
    assert network() == network()
