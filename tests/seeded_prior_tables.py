"""Faults of one line in cgcore, as in `seeded_fits`: priors, parameters, rows and histograms."""

from __future__ import annotations

from fault_helpers import Faults, edited

import cgcore
from cgcore.factor.histogram import Histograms
from cgcore.physics.parametrisations import AmplitudesAndPhases, Stiffness, StrengthAndLength
from cgcore.physics.space import Periodic
from cgcore.solver.status import Status
from validation.checks import prior_tables

FAULTS: Faults = {
    "a phase where there is no amplitude": (
        "prior-tables",
        edited(AmplitudesAndPhases, "params", "np.where(amplitude > 0, phase, start[gamma])", "phase"),
    ),
    "phases of -pi": ("prior-tables", edited(AmplitudesAndPhases, "params", "phase == -np.pi", "phase == np.nan")),
    "a rest length of 0 without a stiffness": (
        "prior-tables",
        edited(Stiffness, "params", "1.0), start[r0])", "1.0), 0.0)"),
    ),
    "rest lengths of positive stiffnesses": (
        "prior-tables",
        edited(Stiffness, "params", "c[..., 0] != 0", "c[..., 0] > 0"),
    ),
    "a strength of 0 without a length": (
        "prior-tables",
        edited(StrengthAndLength, "params", "np.full_like(own, start[epsilon])", "np.zeros_like(own)"),
    ),
    "negative stiffnesses become positive": (
        "prior-tables",
        edited(prior_tables, "_with_bonds", "if c[k] >= 0:", "if True:"),
    ),
    "stiffnesses of the first parabola": (
        "prior-tables",
        edited(prior_tables, "_with_bonds", "in layout.parabolas:", "in layout.parabolas[:1]:"),
    ),
    "the terms that were frozen first are free": (
        "prior-tables",
        edited(cgcore.Prior, "with_terms", "self.frozen | frozenset(frozen)", "frozenset(frozen)"),
    ),
    "splines replace no term": (
        "prior-tables",
        edited(cgcore.Prior, "linear", "self.splines is None or term.name not in SPLINED", "True"),
    ),
    "splines in every part": (
        "prior-tables",
        edited(cgcore.Prior, "part", "self.splines if splines else None", "self.splines"),
    ),
    "values that are carried, without values": (
        "prior-tables",
        edited(cgcore.Prior, "without_values", ", carried={}", ""),
    ),
    "the first edge of a box": (
        "prior-tables",
        edited(Periodic, "name", "for edge in self.lengths", "for edge in self.lengths[:1]"),
    ),
    "mine for theirs": (
        "prior-tables",
        edited(cgcore.Fingerprint, "require", "in (mine, theirs))", "in (theirs, mine))"),
    ),
    "the first difference alone": (
        "prior-tables",
        edited(cgcore.Fingerprint, "require", "for key in differing)", "for key in differing[:1])"),
    ),
    "one message for all": ("prior-tables", edited(Status, "message", "_MESSAGES[self]", "_MESSAGES[Status.GRADIENT]")),
    "chains without their last jump": (
        "prior-tables",
        edited(prior_tables, "chain_numbers", ">= CHAIN_JUMP", "> 2 * CHAIN_JUMP"),
    ),
    "listed rows need a bead less": ("prior-tables", edited(cgcore.Rows, "needs", "1 + max(max(row)", "max(max(row)")),
    "listed rows beyond the chain": (
        "prior-tables",
        edited(cgcore.Rows, "candidates", "max(row) < n_beads", "min(row) < n_beads"),
    ),
    "pairs between chains within them": (
        "prior-tables",
        edited(cgcore.Rows, "count", 'self.chains == "between"', 'self.chains == "within"'),
    ),
    "the last bin is left out of a range": (
        "prior-tables",
        edited(Histograms, "sampled_range", "filled[-1] + 1", "filled[-1]"),
    ),
    "the end of the last bin is known": (
        "prior-tables",
        edited(Histograms, "known", "EDGES[name][1], EDGES[name][-2]", "EDGES[name][1], EDGES[name][-1]"),
    ),
    "counts of the last factor": (
        "prior-tables",
        edited(Histograms, "__add__", "groups[name] + counts if name in groups else counts", "counts"),
    ),
}
