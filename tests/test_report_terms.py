"""Figures and reports of priors with additional terms."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from term_examples import even
from test_report_figures import TEMPERATURE, Case, case, line, panel

import cgcore
from cgcore import FitResult
from cgcore.physics.bases import BSpline, Harmonic
from cgcore.physics.groups import Groups
from cgcore.physics.rows import Rows
from cgcore.physics.term import Term
from cgcore.report import page as page_of
from cgcore.report.figures import draw


@pytest.fixture(scope="module")
def of_terms() -> tuple[Case, FitResult]:
    """A fit with splines of angles by species, splines of bonds and of pairs, and a listed bond."""
    dataset = cgcore.datasets.chignolin()
    (species,) = np.unique(dataset.join().species, axis=0)
    central = Groups.of_species("central", species.tolist())
    terms = (
        Term("angle", Rows("angles"), BSpline(even(1.0, np.pi, 6)), 1.0, central),
        Term("bond", Rows("bonds"), BSpline(even(3.5, 4.2, 5)), 1.0),
        Term("contacts", Rows("pairs", 6), BSpline(even(3.5, 12, 6), 3, "cutoff"), 1.0),
        Term("network", Rows("bonds", listed=((0, 9),)), Harmonic(), 1.0),
    )
    own = case(dataset.subset(200), cgcore.default_prior().with_terms(terms))
    return own, own.fit(constraints="none", smoothness=1e-3)


@pytest.mark.slow
def test_potentials_of_further_terms_are_drawn(of_terms: tuple[Case, FitResult]) -> None:
    own, result = of_terms
    figure = draw(result, own.factor.histograms, None, TEMPERATURE)
    (term,) = (one for one in own.prior.further if one.name == "angle")
    titles = {ax.get_title(loc="left") for ax in figure.axes}
    drawn = [f"angle, {label}" for label in term.group_labels if f"angle, {label}" in titles]
    counts = own.factor.histograms.groups["angle"].sum(axis=1)
    assert len(drawn) == np.count_nonzero(counts)
    ax = line(panel(figure, drawn[0]), "fitted")
    theta, y = np.deg2rad(np.asarray(ax.get_xdata())), np.asarray(ax.get_ydata())
    group = term.group_labels.index(drawn[0].removeprefix("angle, "))
    expected = result.fitted_params["angle"][group] @ term.basis.functions(theta)
    np.testing.assert_allclose(y - y[0], expected - expected[0], atol=1e-10)
    assert sum(str(one.get_label()).startswith("fitted, each") for one in panel(figure, "Angle").lines) == 1
    contacts = np.asarray(line(panel(figure, "contacts"), "fitted").get_xdata())
    assert (contacts[0], contacts[-1]) == (3.5, 12)
    assert "network (listed)" in titles
    bond = line(panel(figure, "Bond"), "fitted")
    x = np.asarray(bond.get_xdata())
    values = result.fitted_params["bond"] @ own.prior.further[1].basis.functions(x)
    np.testing.assert_allclose(np.ptp(bond.get_ydata()), np.ptp(values), rtol=1e-9)


@pytest.mark.slow
def test_further_terms_in_text_record_and_page(of_terms: tuple[Case, FitResult], tmp_path: Path) -> None:
    _, result = of_terms
    lines = result.report().splitlines()
    assert sum(text.startswith("  angle[species ") and "]: [" in text for text in lines) == len(
        result.fitted_params["angle"]
    )
    assert sum(text.startswith("  contacts: [") for text in lines) == 1
    found = json.loads(result.save(tmp_path)[0].read_text(encoding="utf-8"))["coefficients"]
    label = next(iter(found["angle"]))
    assert found["angle"][label]["spline_2"] == result.fitted_params["angle"][0, 1]
    assert found["network"] == dict(zip(("kr", "kr*r0"), result.fitted_params["network"].tolist(), strict=True))
    rows = {name: (unit, fitted) for name, unit, _, fitted, _ in page_of.parameters(result)}
    assert rows["network.kr"] == ("kcal/mol/Å²", f"{result.fitted_params['network'][0]:.6g}")
    assert rows[f"angle[{label}].spline_1"][0] == "kcal/mol"
