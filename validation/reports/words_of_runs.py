"""Texts about simulations and trainings in the cases that `reports.runs` leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from cgcore.report import simulation_record, simulation_text, training_text
from cgcore.report.progress import Together, watching
from cgcore.report.table import table
from cgcore.report.training_progress import TrainingProgress
from cgcore.simulation.checks import Limits, Outcome
from cgcore.simulation.settings import Settings
from cgcore.simulation.verdict import Replica
from cgcore.timing import Seconds
from validation.check import Row, equal
from validation.context import Context
from validation.reports.runs import invented_simulation
from validation.reports.words import holds


def runs(context: Context) -> Iterator[Row]:
    """Tables, simulations, trainings, and the progress of both."""
    yield from _table()
    yield from _simulations()
    yield from _outcomes()
    yield from _trainings()
    yield from _progress()
    yield from _frames_done(context)


def _table() -> Iterator[Row]:
    """Columns to the left and to the right, brackets, and spaces at the ends of lines."""
    rows = [("b", "1000", ""), ("long name", "1", "[red]x")]
    lines = ["a              b        c", "─" * 25, "b           1000", "long name      1   [red]x"]
    yield equal("table", table(("a", "b", "c"), rows), "\n".join(lines))
    lines = ["a           b           c", "─" * 25, "b           1000", "long name   1      [red]x"]
    yield equal("table, two columns to the left", table(("a", "b", "c"), rows, left=2), "\n".join(lines))


def _simulations() -> Iterator[Row]:
    """Simulations without losses, pairs, angles or a temperature, and with many losses."""
    run = invented_simulation()
    whole = tuple(replace(one, status=Outcome.WHOLE, time=None) for one in run.replicas)
    near, angles, limit = "Closest approach of beads 3", "Angles outside: ", "sampled range and 10 degrees"
    kinetic, data = "Kinetic temperature: 312.2 ± 4.5 K", "Data against simulation (its first 10%"
    lost, all_whole = "4 of 7 replicas are lost", "All 7 replicas are whole"
    full = {near: True, angles: True, limit: True, kinetic: True, data: True, lost: True, all_whole: False}
    wide = Limits(run.limits.bond, 0.0, run.limits.angle, np.inf)
    pairs = "more apart along the chain are closer than 3.38 Å (sampled: 4.50 Å)"
    cases: list[tuple[str, Any, dict[str, bool]]] = [
        ("as it is", run, full | {pairs: True, "Note:": False, "  and ": False}),
        ("whole", replace(run, replicas=whole), full | {lost: False, all_whole: True, "its verdict": False}),
        ("a dimer", replace(run, origin=replace(run.origin, beads=2)), full | {angles: False, limit: False}),
        ("three beads", replace(run, origin=replace(run.origin, beads=3)), full),
        ("no pairs", replace(run, limits=wide, closest_approach=np.inf), full | {near: False, "closer": False}),
        ("no temperature", replace(run, kinetic_temperature=np.nan), full | {kinetic: False, "Kinetic": False}),
        ("no error", replace(run, kinetic_error=np.nan), full | {kinetic: False, "Kinetic temperature: 312.2 K": True}),
        ("no frames", replace(run, observables={}), full | {data: False, "JS divergence": False}),
        ("notes", replace(run, notes=("one", "two")), full | {"Note: one\nNote: two\n": True}),
    ]  # fmt: skip
    for name, one, known in cases:
        yield from holds(f"simulation, {name}", simulation_text.report(one), known)
    for count, words, more in ((10, "  and ", False), (11, "  and 1 more (simulation.json has all)\n", True)):
        many = tuple(Replica(k, Outcome.BOND, 1.0, (), None, 4.5, f"replica {k}.") for k in range(count))
        one = replace(run, replicas=many, settings=replace(run.settings, replicas=count))
        yield from holds(f"simulation, {count} lost", simulation_text.report(one), {words: more, "replica 10.": False})
    settings = Settings(310.0, 7, 2500.0, 4.0, 2.5, 95.0, 0.2, 11)
    verdict = simulation_text.headline(replace(run, settings=settings, replicas=whole))
    yield equal("simulation, headline", verdict, "Simulation of chain a, prior: all 7 replicas whole, 2.5 ns at 310 K")
    times = {999.5: "999.5 ps", 1000.0: "1 ns", 0.25: "0.25 ps", 12500.0: "12.5 ns"}
    yield equal("durations", str([simulation_text.duration(one) for one in times]), str(list(times.values())))


def _outcomes() -> Iterator[Row]:
    """Rows of distributions without a mean, an error or a floor; the limits in the record; OpenMM's version."""
    run = invented_simulation()
    bond = run.observables["bond"]
    ours = replace(bond.reference, error=None)
    bare = replace(bond, reference=ours, divergence_error=None, divergence_floor=None, unit="")
    row = ("Bond", "3.7500", "0.2500", "4.1250 ± 0.0250", "0.5000", "0.1250", "")
    yield equal("simulation, a distribution without errors", str(simulation_text._row(bare)), str(row))
    row = ("", "", "4.1250 ± 0.0250", "0.5000", "0.1250 ± 0.0175", "0.0325")
    bare = replace(bond, reference=replace(bond.reference, mean=None))
    yield equal("simulation, a distribution without a mean", str(simulation_text._row(bare)[1:]), str(row))
    made = simulation_record.record(run)
    limits = made["limits"]
    known = {"bond": (2.75, 4.875), "closest": 3.375, "closest_sampled": 4.5, "angle": run.limits.angle}
    yield equal("simulation, record, limits", str({key: limits[key] for key in known}), str(known))
    said = {key: made[key] for key in ("whole", "lost", "closest_approach", "angles_outside", "kinetic_temperature")}
    said |= {key: made[key] for key in ("kinetic_error", "ns_per_day", "seconds", "notes")}
    values = (False, 4, 3.625, 0.00375, 312.25, 4.5, 1234.0, 2.5, ())
    yield equal("simulation, record", str(said), str(dict(zip(said, values, strict=True))))
    yield equal("simulation, record, OpenMM", "openmm" in made["versions"], False)


