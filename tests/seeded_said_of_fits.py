"""Faults of one line in cgcore, as in `seeded_fits`: texts, records, pages and pictures of fits."""

from __future__ import annotations

from fault_helpers import Faults, edited

from cgcore.report import (
    error_text,
    evaluation_figure,
    figures,
    inspection_figure,
    learning_curve,
    page,
    picture,
    record,
    term_curves,
    text,
)
from validation.reports import pictures, words_of_fits

WHOLE: Faults = {
    "parameters held by a constraint have error bars": (
        "texts-of-fits",
        edited(error_text, "error_lines", "if np.isfinite(one.error) and not one.held]", "if np.isfinite(one.error)]"),
    ),
    "losses of known errors alone": (
        "texts-of-fits",
        edited(error_text, "error_lines", "is not None and np.isfinite(one.standard_error)", "is not None"),
    ),
    "24 parameters are too many": (
        "texts-of-fits",
        edited(error_text, "error_lines", "len(known) > MOST_LINES", "len(known) >= MOST_LINES"),
    ),
    "notes on error bars, left out": (
        "texts-of-fits",
        edited(error_text, "error_lines", "for sentence in errors.notes", "for sentence in ()"),
    ),
    "a digit too few": ("texts-of-fits", edited(error_text, "places", "1 - np.floor", "-np.floor")),
    "what is held is not decided": (
        "texts-of-fits",
        edited(error_text, "standard_errors", '"held by a constraint" if held', '"not decided" if held'),
    ),
    "eight names are too many": ("texts-of-fits", edited(error_text, "_listed", "<= MOST_NAMES", "< MOST_NAMES")),
    "units of the other coefficient": ("texts-of-fits", edited(page, "_unit", "k % 2 == 0", "k % 2 == 1")),
    "angles in ångströms": ("texts-of-fits", edited(page, "_unit", '("bond", "pair")', '("bond", "angle")')),
    "initial values for fitted ones": (
        "texts-of-fits",
        edited(
            page,
            "parameters",
            "(result.initial_params, result.fitted_params)",
            "(result.initial_params, result.initial_params)",
        ),
    ),
    "unresolved directions are resolved": (
        "texts-of-fits",
        edited(page, "_directions", '"yes" if d.resolved', '"yes" if d.singular_value'),
    ),
    "loadings without a limit": ("texts-of-fits", edited(page, "_directions", "[:LOADINGS]", "")),
    "cells that are not escaped": (
        "texts-of-fits",
        edited(page, "_section", """<td class="{kind}">{escape(text)}""", """<td class="{kind}">{text}"""),
    ),
    "the strongest directions for the weakest": (
        "texts-of-fits",
        edited(text, "_identifiability", "known.left[-WEAKEST:]", "known.left[:WEAKEST]"),
    ),
    "terms without data, left out": (
        "texts-of-fits",
        edited(text, "_identifiability", "in known.without_data.items()", "in ()"),
    ),
    "a cut-off of 0 is none": (
        "texts-of-fits",
        edited(text, "_judgement", "result.cutoff is not None", "result.cutoff"),
    ),
    "warnings, left out": ("texts-of-fits", edited(text, "closing", "if result.warnings:", "if False:")),
    "prices of constraints that are not active": (
        "texts-of-fits",
        edited(text, "_constraints", "for one in c.constraints if one.active]", "for one in c.constraints]"),
    ),
    "all frames are held out": ("texts-of-fits", edited(text, "described", "_frames(validation)", "_frames(data)")),
    "frames are not drawn": ("texts-of-fits", edited(text, "named", "max_frames is not None", "max_frames is None")),
    "held-out losses of 0 are none": (
        "texts-of-fits",
        edited(words_of_fits, "certificate_lines", "result.val_loss is not None", "result.val_loss"),
    ),
    "a residual of 0 is none": (
        "texts-of-fits",
        edited(words_of_fits, "certificate_lines", "c.kkt_residual is not None", "c.kkt_residual"),
    ),
    "faults are never accepted": (
        "texts-of-fits",
        edited(record, "settings_of_data", "data.accept_faults, data.choice", "False, data.choice"),
    ),
    "held-out frames are those fitted to": (
        "texts-of-fits",
        edited(record, "record_of_data", "validation.frame_ranges() if", "data.frame_ranges() if"),
    ),
    "padding counts in a factor": (
        "texts-of-fits",
        edited(record, "record_of_data", '"real_beads": data.beads', '"real_beads": data.frames'),
    ),
    "coefficients of the last group first": (
        "texts-of-fits",
        edited(record, "_coefficients", "zip(term.group_labels, values,", "zip(term.group_labels, values[::-1],"),
    ),
    "unused keys, left out": (
        "texts-of-fits",
        edited(record, "record", "() if config is None else config.unused", "()"),
    ),
    # Pictures
    "bonds beyond the histogram are none": (
        "texts-of-fits",
        edited(pictures, "draw_potential", "histograms.counts[name].sum() > 0", "False"),
    ),
    "repulsion without data is drawn": (
        "texts-of-fits",
        edited(pictures, "draw_repulsion", "if name in own and name not in empty}", "if name in own}"),
    ),
    "a cut-off that is chosen was given": (
        "texts-of-fits",
        edited(figures, "_cross_validation", "isinstance(said, int | float)", "said is not None"),
    ),
    "a smoothness for a cut-off": (
        "texts-of-fits",
        edited(figures, "_cross_validation", '("cut-off", result.cutoff)', '("smoothness", result.cutoff)'),
    ),
    "remarks without an end": (
        "texts-of-fits",
        edited(pictures, "draw_summary", "len(lines) > MOST", "len(lines) > 99"),
    ),
    "remarks that end early": (
        "texts-of-fits",
        edited(pictures, "draw_summary", "len(lines) > MOST", "len(lines) >= MOST"),
    ),
    "remarks with formulas": ("texts-of-fits", edited(pictures, "draw_summary", "harmless(text)", "text")),
    "errors relative to the predicted forces' mean": (
        "texts-of-fits",
        edited(pictures, "statistics", "(predicted - reference) ** 2", "(predicted - predicted.mean()) ** 2"),
    ),
    "frames of a sample are its components": (
        "texts-of-fits",
        edited(pictures, "statistics", "{sample.frames:,}", "{len(reference):,}"),
    ),
    "all groups of pairs": ("texts-of-fits", edited(pictures, "of_groups", "groups[:MOST_GROUPS]", "groups")),
    "twelve groups of more, unsaid": (
        "texts-of-fits",
        edited(term_curves, "_alone", "groups > MOST_GROUPS", "groups > 99"),
    ),
    "springs without their rest length": (
        "texts-of-fits",
        edited(term_curves, "_ends", "curve.c[1] / curve.c[0]", "curve.c[0]"),
    ),
    "rest lengths of springs that push": ("texts-of-fits", edited(term_curves, "_ends", "and curve.c[0] > 0", "")),
    "listed rows are not named so": (
        "texts-of-fits",
        edited(term_curves, "_alone", "if term.rows.listed is not None", "if False"),
    ),
    "one fault of many": ("texts-of-fits", edited(pictures, "draw_inspection", "if wrong > 1", "if wrong > 9")),
    "findings beyond the panel": (
        "texts-of-fits",
        edited(
            inspection_figure,
            "_draw_findings",
            "in found.judgement.findings[:MOST_FINDINGS]",
            "in found.judgement.findings",
        ),
    ),
    "more findings, unsaid": (
        "texts-of-fits",
        edited(inspection_figure, "_draw_findings", "len(found.judgement.findings) > MOST_FINDINGS", "False"),
    ),
    "pictures by the case of their names": (
        "texts-of-fits",
        edited(picture, "require_picture", "Path(path).suffix.lower()", "Path(path).suffix"),
    ),
    "names of the wrong length": ("texts-of-fits", edited(inspection_figure, "_short", "width - 3", "width")),
    "equal energies": ("texts-of-fits", edited(evaluation_figure, "_draw_energies", "high - low <= 0", "False")),
    "residues of one chain of several": (
        "texts-of-fits",
        edited(evaluation_figure, "_draw_beads", "if len(shown) == 1 and", "if"),
    ),
    "residues of a long chain": ("texts-of-fits", edited(evaluation_figure, "_draw_beads", "<= MOST_CODES", "<= 99")),
    "proteins left out, unsaid": (
        "texts-of-fits",
        edited(evaluation_figure, "_draw_beads", "len(shown) == len(found.proteins)", "True"),
    ),
    "no residues, unsaid": ("texts-of-fits", edited(evaluation_figure, "_draw_types", "if not types:", "if False:")),
    "losses that are not finite": (
        "texts-of-fits",
        edited(learning_curve, "_reference", "loss is not None and np.isfinite(loss)", "loss is not None"),
    ),
}
"""Faults that only the whole run, not `--quick`, must detect."""
