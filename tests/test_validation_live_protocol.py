"""The arguments of a script: the data set with its ways of access, and the energy with its ways to be called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cgcore
from validation.context import TWO_PROTEINS, four_terms
from validation.live.protocol import Frames, Protocol

# Runs scripts, problems and engines of other projects.
pytestmark = pytest.mark.usefixtures("code_of_others")

PADDED = cgcore.read(TWO_PROTEINS).subset(6).join()


@pytest.fixture
def protocol(monkeypatch: pytest.MonkeyPatch) -> Protocol:
    """A protocol on padded data, with an energy that shows its arguments and compiles at once."""

    def energy(prior: Any, params: Any, R: Any, mask: Any) -> Any:
        return params["kr"] * jnp.sum(jnp.where(jnp.asarray(mask, bool)[:, None], R, 0.0) ** 2)

    monkeypatch.setattr(cgcore, "energy", energy)
    return Protocol(PADDED, four_terms(cgcore.default_prior()))


WAYS: dict[str, Callable[..., Any]] = {
    "plain": lambda fn, p, R, m, s, more: fn(p, R, m),
    "species": lambda fn, p, R, m, s, more: fn(p, R, m, s),
    "species first": lambda fn, p, R, m, s, more: fn(p, R, s, m),
    "keywords": lambda fn, p, R, m, s, more: fn(params=p, R=R, mask=m, species=s),
    "other keywords": lambda fn, p, R, m, s, more: fn(p, position=R, atom_mask=m, box=None),
    "positions first": lambda fn, p, R, m, s, more: fn(R, p, mask=m),
    "boolean": lambda fn, p, R, m, s, more: fn(p, R, m > 0),
    "whole numbers by name": lambda fn, p, R, m, s, more: fn(p, R, mask=m.astype(int)),
    "topology": lambda fn, p, R, m, s, more: fn(p, R, *more, m, s),
    "topology by name": lambda fn, p, R, m, s, more: fn(p, R, bonds=more[1], displacement=more[0], mask=m),
    "displacement first": lambda fn, p, R, m, s, more: fn(p, more[0], R, *more[1:], mask=m),
    "a key": lambda fn, p, R, m, s, more: fn(p, jax.random.PRNGKey(0), R, m),
    "neighbours": lambda fn, p, R, m, s, more: fn(p, R, None, mask=m),
    "in two calls": lambda fn, p, R, m, s, more: fn(p)(R, m),
    "numpy": lambda fn, p, R, m, s, more: fn(p, np.asarray(R), np.asarray(m)),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_energy_takes_its_arguments_in_any_usual_way(protocol: Protocol, way: Callable[..., Any]) -> None:
    given = protocol.arguments()
    params, data, energy = given["prior_params"], given["dataset"], given["apply_fn_priors"]
    more = [given[name] for name in ("displacement", "bonds", "angles", "rep_pairs")]
    short = int(np.argmin(PADDED.mask.sum(axis=1)))
    expected = float(params["kr"] * np.sum(PADDED.R[short].astype(float) ** 2))
    frame = (data.R[short], data.mask[short], data.species[short])
    assert float(way(energy, params, *frame, more)) == pytest.approx(expected, rel=1e-12)
    every = way(energy, params, data.R, data.mask, data.species, more)
    assert every.shape == (6,)
    assert float(every[short]) == pytest.approx(expected, rel=1e-12)
    assert protocol.used == {"float64"}


def test_an_energy_without_a_mask_is_refused_on_padded_data(protocol: Protocol) -> None:
    given = protocol.arguments()
    params, data, energy = given["prior_params"], given["dataset"], given["apply_fn_priors"]
    with pytest.raises(TypeError, match="without a mask"):
        energy(params, data.R[0])
    with pytest.raises(TypeError, match="without a mapping"):
        energy(data.R[0], data.mask[0])
    whole = Protocol(cgcore.datasets.chignolin().subset(2).join(), four_terms(cgcore.default_prior()))
    R = whole.arguments()["dataset"].R
    assert float(whole.apply_fn_priors(params, R[0])) > 0
    whole.apply_fn_priors(params, R.astype(jnp.float32))
    assert whole.used == {"float32", "float64"}


def test_the_data_set_reads_as_a_mapping_and_by_attribute() -> None:
    data = Protocol(PADDED, four_terms(cgcore.default_prior())).arguments()["dataset"]
    assert list(data) == ["R", "F", "mask", "species"]
    assert (len(data), data["R"].shape, data.N_max) == (6, (6, 20, 3), 20)
    for same in (data.R, data["positions"], data.get("coords"), data["train"]["R"], data[:]["R"], dict(data)["R"]):
        np.testing.assert_array_equal(same, data["R"])
    assert (data["forces"] is data.F, data.get("energy", 3), "R" in data) == (True, 3, True)
    assert (data[2]["R"].shape, data[np.array([0, 3])].mask.shape) == ((20, 3), (2, 20))
    with pytest.raises(KeyError, match="dataset has R, F, mask, species"):
        data["energy"]
    assert not hasattr(data, "energy")


def test_the_data_set_is_a_pytree() -> None:
    data = Protocol(PADDED, four_terms(cgcore.default_prior())).arguments()["dataset"]
    doubled = jax.jit(lambda data: jax.tree.map(lambda x: 2 * x, data))(data)
    assert isinstance(doubled, Frames)
    np.testing.assert_array_equal(doubled.R, 2 * data.R)
    sums = jax.vmap(lambda frame: frame["mask"].sum())(data)
    np.testing.assert_array_equal(sums, PADDED.mask.sum(axis=1))


def test_padding_is_parked_apart_and_everything_is_float64() -> None:
    given = Protocol(PADDED, four_terms(cgcore.default_prior())).arguments()
    data, real = given["dataset"], PADDED.mask.astype(bool)
    np.testing.assert_array_equal(np.asarray(data.R)[real], PADDED.R[real].astype(float))
    distances = np.linalg.norm(np.asarray(data.R)[:, :, None] - np.asarray(data.R)[:, None], axis=-1)
    assert distances[:, ~np.eye(20, dtype=bool)].min() > 2
    bends = np.linalg.norm(np.cross(np.diff(data.R, axis=1)[:, 1:], np.diff(data.R, axis=1)[:, :-1]), axis=-1)
    assert bends.min() > 0.1
    floats = [x for x in jax.tree.leaves((given["prior_params"], data)) if jnp.issubdtype(x.dtype, jnp.floating)]
    assert all(x.dtype == jnp.float64 for x in floats)
    assert [given[name].shape for name in ("bonds", "angles", "rep_pairs")] == [(19, 2), (18, 3), (105, 2)]
    np.testing.assert_array_equal(given["displacement"](data.R[0], data.R[1]), data.R[0] - data.R[1])
