"""Sizes of the networks: the blocks `model.allegro`, `model.allegro_<size>` and `model.nequip`."""

from __future__ import annotations

from dataclasses import field, fields, replace
from typing import Annotated, Literal

from cgcore.config.keys import Number, Whole, block, key

CUTOFF, N_SPECIES = 12.0, 20

Cutoff = Annotated[Number, key("Cutoff distance of the network.", unit="Å", theirs=10.0, gt=0, le=1000)]
SpeciesCount = Annotated[Whole, key("Number of species, 0 to n_species - 1.", ge=1, le=10_000)]

Width = Annotated[Whole, key("Width of a layer.", ge=1, le=4096)]
MaxEll = Annotated[Whole, key("Highest degree of the spherical harmonics.", ge=1, le=6)]
RadialBasis = Annotated[Whole, key("Number of Bessel functions of the distance.", ge=1, le=256)]
MlpLayers = Annotated[Whole, key("Number of layers of these MLPs; the last one is linear.", ge=1, le=16)]
Neighbors = Annotated[
    Number | None,
    key("Mean number of beads within the cutoff of a bead.", gt=0, le=1e6, default="counted in the data"),
]


@block("allegro")
class AllegroSettings:
    """Sizes of an Allegro network."""

    max_ell: MaxEll = 2
    num_layers: Annotated[
        Whole,
        key(
            "Number of tensor-product layers; with n layers, a pair's energy depends on n + 2 beads at a time.",
            ge=1,
            le=16,
        ),
    ] = 1
    n_radial_basis: RadialBasis = 6
    envelope_p: Annotated[
        Whole,
        key(
            "Order p of the polynomial envelope 1 - O(x^p); the higher it is, the later the envelope falls.",
            ge=2,
            le=64,
        ),
    ] = 6
    embed_n_hidden: Annotated[
        tuple[Width, ...],
        key(
            "Hidden widths of the MLP that embeds a pair.", min_length=1, max_length=16, examples=[[32]], what="a list "
            "of widths, such as [32]",
        ),
    ] = (32,)  # fmt: skip
    species_embed: Annotated[Whole, key("Dimension of the embedding of a species.", ge=1, le=1024)] = 16
    mlp_n_hidden: Annotated[
        Whole, key("Width of the scalar features of pairs, and of the MLPs that update them.", ge=1, le=4096)
    ] = 32
    mlp_n_layers: MlpLayers = 2
    avg_num_neighbors: Neighbors = None

    @property
    def channels(self) -> int:
        """Number of equivariant features per degree: an eighth of the scalar ones, as in the paper's large models."""
        return max(self.mlp_n_hidden // 8, 1)


@block("model.allegro")
class AllegroKeys(AllegroSettings):
    """Sizes of an Allegro network; the limits keep a typing error from requesting too much memory."""

    num_types: Annotated[
        Whole | None,
        key(
            "Number of species if `model.n_species` is left out and this is larger.",
            also=("n_species",),
            ge=1,
            le=10_000,
        ),
    ] = None

    @property
    def settings(self) -> AllegroSettings:
        """The sizes alone."""
        return AllegroSettings(**{one.name: getattr(self, one.name) for one in fields(AllegroSettings)})  # pyright: ignore[reportArgumentType]


@block("nequip")
class NequipSettings:
    """Sizes of a NequIP network."""

    max_ell: MaxEll = 1
    num_layers: Annotated[Whole, key("Number of message-passing layers.", ge=1, le=16)] = 2
    n_radial_basis: RadialBasis = 6
    hidden_channels: Annotated[Whole, key("Number of features of each degree on a bead.", ge=2, le=1024)] = 8
    mlp_n_hidden: Annotated[Whole, key("Width of the radial MLPs.", ge=1, le=4096)] = 32
    mlp_n_layers: MlpLayers = 2
    avg_num_neighbors: Neighbors = None


@block("model")
class NetworkSettings:
    """The kind of network and its sizes; the sizes of the other kind are not used.

    Raises:
        InputError: a value has the wrong type or is out of range.
    """

    kind: Literal["allegro", "nequip"] = "allegro"
    cutoff: Cutoff = CUTOFF
    n_species: SpeciesCount = N_SPECIES
    allegro: AllegroSettings = field(default_factory=AllegroSettings)
    nequip: NequipSettings = field(default_factory=NequipSettings)

    @property
    def avg_num_neighbors(self) -> float | None:
        """`avg_num_neighbors` of the chosen network."""
        return getattr(self, self.kind).avg_num_neighbors

    def with_avg_num_neighbors(self, value: float) -> NetworkSettings:
        """These settings, with `avg_num_neighbors` of the chosen network set to `value`."""
        return replace(self, **{self.kind: replace(getattr(self, self.kind), avg_num_neighbors=value)})
