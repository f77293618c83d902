"""The error of a prior's forces in float32, and the promised limit, against forces computed in float32."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import jax
import numpy as np
import pytest
from factor_helpers import Chains, chignolin_chains, prior_of
from helpers import forces
from test_splines import random_splines

from cgcore import InputError, Prior, Weights
from cgcore.judging.precision import PROMISE, float32_error, require_float32

WEIGHTS = Weights(0.5, 0.25, 0.25, 1.0, 1.0)
PRIOR = prior_of(10, WEIGHTS)


def cancelling(size: float) -> Prior:
    """A prior whose angle series cancels where angles are sampled, size (cos(8x) + cos(9x) ...) with alternating
    signs, as results of fits along all directions do."""
    a = size * np.array([1, -8, 28, -56, 70, -56, 28, -8, 1, 0.0])
    return Prior(WEIGHTS, PRIOR.params | {"a": PRIOR.params["a"] + a})


@cache
def frames() -> Chains:
    """Frames as sampled, and the same frames with noise that moves them out of the sampled range."""
    sampled = chignolin_chains(40)
    noise = np.random.default_rng(0).normal(size=sampled.R[20:].shape) * 0.4
    return sampled._replace(R=np.concatenate([sampled.R[:20], sampled.R[20:] + noise]))


@cache
def compiled() -> Any:
    def every(weights: Weights, params: Any, R: jax.Array, mask: jax.Array) -> jax.Array:
        return jax.vmap(lambda R, mask: forces(weights, params, R, mask))(R, mask)

    return jax.jit(every, static_argnums=0)


def measured(prior: Prior) -> float:
    """The largest error of a float32 force, divided by the root mean square force."""
    chains, found = frames(), []
    for real in (np.float32, np.float64):
        params = {name: np.asarray(value, real) for name, value in prior.params.items()}
        out = compiled()(prior.weights, params, chains.R.astype(real), chains.mask > 0)
        assert out.dtype == real
        found.append(np.asarray(out, np.float64))
    single, double = found
    scale = np.sqrt(np.mean(np.sum(double[:20] ** 2, axis=-1)))
    return float(np.linalg.norm(single - double, axis=-1).max() / scale)


def rms(prior: Prior) -> float:
    params = {name: np.asarray(value) for name, value in prior.params.items()}
    chains = frames()
    out = compiled()(prior.weights, params, chains.R, chains.mask > 0)
    return float(np.sqrt(np.mean(np.sum(np.asarray(out)[:20] ** 2, axis=-1))))


@pytest.mark.slow
def test_a_prior_of_ordinary_size_keeps_the_promise() -> None:
    assert float32_error(PRIOR, rms(PRIOR)) < PROMISE
    assert float32_error(PRIOR) < PROMISE
    assert measured(PRIOR) < PROMISE
    require_float32("priors.yaml", PRIOR)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1e3, 1e6, 1e9])
def test_the_error_of_cancelling_coefficients_is_that_of_forces(size: float) -> None:
    """Agreement within a factor of 100: rounding differs at every angle, and the estimate covers all of them."""
    prior = cancelling(size)
    promised, seen = float32_error(prior, rms(prior)), measured(prior)
    assert seen / 100 < promised < seen * 100


def test_the_promise_is_of_angles_that_were_not_sampled_too() -> None:
    """The same series, shifted so that it cancels where angles were sampled; in a simulation other angles occur."""
    prior = cancelling(1e9)
    with pytest.raises(InputError, match=r"^priors.yaml: forces in float32 are wrong by .* of the root mean square"):
        require_float32("priors.yaml", prior)


@pytest.mark.parametrize(
    "change",
    [
        {"a": np.full(10, 1e8)},
        {"b": np.full(10, 1e8)},
        {"k_dih": np.array([1e8, 1e8])},
        {"epsilon": np.float64(1e9)},
        {"epsilon_ex": np.float64(1e9)},
        {"kr": np.float64(1e12)},
        {"r0": np.float64(1e8)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_term_counts(change: dict[str, Any]) -> None:
    """Relative to the forces of an ordinary prior."""
    assert float32_error(Prior(WEIGHTS, PRIOR.params | change), rms(PRIOR)) > PROMISE


def test_the_error_is_relative() -> None:
    prior = cancelling(1e6)
    assert float32_error(prior, 2.0) == pytest.approx(float32_error(prior, 1.0) / 2, rel=1e-12)
    # By default relative to the root mean square force of the bonds at 300 K, sqrt(w kr kT).
    bonds = np.sqrt(0.5 * float(prior.params["kr"]) * 0.0019872042586 * 300)
    assert float32_error(prior) == pytest.approx(float32_error(prior, float(bonds)), rel=1e-6)


def test_weights_count() -> None:
    """A series with weight 0 has no error."""
    prior = cancelling(1e9)
    silent = Prior(WEIGHTS._replace(angle=0.0), prior.params)
    assert float32_error(silent, rms(PRIOR)) < PROMISE < float32_error(prior, rms(PRIOR))


def test_what_float32_cannot_hold_is_infinitely_wrong() -> None:
    assert float32_error(Prior(WEIGHTS, PRIOR.params | {"a": np.full(10, 1e39)}), 1.0) == np.inf


def test_bonds_that_weigh_nothing() -> None:
    """There is no scale in this case: the error itself [kcal/mol/Å]."""
    assert 0 < float32_error(Prior(WEIGHTS._replace(bond=0.0), PRIOR.params)) < 1e-3


def test_beside_splines_of_a_file_pairs_alone_count() -> None:
    """Parameters that splines replace have no effect, however large they are."""
    splined = replace(cancelling(1e8), splines=random_splines(0))
    pairs = splined.part(["repulsive", "excluded_volume"])
    assert float32_error(splined, scale=1.0) == float32_error(pairs, scale=1.0)
    assert float32_error(replace(splined, splines=None), scale=1.0) > PROMISE
