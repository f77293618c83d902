"""Faults of one line in cgcore, as in `seeded_several`: of several terms, groups, units, files or frames, only the
first or the last is handled rightly, or all are handled like one of them."""

from __future__ import annotations

from fault_helpers import Edits, Faults, faults_of, uncompiled

from cgcore.fitting import direct, identifiability, roughness, smoothing, spectrum
from cgcore.judging import force_rules
from validation.checks import several_groups

STORED = "np.result_type(*(source.store.dtype for source in data.sources))"
SPANNED = "bent.setdefault(kind, []).append(columns[:, own] @ Vt[:rank].T / s[:rank])"

COMPUTED: Edits = {
    "roughness of the first bend alone": (
        several_groups,
        "roughness_of",
        "own, rows in bends)",
        "own, rows in bends[:1])",
    ),
    "roughness of the last bend alone": (
        several_groups,
        "roughness_of",
        "own, rows in bends)",
        "own, rows in bends[-1:])",
    ),
    "rows of the first group alone": (
        roughness,
        "_bends",
        "Bend(KINDS[term.coordinate], slice(k, k + size), rows) for k in starts]",
        "Bend(KINDS[term.coordinate], slice(k, k + size), rows) for k in starts[:1]]",
    ),
    "rows of the last term alone": (roughness, "_bends", "found += [", "found = ["),
    "rows of groups with all coefficients": (roughness, "data_bends", "felt[bend.own].any()", "felt[bend.own].all()"),
    "unit of the last group of a kind": (
        smoothing,
        "_units",
        SPANNED,
        "bent[kind] = [columns[:, own] @ Vt[:rank].T / s[:rank]]",
    ),
    "straight part of the last group alone": (
        smoothing,
        "_units",
        "straight.append(columns[:, own] @ Vt[rank:].T)",
        "straight = [straight[0], columns[:, own] @ Vt[rank:].T]",
    ),
    "straight part of the first group alone": (
        smoothing,
        "_units",
        "np.hstack(straight)",
        "np.hstack(straight[:2])",
    ),
    "the first stiffness centred": (
        spectrum.Centring,
        "columns",
        "self.shares.items()",
        "list(self.shares.items())[:1]",
    ),
    "the last stiffness centred": (
        spectrum.Centring,
        "columns",
        "self.shares.items()",
        "list(self.shares.items())[-1:]",
    ),
    "coefficients of the first stiffness alone": (
        spectrum.Centring,
        "coefficients",
        "self.shares.items()",
        "list(self.shares.items())[:1]",
    ),
    "coefficients of the last stiffness alone": (
        spectrum.Centring,
        "coefficients",
        "self.shares.items()",
        "list(self.shares.items())[-1:]",
    ),
    "rounding of the first stiffness alone": (
        several_groups,
        "centring",
        "    for k in parabolas:\n        if np.linalg",
        "    for k in parabolas[:1]:\n        if np.linalg",
    ),
    "rounding of the last stiffness alone": (
        several_groups,
        "centring",
        "    for k in parabolas:\n        if np.linalg",
        "    for k in parabolas[-1:]:\n        if np.linalg",
    ),
    "pooling up to a term without groups": (
        several_groups,
        "pooling_rows",
        "groups == 1:\n            continue",
        "groups == 1:\n            break",
    ),
    "pooling up to a term without data": (
        several_groups,
        "pooling_rows",
        "parts.sum() == 0:\n            continue",
        "parts.sum() == 0:\n            break",
    ),
    "pooling of the last term alone": (
        several_groups,
        "pooling_rows",
        "blocks.append(block)",
        "blocks = [blocks[0], block]",
    ),
}

SAID: Edits = {
    "the shortest chain for all": (identifiability, "_without_data", "longest = max(", "longest = min("),
    "the first chain for all": (
        identifiability,
        "_without_data",
        "for block in factor.blocks)",
        "for block in factor.blocks[:1])",
    ),
    "the last chain for all": (
        identifiability,
        "_without_data",
        "for block in factor.blocks)",
        "for block in factor.blocks[-1:])",
    ),
    "note about the first direction alone": (
        identifiability,
        "_notes",
        "for direction in left if",
        "for direction in left[:1] if",
    ),
    "note about the last direction alone": (
        identifiability,
        "_notes",
        "for direction in left if",
        "for direction in left[-1:] if",
    ),
    "the first repulsion alone": (several_groups, "unphysical_values", "for term in pairs:", "for term in pairs[:1]:"),
    "the last repulsion alone": (several_groups, "unphysical_values", "for term in pairs:", "for term in pairs[-1:]:"),
    "a repulsion that all others cover": (several_groups, "unphysical_values", "not any(covers", "not all(covers"),
    "stiffness of the first group alone": (
        several_groups,
        "unphysical_values",
        "in zip(term.group_labels, stiffness.tolist(), strict=True):",
        "in [*zip(term.group_labels, stiffness.tolist(), strict=True)][:2]:",
    ),
    "the last unit left out": (several_groups, "factor_between", "in UNITS:", "in UNITS[:-1]:"),
    "the first unit left out": (several_groups, "factor_between", "in UNITS:", "in UNITS[1:]:"),
    "units in one direction": (several_groups, "factor_between", "(unit.factor, 1 / unit.factor)", "(unit.factor,)"),
    "the first of repeated forces by hash": (force_rules, "_repeated", "again[k]", "again[0]"),
    "the double of another frame": (force_rules, "_repeated", "first[k]", "first[0]"),
}

FORCES: Edits = {
    "precision of the first group alone": (
        several_groups,
        "float32_error",
        "term.basis.size):\n",
        "term.basis.size)[:1]:\n",
    ),
    "precision of the last group alone": (
        several_groups,
        "float32_error",
        "term.basis.size):\n",
        "term.basis.size)[-1:]:\n",
    ),
    "precision of the first term alone": (
        several_groups,
        "float32_error",
        "in zip(layout.terms, layout.slices.values(), strict=True)",
        "in [*zip(layout.terms, layout.slices.values(), strict=True)][:1]",
    ),
    "precision of the last term alone": (
        several_groups,
        "float32_error",
        "in zip(layout.terms, layout.slices.values(), strict=True)",
        "in [*zip(layout.terms, layout.slices.values(), strict=True)][-1:]",
    ),
    "precision of the first file": (direct, "all_frames", STORED, "data.sources[0].store.dtype"),
    "precision of the last file": (direct, "all_frames", STORED, "data.sources[-1].store.dtype"),
    "lengths of the first batch": (
        direct,
        "all_frames",
        "source.lengths[block]",
        "source.lengths[: block.stop - block.start]",
    ),
    "frames of the last file alone": (direct, "all_frames", "done += source.n_frames", "done = source.n_frames * 0"),
}

FAULTS: Faults = uncompiled(faults_of({"several-groups": COMPUTED | SAID | FORCES}))
