"""The combined energy: a sum of prior and network, its components, and refusals."""

from __future__ import annotations

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pipeline_helpers as h
import pytest

from cgcore.errors import InputError
from cgcore.physics.space import Periodic
from cgcore.pipeline.model import CombinedModel

FRAMES = h.loader(4, lengths=[10, 7])
FRAME = tuple(jnp.asarray(x[1]) for x in (FRAMES.R.astype(np.float64), FRAMES.mask.astype(bool), FRAMES.species))


def made(box: Any = None, **model: Any) -> tuple[CombinedModel, Any]:
    combined = h.model(h.settings(model), FRAMES, box)
    return combined, combined.initialize_params(jax.random.key(1))


def test_parameters_have_the_names_that_people_know() -> None:
    combined, params = made()
    assert list(params) == ["prior", "allegro"]
    assert combined.prior is not None
    assert set(params["prior"]) == set(combined.prior.names)
    assert list(made(use_priors=False)[1]) == ["allegro"]
    assert list(made(ml_model="none")[1]) == ["prior"]
    assert list(made(ml_model="nequip", nequip={"avg_num_neighbors": 5})[1]) == ["prior", "nequip"]


def test_parameters_depend_on_the_key_alone() -> None:
    combined, params = made()
    assert h.equal(params, combined.initialize_params(jax.random.key(1)))
    assert not h.equal(params, combined.initialize_params(jax.random.key(2)))


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_precision_of_parameters(precision: str) -> None:
    combined = h.model(h.settings(training={"precision": precision}), FRAMES)
    leaves = jax.tree.leaves(combined.initialize_params(jax.random.key(0)))
    assert {leaf.dtype for leaf in leaves} == {np.dtype(precision)}


@pytest.mark.slow
def test_energy_is_the_sum_of_prior_and_network() -> None:
    combined, params = made()
    R, mask, species = FRAME
    assert combined.prior is not None
    prior = sum(h.term_energies(combined.prior.weights, params["prior"], R, mask).values())
    network = h.Tiny().energy(params["allegro"], R, mask, species)
    np.testing.assert_allclose(jax.jit(combined.compute_energy)(params, *FRAME), prior + network, rtol=1e-13)
    parts = jax.jit(combined.compute_components)(params, *FRAME)
    terms = h.term_energies(combined.prior.weights, params["prior"], R, mask)
    for name, value in terms.items():
        np.testing.assert_allclose(parts[name], value, rtol=1e-12)
    assert set(parts) == {*terms, "network"}
    np.testing.assert_allclose(parts["network"], network)


def test_prior_alone_and_network_alone() -> None:
    both, params = made()
    parts = jax.jit(both.compute_components)(params, *FRAME)
    alone = jax.jit(made(use_priors=False)[0].compute_energy)({"allegro": params["allegro"]}, *FRAME)
    np.testing.assert_allclose(alone, parts.pop("network"), rtol=1e-13)
    prior = jax.jit(made(ml_model="none")[0].compute_energy)({"prior": params["prior"]}, *FRAME)
    np.testing.assert_allclose(prior, sum(parts.values()), rtol=1e-13)


@pytest.mark.slow
def test_force_components_are_minus_the_gradients() -> None:
    combined, params = made(priors={**h.PRIORS, "weights": {"bond": 1.0, "excluded_volume": 0.3}})
    R, mask, species = FRAME
    forces = jax.jit(combined.compute_force_components)(params, R, mask, species)
    components = jax.jit(combined.compute_components)
    energies = components(params, R, mask, species)
    assert set(forces) == set(energies) == {"bond", "angle", "dihedral", "repulsive", "excluded_volume", "network"}
    for name, force in forces.items():
        step = 1e-5 * np.eye(30).reshape(30, 10, 3)[4]
        plus, minus = (components(params, R + s * step, mask, species)[name] for s in (1, -1))
        np.testing.assert_allclose(np.asarray(force)[1, 1], -(plus - minus) / 2e-5, rtol=1e-5, atol=1e-6)
        assert not np.asarray(force)[7:].any()
    total = -jax.jit(jax.grad(combined.compute_energy, argnums=1))(params, R, mask, species)
    np.testing.assert_allclose(sum(forces.values()), total, rtol=1e-10, atol=1e-10)


def test_padding_may_hold_anything() -> None:
    combined, params = made()
    R, mask, species = FRAME
    dirty = jnp.where(mask[:, None], R, jnp.nan)
    compiled = jax.jit(jax.value_and_grad(combined.compute_energy, argnums=1))
    value, slope = compiled(params, dirty, mask, species)
    np.testing.assert_array_equal(value, compiled(params, R, mask, species)[0])
    assert np.isfinite(slope).all()


def test_a_periodic_box() -> None:
    combined, params = made(box=[40.0, 50.0, 60.0])
    R, mask, species = FRAME
    moved = R + jnp.asarray([[40.0, 0.0, -60.0]]) * (jnp.arange(10)[:, None] % 3 == 0)
    free = jax.jit(made()[0].compute_energy)(params, R, mask, species)
    np.testing.assert_allclose(jax.jit(combined.compute_energy)(params, moved, mask, species), free, rtol=1e-10)
    assert combined.displacement == Periodic((40.0, 50.0, 60.0))
    assert combined.displacement_name == "periodic 40 x 50 x 60 Å"


def test_fingerprints() -> None:
    plain = made()[0].fingerprint()
    assert plain == made()[0].fingerprint()
    assert plain["prior"]["a"] == 2
    for other in (
        {"use_priors": False},
        {"ml_model": "none"},
        {"cutoff": 7.0},
        {"allegro": {"avg_num_neighbors": 8.0, "num_layers": 2}},
        {"priors": {**h.PRIORS, "a": [0.1], "b": [0.1]}},
    ):
        assert made(**other)[0].fingerprint() != plain


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"N_max": 9}, "N_max is 9"),
        ({"R0": np.zeros((10, 2))}, r"R0 has shape \(10, 2\)"),
        ({"species": np.zeros(9, int)}, r"species \(9,\)"),
        ({"species": np.full(10, 20)}, "species is 20 at bead 0 .* raise model.n_species"),
        ({"species": np.full(10, -1)}, "species is -1"),
        ({"box": [10.0, 10.0]}, "box is"),
        ({"box": [10.0, 10.0, -1.0]}, "box is"),
        ({"box": [30.0, 30.0, 15.0]}, "model.cutoff is 8 Å, more than half of the box"),
    ],
)
def test_what_is_refused(arguments: dict[str, Any], words: str) -> None:
    given = {"R0": FRAMES.R[0], "box": None, "species": FRAMES.species[0], "N_max": 10} | arguments
    with h.tiny_networks(), pytest.raises(InputError) as caught:
        CombinedModel(h.settings(), **given)
    assert re.search(words, str(caught.value))
