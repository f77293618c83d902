"""Results of a model's simulation: lost replicas, and divergences of distributions from the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import cgcore
from benchmarks.study.proteins import Protein
from cgcore.simulation.checks import Outcome

if TYPE_CHECKING:
    from cgcore.pipeline import CombinedModel
    from cgcore.pipeline.optimizers import ModelParams

Model: TypeAlias = "cgcore.Prior | tuple[CombinedModel, ModelParams]"
"""A prior, or a trained model for the protein's number of beads together with its parameters."""

OBSERVABLES = ("bond", "angle", "dihedral", "distance", "radius_of_gyration")
FORCE_MAP = "optimal"


class Simulated(NamedTuple):
    """Results of simulating one protein with one model.

    Arguments:
        method: method by which the model was made.
        protein: name of the simulated protein.
        left_out: whether the model was fitted to the other proteins only.
        replicas: number of replicas.
        lost: number of replicas that were lost because they left the range of the protein's own frames; all of them if
            bonds are too stiff for the time step.
        broken: number of lost replicas with values that are not finite, bonds out of range, or overlapping beads. The
            others only have angles that do not occur in the frames.
        first: time at which the first replica was lost [ps]; None if none was.
        divergence: Jensen-Shannon divergence from the reference frames by observable [bits], for the time before
            replicas were lost; None if nothing is left.
        floor: divergence between halves of the reference frames, by observable [bits].
        densities: edges of bins, density in the reference frames, and density in the simulation, by observable.
        error: error message if the simulation was refused.
    """

    method: str
    protein: str
    left_out: bool
    replicas: int
    lost: int
    broken: int
    first: float | None
    divergence: dict[str, float] | None
    floor: dict[str, float] | None
    densities: dict[str, list[list[float]]] | None
    error: str = ""


def simulated(method: str, model: Model, protein: Protein, *, left_out: bool, time: str, replicas: int) -> Simulated:
    """Simulate at the temperature of the data, starting from frames of the data.

    Arguments:
        method: method by which the model was made.
        model: the model.
        protein: the protein.
        left_out: whether the model was fitted to the other proteins only.
        time: length of each replica, such as "200ps".
        replicas: number of replicas.
    """
    try:
        run = cgcore.simulate(model, protein.frames(FORCE_MAP), time=time, replicas=replicas)
    except cgcore.InputError as error:  # bonds too stiff for this time step
        return Simulated(
            method, protein.name, left_out, replicas, replicas, replicas, 0.0, None, None, None, str(error)
        )
    first = min((replica.time for replica in run.replicas if replica.time is not None), default=None)
    seen = {name: run.observables[name] for name in OBSERVABLES if name in run.observables}
    return Simulated(
        method,
        protein.name,
        left_out,
        replicas,
        run.lost,
        sum(replica.status not in (Outcome.WHOLE, Outcome.ANGLE) for replica in run.replicas),
        first,
        {name: one.divergence for name, one in seen.items()} or None,
        {name: one.divergence_floor or 0.0 for name, one in seen.items()} or None,
        {
            name: [one.edges.tolist(), one.reference.density.tolist(), one.simulation.density.tolist()]
            for name, one in seen.items()
        }
        or None,
    )
