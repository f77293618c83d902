"""Faults of one line in cgcore, as in `seeded_fits`: numbers reported beside the answer, confirmation, files."""

from __future__ import annotations

import importlib

from fault_helpers import Faults, edited

from cgcore import serialize
from cgcore.cli import export as export_command
from cgcore.cli import fit as fit_command
from cgcore.cli import map as map_command
from cgcore.cli import simulate as simulate_command
from cgcore.cli import train as train_command
from cgcore.config import loading
from cgcore.data import Dataset, dataset, frames, reading
from cgcore.data.formats import h5md, lammps, netcdf, trr
from cgcore.evaluation import residual
from cgcore.factor import block, factor
from cgcore.fitting import admissible, error_bars, polyhedra, problem, unphysical
from cgcore.fitting.door import Door
from cgcore.fitting.error_bars import ErrorBars
from cgcore.fitting.learning_curve import LearningCurve
from cgcore.fitting.quadratics import Quadratics
from cgcore.pipeline import loader
from cgcore.report import force_sample
from cgcore.simulation import jax_engine, trajectory
from cgcore.solver import lbfgs

fit = importlib.import_module("cgcore.fitting.fit")
evaluate = importlib.import_module("cgcore.evaluation.evaluate")  # the packages have functions of these names

FAULTS: Faults = {
    # Numbers reported beside the answer
    "evaluations that are steps": ("claims", edited(lbfgs, "_step", "+ search.info.num_linesearch_steps", "+ 1")),
    "evaluations without the Hessian's": (
        "claims",
        edited(lbfgs, "_confirmed", "state.evaluations + found.products", "state.evaluations"),
    ),
    "velocities at the end of a step": (
        "dynamics",
        edited(jax_engine, "_advance", "jnp.mean(middle**2", "jnp.mean(v**2"),
    ),
    "times of the frames before": ("dynamics", edited(trajectory, "_lines", "(frame + 1) *", "frame *")),
    "models for replicas": ("dynamics", edited(trajectory, "_lines", "REPLICA {replica}", "REPLICA {model}")),
    "a range covered by the last one alone": (
        "batches",
        edited(block, "_overlap", "np.maximum.accumulate(ranges[:, 1])[:-1]", "ranges[:-1, 1]"),
    ),
    "the first of the frozen terms": (
        "doors",
        edited(serialize, "priors_yaml", 'block["frozen"] = own', 'block["frozen"] = own[:1]'),
    ),
    "copies told apart by their size alone": (
        "batches",
        edited(factor, "counted_twice", "(block.beads, block.frames, np.linalg.norm(block.S[:, -1]))", "block.frames"),
    ),
    "copies of a frame each": ("batches", edited(factor, "counted_twice", "+= a.frames", "+= 1")),
    "directions that are not fitted decide nothing": (
        "error-bars",
        edited(Quadratics, "decided", " + np.sum(others**2, axis=-1)", ""),
    ),
    "forces that are left in free space": (
        "evaluation",
        edited(residual, "residual_forces", "species, displacement, sites)", "species, free, sites)"),
    ),
    # Three files
    "the third file's frames in place of the second's": (
        "evaluation",
        edited(evaluate, "evaluate_parts", "first += source", "first = source"),
    ),
    "joined from the end of the file before": (
        "sources",
        edited(Dataset, "join", "offset += frames", "offset = frames"),
    ),
    "sites from the end of the file before": (
        "sources",
        edited(Dataset, "sites", "offset += frames", "offset = frames"),
    ),
    "weights from the end of the file before": (
        "sources",
        edited(Dataset, "weights", "offset += frames", "offset = frames"),
    ),
    "shown from the end of the file before": (
        "sources",
        edited(force_sample, "_frames", "offset += source", "offset = source"),
    ),
    "held out as if nothing was drawn": (
        "sources",
        edited(Dataset, "split", "self.choice.seed if drawn else None", "None"),
    ),
    "one frame more of each protein": (
        "sources",
        edited(dataset, "held_out", "count = min", "count = 1 + min"),
    ),
    "one standard error is enough for advice": (
        "sentences",
        edited(LearningCurve, "verdict", "2 * self.excess_error", "self.excess_error"),
    ),
    "the first group's springs alone": (
        "sentences",
        edited(
            unphysical,
            "unphysical_values",
            ".reshape(params[term.name], (-1, term.basis.size))[:, 0]",
            ".reshape(params[term.name], (-1, term.basis.size))[:1, 0].repeat(len(term.group_labels))",
        ),
    ),
    "four blocks are enough": ("sentences", edited(error_bars, "blocking", "+ 1 < FEWEST", "+ 2 < FEWEST")),
    "four proteins are enough": (
        "sentences",
        edited(error_bars, "blocking", "< FEWEST_PROTEINS", "< FEWEST_PROTEINS - 1"),
    ),
    "the first constraints contradict": (
        "sentences",
        edited(admissible, "_named", "owner[empty.rows]", "owner[: len(empty.rows)]"),
    ),
    # Refits
    "the first metric for all that are solved alone": (
        "refits",
        edited(polyhedra, "_one_by_one", "inverses[k] if len(inverses) > 1 else inverses[0]", "inverses[0]"),
    ),
    "refits of the first part alone": ("refits", edited(Quadratics, "refits", "now = slice(start,", "now = slice(0,")),
    "a Newton step without the penalty": (
        "refits",
        edited(Quadratics, "refits", "np.linalg.inv(self.hessian + fixed)", "np.linalg.inv(self.hessian)"),
    ),
    # Several batches
    "the last batch alone": ("direct", edited(problem, "loss_over", "return total + squared", "return squared")),
    "the first file's species at its end": (
        "direct",
        edited(problem, "all_frames", "kinds[out, own] = ", "kinds[block, own] = "),
    ),
    # Warnings and notes
    "a repulsion of distant pairs keeps near ones apart": (
        "sentences",
        edited(fit, "_unsafe", "rows.nearest <= 2", "rows.nearest <= 6"),
    ),
    "listed pairs keep all apart": ("sentences", edited(fit, "_unsafe", " and term.rows.listed is None", "")),
    "an angle of any name but the usual one": (
        "sentences",
        edited(fit, "_unsafe", 'term.coordinate == "angle"', 'term.coordinate == "angle" and term.name != "angle"'),
    ),
    "what is missing without constraints": (
        "sentences",
        edited(fit, "_unsafe", 'options.level == "safe" and not any(rows', "not any(rows"),
    ),
    "the lowest of the temperatures": (
        "sentences",
        edited(fit, "_temperature", "return said[-1], (", "return said[0], ("),
    ),
    "any temperature agrees": ("sentences", edited(fit, "_temperature", "options.temperature not in said", "not said")),
    # Confirmation
    "confirmed against the first loss": (
        "claims",
        edited(
            lbfgs,
            "confirmation",
            "max(RESOLVED * abs(float(value)), eps**2 * abs(float(initial)))",
            "RESOLVED * max(abs(float(value)), abs(float(initial)))",
        ),
    ),
    "confirmed by the digits of the loss alone": (
        "claims",
        edited(lbfgs, "confirmation", "RESOLVED * abs(float(value))", "eps * abs(float(value))"),
    ),
    "confirmed on a gradient of rounding": (
        "claims",
        edited(lbfgs, "confirmation", "eps**2 * abs(float(initial))", "eps * abs(float(initial))"),
    ),
    # Optional contents of files
    "velocities for forces": ("formats", edited(trr, "_layout", "at_x + x + v if f", "at_x + x if f")),
    "the cell of the first frame": (
        "formats",
        edited(netcdf, "_box", "np.broadcast_to(part, (n_rows, 3))", "np.broadcast_to(part[:1], (n_rows, 3))"),
    ),
    "cells of other steps": (
        "formats",
        edited(h5md, "_opened", "edges[rows]", "edges[: len(kept[0])]"),
    ),
    "one chain of several": ("formats", edited(lammps, "_opened", '("mol", "chain")', '("molecule", "chain")')),
    "boxes of the first frames": (
        "doors",
        edited(frames.Frames, "positions", "self.box[self._stored(rows)]", "self.box[rows]"),
    ),
    "fractions of the first box": (
        "formats",
        edited(lammps.DumpRows, "_frame", "self.boxes[frame if len(self.boxes) > 1 else 0]", "self.boxes[0]"),
    ),
    "random frames held out though none were drawn": (
        "doors",
        edited(Dataset, "split", "self.choice.max_frames == self.n_frames", "self.choice.max_frames is not None"),
    ),
    "values lost that no term uses": (
        "doors",
        edited(loading, "prior_of", "values | lists, carried)", "values | lists)"),
    ),
    "energies of the first frames": (
        "doors",
        edited(loader.DatasetLoader, "U", "[source.frame_numbers]", "[: source.n_frames]"),
    ),
    "energies converted like forces": (
        "doors",
        edited(loader, "energy_factor", 'ENERGIES[units.split("-")[1]]', "factors(units)[1]"),
    ),
    "energies of later files in the places of the first": (
        "evaluation",
        edited(evaluate, "evaluate_parts", "first + some, looked, F)", "some, looked, F)"),
    ),
    "sites of the first protein": (
        "evaluation",
        edited(residual, "residual_forces", "int(label)) for label in labels", "int(labels[0])) for _ in labels"),
    ),
    "inserted residues begin a chain": (
        "doors",
        edited(reading, "find_sites", "steps == 0, 1, np.where(steps < 0", "steps < 0, FAR, np.where(steps == 0"),
    ),
    "the first group's band for all": (
        "error-bars",
        edited(ErrorBars, "potential", ".start + group * term.basis.size", ".start"),
    ),
    # Commands
    "the configuration's tolerance ignored": ("commands", edited(fit_command, "options_of", '"tol_grad", ', "")),
    "the configuration's seed ignored": (
        "commands",
        edited(fit_command, "source_of", "config.seed if seed is None", "0 if seed is None"),
    ),
    "the configuration's temperature ignored": (
        "commands",
        edited(fit_command, "options_of", '"truncation", "temperature")', '"truncation")'),
    ),
    "held out by the other rule": (
        "commands",
        edited(fit_command, "source_of", "whole.split(*held_out)", "whole.split(held_out.fraction)"),
    ),
}

