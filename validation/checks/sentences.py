"""Warnings and notes of a fit: each where it is due, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import cgcore
from cgcore import bases
from validation.check import Row, check, equal
from validation.context import Context, five_terms

FRAMES = 40
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


def _kinds(fit: Any) -> str:
    """What the warnings and notes of a fit are about; the whole sentence if it is about something else."""
    said = [*fit.warnings, *fit.notes]
    return ", ".join(next((kind for words, kind in KINDS.items() if words in one), one) for one in said)
