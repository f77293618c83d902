"""Sizes of the networks, as the YAML names them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from cgcore.errors import InputError


@dataclass(frozen=True)
class AllegroSettings:
    """The `allegro` block.

    Arguments:
        max_ell: highest degree of the spherical harmonics.
        num_layers: layers of tensor products; with n layers a pair's energy depends on n + 2 beads at a time.
        n_radial_basis: number of Bessel functions.
        envelope_p: order p of the polynomial envelope, which starts as 1 - O(x^p): the higher, the later it falls.
        embed_n_hidden: hidden widths of the MLP that embeds a pair.
        species_embed: numbers that a species is embedded in.
        mlp_n_hidden: width of the pairs' scalar features and of the MLPs that update them; the equivariant features
            have `channels`.
        mlp_n_layers: layers of those MLPs, the last of them linear.
        avg_num_neighbors: mean number of beads within the cutoff of a bead; None: to be set from the data.

    Raises:
        InputError: a value is of the wrong kind or out of range.
    """

    max_ell: int = 2
    num_layers: int = 1
    n_radial_basis: int = 6
    envelope_p: int = 6
    embed_n_hidden: tuple[int, ...] = (32,)
    species_embed: int = 16
    mlp_n_hidden: int = 32
    mlp_n_layers: int = 2
    avg_num_neighbors: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "embed_n_hidden", _widths("allegro.embed_n_hidden", self.embed_n_hidden))
        for name in ("max_ell", "num_layers", "n_radial_basis", "species_embed", "mlp_n_hidden", "mlp_n_layers"):
            _whole(f"allegro.{name}", getattr(self, name), 1)
        _whole("allegro.envelope_p", self.envelope_p, 2)
        _neighbors("allegro.avg_num_neighbors", self.avg_num_neighbors)

    @property
    def channels(self) -> int:
        """Equivariant features of each degree: an eighth of the scalar ones, as in the paper's large models."""
        return max(self.mlp_n_hidden // 8, 1)


@dataclass(frozen=True)
class NequipSettings:
    """The `nequip` block; what has the same name as in `allegro` means the same.

    Arguments:
        hidden_channels: features of each degree that a bead carries.

    Raises:
        InputError: a value is of the wrong kind or out of range.
    """

    max_ell: int = 1
    num_layers: int = 2
    n_radial_basis: int = 6
    hidden_channels: int = 8
    mlp_n_hidden: int = 32
    mlp_n_layers: int = 2
    avg_num_neighbors: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_ell", "num_layers", "n_radial_basis", "mlp_n_hidden", "mlp_n_layers"):
            _whole(f"nequip.{name}", getattr(self, name), 1)
        _whole("nequip.hidden_channels", self.hidden_channels, 2)
        _neighbors("nequip.avg_num_neighbors", self.avg_num_neighbors)


@dataclass(frozen=True)
class NetworkSettings:
    """Which network, and its sizes.

    Arguments:
        kind: "allegro" or "nequip"; the YAML's `model.ml_model`.
        cutoff: distance within which beads are neighbours [Å].
        n_species: number of species, 0 ... n_species - 1.
        allegro, nequip: sizes of each; that of the other kind is not used.

    Raises:
        InputError: a value is of the wrong kind or out of range.
    """

    kind: Literal["allegro", "nequip"] = "allegro"
    cutoff: float = 12.0
    n_species: int = 20
    allegro: AllegroSettings = field(default_factory=AllegroSettings)
    nequip: NequipSettings = field(default_factory=NequipSettings)

    def __post_init__(self) -> None:
        if self.kind not in ("allegro", "nequip"):
            raise InputError(f"model.ml_model is {self.kind!r}; give allegro or nequip")
        if not _number(self.cutoff) or self.cutoff <= 0:
            raise InputError(f"model.cutoff is {self.cutoff!r}; give a length above 0, in Å")
        _whole("n_species", self.n_species, 1)

    @property
    def avg_num_neighbors(self) -> float | None:
        """That of the network chosen."""
        return getattr(self, self.kind).avg_num_neighbors

    def with_avg_num_neighbors(self, value: float) -> NetworkSettings:
        """These settings, with `avg_num_neighbors` of the network chosen set to `value`."""
        return replace(self, **{self.kind: replace(getattr(self, self.kind), avg_num_neighbors=value)})


def _number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(float(value))


def _whole(key: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{key} is {value!r}; give a whole number of at least {least}")


def _widths(key: str, value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or len(value) == 0:
        raise InputError(f"{key} is {value!r}; give a list of widths, such as [32]")
    for index, width in enumerate(value):
        _whole(f"{key}[{index}]", width, 1)
    return tuple(int(width) for width in value)


def _neighbors(key: str, value: Any) -> None:
    if value is not None and (not _number(value) or value <= 0):
        raise InputError(f"{key} is {value!r}; give a number above 0, or leave it out to have it counted")
