"""Faults of one line in cgcore, as in `seeded_fits`: what commands hand on, record and say."""

from __future__ import annotations

from fault_helpers import Faults, edited, edited_command

from cgcore.cli import export, fit, train
from cgcore.cli.ceiling import ceiling_command
from cgcore.cli.convert import convert_command
from cgcore.cli.evaluate import evaluate_command
from cgcore.cli.export import export_command
from cgcore.cli.factors import compress_command
from cgcore.cli.fit import fit_command
from cgcore.cli.inspect import inspect_command
from cgcore.cli.learning_curve import learning_curve_command
from cgcore.cli.map import map_command
from cgcore.cli.residual import residual_command
from cgcore.cli.simulate import simulate_command
from cgcore.cli.train import train_command
from cgcore.config import loading

_COMMANDS = {
    "commands-passed": {
        "an inspection without its box": (inspect_command, "units=units, box=box)", "units=units)"),
        "frames for a ceiling from any seed": (ceiling_command, "subset(max_frames, seed)", "subset(max_frames, 0)"),
        "residual forces whatever the units": (residual_command, "units=units, box=box,", "box=box,"),
        "usual blocks of a learning curve": (learning_curve_command, '{"blocks": blocks}', "{}"),
        "as many draws as usual": (learning_curve_command, "draws=draws, ", ""),
        "another default of draws": (learning_curve_command, "default=8", "default=4"),
        "parts in the usual folder alone": (compress_command, "folder is None and scheduler", "scheduler"),
        "usual blocks of a factor": (compress_command, "blocks=checked.blocks", "blocks=20"),
        "parts that stay": (compress_command, "clear(folder)", "pass"),
        "programs are kept against the option": (evaluate_command, "prepare_jax(cache)", "prepare_jax(True)"),
        "units beside a topology": (convert_command, "topology, data, units=units, ", "topology, data, "),
        "a map of any temperature": (map_command, ", temperature=temperature)", ")"),
    },
    "commands-passed-models": {
        "options of an export, lost": (export_command, "(output, prior, beads, **given)", "(output, prior, beads)"),
        "trajectories of each process": (simulate_command, "plot_file = trajectory = None", "plot_file = None"),
        "no state of other processes": (simulate_command, "dataset, folder, **settings", "dataset, output, **settings"),
        "half as many replicas": (simulate_command, "default=32", "default=16"),
        "simulations from frames in no box": (simulate_command, "units=units, box=box)", "units=units)"),
    },
    "commands-passed-fits": {
        "a fraction by the file's rule": (
            fit_command, 'HeldOut(val_fraction, "each_protein")', "HeldOut(val_fraction, config.hold_out)",
        ),
        "keys without use, unrecorded": (fit_command, ", unused=config.unused", ""),
        "accepted faults, forgotten": (fit_command, "Reading(units, box, accept_faults)", "Reading(units, box)"),
    },
    "commands-passed-trainings": {
        "a seed that is not recorded": (train_command, '"seed": seed, "units"', '"seed": 0, "units"'),
        "held-out frames that a training does not judge": (
            train_command, "None if validation is None else validation.dataset", "None",
        ),
        "a silent process writes": (train_command, "output = plot_file = None", "plot_file = None"),
    },
    "commands-recorded": {
        "a ceiling of no prior": (ceiling_command, '"priors": priors', '"priors": None'),
        "all frames are evaluated": (evaluate_command, "dataset.frame_ranges()", "whole.frame_ranges()"),
        "a curve of any units": (learning_curve_command, '"units": units', '"units": None'),
        "a model of another run, unsaid": (evaluate_command, "note_mixture(model)", "pass"),
        "what was not read, unsaid": (residual_command, "options.note_reading(dataset)", "pass"),
        "a factor is inspected": (inspect_command, "refuse_factors([data] if data", "refuse_factors([] if data"),
        "a topology is overwritten": (map_command, "(topology, *trajectory)", "trajectory"),
        "beads in the place of frames": (convert_command, "{dataset.n_frames} frames", "{dataset.real_beads} frames"),
        "a picture that is named, not drawn": (evaluate_command, "found.plot(plot_file)", "pass"),
    },
}  # fmt: skip

FAULTS: Faults = {
    name: (check, edited_command(*edit)) for check, edits in _COMMANDS.items() for name, edit in edits.items()
} | {
    "a trained model in single precision": (
        "commands-passed-models",
        edited(export, "_trained", "load_trained(path, beads, precision)", "load_trained(path, beads)"),
    ),
    "as many beads as are asked for": (
        "commands-passed-models",
        edited(export, "_trained", "params, model.N_max,", "params, beads or model.N_max,"),
    ),
    "a fit that the command gives no held-out frames": (
        "commands-passed-fits",
        edited(
            fit,
            "_fit",
            "return fit(source.data, prior, chosen, validation=source.validation,",
            "return fit(source.data, prior, chosen,",
        ),
    ),
    "a scan without held-out frames": (
        "commands-passed-fits",
        edited(fit, "_fit", "scanned, chosen, validation=source.validation,", "scanned, chosen,"),
    ),
    "a training evaluated on its own frames": (
        "commands-passed-trainings",
        edited(train, "_run", "compared = validation or train", "compared = train"),
    ),
    "held-out frames under another name": (
        "commands-passed-trainings",
        edited(train, "_run", '"training" if validation is None else "held-out"', '"training"'),
    ),
    "all frames are trained on, recorded": (
        "commands-passed-trainings",
        edited(train, "_frames", '"used_frames": train.', '"used_frames": whole.'),
    ),
    "losses that are not finite are a success": (
        "commands-passed-trainings",
        edited(train, "_run", ' and r.get("finite", True)', ""),
    ),
    "a training without its start": (
        "commands-passed-trainings",
        edited(train, "_run", '"initial": initial,', '"initial": evaluation,'),
    ),
    "splines of no training": (
        "settings-training",
        edited(loading, "read_settings", "core, splines.file, ", "core, None, "),
    ),
    "splines of a training without their switch": (
        "settings-training",
        edited(loading, "read_settings", "splines.file, splines.residue_specific_angles)", "splines.file)"),
    ),
    "splines of a fit without their switch": (
        "settings-training",
        edited(loading, "config_of", "residue_specific_angles=splines.residue_specific_angles,", ""),
    ),
    "more steps at least than at most": (
        "settings-training",
        edited(loading, "_training", "and least > most", "and least > most + 1"),
    ),
    "a stranger in the second stage": (
        "settings-training",
        edited(loading, "_training", 'said.get("stage2_optimizer"))', "None)"),
    ),
}
