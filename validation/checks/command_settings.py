"""Settings of commands: options against the file, outputs against inputs, names of models, and folders to resume."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import cgcore
from cgcore.cli import fit, inputs, models, targets, together, train
from cgcore.cli.commands import cli
from cgcore.cli.export import OPTIONS
from cgcore.config import Config, load_settings
from validation.check import Row, check, equal, refusal, says
from validation.context import Context


@check("command-settings", quick=True, needs=("matplotlib",))
def command_settings(context: Context) -> Iterator[Row]:
    """Options against the settings of a file, options that are refused, outputs, models by name, and resuming."""
    yield from _companies()
    yield from _merged()
    yield from _exports()
    yield from _refusals()
    with tempfile.TemporaryDirectory() as name:
        yield from _files(Path(name))
        yield from _models(Path(name))
        yield from _resumed(Path(name))
        yield from _evaluated(Path(name), context)


def _companies() -> Iterator[Row]:
    """How a process finds the others."""
    address, number, count = "is not HOST:PORT", "give 0 to N - 1", "at least 1"
    cases: list[tuple[tuple[Any, Any, Any], str]] = [
        ((None, None, None), "accepted"),
        ((None, 2, None), "without --coordinator"),
        ((None, None, 0), "without --coordinator"),
        (("auto", None, None), "accepted"),
        (("host:1", 2, 0), "accepted"),
        (("host:65535", 2, 1), "accepted"),
        (("host:65536", 2, 1), address),
        (("host:0", 2, 1), address),
        (("host", 2, 1), address),
        (("host:80x", 2, 1), address),
        (("host:1", 0, None), count),
        (("host:1", 1, 0), "accepted"),
        (("host:1", 2, 2), number),
        (("host:1", 2, -1), number),
        (("host:1", None, 7), "accepted"),
    ]
    for given, words in cases:
        company = together.Company(*given)
        yield says(f"processes, {given}", company.require_meaning, words)


def _merged() -> Iterator[Row]:
    """Settings of a file and of the command line, which go first; smoothness and truncation replace each other."""
    prior = cgcore.default_prior()
    said: dict[str, Any] = {"smoothness": 0.25, "max_steps": 7, "tol_grad": 0.5, "temperature": 310.0}
    cases: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
        (said, {}, said),
        (said, {"smoothness": "1e-3"}, said | {"smoothness": 1e-3}),
        (said, {"smoothness": "auto"}, said | {"smoothness": "auto"}),
        (said, {"truncation": "1e-3"}, said | {"smoothness": None, "truncation": 1e-3}),
        ({"truncation": 0.0}, {"smoothness": "0.5"}, {"truncation": None, "smoothness": 0.5}),
        ({"truncation": 0.0}, {}, {"truncation": 0.0}),
        (said, {"tol_grad": 0.25, "max_steps": None}, said | {"tol_grad": 0.25}),
        ({"min_steps": 0}, {"pooling": "0"}, {"min_steps": 0, "pooling": 0.0}),
        ({"constraints": "none"}, {"constraints": "safe"}, {"constraints": "safe"}),
    ]  # fmt: skip
    for file, given, known in cases:
        name = f"{json.dumps(file)} and {json.dumps(given)}"
        work = partial(fit.options_of, Config(prior, **file), given)
        yield equal(name, refusal(work) or str(work()), str(cgcore.Options(**known)))
    for name in ("truncation", "smoothness", "pooling"):
        yield says(f"--{name} many", partial(fit.options_of, Config(prior), {name: "many"}), f"--{name} is 'many'")
    scanned = {"salt.length": [5.0, 8.5], "kinds.x": [1.0]}
    yield equal("scans", str(fit._scanned(("salt.length=5,8.5", "kinds.x=1"))), str(scanned))
    for words in ("salt.length", "salt.length=5;8", "salt.length=5,"):
        yield says(f"--scan {words}", partial(fit._scanned, (words,)), f"--scan is {words!r}")


def _invoked(*words: Any) -> str:
    """How a command refuses its input."""
    return refusal(partial(cli.main, list(map(str, words)), standalone_mode=False)) or "accepted"


def _exports() -> Iterator[Row]:
    """Options that each target of an export has, and the others, which are refused."""
    has = {
        "lammps": {"mass", "cutoff", "species", "protein"},
        "openmm": {"mass", "species", "protein"},
        "stablehlo": {"precision"},
    }
    yield equal("targets of an export", " ".join(OPTIONS), " ".join(has))
    values = {"mass": 0, "cutoff": 0, "species": "0", "protein": "a", "precision": "float64"}
    for target, own in has.items():
        for name, value in values.items():
            said = _invoked("export", "none.yaml", "--to", target, "-o", "none", f"--{name}", value)
            known = "--beads is missing" if name in own else f"--{name} has no effect with --to {target}"
            yield equal(f"export to {target}, {name}", said.startswith(known), True)
        said = _invoked("export", "none.npz", "--to", target, "-o", "none")
        refused = "can only be exported with --to stablehlo" in said
        yield equal(f"export of a trained model to {target}, refused as such", refused, target != "stablehlo")


def _refusals() -> Iterator[Row]:
    """Words that say nothing, or miss something."""
    cases = {
        ("config",): "give --reference or --schema",
        ("train",): "CONFIG is missing",
        ("simulate", "none.yaml", "--resume"): "--resume needs --output",
        ("evaluate", "chain.XML"): "does not distinguish terms",
        ("fit", "--output", "", "none.npz"): "--output",
        ("inspect", ""): "DATA",
        ("residual", "none.yaml", "none.npz", "-o", f"{os.devnull}/a.npz"): "cannot write",
    }
    for words, known in cases.items():
        yield equal(f"{' '.join(words)!r}, refused", known in _invoked(*words), True)
    out = io.StringIO()
    with redirect_stdout(out):
        cli.main(["config", "--schema"], standalone_mode=False)
    yield equal("config --schema", "properties" in json.loads(out.getvalue()), True)
    out = io.StringIO()
    with redirect_stdout(out):
        cli.main(["config", "--reference"], standalone_mode=False)
    yield equal("config --reference", out.getvalue().startswith("{"), False)


def _files(folder: Path) -> Iterator[Row]:
    """Outputs: which files are checked, where the picture goes, and an input in the place of an output."""
    taken, free, out = folder / "taken", folder / "free.npz", str(folder / "out")
    taken.touch()
    below = str(taken / "file.png")
    picture = str(Path(out) / "p.png")
    cases: list[tuple[tuple[Any, ...], str]] = [
        ((None, ["a"], None, "p.png"), "None"),
        ((out, ["a"], None, "p.png"), picture),
        ((out, ["a"], str(folder / "x.SVG"), "p.png"), str(folder / "x.SVG")),
        ((None, ["a"], str(folder / "x.txt"), "p.png"), "is not a picture format"),
        ((None, ["a"], below, "p.png"), "cannot write"),
        ((str(taken), ["a"], None, "p.png"), "cannot write"),
        ((str(taken), ["a"], str(folder / "x.pdf"), "p.png"), "cannot write"),
        ((out, ["a"], None, "p.png", [None, below]), "cannot write"),
        ((None, [], None, "p.png", [None, str(free)]), "None"),
    ]
    for given, known in cases:
        said = refusal(partial(targets.check_targets, *given)) or str(targets.check_targets(*given))
        yield equal(f"outputs, {[str(one).replace(name_of(folder), '') for one in given]}", known in said, True)
    with mock.patch("cgcore.report.picture.require_matplotlib", side_effect=cgcore.InputError("no matplotlib")):
        yield equal("a picture that nobody asked for", str(targets.check_targets(out, [], None, "p.png")), "None")
        yield says(
            "a picture that was asked for", partial(targets.check_targets, out, [], picture, "p"), "no matplotlib"
        )
    link = folder / "link.npz"
    os.link(taken, link)
    for path, given, words in (
        (free, [str(taken), str(free)], "accepted"),
        (taken, [str(free)], "accepted"),
        (link, [str(free), str(taken)], "is an input file, which the NPZ would overwrite"),
        (folder / "taken" / "a.npz", [], "cannot write"),
    ):
        work = partial(inputs.refuse_input_as_output, str(path), given, "NPZ")
        yield says(f"{path.name} from {[Path(one).name for one in given]}", work, words)


def name_of(folder: Path) -> str:
    """The name of a folder as it stands before the names of its files."""
    return f"{folder}{os.sep}"


def _models(folder: Path) -> Iterator[Row]:
    """Files and folders that hold a model, and a prior that is switched off."""
    run, fitted, empty = (folder / name for name in ("run", "fitted", "empty"))
    for one in (run, fitted, empty):
        one.mkdir()
    np.savez(run / "params.npz", x=np.zeros(1))
    (fitted / "priors.yaml").touch()
    for source, known in (
        (run, str(run / "params.npz")),
        (run / "params.npz", str(run / "params.npz")),
        (folder / "other.npz", str(folder / "other.npz")),
        (folder / "priors.yaml", "None"),
        (fitted, f"holds no params.npz; give {fitted / 'priors.yaml'}"),
        (empty, "holds no params.npz; give a folder that `cgcore train --output` wrote"),
    ):
        work = partial(models.params_file, str(source))
        found = refusal(work) or str(work())
        yield equal(f"model in {source.name}", found.endswith(known), True)
    for use in (True, False):
        file = folder / f"{use}.yaml"
        file.write_text(
            json.dumps({"dialect": "cgcore", "model": {"use_priors": use, "priors": {"kr": 250.0}}}), encoding="utf-8"
        )
        words = "accepted" if use else "model.use_priors is false"
        yield says(f"a prior with use_priors {use}", partial(models.prior_file, str(file)), words)
    # Imported first: a module that is imported inside a patch would keep the patched function.
    import cgcore.pipeline.trained
    import cgcore.pipeline.trainer  # noqa: F401

    for beads, most, words in (
        (7, 7, "accepted"),
        (8, 7, "at most 7 beads, but this one has 8"),
        (9, None, "accepted"),
    ):
        with (
            mock.patch("cgcore.pipeline.parameters.read_params", return_value=mock.Mock(beads=most)),
            mock.patch("cgcore.pipeline.trained.load_trained"),
        ):
            work = partial(models.load_model, str(run), beads)
            yield says(f"{beads} beads of a model for {most}", work, words)


def _resumed(folder: Path) -> Iterator[Row]:
    """Where a training keeps its checkpoints, where it resumes, and what is said about it."""
    out, own, old = (str(folder / name) for name in ("output", "own", "old"))
    for one in (old, f"{out}-run/checkpoints"):
        (Path(one) / "5").mkdir(parents=True)
    inside = str(Path(out) / "checkpoints")
    anew, goes_on = "holds no checkpoint, so training starts anew", "continues from the newest checkpoint"
    moved = f"holds checkpoints of an earlier run (--resume {old}); new ones go to {old}-2"
    cases: list[tuple[str, str | None, str | None, str | None, str | None, tuple[str | None, str | None, str]]] = [
        # dialect, named in the file, resumed in the file, --output, --resume; folder, resumed from, said
        ("cgcore", None, None, None, None, (None, None, "")),
        ("cgcore", None, None, out, None, (inside, None, "")),
        ("cgcore", own, None, out, None, (own, None, "")),
        ("cgcore", own, old, None, None, (own, old, "")),
        ("cgcore", own, old, None, own, (own, own, "")),
        ("cgcore", None, None, None, f"{out}-run", (None, f"{out}-run/checkpoints", "")),
        ("cgcore", None, None, None, own, (None, own, "")),
        ("cgcore", None, None, out, "auto", (inside, "auto", anew)),
        ("cgcore", old, None, None, "auto", (old, "auto", goes_on)),
        ("cgcore", None, None, None, "auto", (None, "auto", "")),
        ("cgcore", old, None, None, None, (old, None, "")),
        ("chemtrain", old, None, None, None, (f"{old}-2", None, moved)),
        ("chemtrain", own, None, None, None, (own, None, "")),
        ("chemtrain", old, None, None, old, (old, old, "")),
    ]
    plain = load_settings({"dialect": "cgcore", "model": {"ml_model": "none", "train_priors": True}})
    for dialect, named, resumed, output, given, known in cases:
        training = replace(plain.training, checkpoint_path=named, resume=resumed)
        settings, said = replace(plain, dialect=dialect, training=training), io.StringIO()
        with redirect_stderr(said):
            made, start = train._with_checkpoints(settings, output, given)
        found = made.training.checkpoint_path, start, said.getvalue().rstrip().partition(": ")[2]
        name = f"{dialect}, {[Path(one).name for one in (named, resumed, output, given) if one]}"
        yield equal(f"checkpoints, {name}", str(found), str(known))


def _evaluated(folder: Path, context: Context) -> Iterator[Row]:
    """Frames that an evaluation draws: as the options say, else as the file says."""
    frames, file = folder / "frames.npz", folder / "drawn.yaml"
    batch = context.some(12).join()
    np.savez(frames, R=batch.R, F=batch.F)
    data = {"path": str(frames), "max_frames": 6}
    said = {"dialect": "cgcore", "data": data, "model": {"priors": {"kr": 250.0}}, "training": {"seed": 7}}
    file.write_text(json.dumps(said), encoding="utf-8")
    for words, known in (
        ((), (6, 7)),
        (("--max-frames", 4), (4, 7)),
        (("--seed", 0), (6, 0)),
        ((frames, "--max-frames", 3, "--seed", 5), (3, 5)),
    ):
        with mock.patch("cgcore.evaluation.evaluate", side_effect=cgcore.InputError("stops here")) as evaluated:
            ended = _invoked("evaluate", file, *words)
        drawn = str(evaluated.call_args.args[1].choice[:2]) if evaluated.call_args else ended
        yield equal(f"evaluate, {len(words)} words, frames and seed", drawn, str(known))
