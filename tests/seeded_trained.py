"""Faults of one line in cgcore, as in `seeded_fits`: trained models that are read from their files."""

from __future__ import annotations

from fault_helpers import Edits, Faults, faults_of, uncompiled

from cgcore.pipeline import parameters, trained

TRAINED: Edits = {
    "beads of the file for those given": (
        trained,
        "load_trained",
        "saved.beads if beads is None else beads",
        "saved.beads or beads",
    ),
    "any number of beads": (trained, "load_trained", "check_beads(beads)", "pass"),
    "parameters of any model": (
        trained,
        "load_trained",
        "require_same(model.fingerprint(), saved.fingerprint, name",
        "require_same(saved.fingerprint, saved.fingerprint, name",
    ),
    "a trained model without its box": (
        trained,
        "load_trained",
        'saved.fingerprint["box"]',
        'saved.fingerprint["box"] and None',
    ),
    "a file of a model in single precision": (
        trained,
        "load_trained",
        "TrainingSettings(precision=precision)",
        "TrainingSettings()",
    ),
    "initial parameters for those of the file": (
        trained,
        "load_trained",
        "from_named(model.initialize_params(jax.random.key(0)), saved.arrays, name)",
        "model.initialize_params(jax.random.key(0))",
    ),
    "settings that are refused under no name": (trained, "load_trained", 'InputError(f"{name}: {error}")', "error"),
    "a prior that is made to be trained": (trained, "load_trained", "_prior(saved), False,", "_prior(saved), True,"),
    "splines of a trained model left out": (trained, "_prior", "splines=saved.splines", "splines=None"),
    "further terms of a trained model left out": (trained, "_prior", 'said.get("terms", [])', "[]"),
    "functions of a user from a file": (
        trained,
        "_prior",
        'term["basis"] == "function"',
        'term["basis"] == "functions"',
    ),
    "the wall of a trained model left out": (trained, "_core", 'float(fingerprint["core"])', "None"),
    "a wall for whole numbers": (trained, "_core", 'float(fingerprint["core"])', 'round(fingerprint["core"])'),
    "the usual sizes of a network": (trained, "_network", '_SIZES[said["kind"]](**sizes)', '_SIZES[said["kind"]]()'),
    "the usual cut-off of a network": (trained, "_network", '("kind", "cutoff", "n_species")', '("kind", "n_species")'),
    "parameters of any version": (trained, "read_params", "!= FORMAT", '== ""'),
    "half a bead is one": (parameters, "_is_count", 'array.dtype.kind == "i"', 'array.dtype.kind in "if"'),
    "no beads are a number": (parameters, "_is_count", "0 < int(array)", "0 <= int(array)"),
    "parameters that are NaN": (trained, "read_params", "not np.isfinite(array).all()", "np.isnan(array) is None"),
}

FAULTS: Faults = uncompiled(faults_of({"trained-files": TRAINED}))
