"""Faults of one line in cgcore, as in `seeded_several`: in the pass over several sources, and in factors and their
fingerprints of which only some are looked at."""

from __future__ import annotations

import importlib

from fault_helpers import Faults, faults_of, uncompiled

from cgcore.factor.fingerprint import Fingerprint
from cgcore.factor.histogram import Histograms
from cgcore.factor.work import Work
from validation.checks import several_passes

compressing = importlib.import_module("cgcore.factor.compress")  # the package has a function of this name

FAULTS: Faults = uncompiled(
    faults_of(
        {
            "several-passes": {
                "the mean weight of the first source": (
                    several_passes,
                    "compress",
                    "sum(source.total_weight for source in dataset.sources)",
                    "dataset.sources[0].total_weight",
                ),
                "histograms of the last piece": (
                    several_passes,
                    "compress",
                    "histograms += part.histograms",
                    "histograms = part.histograms",
                ),
                "frames of the last piece alone are done": (
                    several_passes,
                    "compress",
                    "done += part.frames",
                    "done = part.frames",
                ),
                "the last piece of each block": (
                    several_passes,
                    "compress",
                    "work.added(sums[own], part.matrix) if own in sums else part.matrix",
                    "part.matrix",
                ),
                "pieces in the order of their arrival": (
                    several_passes,
                    "compress",
                    "in_order(execute(work, pieces))",
                    "(part for _, part in execute(work, pieces))",
                ),
                "gaps of the first protein in all blocks": (
                    compressing,
                    "_block",
                    "source.sites_of(int(source.protein[first]))",
                    "source.sites_of(0)",
                ),
                "lengths of the first protein in all blocks": (
                    compressing,
                    "_block",
                    "source.lengths[first]",
                    "source.lengths[0]",
                ),
                "rows that are broken in one frame": (
                    compressing,
                    "_block",
                    "len(segment.rows) * np.array(broken, np.int64)",
                    "np.array(broken, np.int64)",
                ),
                "blocks without weights beside others": (
                    compressing,
                    "_block",
                    "float((beads if weights is None else weights.sum()) * scale)",
                    "float(beads if weights is None else weights.sum() * scale)",
                ),
                "beads of the first frame of a block": (
                    compressing,
                    "_block",
                    "int(source.lengths[segment.rows].sum(dtype=np.int64))",
                    "len(segment.rows) * int(source.lengths[0])",
                ),
                "the last of several fingerprints": (
                    several_passes,
                    "merge",
                    "for other in factors[1:]",
                    "for other in factors[-1:]",
                ),
                "the first two of several fingerprints": (
                    several_passes,
                    "merge",
                    "for other in factors[1:]",
                    "for other in factors[1:2]",
                ),
                "histograms of two factors": (
                    several_passes,
                    "merge",
                    "(factor.histograms for factor in factors)",
                    "(factor.histograms for factor in factors[:2])",
                ),
                "the first warning about frames that are counted twice": (
                    several_passes,
                    "merge",
                    "in counted_twice(blocks)",
                    "in counted_twice(blocks)[:1]",
                ),
                "the first setting that differs": (
                    Fingerprint,
                    "require",
                    "for key in differing)",
                    "for key in differing[:1])",
                ),
                "equal names of the first two terms": (
                    Fingerprint,
                    "from_dict",
                    "len({term.name for term in made.terms}) < len(made.terms)",
                    "len({term.name for term in made.terms[:2]}) < len(made.terms[:2])",
                ),
                "equal names of terms side by side": (
                    Fingerprint,
                    "from_dict",
                    "len({term.name for term in made.terms}) < len(made.terms)",
                    "any(a.name == b.name for a, b in zip(made.terms, made.terms[1:]))",
                ),
                "counts of the first groups": (
                    Histograms,
                    "__add__",
                    "in other.groups.items()",
                    "in list(other.groups.items())[:1]",
                ),
                "counts of the last groups of a name": (
                    Histograms,
                    "__add__",
                    "groups[name] + counts if name in groups else counts",
                    "counts",
                ),
            },
            "weighting": {
                "a source without weights is not scaled": (
                    Work,
                    "of_cut",
                    "if weights is None and self.scale != 1.0:",
                    "if False:",
                ),
            },
        }
    )
)
