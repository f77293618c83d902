"""The report of a simulation as text."""

from __future__ import annotations

import math

import numpy as np

from cgcore.report.table import table
from cgcore.simulation.checks import MOST_ANGLES, NEAREST
from cgcore.simulation.divergence import Observable, Summary
from cgcore.simulation.result import SimulationResult
from cgcore.simulation.simulate import EQUILIBRATION

MOST = 10
"""Largest number of lost replicas that are listed individually."""


def headline(result: SimulationResult) -> str:
    """The verdict in one line."""
    settings, of = result.settings, result.settings.replicas
    verdict = f"all {of} replicas whole" if result.whole else f"{result.lost} of {of} replicas lost"
    return (
        f"Simulation of {result.origin.protein}, {result.origin.model}: {verdict}, "
        f"{duration(settings.at(settings.steps))} at {settings.temperature:g} K"
    )


def report(result: SimulationResult) -> str:
    """Settings, limits, verdicts and the table of distributions."""
    s, limits = result.settings, result.limits
    lines = [
        f"Langevin dynamics (BAOAB, {result.engine}) of {result.origin.protein}, {result.origin.beads} beads: "
        f"{result.origin.model}",
        f"  {s.replicas} replicas of {duration(s.at(s.steps))}, {s.temperature:g} K, timestep {s.timestep:g} fs, "
        f"friction {s.friction:g}/ps, {s.mass:g} g/mol, a frame each {s.interval:g} ps, seed {s.seed}",
        f"  from and against {result.origin.frames:,} frames of {result.origin.data}",
        "A replica is lost where a value is not finite, or",
        f"  a bond is beyond {limits.bond[0]:.2f} to {limits.bond[1]:.2f} Å (the sampled range widened)",
    ]
    if limits.closest > 0:
        lines.append(
            f"  beads {NEAREST} or more apart along the chain are closer than {limits.closest:.2f} Å "
            f"(sampled: {limits.closest_sampled:.2f} Å)"
        )
    if result.origin.beads > 2:
        low, high = np.degrees(limits.angle)
        lines.append(
            f"  more than {MOST_ANGLES:.1%} of its angles, and of all, are beyond {low:.0f} to {high:.0f} degrees "
            "(the sampled range and 10 degrees)"
        )
    lines += ["", *_verdict(result), *(f"Note: {note}" for note in result.notes)]
    if result.observables:
        lines += ["", _distributions(result)]
    return "\n".join(lines)


def duration(time: float) -> str:
    """A time in ps, in words."""
    return f"{time / 1000:g} ns" if time >= 1000 else f"{time:g} ps"


def _verdict(result: SimulationResult) -> list[str]:
    of = result.settings.replicas
    lost = [replica for replica in result.replicas if replica.status != 0]
    lines = [f"All {of} replicas are whole" if result.whole else f"{len(lost)} of {of} replicas are lost"]
    lines += [f"  {replica.sentence}" for replica in lost[:MOST]]
    lines += [f"  and {len(lost) - MOST} more (simulation.json has all)"] if len(lost) > MOST else []
    if math.isfinite(result.closest_approach):
        lines.append(f"Closest approach of beads {NEAREST} or more apart: {result.closest_approach:.2f} Å")
    if result.origin.beads > 2:
        lines.append(f"Angles outside: {result.angles_outside:.3%}")
    if math.isfinite(result.kinetic_temperature):
        error = f" ± {result.kinetic_error:.1f}" if math.isfinite(result.kinetic_error) else ""
        lines.append(f"Kinetic temperature: {result.kinetic_temperature:.1f}{error} K")
    lines.append(f"Speed: {result.ns_per_day:,.0f} ns/day, all replicas together ({result.seconds:.1f} s)")
    return lines


def _distributions(result: SimulationResult) -> str:
    rows = [_row(found) for found in result.observables.values()]
    headers = ("Distribution", "data", "std", "simulation", "std", "JS divergence", "halves of the data")
    title = (
        f"Data against simulation (its first {EQUILIBRATION:.0%} left out): mean ± standard error, standard deviation, "
        "Jensen-Shannon divergence [bits]"
    )
    return f"{title}\n{table(headers, rows)}"


def _row(found: Observable) -> tuple[str, ...]:
    name = f"{found.title} [{found.unit}]" if found.unit else found.title
    divergence = f"{found.divergence:.4f}"
    if found.divergence_error is not None:
        divergence += f" ± {found.divergence_error:.4f}"
    floor = "" if found.divergence_floor is None else f"{found.divergence_floor:.4f}"
    return (name, *_summary(found.reference), *_summary(found.simulation), divergence, floor)


def _summary(summary: Summary) -> tuple[str, str]:
    if summary.mean is None or summary.std is None:
        return "", ""
    error = "" if summary.error is None else f" ± {summary.error:.4f}"
    return f"{summary.mean:.4f}{error}", f"{summary.std:.4f}"
