"""The frames of all sources: choosing frames, and joining them into one batch."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Int

from cgcore.data.blocks import real_mask, row_blocks
from cgcore.data.frames import Frames
from cgcore.data.splitting import Segment, by_source, cut_segments, held_out, held_out_rows, number_ranges, random_rows
from cgcore.errors import InputError


class Batch(NamedTuple):
    """Frames in memory, padded with zeros to the same number of beads."""

    R: np.ndarray  # (frames, beads, 3), Å
    F: np.ndarray  # (frames, beads, 3), kcal/mol/Å
    mask: np.ndarray  # (frames, beads), 1 real and 0 padding, dtype of R
    species: np.ndarray  # (frames, beads) int32, 0 where the source has none


HoldOut = Literal["each_protein", "last_rows"]
"""Which frames are held out: the last ones of each protein, or the last ones of the whole set."""


class Choice(NamedTuple):
    """How frames were chosen from a whole data set: the arguments of `subset` and `split`."""

    max_frames: int | None = None
    seed: int = 0
    val_fraction: float = 0.0
    hold_out: HoldOut = "each_protein"


@dataclass(frozen=True, eq=False)
class Dataset:
    """Checked frames of one or more sources, created by `read` or `from_arrays`.

    `sha256` is the checksum of the files (or arrays) that were read. Selecting frames does not change it;
    `frame_ranges` tells which frames were selected.
    """

    sources: tuple[Frames, ...]
    path: str
    sha256: str
    skipped_keys: tuple[str, ...]  # keys of the files that were not read: object arrays, large extras
    units: str  # units of the files; loaded data are in Å and kcal/mol/Å
    choice: Choice = Choice()
    notes: tuple[str, ...] = ()  # parts of the files that could not be used
    box: tuple[Any, ...] | float | None = None  # box given in addition to the files [Å]
    accept_faults: bool = False  # fit even if the data are certainly wrong, see `cgcore.judging`

    def __repr__(self) -> str:
        return (
            f"Dataset({self.path!r}: {self.n_frames} frames, {self.n_beads} beads a row, {self.real_beads} real beads, "
            f"{len(self.sources)} sources)"
        )

    @property
    def n_frames(self) -> int:
        return sum(frames.n_frames for frames in self.sources)

    @property
    def n_beads(self) -> int:
        """Largest number of beads in a row, padding included."""
        return max(frames.n_beads for frames in self.sources)

    @property
    def real_beads(self) -> int:
        """Number of real beads in all frames together."""
        return sum(frames.real_beads for frames in self.sources)

    @property
    def temperatures(self) -> tuple[float, ...]:
        """Distinct values of the extra array `temperature` [K]; empty if it does not contain numbers."""
        return tuple(sorted({kelvin for source in self.sources for kelvin in source.temperatures}))

    def at(self, temperature: float) -> Dataset:
        """The same frames, all at this temperature [K], whatever the files say.

        Raises InputError if it is not above 0.
        """
        if not 0 < temperature < np.inf:
            raise InputError(f"temperature is {temperature:g}; give a temperature above 0, in K")
        said = {"temperature": np.array(temperature, np.float64)}
        return replace(self, sources=tuple(replace(each, extras={**each.extras, **said}) for each in self.sources))

    def subset(self, max_frames: int | None, seed: int = 0) -> Dataset:
        """At most `max_frames` frames, drawn at random without replacement, in their original order.

        Raises InputError if `max_frames` is below 1 or `seed` is below 0.
        """
        if seed < 0:
            raise InputError(f"seed is {seed}; give at least 0.")
        if max_frames is not None and max_frames < 1:
            raise InputError(f"max_frames is {max_frames}; give at least 1.")
        if max_frames is None:
            return self
        chosen = replace(self, choice=self.choice._replace(max_frames=max_frames, seed=seed))
        if max_frames >= self.n_frames:
            return chosen
        return chosen._chosen(random_rows([frames.n_frames for frames in self.sources], max_frames, seed))

    def split(self, val_fraction: float, hold_out: HoldOut = "each_protein") -> tuple[Dataset, Dataset | None]:
        """Split into training frames and held-out frames.

        Frames that are close in time are similar, so the held-out frames are the contiguous end of each protein in each
        source: `round(val_fraction * n)` of its n frames, at least one and never all. A protein with a single frame
        stays in training.

        The second part is None if `val_fraction` is 0 or no protein has two frames. Raises InputError for a fraction
        outside [0, 1) and for an unknown `hold_out`.

        With `hold_out` "last_rows", the end of the whole set is held out, and `round((1 - val_fraction) * n)` of its n
        frames stay in training; if `subset` has drawn frames, held-out frames are drawn at random.
        """
        if not 0 <= val_fraction < 1:
            raise InputError(f"val_fraction is {val_fraction}; give a number from 0 to below 1.")
        if hold_out not in get_args(HoldOut):
            raise InputError(f"hold_out is {hold_out!r:.40}; give one of {', '.join(get_args(HoldOut))}.")
        if val_fraction == 0:
            return self, None
        if hold_out == "last_rows":
            drawn = self.choice.max_frames == self.n_frames  # a smaller set was not subsampled
            seed = self.choice.seed if drawn else None
            held = held_out_rows([frames.n_frames for frames in self.sources], val_fraction, seed)
        else:
            held = [held_out(frames, val_fraction) for frames in self.sources]
        chosen = replace(self, choice=self.choice._replace(val_fraction=val_fraction, hold_out=hold_out))
        if not any(mask.any() for mask in held):
            return chosen, None
        train = chosen._chosen([np.flatnonzero(~mask) for mask in held])
        return train, chosen._chosen([np.flatnonzero(mask) for mask in held])

    def select(self, rows: Int[np.ndarray, " rows"]) -> Dataset:
        """The frames with these numbers, counted over all sources, in time order; sources without any are left out."""
        return self._chosen(by_source(np.sort(rows), [frames.n_frames for frames in self.sources]))

    def segments(self, blocks: int = 1) -> list[Segment]:
        """Runs of consecutive frames: the frames of each protein in each source, divided into min(blocks, n) nearly
        equal parts.

        Raises InputError if `blocks` is below 1.
        """
        return cut_segments(self.sources, blocks)

    def frame_ranges(self) -> dict[str, list[list[int]]]:
        """Ranges [start, stop) of the frames of each source, by name, numbered as in the file (from 0)."""
        return {frames.source: number_ranges(frames.frame_numbers).tolist() for frames in self.sources}

    def join(self) -> Batch:
        """All frames in memory, padded with zeros to the largest number of beads."""
        shape = (self.n_frames, self.n_beads)
        dtype = np.result_type(*(frames.store.dtype for frames in self.sources))
        batch = Batch(
            R=np.zeros((*shape, 3), dtype),
            F=np.zeros((*shape, 3), dtype),
            mask=np.zeros(shape, dtype),
            species=np.zeros(shape, np.int32),
        )
        offset = 0
        for frames in self.sources:
            beads = slice(0, frames.n_beads)
            for block in row_blocks(frames.n_frames, frames.n_beads):
                out = slice(offset + block.start, offset + block.stop)
                batch.R[out, beads], batch.F[out, beads] = frames.load(block)
                batch.mask[out, beads] = real_mask(frames.lengths[block], frames.n_beads)
                species = frames.species(block)
                if species is not None:
                    batch.species[out, beads] = species
            offset += frames.n_frames
        return batch

    def sites(self) -> np.ndarray | None:
        """Sites of the beads of all frames, padded as in `join`, (frames, beads) int32: beads whose sites differ by 1
        are bonded (see `cgcore.data.chains`). None if every frame is one chain without gaps."""
        if all(frames.sites is None for frames in self.sources):
            return None
        sites = np.zeros((self.n_frames, self.n_beads), np.int32)
        offset = 0
        for frames in self.sources:
            rows = np.stack([frames.sites_of(label) for label in range(len(frames.protein_names))])
            sites[offset : offset + frames.n_frames, : frames.n_beads] = rows[frames.protein]
            offset += frames.n_frames
        return sites

    def weights(self) -> np.ndarray | None:
        """Weights of all beads in the loss, padded as in `join`, (frames, beads); None if all are 1."""
        if all(frames.weights is None for frames in self.sources):
            return None
        weights = np.zeros((self.n_frames, self.n_beads))
        offset = 0
        for frames in self.sources:
            own = frames.weights_of(slice(None))
            weights[offset : offset + frames.n_frames, : frames.n_beads] = 1.0 if own is None else own
            offset += frames.n_frames
        return weights

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write all frames as one NPZ in Å and kcal/mol/Å, block by block; see `cgcore.data.writing`.

        Raises InputError if the file cannot be written.
        """
        from cgcore.data.writing import write_npz

        write_npz(path, self)

    def _chosen(self, rows: list[np.ndarray]) -> Dataset:
        """The data set with these rows of each source; sources without rows are left out."""
        pairs = zip(self.sources, rows, strict=True)
        return replace(self, sources=tuple(frames.select(chosen) for frames, chosen in pairs if len(chosen)))
