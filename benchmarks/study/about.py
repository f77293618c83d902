"""Description of a run for the reports."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version

from benchmarks.study.proteins import RUN, Protein


def about(proteins: Sequence[Protein], time: str, replicas: int) -> dict[str, str]:
    """Data, simulations, versions and machine, each as a sentence.

    Arguments:
        proteins: proteins whose frames were used.
        time: length of each replica.
        replicas: number of replicas of each simulation.
    """
    beads = ", ".join(
        f"{protein.name} ({protein.R.shape[0]} frames of {protein.R.shape[1]} beads)" for protein in proteins
    )
    packages = ", ".join(f"{name} {version(name)}" for name in ("cgcore", "jax", "numpy", "openmm"))
    step = f"{RUN.step:g} fs steps, a frame every {RUN.every}, seed {RUN.seed}"
    return {
        "Data": f"{beads}; amber14 with {RUN.solvent}, {RUN.temperature:g} K, {step}",
        "Simulations": f"{replicas} replicas of {time}, steps of 5 fs",
        "Versions": f"{packages}, Python {platform.python_version()}",
        "Machine": f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores, no GPU",
    }
