"""Faults of one line in cgcore, as in `seeded_fits`: what fits say, and their records."""

from __future__ import annotations

from fault_helpers import Faults, edited

import cgcore
from cgcore.evaluation.ceiling import Ceiling
from cgcore.evaluation.result import Evaluation, Residue
from cgcore.fitting import constraints, contacts, ground, identifiability, learning_curve, unphysical, walls
from cgcore.fitting.blocking import Blocking
from cgcore.fitting.error_bars import ErrorBars
from cgcore.fitting.estimate import Estimate
from cgcore.fitting.identifiability import Direction
from cgcore.fitting.learning_curve import LearningCurve
from cgcore.fitting.result import FitResult
from cgcore.fitting.scan import Scan
from validation.checks import fit_records, fit_sentences
from validation.settings import fit_settings

FAULTS: Faults = {
    # Sentences about what the data do not determine
    "runs of harmonics are not joined": (
        "fit-sentences",
        edited(fit_sentences, "compact", "pair[1] - pair[0]", "pair[1]"),
    ),
    "names of other coefficients are lost": (
        "fit-sentences",
        edited(fit_sentences, "compact", " + [name for name, m in zip(names, parsed, strict=True) if not m]", ""),
    ),
    "negative loadings are not named": (
        "fit-sentences",
        edited(Direction, "__str__", "loading**2 >= NAMED", "loading >= NAMED**0.5"),
    ),
    "what is resolved is not determined": (
        "fit-sentences",
        edited(Direction, "__str__", "if self.resolved", "if not self.resolved"),
    ),
    "the most positive loading first": (
        "fit-sentences",
        edited(fit_sentences, "identify", "np.argsort(-np.abs(loadings))", "np.argsort(-loadings)"),
    ),
    "kept directions count as resolved": (
        "fit-sentences",
        edited(fit_sentences, "identify", "resolved=int(spectrum.kept().sum())", "resolved=int(kept.sum())"),
    ),
    "unresolved directions are weak": (
        "fit-sentences",
        edited(fit_sentences, "identify", "> spectrum.resolution", "> 0"),
    ),
    "directions of terms without data": (
        "fit-sentences",
        edited(fit_sentences, "identify", "np.sum(loadings[dead] ** 2) > 0.5", "np.sum(loadings[dead] ** 2) > 1.5"),
    ),
    "notes about terms without data": (
        "fit-sentences",
        edited(identifiability, "_notes", " and term.name not in empty", ""),
    ),
    "any direction is nearly dependent": (
        "fit-sentences",
        edited(identifiability, "_notes", "< NEARLY_DEPENDENT", "< 1"),
    ),
    "dihedrals depend on the sampled angles": (
        "fit-sentences",
        edited(identifiability, "_notes", 'if term.coordinate == "angle"', ""),
    ),
    "a weight of 0 as straight chains": (
        "fit-sentences",
        edited(identifiability, "_without_data", "if term.weight == 0", "if term.weight < 0"),
    ),
    "chains of the needed length are too short": (
        "fit-sentences",
        edited(
            identifiability,
            "_without_data",
            "if longest >= needs and term.groups",
            "if longest > needs and term.groups",
        ),
    ),
    "listed rows as straight chains": (
        "fit-sentences",
        edited(identifiability, "_without_data", " and term.rows.listed is None", ""),
    ),
    "a group without one of its coefficients": (
        "fit-sentences",
        edited(identifiability, "_without_data", ".max(axis=1)", ".min(axis=1)"),
    ),
    # Unphysical values and constraints
    "a stiffness of 0 is physical": (
        "fit-sentences",
        edited(unphysical, "unphysical_values", 'params.get("kr", 1.0) <= 0', 'params.get("kr", 1.0) < 0'),
    ),
    "a strength of 0 attracts": (
        "fit-sentences",
        edited(unphysical, "unphysical_values", "if params[name] < 0", "if params[name] <= 0"),
    ),
    "lengths beyond the bins are not known to be sampled": (
        "fit-sentences",
        edited(
            fit_sentences,
            "unphysical",
            'factor.histograms.known("bond", factor.histograms.sampled_range("bond"))',
            'factor.histograms.sampled_range("bond")',
        ),
    ),
    "stiffness without its weight": (
        "fit-sentences",
        edited(constraints, "stiffness", "** 2 / term.weight", "** 2"),
    ),
    "unknown ends of bonds": (
        "fit-sentences",
        edited(constraints, "rest", "{longest:.2f} Å", "{shortest:.2f} Å"),
    ),
    "the foot of the other wall": (
        "fit-sentences",
        edited(constraints, "wall", 'f"{np.degrees(foot):.1f}°"', 'f"{np.degrees(sampled[1]):.1f}°"'),
    ),
    "constraints without their group": (
        "fit-sentences",
        edited(walls, "labelled", 'f"{own}[{label}]" if label else own', "own"),
    ),
    "constraints without their term": (
        "fit-sentences",
        edited(walls, "labelled", "name if term.parametrisation is not None else", "name if True else"),
    ),
    "contacts that are not sampled, as sampled": (
        "fit-sentences",
        edited(contacts, "_contact", "if distance == sampled", "if distance <= sampled"),
    ),
    "the first of several pair terms": (
        "fit-sentences",
        edited(contacts, "_contact", "name if len(acting) == 1", "name if len(acting) > 1"),
    ),
    "signs by another name": (
        "fit-sentences",
        edited(
            constraints,
            "_signs",
            "names[isinstance(term.basis, Harmonic)]",
            "names[not isinstance(term.basis, Harmonic)]",
        ),
    ),
    "percentiles at the end of their bin": (
        "fit-sentences",
        edited(ground, "percentile", "(rank - below[k]) / counts[k]", "(rank >= below[k])"),
    ),
    # Records and verdicts
    "errors of what the data do not determine": (
        "fit-records",
        edited(Estimate, "of", "np.where(decided, error, np.nan)", "np.asarray(error)"),
    ),
    "intervals that shrink to those of refits": (
        "fit-records",
        edited(Estimate, "reaching", "np.minimum(self.low, low)", "np.asarray(low)"),
    ),
    "quantiles of refits that are not widened": (
        "fit-records",
        edited(Estimate, "reaching", "factor * np.quantile", "np.quantile"),
    ),
    "values without errors are lost": (
        "fit-records",
        edited(Estimate, "only", '("standard_error", "low", "high")', '("value", "standard_error", "low", "high")'),
    ),
    "the low end twice": ("fit-records", edited(Estimate, "as_dict", '"high": self.high', '"high": self.low')),
    "force errors without inflation": (
        "fit-records",
        edited(ErrorBars, "as_dict", "np.sqrt(self.blocking.inflation) * chosen.error", "chosen.error"),
    ),
    "notes that are not recorded": ("fit-records", edited(ErrorBars, "as_dict", "self.notes", "self.blocking.notes")),
    "the first length of blocks": ("fit-records", edited(Blocking, "level", "[self.chosen]", "[0]")),
    "as many independent pools as pools": (
        "fit-records",
        edited(Blocking, "effective", " / self.inflation", ""),
    ),
    "refits of many directions, in words": ("fit-records", edited(ErrorBars, "method", "<= MOST_REFITTED", "> 0")),
    "proteins as blocks, in words": (
        "fit-records",
        edited(ErrorBars, "method", 'self.blocking.by == "blocks"', "True"),
    ),
    "notes about one protein": (
        "fit-records",
        edited(fit_records, "error_bars", "proteins > 1 and", "proteins > 0 and"),
    ),
    "enough proteins that are too few": (
        "fit-records",
        edited(fit_records, "error_bars", "if proteins < FEWEST_PROTEINS else", "if proteins <= FEWEST_PROTEINS else"),
    ),
    "five proteins are too few": (
        "fit-records",
        edited(fit_records, "error_bars", "proteins >= FEWEST_PROTEINS)", "proteins > FEWEST_PROTEINS)"),
    ),
    "no note about correlated blocks": (
        "fit-records",
        edited(fit_records, "blocking", "level.correlation > level.uncertainty + MUCH", "level.correlation > 1 + MUCH"),
    ),
    "a ceiling below what is explained": (
        "fit-records",
        edited(Ceiling, "ceiling", "max(self.missed, 0.0)", "self.missed"),
    ),
    "a ceiling above everything": ("fit-records", edited(Ceiling, "highest", ", 1.0)", ", 9.0)")),
    "a ceiling plus one error": (
        "fit-records",
        edited(Ceiling, "highest", "2 * self.ceiling_error", "self.ceiling_error"),
    ),
    "any ceiling is certain": ("fit-records", edited(Ceiling, "verdict", "> CERTAIN", "> 1")),
    "the lowest ceiling as the highest": ("fit-records", edited(Ceiling, "as_dict", '"highest")', '"ceiling")')),
    "as many frames for half of the gain": (
        "fit-records",
        edited(LearningCurve, "verdict", "2 * self.all_frames", "self.all_frames"),
    ),
    "frames rounded down": ("fit-records", edited(learning_curve, "_rounded", "np.ceil(", "np.floor(")),
    "the loss as the reference": ("fit-records", edited(Evaluation, "as_dict", "errors.reference", "errors.loss")),
    "squares as absolute differences": ("fit-records", edited(Evaluation, "as_dict", "errors.mae", "errors.rmse")),
    "energies of the whole for each protein": (
        "fit-records",
        edited(Evaluation, "as_dict", "protein.energy._asdict()", "self.energy._asdict()"),
    ),
    "everything is explained where no force is": (
        "fit-records",
        edited(fit_records, "errors_of", 'float("nan")', "1.0"),
    ),
    "a species for a known residue": ("fit-records", edited(Residue, "kind", "!= UNKNOWN", "== UNKNOWN")),
    # Settings that follow from others
    "ten steps in any coordinates": (
        "fit-records",
        edited(cgcore.Options, "least_steps", '0 if self.coordinates == "whitened" else ', ""),
    ),
    "0 steps as no answer": (
        "fit-records",
        edited(cgcore.Options, "least_steps", "self.min_steps is not None", "self.min_steps"),
    ),
    "safe in any coordinates": (
        "fit-records",
        edited(
            cgcore.Options, "level", 'if (self.objective, self.coordinates) == ("compressed", "whitened")', "if True"
        ),
    ),
    "a truncation of 0 as none": (
        "fit-records",
        edited(cgcore.Options, "smoothed", "self.truncation is None", "not self.truncation"),
    ),
    "a pooling of none as 0": (
        "fit-records",
        edited(cgcore.Options, "pooled", "self.pooling != 0", "bool(self.pooling)"),
    ),
    "a scan that forgets coefficients": (
        "fit-records",
        edited(fit_settings, "with_value", "key != term_name or own.shape == other.shape", "key != term_name"),
    ),
    "a whole number as any number": (
        "fit-records",
        edited(
            fit_settings, "with_value", "int(value) if isinstance(old, int) and value == int(value) else value", "value"
        ),
    ),
    "as many blocks with many coefficients": (
        "fit-records",
        edited(fit_settings, "affordable_blocks", "coefficients > MANY_COLUMNS", "False"),
    ),
    "the parameters of the start, nearest": (
        "fit-records",
        edited(FitResult, "nearest_admissible", "replace(self.prior, params=params)", "self.prior"),
    ),
    "held-out losses in a record": (
        "fit-records",
        edited(FitResult, "as_dict", '"train_loss": self.train_loss', '"train_loss": self.val_loss'),
    ),
    "initial parameters in a record": (
        "fit-records",
        edited(FitResult, "as_dict", "self.fitted_params", "self.initial_params"),
    ),
    "the last fit of a scan is the best": ("fit-records", edited(Scan, "table", "k == self.best", "k == 0")),
    "any precision is float64": ("fit-records", edited(FitResult, "dtype", "self.options.precision", '"float64"')),
}
