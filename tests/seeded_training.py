"""Faults of one line in cgcore, as in `seeded_fits`: what simulations, trainings and exports say and write."""

from __future__ import annotations

import importlib

from fault_helpers import Faults, edited, uncompiled

from cgcore.simulation import divergence, trajectory, verdict
from cgcore.simulation import run as running
from cgcore.simulation.settings import Settings
from validation.checks import simulation_compared, simulation_judged

simulate = importlib.import_module("cgcore.simulation.simulate")  # the package has a function of this name

JUDGED: Faults = {
    "a verdict from angles of all replicas": (
        "simulation-judged",
        edited(
            verdict,
            "_verdict",
            "elif many and (value := _outside(tally, k)) > MOST_ANGLES:",
            "elif many and (value := 1.0):",
        ),
    ),
    "a verdict from angles of one replica alone": (
        "simulation-judged",
        edited(simulation_judged, "verdicts", "many = angles_outside(tally) > MOST_ANGLES", "many = True"),
    ),
    "the time of the loss for that of the first angle": (
        "simulation-judged",
        edited(verdict, "_verdict", "settings.at(int(tally.first_outside[k]))", "settings.at(int(tally.lost_at[k]))"),
    ),
    "the angle of another replica": (
        "simulation-judged",
        edited(verdict, "_verdict", "np.argmax(tally.outside[:, k])", "np.argmax(tally.outside[:, 0])"),
    ),
    "the longest bond for the worst": (
        "simulation-judged",
        edited(verdict, "_worst_bond", "np.maximum(limits.bond[0] - r, r - limits.bond[1])", "r"),
    ),
    "all beads are finite": ("simulation-judged", edited(verdict, "_not_finite", "~np.isfinite(x)", "np.isnan(x)")),
    "frames that go on after a loss": (
        "simulation-judged",
        edited(
            simulation_judged,
            "run",
            "frames[moving, done] = x - x.mean(axis=1, keepdims=True)",
            "frames[moving, done:] = (x - x.mean(axis=1, keepdims=True))[:, None]",
        ),
    ),
    "a run that goes on without replicas": (
        "simulation-judged",
        edited(simulation_judged, "run", "and (seen.tally.lost_at < 0).any()", ""),
    ),
    "the speed of replicas that are lost, too": (
        "simulation-judged",
        edited(
            running,
            "steps_while_whole",
            "np.where(lost_at < 0, int(state.step), lost_at)",
            "np.full_like(lost_at, int(state.step))",
        ),
    ),
    "progress of replicas that are whole": (
        "simulation-judged",
        edited(simulation_judged, "run", "int(np.sum(~moving))", "int(np.sum(moving))"),
    ),
    "the temperature of lost replicas": (
        "simulation-judged",
        edited(simulate, "_result", "looked = sound  #", "pass  #"),
    ),
    "the temperature of replicas that were never seen": (
        "simulation-judged",
        edited(simulate, "_result", "looked = tally.looks > 0", "looked = tally.looks >= 0"),
    ),
    "no note about lost replicas": ("simulation-judged", edited(simulate, "_result", "if lost:", "if lost > 1:")),
    "a note that takes the place of another": (
        "simulation-judged",
        edited(simulate, "_result", "notes += (f", "notes = (f"),
    ),
    "replicas that are one block": (
        "simulation-compared",
        edited(simulate, "_blocks", "-(-BLOCKS // max(len(own), 1))", "1"),
    ),
    "blocks without frames": ("simulation-compared", edited(simulate, "_blocks", " if len(part)]", "]")),
    "frames of the start, compared": (
        "simulation-compared",
        edited(simulate, "_observables", "int(EQUILIBRATION * frames.shape[1]) :", "0 :"),
    ),
    "observables of longer chains": (
        "simulation-compared",
        edited(simulate, "_observables", "compared.beads >= kind.beads", "compared.beads > kind.beads"),
    ),
    "no error for one block of data": (
        "simulation-compared",
        edited(
            simulation_compared,
            "compare",
            "several = max(len(c) for c in counts) > 1",
            "several = min(len(c) for c in counts) > 1",
        ),
    ),
    "halves of the run": (
        "simulation-compared",
        edited(simulation_compared, "compare", "_floor(counts[0], rng)", "_floor(counts[1], rng)"),
    ),
    "bins of the first block": (
        "simulation-compared",
        edited(
            divergence,
            "_edges",
            "found = [of_frames(name, R) for R in data]",
            "found = [of_frames(name, R) for R in data[:1]]",
        ),
    ),
    "frames that are always a picosecond apart": (
        "simulation-compared",
        edited(simulation_compared, "usual_interval", "min(max(1.0, time / FRAMES), time)", "min(1.0, time)"),
    ),
    "memory of one replica": (
        "simulation-compared",
        edited(Settings, "require_memory", "self.replicas * self.frames * beads", "self.frames * beads"),
    ),
    "steps that are too long": (
        "simulation-compared",
        edited(simulate, "_engine_of", "if settings.timestep >= longest:", "if settings.timestep >= 2 * longest:"),
    ),
    "models of longer chains": (
        "simulation-compared",
        edited(simulate, "_engine_of", "if own.N_max != compared.beads:", "if own.N_max < compared.beads:"),
    ),
    "trajectories of lost replicas": (
        "simulation-compared",
        edited(
            simulation_compared,
            "write_trajectory",
            "np.isfinite(result.frames).all(axis=(2, 3))",
            "np.isfinite(result.frames).all(axis=(1, 2, 3))[:, None] & np.ones(result.frames.shape[1], bool)",
        ),
    ),
    "the first frames of many": (
        "simulation-compared",
        edited(
            simulation_compared,
            "write_trajectory",
            "places[:: -(-len(places) // MOST_MODELS) or 1]",
            "places[:MOST_MODELS]",
        ),
    ),
    "times at the start of frames": (
        "simulation-compared",
        edited(trajectory, "_lines", "(frame + 1) * result", "frame * result"),
    ),
    "the last bond left out": (
        "simulation-compared",
        edited(trajectory, "_lines", "range(1, len(names))", "range(1, len(names) - 1)"),
    ),
    "longer chains than the format": (
        "simulation-compared",
        edited(simulation_compared, "write_trajectory", "if result.origin.beads > MOST_BEADS:", "if False:"),
    ),
    "any ending": (
        "simulation-compared",
        edited(trajectory, "check_trajectory", ".lower() != SUFFIX", ".lower() == ''"),
    ),
    "resuming nothing": (
        "simulation-compared",
        edited(simulate, "simulate", "if resume and folder is None:", "if False:"),
    ),
}

FAULTS: Faults = uncompiled(JUDGED)
