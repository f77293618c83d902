"""Checkpoints with orbax: each whole or not there, the newest two kept."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cgcore.errors import InputError
from cgcore.files import check_writable
from cgcore.serialize import to_json

FORMAT = "cgcore checkpoint 1"
KEPT = 2


class Checkpoint(NamedTuple):
    """Arrays by name, and a record of plain values."""

    arrays: dict[str, np.ndarray]
    record: dict[str, Any]


class Checkpoints:
    """The checkpoints in a folder, to be used in a `with` block.

    Arguments:
        folder: of the checkpoints; made where it is missing.

    Raises:
        InputError: orbax is not installed, or the folder cannot be written.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        ocp = _orbax()
        check_writable(self.folder / "checkpoint")
        # Synchronous: when a save returns, the checkpoint is there.
        options = ocp.CheckpointManagerOptions(
            max_to_keep=KEPT, enable_async_checkpointing=False, cleanup_tmp_directories=True
        )
        self._manager = ocp.CheckpointManager(self.folder.absolute(), options=options)

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(self, *_: object) -> None:
        self._manager.close()

    def save(self, arrays: dict[str, np.ndarray], record: dict[str, Any]) -> None:
        """Add a checkpoint. The record is plain values and arrays, which come back as lists."""
        args = _orbax().args
        arrays = {name: np.asarray(array) for name, array in arrays.items()}
        form = {name: [str(array.dtype), *array.shape] for name, array in arrays.items()}
        # orbax keeps no arrays without elements; their form says all of them.
        kept = {name: array for name, array in arrays.items() if array.size}
        plain = json.loads(to_json({"format": FORMAT, "arrays": form, "record": record}))
        number = (self._manager.latest_step() or 0) + 1
        self._manager.save(
            number, args=args.Composite(arrays=args.StandardSave(kept), record=args.JsonSave(plain)), force=True
        )

    def latest(self) -> Checkpoint | None:
        """The newest one; None where there is none.

        Raises:
            InputError: it cannot be read, or another program made it.
        """
        step, args = self._manager.latest_step(), _orbax().args
        if step is None:
            return None
        try:
            stored = self._manager.restore(step, args=args.Composite(record=args.JsonRestore())).record
            if stored["format"] != FORMAT:
                raise KeyError("format")
            like = {name: np.zeros(shape, dtype) for name, (dtype, *shape) in stored["arrays"].items()}
            kept = {name: array for name, array in like.items() if array.size}
            arrays = self._manager.restore(step, args=args.Composite(arrays=args.StandardRestore(kept))).arrays
        except (KeyError, TypeError, ValueError, OSError, AttributeError) as error:
            raise InputError(
                f"{self.folder}: checkpoint {step} cannot be read; give a folder that `cgcore train` made"
            ) from error
        return Checkpoint(like | {name: np.asarray(array) for name, array in arrays.items()}, stored["record"])


def _orbax() -> Any:
    try:
        import orbax.checkpoint as ocp
    except ImportError:
        raise InputError("checkpoints need orbax, which is not installed; pip install 'cgcore[train]'") from None
    return ocp
