"""What a simulation makes of a model: replicas that are lost, and how far distributions are from the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import cgcore
from benchmarks.study.proteins import Protein
from cgcore.simulation.checks import Outcome

if TYPE_CHECKING:
    from cgcore.pipeline import CombinedModel
    from cgcore.pipeline.optimizers import ModelParams

Model: TypeAlias = "cgcore.Prior | tuple[CombinedModel, ModelParams]"
"""A prior, or a trained model for as many beads as the protein has, and its parameters."""

OBSERVABLES = ("bond", "angle", "dihedral", "distance", "radius_of_gyration")
FORCE_MAP = "optimal"


class Simulated(NamedTuple):
    """A simulation of one protein with one model.

    Arguments:
        method: how the model was made.
        protein: that was simulated.
        left_out: whether the model was fitted to the other proteins alone.
        replicas: number of them.
        lost: number of them that were lost, since they left what the protein's own frames show; all of them where bonds
            are too stiff for the time step.
        broken: number of these whose values are not finite, whose bonds are out of range, or whose beads overlap. The
            others only have angles that the frames do not show.
        first: time at which the first was lost [ps]; None: none was.
        divergence: Jensen-Shannon divergence from the reference frames by observable [bits], of the time before
            replicas were lost; None where nothing is left.
        floor: of halves of the reference frames from each other.
        densities: edges of bins, density in the reference frames, and in the simulation, by observable.
        error: what was refused, if anything was.
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
    """One simulation at the temperature of the data, from frames of the data.

    Arguments:
        method: how the model was made.
        model: that is simulated.
        protein: that is simulated.
        left_out: whether the model does not know it.
        time: of each replica, such as "200ps".
        replicas: number of them.
    """
    try:
        run = cgcore.simulate(model, protein.frames(FORCE_MAP), time=time, replicas=replicas)
    except cgcore.InputError as error:  # bonds that no time step of this length can follow
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
