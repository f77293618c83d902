"""Energies and forces that scripts get from `CombinedModel`, against formulas in NumPy."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import cgcore
from validation import explicit
from validation.check import Row, at_most, equal, refuses
from validation.explicit import Array
from validation.geometries import SHAKE
from validation.networks.two_beads import CUTOFF, NETWORK
from validation.settings.prior_configurations import prior_block
from validation.tolerances import relative

LENGTHS, N_MAX = (9, 7, 8), 10
"""Number of beads of each chain, and of a frame: the last bead of each is padding, and all repulsions occur."""

SHORT = 2
"""Number of beads where it does not matter whether all terms occur; programs for bonds alone compile soon."""

EXACT = 1e-10
"""Tolerance of the same formulas in float64 with another order of sums (observed: 4e-15)."""

OTHER = {"kr": 1.3, "r0": 1.05, "a": 0.7, "b": -1.2, "k_dih": 1.5, "gamma_dih": 0.6, "epsilon": 1.7, "sigma": 0.9}
OTHER |= {"epsilon_ex": 0.6, "sigma_ex": 1.1}
"""Factors from the prior's own parameters to those that a call is given."""

TERMS = {"bond": ("kr", "r0"), "angle": ("a", "b"), "dihedral": ("k_dih", "gamma_dih")}
TERMS |= {"repulsive": ("epsilon", "sigma"), "excluded_volume": ("epsilon_ex", "sigma_ex")}


class Springs:
    """A network with a known energy: springs from each bead to the origin, stiffer for each further species. A species
    below 0 gives NaN, because a network may look up any species that it is given."""

    def init(self, key: Any, dtype: Any) -> dict[str, Any]:
        return {"stiffness": jnp.array([0.1, 0.25, 0.45], dtype)}

    def energy(self, params: Any, R: Any, mask: Any, species: Any) -> Any:
        k = jnp.where(jnp.any(species < 0), jnp.nan, params["stiffness"])
        return jnp.sum(jnp.where(mask, k[species] * jnp.sum(jnp.where(mask[:, None], R, 0.0) ** 2, axis=1), 0.0))


@dataclass(frozen=True)
class Chains:
    """Chains without padding, and their species."""

    R: list[Array]
    species: list[Array]

    @classmethod
    def shaken(cls, data: cgcore.Dataset) -> Chains:
        rng = np.random.default_rng(5)
        batch = data.subset(len(LENGTHS)).join()
        frames = zip(batch.R, LENGTHS, strict=True)
        R = [np.asarray(x, float)[:n] + rng.normal(scale=SHAKE, size=(n, 3)) for x, n in frames]
        return cls(R, [rng.integers(0, 3, n) for n in LENGTHS])

    def first(self, beads: int) -> Chains:
        """The first beads of each chain."""
        return Chains([R[:beads] for R in self.R], [species[:beads] for species in self.species])

    def padded(self, beads: int = N_MAX, box: Array | None = None) -> tuple[Array, Array, Array]:
        """Positions, float mask and species with -1 in padding, as scripts pass them, in rows of so many beads;
        positions are wrapped into a box if there is one."""
        R, mask = np.full((len(self.R), beads, 3), np.nan), np.zeros((len(self.R), beads))
        species = np.full(mask.shape, -1)
        for k, (x, kinds) in enumerate(zip(self.R, self.species, strict=True)):
            R[k, : len(x)], mask[k, : len(x)], species[k, : len(x)] = (
                x if box is None else (x - x.mean(axis=0)) % box,
                1.0,
                kinds,
            )
        return R, mask, species


def each_frame(function: Any, *frames: Array) -> Any:
    """The results of a function for each frame, stacked; it is compiled once."""
    compiled = jax.jit(function)
    found = [jax.device_get(compiled(*frame)) for frame in zip(*frames, strict=True)]
    return jax.tree.map(lambda *parts: np.stack(parts), *found)


def other_params(prior: cgcore.Prior) -> dict[str, Array]:
    """Parameters that differ from the prior's own."""
    return {name: OTHER[name] * value for name, value in prior.params.items()}


def forces(R: Array, weights: Any, params: Mapping[str, Any]) -> dict[str, Array]:
    """Forces of each term on a chain."""
    X, c = explicit.matrix(R[None], weights, params)[0], explicit.coefficients(params)
    a, d = 2 * len(params["a"]), 2 * len(params["k_dih"])
    ends = np.cumsum([0, 2, a, d, 1, 1])
    return {name: X[..., i:j] @ c[i:j] for name, i, j in zip(TERMS, ends[:-1], ends[1:], strict=True)}


