"""Every command with settings that are none of its defaults, against the function of the library that it stands for."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

import cgcore
from cgcore.evaluation.residual import write_residual
from cgcore.export.lammps import write_lammps
from cgcore.export.openmm import write_openmm
from cgcore.export.stablehlo import read_stablehlo
from cgcore.physics.bases import DebyeHueckel, Fourier
from cgcore.pipeline.trained import load_trained
from cgcore.report.inspection_record import inspection_record
from cgcore.report.simulation_record import record as record_of_simulation
from cgcore.spline_file import write_splines
from validation.check import Row, at_most, check, equal
from validation.context import Context, distinct, five_terms, with_harmonics
from validation.records import BOX, SAME, Case, plain, same, same_arrays
from validation.settings.prior_configurations import prior_block
from validation.splined import drawn
from validation.stored.stored_frames import ANGSTROM_PER_NM, KJ_PER_KCAL
from validation.tolerances import relative

FRAMES = 60

CONFIGURED = cgcore.Options(
    constraints="nonnegative", smoothness=2e-3, temperature=310.0, max_steps=9, min_steps=6, tol_grad=1e-5
)
"""What the configuration says."""


@check("commands", quick=True, needs=("openmm", "matplotlib"))
def commands(context: Context) -> Iterator[Row]:
    """Each command with a setting other than the default for all of its options, against the library's function."""
    prior = with_harmonics(five_terms(distinct(context.prior)), 2, 2).with_terms(
        [
            cgcore.Term("salt", cgcore.Rows("pairs", 6), DebyeHueckel(7.0), 0.8),
            cgcore.Term("ends", cgcore.Rows("angles"), Fourier(2), 0.6, cgcore.Groups("terminal")),
        ],
        frozen=["repulsive"],
    )
    batch = cgcore.datasets.chignolin().subset(FRAMES).join()
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    wrapped = np.mod(R - R.mean(axis=(1, 2), keepdims=True), BOX)
    species = np.tile(np.arange(R.shape[1]) % 3, (len(R), 1))
    with tempfile.TemporaryDirectory() as name:
        case = Case(Path(name), prior)
        forces = F * KJ_PER_KCAL * ANGSTROM_PER_NM
        np.savez(case.frames, R=wrapped / ANGSTROM_PER_NM, F=forces, species=species)
        yield from _configured(case)
        yield from _overridden(case)
        yield from _factors(case)
        if context.quick:
            return
        yield from _trained(case)
        yield from _scanned(case)
        cgcore.fit(case.data, prior, cgcore.Options(temperature=300.0)).fitted_prior.write(case.priors)
        yield from _judged(case)
        yield from _written(case)
        yield from _simulated(case)


def _settings(case: Case) -> dict[str, Any]:
    """A configuration whose keys of a fit are none of the defaults; `fit` reads units and box from its options."""
    terms = {
        "salt": {"rows": "pairs", "separation": [6, None], "basis": "debye_hueckel", "length": 7.0, "weight": 0.8},
        "ends": {"rows": "angles", "basis": "fourier", "harmonics": 2, "by": "terminal", "weight": 0.6},
    }
    names = ("max_steps", "min_steps", "tol_grad", "constraints", "smoothness")
    said: dict[str, Any] = {f"pretrain_prior_{name}": getattr(CONFIGURED, name) for name in names}
    said |= {"temperature": CONFIGURED.temperature, "val_fraction": 0.2, "hold_out": "last_rows", "seed": 7}
    data = {"path": str(case.frames), "max_frames": 50}
    block = {name: value for name, value in prior_block(case.prior).items() if name not in terms}
    block |= {"frozen": ["repulsive"]}
    return {"dialect": "cgcore", "data": data, "model": {"priors": block, "terms": terms}, "training": said}


def _configured(case: Case) -> Iterator[Row]:
    """A fit that is described by its configuration alone."""
    case.config.write_text(json.dumps(_settings(case)), encoding="utf-8")  # JSON is YAML
    case.ran("fit", "--config", case.config, "--output", case.folder / "configured", *case.reading)
    train, held_out = case.data.subset(50, 7).split(0.2, "last_rows")
    yield from _same_fit(case, "configured", CONFIGURED, train, held_out)


