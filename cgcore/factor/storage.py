"""Factors in files: an NPZ of plain arrays, small and safe to load."""

from __future__ import annotations

import io
import json
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile

import numpy as np

from cgcore.errors import InputError
from cgcore.factor.closest import EDGES as CLOSEST_EDGES
from cgcore.factor.closest import PAIR_TERMS, ClosestPairs
from cgcore.factor.factor import Block, Factor
from cgcore.factor.fingerprint import Fingerprint
from cgcore.factor.histogram import EDGES, Histograms
from cgcore.files import atomic_write

FORMAT = "cgcore factor 2"

UNREADABLE = (OSError, ValueError, TypeError, EOFError, KeyError, SyntaxError, TokenError, BadZipFile, zlib.error)
"""What NumPy and zipfile raise where a file is damaged; a broken array header is a TokenError since Python 3.12."""


def save_factor(path: str | Path, factor: Factor) -> None:
    """Write a factor to `path`, atomically.

    Raises:
        InputError: the file can't be written.
    """
    arrays: dict[str, Any] = {
        "format": np.array(FORMAT),
        "fingerprint": np.array(json.dumps(factor.fingerprint.as_dict())),
        "S": np.stack([block.S for block in factor.blocks]),
        "beads": np.array([block.beads for block in factor.blocks], np.int64),
        "frames": np.array([block.frames for block in factor.blocks], np.int64),
        "index": np.array([block.index for block in factor.blocks], np.int64),
        "source": np.array([block.source for block in factor.blocks]),
        "protein": np.array([block.protein for block in factor.blocks]),
    }
    arrays |= {f"histogram_{name}": counts for name, counts in factor.histograms.counts.items()}
    arrays |= {f"closest_{name}": counts for name, counts in factor.closest.counts.items()}
    arrays["temperatures"] = np.array(factor.temperatures, np.float64)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    atomic_write(path, buffer.getvalue())


def is_factor(path: str | Path) -> bool:
    """Whether the file at `path` is a factor, and not frames or something else."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return "format" in archive and str(archive["format"]) == FORMAT
    except UNREADABLE:
        return False


def load_factor(path: str | Path) -> Factor:
    """Read a factor; nothing is unpickled.

    Raises:
        InputError: no such file, not a factor, or a damaged one.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; give a factor made by `cgcore compress`") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: is a folder; give the file of a factor") from error
    except UNREADABLE as error:
        raise InputError(f"{path}: not a factor, or a damaged one; make it by `cgcore compress`") from error
    if str(arrays.get("format")) != FORMAT:
        raise InputError(f"{path}: not a factor of this version of cgcore; make it by `cgcore compress`")
    try:
        return _factor(arrays)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: a damaged factor ({error}); make it again by `cgcore compress`") from error


def _factor(arrays: dict[str, np.ndarray]) -> Factor:
    fingerprint = Fingerprint.from_dict(json.loads(str(arrays["fingerprint"])))
    S = arrays["S"]
    size = fingerprint.layout.size + 1
    if S.dtype != np.float64 or S.shape[1:] != (size, size) or not np.isfinite(S).all():
        raise ValueError(f"S has dtype {S.dtype} and shape {S.shape}, or is not finite")
    columns = [arrays[name] for name in ("beads", "frames", "source", "protein", "index")]
    blocks = tuple(
        Block(block, int(beads), int(frames), str(source), str(protein), int(index))
        for block, beads, frames, source, protein, index in zip(S, *columns, strict=True)
    )
    if not blocks:
        raise ValueError("it has no blocks")
    if any(min(block.beads, block.frames, block.index) < 0 for block in blocks):
        raise ValueError("a count is negative")
    counts = {name: arrays[f"histogram_{name}"] for name in EDGES}
    if any(counts[name].shape != (len(edges) - 1,) for name, edges in EDGES.items()):
        raise ValueError("a histogram has another number of bins")
    closest = {name: arrays[f"closest_{name}"] for name in PAIR_TERMS}
    if any(found.shape != (len(CLOSEST_EDGES) - 1,) for found in closest.values()):
        raise ValueError("a histogram of closest pairs has another number of bins")
    temperatures = tuple(arrays["temperatures"].tolist())
    return Factor(blocks, fingerprint, Histograms(counts), ClosestPairs(closest), temperatures)