def _trainings() -> Iterator[Row]:
    """Names of parts, headings, and the table with stages that were skipped or ended early."""
    names = {"prior_pretrain": "prior pre-training", "stage1": "stage 1", "stage12": "stage 12"}
    yield equal("training, parts", str({one: training_text.name_of(one) for one in names}), str(names))
    for devices in (1, 2):
        where = ", on 2 devices" if devices == 2 else ""
        text = training_text.opening("prior + network", "network", "a.npz", 90, 10, devices)
        body = f"prior + network: 90 frames, 10 held out{where}\nData: a.npz\nTrained in stages: network"
        yield equal(f"training, heading, {devices} devices", text, f"{'=' * 60}\n{body}\n{'=' * 60}")
    stage = {"optimizer": "adam", "train_loss": 2.0, "val_loss": None, "steps": 3, "epochs": 4, "best_epoch": 1,
             "frames_per_second": None, "seconds": Seconds(0.5, 0.25)}  # fmt: skip
    rows = [
        training_text._row("stage 1", stage),
        training_text._row("prior", {"train_loss": 1.0, "val_loss": 2.0, "steps": 5}),
    ]
    known = [
        ("stage 1, adam", "2.0000", "", "3", "4", "1", "", "0.8"),
        ("prior", "1.0000", "2.0000", "5", "", "", "", ""),
    ]
    yield equal("training, rows", str(rows), str(known))
    start = {"train_loss": 3.0, "val_loss": None}
    why = "whose loss is not finite; what was finite is kept (a smaller optimizer.lion.lr or grad_clip helps)"
    ended = f"stage 2: ended in epoch 4, {why}"
    results = {
        "prior_pretrain": {"skipped": "no prior"},
        "stage1": stage,
        "stage2": stage | {"optimizer": "lion", "finite": False},
    }
    text = training_text.closing(results, start, None)
    words = {"prior pre-training: skipped, no prior": True, ended: True, "stage 1: ended": False}
    yield from holds(
        "training, closing", text, words | {"stage 2: skipped": False, "Forces on": False, "padding": False}
    )


def _progress() -> Iterator[Row]:
    """Epochs that get a line where there is no terminal."""
    for epochs, known in (
        (3, [1, 2, 3]),
        (25, [1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 25]),
        (100, [1, *range(10, 101, 10)]),
    ):
        said: list[str] = []
        shown = TrainingProgress(said.append)
        shown.begin("stage1", "adam", epochs)
        for epoch in range(1, epochs + 1):
            shown.epoch("stage1", "adam", epoch, epochs, 2.5, None if epoch == 1 else 3.25, 99.6)
        yield equal(f"progress, {epochs} epochs, begin", said[0], f"[stage1] adam, {epochs} epochs")
        first = f"[stage1] epoch 1/{epochs}: loss 2.5, 100 frames/s"
        yield equal(f"progress, {epochs} epochs, first line", said[1], first)
        last = f"[stage1] epoch {epochs}/{epochs}: loss 2.5, held-out loss 3.25, 100 frames/s"
        yield equal(f"progress, {epochs} epochs, last line", said[-1], last)
        found = [int(line.partition("epoch ")[2].partition("/")[0]) for line in said[1:]]
        yield equal(f"progress, {epochs} epochs, lines", str(found), str(known))
        yield equal(
            "progress, callbacks without a terminal",
            str([one is None for one in (shown.fit.frames, shown.fit.steps)]),
            "[True, True]",
        )


def _frames_done(context: Context) -> Iterator[Row]:
    """Frames of several data sets that are counted together."""
    one, two, said = context.some(7), context.some(5), []
    together = Together(lambda done, of: said.append((done, of)), [one, two])
    for data, done in ((one, 3), (two, 2), (one, 7), (two, 5)):
        together.of(data)(done, data.n_frames)
    yield equal("frames done together", str(said), str([(3, 12), (5, 12), (9, 12), (12, 12)]))
    with watching(5) as callbacks:
        yield equal("callbacks without a terminal", callbacks.frames is None and callbacks.steps is None, True)
