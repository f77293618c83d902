"""Records, verdicts and settings of fits, error bars, learning curves, evaluations and scans, from numbers made up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np

import cgcore
from cgcore.evaluation.ceiling import Ceiling
from cgcore.evaluation.gathering import errors_of
from cgcore.evaluation.result import Errors, Evaluation, Protein, Residue, Sample, Spread, Term
from cgcore.fitting.blocking import Blocking, Level, blocking
from cgcore.fitting.error_bars import ErrorBars, error_bars
from cgcore.fitting.estimate import Estimate
from cgcore.fitting.quadratics import Quadratics
from cgcore.physics.coefficients import Layout
from validation.check import Row, at_most, check, equal
from validation.checks.fit_sentences import factor_of
from validation.context import Context
from validation.settings import fit_settings

EXACT = 1e-9


@check("fit-records", quick=True)
def fit_records(context: Context) -> Iterator[Row]:
    """Plain values and verdicts of results made by hand, and settings that follow from other settings."""
    yield from _estimates()
    yield from _error_bars()
    yield from _proteins()
    yield from _ceilings()
    yield from _curves()
    yield from _evaluation()
    yield from fit_settings.options()
    yield from fit_settings.scanned()
    yield from fit_settings.blocks()
    prior = context.prior.part(["bond", "repulsive"])
    yield from fit_settings.admissible(prior, factor_of(prior.terms))


def _estimates() -> Iterator[Row]:
    """Intervals, those extended to the quantiles of refits, and values that are not known."""
    value, error = np.array([1.0, -2.0]), np.array([0.5, 0.25])
    first = Estimate.of(value, error, 2.0, np.array([True, False]))
    nan = math.nan
    yield _same("estimates, of", first, [[1.0, -2.0], [0.5, nan], [0.0, nan], [2.0, nan]])
    changes = np.linspace(-1.0, 3.0, 5)[:, None] * [1.0, 0.0]
    wide = Estimate.of(value, error, 2.0, np.array([True, True])).reaching(changes, 1.5, 0.5)
    # The quartiles of -1, 0, 1, 2, 3 are 0 and 2; half as far again reaches from the value to 3 above it.
    yield _same("estimates, reaching", wide, [[1.0, -2.0], [0.5, 0.25], [0.0, -2.5], [4.0, -1.5]])
    yield _same(
        "estimates, only", wide.only(np.array([False, True])), [[1.0, -2.0], [nan, 0.25], [nan, -2.5], [nan, -1.5]]
    )
    said = Estimate(np.array(1.0), np.array(0.5), np.array(0.25), np.array(3.0)).as_dict()
    yield equal("estimates, record", str(said), str({"standard_error": 0.5, "low": 0.25, "high": 3.0}))


def _same(name: str, found: Estimate, known: list[list[float]]) -> Row:
    return equal(name, bool(np.allclose(found, known, rtol=0, atol=1e-12, equal_nan=True)), True)


def _error_bars() -> Iterator[Row]:
    """Error bars of three pools in two strata, and their record."""
    levels = Level(1, 9, 4.0, 0.5, 0.75, 0.125), Level(2, 3, 12.0, 0.375, 0.25, 0.0625)
    drawn = Blocking(levels, 1, np.array([0, 1, 2]), np.array([0, 0, 1]), "blocks", 2.25, ("one",))
    made = _quadratics(2)
    one = Estimate(np.array(1.0), np.array(0.5), np.array(0.25), np.array(3.0))
    layout = Layout(cgcore.default_prior().part(["bond"]).terms)
    found = ErrorBars(0.9, 40, 7, drawn, {"kr": one}, {"train_loss": one}, np.zeros((40, 2)), layout, made, ("two",))
    written = {"standard_error": 0.5, "low": 0.25, "high": 3.0}
    lengths = [list(level) for level in levels]
    known: dict[str, Any] = {
        "method": "bootstrap of 3 blocks of 12 frames", "level": 0.9, "resamples": 40, "seed": 7, "by": "blocks",
        "block_frames": 12.0, "blocks": 3, "effective_blocks": 3 / 2.25, "correlation": 0.25, "degrees_of_freedom": 1,
        "force_error": 1.5 * 0.375, "parameters": {"kr": written}, "losses": {"train_loss": written}, "notes": ["two"],
    }  # fmt: skip
    said = found.as_dict()
    each = said.pop("block_lengths")
    shown = [list(level.values()) if isinstance(level, dict) else list(level) for level in each]
    yield equal("error bars, lengths of blocks in the record", str(shown), str(lengths))
    yield equal("error bars, keys of the record", ", ".join(sorted(said)), ", ".join(sorted(known)))
    for key, value in known.items():
        yield equal(f"error bars, {key} in the record", str(said.get(key)), str(value))
    proteins = replace(found, blocking=replace(drawn, by="proteins"))
    yield equal("error bars by proteins, method", proteins.method, "bootstrap of 3 proteins")
    for size in (200, 201):
        many = replace(found, around=_quadratics(size))
        newton = "one step of Newton's method each" in many.method
        yield equal(f"error bars of {size} directions, refitted exactly", not newton, size == 200)


def _quadratics(size: int) -> Quadratics:
    """The objective of no data, along as many directions."""
    z = np.zeros
    none, basis = z((0, size)), z((2, size))
    return Quadratics((), z(0), z((0, 2, size)), z((0, 2)), none, z(0), none, z(0), basis, z((2, 0)), z(2))


def _proteins() -> Iterator[Row]:
    """What is drawn, and the note about it, by the number of proteins; and blocks that remain correlated."""
    prior, rng = cgcore.default_prior().part(["bond"]), np.random.default_rng(0)
    factor = factor_of(prior.terms)
    one = factor.blocks[0]
    options = cgcore.Options(constraints="none", smoothness=None, truncation=0.0)
    for count, by, drawn, words in (
        (1, "auto", "blocks", ""),
        (4, "auto", "blocks", "4 proteins are too few to say how far others would differ"),
        (5, "auto", "proteins", ""),
        (5, "blocks", "blocks", "5 proteins: the error bars are those of longer sampling of these proteins"),
    ):
        every = [(f"{p}", k) for p in range(count) for k in range(24 // count)]
        parts = [replace(one, S=np.triu(rng.normal(size=(3, 3)) + 3), protein=p, index=k) for p, k in every]
        fit = cgcore.fit(replace(factor, blocks=tuple(parts)), prior, options)
        found = error_bars(fit, by=by, resamples=2)
        yield equal(f"{count} proteins, by {by}, drawn", found.blocking.by, drawn)
        told = [note for note in found.notes if "proteins" in note]
        yield equal(f"{count} proteins, by {by}, notes about them", len(told), int(bool(words)))
        yield equal(f"{count} proteins, by {by}, note", all(note.startswith(words) for note in told), True)
    for case, scores in (("drift", np.linspace(-1, 1, 7)), ("alternate", (-1.0) ** np.arange(7))):
        blocks = [replace(one, protein="p", index=k) for k in range(7)]
        chosen = blocking(blocks, scores[:, None] * np.ones(3), np.full(7, 1 / 7))
        assert chosen is not None
        yield equal(f"blocks that {case}, notes", len(chosen.notes), int(case == "drift"))
        said = f"pools of {one.frames} frames are still correlated"
        yield equal(f"blocks that {case}, what is said", all(note.startswith(said) for note in chosen.notes), True)
        mean = float(np.mean((scores - scores.mean())[1:] * (scores - scores.mean())[:-1]) / np.var(scores)) + 1 / 6
        off = abs(chosen.effective - 7 / (1 + 2 * max(mean, 0.0)))
        yield at_most(f"blocks that {case}, effective number", off, EXACT)


def _ceilings() -> Iterator[Row]:
    """Fractions of the mean square force, and the verdict about them."""
    alike = "; these frames are not alike enough to tell how much could be explained."
    cases = (
        (75.0, 10.0, 1.0, 0.25, 0.35, 0.01, 0.37, "35.0 ± 1.0", 37),
        (75.0, -10.0, 4.9, 0.25, 0.25, 0.049, 0.348, "25.0 ± 4.9", 35),
        (40.0, 38.0, 2.0, 0.6, 0.98, 0.02, 1.0, "98.0 ± 2.0", 100),
        (75.0, 10.0, 5.1, 0.25, 0.35, 0.051, 0.452, "", 0),
    )  # fmt: skip
    for left, missed, error, explained, ceiling, its_error, highest, part, most in cases:
        found = Ceiling(100.0, left, missed, error, 9, 8, [1.0], [2.0], [3.0])
        case, numbers = f"{left:g} left, {missed:g} ± {error:g} missed", (explained, ceiling, its_error, highest)
        said = found.as_dict()
        own = [said.get(key, math.nan) for key in ("explained", "ceiling", "ceiling_error", "highest")]
        yield at_most(f"{case}, fractions", float(np.max(np.abs(np.subtract(own, numbers)))), 1e-12)
        first = f"The prior explains {100 * explained:.1f} % of the mean square force"
        words = f", of {part} % that smooth functions of the positions could: at most {most} %."
        yield equal(f"{case}, verdict", said["verdict"], first + (words if part else alike))
        plain = {one.name: getattr(found, one.name) for one in fields(found)}
        yield equal(f"{case}, record", {key: said.get(key) for key in plain} == plain, True)


def _curves() -> Iterator[Row]:
    """What a learning curve says, and its record."""
    start = "Frames without end would lower the held-out loss by"
    two, more = "and 2,000 frames by half of that", "more are worth it, up to about"
    cases = (
        (1.9, 0.5, f"1.9 ± 0.5 (kcal/mol/Å)², 1.9 % of what the prior explains, {two}: {more} 2,000."),
        (2.5, 0.5, f"2.5 ± 0.5 (kcal/mol/Å)², 2.5 % of what the prior explains, {two}: {more} 3,000."),
        (0.5, 0.1, f"0.5 ± 0.1 (kcal/mol/Å)², 0.5 % of what the prior explains, {two}: for the forces more frames are "
                   "hardly worth it."),
        (2.0, 1.3, "2 ± 1.3 (kcal/mol/Å)²: too uncertain to advise on more."),
    )  # fmt: skip
    for excess, error, end in cases:
        curve = cgcore.LearningCurve([1.0], [2.0], [3.0], [4.0], 5, 6, 7, 1000, 50.0, excess, error, 9.0, 100.0)
        case, words = f"excess {excess:g} ± {error:g}", f"{start} {end}"
        yield equal(f"{case}, verdict", curve.verdict(), words)
        plain = {one.name: getattr(curve, one.name) for one in fields(curve)} | {"verdict": words}
        yield equal(f"{case}, record", curve.as_dict() == plain, True)
    for explained in (0.0, -1.0):  # constraints may raise the loss above that of no prior
        curve = cgcore.LearningCurve([1.0], [2.0], [3.0], [4.0], 5, 6, 7, 1000, 50.0, 2.0, 0.5, 9.0, explained)
        said = "but the prior explains nothing of these forces" in curve.verdict()
        yield equal(f"explained {explained:g}, verdict", said, True)
        yield equal(f"explained {explained:g}, frames that are enough", math.isnan(curve.frames_enough), True)


def _evaluation() -> Iterator[Row]:
    """The record of an evaluation, with a number of its own at each place."""
    errors = [Errors(k, *(k + np.arange(1, 7) / 8).tolist()) for k in range(1, 7)]
    spreads = [Spread(*(k + np.arange(4) / 4).tolist()) for k in range(5)]
    residues = Residue(1, "ALA", 3, errors[2]), Residue(2, "UNK", None, errors[3])
    proteins = Protein("p", 8, errors[1], spreads[2], residues), Protein("q", 1, errors[4], spreads[3], residues[1:])
    terms = {"bond": Term(0.5, 0.25, 0.125, spreads[1]), "angle": Term(1.5, 1.25, -0.125, spreads[4])}
    kinds_of, drawn = {"ALA": errors[2], "GLY": errors[5]}, Sample(np.zeros(1), np.zeros(1), 1)
    found = Evaluation("m", "a", "b", 9, errors[0], terms, spreads[0], proteins, kinds_of, np.zeros(9), drawn)
    names = ("beads", "loss", "reference", "explained", "rmse", "mae", "cosine")

    def plain(own: Errors) -> dict[str, Any]:
        return {name: getattr(own, name) for name in names}

    spread = [{"mean": k + 0.0, "deviation": k + 0.25, "least": k + 0.5, "most": k + 0.75} for k in range(5)]
    kinds = [{"number": 1, "code": "ALA", "species": 3}, {"number": 2, "code": "UNK", "species": None}]
    beads = [kind | plain(own) for kind, own in zip(kinds, errors[2:4], strict=True)]
    known: dict[str, Any] = {
        "loss": 1.125, "force_rmse": 1.5, "force_mae": 1.625, "cosine": 1.75, "explained": 1.375, "reference": 1.25,
        "frames": 9, "real_beads": 1, "components": {"bond": 0.5, "angle": 1.5}, "energy": spread[0],
        "terms": {"bond": {"force": 0.5, "loss_without": 0.25, "cosine": 0.125, "energy": spread[1]},
                  "angle": {"force": 1.5, "loss_without": 1.25, "cosine": -0.125, "energy": spread[4]}},
        "proteins": [{"name": "p", "frames": 8} | plain(errors[1]) | {"energy": spread[2], "residues": beads},
                     {"name": "q", "frames": 1} | plain(errors[4]) | {"energy": spread[3], "residues": beads[1:]}],
        "types": {"ALA": plain(errors[2]), "GLY": plain(errors[5])},
    }  # fmt: skip
    said = found.as_dict()
    yield equal("evaluation, keys of the record", ", ".join(sorted(said)), ", ".join(sorted(known)))
    for key, value in known.items():
        yield equal(f"evaluation, {key} in the record", said.get(key) == value, True)
    silent = errors_of(np.array([[2.0, 6.0, 0.0, 3.0, 1.0]]))
    yield equal("forces of 0, explained part is unknown", math.isnan(silent.explained), True)
    yield equal(
        "forces of 0, errors", str((silent.loss, silent.rmse, silent.mae, silent.cosine)), "(3.0, 1.0, 0.5, 0.5)"
    )
    names_of = [Residue(1, code, species, errors[0]).kind for code, species in (("ALA", 0), ("UNK", 0), ("UNK", None))]
    yield equal("kinds of residues", str(names_of), str(["ALA", "species 0", ""]))
