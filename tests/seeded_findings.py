"""Faults of one line in cgcore, as in `seeded_fits`: findings about data, and what readers take from files."""

from __future__ import annotations

import importlib

from fault_helpers import Faults, edited

from cgcore.judging import bond_rules, force_rules, set_rules, survey
from validation.checks import findings

judging = importlib.import_module("cgcore.judging.judge")  # the package has a function of this name

FAULTS: Faults = {
    "limits of bonds in medians alone": (
        "findings",
        edited(survey, "bond_limits", "max(LONG * median, median + SPREADS * spread)", "LONG * median"),
    ),
    "the longest outlier, not the worst": (
        "findings",
        edited(
            bond_rules,
            "_outlier",
            "np.abs(np.log(np.maximum(bond.lengths, 1e-9) / bond.limits.median))",
            "bond.lengths",
        ),
    ),
    "a gap in nine tenths of the frames": (
        "findings",
        edited(survey.OddBond, "always", "0.95 * self.of", "0.9 * self.of"),
    ),
    "closest pairs in another order": (
        "findings",
        edited(survey, "disorder", "(mean < NEARER * limits.median)", "(mean < limits.median)"),
    ),
    "a few rigid pairs are disorder": (
        "findings",
        edited(survey, "disorder", "(n - 1) / 3", "1"),
    ),
    "duplicates with the frames of all sources": (
        "findings",
        edited(set_rules, "duplicates", "[which[second] == which[b]]", ""),
    ),
    "sources that differ within their errors": (
        "findings",
        edited(set_rules, "disagreements", "if sure and high", "if high"),
    ),
    "what may be intended comes first": (
        "findings",
        edited(judging, "_judged", "found.sort(key=lambda finding: finding.severity is Severity.WARNING)", "pass"),
    ),
    "rows for frames of overlaps": (
        "findings",
        edited(findings, "locate_overlap", "frames.frame_numbers[block.start + row]", "block.start + row"),
    ),
    "forces per bead for forces per component": (
        "findings-forces",
        edited(survey, "_survey_protein", "squares.mean(axis=0) / 3", "squares.mean(axis=0)"),
    ),
    "the usual force of all proteins": (
        "findings-forces",
        edited(
            force_rules,
            "_sizes",
            "relative = size / np.median(size)",
            "relative = size / np.median(np.sqrt(survey.force))",
        ),
    ),
    "a broken frame among many": (
        "findings-forces",
        edited(force_rules, "_sizes", " and np.quantile(relative, 0.9) < USUAL_SPREAD", ""),
    ),
    "the larger of two clusters": (
        "findings-forces",
        edited(
            force_rules,
            "_two_sizes",
            "order[:cut] if smaller else order[cut:]",
            "order[cut:] if smaller else order[:cut]",
        ),
    ),
    "a unit within its error": (
        "findings-forces",
        edited(force_rules, "unit_of", " and ratio > 5 * error", ""),
    ),
    "forces of a model judged like those of atoms": (
        "findings-forces",
        edited(force_rules, "equipartition", "ratio is None or ratio.explained > LIKE_A_PRIOR", "ratio is None"),
    ),
    "equipartition at a temperature that is assumed": (
        "findings-forces",
        edited(force_rules, "equipartition", "elif said and (", "elif ("),
    ),
    "the first of several temperatures": (
        "findings-forces",
        edited(judging, "_kelvin", "float(np.mean(said)) if said", "said[0] if said"),
    ),
    "one more frame than there are": (
        "findings-forces",
        edited(force_rules, "named", "len(frames) - SHOWN", "len(frames)"),
    ),
}