WHOLE: Faults = {
    # Options of commands
    "faults that are accepted and refused": (
        "commands-options",
        edited(Door, "require_right", "if not dataset.accept_faults", "if True"),
    ),
    "faults that are refused by a fit alone": (
        "commands-options",
        edited(Door, "require_right", "if not dataset.accept_faults", "if False"),
    ),
    "species of a chain from its end": (
        "commands-options",
        edited(export_command, "_species", "beads).species", "beads).species[::-1]"),
    ),
    "frames held out of each protein in any case": (
        "commands-options",
        edited(train_command, "_frames", ", said.training.hold_out)", ")"),
    ),
    "frames drawn with any seed": (
        "commands-options",
        edited(train_command, "_frames", "most, seed)", "most, 0)"),
    ),
    "the first seed for all": (
        "commands-models",
        edited(simulate_command, "_simulate", "**settings)\n    return", "**(settings | {'seed': 0}))\n    return"),
    ),
    "the optimal map is written": (
        "commands-models",
        edited(map_command, "_maps", "one.name == made.chosen", "one.name == 'optimal'"),
    ),
    "a training that did not converge ends with 0": (
        "exit-codes",
        edited(train_command, "_run", 'r.get("converged", True) and r', 'r.get("converged", True) or r'),
    ),
}
"""Faults that only the whole run, not `--quick`, must detect."""
