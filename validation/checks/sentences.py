"""Warnings and notes of a fit: each where it is due, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import cgcore
from cgcore import bases
from cgcore.fitting.constraints import constraints
from cgcore.fitting.ground import Constraint
from cgcore.report.summary import headline
from cgcore.simulation.checks import Outcome
from validation import explicit, explicit_terms
from validation.check import Row, check, equal, refusal
from validation.context import Context, five_terms, four_terms, with_harmonics
from validation.reports.runs import invented_simulation
from validation.statuses import CONVERGED
from validation.tolerances import near

FRAMES = 40
EXACT = 1e-12
KINDS = {
    "excluded volume is off": "no excluded volume",
    "the angle has no harmonics": "no angle",
    "K as given; the data say": "another temperature",
    "K assumed, as the data name none": "no temperature",
    "the highest of": "several temperatures",
}
"""A part of each sentence, and what it is about."""
SAFE = cgcore.Options(smoothness=1e-3)


@check("sentences", quick=True)
def sentences(context: Context) -> Iterator[Row]:
    """Warnings and notes of a fit about terms that are missing and temperatures, each where it is due."""
    batch = context.some(FRAMES).join()
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    warm = cgcore.from_arrays(R, F, temperature=np.full(len(R), 310.0), accept_faults=True)
    for case, prior, wanted in _priors(context.prior):
        yield equal(f"{case}, safe", _kinds(cgcore.fit(warm, prior, SAFE)), ", ".join(wanted))
    bare = context.prior.without_excluded_volume().part(["bond", "repulsive"])
    for level in ("nonnegative", "none"):
        options = cgcore.Options(constraints=level, smoothness=None, truncation=1e-6)
        said = _kinds(cgcore.fit(warm, bare, options))
        yield equal(f"bonds and repulsion, {level}, terms that are missing", "no " in said, False)
    yield from _temperatures(R, F, context.prior.part(["bond"]))
    yield from _headlines(cgcore.fit(warm, context.prior.part(["bond"]), SAFE))
    yield from _springs(R)
    yield from _verdicts()
    yield from _lost()
    yield from _too_few(R, F, context.prior.part(["bond"]))
    yield from _contradictory(R, F, with_harmonics(four_terms(context.prior), 3, 1))


def _priors(whole: cgcore.Prior) -> Iterator[tuple[str, cgcore.Prior, Sequence[str]]]:
    """Priors, and what a safe fit of each must say."""
    five = five_terms(whole)
    four = five.without_excluded_volume()
    near = {n: cgcore.Term("close", cgcore.Rows("pairs", n), bases.Power(6)) for n in (2, 3)}
    listed = cgcore.Term("close", cgcore.Rows("pairs", listed=((0, 2), (1, 4))), bases.Power(6))
    spline = cgcore.Term("angle", cgcore.Rows("angles"), bases.BSpline(tuple(np.linspace(1.4, 2.6, 4).tolist())))
    short = four.part(["bond", "angle", "repulsive"])
    yield "five terms", five, ()
    yield "four terms", four, ("no excluded volume",)
    yield "pairs from 2 on", short.with_terms((near[2],)), ()
    yield "pairs from 3 on", short.with_terms((near[3],)), ("no excluded volume",)
    yield "listed pairs", short.with_terms((listed,)), ("no excluded volume",)
    yield "no angle", five.part(["bond", "excluded_volume"]), ("no angle",)
    yield "an angle of splines", five.part(["bond", "excluded_volume"]).with_terms((spline,)), ()


def _headlines(fit: cgcore.FitResult) -> Iterator[Row]:
    """The line that says how a fit ended, for each status, and for gaps of either sign."""
    for status in cgcore.Status:
        end = "converged" if status.name in CONVERGED else f"NOT converged ({status.name.lower().replace('_', ' ')})"
        one = replace(fit, status=status)
        yield equal(f"headline, {status.name}", headline(one).partition(", ")[0], end)
        said = one.converged, one.as_dict()["converged"]
        yield equal(
            f"{status.name}, converged in the result and its record", str(said), str((status.name in CONVERGED,) * 2)
        )
    for gap in (3e-15, -3e-15, 2e-14, -2e-14, 0.25, -0.25, np.nan):
        said = "below 1e-14" if abs(gap) < 1e-14 else f"{gap:.1e}"
        found = headline(replace(fit, certificate=replace(fit.certificate, optimality_gap=gap)))
        yield equal(f"headline, gap of {gap:g}", found.rpartition("gap ")[2], said)


def _temperatures(R: np.ndarray, F: np.ndarray, prior: cgcore.Prior) -> Iterator[Row]:
    """Temperatures [K] that the data name, that is given, and that is used, and the note about it."""
    both = np.where(np.arange(len(R)) % 3, 290.0, 320.0)
    cases: list[tuple[str, Any, float | None, float, str]] = [
        ("none", None, None, 300.0, "no temperature"),
        ("none, 310 K given", None, 310.0, 310.0, ""),
        ("290 K", 290.0, None, 290.0, ""),
        ("290 K, 290 K given", 290.0, 290.0, 290.0, ""),
        ("290 K, 310 K given", 290.0, 310.0, 310.0, "another temperature"),
        ("290 and 320 K", both, None, 320.0, "several temperatures"),
        ("290 and 320 K, 290 K given", both, 290.0, 290.0, ""),
        ("290 and 320 K, 305 K given", both, 305.0, 305.0, "another temperature"),
    ]
    for case, said, given, used, note in cases:
        extra: dict[str, Any] = {} if said is None else {"temperature": np.broadcast_to(said, len(R))}
        data = cgcore.from_arrays(R, F, accept_faults=True, **extra)
        fit = cgcore.fit(data, prior, cgcore.Options(constraints="none", smoothness=None, temperature=given))
        yield equal(f"temperature of the data {case}, used", fit.temperature, used)
        yield equal(f"temperature of the data {case}, note", _kinds(fit), note)


def _springs(R: np.ndarray) -> Iterator[Row]:
    """Bonds at the ends of chains that push their beads apart, while the others hold."""
    term = cgcore.Term("springs", cgcore.Rows("bonds"), bases.Harmonic(), 1.0, cgcore.Groups("terminal"))
    beads = np.arange(R.shape[1])
    X = np.array([explicit_terms.matrix(one, (term,), 0 * beads, beads) for one in R])
    for k, wanted in ((1, "springs[terminal].kr"), (0, "springs[inner].kr"), (None, "")):
        c = np.array([[600.0, 2300.0], [600.0, 2300.0]])
        if k is not None:
            c[k] *= -1
        fit = cgcore.fit(
            cgcore.from_arrays(R, X @ c.ravel(), accept_faults=True),
            cgcore.default_prior().part([]).with_terms((term,)),
            cgcore.Options(constraints="none", smoothness=None, truncation=0.0),
        )
        said = [one.split(" = ")[0] for one in fit.warnings if "is not positive" in one]
        yield equal(f"pushing bonds, {wanted or 'none'}, warned of", ", ".join(said), wanted)


def _verdicts() -> Iterator[Row]:
    """What a learning curve advises: nothing if the excess is uncertain, and more frames if it is above 1 %."""
    wanted = {(2.0, 1.01): "too uncertain", (2.0, 0.99): "worth it, up to", (0.99, 0.1): "hardly worth it"}
    wanted |= {(1.01, 0.1): "worth it, up to about 2,000.", (-1.0, 0.1): "too uncertain"}
    for (excess, error), words in wanted.items():
        curve = cgcore.LearningCurve([], [], [], [], 1, 1, 0, 1000, 50.0, excess, error, excess, 100.0)
        yield equal(f"excess {excess:g} ± {error:g}, '{words}'", words in curve.verdict(), True)
        enough = 1000 * max(excess, 0) / (0.01 * 100)
        yield near(f"excess {excess:g} ± {error:g}, frames that are enough", curve.frames_enough, enough, EXACT, 1.0)
        at = float(curve.at(np.array([250.0]))[0])
        yield near(f"excess {excess:g} ± {error:g}, loss of 250 frames", at, 50.0 + 4 * excess, EXACT, 1.0)


def _lost() -> Iterator[Row]:
    """A replica counts as lost whatever the reason."""
    run = invented_simulation()
    for outcome in Outcome:
        one = replace(run, replicas=(replace(run.replicas[0], status=outcome),))
        known = outcome.name != "WHOLE"
        yield equal(
            f"a replica with the outcome {outcome.name}, lost and whole",
            f"{one.lost} {one.whole}",
            f"{int(known)} {not known}",
        )


def _too_few(R: np.ndarray, F: np.ndarray, prior: cgcore.Prior) -> Iterator[Row]:
    """Error bars need five blocks, or five proteins if these are drawn."""
    for by, least in (("blocks", "5 blocks of frames"), ("proteins", "5 proteins")):
        for count in (4, 5):
            kinds = np.arange(len(R)) * count // len(R) if by == "proteins" else np.zeros(len(R), int)
            data = cgcore.from_arrays(R, F, species=kinds[:, None] + np.zeros(R.shape[1], int), accept_faults=True)
            blocks = 1 if by == "proteins" else count
            factor = cgcore.compress(data, cgcore.Fingerprint.of(prior), blocks=blocks)
            fit = cgcore.fit(factor, prior, cgcore.Options(constraints="none", smoothness=None))
            said = refusal(lambda fit=fit, by=by: cgcore.error_bars(fit, by=by, resamples=2))
            yield equal(f"error bars by {by}, {count} of them, refused", said is not None, count == 4)
            if said is not None:
                yield equal(f"error bars by {by}, what they need", least in said, True)


def _contradictory(R: np.ndarray, F: np.ndarray, prior: cgcore.Prior) -> Iterator[Row]:
    """Constraints that no coefficients along the kept directions can satisfy, by linear programming."""
    from scipy.optimize import linprog

    system = explicit.system(cgcore.from_arrays(R, F).join(), prior.weights, prior.params)
    values, _, basis = system.directions
    start = explicit.coefficients(prior.params)
    data = cgcore.from_arrays(R, F, temperature=np.full(len(R), 300.0), accept_faults=True)
    every = constraints("safe", cgcore.compress(data, cgcore.Fingerprint.of(prior)), 300.0)

    def possible(chosen: Sequence[Constraint], kept: np.ndarray) -> bool:
        G = np.vstack([one.normals for one in chosen])
        h = np.concatenate([one.bounds for one in chosen]) - G @ start
        A = G @ basis[:, kept]
        size = np.maximum(np.linalg.norm(A, axis=1), 1e-12)
        found = linprog(np.zeros(A.shape[1]), -A / size[:, None], -h / size, bounds=(None, None))
        return found.status == 0

    outcomes = []
    for directions in range(2, len(values)):
        cutoff = float(np.sqrt(values[directions] * values[directions - 1]))
        kept = system.kept(cutoff)
        said = refusal(
            lambda cutoff=cutoff: cgcore.fit(data, prior, cgcore.Options(smoothness=None, truncation=cutoff))
        )
        outcomes.append(possible(every, kept))
        yield equal(f"{directions} directions, refused", said is not None, not outcomes[-1])
        if said is not None:
            named = [one for one in every if one.text in said]
            yield equal(f"{directions} directions, the named constraints contradict", possible(named, kept), False)
    yield equal("some directions are too few, and some are enough", set(outcomes) == {True, False}, True)


def _kinds(fit: Any) -> str:
    """What the warnings and notes of a fit are about; the whole sentence if it is about something else."""
    said = [*fit.warnings, *fit.notes]
    return ", ".join(next((kind for words, kind in KINDS.items() if words in one), one) for one in said)
