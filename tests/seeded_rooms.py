"""Faults of one line in cgcore, as in `seeded_fits`: error bars, ceilings, maps, formats, pieces, dynamics, choices,
training."""

from __future__ import annotations

import importlib

from fault_helpers import Faults, edited

from cgcore import evaluation
from cgcore.cluster import parcel, parts
from cgcore.data import boxes, frames, reading
from cgcore.data.formats import lammps
from cgcore.evaluation import ceiling, gathering
from cgcore.factor import compress, factor
from cgcore.fitting import blocking, error_bars, fit, learning_curve, smoothing
from cgcore.fitting.error_bars import ErrorBars
from cgcore.fitting.path import Path
from cgcore.mapping import mapped
from cgcore.mapping.force_maps import OptimalMaps
from cgcore.physics import pair_forces
from cgcore.physics.splines import Spline
from cgcore.pipeline import compiled_epoch, model_for_data, optimizers, stage
from cgcore.pipeline.compiled_epoch import CompiledEpoch
from cgcore.pipeline.minibatch_loss import MinibatchLoss
from cgcore.pipeline.stage import Stage
from cgcore.pipeline.state import TrainingState
from validation.checks import admissible, dynamics

simulate = importlib.import_module("cgcore.simulation.simulate")  # the package has a function of this name

