"""What checks of resumed runs share: a prior that compiles quickly, checksums, and checkpoints."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

import cgcore
from cgcore.physics.bases import Harmonic


def prior_of_bonds(stiff: np.ndarray, weight: float = 1.0) -> cgcore.Prior:
    """A prior whose only term is that of bonds, by species, which compiles quickly."""
    groups = cgcore.Groups.of_species("types", (0, 1))
    bond = cgcore.Term("bond", cgcore.Rows("bonds"), Harmonic(), weight=weight, groups=groups)
    return cgcore.default_prior().part([]).with_terms([bond], {"bond": stiff})


def bits(tree: Any) -> str:
    """Dtypes of the leaves of a pytree, and a checksum of their bytes."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]
    kinds = " ".join(sorted({str(leaf.dtype) for leaf in leaves}))
    return f"{kinds} {hashlib.sha256(b''.join(leaf.tobytes() for leaf in leaves)).hexdigest()[:16]}"


def without_last(loader: Any) -> Any:
    """A loader of the same file without its last frame."""
    from cgcore.pipeline import DatasetLoader

    rest, _ = loader.dataset.split(1 / loader.dataset.n_frames, "last_rows")
    return DatasetLoader(rest)


def reports_of(results: Mapping[str, Any]) -> str:
    """A checksum of what stages report, except for times."""
    timed = ("seconds", "frames_per_second")
    said = str([[stage, *((k, v) for k, v in of.items() if k not in timed)] for stage, of in results.items()])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def numbers_in(folder: Path) -> list[int]:
    """Numbers of the checkpoints in a folder."""
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())