def document(prior: cgcore.Prior, **model: Any) -> dict[str, Any]:
    """A configuration in float64 with this prior and, unless `model` has another, a small network."""
    said = {"priors": prior_block(prior), "ml_model": "allegro", "cutoff": CUTOFF, "allegro": NETWORK} | model
    return {"model": said, "training": {"precision": "float64"}}


def combined(config: Any, chains: Chains, **more: Any) -> Any:
    """The model of a script, in which `Springs` take the network's place."""
    from cgcore.compat import CombinedModel

    R, _, species = chains.padded()
    model: Any = CombinedModel(config, R[0], None, species[0], N_MAX, **more)
    if model.model.network is not None:
        model.model.network = Springs()
    return model


def of_the_model(prior: cgcore.Prior, chains: Chains) -> Iterator[Row]:
    """Components of energy and forces for given parameters, for those of the network alone, and without a prior."""
    model, given = combined(document(prior), chains), other_params(prior)
    started = jax.device_get(model.initialize_params(jax.random.PRNGKey(0)))
    yield equal("model, parts of its parameters", ", ".join(sorted(started)), "allegro, prior")
    yield equal("model, its parameters are the prior's", same_params(started["prior"], prior.params), True)
    network = {"stiffness": np.array([0.3, 0.2, 0.7])}
    # What belongs to no part of the model is ignored, and so is the order.
    params = {"other": {"x": 1.0}, "allegro": network, "prior": given}

    def every(R: Any, mask: Any, species: Any) -> Any:
        frame = params, R, mask, species
        return {"E": model.compute_components(*frame), "F": model.compute_force_components(*frame)}

    found = each_frame(every, *chains.padded())
    expected = [_known(prior, given, network, *pair) for pair in zip(chains.R, chains.species, strict=True)]
    yield from _compared("model", found, expected)
    yield from _energies(prior, model, network, chains.first(SHORT))
    yield equal("model, its attributes", str((model.use_priors, model.train_priors, model.prior_only, model.N_max)),
                str((True, False, False, N_MAX)))  # fmt: skip
    yield at_most("model, displacement", relative(model.displacement(chains.R[0][1], chains.R[0][0]),
                                                   chains.R[0][1] - chains.R[0][0]), 0.0)  # fmt: skip


def _energies(prior: cgcore.Prior, model: Any, network: dict[str, Array], chains: Chains) -> Iterator[Row]:
    """The total energy by each of its methods, for given parameters and for those of the network alone, beside which
    the prior's current ones count."""
    given = other_params(prior)
    current = {**prior.params, "kr": prior.params["kr"] * 1.9}
    model.prior.params = current

    def every(R: Any, mask: Any, species: Any) -> Any:
        params = {"prior": given, "allegro": network}
        return {
            "compute_energy": model.compute_energy(params, R, mask, species, None),
            "compute_total_energy": model.compute_total_energy(params, R, mask, species),
            "energy_fn_template": model.energy_fn_template(params)(R, None, mask=mask, species=species),
            "current parameters": model.compute_energy({"allegro": network}, R, mask, species),
        }

    found = each_frame(every, *chains.padded(SHORT + 1))
    model.prior.params = dict(prior.params)
    for name, value in found.items():
        params = current if name == "current parameters" else given
        known = [_known(prior, params, network, *pair)["E"] for pair in zip(chains.R, chains.species, strict=True)]
        off = relative(value, [each["E_total"] for each in known])
        yield at_most(f"model, {name}", off, EXACT, "relative")


def _known(prior: cgcore.Prior, params: Any, network: Any, R: Array, species: Array) -> dict[str, dict[str, Any]]:
    """What the model must return, under all names: energies and forces."""
    k = network["stiffness"][species]
    parts: dict[str, dict[str, Any]] = {
        "E": explicit.energies(R, prior.weights, params),
        "F": forces(R, prior.weights, params),
    }
    own = {"E": np.sum(k * np.sum(R**2, axis=1)), "F": -2 * k[:, None] * R}
    for letter, of_prior in parts.items():
        total = sum(of_prior.values())
        parts[letter] = of_prior | {f"{letter}_{name}": value for name, value in of_prior.items()}
        parts[letter] |= {"network": own[letter], f"{letter}_allegro": own[letter], f"{letter}_prior_total": total}
        parts[letter][f"{letter}_total"] = total + own[letter]
    return parts


def _compared(name: str, found: Any, expected: list[dict[str, dict[str, Any]]]) -> Iterator[Row]:
    """Rows for all energies and forces; padded beads must have no force."""
    for letter in found:
        words = {"E": "energies", "F": "forces"}[letter]
        keys = ", ".join(sorted(found[letter]))
        yield equal(f"{name}, names of {words}", keys, ", ".join(sorted(expected[0][letter])))
        for key, value in found[letter].items():
            known = [one[letter][key] for one in expected]
            if letter == "F":
                known = [np.pad(F, ((0, value.shape[1] - len(F)), (0, 0))) for F in known]
            yield at_most(f"{name}, {key}", relative(value, np.stack(known)), EXACT, "relative")