def _overridden(case: Case) -> Iterator[Row]:
    """Options of the command line, which go before the configuration."""
    words = ("--config", case.config, *case.reading)
    cut = ("--max-frames", 40, "--seed", 0, "--val-fraction", 0.25)
    train, held_out = case.data.subset(40, 0).split(0.25, "each_protein")
    given: dict[str, dict[str, Any]] = {
        "smoothed": {"constraints": "safe", "smoothness": 1e-3, "pooling": 0.2, "temperature": 290.0, "blocks": 7},
        "truncated": {"constraints": "none", "truncation": 1e-3, "max_steps": 8, "min_steps": 5},
        "physical": {"coordinates": "physical", "constraints": "none", "truncation": 1e-3}
        | {"max_steps": 4, "min_steps": 2, "tol_grad": 1e6},
    }
    kept = {name: getattr(CONFIGURED, name) for name in ("max_steps", "min_steps", "tol_grad", "temperature")}
    for name, settings in given.items():
        every = [word for key, value in settings.items() for word in (f"--{key.replace('_', '-')}", value)]
        case.ran("fit", *words, *cut, *every, "--output", case.folder / name)
        yield from _same_fit(case, name, cgcore.Options(**(kept | settings)), train, held_out)


def _same_fit(
    case: Case, name: str, options: cgcore.Options, train: cgcore.Dataset, held_out: cgcore.Dataset | None
) -> Iterator[Row]:
    said = case.record(f"{name}/fit.json")
    recorded = said["config"]["options"]
    expected = asdict(options)
    differing = [key for key in expected if key not in recorded or recorded[key] != expected[key]]
    yield equal(f"fit, {name}, options that differ", ", ".join(differing), "")
    fit = cgcore.fit(train, case.prior, options, validation=held_out)
    fit.save(case.folder / f"{name}-library")
    other = case.record(f"{name}-library/fit.json")
    yield from same(f"fit, {name}", said, other)
    yield equal(f"fit, {name}, steps", said["steps"], fit.steps)
    priors = [cgcore.Prior.read(case.folder / made / "priors.yaml") for made in (name, f"{name}-library")]
    yield equal(f"fit, {name}, priors.yaml", priors[0] == priors[1], True)


def _factors(case: Case) -> Iterator[Row]:
    """Two halves, compressed and merged."""
    half = case.data.n_frames // 2
    parts = [case.folder / "first.npz", case.folder / "second.npz"]
    with np.load(case.frames, allow_pickle=False) as held:
        for path, rows in zip(parts, (slice(half), slice(half, None)), strict=True):
            np.savez(path, **{name: held[name][rows] for name in held})
    factors = [path.with_suffix(".factor.npz") for path in parts]
    for path, factor in zip(parts, factors, strict=True):
        case.ran("compress", path, "-o", factor, "--config", case.config, "--blocks", 3, *case.reading)
    case.ran("merge", *factors, "-o", case.folder / "merged.npz")
    found, known = cgcore.load_factor(case.folder / "merged.npz"), cgcore.Fingerprint.of(case.prior)
    halves = [cgcore.compress(case.read(path), known, blocks=3) for path in parts]
    expected = cgcore.merge(*halves)
    yield equal("merge, blocks", len(found.blocks), len(expected.blocks))
    S, other = (factor.S.T @ factor.S for factor in (found, expected))
    yield at_most("merge, sums", relative(S, other), SAME, "relative")
    yield from _with_splines(case)


def _with_splines(case: Case) -> Iterator[Row]:
    """A prior with splines from a file, whose forces are subtracted first: a fit to a factor, and one to frames."""
    write_splines(case.folder / "splines.npz", drawn().given)
    settings = _settings(case)
    block = {"spline_file": str(case.folder / "splines.npz"), "weights": settings["model"]["priors"]["weights"]}
    config = case.folder / "splines.yaml"
    config.write_text(json.dumps(settings | {"model": {"priors": block}}), encoding="utf-8")
    made, words = case.folder / "splines.factor.npz", ("--config", config, "--val-fraction", 0, "--constraints", "none")
    case.ran("compress", case.frames, "-o", made, "--config", config, *case.reading)
    for name, data in (("factor", (made,)), ("frames", (case.frames, *case.reading, "--max-frames", FRAMES))):
        case.ran("fit", *data, *words, "--output", case.folder / f"splines-{name}")
    losses = [case.record(f"splines-{name}/fit.json")["train_loss"] for name in ("factor", "frames")]
    yield at_most("fit, splines from a file, to a factor", abs(losses[0] / losses[1] - 1), SAME, "relative")


