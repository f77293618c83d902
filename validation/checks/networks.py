"""The networks: Allegro with several layers, for every pair and with slots for listed edges; NequIP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from cgcore.physics.space import free, periodic
from validation.check import Row, at_least, at_most, check, equal
from validation.context import Context
from validation.networks import allegro
from validation.networks.frames import (
    CUTOFF,
    N_MAX,
    N_SPECIES,
    TOO_MANY,
    Array,
    Energies,
    Frame,
    edges,
    evaluate,
    forces_of,
    frames,
    slope_of,
)
from validation.networks.nequip import jax_md_nequip
from validation.tolerances import relative

EXACT, DIFFERENCES = 1e-11, 1e-8
"""Tolerances of the same sums in float64 in another order (observed: 1e-14), and of differences of the fourth order
(observed: 3e-10)."""

ACROSS = 1e-8
"""Tolerance across the cut-off, where energies decrease at least as the third power of the distance from it, here 1e-4
of the cut-off."""

STAYS = ("turned and moved", "mirrored", "permuted, between padding", "like beads exchanged", "a bead out of reach")
"""Frames with the energy of "most"; for "a bead out of reach" only if a bead alone has none."""

NEIGHBOURS = 3.0

BOX = 60.0
"""Edge of a box [Å] that is larger than any chain and the cut-off."""

ALLEGRO = {"max_ell": 1, "num_layers": 3, "n_radial_basis": 4, "envelope_p": 5, "embed_n_hidden": (8, 6)}
ALLEGRO |= {"species_embed": 3, "mlp_n_hidden": 16, "mlp_n_layers": 2, "avg_num_neighbors": NEIGHBOURS}

NEQUIP = {"max_ell": 1, "num_layers": 2, "n_radial_basis": 4, "hidden_channels": 4, "mlp_n_hidden": 8}
NEQUIP |= {"mlp_n_layers": 3, "avg_num_neighbors": NEIGHBOURS}


@check("networks", needs=("e3nn_jax",))
def networks(_: Context) -> Iterator[Row]:
    """Allegro with three layers, for every pair and with slots for listed edges, against the paper in NumPy."""
    from cgcore.config.networks import AllegroSettings, NetworkSettings
    from cgcore.pipeline.networks.make import make_network

    sizes = AllegroSettings(**ALLEGRO)  # type: ignore[arg-type]
    settings, every = NetworkSettings("allegro", CUTOFF, N_SPECIES, allegro=sizes), frames()

    def energies(params: Any, R: Array, species: Array) -> Array:
        return np.array([allegro.energy(params, sizes, CUTOFF, one, species) for one in R])

    found = {}
    for name, slots in (("every pair", None), ("listed", _slots(every))):
        network: Any = make_network(settings, N_MAX, max_edges=slots)
        params = network.init(jax.random.key(0), np.float64)
        found[name] = yield from _network(f"Allegro, {name}", network, params, every, energies, slots)
    yield from _boxed("Allegro", settings, params, every["most"])
    for name, *both in zip(("energies", "forces", "gradients in the parameters"), *found.values(), strict=True):
        yield at_most(f"Allegro, {name}, listed and of every pair", relative(*both), EXACT, "relative")


@check("nequip", needs=("e3nn_jax", "flax", "jraph"))
def nequip(_: Context) -> Iterator[Row]:
    """NequIP against jax-md's own model, on graphs that NumPy makes."""
    from cgcore.config.networks import NequipSettings, NetworkSettings
    from cgcore.pipeline.networks.make import make_network

    sizes, every = NequipSettings(**NEQUIP), frames()  # type: ignore[arg-type]
    settings = NetworkSettings("nequip", CUTOFF, N_SPECIES, nequip=sizes)
    slots = _slots(every)
    network: Any = make_network(settings, N_MAX, max_edges=slots)
    params = network.init(jax.random.key(0), np.float64)
    yield from _network("NequIP", network, params, every, jax_md_nequip(sizes), slots)
    yield from _boxed("NequIP", settings, params, every["most"])
    for name, given, known in (("no limit", None, 56), ("a limit above all pairs", 57, 56)):
        made: Any = make_network(settings, N_MAX, max_edges=given)
        yield equal(f"NequIP, slots with {name}", made.max_edges, known)


