"""Simulation of a model by Langevin dynamics, and comparison with data."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cgcore.constants import BOLTZMANN, KCAL_PER_MOL
from cgcore.data import Dataset
from cgcore.datasets import chignolin
from cgcore.errors import InputError
from cgcore.export.checks import MASS
from cgcore.physics.prior import Prior
from cgcore.processes import require_agreement
from cgcore.simulation.checks import limits_of
from cgcore.simulation.divergence import BLOCKS, Observable, compare
from cgcore.simulation.jax_engine import JaxEngine
from cgcore.simulation.observables import KINDS
from cgcore.simulation.potential import Potential, model_potential, prior_potential
from cgcore.simulation.reference import Reference, reference, temperature_of
from cgcore.simulation.result import Origin, SimulationResult
from cgcore.simulation.run import Progress, Ran, ns_per_day, run, steps_while_whole
from cgcore.simulation.settings import Settings, picoseconds, usual_interval
from cgcore.simulation.state import Engine, Tally
from cgcore.simulation.verdict import angles_outside, closest_approach, verdicts

EQUILIBRATION = 0.1
"""Fraction of the time at the start of each replica that distributions leave out; verdicts use the whole time."""


def simulate(
    model: Any,
    data: Dataset | None = None,
    *,
    protein: str | None = None,
    beads: int | None = None,
    temperature: float | None = None,
    replicas: int = 32,
    time: float | str = 1.0,
    timestep: float = 5.0,
    friction: float = 1.0,
    mass: float = MASS,
    interval: float | None = None,
    seed: int = 0,
    folder: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: Callable[[Progress], None] = lambda _: None,
) -> SimulationResult:
    """Simulate replicas by Langevin dynamics (BAOAB), judge each, and compare their distributions with data.

    Replicas start from frames of the data.

    Arguments:
        model: a `Prior`; what `load_trained` returns, a trained model and its parameters; an `openmm.System`, which
            OpenMM's CPU platform runs; or a `Potential`.
        data: frames from which replicas start and with which they are compared; None for the bundled chignolin set.
        protein: name of the protein to simulate, if the data hold several.
        beads: number of beads of that protein, another way to choose it.
        temperature: temperature [K]; None for that of the data, or else 300 with a note.
        replicas: number of independent runs, which start from frames spread over the data.
        time: length of each run, in ns or as a text with a unit, such as "100ps".
        timestep: time step [fs].
        friction: friction coefficient [1/ps].
        mass: mass of a bead [g/mol]; an `openmm.System` has its own.
        interval: time between saved frames [ps]; None for 1, or a thousandth of the time if that is longer.
        seed: seed of starting frames, velocities and noise.
        folder: folder that keeps the state of the run, so that a killed run can be resumed; None to keep no state.
        resume: continue from the state in `folder`; on one machine the result is identical, bit for bit, to that of an
            uninterrupted run.
        progress: called after each saved frame.

    Returns:
        The verdict on each replica, and the distributions.

    Raises:
        InputError: an argument is out of range, the model and the data do not fit, or a time step is unstable.

    Source: B. Leimkuhler and C. Matthews, Appl. Math. Res. Express 2013, 34 (BAOAB).

    Examples:
        >>> import cgcore
        >>> prior = cgcore.fit(cgcore.datasets.chignolin(), cgcore.default_prior()).fitted_prior
        >>> run = cgcore.simulate(prior, replicas=4, time="2ps")
        >>> run.lost, run.whole
        (0, True)
    """
    if resume and folder is None:
        raise InputError("resume needs the folder with the state of the run; give output")
    dataset = chignolin() if data is None else data
    ps = picoseconds(time)
    kelvin, note = temperature_of(dataset, temperature)
    settings = Settings(
        kelvin, replicas, ps, timestep, friction, mass, usual_interval(ps) if interval is None else interval, seed
    )
    compared = reference(dataset, protein, beads)
    settings.require_memory(compared.beads)
    limits = limits_of(compared.R)
    with jax.enable_x64(True):
        name, identity, make = _engine_of(model, compared, settings)
        origin = Origin(
            name, identity, compared.path, compared.sha256, compared.protein, compared.beads, compared.frames_in_data
        )
        engine = make(limits)
        made_of = {key: value for key, value in asdict(settings).items() if key != "time"}
        made_of |= {"model": identity, "data": compared.sha256, "protein": compared.protein, "engine": engine.name}
        require_agreement("model, data or settings", lambda: json.dumps([jax.__version__, made_of, settings.frames]))
        ran = run(engine, settings, compared.starts(replicas, seed), made_of,
                  None if folder is None else Path(folder), resume, progress)  # fmt: skip
    return _result(settings, origin, engine, ran, limits, compared, (note,) if note else ())


def _engine_of(model: Any, compared: Reference, settings: Settings) -> tuple[str, str, Callable[..., Engine]]:
    """The model's name, its identity, and a function that creates its engine from the limits."""
    if isinstance(model, Prior):
        model = prior_potential(model, compared.species)
    elif isinstance(model, tuple):
        own, params = model
        if own.N_max != compared.beads:
            raise InputError(
                f"the model is for frames of {own.N_max} beads, but {compared.protein} has {compared.beads}; "
                "load it for that number"
            )
        model = model_potential(own, params, compared.species)
    if isinstance(model, Potential):
        potential = model
        longest = potential.longest_timestep(settings.mass)
        if settings.timestep >= longest:
            raise InputError(
                f"timestep is {settings.timestep:g} fs, but the bonds of this model are unstable "
                f"above {longest:.3g} fs; "
                "give a shorter one"
            )
        return potential.name, potential.identity, lambda limits: JaxEngine(potential, settings, limits)
    if jax.process_count() > 1:
        raise InputError("OpenMM runs an OpenMM System in one process; give a Prior or a trained model to several")
    from cgcore.simulation.openmm_engine import OpenMMEngine, identity_of

    if type(model).__module__.partition(".")[0] != "openmm":
        raise InputError(
            f"a {type(model).__name__} cannot be simulated; give a Prior, a trained model or an openmm.System"
        )
    if (n := model.getNumParticles()) != compared.beads:
        raise InputError(f"the OpenMM System has {n} particles, but {compared.protein} has {compared.beads} beads")
    return "OpenMM System", identity_of(model), lambda limits: OpenMMEngine(model, settings, limits)


