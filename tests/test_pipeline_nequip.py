"""jax-md's NequIP through the network interface: the same results as in jax-md, and the properties of a network."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import jraph
import numpy as np
import pytest
from helpers import relative
from jax_md.nn import nequip
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

from cgcore.config.networks import NequipSettings
from cgcore.physics.space import Displacement, free
from cgcore.pipeline.networks.nequip import Nequip, _deprecations_of_jax_md

# Real networks, which take long to compile; test_pipeline_network has small ones.
pytestmark = pytest.mark.slow

CUTOFF = 9.0


def network(max_edges: int = 90, displacement: Displacement = free, max_ell: int = 1) -> Nequip:
    sizes = NequipSettings(max_ell=max_ell, n_radial_basis=4, hidden_channels=4, mlp_n_hidden=8, mlp_n_layers=3)
    return Nequip(sizes, 5.0, CUTOFF, N_SPECIES, displacement, max_edges)


@cache
def params(dtype: Any = np.float64) -> Any:
    return network().init(jax.random.key(0), dtype)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return [random_frame(seed, 10) for seed in range(8)]


def test_the_energy_is_what_jax_md_computes(frames: list[Frame]) -> None:
    # One graph with only the edges, built as jax-md's featurizer does, instead of a graph for each bead.
    frame, settings = frames[0], nequip.default_config()
    settings.update(
        {"graph_net_steps": 2, "n_elements": N_SPECIES, "hidden_irreps": "4x0e + 4x1o", "sh_irreps": "1x0e + 1x1o"}
    )
    settings.update({"num_basis": 4, "r_max": 2.0, "radial_net_n_hidden": 8, "n_neighbors": 5.0})
    settings.update({"radial_net_n_layers": 2, "shift": 0.0, "scale": 1.0})
    r = np.linalg.norm(frame.R[:, None] - frame.R, axis=-1)
    senders, receivers = np.nonzero((r > 0) & (r < CUTOFF))
    graph = jraph.GraphsTuple(
        nodes=jax.nn.one_hot(frame.species, N_SPECIES),
        edges=jnp.asarray((frame.R[receivers] - frame.R[senders]) * (2.0 / CUTOFF)),
        senders=jnp.asarray(senders),
        receivers=jnp.asarray(receivers),
        n_node=jnp.array([10]),
        n_edge=jnp.array([len(senders)]),
        globals=None,
    )
    with _deprecations_of_jax_md():
        expected = jax.jit(nequip.model_from_config(settings).apply)(params(), graph)
    np.testing.assert_allclose(evaluate(network(), params(), frame)[0], np.asarray(expected)[0, 0], rtol=1e-12)


@pytest.mark.parametrize("symmetry", ["rotation", "reflection", "translation", "permutation"])
@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_symmetries(symmetry: str, dtype: Any, bound: float) -> None:
    data = [random_frame(seed, 10, dtype) for seed in range(8)]
    assert max(symmetry_errors(network(), params(dtype), symmetry, data)) < bound


def test_the_parameters_choose_the_dtype(frames: list[Frame]) -> None:
    single = params(np.float32)
    assert {leaf.dtype for leaf in jax.tree.leaves(single)} == {np.dtype(np.float32)}
    assert {leaf.dtype for leaf in jax.tree.leaves(params())} == {np.dtype(np.float64)}
    frame = frames[0]._replace(R=frames[0].R.astype(np.float32))
    energy, forces = evaluate(network(), single, frame)
    assert (energy.dtype, forces.dtype) == (np.float32, np.float32)
    double_energy, double_forces = evaluate(network(), params(), frames[0])
    assert double_energy.dtype == np.float64
    assert relative(forces, double_forces) < 1e-5


def test_forces_are_minus_the_gradient(frames: list[Frame]) -> None:
    forces = evaluate(network(), params(), frames[0])[1]
    assert relative(forces, central_differences(network(), params(), frames[0])) < 1e-8


def test_smooth_at_the_cutoff() -> None:
    assert orders_at_cutoff(network(), params(), CUTOFF) == pytest.approx((3, 2), abs=0.1)


@pytest.mark.parametrize("fill", [0.0, np.nan, np.inf, 1e300])
def test_padding_does_not_matter(fill: float) -> None:
    real, F = random_frame(0, 6), np.ones((10, 3))
    clean, dirty = padded(real, 10), padded(real, 10, fill, species=10**6)
    energy, forces = evaluate(network(), params(), dirty)
    expected_energy, expected_forces = evaluate(network(), params(), clean)
    np.testing.assert_array_equal(energy, expected_energy)
    np.testing.assert_array_equal(forces, expected_forces)
    assert not forces[6:].any()
    got, expected = (jax.tree.leaves(force_loss_gradient(network(), params(), f, F)) for f in (dirty, clean))
    for g, e in zip(got, expected, strict=True):
        assert np.isfinite(g).all()
        np.testing.assert_array_equal(g, e)


def test_padding_is_as_good_as_no_beads() -> None:
    real = random_frame(0, 6)
    energy, forces = evaluate(network(), params(), real)
    padded_energy, padded_forces = evaluate(network(), params(), padded(real, 10))
    np.testing.assert_allclose(padded_energy, energy, rtol=1e-12)
    assert relative(padded_forces[:6], forces) < 1e-12


def test_two_far_copies_have_twice_the_energy() -> None:
    one = random_frame(0, 5)
    two = Frame(np.concatenate([one.R, one.R + 100.0]), np.ones(10, bool), np.tile(one.species, 2))
    energy, forces = evaluate(network(), params(), padded(one, 10))
    both_energy, both_forces = evaluate(network(), params(), two)
    np.testing.assert_allclose(both_energy, 2 * energy, rtol=1e-12)
    assert relative(both_forces, np.tile(forces[:5], (2, 1))) < 1e-11  # 100 Å cost digits of the differences


def test_degenerate_geometries_stay_finite(frames: list[Frame]) -> None:
    R = frames[0].R
    for degenerate in (np.concatenate([R[:5], R[:5]]), np.outer(np.arange(10), [0, 0, 3.0]), 100 * R, 0 * R):
        frame = frames[0]._replace(R=degenerate)
        energy, forces = evaluate(network(), params(), frame)
        assert np.isfinite(energy)
        assert np.isfinite(forces).all()
        assert all(np.isfinite(g).all() for g in jax.tree.leaves(force_loss_gradient(network(), params(), frame, R)))


def test_too_few_slots_and_nan_are_not_silent(frames: list[Frame]) -> None:
    R = frames[0].R.copy()
    R[4, 1] = np.nan
    for net, frame in ((network(30), frames[0]), (network(), frames[0]._replace(R=R))):
        energy, forces = evaluate(net, params(), frame)
        assert np.isnan(energy)
        assert np.isnan(forces).any()


def test_a_periodic_box(frames: list[Frame]) -> None:
    from jax_md import space

    frame, box = frames[0], 40.0
    net = network(displacement=space.periodic(jnp.array(box))[0])
    energy, forces = evaluate(network(), params(), frame)
    got_energy, got_forces = evaluate(net, params(), frame._replace(R=np.mod(frame.R, box)))
    np.testing.assert_allclose(got_energy, energy, rtol=1e-12)
    assert relative(got_forces, forces) < 1e-11


def test_it_warns_of_nothing() -> None:
    # Warnings are errors here; those for deprecated names in jax-md must not appear.
    jax.eval_shape(network(max_ell=2).init, jax.random.key(0))
