"""Writing frames to an NPZ that all commands can read without loading it: uncompressed, and written in blocks.

Chains wrapped into a box are written whole, positions in Å, and forces in kcal/mol/Å. The dtype is that of the frames
as read, so that the new file gives identical numbers.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from cgcore.data.blocks import real_mask, row_blocks
from cgcore.data.frames import Frames
from cgcore.data.npz import STRUCTURE_LIMIT
from cgcore.data.residues import TABLES, UNKNOWN, three_letters
from cgcore.data.units import energy_factor
from cgcore.errors import InputError
from cgcore.files import atomic_path

if TYPE_CHECKING:
    from cgcore.data.dataset import Dataset

Block = Callable[[Frames, slice], np.ndarray]
"""A function that returns the values of an array for a block of rows of a source, as wide as the source."""

PER_FRAME = ("temperature", "U")
"""Extras that are kept; they have a number for each frame, or one for all."""


def write_npz(path: str | os.PathLike[str], dataset: Dataset, forces: Block | None = None) -> None:
    """Write all frames of all sources as one NPZ, completely or not at all.

    It contains R and F (frames, beads, 3); species, if every source has them; mask, if there is padding; resid, if a
    chain has gaps or there are several (see `cgcore.data.chains`); resname, if sequences are known; bead_weights, if a
    source has weights; temperature and U, if every source has them. `forces` replaces F, in float64.

    Raises:
        InputError: the file cannot be written, or a source can no longer be read.
    """
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for writer in _members(dataset, forces):
            writer(archive)


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as an NPZ, completely or not at all; equal arrays give identical files.

    Raises:
        InputError: the file cannot be written.
    """
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for key, array in arrays.items():
            _write(archive, key, array.dtype, array.shape, iter([array]))


def _members(dataset: Dataset, forces: Block | None) -> Iterator[Callable[[zipfile.ZipFile], None]]:
    """A function for each array that writes it to the archive."""
    sources, n, width = dataset.sources, dataset.n_frames, dataset.n_beads
    dtype = np.result_type(*(frames.store.dtype for frames in sources))

    def blocks(key: str, dtype: np.dtype, tail: tuple[int, ...], of: Block) -> Callable[[zipfile.ZipFile], None]:
        return lambda archive: _write(archive, key, dtype, (n, width, *tail), _rows(dataset, dtype, tail, of))

    def whole(key: str, array: np.ndarray) -> Callable[[zipfile.ZipFile], None]:
        return lambda archive: _write(archive, key, array.dtype, array.shape, iter([array]))

    def rows_of(key: str, dtype: np.dtype, rows: list[np.ndarray]) -> Iterator[Callable[[zipfile.ZipFile], None]]:
        """Write the row of each protein; a single row if all are equal."""
        if all(len(own) == 1 and np.array_equal(own, rows[0]) for own in rows):
            yield whole(key, rows[0][0].astype(dtype))
        elif n * width * dtype.itemsize <= STRUCTURE_LIMIT:  # a larger array would not be read again
            of = {id(frames): own for frames, own in zip(sources, rows, strict=True)}
            yield blocks(key, dtype, (), lambda frames, rows: of[id(frames)][frames.protein[rows]])
        elif key == "resid":
            raise InputError(
                f"{dataset.path}: there are too many frames of proteins with gaps for one file; write "
                "each source to its own NPZ"
            )

    yield blocks("R", dtype, (3,), Frames.positions)
    yield blocks("F", dtype if forces is None else np.dtype(np.float64), (3,), forces or Frames.forces)
    if all(frames.store.species is not None for frames in sources):
        # The mask distinguishes padding from species 0.
        yield blocks("species", np.dtype(np.int32), (), lambda frames, rows: _species(frames, rows))
    if any((frames.lengths < width).any() for frames in sources):
        yield blocks("mask", np.dtype(np.uint8), (), lambda f, rows: real_mask(f.lengths[rows], f.n_beads))
    if any(frames.sites is not None for frames in sources):
        yield from rows_of("resid", np.dtype(np.int32), [_sites(frames) for frames in sources])
    if any(frames.weights is not None for frames in sources):
        yield blocks("bead_weights", np.dtype(np.float64), (), _weights)
    names = [_residue_names(frames) for frames in sources]
    if any((rows != UNKNOWN.encode()).any() for rows in names):
        yield from rows_of("resname", np.dtype("S4"), names)
    tables = [{key: frames.extras[key] for key in TABLES if key in frames.extras} for frames in sources]
    if len(sources) == 1:
        for key, table in tables[0].items():
            yield whole(key, table)
    for key in PER_FRAME:
        if (values := _per_frame(dataset, key)) is not None:
            yield whole(key, values)


