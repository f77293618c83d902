"""The full model by the names that scripts use."""

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
    """Prior plus network of one frame, in free space.

    Arguments:
        config: a file, a mapping, an object like `ConfigManager`, or `Settings`.
        R0: (beads, 3), a typical frame [Å], its padding included.
        box: said not to be used; `cgcore.pipeline.CombinedModel` takes one.
        species: (beads,), of that frame; padding may be negative.
        N_max: beads of a frame.
        prior_only: leave the network out.

    Attributes:
        model: the pipeline's own model.
        prior: a `PriorEnergy`, whose `params` are used where parameters hold none of the prior; None without prior.
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
        """{"prior": those of `prior`, "allegro": random ones}, without what is not used. Old and new keys of JAX do."""
        params = self.model.initialize_params(rng_key)
        return self._complete({name: tree for name, tree in params.items() if name != pipeline.PRIOR})

    def compute_energy(
        self, params: Mapping[str, Any], R: Positions, mask: Mask, species: Species, neighbor: Any = None
    ) -> Float[Array, ""]:
        """Energy of one frame [kcal/mol]; a neighbour list is not needed, and not looked at."""
        return self.model.compute_energy(self._complete(params), jnp.asarray(R), jnp.asarray(mask) > 0, _kinds(species))

    compute_total_energy = compute_energy

    def compute_components(
        self, params: Mapping[str, Any], R: Positions, mask: Mask, species: Species, neighbor: Any = None
    ) -> dict[str, Float[Array, ""]]:
        """Energies by the pipeline's names (bond, ..., network), and by E_bond, ..., E_allegro (any network's),
        E_prior_total and E_total."""
        arguments = self._complete(params), jnp.asarray(R), jnp.asarray(mask) > 0, _kinds(species)
        return _named("E", self.model.compute_components(*arguments), jnp.zeros((), jnp.asarray(R).dtype))

    def compute_force_components(
        self, params: Mapping[str, Any], R: Positions, mask: Mask, species: Species
    ) -> dict[str, Float[Array, "beads 3"]]:
        """Minus the gradients of `compute_components`, by the same names with F [kcal/mol/Å]."""
        arguments = self._complete(params), jnp.asarray(R), jnp.asarray(mask) > 0, _kinds(species)
        return _named("F", self.model.compute_force_components(*arguments), jnp.zeros_like(jnp.asarray(R)))

    def energy_fn_template(self, params: Mapping[str, Any]) -> Callable[..., Float[Array, ""]]:
        """energy_fn(R, neighbor, mask=..., species=...), with these parameters."""

        def energy_fn(R: Positions, neighbor: Any = None, **frame: Any) -> Float[Array, ""]:
            return self.compute_energy(params, R, frame["mask"], frame["species"])

        return energy_fn

    @property
    def displacement(self) -> Any:
        """Displacement in free space."""
        return self.model.displacement

    @property
    def N_max(self) -> int:
        """Beads of a frame."""
        return self.model.N_max

    def _complete(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters with those of the prior, where they hold none; NumPy arrays as JAX's."""
        own = {} if self.prior is None else {pipeline.PRIOR: self.prior.params}
        network = self.model.network_name
        kept = {name: tree for name, tree in params.items() if name in (pipeline.PRIOR, network)}
        with self.model.precision():
            return jax.tree.map(jnp.asarray, own | kept)

    def __repr__(self) -> str:
        parts = [*(["prior"] if self.use_priors else []), *([self.model.network_name] if self.model.network else [])]
        return f"CombinedModel({' + '.join(map(str, parts))}, N_max={self.N_max})"


def _named(letter: str, parts: Mapping[str, Array], zero: Array) -> dict[str, Array]:
    """Parts by both names, and their sums."""
    theirs = {f"{letter}_{'allegro' if name == pipeline.NETWORK else name}": value for name, value in parts.items()}
    theirs.setdefault(f"{letter}_allegro", zero)
    of_prior = [value for name, value in parts.items() if name != pipeline.NETWORK]
    if of_prior:
        theirs.setdefault(f"{letter}_excluded_volume", zero)
        theirs[f"{letter}_prior_total"] = sum(of_prior, start=zero)
    return {**parts, **theirs, f"{letter}_total": sum(parts.values(), start=zero)}


def _kinds(species: Any) -> Array:
    """Species with 0 in the place of what padding may hold."""
    return jnp.maximum(jnp.asarray(species), 0)


def _real_beads(R0: np.ndarray, species: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A frame without its padding: beads at the end that are of no species, not finite, or all at one place."""
    real = len(R0)
    while real > 1 and (species[real - 1] < 0 or not np.isfinite(R0[real - 1]).all()):
        real -= 1
    parked = real
    while parked > 1 and np.array_equal(R0[parked - 1], R0[real - 1]):
        parked -= 1
    # One bead that is alone at its place is a real one.
    real = parked if real - parked > 1 else real
    return R0[:real], species[:real]
