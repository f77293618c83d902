"""Faults of one line in cgcore, as in `seeded_fits`: what pictures and texts state."""

from __future__ import annotations

from fault_helpers import Faults, edited

from cgcore import inspection as inspecting
from cgcore.evaluation.result import Evaluation
from cgcore.fitting.result import FitResult
from cgcore.report import (
    boltzmann,
    cross_validation_panel,
    error_text,
    evaluation_figure,
    evaluation_text,
    figures,
    force_sample,
    inspection,
    inspection_figure,
    learning_curve,
    loss_panel,
    potential_panels,
    simulation_figure,
    simulation_text,
    singular_values_panel,
    summary,
    term_curves,
    text,
    training_text,
)
from cgcore.simulation.result import SimulationResult
from validation.reports import words_of_data

FAULTS: Faults = {
    "bonds across a gap in the ranges": (
        "inspected",
        edited(
            inspecting._Gathered,
            "add_geometry",
            "x[real if sites is None else real & unbroken(sites, spanned).T]",
            "x[real]",
        ),
    ),
    "forces along an axis are the largest": (
        "inspected",
        edited(inspecting._Gathered, "add_forces", "np.argmax(np.abs(F))", "np.argmax(F)"),
    ),
    "the largest force of the last batch": (
        "inspected",
        edited(inspecting._Gathered, "add_forces", "value > self.peak.value", "value != self.peak.value"),
    ),
    "the closest pair of the first batch": (
        "inspected",
        edited(inspecting._Gathered, "add_geometry", "closest[k] < self.closest.distance", "False"),
    ),
    "frames of a batch by place": (
        "inspected",
        edited(inspecting._Gathered, "add_geometry", "source, int(numbers[k]), (i, j)", "source, k, (i, j)"),
    ),
    "energies of all frames for each protein": (
        "fit-records",
        edited(Evaluation, "as_dict", '"energy": protein.energy', '"energy": self.energy'),
    ),
    "data without warnings are not refused": (
        "texts",
        edited(words_of_data, "inspection_record", "bool(judged.wrong)", "bool(judged.wrong and judged.warnings)"),
    ),
    "replicas at NaN are whole": ("sentences", edited(SimulationResult, "lost", "status != 0", "status > 1")),
    "converged in the record unless it was stopped": (
        "sentences",
        edited(FitResult, "as_dict", '"converged": self.converged', '"converged": self.status.name != "MAX_STEPS"'),
    ),
    "gaps below zero are none": ("sentences", edited(summary, "gap", "abs(value) < 1e-14", "value < 1e-14")),
    "bonds inverted without their Jacobian squared": (
        "reports",
        edited(potential_panels, "inverted", '"bond": x**2', '"bond": x'),
    ),
    "bonds beyond the histogram drawn": ("reports", edited(boltzmann, "_coarse", "counts[[0, -1]] = 0", "pass")),
    "an interval mirrored": (
        "reports",
        edited(
            potential_panels,
            "draw_band",
            "energy - within.below, energy + within.above",
            "energy - within.above, energy + within.below",
        ),
    ),
    "groups without what they share": (
        "reports",
        edited(term_curves, "_with_values", "*(other.fitted.curves[0] for other in shared), ", ""),
    ),
    "forces of the initial parameters drawn": (
        "reports",
        edited(figures, "draw", "result.prior, result.fitted_params", "result.prior, result.initial_params"),
    ),
    "frames of later files in the places of the first, drawn": (
        "reports",
        edited(force_sample, "_frames", "rows = chosen[here] - offset", "rows = np.arange(int(here.sum()))"),
    ),
    "the last step left out of the loss": (
        "reports",
        edited(loss_panel, "path", "result.certificate.objective", "result.loss_history[-1]"),
    ),
    "the best for the chosen": (
        "reports",
        edited(cross_validation_panel, "_mark", 'held_out[curve.chosen], "o"', 'held_out[curve.best], "o"'),
    ),
    "directions without data among those left": (
        "reports",
        edited(singular_values_panel, "draw_singular_values", "left = ~kept & (index", "left = ~kept | (index"),
    ),
    "parts of the species in alphabetical order": (
        "reports",
        edited(inspection, "_species", "-pair[1]", "pair[0]"),
    ),
    "findings of the first file marked in the second": (
        "reports",
        edited(inspection_figure, "_draw_forces", "start += len(x)", "start = len(x)"),
    ),
    "gains that are losses": (
        "reports",
        edited(
            evaluation_text, "_terms", "term.loss_without - found.errors.loss", "found.errors.loss - term.loss_without"
        ),
    ),
    "proteins with the fewest frames drawn": (
        "reports",
        edited(evaluation_figure, "_draw_beads", "-protein.frames", "protein.frames"),
    ),
    "a replica with wide angles falls apart": (
        "reports",
        edited(simulation_figure, "_draw_replicas", "not in (Outcome.WHOLE, Outcome.ANGLE)", "not in (Outcome.WHOLE,)"),
    ),
    "the standard deviation of the data for the simulation's": (
        "reports",
        edited(simulation_text, "_row", "*_summary(found.simulation)", "*_summary(found.reference)"),
    ),
    "held-out losses an epoch late": (
        "reports",
        edited(learning_curve, "_draw_stage", "+ 1 - len(first)", "+ 1"),
    ),
    "seconds without compilation": (
        "reports",
        edited(training_text, "_row", "seconds.compile + seconds.run", "seconds.run"),
    ),
    "prices relative to the constrained loss": (
        "reports",
        edited(text, "_constraints", "c.price / max(c.optimal_loss", "c.price / max(c.loss"),
    ),
    "an error bar's ends exchanged": (
        "reports",
        edited(
            error_text,
            "numbers",
            "yield Number(label, *values)",
            "yield Number(label, *values[:2], *values[3:1:-1], values[4])",
        ),
    ),
}
