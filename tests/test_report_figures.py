"""Figures show the numbers of the fit, and missing data do not prevent them."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import matplotlib
import numpy as np
import pytest
from factor_helpers import four_term_prior
from matplotlib.figure import Figure

import cgcore
from cgcore import Dataset, Factor, FitResult, InputError, Options, Prior
from cgcore.constants import BOLTZMANN
from cgcore.factor.histogram import EDGES, Histograms
from cgcore.report.boltzmann import inverted, sampled, weighted
from cgcore.report.cross_validation_panel import draw_curve
from cgcore.report.figures import draw
from cgcore.report.force_sample import ForceSample, force_sample
from cgcore.report.loss_panel import path
from cgcore.report.plot import SUFFIXES, require_plot, write_plot

TEMPERATURE = 320.0


@dataclass(frozen=True)
class Case:
    dataset: Dataset
    factor: Factor
    prior: Prior

    def fit(self, **settings: Any) -> FitResult:
        return cgcore.fit(self.factor, self.prior, Options(**settings))


def case(dataset: Dataset, prior: Prior) -> Case:
    return Case(dataset, cgcore.compress(dataset, cgcore.Fingerprint.of(prior)), prior)


@pytest.fixture(scope="module")
def peptide() -> Case:
    return case(cgcore.datasets.chignolin(), cgcore.default_prior())


@pytest.fixture(scope="module")
def fitted(peptide: Case) -> FitResult:
    return peptide.fit()


@pytest.fixture(scope="module")
def figure(peptide: Case, fitted: FitResult) -> Any:
    return draw(fitted, peptide.factor.histograms, peptide.dataset, TEMPERATURE)


def panel(figure: Any, title: str) -> Any:
    return next(ax for ax in figure.axes if ax.get_title(loc="left") == title)


def line(ax: Any, label: str) -> Any:
    return next(drawn for drawn in ax.lines if str(drawn.get_label()).startswith(label))


def histograms(**values: np.ndarray) -> Histograms:
    counts = {name: np.histogram(values.get(name, []), edges)[0] for name, edges in EDGES.items()}
    return Histograms(counts)


@pytest.mark.parametrize(
    ("title", "scale", "name"),
    [("Bond", 1.0, "bond"), ("Angle", np.pi / 180, "angle"), ("Dihedral", np.pi / 180, "dihedral")],
)
@pytest.mark.parametrize("which", ["fitted", "initial"])
def test_drawn_potential_is_the_weighted_term_up_to_a_shift(
    figure: Any, fitted: FitResult, title: str, scale: float, name: str, which: str
) -> None:
    drawn = line(panel(figure, title), which)
    x, y = np.asarray(drawn.get_xdata()), np.asarray(drawn.get_ydata())
    params = getattr(fitted, f"{which}_params")
    term = next(term for term in fitted.prior.terms if term.name == name)
    expected = [float(term.energy(v * scale, params)) for v in x[::37]]
    expected = term.weight * np.asarray(expected)
    np.testing.assert_allclose(y[::37] - y[0], expected - expected[0], atol=1e-9)
    assert np.ptp(y) > 0.1
    assert -0.5 < y.min() <= 0  # 0 at the minimum of the central values


def test_repulsion_is_drawn_unshifted(figure: Any, fitted: FitResult) -> None:
    drawn = line(panel(figure, "Repulsion"), "initial")
    r, p = np.asarray(drawn.get_xdata()), fitted.initial_params
    np.testing.assert_allclose(drawn.get_ydata(), p["epsilon"] * (p["sigma"] / r) ** 4, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "centre", "width"), [("bond", 3.8, 0.08), ("angle", 2.0, 0.15), ("dihedral", -1, 0.3)]
)
def test_boltzmann_inversion_recovers_a_harmonic_well(name: str, centre: float, width: float) -> None:
    # Drawn from the density Jacobian x exp(-U / kB T) with U harmonic, so that inversion must give U.
    rng, x = np.random.default_rng(7), np.linspace(centre - 5 * width, centre + 5 * width, 20_001)
    jacobian = {"bond": x**2, "angle": np.sin(x), "dihedral": 1.0}[name]
    p = jacobian * np.exp(-(((x - centre) / width) ** 2) / 2)
    values = sampled(histograms(**{name: rng.choice(x, 400_000, p=p / p.sum())}), name)
    assert values is not None
    energy = inverted(values, name, TEMPERATURE)
    well = np.abs(values.centres - centre) < 2 * width
    curvature, slope, _ = np.polyfit(values.centres[well] - centre, energy[well], 2)
    kt = BOLTZMANN * TEMPERATURE
    assert 2 * curvature == pytest.approx(kt / width**2, rel=0.05)
    assert -slope / (2 * curvature) == pytest.approx(0, abs=0.02 * width)
    assert np.nanmin(energy) == 0


def test_jacobian_matters_where_it_should() -> None:
    # Uniform on the sphere: exactly sin(theta), so the potential is flat.
    theta = np.arccos(np.random.default_rng(3).uniform(-1, 1, 400_000))
    values = sampled(histograms(angle=theta), "angle")
    assert values is not None
    middle = np.abs(values.centres - np.pi / 2) < 1.2
    assert np.ptp(inverted(values, "angle", 300.0)[middle]) < 0.05


def test_sampled_keeps_every_value_within_the_range() -> None:
    rng = np.random.default_rng(1)
    values = sampled(histograms(bond=np.append(rng.normal(3.8, 0.1, 5000), [2.001, 5.999])), "bond")
    assert values is not None
    assert values.counts.sum() == 5000  # without the outermost bins, which contain all values beyond
    assert values.density @ np.diff(values.edges) == pytest.approx(1)
    assert len(values.counts) <= 80
    assert sampled(Histograms.empty(), "bond") is None
    assert sampled(histograms(bond=np.array([5.999])), "bond") is None


def test_weighted_is_float64_also_where_jax_is_not(fitted: FitResult) -> None:
    x = np.linspace(3.6, 4.0, 5)
    with jax.enable_x64(False):
        energy = weighted("bond", x, fitted.prior, fitted.fitted_params)
    p = fitted.fitted_params
    np.testing.assert_allclose(energy, fitted.prior.weights.bond * p["kr"] / 2 * (x - p["r0"]) ** 2, rtol=1e-13)


@pytest.mark.slow
def test_predicted_forces_reproduce_the_loss(peptide: Case, fitted: FitResult) -> None:
    sample = force_sample(peptide.dataset, peptide.prior, fitted.fitted_params, components=10**9)
    assert (sample.frames, len(sample.reference)) == (1000, 30_000)
    loss = 3 * np.mean((sample.predicted - sample.reference) ** 2)
    assert loss == pytest.approx(fitted.train_loss, rel=1e-10)


@pytest.mark.slow
def test_force_sample_is_bounded_spread_and_free_of_padding() -> None:
    rng = np.random.default_rng(5)
    R = np.cumsum(rng.normal(size=(60, 9, 3), loc=(3, 0, 0)), axis=1)
    mask = np.ones((60, 9))
    mask[::2, 5:] = 0
    F = np.where(mask[..., None] == 1, np.arange(60.0)[:, None, None] + 1, np.nan).repeat(3, axis=2)
    dataset = cgcore.from_arrays(R, F, mask)
    prior = cgcore.default_prior()
    sample = force_sample(dataset, prior, prior.params, components=420)
    assert sample.frames == 20  # of 60 frames with 7 real beads on average
    assert len(sample.reference) == len(sample.predicted) == sum(15 if (v - 1) % 2 == 0 else 27 for v in _seen(sample))
    assert (sample.reference.min(), sample.reference.max()) == (1, 60)  # first and last frame, no padding
    assert np.isfinite(sample.predicted).all()
    assert np.isfinite(sample.distances).all()
    assert force_sample(dataset, prior, prior.params, components=1).frames == 1


def _seen(sample: ForceSample) -> list[int]:
    """The frames in a sample whose force components are 1, 2, ... in frames 0, 1, ..."""
    return np.unique(sample.reference).astype(int).tolist()


def test_losses_end_with_the_last_one_and_leave_out_what_is_not_finite(fitted: FitResult) -> None:
    steps, loss = path(fitted)
    assert loss.tolist() == [*fitted.loss_history, fitted.certificate.objective]
    steps, loss = path(replace(fitted, loss_history=[1500.0, float("nan")]))
    assert (steps.tolist(), loss.tolist()) == ([0, 2], [1500.0, fitted.certificate.objective])


def test_kept_and_left_directions_are_told_apart(figure: Any, fitted: FitResult) -> None:
    ax = panel(figure, "What the data determine")
    known = fitted.identifiability
    assert len(line(ax, "decided by the data").get_xdata()) == sum(known.kept)
    assert len(line(ax, "decided by smoothness").get_xdata()) == len(known.kept) - sum(known.kept)
    np.testing.assert_allclose(line(ax, "decided by the data").get_ydata(), np.array(known.singular_values)[known.kept])


def test_directions_of_a_truncated_fit(peptide: Case) -> None:
    result = peptide.fit(truncation=1e-4, constraints="none")
    ax = panel(draw(result, peptide.factor.histograms, None, TEMPERATURE), "What the data determine")
    known = result.identifiability
    assert 0 < sum(known.kept) < len(known.kept)
    assert len(line(ax, "fitted").get_xdata()) == sum(known.kept)
    assert len(line(ax, "left").get_xdata()) == len(known.kept) - sum(known.kept)
    np.testing.assert_allclose(line(ax, "fitted").get_ydata(), np.array(known.singular_values)[known.kept])


def test_a_curve_that_blows_up_stays_readable(figure: Any, fitted: FitResult) -> None:
    assert fitted.curve is not None
    n = len(fitted.curve.values)
    protein = [1464.0 + 0.1 * k for k in range(n - 2)] + [5.6e3, 1.3e5]
    held_out = [*fitted.curve.held_out_loss[:-1], 3e8]
    curve = replace(fitted.curve, held_out_loss=held_out, held_out_protein_loss=protein)
    top, bottom = figure.__class__().subplots(2, 1)
    draw_curve(top, bottom, curve, "")
    for ax, values in ((top, held_out), (bottom, protein)):
        low, high = ax.get_ylim()
        assert low < min(values) < high < 1.1 * min(values)
    assert {"6e+03", "5600", "1e+05"} & {t.get_text() for t in bottom.texts}
    assert "3e+08" in {t.get_text() for t in top.texts}


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"coordinates": "physical"},
        {"truncation": 0.0, "constraints": "none"},
        {"constraints": "nonnegative"},
        {"constraints": "none"},
        {"max_steps": 1, "truncation": 0.01, "constraints": "none"},
    ],
)
def test_other_fits_from_a_factor_alone(peptide: Case, settings: dict[str, Any]) -> None:
    if settings == {"coordinates": "physical"}:  # which take seconds to compile; only the marks matter here
        options = Options(coordinates="physical")
        history = np.linspace(1490, 1420, 200).tolist()
        result = replace(
            peptide.fit(truncation=0.0, constraints="none"), options=options, cutoff=None, loss_history=history
        )
    else:
        result = peptide.fit(**settings)
    figure = draw(result, peptide.factor.histograms, None, TEMPERATURE)
    notes = [t.get_text() for t in panel(figure, "Predicted against reference force").texts]
    assert notes == ["needs frames:\nonly a factor was given"]


@pytest.mark.slow
def test_chains_too_short_for_dihedrals_and_repulsion(tmp_path: Path) -> None:
    batch = cgcore.datasets.chignolin().join()
    short = case(cgcore.from_arrays(batch.R[:200, :3], batch.F[:200, :3]), four_term_prior())
    result = short.fit()
    for histograms_given in (short.factor.histograms, Histograms.empty()):
        figure = draw(result, histograms_given, short.dataset, TEMPERATURE)
        for title in ("Dihedral", "Repulsion"):
            assert panel(figure, title).texts[0].get_text().startswith("no ")
        assert len(line(panel(figure, "What the data determine"), "without data").get_xdata()) == 5
    figure.savefig(tmp_path / "a.png", dpi=40)


def test_every_suffix_makes_its_kind_of_file(
    peptide: Case, fitted: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cgcore.report.plot.draw", lambda *_, **__: Figure())  # the complete figure takes a second each
    starts = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF", ".html": b"<!doctype html>"}
    for suffix in SUFFIXES:
        file = tmp_path / f"fit{suffix.upper() if suffix == '.png' else suffix}"
        write_plot(file, fitted, peptide.factor.histograms, None, TEMPERATURE)
        assert file.read_bytes().startswith(starts[suffix])
    assert len(list(tmp_path.iterdir())) == len(SUFFIXES)  # no temporary file is left


@pytest.mark.slow
def test_page_holds_everything_and_asks_nothing_of_the_network(
    peptide: Case, fitted: FitResult, tmp_path: Path
) -> None:
    pages = []
    result = replace(fitted, warnings=("<b>kr & co</b>",))
    for name in ("a.html", "b.html"):
        write_plot(
            tmp_path / name,
            result,
            peptide.factor.histograms,
            peptide.dataset,
            TEMPERATURE,
            report="loss <script>alert('1')</script> & more",
        )
        pages.append((tmp_path / name).read_text(encoding="utf-8"))
    text = pages[0]
    assert text == pages[1]  # no dates and no random names
    assert "<script" not in text
    assert "loss &lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt; &amp; more</pre>" in text
    assert "&lt;b&gt;kr &amp; co&lt;/b&gt;" in text
    assert not re.search(r"""(?:href|src)\s*=\s*["'](?!#|data:)""", text)
    assert not re.search(r"url\((?!#)|@import|<link|<iframe|<object", text)
    assert {u.rsplit('"', 1)[-1] for u in re.findall(r'(\S*?)="https?://', text)} <= {"xmlns", "xmlns:xlink"}
    assert text.count("<svg ") == 1
    assert f"{fitted.train_loss:.8g}" in text
    assert f">{float(fitted.fitted_params['kr']):.6g}<" in text
    assert text.count(">yes</td>") + text.count(">no</td>") == len(fitted.identifiability.left)


