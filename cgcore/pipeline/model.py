"""The energy of the full model: the sum of the prior's terms and a network's energy."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from cgcore.config import Settings, load_settings
from cgcore.data import Dataset
from cgcore.errors import InputError
from cgcore.evaluation import Evaluation, evaluate_parts
from cgcore.physics.energy import term_energies
from cgcore.physics.prior import Prior
from cgcore.physics.space import Displacement
from cgcore.pipeline.box import displacement_in
from cgcore.pipeline.core import core_energy
from cgcore.pipeline.loader import DatasetLoader, check_frames, check_species
from cgcore.pipeline.networks.edges import average_neighbors
from cgcore.pipeline.networks.make import make_network
from cgcore.pipeline.networks.network import Network
from cgcore.pipeline.optimizers import ModelParams
from cgcore.pipeline.splines import with_splines_read

MOST_PARAMETERS = 200_000_000
"""Largest number of network parameters: with the two further numbers that an optimizer keeps for each, 2.4 GB in
float32."""

PRIOR = "prior"
"""The prior's key in the parameters; the network's is its kind, "allegro" or "nequip"."""

NETWORK, CORE = "network", "core"
"""Keys of the network and of the wall among the components of energy and forces."""


class CombinedModel:
    """The energy of the prior plus the energy of a network, for one frame.

    Arguments:
        config: a YAML file, its content, or `Settings`.
        R0: a typical frame (beads, 3) [Å], in which `avg_num_neighbors` is counted if the settings leave it out.
        box: None for free space, or the three lengths [Å] of a periodic box.
        species: species of that frame (beads,).
        N_max: number of beads in a frame, padding included.
        max_edges: largest number of the network's directed edges in a frame (see `make_network`); None for all pairs.

    Attributes:
        settings: the settings, with `avg_num_neighbors` filled in.
        prior: weights and initial parameters; None with `use_priors: false`. The current parameters are kept with those
            of the network (`Trainer.params`).
        network: the network; None with `ml_model: none`.
        core: distance at which the repulsive wall begins [Å] (`model.core`); None if there is no wall or no network, or
            with `auto`, which only `model_for` can convert to a distance.
        box: lengths of the box [Å]; None in free space.
        displacement: displacement function in the box.

    Raises:
        InputError: a setting is invalid, shapes are inconsistent, or a species is out of range.
    """

    def __init__(
        self,
        config: str | os.PathLike[str] | Mapping[str, Any] | Settings,
        R0: Any,
        box: Any,
        species: Any,
        N_max: int,
        *,
        max_edges: int | None = None,
    ) -> None:
        settings = with_splines_read(load_settings(config))
        R0, species = np.asarray(R0, np.float64), np.asarray(species)
        if R0.ndim != 2 or R0.shape[1] != 3 or species.shape != R0.shape[:1] or len(R0) > N_max:
            raise InputError(
                f"R0 has shape {R0.shape}, species {species.shape} and N_max is {N_max}; "
                "give (beads, 3), (beads,) and at least as many beads"
            )
        network = settings.model.network
        self.displacement: Displacement
        self.displacement, self.displacement_name = displacement_in(box, network and network.cutoff)
        self.box: list[float] | None = None if box is None else np.asarray(box, np.float64).tolist()
        self.network: Network | None = None
        if network is not None:
            check_species("species", species, np.ones(len(species), bool), network.n_species)
            if network.avg_num_neighbors is None:
                real = jnp.ones((1, len(R0)), bool)
                counted = average_neighbors(jnp.asarray(R0)[None], real, network.cutoff, self.displacement)
                network = network.with_avg_num_neighbors(max(counted, 1.0))
            self.network = make_network(network, N_max, self.displacement, max_edges)
        self.settings: Settings = replace(settings, model=replace(settings.model, network=network))
        self.prior: Prior | None = settings.model.prior
        self.N_max = int(N_max)
        core = settings.model.core
        self.core: float | None = None if core in (None, "auto") or self.network is None else float(core)

    @property
    def network_name(self) -> str | None:
        """The network's key in the parameters."""
        network = self.settings.model.network
        return None if network is None else network.kind

    @property
    def names(self) -> list[str]:
        """Names of the parts of the energy, which are also the keys of the parameters: "prior" and the network's."""
        return [*([PRIOR] if self.prior else []), *([self.network_name] if self.network_name else [])]

    @property
    def dtype(self) -> str:
        """Floating-point precision of parameters and stages, `training.precision`."""
        return self.settings.training.precision

    def initialize_params(self, key: jax.Array) -> ModelParams:
        """Initial parameters {"prior": those of the prior, "allegro" or "nequip": random ones}, without unused parts.

        Raises:
            InputError: the network would have more than `MOST_PARAMETERS`.
        """
        with self.precision():
            params: ModelParams = {} if self.prior is None else self.in_precision({PRIOR: dict(self.prior.params)})
            if self.network is not None and self.network_name is not None:
                init = partial(self.network.init, dtype=jnp.dtype(self.dtype))
                # Counted before anything is allocated.
                count = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(jax.eval_shape(init, key)))
                if count > MOST_PARAMETERS:
                    raise InputError(
                        f"{self.settings.name}: model.{self.network_name} asks for {count:,} parameters; make it "
                        f"smaller (at most {MOST_PARAMETERS:,})"
                    )
                params[self.network_name] = init(key)
        return params

    def in_precision(self, params: ModelParams) -> ModelParams:
        """Parameters as arrays of `dtype`."""
        with self.precision():
            return jax.tree.map(lambda value: jnp.asarray(value, self.dtype), params)

    def precision(self) -> AbstractContextManager[Any]:
        """A context in which arrays of `dtype` can be created."""
        return jax.enable_x64(True) if self.dtype == "float64" else nullcontext()

    def compute_energy(
        self,
        params: ModelParams,
        R: Float[Any, "beads 3"],
        mask: Shaped[Any, " beads"],
        species: Int[Any, " beads"],
        sites: Int[Any, " beads"] | None = None,
    ) -> Float[Array, ""]:
        """Energy of one frame [kcal/mol]; can be jitted, mapped over frames and differentiated.

        Arguments:
            params: parameters from `initialize_params`, or trained ones.
            R: positions [Å]; padded beads may hold anything.
            mask: 1 for a real bead, 0 for padding.
            species: species of each bead.
            sites: sites of the beads (see `cgcore.physics.topology`), for the prior's terms; None for one whole chain.
        """
        energies = self.compute_components(params, R, mask, species, sites)
        return sum(energies.values(), start=jnp.zeros((), jnp.asarray(R).dtype))

    def compute_components(
        self,
        params: ModelParams,
        R: Float[Any, "beads 3"],
        mask: Shaped[Any, " beads"],
        species: Int[Any, " beads"],
        sites: Int[Any, " beads"] | None = None,
    ) -> dict[str, Float[Array, ""]]:
        """Weighted energy of each of the prior's terms, and energy of the network ("network") and of the wall ("core")
        [kcal/mol]."""
        parts: dict[str, Float[Array, ""]] = {}
        for part in self.parts(params, mask, species, sites):
            parts |= part(jnp.asarray(R))
        return parts

    def compute_force_components(
        self,
        params: ModelParams,
        R: Float[Any, "beads 3"],
        mask: Shaped[Any, " beads"],
        species: Int[Any, " beads"],
        sites: Int[Any, " beads"] | None = None,
    ) -> dict[str, Float[Array, "beads 3"]]:
        """Minus the gradient of each component [kcal/mol/Å]; zero on padded beads."""
        forces: dict[str, Float[Array, "beads 3"]] = {}
        for part in self.parts(params, mask, species, sites):
            forces |= {name: -gradient for name, gradient in jax.jacrev(part)(jnp.asarray(R)).items()}
        return forces

    def evaluate(self, params: ModelParams, dataset: Dataset) -> Evaluation:
        """Forces and energies on all frames of a data set, see `cgcore.evaluate`.

        Raises:
            InputError: the frames do not match the model.
        """
        network = self.settings.model.network
        check_frames(DatasetLoader(dataset), self.N_max, None if network is None else network.n_species)
        return evaluate_parts(
            " + ".join(self.names),
            self.parts,
            self.in_precision(params),
            dataset,
            self.N_max,
            self.settings.training.precision,
        )

    def fingerprint(self) -> dict[str, Any]:
        """Plain values that identify the model: parameters of a model with another fingerprint cannot be used."""
        network, prior = self.settings.model.network, self.prior
        return {
            "box": self.box,
            "prior": None
            if prior is None
            else {"weights": prior.weights._asdict()}
            | {name: len(value) for name, value in prior.params.items() if value.ndim}
            | ({"terms": [term.as_dict() for term in prior.further]} if prior.further else {})
            | ({} if prior.splines is None else {"splines": prior.splines.sha256}),
            "network": None
            if network is None
            else {name: getattr(network, name) for name in ("kind", "cutoff", "n_species")}
            | {
                name: list(v) if isinstance(v, tuple) else v
                for name, v in asdict(getattr(network, network.kind)).items()
            },
        } | ({} if self.core is None else {"core": self.core})

    def parts(
        self,
        params: ModelParams,
        mask: Shaped[Any, " beads"],
        species: Int[Any, " beads"],
        sites: Int[Any, " beads"] | None = None,
    ) -> list[Callable[[Array], dict[str, Array]]]:
        """Components of the energy as functions of positions; those that share work come from the same function."""
        parts: list[Callable[[Array], dict[str, Array]]] = []
        if self.prior is not None:
            prior = self.prior
            parts.append(lambda R: term_energies(prior, params[PRIOR], R, mask, species, self.displacement, sites))
        if self.network is not None:
            network, own = self.network, params[self.network_name or NETWORK]
            parts.append(lambda R: {NETWORK: network.energy(own, R, mask, species)})
        if self.core is not None:
            distance = self.core
            parts.append(lambda R: {CORE: core_energy(R, mask, distance, self.displacement)})
        return parts
