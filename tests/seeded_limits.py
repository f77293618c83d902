"""Faults of one line in cgcore, as in `seeded_fits`: limits beyond which a fit refuses its data or warns."""

from __future__ import annotations

import importlib

from fault_helpers import Edits, Faults, faults_of

from cgcore.fitting.door import Door
from cgcore.judging import precision

fit = importlib.import_module("cgcore.fitting.fit")  # the package has a function of that name

EDITS: dict[str, Edits] = {
    "fit-limits": {
        "exact up to a larger part": (Door, "said", "<= EXACT *", "<= 1.25 * EXACT *"),
        "exact up to a smaller part": (Door, "said", "<= EXACT *", "<= 0.8 * EXACT *"),
        "a part of the root, not of the square": (Door, "said", "forces[-1] ** 2 <=", "abs(forces[-1]) <="),
        "only frames that are fitted to are judged": (Door, "said", "in self.judged:", "in self.judged[:1]:"),
        "accepted faults are not said": (
            Door,
            "said",
            "said |= dict.fromkeys(",
            "said |= {} if dataset.accept_faults else dict.fromkeys(",
        ),
        "codes in place of sentences": (Door, "said", "str(finding) for finding", "finding.code for finding"),
        "held-out frames are not read": (fit, "door", "(data, validation) if", "(data,) if"),
        "nothing is wrong before the factor": (
            fit,
            "door",
            "judgement.without_equipartition()).wrong",
            "judgement).wrong",
        ),
        "the first source alone is fitted to": (
            fit,
            "fitted_to",
            "counted_twice((*factor.blocks, *held_out.blocks)) if",
            "counted_twice((*factor.blocks, *held_out.blocks))[:1] if",
        ),
        "held-out files that occur twice": (fit, "fitted_to", " | set(counted_twice(held_out.blocks))", ""),
        "fitted files that occur twice": (fit, "fitted_to", "set(counted_twice(factor.blocks)) | ", ""),
        "twice the promise": (fit, "_imprecise", "error <= PROMISE", "error <= 1.2 * PROMISE"),
        "less than the promise": (fit, "_imprecise", "error <= PROMISE", "error <= 0.8 * PROMISE"),
        "more than is promised": (precision, "require_float32", "error > PROMISE", "error > 1.2 * PROMISE"),
        "less than is promised": (precision, "require_float32", "error > PROMISE", "error > 0.8 * PROMISE"),
        "forces per component": (fit, "_rms_force", "max(factor.beads, 1)", "max(3 * factor.beads, 1)"),
    }
}
FAULTS: Faults = faults_of(EDITS)
