"""The block `model`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

from cgcore.config.keys import Flag, Number, Text, Whole, block, key
from cgcore.config.names import own_block
from cgcore.config.networks import (
    CUTOFF,
    N_SPECIES,
    AllegroKeys,
    Cutoff,
    NequipSettings,
    NetworkSettings,
)
from cgcore.config.priors import PriorKeys
from cgcore.config.reading import Reading
from cgcore.config.terms import TermKeys
from cgcore.physics.prior import Prior

Kernels = Literal["allegro_cueq", "allegro_cueq_opt", "allegro_cueq_b1", "allegro_cueq_fast", "allegro_cueq_fast_1103"]
"""The other code's names of Allegro with other kernels, which compute the same function of positions."""

MlModel = Literal["allegro", "nequip", "none", Kernels]

ALLEGRO = "allegro"
"""Name of the block with the sizes of Allegro; further ones are called `allegro_<size>`."""


@dataclass(frozen=True)
class ModelSettings:
    """Settings of the energy function.

    Arguments:
        prior: weights and initial parameters; None for no prior.
        train_priors: whether stages train the prior's parameters, too.
        network: settings of the network; None for no network.
        core: distance [Å] below which a repulsive wall keeps beads apart in a model with a network; "auto" for nine
            tenths of the closest approach in the training frames; None for no wall.
        spline_file: NPZ of splines that replace the formulas for bonds, angles and dihedrals; None for formulas.
        residue_specific_angles: whether species use their own angle splines; None follows the file of splines.
    """

    prior: Prior | None
    train_priors: bool
    network: NetworkSettings | None
    core: float | Literal["auto"] | None = "auto"
    spline_file: str | None = None
    residue_specific_angles: bool | None = None


@block("model")
class ModelKeys:
    """What the energy consists of."""

    use_priors: Annotated[Flag, key("Whether the energy contains the terms of the prior.", fit=True)] = True
    train_priors: Annotated[
        Flag,
        key(
            "Whether the stages train the prior together with the network.",
            elsewhere=("training.train_priors",),
            differs=("it goes where gradients take it", "brought back within its constraints after each epoch"),
        ),
    ] = False
    prior_only: Annotated[Flag, key("Use the prior alone, without a network.")] = False
    priors: Annotated[
        PriorKeys | None,
        key("Term weights and starting parameters.", fit=True, default="an empty block; cgcore: `default_prior()`"),
    ] = None
    terms: Annotated[
        dict[str, TermKeys] | None,
        key("Further terms of the prior, by name, see `model.terms.<name>`.", fit=True, default="none"),
    ] = None
    ml_model: Annotated[
        MlModel | None,
        key(
            "Network beside the prior; none or null: the prior alone. Names that begin with allegro_cueq mean allegro.",
            differs=(
                "that of chemutils; allegro_cueq... names kernels of it",
                "its own: sizes mean the same, weights are no good for the other",
            ),
        ),
    ] = "allegro"
    core: Annotated[
        Annotated[Number, key("", gt=0, le=100)] | Literal["auto", "none"],
        key(
            "Distance below which a wall beside the network keeps apart beads that are three or more apart along the "
            "chain; the network has learnt nothing about shorter distances. auto: nine tenths of the closest "
            "approach in the training frames.",
            unit="Å",
            differs=("no such wall", "a wall where no frame to train on is"),
        ),
    ] = "auto"
    cutoff: Cutoff = CUTOFF
    n_species: Annotated[
        Whole | None, key("Number of species, 0 to n_species - 1.", ge=1, le=10_000, default="20, or `num_types`")
    ] = None
    allegro_size: Annotated[
        Text,
        key(
            "Block that holds Allegro's sizes: default means `allegro`, any other name `allegro_<size>`. In the "
            "dialect chemtrain, `allegro` stands in for a missing block.",
            what="the name of a size, such as default",
        ),
    ] = "default"
    allegro: Annotated[
        AllegroKeys | None, key("Sizes of Allegro; blocks `allegro_<size>` hold further ones.", default="no such block")
    ] = None
    nequip: Annotated[NequipSettings, key("Sizes of NequIP.")] = field(default_factory=NequipSettings)

    @property
    def network_kind(self) -> Literal["allegro", "nequip"] | None:
        """The kind of network that the block selects; None for no network."""
        if self.prior_only or self.ml_model in (None, "none"):
            return None
        return "nequip" if self.ml_model == "nequip" else "allegro"


def network_of(keys: ModelKeys, allegro: AllegroKeys | None) -> NetworkSettings | None:
    """The settings of the network that the block selects; None for no network."""
    if (kind := keys.network_kind) is None:
        return None
    allegro = allegro or AllegroKeys()
    n_species = keys.n_species or (max(N_SPECIES, allegro.num_types or 0) if kind == "allegro" else N_SPECIES)
    return NetworkSettings(kind, keys.cutoff, n_species, allegro.settings, keys.nequip)


def allegro_of(model: Mapping[str, Any], reading: Reading) -> AllegroKeys | None:
    """The sizes of Allegro that `allegro_size` selects; None for another network, or if there are mistakes.

    Arguments:
        model: content of the block `model`.
        reading: record in which a missing or invalid block is noted.
    """
    size, kind = model.get("allegro_size", "default"), model.get("ml_model", ALLEGRO)
    if model.get("prior_only") is True or not (isinstance(size, str) and isinstance(kind, str)):
        return None
    if not (kind == ALLEGRO or kind in get_args(Kernels)):
        return None
    name = ALLEGRO if size == "default" else f"{ALLEGRO}_{size}"
    if name not in model and ALLEGRO in model and reading.dialect == "chemtrain":
        name = ALLEGRO
    if name in model:
        sizes = {} if model[name] is None else model[name]
        return own_block(AllegroKeys, sizes, f"model.{name}", reading, others=True)
    there = ["default" if key == ALLEGRO else key.removeprefix(f"{ALLEGRO}_") for key in model if is_sizes(key)]
    choice = f"choose a size that is there: {', '.join(there)}" if there else "write model.ml_model: none"
    reading.add(f"model.{name}", f"is missing, and model.allegro_size is {size}; add this block, or {choice}")
    return None


def is_sizes(name: str) -> bool:
    """Whether a key of `model` is a block with sizes of Allegro."""
    return name == ALLEGRO or (name.startswith(f"{ALLEGRO}_") and name != "allegro_size")
