"""The race from three priors: where each begins, and what is printed, drawn and written of it."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import pipeline_helpers as h
import pytest

from benchmarks import pretraining
from benchmarks.pretraining import DEFAULT, INITIAL, PLAIN, Race


def race(start: str, prior_loss: float, *losses: float, more: float | None = None, seed: int = 0) -> Race:
    steps = [10 * k for k in range(len(losses))]
    return Race(start, seed, prior_loss, steps, list(losses), min(losses), more)


@pytest.mark.slow
def test_a_tiny_race(monkeypatch: pytest.MonkeyPatch) -> None:
    init = h.Tiny.init
    monkeypatch.setattr(h.Tiny, "init", lambda *args, **more: jax.tree.map(jnp.zeros_like, init(*args, **more)))
    told: list[Race] = []
    with h.tiny_networks():
        races = pretraining.run(pretraining.example(2, 1), range(1), 40, told.append)
    assert told == races
    assert [race.start for race in races] == [INITIAL, PLAIN, DEFAULT]
    # 32 frames to train on, 16 in a minibatch.
    assert all(race.steps == [0, 2, 4] for race in races)
    # The network gives no forces at the start, so each begins at the loss of its prior.
    assert [race.losses[0] for race in races] == pytest.approx([race.prior_loss for race in races], rel=1e-5)
    assert len({race.prior_loss for race in races}) == 3
    assert all(race.more_best is not None and race.more_best <= race.best for race in races)
    assert list(pretraining.table(races)["stage 1 from"]) == [INITIAL, PLAIN, DEFAULT]


def test_steps_to_a_loss() -> None:
    one = race(INITIAL, 9.0, 9.0, 6.0, 7.0, 5.0)
    assert [one.steps_to(loss) for loss in (9.0, 6.5, 5.0, 4.0)] == [0, 10, 30, None]


def test_the_table() -> None:
    races = [race(INITIAL, 9.0, 9.0, 7.0, more=6.5), race(INITIAL, 9.0, 9.0, 5.0, more=4.5, seed=1)]
    races += [race(DEFAULT, 6.0, 6.0, 4.0, more=3.0, seed=seed) for seed in (0, 1)]
    first, second = pretraining.table(races).to_dict("records")
    assert (pretraining.best_prior(races), pretraining.within_reach(races)) == (6.0, 7.0)
    assert first["prior alone"] == "9.0"
    assert first["after 10 steps"] == "6.0 ± 1.4"
    assert (first["steps to 6.0"], second["steps to 6.0"]) == ("never, 1 of 2", "0 ± 0")
    assert (first["steps to 7.0"], second["steps to 7.0"]) == ("10 ± 0", "0 ± 0")
    assert second["after stage 2"] == "3.0 ± 0.0"


def test_what_is_written(tmp_path: Path) -> None:
    races = [race(start, 8.0, 8.0, 7.0) for start in (INITIAL, PLAIN, DEFAULT)]
    pretraining.write(tmp_path / "new", races)
    assert [Race(**line) for line in json.loads((tmp_path / "new" / "pretraining.json").read_text())] == races
    picture = tmp_path / "new" / "pretraining.svg"
    assert picture.read_text().startswith("<?xml")
    pretraining.write(tmp_path / "again", races)
    assert picture.read_bytes() == (tmp_path / "again" / "pretraining.svg").read_bytes()


def test_settings_are_the_examples() -> None:
    said, fixed = pretraining.example(), pretraining.example(3, 0, train_priors=False)
    assert said.model.train_priors
    assert not fixed.model.train_priors
    assert [stage and stage[1] for stage in fixed.training.plan.values()] == [3, 0]
    assert fixed.optimizers == said.optimizers


@pytest.mark.parametrize("values", [[1.0], [1.0, 1.0]])
def test_one_seed_has_no_spread(values: list[float]) -> None:
    assert pretraining.spread(values, ".1f") == "1.0 ± 0.0"
