"""Faults of one line in cgcore, as in `seeded_fits`: numbers on which a claim, a choice or a finding rests."""

from __future__ import annotations

import importlib
from dataclasses import replace

from fault_helpers import Faults, edited

from cgcore import factor_file
from cgcore.cluster import parts
from cgcore.cluster.parcel import Parcel
from cgcore.compat import DatasetLoader
from cgcore.config import comparison, terms
from cgcore.config import optimizers as configured
from cgcore.data import frames
from cgcore.data.formats import h5md
from cgcore.factor import compress
from cgcore.factor.histogram import Histograms
from cgcore.files import strict_yaml
from cgcore.fitting import blocking, constraints, direct, fit, pooling, scan
from cgcore.fitting.spectrum import Spectrum
from cgcore.judging import survey
from cgcore.judging.stretch import Stretch
from cgcore.physics.prior import Prior
from cgcore.pipeline import optimizers, prior_fit, trainer
from cgcore.pipeline.networks import allegro
from cgcore.pipeline.trainer import Trainer
from cgcore.report import record
from cgcore.simulation import divergence, verdict
from cgcore.solver import lbfgs
from validation.checks import claims, dynamics

simulate = importlib.import_module("cgcore.simulation.simulate")  # the package has a function of this name

FAULTS: Faults = {
    "a row for the flattest direction": ("claims", edited(claims, "confirmation", "axes[:, 0] ** 2", "axes[0] ** 2")),
    "a kink in an upward curve is a minimum": (
        "claims",
        edited(lbfgs, "_confirmed", "Status.PRECISION_FLOOR if minimum", "Status.PRECISION_FLOOR if found.upward"),
    ),
    "every failed line search is rounding": (
        "certificate",
        edited(fit, "_judged", "is Status.LINE_SEARCH_FAILED and worst <= OPTIMAL", "is Status.LINE_SEARCH_FAILED"),
    ),
    "only a small gradient is judged by its certificate": (
        "claims",
        edited(fit, "_judged", "and result.converged and", "and result.status is Status.GRADIENT and"),
    ),
    "a bound with the rounding of a large start": ("certificate", edited(Spectrum, "optima", "range(2)", "range(1)")),
    "more terms thaw those that are frozen": (
        "priors",
        edited(Prior, "with_terms", "self.frozen | frozenset(frozen)", "frozenset(frozen)"),
    ),
    "priors are equal whatever their splines": ("priors", edited(Prior, "__eq__", "p.splines, ", "")),
    "a value that only one code knows means the same": (
        "foreign-keys",
        edited(comparison, "_theirs", 'value is not None and "x-own" not in schema', "value is not None"),
    ),
    "frames of the same file are the same frames": (
        "resume",
        edited(trainer, "identity", ', "frames": loader.dataset.frame_ranges()', ""),
    ),
    "one dependent direction is none": (
        "batches",
        edited(compress, "correlation_spread", "eigenvalues[0] / eigenvalues[-1]", "eigenvalues[1] / eigenvalues[-1]"),
    ),
    "a part of another preconditioner": (
        "pieces",
        edited(parts, "_content", "np.ascontiguousarray(T).data", "b''"),
    ),
    "parts in the former unit": (
        "pieces",
        edited(parts, "content", "(source.sha256, source.store.units, first.size", "(source.sha256, first.size"),
    ),
    "frames to fit to for those held out, recorded": (
        "doors",
        edited(record, "record_of_data", "validation.frame_ranges() if", "data.frame_ranges() if"),
    ),
    "a single pool is a stratum of its own": ("error-bars", edited(blocking, "_strata", ".min() >=", ".max() >=")),
    "one finite block is enough": ("batches", edited(compress, "_require_finite", "not all(", "not any(")),
    "the outermost bins of bonds are like any other": (
        "walls",
        edited(Histograms, "known", "EDGES[name][1], EDGES[name][-2]", "EDGES[name][0], EDGES[name][-1]"),
    ),
    "a third of the rounding of rows": (
        "doors",
        edited(Spectrum, "resolution", "eps * 3 * self.beads", "eps * self.beads"),
    ),
    "rounding of inner products taken for that of rows": (
        "doors",
        edited(Spectrum, "resolution", "np.sqrt(eps * n) if n", "eps * n if n"),
    ),
    "data on which no term acts": (
        "refusals",
        edited(fit, "require_task", "np.any(design(factor.S))", "np.any(factor.S)"),
    ),
    "signs of a term's first group alone": (
        "walls",
        edited(constraints, "_signs", "enumerate(term.group_labels)", "enumerate(term.group_labels[:1])"),
    ),
    "signs of groups without data": ("walls", edited(constraints, "_signs", "if ground.feels(term, group)", "if True")),
    "held-out frames are not judged": (
        "judgement",
        edited(fit, "door", "for part in (data, validation) if", "for part in (data,) if"),
    ),
    "folds of different sizes count alike": (
        "choices",
        edited(
            pooling,
            "cross_validated",
            "np.average(losses, axis=0, weights=[fold.beads for fold in folds])",
            "losses.mean(axis=0)",
        ),
    ),
    "stretch from the median of all bonds": (
        "judgement",
        edited(survey, "_survey_protein", "r - middles", "r - limits.median"),
    ),
    "the spread of the jackknife for its error": (
        "judgement",
        edited(Stretch, "ratio", "np.sqrt((len(others) - 1) * np.var(others))", "np.std(others)"),
    ),
    "bells narrower than they are apart": (
        "doors",
        edited(terms, "_gaussian", "/ (len(centres) - 1)", "/ len(centres)"),
    ),
    "the fit that fits best of a scan": (
        "choices",
        edited(scan, "scan", "held_out[-1] <= min(held_out)", "losses[-1] <= min(losses)"),
    ),
    "the last time of an angle for the first": (
        "dynamics",
        edited(dynamics, "counted", "xp.any(outside, axis=0) & (tally.first_outside < 0)", "xp.any(outside, axis=0)"),
    ),
    "a direct objective per bead for weighted beads": (
        "weighting",
        replace(
            edited(
                direct,
                "total_weight",
                " if weights is None else jnp.sum(jnp.where(mask, weights, 0.0))",
                "",
            ),
            compiled=True,
        ),
    ),
    "coefficients of the next group in fit.json": (
        "doors",
        edited(
            record,
            "_coefficients",
            "(-1, term.basis.size)).tolist()",
            "(term.basis.size, -1)).T.tolist()",
        ),
    ),
    "a held-out set is told by its name": (
        "doors",
        edited(
            record,
            "record_of_data",
            "(validation.path, validation.sha256) != (data.path, data.sha256)",
            "validation.path != data.path",
        ),
    ),
    "a replica judged by its worst angle": (
        "dynamics",
        edited(verdict, "_outside", "outside[:, k].sum()", "outside[:, k].max()"),
    ),
    "a run that ends with the first loss": (
        "dynamics",
        edited(simulate, "run", "(seen.tally.lost_at < 0).any():", "(seen.tally.lost_at < 0).all():"),
    ),
    "all replicas looked at as often": (
        "dynamics",
        edited(
            dynamics,
            "angles_outside",
            "np.sum(tally.looks)) * len(tally.outside)",
            "np.max(tally.looks)) * tally.outside.size",
        ),
    ),
    "parts for weights of another mean": (
        "pieces",
        edited(parts, "_content", "float(work.scale).hex(), ", ""),
    ),
    "no temperatures in the file of a factor": (
        "pieces",
        edited(factor_file, "_factor", 'tuple(arrays["temperatures"].tolist())', "()"),
    ),
    "numbers of older YAML are read": (
        "files",
        edited(strict_yaml, "_ambiguous", "re.fullmatch(form, text)", "re.fullmatch(form, text[1:])"),
    ),
    "a rest length that is too short is usual": (
        "doors",
        edited(fit, "unphysical", 'not sampled[0] <= params["r0"] <= sampled[1]', 'params["r0"] > sampled[1]'),
    ),
    "chains with a gap left in two images": ("formats", edited(frames, "made_whole", "jumps < FAR", "jumps == 1")),
    "frames of as many steps are the same frames": (
        "formats",
        edited(h5md, "_opened", "not np.array_equal(ours, theirs)", "len(ours) != len(theirs)"),
    ),
    "the prior of the last epoch beside the network of the best": (
        "training-steps",
        edited(Trainer, "prior", "self.params[PRIOR]", "self.last_params[PRIOR]"),
    ),
    "boxes of the first frames of a drawn set": (
        "pieces",
        edited(Parcel, "of", "source.box[stored]", "source.box[rows]"),
    ),
    "values beyond all bins left out": (
        "dynamics",
        edited(divergence, "_summary", "counts.sum() * np.diff", "counts[1:-1].sum() * np.diff"),
    ),
    "no temperature for frames that a script replaced": (
        "scripts",
        edited(DatasetLoader, "pipeline_loader", "self._dataset.temperatures, **said", "(), **said"),
    ),
    "a frame less to train on": ("scripts", edited(DatasetLoader, "split_train_val", "int(np.round(", "int((")),
    "an envelope of the next order": ("training", edited(allegro, "envelope", "range(p)", "range(p + 1)")),
    "warm-up in epochs that counts steps": (
        "training",
        edited(
            optimizers, "schedule", "round(settings.warmup_epochs * steps_per_epoch)", "round(settings.warmup_epochs)"
        ),
    ),
    "clipping for optimizers of their own alone": (
        "training",
        edited(configured, "_optimizer", '"grad_clip" not in said or', '"grad_clip" not in said and'),
    ),
    "the last parameters are saved": (
        "training-steps",
        edited(Trainer, "save_params", "params or self.params", "params or self.last_params"),
    ),
    "no temperature for the prior's fit": (
        "training",
        edited(prior_fit, "fit_options", '"temperature": said.temperature,', ""),
    ),
}
