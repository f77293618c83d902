"""The full model, with the names that scripts use."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from cgcore.compat.configuration import settings_from
from cgcore.compat.prior_energy import PriorEnergy
from cgcore.compat.topology import TopologyBuilder
from cgcore.errors import InputError, InputWarning
from cgcore.pipeline import model as pipeline

Positions = Float[Any, "beads 3"]
Mask = Shaped[Any, " beads"]
Species = Int[Any, " beads"]


class CombinedModel:
    """Energy and forces of prior and network for one frame, in free space.

    Arguments:
        config: a configuration file, a mapping, an object like `ConfigManager`, or `Settings`.
        R0: a typical frame (beads, 3) [Å], including its padding.
        box: ignored; for a periodic box use `cgcore.pipeline.CombinedModel`.
        species: species of that frame (beads,); may be negative in padding.
        N_max: number of beads of a frame, padding included.
        prior_only: whether to leave out the network.

    Attributes:
        model: the pipeline's own model.
        prior: a `PriorEnergy`; its `params` are used if given parameters contain none of the prior. None without prior.
        use_priors, train_priors: as configured.

    Raises:
        InputError: as `cgcore.pipeline.CombinedModel`.
    """

    def __init__(self, config: Any, R0: Any, box: Any, species: Any, N_max: int, prior_only: bool = False) -> None:
        settings = settings_from(config)
        if prior_only:
            if settings.model.prior is None:
                raise InputError(
                    "prior_only is true and model.use_priors false: so the model has no energy; change one of them"
                )
            settings = replace(settings, model=replace(settings.model, network=None))
        if box is not None:
            shown = np.array2string(np.asarray(box), precision=2, separator=", ")
            warnings.warn(
                f"box {shown} is not used: the model is evaluated in free space, whatever box is given; "
                "cgcore.pipeline.CombinedModel makes a periodic one",
                InputWarning,
                stacklevel=2,
            )
        R0, species = _real_beads(np.asarray(R0), np.asarray(species))
        self.config, self.prior_only = config, settings.model.network is None
        self.model = pipeline.CombinedModel(settings, R0, None, species, int(N_max))
        self.settings = self.model.settings
        self.topology = TopologyBuilder(N_max)
        own = self.model.prior
        self.prior: PriorEnergy | None = None if own is None else PriorEnergy(own, self.topology)
        self.use_priors: bool = own is not None
        self.train_priors: bool = self.settings.model.train_priors

    def initialize_params(self, rng_key: Any) -> dict[str, Any]:
        """Initial parameters {"prior": those of `prior`, "allegro": random ones}, without unused parts.

        `rng_key` may be an old-style or a new-style JAX key.
        """
        params = self.model.initialize_params(rng_key)
        return self._complete({name: tree for name, tree in params.items() if name != pipeline.PRIOR})

    def compute_energy(
        self, params: Mapping[str, Any], R: Positions, mask: Mask, species: Species, neighbor: Any = None
    ) -> Float[Array, ""]:
        """Energy of one frame [kcal/mol]; a neighbour list is not needed and is ignored."""
        return self.model.compute_energy(self._complete(params), jnp.asarray(R), jnp.asarray(mask) > 0, _kinds(species))

    compute_total_energy = compute_energy

    def compute_components(
        self, params: Mapping[str, Any], R: Positions, mask: Mask, species: Species, neighbor: Any = None
    ) -> dict[str, Float[Array, ""]]:
        """Energies under the pipeline's names (bond, ..., network), and as E_bond, ..., E_allegro (for any network),
        E_prior_total and E_total."""
        arguments = self._complete(params), jnp.asarray(R), jnp.asarray(mask) > 0, _kinds(species)
        return _named("E", self.model.compute_components(*arguments), jnp.zeros((), jnp.asarray(R).dtype))

    def compute_force_components(
        self, params: Mapping[str, Any], R: Positions, mask: Mask, species: Species
    ) -> dict[str, Float[Array, "beads 3"]]:
        """Forces of `compute_components` [kcal/mol/Å], under the same names with F instead of E."""
        arguments = self._complete(params), jnp.asarray(R), jnp.asarray(mask) > 0, _kinds(species)
        return _named("F", self.model.compute_force_components(*arguments), jnp.zeros_like(jnp.asarray(R)))

    def energy_fn_template(self, params: Mapping[str, Any]) -> Callable[..., Float[Array, ""]]:
        """A function energy_fn(R, neighbor, mask=..., species=...) with fixed parameters."""

        def energy_fn(R: Positions, neighbor: Any = None, **frame: Any) -> Float[Array, ""]:
            return self.compute_energy(params, R, frame["mask"], frame["species"])

        return energy_fn

    @property
    def displacement(self) -> Any:
        """Displacement in free space."""
        return self.model.displacement

    @property
    def N_max(self) -> int:
        """Number of beads of a frame, padding included."""
        return self.model.N_max

    def _complete(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters as JAX arrays; if they contain none of the prior, the prior's own are added."""
        own = {} if self.prior is None else {pipeline.PRIOR: self.prior.params}
        network = self.model.network_name
        kept = {name: tree for name, tree in params.items() if name in (pipeline.PRIOR, network)}
        with self.model.precision():
            return jax.tree.map(jnp.asarray, own | kept)

    def __repr__(self) -> str:
        parts = [*(["prior"] if self.use_priors else []), *([self.model.network_name] if self.model.network else [])]
        return f"CombinedModel({' + '.join(map(str, parts))}, N_max={self.N_max})"


def _named(letter: str, parts: Mapping[str, Array], zero: Array) -> dict[str, Array]:
    """Parts under both of their names, and their sums."""
    theirs = {f"{letter}_{'allegro' if name == pipeline.NETWORK else name}": value for name, value in parts.items()}
    theirs.setdefault(f"{letter}_allegro", zero)
    of_prior = [value for name, value in parts.items() if name != pipeline.NETWORK]
    if of_prior:
        theirs.setdefault(f"{letter}_excluded_volume", zero)
        theirs[f"{letter}_prior_total"] = sum(of_prior, start=zero)
    return {**parts, **theirs, f"{letter}_total": sum(parts.values(), start=zero)}


def _kinds(species: Any) -> Array:
    """Species with 0 in place of negative values, which padding may hold."""
    return jnp.maximum(jnp.asarray(species), 0)


def _real_beads(R0: np.ndarray, species: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A frame without its padding: trailing beads with negative species, non-finite positions, or all at one place."""
    real = len(R0)
    while real > 1 and (species[real - 1] < 0 or not np.isfinite(R0[real - 1]).all()):
        real -= 1
    parked = real
    while parked > 1 and np.array_equal(R0[parked - 1], R0[real - 1]):
        parked -= 1
    # A single bead at its place is real.
    real = parked if real - parked > 1 else real
    return R0[:real], species[:real]
