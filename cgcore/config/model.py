"""The block `model`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from cgcore.config.keys import Flag, Text, block, key
from cgcore.config.names import own_block
from cgcore.config.networks import (
    CUTOFF,
    N_SPECIES,
    AllegroSettings,
    Cutoff,
    NequipSettings,
    NetworkSettings,
    SpeciesCount,
)
from cgcore.config.priors import PriorKeys
from cgcore.config.problems import Problems
from cgcore.physics.prior import Prior

ALLEGRO = "allegro"
"""Sizes of Allegro are in the block `allegro` and in blocks `allegro_<size>`."""


@dataclass(frozen=True)
class ModelSettings:
    """The energy.

    Arguments:
        prior: weights and starting parameters; None: not used.
        train_priors: stages train them, too.
        network: None: none.
        spline_file: NPZ of splines that stand for bonds, angles and dihedrals; None: the terms are formulas.
        residue_specific_angles: an angle spline for each species that has one; None: as the file of splines says.
    """

    prior: Prior | None
    train_priors: bool
    network: NetworkSettings | None
    spline_file: str | None = None
    residue_specific_angles: bool | None = None


@block("model")
class ModelKeys:
    """What the energy consists of."""

    use_priors: Annotated[Flag, key("The energy has the prior's terms.", fit=True)] = True
    train_priors: Annotated[Flag, key("Stages 1 and 2 train the prior, too.", elsewhere=("training.train_priors",))] = (
        False
    )
    priors: Annotated[
        PriorKeys | None, key("Term weights and starting parameters.", fit=True, default="`cgcore.default_prior()`")
    ] = None
    ml_model: Annotated[
        Literal["allegro", "nequip", "none"] | None,
        key("The network beside the prior; none or null: the prior alone."),
    ] = "allegro"
    cutoff: Cutoff = CUTOFF
    n_species: SpeciesCount = N_SPECIES
    allegro_size: Annotated[
        Text,
        key(
            "Which block holds Allegro's sizes: default for `allegro`, any other for `allegro_<size>`.",
            what="the name of a size, such as default",
        ),
    ] = "default"
    allegro: Annotated[
        AllegroSettings | None, key("Sizes of Allegro; further ones in `allegro_<size>`.", default="no such block")
    ] = None
    nequip: Annotated[NequipSettings, key("Sizes of NequIP.")] = field(default_factory=NequipSettings)


def network_of(keys: ModelKeys, allegro: AllegroSettings | None) -> NetworkSettings | None:
    """The network that the block asks for; None where it asks for none."""
    if keys.ml_model in (None, "none"):
        return None
    return NetworkSettings(keys.ml_model, keys.cutoff, keys.n_species, allegro or AllegroSettings(), keys.nequip)


def allegro_of(model: Mapping[str, Any], problems: Problems) -> AllegroSettings | None:
    """The sizes of Allegro that `allegro_size` chooses; None where the network is another one, or something is wrong.

    Arguments:
        model: what stands in the block `model`.
        problems: where to note that the chosen block is missing or wrong.
    """
    size = model.get("allegro_size", "default")
    if model.get("ml_model", ALLEGRO) != ALLEGRO or not isinstance(size, str):
        return None
    name = ALLEGRO if size == "default" else f"{ALLEGRO}_{size}"
    if name in model:
        return own_block(AllegroSettings, {} if model[name] is None else model[name], f"model.{name}", problems)
    there = ["default" if key == ALLEGRO else key.removeprefix(f"{ALLEGRO}_") for key in model if is_sizes(key)]
    choice = f"choose a size that is there: {', '.join(there)}" if there else "write model.ml_model: none"
    problems.add(f"model.{name}", f"is missing, and model.allegro_size is {size}; add this block, or {choice}")
    return None


def is_sizes(name: str) -> bool:
    """Whether a key of `model` is a block of sizes of Allegro."""
    return name == ALLEGRO or (name.startswith(f"{ALLEGRO}_") and name != "allegro_size")
