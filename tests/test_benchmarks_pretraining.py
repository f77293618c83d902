"""The benefit of a fitted prior: training data and settings, and the printed, drawn and written results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pipeline_helpers as h
import pytest
from study_helpers import protein

import cgcore
from benchmarks.pretraining import __main__ as pretraining
from benchmarks.pretraining import picture, tables
from benchmarks.pretraining.results import Alone, Results, Trained
from benchmarks.pretraining.tables import ALONE
from benchmarks.pretraining.training import FREE, FROZEN, KEPT_SAFE, MODES, joined, settings, split
from benchmarks.study.methods import INITIAL, SAFE
from benchmarks.study.simulated import Simulated
from cgcore.pipeline import DatasetLoader, Trainer
from cgcore.pipeline.parameters import read_params


def run(lost: int, broken: int = 0, first: float | None = None) -> Simulated:
    return Simulated("any", "a", False, 4, lost, broken, first, {"angle": 0.25}, {"angle": 0.0}, None)


def training(prior: str, mode: str, *losses: float, seed: int = 0, simulated: Simulated | None = None) -> Trained:
    return Trained(prior, mode, seed, [10 * k for k in range(len(losses))], list(losses), simulated)


@pytest.fixture
def results() -> Results:
    """Two priors alone, and two trainings from each of them."""
    return Results(
        {"Data": "none"},
        [Alone(INITIAL, 9.0, run(4, 1, 0.5)), Alone(SAFE, 6.0, run(0))],
        [
            training(INITIAL, FROZEN, 9.0, 7.0, 8.0, simulated=run(3, 2, 1.5)),
            training(INITIAL, FROZEN, 9.0, 5.0, 6.0, seed=1, simulated=run(4, 4, 2.0)),
            training(SAFE, KEPT_SAFE, 6.0, 5.5, 4.0, simulated=run(1, 0, 2.5)),
            training(SAFE, KEPT_SAFE, 6.0, 4.5, 4.0, seed=1),
        ],
    )


@pytest.mark.slow
def test_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # A network without initial forces, so that each training begins at the loss of its prior.
    init = h.Tiny.init
    monkeypatch.setattr(h.Tiny, "init", lambda *args, **more: jax.tree.map(jnp.zeros_like, init(*args, **more)))
    proteins = {"cln025": protein("cln025", 8), "trpzip2": protein("trpzip2", 7)}
    monkeypatch.setattr(pretraining, "made", lambda folder, names: [proteins[name] for name in names])
    monkeypatch.setattr(pretraining, "MODES", (FREE,))
    monkeypatch.setattr(pretraining, "PRIORS", (INITIAL, SAFE))
    output = ["--output", str(tmp_path)]
    sizes = ["--proteins", "trpzip2", "cln025", "--seeds", "3", "--epochs", "2", "--time", "1ps", "--replicas", "2"]
    with h.tiny_networks():
        pretraining.main([*output, *sizes])
    found = Results.read([tmp_path / pretraining.JSON])
    alone = {one.prior: one.loss for one in found.alone}
    assert alone[SAFE] < alone[INITIAL]
    assert list(found.arms()) == [(INITIAL, FREE), (SAFE, FREE)]
    for one in found.trained:
        # The network's losses are in float32.
        assert one.losses[0] == pytest.approx(alone[one.prior], rel=1e-5)
        # 160 training frames, 16 in a minibatch.
        assert one.steps == [0, 10, 20]
        assert one.simulated is not None
        assert (one.simulated.protein, one.simulated.replicas) == ("trpzip2", 2)
    models = [read_params(path) for path in (tmp_path / pretraining.MODELS).iterdir()]
    assert len(models) == len(found.trained)
    assert "| safe (default) " in capsys.readouterr().out
    written = {name: (tmp_path / name).read_bytes() for name in (pretraining.TEXT, pretraining.PICTURE)}
    assert written[pretraining.PICTURE].startswith(b"<?xml")
    pretraining.main([*output, "--redraw"])
    assert {name: (tmp_path / name).read_bytes() for name in written} == written


def test_the_last_frames_of_each_protein_are_held_out() -> None:
    proteins = [protein("a", 10, 50), protein("b", 8, 20)]
    train, held_out = (joined(part) for part in split(proteins))
    assert (train.n_frames, held_out.n_frames) == (40 + 16, 10 + 4)
    for data, rows in ((train, (slice(0, 40), slice(0, 16))), (held_out, (slice(40, 50), slice(16, 20)))):
        batch = data.join()
        assert batch.mask.sum(axis=1).tolist() == [10] * len(proteins[0].R[rows[0]]) + [8] * len(proteins[1].R[rows[1]])
        start = 0
        for one, own in zip(proteins, rows, strict=True):
            here, beads = slice(start, start + len(one.R[own])), slice(0, one.R.shape[1])
            assert np.array_equal(batch.R[here, beads], one.R[own])
            assert np.array_equal(batch.F[here, beads], one.F["optimal"][own])
            assert (batch.species[here, beads] == one.species).all()
            start = here.stop
        assert data.temperatures == (320.0,)


@pytest.mark.parametrize("mode", [FROZEN, FREE, pytest.param(KEPT_SAFE, marks=pytest.mark.slow)])
def test_what_becomes_of_the_prior(mode: str) -> None:
    prior = cgcore.default_prior()
    said = settings(prior, mode, 3)
    loader = DatasetLoader(joined(split([protein("a", 8, 20)]).train))
    with h.tiny_networks():
        trainer = Trainer(h.model(said, loader), said, loader)
    stage = trainer.stage("adabelief", 1)
    moves, stays = stage.split(trainer.params)
    assert ("prior" in moves, "prior" in stays) == (mode != FROZEN, mode == FROZEN)
    assert (trainer.project is not None) == (mode == KEPT_SAFE)
    assert said.training.seed == 3
    assert said.model.prior == prior


def test_settings_are_the_examples_but_for_the_prior() -> None:
    free, frozen = (settings(cgcore.default_prior(), mode, 0) for mode in (FREE, FROZEN))
    assert free.training.pretrain_prior_constraints == "none"
    assert free.optimizers == frozen.optimizers
    assert free.model.network == frozen.model.network
    assert free.model.core == "auto"


def test_steps_to_a_loss() -> None:
    one = training(INITIAL, FREE, 9.0, 6.0, 7.0, 5.0)
    assert [one.steps_to(loss) for loss in (9.0, 6.5, 5.0, 4.0)] == [0, 10, 30, None]


def test_a_training_that_blows_up_has_a_lowest_loss() -> None:
    one = training(INITIAL, FREE, 9.0, 6.0, float("nan"))
    assert (one.lowest, one.steps_to(5.0)) == (6.0, None)


def test_losses(results: Results) -> None:
    assert (results.best_prior, results.within_reach) == (6.0, 7.0)
    rows = cells(tables.losses(results))
    assert [row[:4] for row in rows] == [
        ["prior", "in the training", "lowest", "after the last step"],
        [INITIAL, ALONE, "9.00", ""],
        [SAFE, ALONE, "6.00", ""],
        [INITIAL, FROZEN, "6.00 ± 1.41", "7.00 ± 1.41"],
        [SAFE, KEPT_SAFE, "4.00 ± 0.00", "4.00 ± 0.00"],
    ]
    assert rows[0][4:] == ["steps to 6.00", "steps to 7.00"]
    assert rows[3][4:] == ["never, 1 of 2", "10 ± 0"]
    assert rows[4][4:] == ["0 ± 0", "0 ± 0"]


def test_simulations_of_all_seeds_together(results: Results) -> None:
    results.trained.append(training(SAFE, FREE, 4.0))  # not simulated
    rows = [row[2:5] for row in cells(tables.simulations(results))]
    assert rows == [
        ["lost", "of these broken", "first lost after"],
        ["4 of 4", "1", "0.5 ps"],
        ["0 of 4", "0", "-"],
        ["7 of 8", "6", "1.5 ps"],
        ["1 of 4", "0", "2.5 ps"],
    ]


def test_what_is_written_is_read_again(results: Results, tmp_path: Path) -> None:
    results.write(tmp_path / "pretraining.json")
    assert Results.read([tmp_path / "pretraining.json"]) == results


def test_runs_with_other_seeds_are_put_together(results: Results, tmp_path: Path) -> None:
    parts = [replace(results, trained=[one for one in results.trained if one.seed == seed]) for seed in (0, 1)]
    paths = [tmp_path / f"{seed}.json" for seed in (0, 1)]
    for part, path in zip(parts, paths, strict=True):
        part.write(path)
    together = Results.read(paths)
    assert together.seeds == [0, 1]
    assert tables.report(together) == tables.report(results)


def test_the_picture(results: Results) -> None:
    figure = picture.draw(results)
    assert len(figure.axes) == len(MODES) + 1
    lost = figure.axes[-1].lines
    assert [float(line.get_ydata()[0]) for line in lost] == [100, 0, 75, 100, 25]
    # Markers are hollow if some or all replicas were lost only because of angles.
    assert [line.get_markerfacecolor() == "white" for line in lost] == [True, False, True, False, True]


@pytest.mark.parametrize("values", [[1.0], [1.0, 1.0]])
def test_one_seed_has_no_spread(values: list[float]) -> None:
    assert tables.spread(values, ".1f") == "1.0 ± 0.0"


def cells(table: str) -> list[list[str]]:
    """The cells of a Markdown table without its separator line."""
    first, _, *rest = table.splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in (first, *rest)]
