"""Faults of one line in cgcore, as in `seeded_several`: of several pair potentials, constraints, runs of blocks, folds
or groups of a fit, only the first or the last is handled rightly, or all are handled like one of them."""

from __future__ import annotations

from fault_helpers import Faults, faults_of, uncompiled

from cgcore.fitting import admissible, blocking, constraints, contacts, errors_of_parameters, folds
from validation.checks import error_bars, several_fits

EACH_RUN = "(block.source, block.protein)"
WITHOUT = "    from dataclasses import replace\n    blocks = [replace(b, {}='') for b in blocks]\n    counts: dict"

FAULTS: Faults = uncompiled(
    faults_of(
        {
            "several-fits": {
                "closest approach of the first potential": (
                    contacts,
                    "_contact",
                    "max((one for one in each if one is not None), default=None)",
                    "each[0]",
                ),
                "closest approach of the last potential": (
                    contacts,
                    "_contact",
                    "max((one for one in each if one is not None), default=None)",
                    "each[-1]",
                ),
                "one combination of groups in contact": (
                    constraints,
                    "contacts",
                    "            continue",
                    "            break",
                ),
                "combinations of different groups in contact": (
                    constraints,
                    "contacts",
                    "any(kinds[term.groups] != k",
                    "all(kinds[term.groups] != k",
                ),
                "contact of the first rows alone": (
                    constraints,
                    "contacts",
                    "for rows in dict.fromkeys(term.rows for term in terms if term not in held)",
                    "for rows in [*dict.fromkeys(term.rows for term in terms if term not in held)][:1]",
                ),
                "contact with the last fixed potential alone": (
                    contacts,
                    "_contact",
                    "held += values @ fixed",
                    "held = values @ fixed",
                ),
                "any listed pair covered": (
                    several_fits,
                    "covers",
                    "all(rows.count(0, one, False)",
                    "any(rows.count(0, one, False)",
                ),
                "the first listed pair covered": (
                    several_fits,
                    "covers",
                    "in others.listed or ()",
                    "in (others.listed or ())[:1]",
                ),
                "the last listed pair covered": (
                    several_fits,
                    "covers",
                    "in others.listed or ()",
                    "in (others.listed or ())[-1:]",
                ),
                "signs of the first constraint alone": (
                    admissible.Admissible,
                    "_signed",
                    "for constraint in self.constraints:",
                    "for constraint in self.constraints[:1]:",
                ),
                "signs of the last constraint alone": (
                    admissible.Admissible,
                    "_signed",
                    "for constraint in self.constraints:",
                    "for constraint in self.constraints[-1:]:",
                ),
                "sign of the first row alone": (
                    admissible.Admissible,
                    "_signed",
                    "in zip(constraint.normals, constraint.bounds, strict=True)",
                    "in [*zip(constraint.normals, constraint.bounds, strict=True)][:1]",
                ),
                "the first row of a constraint with a shape": (
                    several_fits,
                    "smoothest",
                    "if not one.normals[:, ~shaped].any()",
                    "if not one.normals[:1, ~shaped].any()",
                ),
                "the first contradictory constraint alone": (
                    admissible,
                    "_named",
                    "for k in owner[empty.rows]",
                    "for k in owner[empty.rows][:1]",
                ),
                "pools of a protein in all sources": (blocking, "_pooled", EACH_RUN, "block.protein"),
                "pools of a source with all proteins": (blocking, "_pooled", EACH_RUN, "block.source"),
                "neighbours of a protein in all sources": (blocking, "_level", EACH_RUN, "block.protein"),
                "neighbours of a source in all proteins": (blocking, "_level", EACH_RUN, "block.source"),
                "strata as the largest protein allows": (
                    blocking,
                    "_strata",
                    "np.bincount(own).min()",
                    "np.bincount(own).max()",
                ),
                "strata as the first protein allows": (
                    blocking,
                    "_strata",
                    "np.bincount(own).min()",
                    "np.bincount(own)[0]",
                ),
                "strata as the last protein allows": (
                    blocking,
                    "_strata",
                    "np.bincount(own).min()",
                    "np.bincount(own)[-1]",
                ),
                "weights of the first stratum alone": (
                    blocking.Blocking,
                    "weights",
                    "for stratum in np.unique(self.strata)",
                    "for stratum in np.unique(self.strata)[:1]",
                ),
                "folds by the last block's number": (
                    folds,
                    "fold_numbers",
                    "max(counts.get((block.source, block.protein), 0), block.index + 1)",
                    "block.index + 1",
                ),
                "folds by the number of a source's blocks": (
                    folds,
                    "fold_numbers",
                    "    counts: dict",
                    WITHOUT.format("protein"),
                ),
                "folds by the number of a protein's blocks": (
                    folds,
                    "fold_numbers",
                    "    counts: dict",
                    WITHOUT.format("source"),
                ),
                "beads for the weight of a fold": (
                    folds,
                    "_joined",
                    "sum(b.weight for b in group)",
                    "sum(b.beads for b in group)",
                ),
                "weight of a fold's first block for all": (
                    folds,
                    "_joined",
                    "sum(b.weight for b in group)",
                    "len(group) * group[0].weight",
                ),
                "errors of the first term's parameters alone": (
                    several_fits,
                    "errors_of_parameters",
                    "for way in ways:",
                    "for way in ways[:1]:",
                ),
                "errors of the last term's parameters alone": (
                    several_fits,
                    "errors_of_parameters",
                    "for way in ways:",
                    "for way in ways[-1:]:",
                ),
                "errors up to a parameter that no fit changes": (
                    several_fits,
                    "errors_of_parameters",
                    "            continue  # parameters",
                    "            break  # parameters",
                ),
                "steps as of the largest coefficients of all": (
                    errors_of_parameters,
                    "_steps",
                    "np.max(np.abs(c[own]), initial=0.0) or 1.0",
                    "1e8 * np.max(np.abs(c))",
                ),
            },
            "error-bars": {
                "the band of the first of two terms": (
                    error_bars,
                    "band",
                    "for part in fitted], x, zero)",
                    "for part in fitted[:1]], x, zero)",
                ),
            },
        }
    )
)
