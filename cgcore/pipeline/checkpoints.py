"""Checkpoints with orbax: each is written completely or not at all, and the newest two are kept."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from cgcore.errors import InputError
from cgcore.files import check_writable
from cgcore.serialize import to_json

FORMAT = "cgcore checkpoint 2"
KEPT = 2


class Checkpoint(NamedTuple):
    """Arrays by name, and a record of plain values."""

    arrays: dict[str, np.ndarray]
    record: dict[str, Any]


class Checkpoints:
    """The checkpoints in a folder, as a context manager.

    Arguments:
        folder: folder of the checkpoints, created if it is missing. Of several processes, only the first uses it.

    Raises:
        InputError: orbax is not installed, or the folder cannot be read or written.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        ocp = _orbax()
        check_writable(self.folder / "checkpoint")
        # Synchronous: when a save returns, the checkpoint is complete.
        options = ocp.CheckpointManagerOptions(
            max_to_keep=KEPT,
            enable_async_checkpointing=False,
            cleanup_tmp_directories=True,
            create=False,
            # Only this process: orbax would otherwise wait for all others.
            multiprocessing_options=ocp.options.MultiprocessingOptions(active_processes={0}),
        )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._manager = ocp.CheckpointManager(self.folder.absolute(), options=options)
        except Exception as error:
            raise InputError(f"{folder}: cannot be opened as a folder of checkpoints; choose another one") from error

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        # If there is already another error, that is the one to report.
        with _uninterrupted(), nullcontext() if kind is None else suppress(Exception):
            self._manager.close()

    def save(self, arrays: dict[str, np.ndarray], record: dict[str, Any]) -> None:
        """Add a checkpoint. The record contains plain values and arrays; arrays are read back as lists.

        Ctrl-C is delayed until it is complete: if orbax is interrupted, it leaves threads that print tracebacks.

        Raises:
            InputError: the checkpoint cannot be written.
        """
        args = _orbax().args
        arrays = {name: np.asarray(array) for name, array in arrays.items()}
        form = {name: [str(array.dtype), *array.shape] for name, array in arrays.items()}
        # orbax cannot store empty arrays; their form is sufficient to restore them.
        kept = {name: array for name, array in arrays.items() if array.size}
        plain = json.loads(to_json({"format": FORMAT, "arrays": form, "record": record}))
        number = (self._manager.latest_step() or 0) + 1
        with _uninterrupted():
            try:
                self._manager.save(
                    number, args=args.Composite(arrays=args.StandardSave(kept), record=args.JsonSave(plain)), force=True
                )
            except OSError as error:
                reason = error.strerror or str(error)
                raise InputError(
                    f"{self.folder}: checkpoint {number} cannot be written ({reason}); make room, or choose a folder "
                    "that is writable"
                ) from error

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint; None if there is none.

        Raises:
            InputError: it is damaged, or was not written by cgcore.
        """
        steps = sorted(self._manager.all_steps())
        if not steps:
            return None
        step, args = steps[-1], _orbax().args
        try:
            stored = self._manager.restore(step, args=args.Composite(record=args.JsonRestore())).record
            form, record = (stored["arrays"], stored["record"]) if stored["format"] == FORMAT else (None, None)
            if form is not None and isinstance(record, dict):
                like = {name: np.zeros(shape, dtype) for name, (dtype, *shape) in form.items()}
                kept = {name: array for name, array in like.items() if array.size}
                arrays = self._manager.restore(step, args=args.Composite(arrays=args.StandardRestore(kept))).arrays
                return Checkpoint(like | {name: np.asarray(array) for name, array in arrays.items()}, record)
        except Exception as error:  # orbax and its back ends raise arbitrary errors for damaged files
            raise damaged(self.folder, step, steps[-2] if len(steps) > 1 else None) from error
        raise InputError(
            f"{self.folder}: checkpoint {step} was not written by this version of cgcore; start anew without --resume"
        )


def holds_checkpoints(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder contains checkpoints."""
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.isdigit() and entry.is_dir() for entry in entries)
    except OSError:
        return False


def next_free(folder: str) -> str:
    """The folder or, if it contains checkpoints, the first of folder-2, folder-3, ... that contains none."""
    names = itertools.chain([folder], (f"{folder.rstrip(os.sep)}-{number}" for number in itertools.count(2)))
    return next(name for name in names if not holds_checkpoints(name))


def damaged(folder: Path, step: int, previous: int | None = None) -> InputError:
    """The error for a checkpoint that cannot be read."""
    remedy = "start anew without --resume"
    if previous is not None:
        remedy = f"remove {folder / str(step)} to continue from checkpoint {previous}, or {remedy}"
    return InputError(f"{folder}: checkpoint {step} is damaged; {remedy}")


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A context in which Ctrl-C is delayed until the end."""
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers, and a handler that is not Python's could not be restored
        return
    met: list[tuple[int, Any]] = []
    signal.signal(signal.SIGINT, lambda number, frame: met.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if met and callable(before):
        before(*met[0])


def _orbax() -> Any:
    try:
        import orbax.checkpoint as ocp
    except ImportError:
        raise InputError("checkpoints need orbax, which is not installed; pip install 'cgcore[train]'") from None
    return ocp