def _trained(case: Case) -> Iterator[Row]:
    """A training of the prior alone: the model in its file, and the prior that is written beside it."""
    said = _settings(case)
    said["model"] |= {"ml_model": "none", "train_priors": True}
    said["training"] |= {"stage1_optimizer": "adam", "epochs_adam": 1, "stage2_optimizer": None, "batch_per_device": 8}
    said["training"] |= {"precision": "float64", "checkpoint_freq": 0}
    config, out = case.folder / "train.yaml", case.folder / "trained"
    config.write_text(json.dumps(said), encoding="utf-8")
    case.ran("train", config, case.frames, "--output", out, *case.reading)
    model, params = load_trained(out / "params.npz", precision="float64")
    written, batch = cgcore.Prior.read(out / "priors.yaml"), case.data.subset(5).join()
    _, held_out = case.data.subset(50, 7).split(0.2, "last_rows")
    assert held_out is not None
    evaluated = plain(cgcore.evaluate(written, held_out).as_dict()) | {"of": "held-out"}
    yield from same("train, evaluation", case.record("trained/train.json")["evaluation"], evaluated)
    yield equal("train, terms of the model", model.prior is not None and model.prior.terms == case.prior.terms, True)
    frames = np.asarray(batch.R, float), np.asarray(batch.mask, bool), np.asarray(batch.species, np.int32)
    each = jax.jit(jax.vmap(partial(model.compute_components, params)))(*frames)
    known = jax.jit(jax.vmap(partial(cgcore.energy, written, written.params)))(*frames)
    yield at_most("train, energies of the model in its file", relative(sum(each.values()), known), SAME, "relative")


def _scanned(case: Case) -> Iterator[Row]:
    """Fits of two Debye lengths."""
    words = ("--config", case.config, "--smoothness", "auto", "--scan", "salt.length=5,9", *case.reading)
    scanned = case.ran("fit", case.frames, *words, "--output", case.folder / "scanned")
    train, _ = case.data.subset(50, 7).split(0.2, "last_rows")
    known = cgcore.scan(train, case.prior, {"salt.length": (5.0, 9.0)}, replace(CONFIGURED, smoothness="auto"))
    yield equal("fit, scan, its table", known.table() in scanned.output, True)
    loss = case.record("scanned/fit.json")["train_loss"]
    yield at_most("fit, scan, loss", abs(loss / known.result.train_loss - 1), SAME, "relative")


def _judged(case: Case) -> Iterator[Row]:
    """What is said of data and of a fitted prior."""
    data, prior = case.data, cgcore.Prior.read(case.priors)
    drawn = ("--max-frames", 40, "--seed", 5, *case.reading)
    case.ran("inspect", case.frames, "--json", case.folder / "inspect.json", *case.reading)
    yield from same("inspect", case.record("inspect.json"), plain(inspection_record(cgcore.inspect(data))))
    case.ran("evaluate", case.priors, case.frames, "--output", case.folder / "evaluated", *drawn)
    evaluated = cgcore.evaluate(prior, data.subset(40, 5))
    yield from same("evaluate", case.record("evaluated/evaluation.json"), plain(evaluated.as_dict()))
    case.ran("ceiling", case.priors, case.frames, "--json", case.folder / "ceiling.json", *drawn)
    ceiling = cgcore.noise_ceiling(data.subset(40, 5), prior)
    yield from same("ceiling", case.record("ceiling.json"), plain(ceiling.as_dict()))
    config = ("--config", case.config)
    words = (case.frames, *config, "--output", case.folder / "learned", "--draws", 3, "--blocks", 10, *drawn)
    case.ran("learning-curve", *words)
    options = replace(CONFIGURED, blocks=10)
    curve = cgcore.learning_curve(cgcore.fit(data.subset(40, 5), case.prior, options), draws=3, seed=5)
    yield from same("learning-curve", case.record("learned/learning_curve.json"), plain(curve.as_dict()))


