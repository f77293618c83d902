"""Texts, records and pages about fits in the cases that `reports.texts` leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import cgcore
from cgcore import bases
from cgcore.config import Config
from cgcore.fitting.admissible import ConstraintReport
from cgcore.fitting.error_bars import ErrorBars
from cgcore.fitting.estimate import Estimate
from cgcore.fitting.identifiability import Direction
from cgcore.report import error_text, page, record, text
from cgcore.report.summary import certificate_lines
from validation.check import Row, equal
from validation.context import five_terms, with_harmonics
from validation.reports.words import holds

TERMS = [
    cgcore.Term("spring", cgcore.Rows("bonds"), bases.Harmonic(), 1.0, cgcore.Groups("terminal")),
    cgcore.Term("bend", cgcore.Rows("angles"), bases.Harmonic()),
    cgcore.Term("close", cgcore.Rows("pairs", 3), bases.Power(6)),
    cgcore.Term("salt", cgcore.Rows("pairs", 6), bases.DebyeHueckel(7.0)),
    cgcore.Term("turn", cgcore.Rows("dihedrals"), bases.Fourier(1)),
]
"""Further terms of every unit."""


def errors_of(fit: cgcore.FitResult, bars: ErrorBars) -> cgcore.FitResult:
    """The fit with these error bars."""
    made = replace(fit)
    made.__dict__["errors"] = bars
    return made


def known(fit: cgcore.FitResult, **changes: Any) -> cgcore.FitResult:
    """The fit, some of whose identifiability is invented."""
    return replace(fit, identifiability=replace(fit.identifiability, **changes))


def fits(fit: cgcore.FitResult) -> Iterator[Row]:
    """All texts about a fit of bonds alone, with invented numbers."""
    bars = cgcore.error_bars(fit, resamples=5)
    yield from _places()
    yield from _bars(fit, bars)
    yield from _many(fit, bars)
    yield from _parameters(fit, bars)
    yield from _page(fit)
    yield from _closing(fit)
    yield from _certificate(fit)
    yield from _data(fit)
    yield from _record(fit)


def _places() -> Iterator[Row]:
    """Decimal places that show two digits of an error."""
    places = {0.25: 2, 0.0999: 3, 1.0: 1, 9.99: 1, 10.0: 0, 4000.0: 0, 3e-14: 12, 0.0: 6, -1.0: 6, np.nan: 6, np.inf: 6}
    yield equal("places", str([error_text.places(one) for one in places]), str(list(places.values())))
    row = error_text.Number("x", 1.23456, 0.0123, 1.2, -7.0, False).row
    yield equal("a number and its error", str(row), str(("x", "1.235", "0.012", "1.200", "-7.000")))


def _one(value: float, error: float) -> Estimate:
    return Estimate(*(np.asarray(one) for one in (value, error, value - 2 * error, value + 2 * error)))


def _bars(fit: cgcore.FitResult, bars: ErrorBars) -> Iterator[Row]:
    """Parameters that a constraint holds, that are not decided, losses without an error, and a fit without any."""
    losses = {"train_loss": _one(5.0, np.nan), "val_gain": _one(7.0, 0.5)}
    parameters = {"r0": _one(3.8, 0.0), "kr": _one(300.0, np.nan)}
    made = replace(bars, parameters=parameters, losses=losses, notes=("one", "two"), level=0.9)
    found = error_text.error_lines(errors_of(fit, made))
    words = {"\n  held by a constraint: r0\n": True, "so without an error bar: kr\n": True, "90 % from": True}
    words |= {"decrease of the held-out loss 7.00 0.50 6.00 8.00": True, "\nloss ": False, "more parameters": False}
    yield from holds("error bars", found, words | {"\n  one\n  two": True, "\nr0 ": False, "\nkr ": False})
    shown = error_text.standard_errors(errors_of(fit, made))
    yield equal("standard errors", str(shown), str({"r0": ["held by a constraint"], "kr": ["not decided"]}))
    made = replace(bars, parameters={"r0": _one(3.8, 0.01234), "kr": _one(300.0, 25.4)})
    shown = error_text.standard_errors(errors_of(fit, made))
    yield equal("standard errors, two digits", str(shown), str({"r0": ["0.012"], "kr": ["25"]}))
    early = replace(fit, status=cgcore.Status.MAX_STEPS)
    none = error_text.error_lines(early).startswith("Error bars: none, ")
    yield equal(
        "a fit without error bars",
        str((none, error_text.standard_errors(early))),
        str((True, {"r0": [""], "kr": [""]})),
    )
    yield equal("a fit without error bars, record", list(record.record(early)["error_bars"]) == ["why_not"], True)


def _many(fit: cgcore.FitResult, bars: ErrorBars) -> Iterator[Row]:
    """More parameters than are listed, and more names without error bars."""
    prior = with_harmonics(five_terms(cgcore.default_prior()), 11, 1).part(["bond", "angle"])
    for harmonics, error in ((11, 0.5), (12, 0.5), (12, np.nan), (3, 0.5)):
        value = np.arange(1.0, harmonics + 1)
        own = Estimate(value, np.full(harmonics, error), value - 1, value + 1)
        parameters = {"a": own, "b": own, "r0": _one(3.8, 0.1), "kr": _one(300.0, 2.0)}
        made = errors_of(replace(fit, prior=prior), replace(bars, parameters=parameters, losses={}))
        found, listed = error_text.error_lines(made), 2 * harmonics + 2
        decided, more = bool(np.isfinite(error)), listed - 24
        words = {f"  and {more} more parameters (fit.json has all)": decided and more > 0, "\na_3 ": decided}
        words |= {"more parameters": decided and more > 0, f"\nb_{harmonics} ": decided and more <= 0}
        words |= {f"without an error bar: a_1..a_{harmonics}, b_1..b_{harmonics}\n": not decided}
        yield from holds(f"error bars of {listed} parameters, {error}", found, words)
    for count, end in ((8, ", n7"), (9, " and 1 more"), (12, " and 4 more")):
        names = [f"n{k}" for k in range(count)]
        yield equal(
            f"{count} names",
            error_text._listed(names),
            ", ".join(names[:8]).removesuffix(", n7" if count == 8 else "") + end,
        )


def _parameters(fit: cgcore.FitResult, bars: ErrorBars) -> Iterator[Row]:
    """Names, units, and initial and fitted values of parameters of every kind."""
    prior = with_harmonics(five_terms(cgcore.default_prior()), 2, 1).with_terms(TERMS)
    start = {name: np.asarray(value, float) for name, value in prior.params.items()}
    end = {name: value + 1.0 for name, value in start.items()}
    made = errors_of(replace(fit, prior=prior, initial_params=start, fitted_params=end), replace(bars, parameters={}))
    energy = "kcal/mol"
    units = {"r0": "Å", "kr": f"{energy}/Å²", "a[1]": energy, "a[2]": energy, "b[1]": energy, "b[2]": energy}
    units |= {
        "k_dih[1]": energy,
        "gamma_dih[1]": "rad",
        "epsilon": energy,
        "sigma": "Å",
        "epsilon_ex": energy,
        "sigma_ex": "Å",
    }
    labels = {"spring": ("Å", ("spring[inner].", "spring[terminal].")), "bend": ("rad", ("bend.",))}
    for length, groups in labels.values():
        for group in groups:
            harmonic = bases.Harmonic().names
            units |= {f"{group}{harmonic[0]}": f"{energy}/{length}²", f"{group}{harmonic[1]}": f"{energy}/{length}"}
    units |= {
        f"close.{bases.Power(6).names[0]}": "kcal/mol Å^6",
        f"salt.{bases.DebyeHueckel(7.0).names[0]}": "kcal/mol Å",
    }
    units |= {f"turn.{name}": energy for name in bases.Fourier(1).names}
    rows = page.parameters(made)
    yield equal("page, units", str(sorted((name, unit) for name, unit, *_ in rows)), str(sorted(units.items())))
    values = {
        name: np.concatenate([np.ravel(one[name]) for name in prior.names]) for name, one in (("initial", start),)
    }
    shown = [row[2] for row in rows], [row[3] for row in rows]
    first = [f"{value:.6g}" for value in values["initial"]], [f"{value + 1.0:.6g}" for value in values["initial"]]
    yield equal("page, initial and fitted values", str(shown), str(first))


def _page(fit: cgcore.FitResult) -> Iterator[Row]:
    """Directions, remarks, escaped characters, and sections without rows."""
    left = [
        Direction(2e-3, True, {f"a_{k}": (-1) ** k * 0.5 for k in range(7)}),
        Direction(1e-15, False, {"b_2": 0.25}),
    ]
    made = known(fit, left=left)
    directions = [
        ("2.0e-03", "yes", "a_0 +0.50, a_1 -0.50, a_2 +0.50, a_3 -0.50, a_4 +0.50, a_5 -0.50"),
        ("1.0e-15", "no", "b_2 +0.25"),
    ]
    yield equal("page, directions", str(page._directions(made)), str(directions))
    section = page._section("a<b", ("x", "y", "z"), [("1", "2&3", "m")], numbers=(1,), meaning=2)
    row = '<tr><td class="text">1</td><td class="number">2&amp;3</td><td class="meaning">m</td></tr>'
    head = '<tr><th class="text">x</th><th class="number">y</th><th class="meaning">z</th></tr>'
    yield equal("page, section", section, f"<section><h2>a&lt;b</h2><table>{head}\n{row}</table></section>")
    yield equal("page, nothing", page._section("a", ("x",), [], numbers=()) + page._list("a", []), "")
    yield equal("page, list", page._list("a", ["<", "b"]), "<h2>a</h2><ul><li>&lt;</li><li>b</li></ul>")


def _closing(fit: cgcore.FitResult) -> Iterator[Row]:
    """Notes, warnings, constraints, directions, and the settings that an optimum has."""
    left = [Direction(2e-3 / (k + 1), True, {f"x{k}": 1.0}) for k in range(5)]
    price = ConstraintReport("one", "kr >= 0", True, 1.0, 2.5), ConstraintReport("two", "sigma >= 0", False, 0.0, 0.0)
    bound = replace(
        fit.certificate, constraints=price, kkt_residual=2e-9, violation=3e-9, optimal_loss=200.0, price=5.0
    )
    two = "two harmonics"
    plain = {"Note: ": False, "Warning: ": False, "KKT": False, "Constraints (": False, "held-out frames": False}
    plain |= {"optimum over the 2 directions kept\n": False, "more directions": False, "2 of 2 directions kept": True}
    weak = {
        "  and 2 more directions (fit.json has all)": True,
        "x0:": False,
        "x1:": False,
        "x2: weakly": True,
        "x4: weakly": True,
    }
    for name, one, words in (
        ("bare", fit, plain),
        ("notes", replace(fit, notes=("a", "b"), warnings=("c", "d")),
         {"Note: a\nNote: b\n\nWarning: c\nWarning: d": True}),
        ("weak directions", known(fit, left=left), weak),
        ("three weak directions", known(fit, left=left[:3]), {"more directions": False, "x0: weakly": True}),
        ("no data", known(fit, without_data={"bond": "none"}, notes=[two]),
         {"\n  bond term without data: none": True, two: True}),
        ("constraints", replace(fit, certificate=bound),
         {"cost 5.0000 of the loss (2.500 %)": True, "  2.5000  kr >= 0": True, "not active: two": True,
          "KKT residual: 2.0e-09; constraints hold to 3.0e-09": True, "sigma >= 0": False}),
        ("smooth", replace(fit, smoothness=0.25),
         {"as smooth (strength 0.25)": True, "decided by the data, the others": True}),
        ("a cut-off of 0", replace(fit, cutoff=0.0), {"relative singular value above 0 ": True}),
        ("no cut-off", replace(fit, cutoff=None),
         {"relative singular value above": False, "over the 2 directions kept": True}),
        ("held out", replace(fit, val_loss=7.25, initial_val_loss=9.5),
         {"initial parameters, held-out frames 9.500000": True, "fitted parameters, held-out frames 7.250000": True}),
        ("not converged", replace(fit, status=cgcore.Status.MAX_STEPS),
         {"Converged: False": True, "Status: MAX_STEPS, ": True}),
    ):  # fmt: skip
        yield from holds(f"report, {name}", text.closing(one), words)
    start = text.opening(7)
    yield equal("report, opening", start.splitlines()[1], "Prior Pre-Training (LBFGS, max_steps=7)")
    values = text._value(np.array(2.5)), text._value(np.array([1.0, -2.25]))
    yield equal("report, values", str(values), str(("2.500000", "[1.000000, -2.250000]")))


def _certificate(fit: cgcore.FitResult) -> Iterator[Row]:
    """Lines of the certificate that only some fits have."""
    bound = replace(fit.certificate, kkt_residual=0.0)
    usual = "loss, unconstrained loss L*, optimality gap, optimal loss, resolved, optimal loss, every, initial loss, "
    usual += "zero prior loss, explained"
    for name, one, more in (
        ("bare", fit, "roughness"),
        ("held out, a loss of 0", replace(fit, val_loss=0.0), "held-out loss, roughness"),
        (
            "constraints without a residual",
            replace(fit, certificate=bound),
            "KKT residual, price of constraints, roughness",
        ),
    ):
        yield equal(f"certificate, {name}", ", ".join(line.name for line in certificate_lines(one)), f"{usual}, {more}")
    meanings = certificate_lines(fit)[1].meaning, certificate_lines(replace(fit, smoothness=0.5))[1].meaning
    yield equal(
        "certificate, kinds of optima",
        str(meanings),
        str(("optimum over the 2 of 2 fitted directions", "optimum without constraints, at smoothness 0.5")),
    )


def _data(fit: cgcore.FitResult) -> Iterator[Row]:
    """Names of data, frames that were drawn or held out, and factors."""
    whole = cgcore.datasets.chignolin()
    drawn, factor = whole.subset(30, 7), fit.factor
    train, held_out = drawn.split(0.2)
    assert held_out is not None
    bundled = "the bundled set (chignolin)"
    some = f"{bundled}, at most 30 frames drawn with seed 7"
    named = [text.described(whole), text.described(drawn), text.described(train, held_out), text.described(factor)]
    expected = [f"{bundled}, 1000 frames", f"{some}, 30 frames", f"{some}, 24 frames, 6 held out"]
    yield equal("data, described", str(named), str([*expected, f"{factor.path}, {factor.frames} frames"]))
    settings = record.settings_of_data(replace(fit, data=drawn), "a.yaml")
    chosen = {"file": "a.yaml", "units": "angstrom-kcal", "box": None, "accept_faults": False}
    chosen |= {"max_frames": 30, "seed": 7, "val_fraction": 0.0, "hold_out": "each_protein"}
    yield equal("data, settings", str(settings), str(chosen))
    of_fit = (
        record.settings_of_data(fit)["accept_faults"],
        record.settings_of_data(replace(fit, data=factor))["accept_faults"],
    )
    yield equal("data, faults accepted", str(of_fit), str((True, False)))
    found = record.record_of_data(train, held_out)
    size = {"frames": 24, "beads": 10, "real_beads": 240}
    yield equal("data, size", str({key: found[key] for key in size}), str(size))
    yield equal("data, held out of the same file", "held_out" in found, False)
    ranges = (
        str(found["used_frames"]) == str(train.frame_ranges()),
        str(found["held_out_frames"]) == str(held_out.frame_ranges()),
    )
    yield equal("data, frames", str(ranges), str((True, True)))
    other = record.record_of_data(train, replace(factor, path="other"))
    yield equal("data, held out elsewhere", str(other["held_out"]), str({"path": "other", "sha256": factor.sha256}))
    made = record.record_of_data(factor, None)
    size = {"frames": factor.frames, "beads": None, "real_beads": factor.beads}
    yield equal("data, a factor", str({key: made[key] for key in size}), str(size))


def _record(fit: cgcore.FitResult) -> Iterator[Row]:
    """Coefficients by name and group, keys that were not used, and versions."""
    springs, bend = TERMS[0], TERMS[1]
    names = bases.Harmonic().names
    params = {"spring": np.array([[1.0, 2.0], [3.0, 4.0]]), "bend": np.array([5.0, 6.0])}
    grouped = {
        "inner": dict(zip(names, (1.0, 2.0), strict=True)),
        "terminal": dict(zip(names, (3.0, 4.0), strict=True)),
    }
    yield equal("record, groups", str(record._coefficients(springs, params)), str(grouped))
    alone = dict(zip(names, (5.0, 6.0), strict=True))
    yield equal("record, no groups", str(record._coefficients(bend, params)), str(alone))
    made = record.record(replace(fit, val_loss=0.0), Config(fit.prior, unused=("x",)), {"file": "b"}, {"path": "c"})
    said = made["config"]["unused"], made["config"]["file"], made["data"], made["val_loss"], made["status"]
    yield equal("record, what was given", str(said), str((("x",), "b", {"path": "c"}, 0.0, fit.status.name)))
    yield equal("record, what is known", str(record.record(fit)["config"]["accept_faults"]), "True")
    yield equal("record, versions", " ".join(record.versions("scipy")), "python cgcore jax jaxlib numpy optax scipy")
