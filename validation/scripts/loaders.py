"""Frames of several files in the loader that scripts use, and what the pipeline gets of them, against NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from cgcore.compat import dataset_loader
from cgcore.pipeline import loader as pipeline
from validation.check import Row, equal, says

ROWS, BEADS = (7, 5, 4), (6, 8, 4)
"""Number of frames of each file, and of their beads."""

FRAMES, WIDTH = sum(ROWS), max(BEADS)

CHAINS = (["ALA", "GLY", "TYR", "ALA", "SER"], ["LEU", "GLY", "TRP", "LEU"]), ["VAL", "ALA", "VAL", "GLY"]
"""Residues of the two proteins of the first file, and of that of the last; those of the second file are not known."""

SPECIES = {"ALA": 3, "GLY": 1, "LEU": 4, "SER": 2, "TRP": 7, "TYR": 0, "VAL": 5}
OTHERS, SECOND = 9, 4
"""Species of unknown residues, and the first frame of the second protein of the first file."""

GAPS = np.array([0, 1, 2, 5, 6, 7])
"""Residue numbers in the first file: two residues are missing after the third bead."""

DRAWN, SEED, FRACTION = 10, 4, 0.35


class Files:
    """Three files, and what they hold: padded arrays of all frames in order."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(6)
        shape = (FRAMES, WIDTH)
        self.folder, self.R, self.F = folder, np.zeros((*shape, 3)), np.zeros((*shape, 3))
        self.mask, self.species = np.zeros(shape), np.zeros(shape, int)
        self.bonded, self.weights, self.U = (
            np.zeros((FRAMES, WIDTH - 1), bool),
            np.zeros(shape),
            rng.normal(size=FRAMES),
        )
        folder.mkdir()
        for name, first, count, beads in zip("abc", np.cumsum([0, *ROWS]), ROWS, BEADS, strict=False):
            at = slice(first, first + count)
            kinds = [self._residues(name, k) for k in range(count)]
            real = np.arange(beads) < np.array([len(own) for own in kinds])[:, None]
            R = np.where(real[..., None], 3.8 * np.arange(beads)[:, None] + rng.normal(size=(count, beads, 3)), 0)
            F = np.where(real[..., None], rng.normal(size=R.shape), 0)
            species = np.array(
                [[SPECIES.get(code, OTHERS) for code in own] + [0] * (beads - len(own)) for own in kinds]
            )
            numbers = GAPS if name == "a" else np.arange(beads)
            weights = rng.uniform(1, 2, count) if name == "a" else np.ones(count)
            said: dict[str, Any] = {"temperature": 300.0 + 10 * (name == "c"), "U": self.U[at]}
            if name == "a":
                said |= {"frame_weights": weights, "resid": GAPS, "Z": np.arange(3), "box": np.full(3, 90.0)}
            if name != "b":
                said["resname"] = np.array([own + ["PAD"] * (beads - len(own)) for own in kinds])
            np.savez(folder / f"{name}.npz", R=R, F=F, mask=real.astype(float), species=species, **said)
            self.R[at, :beads], self.F[at, :beads], self.mask[at, :beads] = R, F, real
            self.species[at, :beads], self.weights[at, :beads] = species, weights[:, None] * real
            self.bonded[at, : beads - 1] = (np.diff(numbers) == 1) & real[:, 1:]

    @staticmethod
    def _residues(name: str, frame: int) -> list[str]:
        return CHAINS[0][int(frame >= SECOND)] if name == "a" else CHAINS[1] if name == "c" else ["??"] * BEADS[1]