def _written(case: Case) -> Iterator[Row]:
    """Frames and models that commands write for others."""
    prior, data, folder = cgcore.Prior.read(case.priors), case.data, case.folder
    case.ran("convert", case.frames, "-o", folder / "converted.npz", "--temperature", 320, *case.reading)
    data.at(320.0).write(folder / "converted-library.npz")
    yield from same_arrays("convert", folder / "converted.npz", folder / "converted-library.npz")
    case.ran("residual", case.priors, case.frames, "-o", folder / "residual.npz", *case.reading)
    write_residual(folder / "residual-library.npz", data, prior)
    yield from same_arrays("residual", folder / "residual.npz", folder / "residual-library.npz")
    species = np.arange(9) % 3
    of_chain = ("--beads", 9, "--mass", 95, "--species", ",".join(map(str, species)))
    case.ran("export", case.priors, "--to", "lammps", "-o", folder / "lammps", *of_chain, "--cutoff", 40)
    write_lammps(folder / "lammps-library", prior, 9, mass=95.0, species=species, cutoff=40.0)
    files = sorted(path.name for path in (folder / "lammps-library").iterdir())
    texts = [{name: (folder / made / name).read_text() for name in files} for made in ("lammps", "lammps-library")]
    yield equal("export, lammps, files that differ", ", ".join(n for n in files if texts[0][n] != texts[1][n]), "")
    case.ran("export", case.priors, "--to", "openmm", "-o", folder / "chain.xml", *of_chain)
    write_openmm(folder / "chain-library.xml", prior, 9, mass=95.0, species=species)
    texts = [(folder / name).read_text() for name in ("chain.xml", "chain-library.xml")]
    yield equal("export, openmm, the same file", texts[0] == texts[1], True)
    yield from _by_species(case)


def _by_species(case: Case) -> Iterator[Row]:
    """Groups that are species, in StableHLO: energies and forces that the file computes."""
    kinds = cgcore.Term("kinds", cgcore.Rows("angles"), Fourier(1), 0.5, cgcore.Groups.of_species("central", range(3)))
    prior = cgcore.Prior.read(case.priors).with_terms([kinds], {"kinds": [[1.0, 2.0], [-3.0, 0.5], [0.25, -4.0]]})
    prior.write(case.folder / "kinds.yaml")
    file = case.folder / "kinds.stablehlo"
    case.ran(
        "export", case.folder / "kinds.yaml", "--to", "stablehlo", "--precision", "float64", "--beads", 10, "-o", file
    )
    batch = case.data.subset(5).join()
    R, mask, species = np.asarray(batch.R, float), np.asarray(batch.mask, bool), np.asarray(batch.species, np.int32)
    found = read_stablehlo(file)(R, mask, species)
    for name, function, ours in zip(("energies", "forces"), (cgcore.energy, cgcore.forces), found, strict=True):
        known = jax.jit(jax.vmap(partial(function, prior, prior.params)))(R, mask, species)
        yield at_most(f"export, stablehlo, {name}", relative(ours, np.asarray(known)), SAME, "relative")


def _simulated(case: Case) -> Iterator[Row]:
    """Bonds alone, which compile fastest."""
    bonds = cgcore.Prior.read(case.priors).part(["bond"])
    bonds.write(case.folder / "bonds.yaml")
    settings: dict[str, Any] = {
        "temperature": 250.0, "replicas": 3, "time": "0.2ps", "timestep": 4.0, "friction": 2.5, "mass": 95.0,
        "interval": 0.04, "seed": 11, "beads": 10,
    }  # fmt: skip
    words = [word for name, value in settings.items() for word in (f"--{name}", value)]
    words += ["--output", case.folder / "run", *case.reading]
    case.ran("simulate", case.folder / "bonds.yaml", case.frames, *words)
    run = cgcore.simulate(bonds, case.data, **settings)
    yield from same("simulate", case.record("run/simulation.json"), plain(record_of_simulation(run)))
