"""What checkpoints record of a training, and which settings may differ on resuming."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

import cgcore
from cgcore.config.loading import load_settings
from cgcore.config.training import Gammas, TrainingSettings
from cgcore.pipeline.checkpoints import Checkpoint
from cgcore.pipeline.loader import DatasetLoader
from cgcore.pipeline.parameters import require_same
from cgcore.pipeline.resumable import Opened, identity, restore
from cgcore.pipeline.resume_settings import Progress, require_same_settings, settings_that_matter
from cgcore.pipeline.state import TrainingState
from cgcore.serialize import to_json
from validation.check import Row, check, equal, refusal, says
from validation.context import Context
from validation.resuming import bits
from validation.settings.prior_configurations import prior_alone

TWO = {"stage1_optimizer": "adam", "stage2_optimizer": "adam", "epochs_adam": 5}
LISTED = {"stages": [{"optimizer": "adam", "epochs": 5}, {"optimizer": "none"}, {"optimizer": "lion", "epochs": 4}]}


@check("training-records", quick=True)
def training_records(context: Context) -> Iterator[Row]:
    """States that are written and read back, settings that matter, epochs that may change."""
    yield from _restored()
    yield from _epochs()
    yield from _settings_that_matter()
    yield from _differences()
    yield from _frames(context)


def _settings(training: Mapping[str, Any], **optimizers: Any) -> Any:
    model = prior_alone(cgcore.default_prior())
    said = {"adam": {"lr": 0.01}, "lion": {"lr": 0.02}, "yogi": {"lr": 0.03}} | optimizers
    return load_settings({"dialect": "cgcore", "model": model, "training": dict(training), "optimizer": said})


STATES = {
    "the start": TrainingState({"prior": {"r0": np.array(3.8)}}, {"prior": {"r0": np.array(3.7)}}),
    "a stage": TrainingState(
        {"prior": {"r0": np.array(3.8)}},
        {"prior": {"r0": np.array(3.7)}},
        (np.arange(3), np.zeros((0, 2)), np.float32(1.5)),
        *("stage3", "lion", 7, 4, 2, 0.125, 0.5, True, (3.0, 2.0, 1.0, 0.5), (2.5, 0.125, 0.25, 0.5), 0.25),
    ),
    "a stage that failed": TrainingState(
        {"prior": {"r0": np.array(3.8)}},
        {"prior": {"r0": np.array(3.7)}},
        (np.arange(3), np.zeros((0, 2)), np.float32(1.5)),
        *("stage3", "lion", 7, 2, 0, np.inf, -np.inf, False, (3.0, np.nan), (np.inf, np.nan), None),
    ),
}
"""States; one of them has an array without elements and another without axes."""

RECORD = {
    "results": {
        "prior_pretrain": {"fitted_params": {"a": [1.0, 2.0]}},
        "stage1": {"seconds": {"compile": 1.0, "run": 2.0}},
    },
    "model": {"box": None},
    "data": {"train": {"frames": [[0, 5]]}},
    "precision": "float64",
    "settings": {"training.stages[2].epochs": 4},
    "changes": {"stage3": [{"key": "before"}]},
    "fit": {"loss": 1.0},
}
OTHERS = {"model": {"box": [1.0]}, "data": {"train": {"frames": [[0, 6]]}}, "precision": "float32"}
MISSING = ("state", "results", "model", "data", "precision", "settings", "changes", "fit")
WRONG: dict[str, Any] = {
    **{"stage": "stage0", "optimizer": 1, "seed": 1.5, "epoch": "4", "kept_epoch": None, "kept_loss": []},
    **{"finite": 1, "losses": 1.0, "val_losses": [None], "prior_projection": [], "unknown": 1},
}
"""Fields of a state with values of another type."""


def _saved(state: TrainingState) -> Checkpoint:
    """The checkpoint of a state, as a file would hold it."""
    kept: list[Checkpoint] = []
    manager: Any = SimpleNamespace(save=lambda arrays, record: kept.append(Checkpoint(arrays, record)))
    Opened(manager, None).save(state, RECORD)
    return kept[0]._replace(record=json.loads(to_json(kept[0].record)))


def _restored() -> Iterator[Row]:
    """States, results and changes of numbers of epochs that a checkpoint gives back, and damaged ones."""
    now = RECORD | {"settings": {"training.stages[2].epochs": 6}}
    training = _settings(LISTED).training
    for name, state in STATES.items():
        like = replace(TrainingState.of({}), **{x: getattr(state, x) for x in ("params", "kept", "optimizer_state")})
        asked: list[Any] = []

        def work(state: Any = state, like: Any = like, asked: list[Any] = asked) -> Any:
            return restore(_saved(state), now, lambda stage: asked.append(stage) or like, training, "f")

        yield says(f"{name}, read back", work, "accepted")
        asked.clear()
        gone = work()
        yield equal(f"{name}, arrays", bits(gone.state), bits(state))
        told = [[getattr(one, field.name) for field in fields(one)[3:]] for one in (gone.state, state)]
        yield equal(f"{name}, numbers", str(told[0]), str(told[1]))
        yield equal(f"{name}, stage whose arrays are asked for", str(asked), str([state.stage]))
        epochs = 0 if state.stage is None else state.epoch
        change = {"key": "training.stages[2].epochs", "before": 4, "now": 6, "after_epoch": epochs}
        yield equal(f"{name}, changes", str(gone.changes), str({"stage3": [{"key": "before"}, change]}))
        seconds = gone.results["stage1"]["seconds"]
        params = gone.results["prior_pretrain"]["fitted_params"]["a"]
        params = type(params).__name__, str(getattr(params, "dtype", "")), np.asarray(params).tolist()
        known = "ndarray", "float64", [1.0, 2.0]
        found = type(seconds).__name__, getattr(seconds, "run", None), params, gone.fit
        yield equal(f"{name}, results", str(found), str(("Seconds", 2.0, known, {"loss": 1.0})))
    whole = _saved(STATES["a stage"])

    def read(record: dict[str, Any], now: Mapping[str, Any] = now, training: TrainingSettings = training) -> object:
        like = STATES["a stage"]
        return restore(whole._replace(record=record), now, lambda _: like, training, "f")

    for part in MISSING:
        less = {key: value for key, value in whole.record.items() if key != part}
        yield says(f"a record without {part}", partial(read, less), "the record of its checkpoint is damaged")
    for key, value in WRONG.items():
        record = whole.record | {"state": whole.record["state"] | {key: value}}
        yield says(f"a record whose {key} is {value}", partial(read, record), "the record of its checkpoint is damaged")
    for part, other in OTHERS.items():
        yield says(
            f"another {part}",
            partial(read, whole.record, now | {part: other}),
            "belongs to another" if part != "data" else "belongs to other data",
        )
    short = replace(training, stages=(training.stages or ())[:2])
    without = RECORD | {"settings": whole.record["settings"]}
    yield says("a stage that is not planned", partial(read, whole.record, without, short), "is damaged")


def _epochs() -> Iterator[Row]:
    """Numbers of epochs that change, of finished stages, the current one and later ones, in both forms of a plan."""
    two = {f"training.stage{k}_optimizer": "adam" for k in (1, 2)} | {"training.epochs_adam": 5}
    own = two | {"training.stage2_optimizer": "lion", "training.epochs_lion": 4}
    listed = {"training.stages[0].epochs": 5, "training.stages[1].epochs": 4, "training.seed": 1}
    first, second = Progress((), "stage1", "adam", 3), Progress(("stage1",), "stage2", "adam", 2)
    start = Progress((), None, None, 0)
    a, b, c = "training.epochs_adam", "training.stages[0].epochs", "training.stages[1].epochs"
    lion = "training.epochs_lion"
    cases: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any], Progress, Any], ...] = (
        ("nothing", listed, {}, second, []),
        ("before the first stage", listed, {b: 1}, start, [(b, 5, 1, 0)]),
        ("more in the current stage", listed, {b: 9}, first, [(b, 5, 9, 3)]),
        ("as many as are done", listed, {b: 3}, first, [(b, 5, 3, 3)]),
        ("fewer than are done", listed, {b: 2}, first, f"{b} is 2, and 3 epochs are done; set it back"),
        ("a later stage", listed, {c: 1}, first, [(c, 4, 1, 0)]),
        ("both stages", listed, {b: 6, c: 1}, first, [(b, 5, 6, 3), (c, 4, 1, 0)]),
        ("a finished stage", listed, {b: 9}, second, f"{b} was 5 and is 9"),
        ("the stage after a finished one", listed, {c: 9}, second, [(c, 4, 9, 2)]),
        ("a stage that is left out", listed, {c: None}, first, f"{c} was 4 and is None"),
        ("the seed, and too few epochs", listed, {"training.seed": 2, b: 1}, first, "training.seed was 1 and is 2; "),
        ("a setting that is new", listed, {"training.new": 1}, first, "training.new was None and is 1"),
        ("two settings", listed, {"training.seed": 2, b: 1}, first, "set them back"),
        ("an optimizer of both stages, in the first", two, {a: 9}, first, [(a, 5, 9, 3)]),
        ("an optimizer of both stages, in the second", two, {a: 9}, second, f"{a} was 5 and is 9"),
        ("the optimizer of a finished stage", own, {a: 9}, second, f"{a} was 5 and is 9"),
        ("the optimizer of the second stage", own, {lion: 9}, first, [(lion, 4, 9, 0)]),
    )  # fmt: skip
    for name, before, change, progress, known in cases:
        work = partial(require_same_settings, before, {**before, **change}, progress, "folder")
        if isinstance(known, str):
            yield says(f"epochs, {name}", work, known)
            continue
        found = [tuple(one.values()) for one in work()] if refusal(work) is None else refusal(work)
        yield equal(f"epochs, {name}", str(found), str(known))


FIXED = {
    **{"pretrain_prior": False, "pretrain_prior_max_steps": 7, "pretrain_prior_min_steps": 7},
    **{"pretrain_prior_tol_grad": 1e-3, "pretrain_prior_constraints": "nonnegative", "pretrain_prior_smoothness": 0.5},
    **{"pretrain_prior_truncation": 0.5, "temperature": 310.0, "stage1_optimizer": "lion", "stage2_optimizer": None},
    **{"epochs_adam": 6, "partial_batches": "dropped", "force_loss_normalization": "legacy_mean", "keep": "last"},
    **{"gammas": Gammas(U=0.5), "precision": "float64", "seed": 1},
}
"""Settings that may not change, with values that are not the defaults."""


def _settings_that_matter() -> Iterator[Row]:
    """Every setting of a training and of its optimizers, one by one: whether another value is noticed."""
    plain = _settings(TWO)
    known = settings_that_matter(plain, 8)
    free = {f"epochs_{name}": 7 for name in ("adabelief", "yogi", "lion", "sgd_nesterov", "polyak_sgd", "fromage")}
    free |= {"checkpoint_path": "a", "checkpoint_freq": 3, "val_fraction": 0.3, "resume": "auto", "batch_per_device": 3}
    wrong = []
    for name, value in (FIXED | free).items():
        changed = replace(plain, training=replace(plain.training, **{name: value}))
        if (settings_that_matter(changed, 8) == known) != (name in free):
            wrong.append(name)
    yield equal("settings of a training that are noticed wrongly", ", ".join(wrong), "")
    names = {field.name for field in fields(TrainingSettings)} - {"stages", "hold_out"}
    yield equal("settings of a training that are not compared", ", ".join(names - {*FIXED, *free}), "")
    others = {
        "frames of a minibatch": (plain, 9, False),
        "what stages train": (replace(plain, model=replace(plain.model, train_priors=False)), 8, False),
        "the optimizer of stages": (_settings(TWO, adam={"lr": 0.011}), 8, False),
        "an optimizer of no stage": (_settings(TWO, yogi={"lr": 0.011}), 8, True),
        "the prior": (replace(plain, model=replace(plain.model, prior=_other_prior())), 8, False),
    }
    for name, (settings, size, same) in others.items():
        yield equal(f"the same settings, but for {name}", settings_that_matter(settings, size) == known, same)
    said = settings_that_matter(_settings(LISTED), 8)
    found = {key: said.get(key) for key in said if "stages" in key}
    listed = {f"training.stages[{k}].optimizer": name for k, name in enumerate(("adam", None, "lion"))}
    listed |= {"training.stages[0].epochs": 5, "training.stages[2].epochs": 4}
    yield equal("settings of listed stages", str(sorted(found.items())), str(sorted(listed.items())))
    rates = {key: said.get(f"optimizer.{key}.lr") for key in ("adam", "lion", "yogi")}
    yield equal("rates of listed stages", str(rates), str({"adam": 0.01, "lion": 0.02, "yogi": None}))


def _other_prior() -> cgcore.Prior:
    prior = cgcore.default_prior()
    return replace(prior, params=prior.params | {"r0": prior.params["r0"] + 0.01})


def _differences() -> Iterator[Row]:
    """The first difference of two records in words."""
    long = "x" * 100
    for name, mine, theirs, words in (
        ("none", {"a": {"b": (1, 2)}}, {"a": {"b": [1, 2]}}, "accepted"),
        ("a number", {"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "c": 4}, "a.b is 3 there and 1 here"),
        ("less here", {"a": 1}, {"a": 1, "b": 2}, "b is 2 there and null here"),
        ("less there", {"a": {"b": 0}}, {"a": {}}, "a.b is null there and 0 here"),
        ("another kind", {"a": {"b": 0}}, {"a": [1]}, 'a is [1] there and {"b": 0} here'),
        ("all of it", "x", "y", 'it is "y" there and "x" here'),
        ("a long text", {"a": long}, {"a": "y"}, f'a is "y" there and "{long[:56]}... here'),
        ("a shorter text", {"a": long[:58]}, {"a": "y"}, f'a is "y" there and "{long[:58]}" here'),
    ):
        yield says(f"difference, {name}", partial(require_same, mine, theirs, "f", "another model"), words)


def _frames(context: Context) -> Iterator[Row]:
    """Frames that are drawn from the same file are the same only with the same seed."""
    data = context.some(9)
    for seed in (1, 2):
        one = data.subset(4, seed)
        numbers = one.sources[0].frame_numbers
        runs = np.split(numbers, np.flatnonzero(np.diff(numbers) != 1) + 1)
        frames = {one.sources[0].source: [[int(run[0]), int(run[-1]) + 1] for run in runs]}
        known = {"train": {"sha256": data.sha256, "frames": frames}, "validation": None}
        found = identity({"train": DatasetLoader(one), "validation": None})
        yield equal(f"frames drawn with seed {seed}", str(found), str(known))