@pytest.mark.slow
def test_a_failed_write_leaves_the_old_file(
    peptide: Case, fitted: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "fit.html"
    file.write_text("old")

    def broken(*_: object) -> str:
        raise RuntimeError("stop")

    monkeypatch.setattr("cgcore.report.plot.page", broken)
    with pytest.raises(RuntimeError, match="stop"):
        write_plot(file, fitted, peptide.factor.histograms, None, TEMPERATURE)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("name", ["fit.gif", "fit", "html"])
def test_unknown_suffix(name: str) -> None:
    with pytest.raises(InputError, match=r"\.png, \.svg, \.pdf, \.html"):
        require_plot(name)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_senseless_temperature(peptide: Case, fitted: FitResult, temperature: float, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="temperature"):
        write_plot(tmp_path / "a.png", fitted, peptide.factor.histograms, None, temperature)


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match=r"pip install 'cgcore\[plot\]'"):
        require_plot("fit.png")


def test_no_global_state_of_matplotlib(peptide: Case, fitted: FitResult) -> None:
    before = dict(matplotlib.rcParams)
    loaded = "matplotlib.pyplot" in sys.modules
    draw(fitted, peptide.factor.histograms, None, TEMPERATURE)
    assert dict(matplotlib.rcParams) == before
    assert ("matplotlib.pyplot" in sys.modules) == loaded


def test_bands_are_the_intervals_of_the_error_bars(figure: Any, fitted: FitResult) -> None:
    """At the lowest point of the potential, which is drawn at 0, and with the mean over the sampled bonds as zero."""
    ax = panel(figure, "Bond")
    (band,) = [drawn for drawn in ax.collections if drawn.get_label() == "95 % interval"]
    points = band.get_paths()[0].vertices
    curve = line(ax, "fitted")
    x, energy = np.asarray(curve.get_xdata()), np.asarray(curve.get_ydata())
    lowest = int(np.argmin(energy))
    edges = points[np.isclose(points[:, 0], x[lowest]), 1]
    values = sampled(fitted.factor.histograms, "bond")
    assert values is not None
    density = np.interp(x, values.centres, values.density)
    own = fitted.errors.potential([("bond", 0)], x, density)
    assert edges.max() == pytest.approx((own.high - own.value)[lowest], rel=1e-6)
    assert edges.min() == pytest.approx((own.low - own.value)[lowest], rel=1e-6)
    assert edges.min() < 0 < edges.max()