FAULTS: Faults = {
    "errors without what is left of the correlation": (
        "error-bars",
        edited(ErrorBars, "linear", " * np.sqrt(self.blocking.inflation)", ""),
    ),
    "proteins exchanged for each other": (
        "error-bars",
        edited(blocking, "_strata", "return own if", "return np.zeros_like(own) if"),
    ),
    "phases half a turn apart": (
        "error-bars",
        edited(error_bars, "errors_of_parameters", "% (2 * np.pi) - np.pi if", "% np.pi - np.pi if"),
    ),
    "the error of a sum for that of a difference": (
        "error-bars",
        edited(error_bars, "errors_of_losses", "both[:, 1] - both[:, 0]", "both[:, 1] + both[:, 0]"),
    ),
    "a mean over blocks without their sizes": (
        "error-bars",
        edited(learning_curve, "_mean", "(chosen @ shares)", "chosen.mean(axis=-1)"),
    ),
    "a jackknife without its factor": (
        "evaluation",
        edited(evaluation, "noise_ceiling", "(len(blocks) - 1) * np.mean", "np.mean"),
    ),
    "forces of a prior added": (
        "evaluation",
        edited(ceiling, "residual_forces", "F - np.asarray(predicted)", "F + np.asarray(predicted)"),
    ),
    "a term added once more": (
        "evaluation",
        edited(gathering.Gathering, "_term", "own - 2 * self", "own + 2 * self"),
    ),
    "a ridge in absolute forces": ("mapping", edited(OptimalMaps, "map", "ridge * self._unit", "ridge")),
    "maps judged by what they are made of": (
        "mapping",
        edited(mapped, "moments", "enumerate((F[:cut], F[cut:]))", "enumerate((F[:cut], F[:cut]))"),
    ),
    "forces by the length of positions": (
        "formats",
        edited(frames, "factors", "LENGTHS[per or length]", "LENGTHS[length]"),
    ),
    "images of the transposed box": (
        "formats",
        edited(boxes, "nearest_images", "np.linalg.inv(vectors)", "np.linalg.inv(vectors.swapaxes(1, 2))"),
    ),
    "bounds of a tilted box for the box": ("formats", edited(lammps, "_box", "min(0.0, xy, xz, xy + xz)", "0.0")),
    "weights that count in padding": (
        "weighting",
        edited(reading, "read_weights", "np.where(real, weights * factor, 0.0)", "weights * factor"),
    ),
    "weights that stay at home": (
        "pieces",
        edited(parcel.Parcel, "of", "weights=source.weights_of(rows)", "weights=None"),
    ),
    "a part of another piece": (
        "pieces",
        edited(parts._Folder, "read", 'str(arrays["key"]) == key', "True"),
    ),
    "gaps of one frame for those of all": (
        "pieces",
        edited(compress, "_block", "len(segment.rows) * np.array(broken", "np.array(broken"),
    ),
    "closest pairs of padding": (
        "pieces",
        edited(pair_forces, "over_all", "nearest = jnp.where(real, nearest, farthest)", "pass"),
    ),
    "beads of the first species": (
        "dynamics",
        edited(simulate, "_engine_of", "prior_potential(model, compared.species)", "prior_potential(model)"),
    ),
    "noise of half the friction": ("dynamics", edited(dynamics, "dynamics", "(-2 * friction", "(-friction")),
    "looks at what is not finite": (
        "dynamics",
        edited(dynamics, "counted", "tally.looks + sound", "tally.looks + whole"),
    ),
    "a wall twice as steep": ("dynamics", edited(dynamics, "core_energy", "0.5 * STIFFNESS", "STIFFNESS")),
    "fewer frames with the weight of all": (
        "choices",
        edited(Path, "left_out", "self._beads / (self._beads - fold.beads)", "1.0"),
    ),
    "what is straight counts as rough": ("choices", edited(smoothing, "_units", "Z = Z - Q @ (Q.T @ Z)", "pass")),
    "directions that the penalty decides": ("choices", edited(fit, "determined", "> 0.5)", "< 0.5)")),
    "histograms of the first of what is merged": (
        "batches",
        edited(
            factor,
            "merge",
            "(factor.histograms for factor in factors)",
            "(factor.histograms for factor in factors[:1])",
        ),
    ),
    "many columns without the first part": (
        "batches",
        edited(factor, "merged", "reduce(_joined, factors)", "reduce(_joined, factors[1:])"),
    ),
    "curvature at the wrong end": (
        "splines",
        edited(Spline, "largest_curvature", "second + third", "second - third"),
    ),
    "rest lengths beyond all bonds": (
        "doors",
        edited(fit, "unphysical", '<= params["r0"] <= sampled[1]', '<= params["r0"]'),
    ),
    "the lowest of several temperatures": ("doors", edited(fit, "_temperature", "return said[-1]", "return said[0]")),
    "float32 without weights": (
        "admissible",
        edited(admissible, "float32_error", "real(term.weight) * slope", "slope"),
    ),
    "energies summed over a minibatch": (
        "training",
        edited(CompiledEpoch, "_objective", " / jnp.maximum(sums.frames, 1)", ""),
    ),
    "a learning rate that stays": (
        "training",
        edited(optimizers, "schedule", "total, settings.end", "total, settings.peak"),
    ),
    "neighbours of padding": (
        "training",
        edited(model_for_data, "average_neighbors", "/ max(np.sum(mask), 1))", "/ max(mask.size, 1))"),
    ),
    "weight decay of the prior": ("training-steps", edited(optimizers, "_not_prior", 'here != "prior"', "True")),
    "coupled weight decay of the network alone": (
        "training-steps",
        edited(stage, "make_optimizer", "add_decayed_weights(decay)", "add_decayed_weights(decay, _not_prior)"),
    ),
    "the same minibatches in each epoch": (
        "training-steps",
        edited(Stage, "step", 'removeprefix("stage")), state.epoch)', 'removeprefix("stage")))'),
    ),
    "minibatches drawn with repetition": (
        "training-steps",
        edited(CompiledEpoch, "__call__", ".permutation(loss.n_train)", ".integers(loss.n_train, size=loss.n_train)"),
    ),
    "the rest of an epoch not dropped": (
        "training-steps",
        edited(compiled_epoch, "updates_of", "if drop else", "if False else"),
    ),
    "an epoch of stale parameters": (
        "training-steps",
        edited(Stage, "step", "params = fixed | trained", "params = state.params"),
    ),
    "better than the epoch before is kept": (
        "training-steps",
        edited(
            TrainingState,
            "after_epoch",
            "not val_loss >= self.kept_loss",
            "not val_loss >= (self.val_losses or (self.kept_loss,))[-1]",
        ),
    ),
    "a stage that never keeps its start": (
        "training-steps",
        edited(Stage, "begin", "kept_loss=loss,", "kept_loss=None,"),
    ),
    "padding of the training frames for the held-out ones": (
        "training-steps",
        edited(MinibatchLoss, "__init__", "_padding(validation)", "_padding(train)"),
    ),
}
