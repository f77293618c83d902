"""Energies that scripts get from `PriorEnergy`, and fits of which there is nothing to do, against formulas in NumPy."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import cgcore
from cgcore.spline_file import write_splines
from validation import explicit
from validation.check import Row, at_most, equal
from validation.explicit import Array
from validation.scripts.models import EXACT, SHORT, TERMS, Chains, combined, document, each_frame, other_params
from validation.settings.prior_configurations import prior_block
from validation.splined import drawn
from validation.tolerances import relative

SPLINED = 4
"""Number of beads with bonds, angles and a dihedral."""

BOX = (61.0, 57.0, 59.0)
"""Edges of a box [Å] in which no two beads of a chain are nearer to an image of each other."""

ALONE = cgcore.Weights(1.0, 1.0, 1.0, 1.0, 1.0)


def of_the_prior(prior: cgcore.Prior, chains: Chains) -> Iterator[Row]:
    """The functions of `PriorEnergy`, in a periodic box, with its own parameters and with some of others."""
    from cgcore.compat import PriorEnergy

    own: Any = PriorEnergy(prior, displacement=cgcore.periodic(BOX))
    given = other_params(prior)
    own.params = dict(prior.params) | {"kr": prior.params["kr"] * 1.9}
    some = {name: given[name] for name in ("r0", "b", "sigma", "epsilon_ex", "gamma_dih")}
    mixed = own.params | some

    def every(R: Any, mask: Any) -> Any:
        return {
            "energies": own.compute_energy(R, mask),
            "total": own.compute_total_energy(R, mask, None, given),
            "total from": own.compute_total_energy_from_params(some, R, mask),
            "alone": {name: getattr(own, f"compute_{name}_energy")(R, mask, params=some) for name in TERMS},
        }

    one = Chains(chains.R[:1], chains.species[:1])
    found = each_frame(every, *one.padded(box=np.array(BOX))[:2])
    known = {name: _of_terms(one, prior.weights, params) for name, params in
             (("energies", own.params), ("total", given), ("total from", mixed))}  # fmt: skip
    alone = _of_terms(one, ALONE, mixed)
    for name in TERMS:
        off = relative(found["energies"][f"E_{name}"], known["energies"][name])
        yield at_most(f"PriorEnergy, {name}", off, EXACT, "relative")
        yield at_most(f"PriorEnergy, {name} alone", relative(found["alone"][name], alone[name]), EXACT, "relative")
    for name, value in (("energies", found["energies"]["E_total"]), *((n, found[n]) for n in ("total", "total from"))):
        yield at_most(f"PriorEnergy, {name}, sum", relative(value, sum(known[name].values())), EXACT, "relative")
    yield from _of_four_terms(prior, one.first(SHORT))


def _of_four_terms(prior: cgcore.Prior, chains: Chains) -> Iterator[Row]:
    """`PriorEnergy` without excluded volume, in free space, with its own parameters."""
    from cgcore.compat import PriorEnergy

    own: Any = PriorEnergy(prior.without_excluded_volume())

    def every(R: Any, mask: Any) -> Any:
        return (
            own.compute_energy(R, mask),
            own.compute_excluded_volume_energy(R, mask),
            own.compute_bond_energy(R, mask),
        )

    found, excluded, bonds = each_frame(every, *chains.padded(SHORT + 1)[:2])
    known = _of_terms(chains, prior.weights._replace(excluded_volume=None), prior.params)
    known |= {"excluded_volume": np.zeros(1), "total": sum(known.values())}
    yield equal("four terms, names", ", ".join(sorted(found)), ", ".join(sorted(f"E_{name}" for name in known)))
    for name, energies in known.items():
        yield at_most(f"four terms, {name}", relative(found[f"E_{name}"], energies), EXACT, "relative")
    yield at_most("four terms, excluded volume alone", float(np.abs(excluded).max()), 0.0)
    off = relative(bonds, known["bond"] / prior.weights.bond)
    yield at_most("four terms, bonds alone", off, EXACT, "relative")


def _of_terms(chains: Chains, weights: Any, params: Mapping[str, Any]) -> dict[str, Array]:
    """Energy of each term of each chain, by its formula."""
    each = [explicit.energies(R, weights, params) for R in chains.R]
    return {name: np.array([energies[name] for energies in each]) for name in each[0]}


def of_splines(prior: cgcore.Prior, chains: Chains) -> Iterator[Row]:
    """Splines from a file in place of formulas, by species."""
    from cgcore.compat import PriorEnergy

    splines, short = drawn(), chains.first(SPLINED)
    own: Any = PriorEnergy(replace(prior.without_excluded_volume(), splines=splines.given))

    def every(R: Any, mask: Any, species: Any) -> Any:
        total = own.compute_total_energy_from_params({}, R, mask, species)
        return total, own.compute_angle_energy(R, mask, species)

    total, angles = each_frame(every, *short.padded(SPLINED + 1))
    frames = zip(short.R, short.species, strict=True)
    known = [splines.energies(R, prior.weights, kinds, np.arange(SPLINED)) for R, kinds in frames]
    yield at_most("splines, sum", relative(total, [sum(each.values()) for each in known]), EXACT, "relative")
    alone = [each["angle"] / prior.weights.angle for each in known]
    yield at_most("splines, angles alone", relative(angles, alone), EXACT, "relative")


def nothing_to_fit(folder: Path, prior: cgcore.Prior, chains: Chains) -> Iterator[Row]:
    """Pre-training without a prior and with fixed splines, of a trainer whose frames come in each form."""
    from cgcore.compat import Trainer

    R, mask, species = chains.padded()
    frames = {"R": np.nan_to_num(R), "F": np.nan_to_num(R[::-1]), "mask": mask, "species": np.maximum(species, 0)}
    write_splines(folder / "fixed.npz", drawn().given)
    splined = prior_block(prior) | {"spline_file": str(folder / "fixed.npz")}
    known = {"train_loss": 0.0, "val_loss": 0.0, "converged": True}
    for name, more, form in (
        ("no prior", {"use_priors": False}, SimpleNamespace(_chains=[frames])),
        ("fixed splines", {"priors": splined, "ml_model": "none"}, SimpleNamespace(**frames)),
    ):
        config = document(prior, **more)
        trainer = Trainer(combined(config, chains), config, form, frames)
        before = trainer.params
        with contextlib.redirect_stdout(io.StringIO()):
            found = trainer.pretrain_prior()
        yield equal(f"{name}, result of pre-training", found == known, True)
        yield equal(f"{name}, parameters stay", trainer.params is before, True)
        for part, own in (("train", trainer.trainer.train_loader), ("held-out", trainer.trainer.val_loader)):
            same = own is not None and np.array_equal(own.F[mask > 0], frames["F"][mask > 0])
            yield equal(f"{name}, {part} frames", same, True)