def _result(
    settings: Settings,
    origin: Origin,
    engine: Engine,
    ran: Ran,
    limits: Any,
    compared: Reference,
    notes: tuple[str, ...],
) -> SimulationResult:
    tally = Tally(*(np.asarray(part) for part in ran.state.tally))
    found = verdicts(ran.state, settings, limits)
    mass = settings.mass
    looked = tally.looks > 0
    if (sound := looked & (tally.lost_at < 0)).any():
        looked = sound  # the temperature of lost replicas is meaningless
    kinetic = tally.kinetic[looked] / tally.looks[looked] * mass / KCAL_PER_MOL / BOLTZMANN
    lost = int(np.sum(tally.lost_at >= 0))
    if lost:
        notes += (f"distributions are of the time before a replica was lost ({lost} of {settings.replicas} were)",)
    observables = _observables(compared, ran.frames)
    if not observables:
        notes += ("every replica was lost before a frame could be compared",)
    return SimulationResult(
        settings=settings,
        origin=origin,
        engine=engine.name,
        replicas=found,
        limits=limits,
        closest_approach=closest_approach(tally),
        angles_outside=angles_outside(tally),
        kinetic_temperature=float(np.mean(kinetic)) if len(kinetic) else float("nan"),
        kinetic_error=float(np.std(kinetic, ddof=1) / np.sqrt(len(kinetic))) if len(kinetic) > 1 else float("nan"),
        observables=observables,
        ns_per_day=ns_per_day(settings, steps_while_whole(ran.state), ran.seconds),
        seconds=ran.seconds,
        notes=notes,
        frames=ran.frames,
    )


def _observables(compared: Reference, frames: np.ndarray) -> dict[str, Observable]:
    simulated = _blocks(frames[:, int(EQUILIBRATION * frames.shape[1]) :])
    if not simulated:
        return {}
    data = np.array_split(compared.R, min(BLOCKS, len(compared.R)))
    return {
        name: compare(name, data, simulated, np.random.default_rng(0))
        for name, kind in KINDS.items()
        if compared.beads >= kind.beads
    }


def _blocks(frames: np.ndarray) -> Sequence[np.ndarray]:
    """Each replica's frames while it was whole, divided in time if there are fewer than `BLOCKS` replicas."""
    own = [replica[np.isfinite(replica).all(axis=(1, 2))] for replica in frames]
    parts = -(-BLOCKS // max(len(own), 1))
    return [part for R in own for part in np.array_split(R, parts) if len(part)]
