"""Scans of numbers in which forces are not linear."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from factor_helpers import random_chains

import cgcore
from cgcore import InputError, Options, Prior
from cgcore.fitting.scan import scan, with_value


def prior(length: float = 3.0) -> Prior:
    salt = cgcore.Term("salt", cgcore.Rows("pairs", 3), cgcore.bases.DebyeHueckel(length))
    return cgcore.default_prior().part(["angle"]).with_terms([salt])


@pytest.mark.slow
def test_the_length_that_the_data_have_wins() -> None:
    chains, truth = random_chains(200, [10], 10, seed=4), prior(6.0)
    params = {**truth.params, "salt": np.array([300.0])}
    with jax.enable_x64(True):
        forces = jax.vmap(lambda R: cgcore.forces(truth, params, R, np.ones(10)))(chains.R)
    F = np.asarray(forces) + np.random.default_rng(0).normal(size=chains.R.shape)
    frames = cgcore.from_arrays(chains.R, F, accept_faults=True)
    found = scan(frames, prior(), {"salt.length": [3.0, 6.0, 12.0]}, Options(constraints="none"))
    assert found.values[found.best] == (6.0,)
    assert found.result.fitted_params["salt"] == pytest.approx(300.0, rel=0.05)
    assert found.held_out_loss[found.best] == min(found.held_out_loss)
    assert found.table().count("best") == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pepper.length", "there is no additional term 'pepper' (model.terms has: salt)"),
        ("salt.size", "the basis debye_hueckel has no such number; it has length"),
        ("length", "there is no additional term ''"),
    ],
)
def test_unknown_names(name: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        with_value(prior(), name, 1.0)
    assert words in str(error.value)


def test_a_value_that_cannot_be() -> None:
    with pytest.raises(InputError, match="Debye length is -1"):
        with_value(prior(), "salt.length", -1.0)
    with pytest.raises(InputError, match="the scan has 0 fits"):
        scan(cgcore.datasets.chignolin(), prior(), {"salt.length": []})