def _slots(every: Mapping[str, Frame]) -> int:
    """As many slots as the frame with the most edges needs."""
    return len(edges(every["most"].R)[0])


def _network(
    name: str, network: Any, params: Any, every: Mapping[str, Frame], energies: Energies, slots: int | None
) -> Iterator[Row]:
    """Energies, forces and gradients in the parameters of frames; returns those of frames that always have
    enough slots."""
    enough = [key for key in every if slots is None or key not in TOO_MANY]
    rows = [frame.row for frame in every.values()]
    lost = rows[0][0].copy()
    lost[2, 1] = np.nan
    E, F, slope = evaluate(network, params, [*rows, (lost, *rows[0][1:])])
    params = jax.device_get(params)
    rng = np.random.default_rng(1)
    direction = jax.tree.map(lambda x: rng.normal(size=x.shape), params)
    parts = jax.tree.map(lambda d, s: np.tensordot(s, d, d.ndim), direction, slope)
    along = np.sum(jax.tree.leaves(parts), axis=0)

    yield equal(f"{name}, energy of a bead at NaN", str(E[-1]), "nan")
    at = {key: number for number, key in enumerate(every)}
    known = {key: energies(params, every[key].R[None], every[key].species)[0] for key in enough}
    own = [at[key] for key in enough]
    yield at_least(f"{name}, spread of the energies", np.ptp(list(known.values())), 0.01)
    yield at_most(f"{name}, energies", relative(E[own], list(known.values())), EXACT, "relative")
    off, padded = [], []
    for key in enough:
        frame, forces = every[key], F[at[key]]
        off.append(relative(forces[frame.slots], forces_of(energies, params, frame)))
        padded.append(np.abs(np.delete(forces, frame.slots, axis=0)).max())
    yield at_most(f"{name}, forces against differences of energies", _largest(off), DIFFERENCES, "relative")
    yield at_most(f"{name}, forces on padding", _largest(padded), 0.0)
    slopes = [slope_of(energies, params, direction, every[key]) for key in enough]
    yield at_most(f"{name}, gradient in the parameters", relative(along[own], slopes), DIFFERENCES, "relative")
    yield from _invariant(name, E, at)
    if slots is not None:
        finite = [int(np.isfinite(E[at[key]]) or np.isfinite(F[at[key]][every[key].slots]).any()) for key in TOO_MANY]
        yield equal(f"{name}, frames with more edges than slots that are not NaN", sum(finite), 0)
    shared = [at[key] for key in every if key not in TOO_MANY]
    return E[shared], F[shared], along[shared]


def _boxed(name: str, settings: Any, params: Any, frame: Frame) -> Iterator[Row]:
    """A chain that the walls of a periodic box cut, with slots for its edges and without, against the whole one."""
    from cgcore.pipeline.networks.make import make_network

    R, mask, species = frame.row
    cut = np.where(mask[:, None], np.mod(R - frame.R.mean(axis=0), BOX), R)
    yield equal(f"{name}, in a box, bonds across its walls", bool(np.ptp(cut[mask], axis=0).max() > BOX / 2), True)
    found = []
    for displacement, positions, slots in ((free, R, None), (periodic(BOX), cut, None), (periodic(BOX), cut, 32)):
        network: Any = make_network(settings, N_MAX, displacement, slots)
        found.append(float(jax.jit(network.energy)(params, positions, mask, species)))
    yield at_most(f"{name}, in a box, energies", relative(found[1:], [found[0]] * 2), EXACT, "relative")


def _invariant(name: str, E: Array, at: Mapping[str, int]) -> Iterator[Row]:
    """Energies that must agree with each other."""
    still = [E[at[key]] for key in STAYS[:-1]]
    yield at_most(f"{name}, turned, mirrored, permuted", relative(still, [E[at["most"]]] * 4), EXACT, "relative")
    alone, inside, outside = (E[at[key]] for key in (STAYS[-1], "a bead just inside", "a bead just outside"))
    across = abs(inside - outside) / abs(outside)
    yield at_most(f"{name}, across the cut-off", across, ACROSS, "relative")
    difference = alone - E[at["most"]] - (outside - E[at["stretched"]])
    yield at_most(f"{name}, a bead alone, beside two frames", abs(difference / outside), EXACT, "relative")


def _largest(values: list[float]) -> float:
    """The largest value; NaN if there is one."""
    return float(np.max(values))
