"""Faults of one line in cgcore, as in `seeded_fits`: checkpoints, resumed runs, and OpenMM as an engine."""

from __future__ import annotations

import importlib

from fault_helpers import Faults, edited, uncompiled

from cgcore.pipeline import resumable, trainer
from cgcore.pipeline.checkpoints import Checkpoints
from cgcore.pipeline.stage import Stage
from cgcore.simulation import storage
from cgcore.simulation.openmm_engine import OpenMMEngine

simulate = importlib.import_module("cgcore.simulation.simulate")  # the package has a function of this name

FAULTS: Faults = uncompiled(
    {
        "no checkpoint at the end of a stage": (
            "resume",
            edited(
                Stage,
                "finish",
                "(ended or (frequency and state.epoch % frequency == 0))",
                "(frequency and state.epoch % frequency == 0)",
            ),
        ),
        "the last parameters after a resumption": (
            "resume",
            edited(
                Stage,
                "placed",
                "replace(state, params=params, kept=kept,",
                "replace(state, params=params, kept=params,",
            ),
        ),
        "the oldest checkpoint is resumed": (
            "resume",
            edited(Checkpoints, "latest", "steps[-1], _orbax()", "steps[0], _orbax()"),
        ),
        "another optimizer's settings are fine": (
            "resume",
            edited(
                trainer,
                "settings_that_matter",
                "used = dict.fromkeys(stage[0] for stage in plan.values() if stage is not None)",
                "used = {}",
            ),
        ),
        "epochs of finished stages may change": (
            "resume",
            edited(resumable, "require_same_settings", "not set(stages) & set(progress.finished)", "progress"),
        ),
        "changes without the epoch after which they are": (
            "resume",
            edited(resumable, "require_same_settings", '"after_epoch": epochs', '"after_epoch": 0'),
        ),
        "held-out frames may be others": (
            "resume",
            edited(trainer, "identity", "if loader is None else", 'if loader is None or part == "validation" else'),
        ),
        "frames from the start again": (
            "resume-simulation",
            edited(storage, "load", 'arrays["frames"], float', 'arrays["frames"][:, :1], float'),
        ),
        "time before an interruption forgotten": (
            "resume-simulation",
            edited(storage, "load", 'float(arrays["seconds"])', "0.0 * float(arrays['seconds'])"),
        ),
        "another seed may continue": (
            "resume-simulation",
            edited(storage, "load", "if said.get(name) != value:", 'if name != "seed" and said.get(name) != value:'),
        ),
        "species are no part of a potential": (
            "resume-simulation",
            edited(simulate, "prior_potential", "c, *kinds]", "c]"),
        ),
        "one noise for all replicas": (
            "openmm-engine",
            edited(OpenMMEngine, "_seed", "* self.settings.replicas + replica", "* self.settings.replicas"),
        ),
        "nm for Å in velocities": (
            "openmm-engine",
            edited(OpenMMEngine, "_read", "np.asarray(v) / NM", "np.asarray(v)"),
        ),
        "friction per step": (
            "openmm-engine",
            edited(
                OpenMMEngine,
                "__init__",
                "settings.friction, settings.timestep / 1000",
                "settings.friction / 10, settings.timestep / 1000",
            ),
        ),
        "a frame without the rest of its steps": (
            "openmm-engine",
            edited(OpenMMEngine, "__init__", "min(per_look, settings.steps_per_frame - k)", "per_look"),
        ),
    }
)