def loaders(folder: Path) -> Iterator[Row]:
    """Attributes and methods of the loader, frames of several files in the pipeline, and other forms of frames."""
    from cgcore.compat import DatasetLoader

    files = Files(folder / "files")
    whole: Any = DatasetLoader(files.folder)
    yield from _attributes(files, whole)
    yield from _methods(files, whole)
    yield from _forms(files, whole)
    for name, limit in (("as many as there are", FRAMES), ("more than there are", FRAMES + 1), ("fewer", DRAWN)):
        own: Any = DatasetLoader(files.folder, limit, SEED)
        rows = np.random.RandomState(SEED).permutation(FRAMES)[:DRAWN] if limit < FRAMES else np.arange(FRAMES)
        yield equal(f"{name}, frames", _same(own, files, rows), True)
        yield from _passed_on(name, own, files, np.sort(rows))
        cut = round(len(rows) * (1 - FRACTION))
        own.F = -own.F
        parts = own.split_train_val(FRACTION)
        for part, of_part in zip(parts, (rows[:cut], rows[cut:]), strict=True):
            yield from _passed_on(f"{name}, part of {len(of_part)}, other forces", part, files, of_part, -1)
        held_out = parts[1]
        for key in ("R", "F", "mask", "species"):
            setattr(held_out, key, getattr(held_out, key)[1:])
        words = f"{len(rows) - cut - 1} frames are in place of {len(rows) - cut}, and sites and weights and energies"
        yield says(f"{name}, other frames", held_out.pipeline_loader, words)
    for limit, words in ((0, "max_frames is 0; give at least 1"), (1, "accepted")):
        yield says(f"{limit} frames at most", partial(DatasetLoader, files.folder, limit), words)


def _same(loader: Any, files: Files, rows: Any) -> bool:
    """Whether a loader holds these frames, in the dtypes that scripts expect."""
    names = {"R": "float32", "F": "float32", "mask": "float32", "species": "int32"}
    return all(
        getattr(loader, name).dtype.name == dtype
        and np.array_equal(getattr(loader, name), getattr(files, name)[rows].astype(dtype))
        for name, dtype in names.items()
    )


def _attributes(files: Files, whole: Any) -> Iterator[Row]:
    """What the loader says about all files."""
    from cgcore.compat import DatasetLoader

    yield equal("codes of residues", str(whole.aa_to_id), str(SPECIES))
    yield equal(
        "residues of codes", str(sorted(whole.id_to_aa.items())), str(sorted((k, c) for c, k in SPECIES.items()))
    )
    counts = whole.n_frames, len(whole), whole.n_atoms, whole.N_max, whole.n_species
    yield equal("frames, beads and kinds", str(counts), str((FRAMES, FRAMES, WIDTH, WIDTH, len(SPECIES))))
    with np.load(files.folder / "a.npz") as first:
        for key in ("resid", "resname", "Z", "box"):
            yield equal(f"{key} of the first file", np.array_equal(getattr(whole, key), first[key]), True)
    unknown: Any = DatasetLoader(files.folder / "b.npz")
    found = unknown.aa_to_id, unknown.n_species, unknown.resid, unknown.resname, unknown.Z, unknown.box
    yield equal("a file that says little", str(found), str(({}, OTHERS + 1, None, None, None, None)))
    beads = files.mask.sum(axis=1)
    name, codes = files.folder.name, ", ".join(SPECIES)
    known = f"Dataset: {name}\n  Frames: {FRAMES}\n  Atoms: {WIDTH} (max), {beads.mean():.1f} (avg), 4-8 (range)\n"
    yield equal("summary", whole.summary(), f"{known}  Species: {len(SPECIES)}\n  Amino acids: {codes}")
    yield equal("summary, unknown residues", unknown.summary().endswith("Species: 10\n  Amino acids: not known"), True)
    shown = f"DatasetLoader({str(files.folder)!r}, n_frames={FRAMES}, n_atoms={WIDTH})"
    yield equal("shown", repr(whole), shown)
    one: Any = DatasetLoader(files.folder / "a.npz")
    one.mask = one.mask * (np.arange(BEADS[0]) < 4)
    yield equal("beads in a row, whatever the mask", one.n_atoms, BEADS[0])


