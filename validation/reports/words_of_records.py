"""Records in which every entry is looked up: that of a simulation, and `fit.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

import cgcore
from cgcore.config import Config
from cgcore.fitting.pooling import Pooling
from cgcore.report import record, simulation_record
from validation.check import Row, equal
from validation.reports.runs import invented_simulation
from validation.reports.texts import curve


def _entries(name: str, found: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[Row]:
    """Whether a record has these entries and no others."""
    yield equal(f"{name}, entries", str(sorted(found)), str(sorted(known)))
    differing = [key for key, value in known.items() if str(found.get(key, "absent")) != str(value)]
    yield equal(f"{name}, entries that differ", " ".join(differing), "")


def simulation() -> Iterator[Row]:
    """The record of a simulation, and the limits by which replicas were judged."""
    run = invented_simulation()
    own = ("lost", "whole", "origin", "engine", "settings", "closest_approach", "angles_outside", "kinetic_temperature")
    own += ("kinetic_error", "replicas", "observables", "ns_per_day", "seconds", "notes")
    made = simulation_record.record(run)
    limits, packages = made["limits"], record.versions()
    known = {key: getattr(run, key) for key in own} | {"limits": limits, "versions": packages}
    yield from _entries("simulation, record", made, known)
    rule = {
        "bond_margin": 0.5,  # part of the shortest bond below it, and of the longest above it
        "bead": 3.0,  # Å
        "part_of_closest_sampled": 0.75,
        "least_separation": 3,
        "angle_margin": np.radians(10.0),
        "most_angles_outside": 0.001,
    }
    yield from _entries("simulation, record, rule of the limits", limits["rule"], rule)
    made = simulation_record.record(replace(run, engine="openmm 8 (CPU)"))
    yield equal("simulation, record of OpenMM, its version", "openmm" in made["versions"], True)


def fit(made: cgcore.FitResult) -> Iterator[Row]:
    """The record of a fit in which no two numbers of a kind are equal."""
    one = replace(
        made, val_loss=7.25, initial_val_loss=9.5, smoothness=0.25, cutoff=0.125, roughness=4.5, temperature=311.0,
        float32_error=2e-7, notes=("a note",), warnings=("a warning",), curve=None, pooling=None,
    )  # fmt: skip
    own = ("train_loss", "val_loss", "steps", "converged", "grad_norm", "loss_history", "message", "evaluations")
    own += ("initial_val_loss", "initial_params", "certificate", "smoothness", "cutoff", "roughness", "temperature")
    own += ("float32_error", "pooling", "identifiability", "warnings", "notes", "seconds")
    given, data = {"file": "a.yaml", "units": "nm-kj"}, {"path": "b.npz"}
    found = record.record(one, Config(one.prior, unused=("x",)), given, data)
    known: dict[str, Any] = {key: getattr(one, key) for key in own}
    known |= {"loss_history": np.asarray(one.loss_history).tolist(), "status": one.status.name}
    known |= {"dtype": one.dtype.name, "coefficients": {}, "cross_validation": one.curve, "data": data}
    known |= {"fitted_params": {name: float(value) for name, value in one.fitted_params.items()}}
    known |= {key: found[key] for key in ("error_bars", "config")} | {"versions": record.versions()}
    yield from _entries("fit.json", found, known)
    pooled = Pooling(2e-4, replace(curve(), kind="pooling"))
    both = record.record(replace(one, curve=curve(), pooling=pooled), None, given, data)
    found_curves = str((both["cross_validation"], both["pooling"]))
    yield equal("fit.json, curves", found_curves == str((curve(), pooled)), True)
    settings = {"weights": one.prior.weights, "terms": [], "frozen": sorted(one.prior.frozen), "options": one.options}
    settings |= {"min_steps": one.options.least_steps, "unused": ("x",)}
    yield from _entries("fit.json, config", found["config"], given | settings)
    bars = found["error_bars"]
    yield equal("fit.json, error bars", str(bars), str(one.errors.as_dict()))
    whole = cgcore.datasets.chignolin().subset(30, 7)
    train, held_out = whole.split(0.2)
    size = {"path": whole.path, "sha256": whole.sha256, "frames": 24, "beads": 10, "real_beads": 240}
    size |= {"used_frames": train.frame_ranges(), "held_out_frames": held_out and held_out.frame_ranges()}
    yield from _entries("fit.json, data", record.record_of_data(train, held_out), size)
    factor = replace(made.factor, path="c.npz")
    size = {"path": "c.npz", "sha256": factor.sha256, "frames": factor.frames, "beads": None}
    size |= {"real_beads": factor.beads}
    yield from _entries("fit.json, data of a factor", record.record_of_data(factor, None), size)
    chosen = {"file": "a.yaml", "units": "angstrom-kcal", "box": None, "accept_faults": False, "max_frames": None}
    chosen |= {"seed": 0, "val_fraction": 0.0, "hold_out": "each_protein"}
    yield from _entries(
        "fit.json, settings of a factor", record.settings_of_data(replace(made, data=factor), "a.yaml"), chosen
    )
