"""Faults of one line in cgcore, as in `seeded_fits`: what fits say, their records, and the processes of a cluster."""

from __future__ import annotations

from fault_helpers import Faults, edited

from cgcore.fitting import constraints, contacts, ground, identifiability, unphysical, walls
from cgcore.fitting.identifiability import Direction
from validation.checks import fit_sentences

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
}

WHOLE: Faults = {}
"""Faults that only the whole run, not `--quick`, must detect."""
