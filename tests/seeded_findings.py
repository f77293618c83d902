"""Faults of one line in cgcore, as in `seeded_fits`: findings about data, what readers take from files, and
foreign keys."""

from __future__ import annotations

import importlib

from fault_helpers import Faults, edited

from cgcore.config import comparison, foreign, loading, other_terms
from cgcore.data import chains, contents, dataset, reading, residues
from cgcore.data.formats import mdcath, mlcg
from cgcore.judging import bond_rules, force_rules, set_rules, survey
from cgcore.mapping import backbone, mapped, naming
from validation.checks import findings

judging = importlib.import_module("cgcore.judging.judge")  # the package has a function of this name

FAULTS: Faults = {
    "bonds in frames by place": (
        "findings",
        edited(survey, "_survey_protein", "number[block]) for others", "own) for others"),
    ),
    "order in frames by place": (
        "findings",
        edited(survey, "_survey_protein", "disorder(steps, limits, number)", "disorder(steps, limits, rows)"),
    ),
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
    "a given temperature that is not known": (
        "findings-forces",
        edited(judging, "_judged", "bool(one.temperatures) or temperature is not None", "bool(one.temperatures)"),
    ),
    "one more frame than there are": (
        "findings-forces",
        edited(force_rules, "named", "len(frames) - SHOWN", "len(frames)"),
    ),
    "inserted residues at a distance of none": (
        "readers",
        edited(reading, "find_sites", "steps == 0, 1,", "steps == 0, 0,"),
    ),
    "bonds beside numbers": (
        "readers",
        edited(
            reading, "find_sites", "np.where(bonded, 1, np.where(steps == 1, FAR, steps))", "np.where(bonded, 1, steps)"
        ),
    ),
    "numbers of padding": (
        "readers",
        edited(chains, "_rows", "np.where(_real(lengths, rows, n_beads), rows, rows[:, :1])", "rows"),
    ),
    "names with their terminal letter": (
        "readers",
        edited(residues, "letter", 'code[0] in "NC"', 'code[0] in "C"'),
    ),
    "a table from name to number": (
        "readers",
        edited(residues, "_pairs", "(numbers[1], pair[0])", "(numbers[1], pair[1])"),
    ),
    "proteins of one file alone": (
        "readers",
        edited(contents, "proteins_of", "before + len(rows)", "len(rows)"),
    ),
    "padding counts among species": (
        "readers",
        edited(contents, "species_of", "species[real_mask(source.lengths[block], source.n_beads)]", "species"),
    ),
    "held-out frames rounded down": (
        "readers",
        edited(dataset, "held_out", "max(round(fraction * n), 1)", "max(int(fraction * n), 1)"),
    ),
    "weights of frames or of beads": (
        "readers",
        edited(reading, "read_weights", "weights * factor", "1.0 * factor"),
    ),
    "temperatures in the order of their digits": (
        "readers-files",
        edited(mdcath, "open_kind", ", key=float", ""),
    ),
    "two chains of atoms are one": (
        "readers-files",
        edited(mapped, "_beads", "len(np.unique(beads.chain)) > 1", "len(np.unique(beads.chain)) > 2"),
    ),
    "a single bond to oxygen is a double bond": (
        "readers-files",
        edited(backbone, "backbone_names", "distance < _DOUBLE", "distance < _SINGLE"),
    ),
    "only molecules at the top": (
        "readers-files",
        edited(mlcg, "_molecules", "elif depth:", "elif depth > 3:"),
    ),
    "no number of frames is wrong": (
        "readers-files",
        edited(mlcg, "_opened", "int(said) != len(R)", "int(said) > len(R)"),
    ),
    "atoms in units of the file": (
        "readers-files",
        edited(reading, "require_beads", "* factors(units)[0]", ""),
    ),
    "species of the topology for those of the file": (
        "readers-files",
        edited(naming, "_named", '{"species": species, **source.arrays}', '{**source.arrays, "species": species}'),
    ),
    "hidden files in a folder": (
        "readers-files",
        edited(reading, "files_of", 'if not entry.startswith(".")', ""),
    ),
    "a weight of null is a mistake": (
        "foreign-keys",
        edited(other_terms, "_weights", "weight is None or ", ""),
    ),
    "any separation will do": (
        "foreign-keys",
        edited(loading, "without_other_terms", "inside == always and", "inside != 0 and"),
    ),
    "a block that says nothing is on": (
        "foreign-keys",
        edited(foreign.Foreign, "same", 'value.get("enabled", False)', 'value.get("enabled", True)'),
    ),
    "misplaced keys are ignored": (
        "foreign-keys",
        edited(loading, "shared_block", "name in words.homes", "False"),
    ),
    "the other name of a series wins": (
        "foreign-keys",
        edited(loading, "without_other_terms", "names[name] in value", "name in value"),
    ),
    "each clipping for itself": (
        "foreign-keys",
        edited(comparison, "_theirs", '"x-overruled" in schema', "False"),
    ),
}
