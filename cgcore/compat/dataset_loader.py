"""Frames with the attributes and methods that scripts use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from cgcore.data import Dataset, from_arrays, read
from cgcore.data.residues import UNKNOWN, three_letters
from cgcore.errors import InputError
from cgcore.pipeline import loader as pipeline

_FRAMES = ("R", "F", "mask", "species")


class DatasetLoader:
    """The frames of an NPZ file or a folder of them, as arrays that may be replaced.

    Arguments:
        npz_path: the file or folder.
        max_frames: number of frames to draw at random; None, or at least as many as there are, for all frames in order.
        seed: seed of the random draw.

    Attributes:
        R, F: positions [Å] and forces [kcal/mol/Å] (frames, beads, 3), float32.
        mask: (frames, beads), float32, 1 for a real bead.
        species: (frames, beads), int32, 0 in padded beads.
        N_max: number of beads in a row, padding included.
        resid, resname, Z, box: as in the file if they are arrays of plain values, else None.
        aa_to_id, id_to_aa: residue codes to species and back if the residues are known, else empty.

    Raises:
        InputError: as `cgcore.read`, or max_frames is below 1.
    """

    def __init__(self, npz_path: str | os.PathLike[str], max_frames: int | None = None, seed: int = 42) -> None:
        if max_frames is not None and max_frames < 1:
            raise InputError(f"max_frames is {max_frames}; give at least 1, or None for all")
        self.npz_path, self.seed = Path(npz_path), seed
        self._dataset: Dataset = read(npz_path)
        total = self._dataset.n_frames
        # Exactly the draw of existing scripts, so that the same frames are used and the same are held out.
        drawn = max_frames is not None and max_frames < total
        self._rows = np.random.RandomState(seed).permutation(total)[:max_frames] if drawn else np.arange(total)
        joined = self._dataset.join()
        self.R, self.F = (np.asarray(x[self._rows], np.float32) for x in (joined.R, joined.F))
        self.mask = np.asarray(joined.mask[self._rows], np.float32)
        self.species = np.asarray(joined.species[self._rows], np.int32)
        self.N_max: int = self._dataset.n_beads
        extras = self._dataset.sources[0].extras
        self.resid, self.resname, self.Z, self.box = (extras.get(key) for key in ("resid", "resname", "Z", "box"))
        self.aa_to_id: dict[str, int] = _codes(self._dataset)
        self.id_to_aa: dict[int, str] = {number: code for code, number in self.aa_to_id.items()}
        self._as_read: dict[str, np.ndarray] = {name: getattr(self, name) for name in _FRAMES}

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.R)

    @property
    def n_atoms(self) -> int:
        """Number of beads in a row, padding included."""
        return self.R.shape[1]

    @property
    def n_species(self) -> int:
        """Number of kinds of residues; if they are unknown, one more than the largest species."""
        return len(self.aa_to_id) or int(self.species.max(initial=0)) + 1

    def get_frame(self, idx: int) -> dict[str, np.ndarray]:
        """R, F, mask and species of one frame."""
        return {name: getattr(self, name)[idx] for name in _FRAMES}

    def get_batch(self, start: int, end: int) -> tuple[np.ndarray, ...]:
        """R, F, mask and species of the frames from `start` up to, but not including, `end`."""
        return tuple(getattr(self, name)[start:end] for name in _FRAMES)

    def get_all(self) -> dict[str, np.ndarray]:
        """R, F, mask and species of all frames."""
        return {name: getattr(self, name) for name in _FRAMES}

    def split_train_val(self, val_fraction: float = 0.1) -> tuple[DatasetLoader, DatasetLoader]:
        """Split off the last frames of the whole set for validation (none if the fraction is 0).

        Raises:
            InputError: the fraction is outside [0, 1).
        """
        if not 0 <= val_fraction < 1:
            raise InputError(f"val_fraction is {val_fraction}; give a number from 0 to below 1.")
        n_train = int(np.round(self.n_frames * (1 - val_fraction)))
        return self._part(slice(n_train)), self._part(slice(n_train, None))

    def _part(self, rows: slice) -> DatasetLoader:
        part = object.__new__(DatasetLoader)
        part.__dict__ |= self.__dict__
        part._rows = self._rows[rows]
        for name in _FRAMES:
            setattr(part, name, getattr(self, name)[rows])
        part._as_read = {
            name: getattr(part, name) if getattr(self, name) is array else array[rows]
            for name, array in self._as_read.items()
        }
        return part

    def pipeline_loader(self) -> pipeline.DatasetLoader | None:
        """The same frames as a loader of the pipeline; None if there are none.

        Raises:
            InputError: arrays that replaced those read are not valid frames, or are not as many as the files' gaps,
                weights or energies belong to.
        """
        if not self.n_frames:
            return None
        if all(getattr(self, name) is array for name, array in self._as_read.items()):
            # In time order, which the fit's cross-validation requires.
            return pipeline.DatasetLoader(self._dataset.select(self._rows))
        whole, name = pipeline.DatasetLoader(self._dataset), os.fspath(self.npz_path)
        of_frames = {"sites": self._dataset.sites(), "weights": self._dataset.weights(), "energies": whole.U}
        own = {key: array for key, array in of_frames.items() if array is not None}
        if own and self.n_frames != len(self._rows):
            raise InputError(
                f"{name}: {self.n_frames} frames are in place of {len(self._rows)}, and {' and '.join(own)} belong to "
                "the frames of the file; keep the number of frames, or write a file of these"
            )
        said = {key: array[self._rows] for key, array in own.items()}
        return loader_of(self.get_all(), name, self._dataset.temperatures, **said)

    def summary(self) -> str:
        """A summary in a few lines."""
        beads = self.mask.sum(axis=1)
        return (
            f"Dataset: {self.npz_path.name}\n  Frames: {self.n_frames}\n"
            f"  Atoms: {self.n_atoms} (max), {beads.mean():.1f} (avg), {beads.min():.0f}-{beads.max():.0f} (range)\n"
            f"  Species: {self.n_species}\n  Amino acids: {', '.join(sorted(self.aa_to_id)) or 'not known'}"
        )

    def __len__(self) -> int:
        return self.n_frames

    def __repr__(self) -> str:
        return f"DatasetLoader({os.fspath(self.npz_path)!r}, n_frames={self.n_frames}, n_atoms={self.n_atoms})"


def loader_of(
    frames: Any,
    name: str = "train_data",
    temperatures: tuple[float, ...] = (),
    sites: Int[np.ndarray, "frames beads"] | None = None,
    weights: Float[np.ndarray, "frames beads"] | None = None,
    energies: Float[np.ndarray, " frames"] | None = None,
) -> pipeline.DatasetLoader | None:
    """Frames as a loader of the pipeline, from any form that scripts use; None for None or no frames.

    Arguments:
        frames: a loader of this package or of the pipeline; a mapping with R, F, mask and species; or an object that
            has them as attributes, or in the first of its `_chains`.
        name: name of the data, for messages.
        temperatures: temperatures of the data [K], if known.
        sites: sites of the beads (see `cgcore.physics.topology`); None if each frame is one whole chain.
        weights: weights of the beads in the loss of the prior's fit; None if all are 1.
        energies: reference energies [kcal/mol]; None if there are none.

    Raises:
        InputError: `frames` is none of these, or the arrays are not valid frames.
    """
    if frames is None or isinstance(frames, pipeline.DatasetLoader):
        return frames
    if isinstance(frames, DatasetLoader):
        return frames.pipeline_loader()
    if getattr(frames, "_chains", None):
        frames = frames._chains[0]
    if not isinstance(frames, Mapping):
        frames = {key: getattr(frames, key) for key in _FRAMES if hasattr(frames, key)}
    if "R" not in frames or "F" not in frames:
        raise InputError(f"{name}: holds no R and F; give a DatasetLoader, or a mapping with R, F, mask and species")
    arrays = {key: np.asarray(frames[key]) for key in _FRAMES if key in frames}
    if not len(arrays["R"]):
        return None
    dataset = from_arrays(arrays["R"], arrays["F"], arrays.get("mask"), arrays.get("species"), name=name)
    (source,) = dataset.sources
    extras = {"temperature": np.asarray(temperatures)} if temperatures else {}
    extras |= {} if energies is None else {"U": energies}
    source = replace(source, extras=extras, weights=weights)
    if sites is not None:
        _, first = np.unique(source.protein, return_index=True)
        source = replace(source, sites=sites[first])
    return pipeline.DatasetLoader(replace(dataset, sources=(source,)))


def _codes(dataset: Dataset) -> dict[str, int]:
    """The species of each residue code, from the proteins whose sequence is known."""
    found: dict[str, int] = {}
    for source in dataset.sources:
        for label, protein in enumerate(source.protein_names):
            (rows,) = np.nonzero(source.protein == label)
            species = source.species(rows[:1]) if len(rows) else None
            if species is not None:
                length = int(source.lengths[rows[0]])
                pairs = zip(three_letters(protein, length), species[0, :length].tolist(), strict=True)
                found |= {code: number for code, number in pairs if code != UNKNOWN}
    return dict(sorted(found.items()))
