"""What `cgcore train` hands to the library's functions, and what it writes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import cgcore
from cgcore.files import atomic_write
from cgcore.report.record import versions
from validation.called import BUNDLED, JAX, READ, READING, TOLD, UNTOLD, Place
from validation.check import Row, check, equal
from validation.context import Context

RUN = "cgcore.cli.train._run"

FAULTY = (*READING, "--accept-faults")
DRAWN = ("--max-frames", 20, "--seed", 3)


@check("commands-passed-trainings", quick=True, needs=("matplotlib", "flax", "e3nn_jax", "orbax"))
def commands_passed_trainings(_: Context) -> Iterator[Row]:
    """What a training gets from options and its configuration, and its record, files and exit code."""
    whole = cgcore.datasets.chignolin()
    with tempfile.TemporaryDirectory() as name:
        place = Place(Path(name), whole.subset(40, 1), whole.subset(30, 2))
        np.savez(place.frames, x=np.zeros(1))
        yield from _trained(place)
        yield from _recorded(place)


def _training(place: Place, **more: Any) -> dict[str, Any]:
    """A configuration of a training of the prior alone."""
    model = {"ml_model": "none", "train_priors": True, "priors": {"kr": 250.0}}
    training = {"seed": 7, "val_fraction": 0.25, "hold_out": "last_rows", "pretrain_prior": False} | more
    return {"data": {"path": place.frames, "max_frames": 16}, "model": model, "training": training}


def _trained(place: Place) -> Iterator[Row]:
    """Trainings: frames, folders, settings of the record, and processes that write nothing."""
    place.says(_training(place))
    out, picture = place.out("train"), place.out("train.svg")
    files = ("--output", out, "--plot", picture)
    drawn, own = place.read.subset(20, 3), place.read.subset(16, 7)
    inside = f"{out}/checkpoints"
    cases: list[tuple[str, tuple[Any, ...], dict[str, Any], Any, int, tuple[Any, ...]]] = [
        ("all options", (place.frames, *DRAWN, *FAULTY, "--no-cache", *files, "--resume", inside), TOLD, drawn, 3,
         (inside, out, picture, inside)),
        ("no options", (), UNTOLD, own, 7, (None, None, None, None)),
        ("an output alone", ("--output", out), UNTOLD, own, 7, (None, out, f"{out}/learning-curve.png", inside)),
        ("a seed of 0", ("--seed", 0), UNTOLD, place.read.subset(16, 0), 0, (None, None, None, None)),
        ("silent", (*files,), UNTOLD, own, 7, (None, None, None, inside)),
    ]  # fmt: skip
    for name, words, reading, whole, seed, (resume, output, plot, checkpoints) in cases:
        train, held_out = whole.split(0.25, "last_rows")
        calls = place.calls(cli__train___run=None, cli__together__together=_together(name != "silent"))
        calls.ran("train", place.config, *words)
        data = {
            "path": whole.path,
            "sha256": whole.sha256,
            "frames": train.n_frames,
            "used_frames": train.frame_ranges(),
            "held_out_frames": held_out.frame_ranges(),
        }
        about = {"file": place.config, "seed": seed, "units": whole.units}
        run: dict[str, Any] = {"resume": resume, "output": output, "plot_file": plot}
        known = {
            READ: {"path": place.frames, **reading},
            JAX: {"cache": "--no-cache" not in words},
            BUNDLED: None,
            RUN: run | {"settings_of_data": about, "data": data},
        }
        yield from calls.rows(f"train, {name}", known)
        given = calls.arguments[RUN][-1]
        got = given["train"].dataset.frame_ranges(), given["validation"].dataset.frame_ranges()
        yield equal(f"train, {name}, frames", str(got), str((train.frame_ranges(), held_out.frame_ranges())))
        yield equal(f"train, {name}, checkpoints", str(given["said"].training.checkpoint_path), str(checkpoints))
        judged = [(data.n_frames, one.path) for data, one in given["judged"].judged]
        of_both = [(one.n_frames, whole.path) for one in (train, held_out)]
        yield equal(f"train, {name}, data that are judged", str(judged), str(of_both))


def _together(writes: bool) -> Callable[..., Any]:
    """A process that writes files, or another one."""

    def together(*_: Any, **__: Any) -> Any:
        return nullcontext(writes)

    return together


def _recorded(place: Place) -> Iterator[Row]:
    """The record of a training, its files, and its exit code, with a trainer that returns invented numbers."""
    for name, stage, more, held_out in (
        ("held out", {}, {}, True),
        ("nothing held out", {"converged": True}, {"val_fraction": 0.0}, False),
        ("not converged", {"converged": False}, {}, True),
        ("not finite", {"finite": False}, {}, True),
    ):
        place.says(_training(place, **more))
        out = Path(place.out(f"training, {name}"))
        results = {
            "prior_pretrain": {"skipped": "so"},
            "stage1": {"skipped": "too", "optimizer": "a", "epochs": 2} | stage,
        }
        initial, evaluation = {"train_loss": 3.5, "val_loss": 4.5}, {"mse": 2.5}
        trainer = mock.Mock(prior=place.prior, fit_record={"fit": 1.5})
        trainer.losses.return_value, trainer.train_full_pipeline.return_value = initial, results
        trainer.evaluate.return_value = evaluation
        trainer.save_params.side_effect = lambda path: atomic_write(path, "parameters")
        model = mock.Mock(names=("prior", "network"), **{"fingerprint.return_value": {"print": 1}})
        calls = place.calls(
            pipeline__trainer__Trainer=_maker(trainer),
            pipeline__model_for_data__model_for=model,
            report__training_text__closing="closing",
            report__training_text__opening="opening",
            report__learning_curve__write_learning_curve=None,
            report__record__record="record of the fit",
        )
        ended = calls.ran("train", place.config, "--output", out)
        train, validation = place.read.subset(16, 7).split(0.25 if held_out else 0.0, "last_rows")
        found = json.loads((out / "train.json").read_text(encoding="utf-8"))
        yield equal(f"train, {name}, exit code", ended.exit_code, int(name.startswith("not ")))
        yield equal(f"train, {name}, resumed from", str(trainer.train_full_pipeline.call_args), "call(None)")
        compared = trainer.evaluate.call_args.args[0]
        yield equal(f"train, {name}, evaluated on", compared.n_frames, (validation or train).n_frames)
        judged = evaluation | {"of": "held-out" if held_out else "training"}
        known: dict[str, Any] = {"results": results, "initial": initial, "evaluation": judged, "model": {"print": 1}}
        yield equal(f"train, {name}, record", str({key: found.get(key) for key in known}), str(known))
        entries = [*known, "config", "data", "versions", "files"]
        yield equal(f"train, {name}, entries of its record", " ".join(found), " ".join(entries))
        config = {key: found["config"].get(key) for key in ("file", "seed", "units")}
        yield equal(f"train, {name}, config", str(config), str({"file": place.config, "seed": 7, "units": train.units}))
        yield equal(f"train, {name}, frames", str(found["data"]["frames"]), str(train.n_frames))
        packages = versions("flax", "e3nn_jax", "orbax-checkpoint")
        yield equal(f"train, {name}, versions", str(found["versions"]), str(packages))
        files = ("train.json", "params.npz", "fit.json", "priors.yaml")
        yield equal(f"train, {name}, digests", str(sorted(found["files"])), str(sorted(files[1:])))
        yield equal(f"train, {name}, fit.json", (out / "fit.json").read_text(), '{\n  "fit": 1.5\n}\n')
        place.prior.write(place.priors)
        texts = [Path(path).read_text(encoding="utf-8") for path in (out / "priors.yaml", place.priors)]
        yield equal(f"train, {name}, priors.yaml", texts[0] == texts[1], True)
        paths = ", ".join(str(out / file) for file in files)
        said = f"\nclosing\n\nWritten: {paths}\nDrawn: {out / 'learning-curve.png'}\n"
        yield equal(f"train, {name}, standard output", ended.stdout[-len(said) :], said)
        parts = {"energy": "prior + network", "trained": "prior and network", "frames": train.n_frames,
                 "held_out": 0 if validation is None else validation.n_frames}  # fmt: skip
        known = {
            "cgcore.report.training_text.opening": parts,
            "cgcore.report.learning_curve.write_learning_curve": {
                "path": str(out / "learning-curve.png"),
                "results": results,
                "initial": initial,
            },
            "cgcore.report.training_text.closing": {"results": results, "initial": initial, "evaluation": judged},
        }
        yield from calls.rows(f"train, {name}", known)


def _maker(trainer: Any) -> Callable[..., Any]:
    """A function in the place of the class `Trainer`."""

    def make(*given: Any, **_: Any) -> Any:
        trainer.settings = given[1]
        trainer.prior_fit.planned = True
        return trainer

    return make
