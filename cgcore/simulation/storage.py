"""The state of a run in a file, from which a killed run can be resumed."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from cgcore.errors import InputError
from cgcore.files.arrays import write_arrays
from cgcore.simulation.state import State

NAME = "simulation-state.npz"
FORMAT = "cgcore simulation 1"


class Saved(NamedTuple):
    """The state, the frames saved so far, and the time spent."""

    state: State
    frames: Float[np.ndarray, "replicas frames beads 3"]
    seconds: float


def save(path: Path, made_of: Mapping[str, Any], state: State, frames: np.ndarray, seconds: float) -> None:
    """Write the state of a run, completely or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    arrays = {"format": np.array(FORMAT), "made_of": np.array(json.dumps(made_of)), "frames": frames}
    arrays |= {f"state/{k}": np.asarray(leaf) for k, leaf in enumerate(jax.tree.leaves(state))}
    write_arrays(path, arrays | {"seconds": np.array(seconds)})


def load(path: str | os.PathLike[str], made_of: Mapping[str, Any], like: State) -> Saved:
    """Read a state that was saved with the same settings, model and data.

    Arguments:
        path: file written by `save`.
        made_of: settings, model and data, which must agree with those in the file.
        like: a state of this run, for its shapes.

    Raises:
        InputError: the file does not exist, is damaged, or belongs to another run.
    """
    arrays: dict[str, np.ndarray] = {}
    try:
        # Read from memory, since np.load leaves a damaged file open.
        with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        said = json.loads(str(arrays["made_of"])) if str(arrays["format"]) == FORMAT else None
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, so there is nothing to resume; leave out --resume") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        said = None
    if not isinstance(said, dict):
        raise InputError(f"{path}: is damaged, or not the state of a simulation; leave out --resume to start anew")
    for name, value in made_of.items():
        if said.get(name) != value:
            raise InputError(
                f"{path}: belongs to another run: its {name} is {said.get(name)}, here it is {value}; "
                "give the same value, or leave out --resume to start anew"
            )
    old, form = jax.tree.flatten(like)
    try:
        leaves = [arrays[f"state/{k}"] for k in range(len(old))]
        frames, seconds = arrays["frames"], float(arrays["seconds"])
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path}: is damaged; leave out --resume to start anew") from None
    # The engine's own arrays may change in length; the engine checks them itself.
    ours = len(jax.tree.leaves(like._replace(engine=())))
    if any(
        new.shape != np.shape(was) or new.dtype != was.dtype for new, was in zip(leaves[:ours], old[:ours], strict=True)
    ):
        raise InputError(f"{path}: belongs to another version of cgcore; leave out --resume to start anew")
    return Saved(jax.tree.unflatten(form, leaves), frames, seconds)
