"""What is said of a data set, and of a model's forces on one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import cgcore
from cgcore.evaluation.ceiling import Ceiling
from cgcore.evaluation.result import Errors, Evaluation, Protein, Residue, Sample, Spread, Term
from cgcore.judging.finding import Finding, Severity
from cgcore.judging.stretch import Ratio
from validation.check import Row, at_most, equal
from validation.reports.fits import EXACT, FINE, Chains
from validation.reports.reading import bars, panel, points, printed, said, stated, steps, texts
from validation.tolerances import relative

BARS = " ▁▂▃▄▅▆▇█"

LEVEL = 1.0
"""A bar of text may be one level off, because the values of a bin are spread evenly over it."""


def inspected(data: cgcore.Dataset) -> Iterator[Row]:
    """The inspection of two files as text, picture and record, against the raw frames."""
    from cgcore.report.inspection_record import inspection_record

    found, chains = cgcore.inspect(data), Chains(data)
    text, beads = found.report(), sum(len(R) for R, _, _ in chains.every)
    yield from said("inspect, size", text, "# frames, # beads a row, # real", len(chains.every), 20, beads)
    for n in (10, 20):
        frames = sum(len(R) == n for R, _, _ in chains.every)
        yield from stated(f"inspect, file {n}", text, f"{n}.npz", frames, 20)
        name = next(one.name for one in found.proteins if one.length == n)
        yield from stated(f"inspect, protein {n}", text.partition("Protein")[2], name, n, frames)
    kinds = np.bincount(np.concatenate([species for _, _, species in chains.every]))
    shown = re.findall(r"(\d) (\d\S*) %", text.partition("Species of real beads")[2].partition("\n\n")[0])
    order = np.argsort(-kinds)
    yield equal("inspect, species", ", ".join(name for name, _ in shown), ", ".join(map(str, order)))
    yield printed("inspect, parts of the species", [part for _, part in shown], list(100 * kinds[order] / beads))
    for name in FINE:
        yield from _coordinate(name, chains.values(name)[0], text, inspection_record(found))
    yield from _forces(found, chains, text)
    yield from _inspection_drawn(found, chains)


def _coordinate(name: str, values: Any, text: str, record: Any) -> Iterator[Row]:
    unit, scale = ("Å", 1.0) if name == "bond" else ("degrees", 180 / np.pi)
    mean = None if name == "dihedral" else scale * values.mean()
    row = re.search(rf"^{name} \[{unit}\]([^|]*)\|(.*)\|$", text, re.M)
    numbers = re.findall(r"-?\d[\d,.]*", row[1]) if row else []
    known = len(values), scale * values.min(), mean, scale * values.max()
    yield printed(f"inspect, {name}", numbers, known)
    edges = np.linspace(*FINE[name])
    counts = np.histogram(values, edges)[0]
    (filled,) = np.nonzero(counts)
    shown = np.array([BARS.index(one) for one in (row[2] if row else "")])
    ends = np.linspace(edges[filled[0]], edges[filled[-1] + 1], len(shown) + 1)
    heights = np.diff(np.interp(ends, edges, np.searchsorted(np.sort(values), edges)))
    yield at_most(f"inspect, {name}, bars", np.abs(shown - 8 * heights / heights.max()).max(), LEVEL, "levels")
    said_of = record["histograms"][name]
    same = np.array_equal(said_of["counts"], counts) and np.allclose(said_of["edges"], edges, rtol=1e-12, atol=0)
    yield equal(f"inspect, record, {name}", same, True)
    least = record["ranges"][name]["least"]
    yield at_most(f"inspect, record, least {name}", abs(least / values.min() - 1), EXACT, "relative")


def _forces(found: Any, chains: Chains, text: str) -> Iterator[Row]:
    F = np.concatenate([F for _, F, _ in chains.every])
    bonds = np.median(chains.values("bond")[0])
    median = re.search(r"neighbouring beads ([\d.]+) Å", text)
    # The median is that of a histogram with bins of one part in a thousand.
    off = abs(float(median[1]) / bonds - 1) if median else np.nan
    yield at_most("inspect, median distance", off, 2e-3, "relative")
    yield from said("inspect, size of the forces", text, "RMS component #", np.sqrt(np.mean(F**2)))
    largest = [float(np.abs(F).max()) for _, F, _ in chains.every]
    k = int(np.argmax(largest))
    own, n = chains.every[k][1], len(chains.every[k][1])
    frame = k - next(i for i, (R, _, _) in enumerate(chains.every) if len(R) == n)
    bead = int(np.abs(own).max(axis=1).argmax())
    peak = rf"largest component #, bead # of frame # of {n}\.npz"
    yield from said("inspect, largest force", text, peak, max(largest), bead, frame)
    yield from said("inspect, mean force", text, r"mean over beads \(#, #, #\)", *F.mean(axis=0))
    net = np.array([F.sum(axis=0) for _, F, _ in chains.every])
    yield from said("inspect, net force", text, "RMS component #: ", np.sqrt(np.mean(net**2)))
    near = [chains.distances(np.array([k])) for k in range(len(chains.every))]
    k = int(np.argmin([np.min(d, initial=np.inf) for d in near]))
    n = len(chains.every[k][0])
    i, j = (int(one[near[k].argmin()]) for one in np.triu_indices(n, 6))
    frame = k - next(i for i, (R, _, _) in enumerate(chains.every) if len(R) == n)
    close = rf"j-i >= 6: # Å, beads # and # of frame # of {n}\.npz"
    yield from said("inspect, closest pair", text, close, near[k].min(), i, j, frame)


def _inspection_drawn(found: Any, chains: Chains) -> Iterator[Row]:
    """Histograms, forces by frame with those of findings, and ratios, some of them invented."""
    from cgcore.report.inspection_figure import draw_inspection

    judged, sizes = found.judgement, [np.sqrt(np.mean(F**2)) for _, F, _ in chains.every]
    first, second = (
        replace(one, ratio=ratio)
        for one, ratio in zip(
            judged.sources, (Ratio(0.75, 0.125, 150.0, 0.4), Ratio(12.5, 2.5, 3000.0, 0.5)), strict=True
        )
    )
    third = replace(first, source="the first once more", ratio=None)
    sizes += sizes[: len(first.frames)]
    marked = {"warning": (first, (4, 7)), "wrong": (second, (2, 9, 11))}
    findings = tuple(Finding("code", Severity(kind), "text", one.source, at) for kind, (one, at) in marked.items())
    made = replace(found, judgement=replace(judged, findings=findings, sources=(first, second, third)))
    figure, start = draw_inspection(made), len(first.frames)
    for name in FINE:
        edges, counts = steps(panel(figure, f"{name.capitalize()}s").patches[0])
        known, scale = np.linspace(*FINE[name]), 1.0 if name == "bond" else 180 / np.pi
        yield at_most(f"inspect, picture, edges of {name}s", relative(edges, scale * known), EXACT, "relative")
        off = relative(counts, np.histogram(chains.values(name)[0], known)[0])
        yield at_most(f"inspect, picture, {name}s", off, 0.0)
    ax = panel(figure, "Forces, frame by frame")
    dots = [points(one) for one in ax.lines if one.get_marker() == "."]
    every = np.concatenate(dots, axis=1)
    off = relative(every[0], np.arange(len(sizes))), relative(every[1], sizes)
    yield at_most("inspect, picture, forces by frame", max(off), EXACT, "relative")
    for kind, at in (("warning", (4, 7)), ("wrong", (start + 2, start + 9, start + 11))):
        drawn = [points(one) for one in ax.lines if one.get_label() == kind]
        shown = drawn[0] if drawn else np.full((2, len(at)), np.nan)
        yield equal(
            f"inspect, picture, frames that are {kind}", str(shown[0].tolist()), str([float(one) for one in at])
        )
        off = relative(shown[1], [sizes[k] for k in at])
        yield at_most(f"inspect, picture, their forces, {kind}", off, EXACT, "relative")
    ratios = [one.lines for one in panel(figure, "Equipartition").containers]
    centres = [float(one[0].get_xdata()[0]) for one in ratios]
    ends = [one[2][0].get_segments()[0][:, 0].tolist() for one in ratios]
    yield equal("inspect, picture, ratios", str(centres), str([0.75, 12.5]))
    yield at_most("inspect, picture, errors of ratios", relative(ends, [[0.625, 0.875], [10.0, 15.0]]), EXACT)
    title = figure.get_suptitle()
    yield from said("inspect, picture, title", title, "# frames, # beads; # fault", found.frames, found.real_beads, 1)


def _numbers(k: int) -> Errors:
    """Errors in which no two numbers are equal."""
    return Errors(1200 + k, 900.25 + k, 1650.5 + 2 * k, 0.4375 + k / 128, 17.5 + k / 8, 11.25 + k / 16, 0.625 + k / 256)


def _spread(k: int) -> Spread:
    return Spread(-30.125 + k, 4.5 + k / 8, -41.75 - k, 12.25 + 2 * k)


def _row(e: Errors) -> tuple[float, ...]:
    return e.loss, 100 * e.explained, e.rmse, float(np.sqrt(e.reference / 3)), e.cosine


def evaluated() -> Iterator[Row]:
    """The evaluation of an invented model on five proteins, as text and picture."""
    from cgcore.report.evaluation_figure import draw_evaluation

    residues = [Residue(k + 1, ("ALA", "GLY", "TRP")[k], k, _numbers(20 + k)) for k in range(3)]
    frames = (40, 90, 10, 70, 60)
    proteins = tuple(
        Protein(f"chain {'abcde'[k]}", frames[k], _numbers(k), _spread(k), tuple(residues[: 3 - k % 2]))
        for k in range(5)
    )
    terms = {"bond": Term(310.5, 1210.75, 0.5, _spread(7)), "angle": Term(25.25, 890.5, -0.125, _spread(8))}
    types = {"ALA": _numbers(30), "TRP": replace(_numbers(31), explained=-0.25)}
    rng = np.random.default_rng(5)
    energies = rng.normal(size=500)
    sample = Sample(rng.normal(size=30), rng.normal(size=30), 5)
    whole = _numbers(50)
    found = Evaluation("prior", "some.npz", "", 270, whole, terms, _spread(9), proteins, types, energies, sample)
    text = found.report()
    yield from said("evaluate, headline", text, "loss #, # %", whole.loss, 100 * whole.explained)
    yield from said("evaluate, size", text, r"some\.npz: # frames, # real", 270, whole.beads)
    numbers = whole.rmse, whole.mae, whole.cosine, whole.reference
    yield from said("evaluate, errors", text, "RMSE #, MAE # .*, cosine #; .* loss of #", *numbers)
    for name, one in terms.items():
        numbers = one.force, one.loss_without - whole.loss, one.cosine, *one.energy
        yield from stated(f"evaluate, {name}", text, name, *numbers)
    yield from stated("evaluate, all terms", text, "all terms", *_spread(9))
    for one in proteins:
        numbers = len(one.residues), one.frames, *_row(one.errors), one.energy.mean, one.energy.deviation
        yield from stated(f"evaluate, {one.name}", text, one.name, *numbers)
    for name, one in types.items():
        yield from stated(f"evaluate, {name}", text, name, one.beads, *_row(one))
    for one in residues:
        yield from stated(f"evaluate, bead {one.number}", text, f"{one.number} {one.code}", *_row(one.errors))
    yield from _evaluation_drawn(draw_evaluation(found), found)


def _evaluation_drawn(figure: Any, found: Evaluation) -> Iterator[Row]:
    ax = panel(figure, "What each term")
    known = (
        [one.force for one in found.terms.values()],
        [one.loss_without - found.errors.loss for one in found.terms.values()],
    )
    for what, container, expected in zip(("forces", "gains"), ax.containers, known, strict=False):
        yield at_most(f"evaluate, picture, {what} of terms", relative(bars(container), expected), 0.0)
    yield equal("evaluate, picture, terms", ", ".join(one.get_text() for one in ax.get_yticklabels()), "bond, angle")
    ax = panel(figure, "Energy over")
    low, high = np.quantile(found.energies, [0.001, 0.999])
    counts, edges = np.histogram(np.clip(found.energies, low, high), 60, (low, high))
    drawn = np.array([[one.get_x(), one.get_height()] for one in ax.containers[0]])
    yield at_most("evaluate, picture, energies", relative(drawn[:, 1], counts), 0.0)
    yield at_most("evaluate, picture, edges of energies", relative(drawn[:, 0], edges[:-1]), EXACT, "relative")
    mean, deviation = found.energy.mean, found.energy.deviation
    yield from said("evaluate, picture, mean and deviation", texts(ax), "mean #\n± #", mean, deviation)
    span = next(one for one in ax.patches if one not in list(ax.containers[0])).get_extents()
    ends = ax.transData.inverted().transform([[span.x0, span.y0], [span.x1, span.y1]])[:, 0]
    yield at_most("evaluate, picture, span of energies", relative(ends, [mean - deviation, mean + deviation]), EXACT)
    ax = panel(figure, "Error along")
    shown = [found.proteins[k] for k in (1, 3, 4, 0)]
    yield equal("evaluate, picture, proteins", len(ax.lines), 2 * len(shown))
    for k, one in enumerate(shown):
        sizes = [(r.errors.reference / 3) ** 0.5 for r in one.residues], [r.errors.rmse for r in one.residues]
        for line, size in zip(ax.lines[2 * k : 2 * k + 2], sizes, strict=True):
            off = relative(points(line), [[r.number for r in one.residues], size])
            yield at_most(f"evaluate, picture, {one.name}, {line.get_marker()}", off, EXACT, "relative")
        yield equal(f"evaluate, picture, {one.name}", ax.lines[2 * k + 1].get_label(), one.name)
    ax = panel(figure, "Explained by kind")
    explained = [100 * one.explained for one in found.types.values()]
    yield at_most("evaluate, picture, kinds of residues", relative(bars(ax.containers[0]), explained), EXACT)


def ceiling() -> Iterator[Row]:
    """The noise ceiling as text."""
    from cgcore.report.ceiling_text import ceiling_report

    near, products, line = [1.25, 2.5, 4.75], [310.5, 250.25, 90.5], [301.0, 245.5, 100.5]
    text = ceiling_report(Ceiling(1700.5, 1500.25, 320.5, 21.25, 540, 2345, near, products, line))
    yield from said("ceiling, size", text, "# nearest pairs of # frames", 2345, 540)
    for numbers in zip(near, products, line, strict=True):
        yield from stated(f"ceiling, {numbers[0]}", text, f"{numbers[0]:.2f}", *numbers[1:])
    yield from stated("ceiling, reference", text, "reference forces", 1700.5)
    yield from stated("ceiling, left", text, "left by the prior", 1500.25)
    yield from stated("ceiling, missed", text, "missed by the prior, product at distance 0", 320.5, 21.25)
    numbers = [100 * (1 - 1500.25 / 1700.5), 100 * (1 - 1179.75 / 1700.5), 100 * 21.25 / 1700.5]
    words = "explains # % of .*, of # ± # % .* at most # %"
    yield from said("ceiling, verdict", text, words, *numbers, numbers[1] + 2 * numbers[2])