def _methods(files: Files, whole: Any) -> Iterator[Row]:
    """Frames by their numbers, and parts of the frames."""
    for name, found, rows in (
        ("a frame", whole.get_frame(8), 8),
        ("the last frame", whole.get_frame(-1), FRAMES - 1),
        ("a batch", dict(zip(("R", "F", "mask", "species"), whole.get_batch(5, 9), strict=True)), slice(5, 9)),
        ("all frames", whole.get_all(), slice(None)),
    ):
        yield equal(f"{name}, names", ", ".join(found), "R, F, mask, species")
        yield equal(f"{name}, arrays", _same(SimpleNamespace(**found), files, rows), True)
    for fraction, words in ((1, "val_fraction is 1; give"), (-0.1, "val_fraction is -0.1; give"), (0.99, "accepted")):
        yield says(f"held out, {fraction}", partial(whole.split_train_val, fraction), words)
    train, held_out = whole.split_train_val(0)
    yield equal(
        "nothing held out", str((len(train), len(held_out), held_out.pipeline_loader())), f"({FRAMES}, 0, None)"
    )


def _passed_on(name: str, loader: Any, files: Files, rows: np.ndarray, sign: int = 1) -> Iterator[Row]:
    """The frames in the pipeline with everything that the files say of each."""
    made = loader.pipeline_loader()
    data, U = made.dataset, made.U
    joined = data.join()
    found = {"R": joined.R, "F": sign * joined.F, "mask": joined.mask, "species": joined.species}
    for key, array in found.items():
        yield equal(f"{name}, {key} in the pipeline", _close(array, getattr(files, key)[rows]), True)
    yield equal(f"{name}, energies in the pipeline", _close(U, files.U[rows]), True)
    yield equal(f"{name}, weights in the pipeline", _close(data.weights(), files.weights[rows]), True)
    sites = data.sites()
    bonded = None if sites is None else (np.diff(sites) == 1) & (files.mask[rows][:, 1:] > 0)
    yield equal(f"{name}, bonds in the pipeline", _close(bonded, files.bonded[rows]), True)
    kelvin = (300.0, 310.0)
    yield equal(f"{name}, temperatures in the pipeline", str(data.temperatures), str(kelvin))


def _close(found: Any, known: np.ndarray) -> bool:
    """Whether arrays agree as far as float32 allows, in which scripts hold positions and forces."""
    return found is not None and found.shape == known.shape and bool(np.allclose(found, known, rtol=1e-6, atol=1e-6))


def _forms(files: Files, whole: Any) -> Iterator[Row]:
    """Frames in other forms than a loader's."""
    parked = files.R + np.where(files.mask > 0, 0.0, 4.0 * np.arange(WIDTH))[..., None]
    every = {"R": parked, "F": files.F, "mask": files.mask, "species": files.species}
    less = {name: every[name] for name in ("R", "F", "mask")}
    other = {name: array[::-1] for name, array in every.items()}
    made = pipeline.DatasetLoader(files.folder)
    zeros = np.zeros_like(files.species)
    for name, form, species in (
        ("a mapping", every, files.species),
        ("a mapping without species", less, zeros),
        ("an object", SimpleNamespace(**every), files.species),
        ("an object without species", SimpleNamespace(**less), zeros),
        ("an object with chains", SimpleNamespace(_chains=[every, other]), files.species),
        ("an object without chains", SimpleNamespace(_chains=[], **every), files.species),
        ("a loader of scripts", whole, files.species),
        ("a loader of the pipeline", made, files.species),
    ):
        found = dataset_loader.loader_of(form)
        arrays = [] if found is None else [found.R, found.F, found.mask, found.species]
        right = [_close(x, y) for x, y in zip(arrays, (files.R, files.F, files.mask, species), strict=False)]
        yield equal(f"{name}, arrays", str(right), str([True] * 4))
    yield equal("a loader of the pipeline is passed on", dataset_loader.loader_of(made) is made, True)
    none = {name: array[:0] for name, array in every.items()}
    yield equal("no frames", str([dataset_loader.loader_of(one) for one in (None, none)]), "[None, None]")
    without = "held: holds no R and F; give a DatasetLoader"
    for name, form in (("nothing", SimpleNamespace()), ("no forces", {"R": files.R}), ("no positions", {"F": files.F})):
        yield says(f"{name} in it", partial(dataset_loader.loader_of, form, "held"), without)
    wrong = every | {"F": np.full_like(files.F, np.nan)}
    yield says("forces that are NaN", partial(dataset_loader.loader_of, wrong, "held"), "held: key 'F'")
