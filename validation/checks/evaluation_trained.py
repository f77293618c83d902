"""Evaluation of a trained model: its energies on chains without padding, and their central differences as forces."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

import cgcore
from validation import explicit
from validation.check import Row, at_least, at_most, check, equal
from validation.context import Context, distinct, five_terms, with_harmonics
from validation.explicit import Array
from validation.networks.two_beads import CUTOFF, NETWORK
from validation.settings.prior_configurations import prior_block
from validation.tolerances import relative

FRAMES, BEADS, WIDTH = 4, 8, 10
"""Number of frames, of their beads, and of the beads for which the model is made."""
SITES = np.array([0, 1, 2, 3, 7, 8, 9, 10])
"""Sites of the beads: three residues are missing."""
CORE = 9.0
"""Distance [Å] below which the wall beside the network acts."""
STEP = 1e-4
"""Step of central differences [Å]."""
EXACT, DIFFERENCES = 1e-11, 1e-6
"""Tolerances of sums in float64, and of central differences, whose error is that of the third derivative of bonds."""


@check("evaluation-trained")
def evaluation_of_a_trained_model(context: Context) -> Iterator[Row]:
    """Errors, energies and parts of a prior, a network and a wall together, on shorter chains with a gap."""
    from cgcore.pipeline import CombinedModel

    prior = with_harmonics(five_terms(distinct(context.prior)), 2, 2)
    allegro = NETWORK | {"avg_num_neighbors": 5.0}
    model: dict[str, Any] = {"priors": prior_block(prior), "ml_model": "allegro", "cutoff": CUTOFF, "core": CORE}
    config = {"model": model | {"allegro": allegro}, "training": {"precision": "float64"}}
    batch = cgcore.datasets.chignolin().subset(FRAMES).join()
    R, F = (np.asarray(x, float)[:, :BEADS] for x in (batch.R, batch.F))
    species = np.arange(BEADS) % 4
    wide = CombinedModel(config, R[0], None, species, WIDTH)
    params = wide.initialize_params(jax.random.key(0))
    data = cgcore.from_arrays(R, F, species=species, resid=SITES, accept_faults=True)
    found = cgcore.evaluate((wide, params), data)

    alone = CombinedModel(config, R[0], None, species, BEADS)
    of = partial(alone.compute_components, params, mask=np.ones(BEADS, bool), species=species, sites=SITES)
    steps = STEP * np.eye(3 * BEADS).reshape(-1, BEADS, 3)
    moved = np.concatenate([R[:, None], R[:, None] + steps, R[:, None] - steps], axis=1)
    each = jax.jit(jax.vmap(of))(moved.reshape(-1, BEADS, 3))
    energies, forces = {}, {}
    for name, values in each.items():
        here, up, down = np.split(np.asarray(values).reshape(FRAMES, -1), [1, 1 + 3 * BEADS], axis=1)
        energies[name], forces[name] = here[:, 0], ((down - up) / (2 * STEP)).reshape(R.shape)
    yield from _compared(found, energies, forces, F)
    X = explicit.matrix(R, prior.weights, prior.params, SITES)
    own = np.sum([forces[name] for name in forces if name not in ("network", "core")], axis=0)
    known = X @ explicit.coefficients(prior.params)
    yield at_most("forces of the prior in it", relative(own, known), DIFFERENCES, "relative")
    yield from _saved(config, wide, params, R[0], species)
    yield from _told_apart(config, wide, R[0], species)


def _saved(config: dict[str, Any], model: Any, params: Any, R: Array, species: Array) -> Iterator[Row]:
    """Saved, and loaded as for a simulation or an export: all parts of the energy, the wall included."""
    from cgcore.pipeline.parameters import save_params
    from cgcore.pipeline.trained import load_trained

    with tempfile.TemporaryDirectory() as folder:
        save_params(Path(folder) / "params.npz", params, model.fingerprint(), WIDTH)
        loaded, same = load_trained(Path(folder) / "params.npz", precision="float64")
    padded, kinds = np.zeros((WIDTH, 3)), np.zeros(WIDTH, int)
    padded[:BEADS], kinds[:BEADS] = R, species
    mask = np.arange(WIDTH) < BEADS
    found, known = (
        jax.jit(partial(own.compute_components, mask=mask, species=kinds))(values, padded)
        for own, values in ((loaded, same), (model, params))
    )
    yield equal("loaded, parts", ", ".join(sorted(found)), ", ".join(sorted(known)))
    for name, energy in known.items():
        yield at_most(f"loaded, {name}", relative(found.get(name, np.nan), energy), EXACT, "relative")


def _told_apart(config: dict[str, Any], model: Any, R: Array, species: Array) -> Iterator[Row]:
    """Settings that change the energy: parameters of a model that has another are refused."""
    from cgcore.pipeline import CombinedModel

    said, own = config["model"], model.fingerprint()
    block, sizes = said["priors"], said["allegro"]
    others = {
        "the wall": {"core": CORE / 2},
        "no wall": {"core": None},
        "the cutoff": {"cutoff": CUTOFF - 1},
        "neighbours": {"allegro": sizes | {"avg_num_neighbors": 6.0}},
        "layers": {"allegro": sizes | {"num_layers": sizes["num_layers"] + 1}},
        "weights": {"priors": block | {"weights": block["weights"] | {"angle": 9.0}}},
        "harmonics": {"priors": block | {"a": block["a"][:1], "b": block["b"][:1]}},
        "no prior": {"use_priors": False},
    }
    for case, change in others.items():
        other = CombinedModel({"model": said | change, "training": config["training"]}, R, None, species, WIDTH)
        yield equal(f"another model, {case}, told apart", other.fingerprint() != own, True)
    boxed = CombinedModel(config, R, np.full(3, 80.0), species, WIDTH)
    yield equal("another model, a box, told apart", boxed.fingerprint() != own, True)
    again = CombinedModel(config, R, None, species, WIDTH)
    yield equal("the same model, told apart", again.fingerprint() != own, False)


def _compared(
    found: cgcore.Evaluation, energies: Mapping[str, Array], forces: Mapping[str, Array], F: Array
) -> Iterator[Row]:
    """Sums over frames and beads of energies and forces of each part."""
    yield equal("parts", ", ".join(sorted(found.terms)), ", ".join(sorted(energies)))
    total = np.sum(list(energies.values()), axis=0)
    yield at_most("energies of frames", relative(found.energies, total), EXACT, "relative")
    error = np.sum(list(forces.values()), axis=0) - F
    yield equal("forces compared", found.errors.beads, FRAMES * BEADS)
    yield at_most("loss", relative(found.errors.loss, _mean(error)), DIFFERENCES, "relative")
    yield at_most("mean absolute error", relative(found.errors.mae, np.mean(np.abs(error))), DIFFERENCES, "relative")
    for name, own in forces.items():
        one = found.terms[name]
        yield at_least(f"{name}, mean square force", _mean(own), 1e-4, "(kcal/mol/Å)²")
        ours, theirs = (one.force, one.loss_without), (_mean(own), _mean(error - own))
        off = max(relative(a, b) for a, b in zip(ours, theirs, strict=True))
        yield at_most(f"{name}, force and loss without", off, DIFFERENCES, "relative")
        yield at_most(f"{name}, energy", relative(one.energy.mean, np.mean(energies[name])), EXACT, "relative")
    left = np.mean(np.sum(error**2, axis=-1), axis=0)
    ours = [one.errors.loss for one in found.proteins[0].residues]
    yield at_most("loss of each bead", relative(ours, left), DIFFERENCES, "relative")


def _mean(forces: Array) -> float:
    """Mean square force on a bead."""
    return float(np.mean(np.sum(forces**2, axis=-1)))
