"""Pictures in the cases that `reports` leaves out: panels with nothing to draw, or too much, and files of pictures."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore import bases
from cgcore.evaluation.result import Sample
from cgcore.export.potentials import potentials
from cgcore.factor.histogram import Histograms
from cgcore.judging.finding import Finding, Severity
from cgcore.report import figures, inspection_figure, picture, plot
from cgcore.report.force_panel import draw_forces, statistics
from cgcore.report.inspection_figure import draw_inspection
from cgcore.report.potential_panels import draw_potential, draw_repulsion
from cgcore.report.style import harmless
from cgcore.report.summary_panel import MOST, draw_summary
from cgcore.report.term_curves import Both, of_groups
from validation.check import Row, equal, says
from validation.context import five_terms
from validation.reports.reading import bare, panel, texts
from validation.reports.words_of_data import inspected


def pictures(fit: cgcore.FitResult) -> Iterator[Row]:
    """Panels of a fit of bonds alone, of an invented inspection, and files of pictures."""
    yield from _missing(fit)
    yield from _cross_validations(fit)
    yield from _remarks(fit)
    yield from _forces()
    yield from _listed(fit)
    yield from _inspections()
    yield from _files()


def _missing(fit: cgcore.FitResult) -> Iterator[Row]:
    """Why a panel of a potential is empty."""
    histograms, short = fit.factor.histograms, Histograms.empty()
    far = Histograms({**short.counts, "bond": np.where(np.arange(400) == 399, 5, 0)})
    for name, given, words in (
        ("angle", histograms, "the prior has no term of all angles"),
        ("dihedral", short, "no chain is long enough for dihedrals"),
        ("bond", far, "all bonds are beyond the histogram"),
    ):
        ax = bare()
        draw_potential(ax, name, fit, given, 300.0)
        yield equal(f"panel of {name}s", texts(ax), words)
    for name, one, words in (
        ("no term", fit, "no repulsion:\nthe prior has no such term"),
        ("no data", _empty(fit, repulsive="no pairs"), "no repulsion:\nno pairs"),
        (
            "excluded volume alone",
            _empty(fit, repulsive="no pairs", excluded_volume=None),
            "fitted, j−i 2..5\ninitial, j−i 2..5",
        ),
    ):
        ax = bare()
        draw_repulsion(ax, one, None)
        yield equal(f"panel of the repulsion, {name}", texts(ax), words)
    ax = bare()
    draw_forces(ax.figure, ax, None)
    yield equal("panel of forces without frames", texts(ax), "needs frames:\nonly a factor was given")


def _empty(fit: cgcore.FitResult, **why: str | None) -> cgcore.FitResult:
    """The fit with repulsive terms, some of which have no data."""
    prior = five_terms(cgcore.default_prior()).part(["bond", *why])
    without = {name: words for name, words in why.items() if words is not None}
    known = replace(fit.identifiability, without_data=without)
    early = replace(fit, status=cgcore.Status.MAX_STEPS, identifiability=known)  # without error bars
    return replace(early, prior=prior, initial_params=prior.params, fitted_params=prior.params)


def _cross_validations(fit: cgcore.FitResult) -> Iterator[Row]:
    """Why there is no cross-validation."""
    from matplotlib.figure import Figure

    cut, smooth = cgcore.Options(smoothness=None, truncation=0.25), cgcore.Options(smoothness=0.5)
    auto, physical = cgcore.Options(truncation="auto"), cgcore.Options(coordinates="physical", constraints="none")
    for name, options, smoothness, cutoff, words in (
        ("a given cut-off", cut, None, 0.25, "none: the cut-off was given\n(0.25)"),
        ("a given smoothness", smooth, 0.5, None, "none: the smoothness was given\n(0.5)"),
        ("a cut-off that is chosen", auto, None, 0.25, "none: too few blocks;\nthe cut-off is 0.25"),
        ("a smoothness that is chosen", cgcore.Options(), 0.5, None, "none: too few blocks;\nthe smoothness is 0.5"),
        (
            "physical coordinates",
            physical,
            None,
            None,
            "none: in physical coordinates\nno direction is left at its start",
        ),
    ):
        figure, one = Figure(), replace(fit, options=options, smoothness=smoothness, cutoff=cutoff, curve=None)
        figures._cross_validation(figure, figure.add_gridspec(1, 1)[0], one)
        yield equal(f"cross-validation, {name}", texts(figure.axes[0]), words)


def _remarks(fit: cgcore.FitResult) -> Iterator[Row]:
    """Remarks below the certificate: warnings first, and no more than there is room for."""
    for count in (0, MOST - 2, MOST - 1):
        notes = [f"note {k} $" for k in range(count)]
        known = replace(fit.identifiability, without_data={"bond": "no data"}, notes=notes)
        ax = bare()
        draw_summary(ax, replace(fit, warnings=("careful",), identifiability=known))
        lines = [one.get_text() for one in ax.texts]
        expected = ["warning: careful", "bond: no data", *(note.replace("$", r"\$") for note in notes)]
        if len(expected) > MOST:
            expected = [*expected[: MOST - 1], "..."]
        yield equal(f"remarks, {count} notes", str(lines[-len(expected) :]), str(expected))


def _forces() -> Iterator[Row]:
    """Forces in words, with and without a correlation."""
    F = np.array([1.0, -2.0, 3.0, 0.0])
    for name, P, known in (
        ("different", F + 0.5, "4 components, 1,234 frames\nRMS error 0.5 kcal/mol/Å\ncorrelation 1.000"),
        ("zero", 0 * F, "4 components, 1,234 frames\nRMS error 1.87 kcal/mol/Å"),
    ):
        yield equal(f"forces, {name}", statistics(Sample(F, P, 1234)), known)
    yield equal("forces, the reference is zero", "correlation" in statistics(Sample(0 * F, F, 1)), False)
    yield equal("dollar signs", harmless("a$b$"), r"a\$b\$")


def _listed(fit: cgcore.FitResult) -> Iterator[Row]:
    """Titles and ranges of potentials whose values are unknown: the first twelve groups, and what has a range."""
    knots = (4.0, 5.0, 6.5, 9.0, 14.0)
    rows, pairs = cgcore.Rows("bonds", listed=((0, 1),)), cgcore.Rows("pairs", 3)
    angles = cgcore.Rows("angles", listed=((0, 1, 2),))
    cases: list[tuple[str, cgcore.Term, Any, str, tuple[float, float]]] = [
        ("pairs", cgcore.Term("x", pairs, bases.Power(6)), [1.0], "x", (3.5, 15.0)),
        ("knots", cgcore.Term("x", pairs, bases.BSpline(knots, 3, "cutoff")), None, "x", (4.0, 14.0)),
        ("a rest length", cgcore.Term("x", rows, bases.Harmonic()), [2.0, 20.0], "x (listed)", (7.0, 13.0)),
        ("a rest length near 0", cgcore.Term("x", rows, bases.Harmonic()), [2.0, 2.0], "x (listed)", (0.0, 6.0)),
        ("a rest length far away", cgcore.Term("x", rows, bases.Harmonic()), [2.0, 900.0], "x (listed)", (97.0, 103.0)),
        ("no rest length", cgcore.Term("x", rows, bases.Harmonic()), [-2.0, 20.0], "x (listed)", (3.5, 15.0)),
        ("angles", cgcore.Term("x", angles, bases.Harmonic()), [2.0, 4.0], "x (listed)", (0.0, float(np.pi))),
    ]
    for name, term, coefficients, title, ends in cases:
        params = {} if coefficients is None else {"x": coefficients}
        prior = fit.prior.with_terms([term], params)
        every = [Both(*pair) for pair in zip(*(potentials(prior, prior.params),) * 2, strict=True)]
        shown = of_groups(every, Histograms.empty())
        found = [(one.title, tuple(round(end, 9) for end in one.ends)) for one in shown]
        yield equal(f"potentials, {name}", str(found), str([(title, tuple(round(end, 9) for end in ends))]))
    for species, last in ((4, False), (5, True)):
        groups = cgcore.Groups.of_species("types", range(species))
        prior = fit.prior.with_terms([cgcore.Term("x", pairs, bases.Power(6), 1.0, groups)])
        every = [Both(*pair) for pair in zip(*(potentials(prior, prior.params),) * 2, strict=True)]
        titles = [one.title for one in of_groups(every, Histograms.empty())]
        count = species * (species + 1) // 2
        yield equal(f"potentials of {species} species", len(titles), min(count, 12))
        marked = [k for k, title in enumerate(titles) if title.endswith(f" (first 12 of {count})")]
        yield equal(f"potentials of {species} species, marked", str(marked), str([0] if last else []))


def _inspections() -> Iterator[Row]:
    """The title, short chains, and findings, of which there is room for eight."""
    for count, verdict in ((0, "nothing wrong"), (1, "1 fault: a fit is refused"), (9, "9 faults: a fit is refused")):
        findings = tuple(Finding("code", Severity("wrong"), f"finding {k}", "a.npz") for k in range(count))
        figure = draw_inspection(inspected(judgement=replace(inspected().judgement, findings=findings)))
        title = figure.get_suptitle()
        yield equal(f"inspection, title, {count}", title, f"a.npz: 1,000 frames, 12,000 beads; {verdict}")
        shown = texts(panel(figure, "Findings")).splitlines()
        known = [f"wrong: a.npz: finding {k}" for k in range(min(count, 8))] + ["and 1 more"] * (count > 8)
        none = ["nothing is wrong with these data", "as far as physics can tell"]
        yield equal(f"inspection, {count} findings", str([one for one in shown if one]), str(known or none))
    yield equal("inspection, angles", texts(panel(figure, "Angles")), "the chains are too short")
    yield equal("inspection, ratios", "too few frames" in texts(panel(figure, "Equipartition")), True)
    yield equal("inspection, short names", str([len(inspection_figure._short("x" * n)) for n in (24, 25)]), "[24, 24]")


def _files() -> Iterator[Row]:
    """Formats of pictures, and equal pictures in equal files."""
    for name, words in (
        ("a.PNG", "accepted"),
        ("a.pdf", "accepted"),
        ("a.html", "is not a picture"),
        ("a", "is not a picture"),
    ):
        yield says(f"a picture {name}", partial(picture.require_picture, name), words)
    yield says("a page", partial(plot.require_plot, "a.html"), "accepted")
    with tempfile.TemporaryDirectory() as folder:
        for suffix, start in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
            files = [Path(folder) / f"{k}{suffix}" for k in range(2)]
            for file in files:
                ax = bare()
                ax.plot([0, 1], [0, 1])
                picture.write_picture(file, ax.figure)
            one, two = (file.read_bytes() for file in files)
            yield equal(
                f"{suffix}, format and equal files", str((one.startswith(start), one == two)), str((True, True))
            )
