"""Settings of fits, error bars, learning curves, scans, simulations and exports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.export import write_lammps
from cgcore.fitting.scan import with_value
from cgcore.pipeline.box import displacement_in
from cgcore.simulation import Settings
from cgcore.simulation.reference import reference, temperature_of
from cgcore.simulation.settings import picoseconds
from validation.refused.place import INF, NAN, Place, Work, by_value

NO_NUMBERS: tuple[Any, ...] = (NAN, INF, -INF, True, "1", [1.0], 10**400)
NOT_WHOLE: tuple[Any, ...] = (1.5, 2.0, NAN, True, "2")


def places(folder: Path, fitted: cgcore.FitResult) -> Iterator[Place]:
    """Every place where settings enter.

    Arguments:
        folder: where exports are written.
        fitted: a converged fit.
    """
    yield _options()
    yield _together()
    yield from _of_fits(fitted)
    yield from _simulations()
    yield _exports(folder)
    yield _boxes_of_networks()


def _options() -> Place:
    positive = ([1e-3, 300.0, 1e5], [0, 0.0, -300.0, *NO_NUMBERS])
    return by_value("options", cgcore.Options, {
        "objective": (["compressed", "direct"], ["", "Direct", None, 1, ["direct"]]),
        "coordinates": (["whitened", "physical"], ["", "white", None]),
        "precision": (["float64", "float32"], ["", "float16", None, 64]),
        "constraints": ([None, "safe", "nonnegative", "none"], ["", "Safe", True, 0]),
        "smoothness": ([None, "auto", 1e-300, 1, 1e6], ["Auto", 0, 0.0, -1e-300, 1.000001e6, *NO_NUMBERS]),
        "truncation": ([None, "auto", 0, 1e-300, 1 - 1e-9], ["Auto", -1e-300, 1, 1.0, *NO_NUMBERS[:-1]]),
        "pooling": ([None, "auto", 0, 1e6], ["Auto", -1e-300, 1.000001e6, *NO_NUMBERS]),
        "temperature": ([None, *positive[0]], positive[1]),
        "max_steps": ([1, 10**6], [0, -1, 10**6 + 1, None, *NOT_WHOLE]),
        "min_steps": ([None, 0, 200], [-1, 201, *NOT_WHOLE]),
        "tol_grad": ([0, 1e-300, 1e30], [-1e-300, None, *NO_NUMBERS]),
        "blocks": ([1, 10**6], [0, -1, None, *NOT_WHOLE]),
    })  # fmt: skip


def _together() -> Place:
    """Settings of a fit that exclude each other."""

    def options(**given: Any) -> Work:
        return lambda: cgcore.Options(**given)

    plain = {"objective": "direct", "coordinates": "physical"}
    good = {
        "smoothness without constraints": options(smoothness="auto", constraints="none"),
        "truncation without smoothness": options(truncation="auto", smoothness=None),
        "as few steps as most": options(min_steps=5, max_steps=5),
        "direct": options(**plain, constraints="none"),
    }
    bad = {
        "smoothness and truncation": options(smoothness="auto", truncation="auto"),
        "smoothness and truncation 0": options(smoothness=1.0, truncation=0),
        "more steps than most": options(min_steps=6, max_steps=5),
        "constraints, direct": options(**plain, constraints="safe"),
        "smoothness, direct": options(objective="direct", smoothness="auto"),
        "pooling, physical": options(coordinates="physical", pooling=1.0),
    }
    return Place("options together", good, bad)


def _of_fits(fitted: cgcore.FitResult) -> Iterator[Place]:
    yield by_value("error bars", lambda by="auto", level=0.95, resamples=2, seed=0:
                   cgcore.error_bars(fitted, by=by, level=level, resamples=resamples, seed=seed), {
        "by": (["auto", "blocks"], ["", "block", "frames"]),
        "level": ([1e-9, 0.5, 1 - 1e-9], [0.0, 1.0, -0.5, 95.0, NAN, INF]),
        "resamples": ([2, 3], [1, 0, -2, 10**5 + 1]),
        "seed": ([0, 2**40], [-1]),
    })  # fmt: skip
    yield by_value("learning curve", lambda draws=1, seed=0: cgcore.learning_curve(fitted, draws=draws, seed=seed), {
        "draws": ([1, 2], [0, -1, 1001]),
        "seed": ([0, 2**40], [-1]),
    })  # fmt: skip
    prior = cgcore.default_prior().with_terms([cgcore.Term("x", cgcore.Rows("pairs", 3), cgcore.bases.Power(6))])
    frames = cgcore.datasets.chignolin().subset(8)
    bad = {
        "nothing to scan": {},
        "no values": {"x.n": []},
        "another term": {"y.n": [6.0]},
        "another number": {"x.length": [6.0]},
        "no term": {"n": [6.0]},
        "a value out of range": {"x.n": [25.0]},
        "too many values": {"x.n": list(range(1, 1002))},
    }
    good = {"the number of the basis": lambda: with_value(prior, "x.n", 24.0)}
    yield Place("scans", good, {case: lambda own=own: cgcore.scan(frames, prior, own) for case, own in bad.items()})


def _simulations() -> Iterator[Place]:
    number = ([1e-3, 1.0, 400.0], [0, 0.0, -1.0, NAN, INF, -INF])
    yield by_value("simulation", Settings, {
        **dict.fromkeys(("temperature", "friction", "mass"), number),
        "timestep": ([0.001, 5.0, 1000.0], [*number[1], 1000.1]),
        "interval": ([0.005, 1.0, 1000.0], [*number[1], 0.004, 1001.0]),
        "time": ([1.0, 1e6, (2**31 - 1) // 200], [*number[1], 0.9, 2.0**31 // 200 + 1]),
        "replicas": ([1, 2**16], [0, -1, 2**16 + 1, *NOT_WHOLE]),
        "seed": ([0, 2**31 - 1], [-1, 2**31, *NOT_WHOLE]),
    })  # fmt: skip
    yield by_value("length of a simulation", picoseconds, {
        "time": ([1e-6, 2, "100ps", "1 ns", "2.5us", "7"],
                 [0, -1.0, NAN, INF, "0ps", "-1ns", "1 ms", "soon", "", "1e999ns"]),
    })  # fmt: skip
    data = cgcore.datasets.chignolin().subset(4)
    yield by_value("protein to simulate", lambda protein=None, beads=None: reference(data, protein, beads), {
        "protein": ([None, "YYDPETGTWY"], ["YYDP", ""]),
        "beads": ([None, 10], [9, 11, 0]),
    })  # fmt: skip
    R, F = data.join().R.astype(float), data.join().F.astype(float)
    yield by_value("temperature to simulate at", lambda temperature: temperature_of(
        cgcore.from_arrays(R, F, temperature=np.array(temperature)), None), {
        "temperature": ([[300.0] * 4], [[300.0, 300.0, 310.0, 310.0]]),
    })  # fmt: skip


def _exports(folder: Path) -> Place:
    plain: dict[str, Any] = {"beads": 2, "prior": cgcore.default_prior()}
    groups = cgcore.Groups.of_species("types", (0, 1))
    bonds = cgcore.Term("bond", cgcore.Rows("bonds"), cgcore.bases.Harmonic(), 0.5, groups)
    kinds = cgcore.default_prior().with_terms([bonds])
    file = folder / "file"
    file.write_text("")

    def export(**given: Any) -> Work:
        to = given.pop("folder", folder / "lammps")
        return lambda: write_lammps(to, **plain | given)

    def prior(**changed: Any) -> cgcore.Prior:
        default = cgcore.default_prior()
        return cgcore.Prior(default.weights, dict(default.params) | changed)

    good = {
        "two beads": export(),
        "the heaviest beads": export(mass=1e9),
        "the shortest cut-off": export(cutoff=30.0),
        "the longest cut-off": export(cutoff=200.0),
        "own positions": export(positions=np.arange(6.0).reshape(2, 3)),
        "species": export(prior=kinds, species=np.array([0, 1])),
    }
    bad = {
        "one bead": export(beads=1),
        "too many beads": export(beads=4097),
        "too thick": export(prior=prior(sigma=1.01e6)),
        "too strong": export(prior=prior(epsilon=1.01e15)),
        "a file for a folder": export(folder=file),
        "positions of three beads": export(positions=np.arange(9.0).reshape(3, 3)),
        "NaN in positions": export(positions=np.array([[0.0, 0.0, 0.0], [3.8, NAN, 0.0]])),
        "no species": export(prior=kinds),
        "species of three beads": export(prior=kinds, species=np.array([0, 1, 0])),
        "half a species": export(prior=kinds, species=np.array([0.0, 1.5])),
    }
    bad |= {f"mass {mass}": export(mass=mass) for mass in (0.0, -1.0, NAN, INF, 1.01e9)}
    bad |= {f"cut-off {cutoff}": export(cutoff=cutoff) for cutoff in (29.99, 200.01, 0.0, NAN, INF)}
    return Place("LAMMPS files", good, bad)


def _boxes_of_networks() -> Place:
    """Boxes of a model whose network has a cutoff of 8 Å; the shortest edge counts."""

    def box(*lengths: float) -> Work:
        return lambda: displacement_in(lengths, 8.0)

    good = {"16 Å": box(16.0, 16.0, 16.0), "longer": box(16.0, 90.0, 30.0), "none": lambda: displacement_in(None, 8.0)}
    bad = {f"15.9 Å along {axis}": box(*np.where(np.arange(3) == k, 15.9, 40.0)) for k, axis in enumerate("xyz")}
    return Place("box of a network", good, bad)
