"""Frames for training, read by `cgcore.read`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from cgcore.data import Batch, Dataset, read
from cgcore.data.dataset import HoldOut
from cgcore.data.units import energy_factor
from cgcore.errors import InputError


class DatasetLoader:
    """Frames of an NPZ file, a folder of NPZ files, or a `Dataset`.

    Arguments:
        path: file, folder or data set.
        max_frames: number of frames to use, drawn at random; None for all.
        seed: seed of that draw.
        units: units of the files; None as in `cgcore.read`.

    Raises:
        InputError: as `cgcore.read` and `Dataset.subset`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | Dataset,
        max_frames: int | None = None,
        seed: int = 0,
        *,
        units: str | None = None,
    ) -> None:
        whole = path if isinstance(path, Dataset) else read(Path(path), units=units)
        self.dataset: Dataset = whole.subset(max_frames, seed)

    def split_train_val(
        self, val_fraction: float, hold_out: HoldOut = "each_protein"
    ) -> tuple[DatasetLoader, DatasetLoader | None]:
        """Split into training and held-out frames: the last ones of each protein or of the set, see `Dataset.split`.

        The second is None if `val_fraction` is 0 or no protein has two frames. Raises InputError for a fraction outside
        [0, 1).
        """
        train, validation = self.dataset.split(val_fraction, hold_out)
        return DatasetLoader(train), None if validation is None else DatasetLoader(validation)

    @property
    def R(self) -> np.ndarray:
        """Positions [Å], (frames, beads, 3), 0 in padded beads."""
        return self._batch.R

    @property
    def F(self) -> np.ndarray:
        """Reference forces [kcal/mol/Å], (frames, beads, 3), 0 in padded beads."""
        return self._batch.F

    @property
    def mask(self) -> np.ndarray:
        """Mask (frames, beads), 1 for a real bead and 0 for padding."""
        return self._batch.mask

    @property
    def species(self) -> np.ndarray:
        """Species (frames, beads), int32, 0 in padded beads and for files without species."""
        return self._batch.species

    @property
    def N_max(self) -> int:
        """Number of beads in a row, padding included."""
        return self.dataset.n_beads

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return self.dataset.n_frames

    @cached_property
    def U(self) -> np.ndarray | None:
        """Reference energies [kcal/mol], (frames,): the extra array `U` of every file; None if a file has none.

        Raises:
            InputError: `U` is not a number for each frame of its file.
        """
        parts = []
        for source in self.dataset.sources:
            energies = source.extras.get("U")
            if energies is None:
                return None
            count = source.store.R.shape[0]
            if energies.dtype.kind not in "iuf" or energies.size != count or not np.isfinite(energies).all():
                raise InputError(
                    f"{source.source}: key 'U' has shape {energies.shape} and dtype {energies.dtype}; "
                    f"give {count} finite energies, one per frame, or remove it"
                )
            factor = energy_factor(source.store.units)
            parts.append(energies.reshape(-1).astype(np.float64)[source.frame_numbers] * factor)
        return np.concatenate(parts)

    @cached_property
    def _batch(self) -> Batch:
        return self.dataset.join()


@dataclass(frozen=True)
class FrameArrays:
    """The frames of a stage, all in the same dtype and padded to the model's number of beads.

    Arguments:
        R, F: positions [Å] and forces [kcal/mol/Å] (frames, beads, 3).
        mask: whether beads are real (frames, beads).
        species: species of the beads (frames, beads), int32.
        U: energies [kcal/mol] (frames,); zeros if there are none.
        sites: sites of the beads (frames, beads), int32, see `cgcore.physics.topology`; None if each frame is one whole
            chain.
    """

    R: np.ndarray
    F: np.ndarray
    mask: np.ndarray
    species: np.ndarray
    U: np.ndarray
    sites: np.ndarray | None = None


def frame_arrays(loader: DatasetLoader, n_beads: int, n_species: int | None, dtype: str) -> FrameArrays:
    """The loader's frames for a model with `n_beads` beads.

    Raises:
        InputError: frames have more beads than the model, or a species out of its range.
    """
    check_frames(loader, n_beads, n_species)
    mask = loader.mask.astype(bool)
    more = ((0, 0), (0, n_beads - loader.N_max))
    energies, sites = loader.U, loader.dataset.sites()
    return FrameArrays(
        R=np.pad(loader.R.astype(dtype), (*more, (0, 0))),
        F=np.pad(loader.F.astype(dtype), (*more, (0, 0))),
        mask=np.pad(mask, more),
        species=np.pad(loader.species, more),
        U=np.zeros(loader.n_frames, dtype) if energies is None else energies.astype(dtype),
        sites=None if sites is None else np.pad(sites, more),
    )


def check_frames(loader: DatasetLoader, n_beads: int, n_species: int | None) -> None:
    """Refuse frames that do not match a model.

    Raises:
        InputError: frames have more beads than the model, or a species out of its range.
    """
    path = loader.dataset.path
    if loader.N_max > n_beads:
        raise InputError(
            f"{path}: frames have {loader.N_max} beads, but N_max of the model is {n_beads}; make the "
            "model with a larger N_max"
        )
    if n_species is not None:
        check_species(path, loader.species, loader.mask.astype(bool), n_species)


def check_species(name: str, species: np.ndarray, mask: np.ndarray, n_species: int) -> None:
    """Refuse species that are out of range for the network.

    Raises:
        InputError: a real bead has a species out of range; the message gives the first one.
    """
    bad = np.argwhere(mask & ((species < 0) | (species >= n_species)))
    if len(bad):
        where = (
            "bead " + ", bead ".join(map(str, bad[0])) if bad.shape[1] == 1 else f"frame {bad[0][0]}, bead {bad[0][1]}"
        )
        value = species[tuple(bad[0])]
        raise InputError(
            f"{name}: species is {value} at {where} (0-based); it needs 0 to {n_species - 1}: raise model.n_species"
        )