def _write(
    archive: zipfile.ZipFile, key: str, dtype: np.dtype, shape: tuple[int, ...], rows: Iterator[np.ndarray]
) -> None:
    """Write an array as a member of the archive, block by block."""
    info = zipfile.ZipInfo(f"{key}.npy")  # without a date, so that equal data give identical files
    with archive.open(info, "w", force_zip64=True) as member:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(member, header)
        for block in rows:
            member.write(np.ascontiguousarray(block, dtype).data)


def _rows(dataset: Dataset, dtype: np.dtype, tail: tuple[int, ...], of: Block) -> Iterator[np.ndarray]:
    """Blocks of all sources, padded with zeros to the same width."""
    for frames in dataset.sources:
        for rows in row_blocks(frames.n_frames, frames.n_beads):
            block = np.asarray(of(frames, rows), dtype)
            if frames.n_beads == dataset.n_beads:
                yield block
            else:
                padded = np.zeros((len(block), dataset.n_beads, *tail), dtype)
                padded[:, : frames.n_beads] = block
                yield padded


def _species(frames: Frames, rows: slice) -> np.ndarray:
    species = frames.species(rows)
    assert species is not None
    return species


def _weights(frames: Frames, rows: slice) -> np.ndarray:
    weights = frames.weights_of(rows)
    return np.ones((len(frames.lengths[rows]), frames.n_beads)) if weights is None else weights


def _sites(frames: Frames) -> np.ndarray:
    """Sites (proteins, beads), counted from 1 like residues."""
    return np.stack([frames.sites_of(label) for label in range(len(frames.protein_names))]) + 1


def _residue_names(frames: Frames) -> np.ndarray:
    """Residue names (proteins, beads) of at most four letters: those of the file, else codes from the sequence."""
    said, names = frames.extras.get("resname"), frames.protein_names
    if said is not None and said.dtype.kind in "US" and said.shape == (frames.n_beads,) and len(names) == 1:
        text = said if said.dtype.kind == "S" else np.char.encode(said.astype("U4"), "ascii", "replace")
        return text.astype("S4")[None]
    rows = []
    for label, name in enumerate(names):
        own = np.flatnonzero(frames.protein == label)[:1]
        length = int(frames.lengths[own[0]]) if len(own) else frames.n_beads
        rows.append(three_letters(name, length) + ["PAD"] * (frames.n_beads - length))
    return np.array(rows, "S4")


def _per_frame(dataset: Dataset, key: str) -> np.ndarray | None:
    """One number if all frames have the same, else one for each; None if a source has none."""
    parts = []
    for frames in dataset.sources:
        said, stored = frames.extras.get(key), frames.store.R.shape[0]
        if said is None or said.dtype.kind not in "iuf" or said.size not in (1, stored):
            return None
        factor = energy_factor(frames.store.units) if key == "U" else 1.0
        every = said.reshape(-1).astype(np.float64) * factor
        parts.append(np.broadcast_to(every, frames.n_frames) if every.size == 1 else every[frames.frame_numbers])
    values = np.concatenate(parts)
    return values[:1].reshape(()) if (values == values[0]).all() else values
