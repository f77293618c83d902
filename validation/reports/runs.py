"""What is said of simulations, trainings, learning curves and configurations, whose numbers are invented."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cgcore.config.comparison import Comparison
from cgcore.config.comparison import Row as Key
from cgcore.config.reading import Reading
from cgcore.fitting.learning_curve import LearningCurve
from cgcore.simulation.checks import Limits, Outcome
from cgcore.simulation.divergence import Observable, Summary
from cgcore.simulation.result import Origin, SimulationResult
from cgcore.simulation.settings import Settings
from cgcore.simulation.verdict import Replica
from cgcore.timing import Seconds
from validation.check import Row, at_most, equal
from validation.reports.fits import EXACT
from validation.reports.reading import line, panel, points, said, stated, steps, texts
from validation.tolerances import relative

LOST = {3: (Outcome.BOND, 12.5), 0: (Outcome.OVERLAP, 3.25), 5: (Outcome.ANGLE, 20.0), 1: (Outcome.NOT_FINITE, 30.0)}
"""Why and when [ps] replicas were lost."""


def invented_simulation() -> SimulationResult:
    """A simulation of seven replicas, four of which were lost."""

    def observable(title: str, unit: str, edges: Any, k: int) -> Observable:
        density = np.arange(1.0, len(edges)) * (k + 1) / 64
        mean = edges[1] + k / 8 if unit != "degrees" else None
        ours = Summary(mean, 0.0125 + k / 64, 0.25 + k / 16, density)
        theirs = Summary(None if mean is None else mean + 0.375, 0.025 + k / 64, 0.5 + k / 16, density[::-1] ** 2)
        return Observable(title, unit, edges, ours, theirs, 0.125 + k / 32, 0.0175 + k / 64, 0.0325 + k / 64)

    replicas = [
        Replica(k, *LOST.get(k, (Outcome.WHOLE, None)), (), None, 4.5 + k, f"replica {k}: its verdict")
        for k in range(7)
    ]
    return SimulationResult(
        Settings(310.0, 7, 40.0, 4.0, 2.5, 95.0, 0.2, 11),
        Origin("prior", "", "some.npz", "", "chain a", 12, 345),
        "jax",
        tuple(replicas),
        Limits((2.75, 4.875), 3.375, (np.radians(72.0), np.radians(165.0)), 4.5),
        3.625,
        0.00375,
        312.25,
        4.5,
        {
            "bond": observable("Bond", "Å", np.array([3.5, 3.75, 4.0, 4.25, 4.5]), 0),
            "dihedral": observable("Dihedral", "degrees", np.linspace(-180, 180, 7), 1),
            "end_to_end": observable("End to end", "Å", np.array([5.0, 7.5, 10.0, 12.5]), 2),
        },
        1234.0,
        2.5,
        (),
        np.zeros((7, 1, 12, 3), np.float32),
    )


def simulated() -> Iterator[Row]:
    """A simulation of seven replicas, four of which were lost, as text and picture."""
    from cgcore.report.simulation_figure import draw_simulation
    from cgcore.report.simulation_text import report

    run = invented_simulation()
    text = report(run)
    for name, pattern, *numbers in (
        ("what ran", "chain a, # beads", 12),
        ("length", "# replicas of # ps, # K, timestep # fs", 7, 40, 310, 4),
        ("thermostat", "friction #/ps, # g/mol, a frame each # ps, seed #", 2.5, 95, 0.2, 11),
        ("frames", "against # frames", 345),
        ("limits of bonds", "beyond # to # Å", 2.75, 4.875),
        ("limits of pairs", r"closer than # Å \(sampled: # Å", 3.375, 4.5),
        ("limits of angles", "beyond # to # degrees", 72, 165),
        ("lost", "# of # replicas are lost", 4, 7),
        ("closest approach", "or more apart: # Å", 3.625),
        ("angles outside", "Angles outside: #%", 0.375),
        ("kinetic temperature", "Kinetic temperature: # ± # K", 312.25, 4.5),
        ("speed", r"Speed: # ns/day.*\(# s\)", 1234, 2.5),
    ):
        yield from said(f"simulate, {name}", text, pattern, *numbers)
    verdicts = [k for k in range(7) if f"  replica {k}: its verdict" in text]
    yield equal("simulate, lost replicas", str(verdicts), str(sorted(LOST)))
    figure = draw_simulation(run)
    for name, one in run.observables.items():
        data, ours = one.reference, one.simulation
        numbers = data.mean, data.mean and data.error, data.mean and data.std
        numbers += ours.mean, ours.mean and ours.error, ours.mean and ours.std
        numbers += one.divergence, one.divergence_error, one.divergence_floor
        yield from stated(f"simulate, {name}", text, f"{one.title} [{one.unit}]", *numbers)
        ax = panel(figure, one.title)
        for which, density in (("data", data.density), ("simulation", ours.density)):
            edges, shown = steps(next(one for one in ax.patches if one.get_label() == which))
            off = max(relative(edges, one.edges), relative(shown, density))
            yield at_most(f"simulate, picture, {name}, {which}", off, 0.0)
        means = [float(own.get_xdata()[0]) for own in ax.lines]
        known = [own.mean for own in (data, ours) if own.mean is not None]
        yield equal(f"simulate, picture, {name}, means", str(means), str([float(one) for one in known]))
        words = "JS divergence # ± # bit\nhalves of the data #"
        yield from said(f"simulate, picture, {name}, divergence", texts(ax), words, *numbers[-3:])
    ax = panel(figure, "Replicas in one piece")
    yield equal(
        "simulate, picture, times of losses", str(points(ax.lines[0])[0].tolist()), "[0.0, 3.25, 12.5, 30.0, 40.0]"
    )
    yield equal("simulate, picture, replicas left", str(points(ax.lines[0])[1].tolist()), "[7.0, 6.0, 5.0, 4.0, 4.0]")
    yield equal("simulate, picture, from each loss on", ax.lines[0].get_drawstyle(), "steps-post")
    counts = "# whole\n# not finite\n# bond out of range\n# overlap of beads\n# angles"
    yield from said("simulate, picture, outcomes", texts(ax), counts, 3, 1, 1, 1, 1)
    yield from said("simulate, picture, closest approach", texts(ax), "approach # Å", 3.625)
    words = "# of # replicas lost, # ps at # K"
    yield from said("simulate, picture, title", figure.get_suptitle(), words, 4, 7, 40, 310)


def _stage(k: int, optimizer: str, best: int, **more: Any) -> dict[str, Any]:
    loss = [1400.5 - 100 * k - n for n in range(3 + k)]
    return {
        "optimizer": optimizer, "epochs": 3 + k, "steps": 120 + k, "finite": True, "train_loss": 1210.25 - k,
        "val_loss": 1310.5 - k, "train_loss_in_mean": 310.25 - k, "val_loss_in_mean": 330.5 - k, "best_epoch": best,
        "initial_val_loss": 1450.25 - k, "loss_history": loss, "val_loss_history": [one + 50 for one in loss],
        "frames_per_second": 2300.0 + k, "seconds": Seconds(1.25 + k, 3.5),
    } | more  # fmt: skip


def trained() -> Iterator[Row]:
    """A training of two stages after a fit of the prior: tables and losses by epoch."""
    from cgcore.report.learning_curve import draw_learning_curve
    from cgcore.report.training_text import closing

    stages = {"stage1": _stage(1, "adam", 3), "stage2": _stage(2, "lion", 0, finite=False, initial_val_loss=None)}
    results = {"prior_pretrain": {"train_loss": 1500.5, "val_loss": 1520.25, "steps": 17}, **stages}
    initial = {"train_loss": 1700.25, "val_loss": 1720.5}
    parts = {"bond": 410.5, "network": 75.25}
    scores = {"frames": 90, "of": "held-out", "force_rmse": 17.5, "force_mae": 12.25, "cosine": 0.4375}
    text = closing(results, initial, scores | {"components": parts, "reference": 1650.75})
    table, _, mean = text.partition("The same, mean")
    yield from stated("train, at the start", table, "at the start", 1700.25, 1720.5)
    yield from stated("train, prior", table, "prior pre-training", 1500.5, 1520.25, 17)
    for k, (name, stage) in enumerate(stages.items(), start=1):
        numbers = [
            stage[key] for key in ("train_loss", "val_loss", "steps", "epochs", "best_epoch", "frames_per_second")
        ]
        seconds = stage["seconds"].compile + stage["seconds"].run
        yield from stated(f"train, {name}", table, f"stage {k}, {stage['optimizer']}", *numbers, seconds)
        numbers = stage["train_loss_in_mean"], stage["val_loss_in_mean"]
        yield from stated(f"train, {name}, in mean", mean, f"stage {k}", *numbers)
    yield from said("train, the stage that ended early", text, "stage 2: ended in epoch #", 5)
    numbers = [scores[key] for key in ("frames", "force_rmse", "force_mae", "cosine")]
    yield from said("train, evaluation", text, "on # held-out frames: RMSE #, MAE # .* cosine #", *numbers)
    for name, value in (parts | {"reference": 1650.75}).items():
        yield from stated(f"train, evaluation, {name}", text, name, value)
    ax = draw_learning_curve(results, initial).axes[0]
    shown = [points(one) for one in ax.lines if len(one.get_xdata()) > 2]
    first, second = stages.values()
    known = [
        (np.arange(4) + 0.5, first["loss_history"]),
        (np.arange(5), [first["initial_val_loss"], *first["val_loss_history"]]),
        (np.arange(5) + 4.5, second["loss_history"]),
        (np.arange(5) + 5, second["val_loss_history"]),
    ]
    names = ("training, stage 1", "held out, stage 1", "training, stage 2", "held out, stage 2")
    yield equal("train, picture, lines", len(shown), len(known))
    for name, own, expected in zip(names, shown, known, strict=False):
        yield at_most(f"train, picture, {name}", relative(own, expected), 0.0)
    kept = [np.ravel(points(one)).tolist() for one in ax.lines if one.get_marker() == "o"]
    yield equal("train, picture, kept", str(kept), str([[3.0, first["val_loss"]], [4.0, second["val_loss"]]]))
    for label, value in (("prior alone, fitted, held out", 1520.25), ("start, held out", 1720.5)):
        yield at_most(f"train, picture, {label}", relative(line(ax, label)[1], [value, value]), 0.0)


def learned() -> Iterator[Row]:
    """Loss against number of frames."""
    from cgcore.report.frames_figure import draw_frames_curve
    from cgcore.report.frames_text import frames_report

    curve = LearningCurve(
        [20.0, 40.0, 90.0, 160.0], [1650.5, 1570.25, 1540.75, 1520.5], [1390.5, 1430.25, 1460.75, 1470.5],
        [20.5, 10.25, 5.75, 0.0], 6, 4, 9, 200, 1500.25, 16.5, 2.25, 14.75, 240.5,
    )  # fmt: skip
    text = frames_report(curve)
    yield from said("learning curve, draws", text, r"\(# folds, .*, # draws of blocks each, seed\s#\)", 6, 4, 9)
    rows = zip(curve.frames, curve.train_loss, curve.held_out_loss, curve.standard_error, strict=True)
    for frames, *numbers in rows:
        form = 1500.25 + 16.5 * 200 / frames
        yield from stated(f"learning curve, {frames:g}", text, f"{frames:.0f}", *numbers, form)
    words = "limit # .*, a/N # ± # at all # frames; # expected"
    yield from said("learning curve, limit", text, words, 1500.25, 16.5, 2.25, 200, 14.75)
    ax = draw_frames_curve(curve).axes[0]
    x, form = line(ax, "fitted form")
    yield at_most("learning curve, picture, form", relative(form, 1500.25 + 3300 / x), EXACT, "relative")
    yield at_most("learning curve, picture, its ends", relative([x[0], x[-1]], [20.0, 800.0]), EXACT, "relative")
    data, _, ends = ax.containers[0].lines
    loss, error = np.array(curve.held_out_loss), np.array(curve.standard_error)
    yield at_most("learning curve, picture, held out", relative(points(data), [curve.frames, loss]), 0.0)
    segments = np.array([one[:, 1] for one in ends[0].get_segments()])
    off = relative(segments, np.stack([loss - error, loss + error], axis=1))
    yield at_most("learning curve, picture, errors", off, EXACT, "relative")
    off = relative(line(ax, "training"), [curve.frames, curve.train_loss])
    yield at_most("learning curve, picture, training", off, 0.0)
    yield at_most("learning curve, picture, limit", relative(line(ax, "frames without")[1], [1500.25] * 2), 0.0)
    yield from said("learning curve, picture, in words", texts(ax), "all # frames\nframes without end: #", 200, 1500.25)


def compared() -> Iterator[Row]:
    """A configuration of which two of five keys mean something else: these come first."""
    from cgcore.report.comparison_text import comparison_text

    keys = [Key(f"key-{k}", f"value-{k}", f"theirs-{k}", f"ours-{k}", k not in (1, 3)) for k in range(5)]
    text = comparison_text(Comparison(tuple(keys), None, Reading("some.yaml")))
    yield from said("compare, numbers of keys", text, "# keys mean the same in their code, # do not", 3, 2)
    rows = [" ".join(one.split()) for one in text.splitlines() if one.startswith("key-")]
    order = [(k, "same" if k not in (1, 3) else "different") for k in (1, 3, 0, 2, 4)]
    expected = [f"key-{k} value-{k} theirs-{k} ours-{k} {verdict}" for k, verdict in order]
    yield equal("compare, rows", "; ".join(rows), "; ".join(expected))