def without_parts(prior: cgcore.Prior, chains: Chains) -> Iterator[Row]:
    """Two beads: models without network, without excluded volume, and without prior."""
    short = chains.first(SHORT)
    four = prior.without_excluded_volume()
    alone = combined(document(four, ml_model="none"), short)
    only = combined(document(four), short, prior_only=True)
    network_alone = combined(document(prior, use_priors=False), short)
    stiffness = {"stiffness": np.array([0.3, 0.2, 0.7])}

    def every(R: Any, mask: Any, species: Any) -> Any:
        frame, params = (R, mask, species), {"allegro": stiffness}
        return {
            "prior alone": {"E": alone.compute_components({}, *frame), "F": alone.compute_force_components({}, *frame)},
            "prior_only": {"E": only.compute_components({}, *frame)},
            "network alone": {
                "E": network_alone.compute_components(params, *frame),
                "F": network_alone.compute_force_components(params, *frame),
            },
        }

    found = each_frame(every, *short.padded(SHORT + 1))
    known = [_known(prior, prior.params, stiffness, *pair) for pair in zip(short.R, short.species, strict=True)]
    of_prior, of_network = [], []
    for each in known:
        of_prior.append({letter: _of_prior(letter, own) for letter, own in each.items()})
        names = {letter: ("network", f"{letter}_allegro", f"{letter}_total") for letter in each}
        of_network.append({letter: dict.fromkeys(names[letter], own["network"]) for letter, own in each.items()})
    yield from _compared("prior alone", found["prior alone"], of_prior)
    yield from _compared("prior_only", found["prior_only"], of_prior)
    yield from _compared("network alone", found["network alone"], of_network)
    for name, model in (("prior alone", alone), ("prior_only", only)):
        yield equal(f"{name}, prior_only", model.prior_only, True)
        yield equal(f"{name}, parameters", ", ".join(model.initialize_params(jax.random.key(1))), "prior")
    yield equal("network alone, its prior", str((network_alone.prior, network_alone.use_priors)), "(None, False)")
    nothing = document(prior, use_priors=False)
    yield equal("no energy at all is refused", refuses(lambda: combined(nothing, short, prior_only=True)), True)


def _of_prior(letter: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """What a prior without excluded volume and without a network beside it must return."""
    zero, total = 0 * own["network"], own[f"{letter}_prior_total"] - own["excluded_volume"]
    parts = {name: value for name, value in own.items() if name not in ("excluded_volume", "network")}
    parts |= {f"{letter}_excluded_volume": zero, f"{letter}_allegro": zero}
    return parts | {f"{letter}_prior_total": total, f"{letter}_total": total}


def of_the_first_frame(prior: cgcore.Prior, chains: Chains) -> Iterator[Row]:
    """Neighbours are counted without the padding of the first frame, whatever it holds, and no box is used."""
    from cgcore.compat import CombinedModel

    config, R = document(prior), chains.R[0]
    n, kinds = len(R), chains.species[0]
    d = np.linalg.norm(R[:, None] - R[None], axis=2)
    known = np.sum((d > 0) & (d < CUTOFF)) / n
    negative, zeros = (np.append(kinds, [filled] * 3) for filled in (-1, 0))
    nan, parked = (np.vstack([R, np.full((3, 3), filled)]) for filled in (np.nan, R.max() + 1.0))
    frames = {"negative species": (np.vstack([R, R[:3] + 1]), negative), "no position": (nan, zeros)}
    frames |= {"one place": (parked, zeros), "no padding": (R, kinds)}
    for name, (padded, species) in frames.items():
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            box = None if name == "no padding" else np.array([5.0, 6.0, 7.0])
            model = CombinedModel(config, padded, box, species, n + 3)
        network = model.settings.model.network
        counted = np.nan if network is None else network.avg_num_neighbors
        yield at_most(f"neighbours with {name} in padding", relative(counted, known), EXACT, "relative")
        warned = any(issubclass(one.category, cgcore.InputWarning) and "[5." in str(one.message) for one in said)
        yield equal(f"{name}, warning of a box", warned, box is not None)
        yield equal(f"{name}, box of the model", str(model.model.box), "None")


def same_params(found: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether two sets of parameters have the same names and values."""
    return set(found) == set(known) and all(np.array_equal(found[name], value) for name, value in known.items())
