"""The prior, with the names that scripts use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from cgcore.compat.configuration import settings_from
from cgcore.compat.topology import TopologyBuilder
from cgcore.errors import InputError
from cgcore.physics.energy import term_energies
from cgcore.physics.prior import Prior, Weights
from cgcore.physics.space import Displacement, free
from cgcore.pipeline.splines import with_splines_read

Positions = Float[Any, "beads 3"]
Mask = Shaped[Any, " beads"]
Species = Int[Any, " beads"] | None
_ONE = Weights(1.0, 1.0, 1.0, 1.0, 1.0)


class PriorEnergy:
    """Energies of the prior's terms for one frame [kcal/mol].

    Arguments:
        config: a configuration file, a mapping, an object like `ConfigManager`, `Settings`, or a `Prior`.
        topology: its `N_max` sets the rows below; energies take the number of beads from R.
        displacement: displacement function in jax-md's convention.

    Attributes:
        params: current parameters, by name; they may be replaced.
        weights: weights of the terms, by name.
        uses_splines: whether splines replace the formulas for bonds, angles and dihedrals.
        bonds, angles, dihedrals, rep_pairs, excluded_vol_pairs: rows of `topology`.

    Raises:
        InputError: the configuration is invalid or has no prior.
    """

    def __init__(self, config: Any, topology: Any = None, displacement: Displacement | None = None) -> None:
        prior = config if isinstance(config, Prior) else with_splines_read(settings_from(config)).model.prior
        if prior is None:
            raise InputError("model.use_priors is false, so there is no prior; set it to true")
        self.prior: Prior = prior
        self.config, self.topology = config, topology if topology is not None else TopologyBuilder(0)
        self.displacement: Displacement = free if displacement is None else displacement
        self.params: dict[str, Any] = dict(prior.params)
        self.weights: dict[str, float] = {name: w or 0.0 for name, w in prior.weights._asdict().items()}
        self.uses_splines: bool = prior.splines is not None
        self.bonds, self.angles = self.topology.get_bonds_and_angles()
        self.dihedrals, self.rep_pairs = self.topology.get_dihedrals(), self.topology.get_repulsive_pairs()
        self.excluded_vol_pairs = TopologyBuilder(self.topology.N_max).get_excluded_volume_pairs()

    def compute_energy(
        self, R: Positions, mask: Mask, species: Species = None, params: Mapping[str, Any] | None = None
    ) -> dict[str, Float[Array, ""]]:
        """Weighted energies E_bond, E_angle, E_repulsive, E_dihedral, E_excluded_volume and their sum, E_total."""
        parts = self._parts(self.prior, R, mask, species, params)
        named = {f"E_{name}": parts.get(name, jnp.zeros(())) for name in Weights._fields}
        return named | {"E_total": sum(parts.values(), start=jnp.zeros((), jnp.asarray(R).dtype))}

    def compute_total_energy(
        self, R: Positions, mask: Mask, species: Species = None, params: Mapping[str, Any] | None = None
    ) -> Float[Array, ""]:
        """The sum of all terms."""
        return self.compute_energy(R, mask, species, params)["E_total"]

    def compute_total_energy_from_params(
        self, params: Mapping[str, Any], R: Positions, mask: Mask, species: Species = None
    ) -> Float[Array, ""]:
        """The sum of all terms for the given parameters."""
        return self.compute_total_energy(R, mask, species, params)

    def compute_bond_energy(
        self, R: Positions, mask: Mask, params: Mapping[str, Any] | None = None
    ) -> Float[Array, ""]:
        """Energy of the bonds, without their weight."""
        return self._alone("bond", R, mask, None, params)

    def compute_angle_energy(
        self, R: Positions, mask: Mask, species: Species = None, params: Mapping[str, Any] | None = None
    ) -> Float[Array, ""]:
        """Energy of the angles, without their weight."""
        return self._alone("angle", R, mask, species, params)

    def compute_dihedral_energy(
        self, R: Positions, mask: Mask, params: Mapping[str, Any] | None = None
    ) -> Float[Array, ""]:
        """Energy of the dihedrals, without their weight."""
        return self._alone("dihedral", R, mask, None, params)

    def compute_repulsive_energy(
        self, R: Positions, mask: Mask, params: Mapping[str, Any] | None = None
    ) -> Float[Array, ""]:
        """Energy of pairs that are 6 or more positions apart along the chain, without their weight."""
        return self._alone("repulsive", R, mask, None, params)

    def compute_excluded_volume_energy(
        self, R: Positions, mask: Mask, params: Mapping[str, Any] | None = None
    ) -> Float[Array, ""]:
        """Energy of pairs that are 2 to 5 positions apart, without their weight; 0 if the prior has no such term."""
        return self._alone("excluded_volume", R, mask, None, params)

    def _alone(
        self, term: str, R: Positions, mask: Mask, species: Species, params: Mapping[str, Any] | None
    ) -> Float[Array, ""]:
        own = self.prior.weights
        weights = _ONE if own.excluded_volume is not None else _ONE._replace(excluded_volume=None)
        alike = Prior(weights, self.prior.params, self.prior.carried, self.prior.splines)
        return self._parts(alike, R, mask, species, params).get(term, jnp.zeros(()))

    def _parts(
        self, prior: Prior, R: Positions, mask: Mask, species: Species, params: Mapping[str, Any] | None
    ) -> dict[str, Float[Array, ""]]:
        # Parameters saved by scripts may lack some that scripts never train.
        values = {name: jnp.asarray(x) for name, x in (self.params | dict(params or {})).items()}
        kinds = None if species is None else jnp.asarray(species)
        return term_energies(prior, values, jnp.asarray(R), jnp.asarray(mask) > 0, kinds, self.displacement)

    def __repr__(self) -> str:
        mode = "spline" if self.uses_splines else "parametric"
        return f"PriorEnergy(mode={mode}, weights={self.weights})"


def plain_params(params: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Parameters as NumPy arrays."""
    return {name: np.asarray(value) for name, value in params.items()}
