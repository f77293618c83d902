"""Folders of checkpoints: which is used, what is kept in it and read back, and that Ctrl-C does not damage it."""

from __future__ import annotations

import inspect
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import numpy as np

from cgcore.pipeline import checkpoints
from cgcore.pipeline.checkpoints import Checkpoint, Checkpoints, holds_checkpoints, next_free
from cgcore.pipeline.resumable import opened
from validation.check import Row, check, equal, refusal
from validation.context import Context
from validation.resuming import numbers_in


@check("checkpoint-folders", quick=True, needs=("orbax.checkpoint",))
def checkpoint_folders(context: Context) -> Iterator[Row]:
    """The folder that a training uses and resumes from, arrays that are read back, and delayed interruptions."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _opened(Path(folder))
        yield from _folders(Path(folder))
    yield from _interrupted()


def _opened(folder: Path) -> Iterator[Row]:
    """The folder that gets checkpoints, and the checkpoint to resume from, for each way to ask for them."""
    here, other, none = (str(folder / name) for name in ("here", "other", "none"))
    for place in (here, other):
        Path(place).mkdir()
    found, own = Checkpoint({}, {"a": 1}), cast(Any, inspect.unwrap(opened))
    for given, resume, held, known in (
        (None, None, False, "None None"),
        (None, "auto", False, "no folder of checkpoints is given"),
        (here, None, False, "here None"),
        (here, None, True, "holds checkpoints of an earlier run"),
        (here, "auto", False, "here None"),
        (here, "auto", True, "here found"),
        (none, "auto", False, "none None"),
        (here, other, True, "other found"),
        (None, other, True, "other found"),
        (here, other, False, "other: holds no checkpoint"),
        (here, none, True, "no such folder"),
    ):

        @contextmanager
        def kept(at: str, held: bool = held) -> Iterator[Any]:
            yield SimpleNamespace(folder=Path(at).name, latest=lambda: found if held else None)

        def work(given: str | None = given, resume: str | None = resume, kept: Any = kept) -> Any:
            with mock.patch.dict(own.__globals__, Checkpoints=kept), opened(given, resume) as made:
                return made

        said = refusal(work)
        if said is None:
            made = work()
            said = f"{made.checkpoints and made.checkpoints.folder} {'found' if made.found is found else made.found}"
        at = f"checkpoints in {given and Path(given).name}, resuming {Path(resume).name if resume else None}, {held}"
        yield equal(at, known if known in said else said, known)


def _folders(folder: Path) -> Iterator[Row]:
    """Folders with checkpoints and without, and arrays of all forms that a checkpoint gives back."""
    run = folder / "run"
    made = [(run, "5", True), (folder / "run-2", "12", True), (folder / "run-3", "notes", False)]
    for place, name, _ in made:
        (place / name).mkdir(parents=True)
    (folder / "run-3" / "7").write_text("a file")
    for place, name, known in (*made, (folder / "run-4", "nothing", False)):
        yield equal(f"a folder with {name}, whether it holds checkpoints", holds_checkpoints(place), known)
    for given, known in ((f"{run}", "run-3"), (f"{run}/", "run-3"), (f"{folder / 'new'}", "new")):
        yield equal(f"the first folder without checkpoints after {given[-4:]}", Path(next_free(given)).name, known)
    arrays = {"none": np.zeros((0, 3), np.float32), "one": np.array(2.5), "some": np.arange(6, dtype=np.int32)}
    with Checkpoints(folder / "kept") as kept:
        yield equal("a new folder, its checkpoint", str(kept.latest()), "None")
        for number in range(4):
            kept.save({**arrays, "one": np.array(2.5 + number)}, {"number": number, "loss": np.nan})
        found = kept.latest()
        assert found is not None
        told = {name: (x.dtype.str, x.shape, x.tolist()) for name, x in sorted(found.arrays.items())}
        known = {name: (x.dtype.str, x.shape, x.tolist()) for name, x in (arrays | {"one": np.array(5.5)}).items()}
        yield equal("a checkpoint's arrays", str(told), str(known))
        yield equal("a checkpoint's record", str(found.record), str({"number": 3, "loss": None}))
    yield equal("checkpoints that are kept", str(numbers_in(folder / "kept")), "[3, 4]")
    said = checkpoints.damaged(Path("f"), 4, 3), checkpoints.damaged(Path("f"), 1)
    yield equal(
        "a damaged checkpoint, beside another", "remove f/4 to continue from checkpoint 3, or" in str(said[0]), True
    )
    yield equal("a damaged checkpoint, alone", "remove" in str(said[1]), False)


def _interrupted() -> Iterator[Row]:
    """Ctrl-C within a part that must not be interrupted: it is delayed, and not lost."""
    before, order = signal.getsignal(signal.SIGINT), list[str]()
    if signal.getsignal(signal.SIGINT) is None:
        return
    try:
        signal.signal(signal.SIGINT, lambda *_: order.append("handled"))
        mine = signal.getsignal(signal.SIGINT)
        with checkpoints._uninterrupted():
            signal.raise_signal(signal.SIGINT)
            order.append("done")
        yield equal("Ctrl-C, what happens", str(order), str(["done", "handled"]))
        yield equal("Ctrl-C, the handler is put back", signal.getsignal(signal.SIGINT) is mine, True)
        order.clear()
        with checkpoints._uninterrupted():
            order.append("done")
        yield equal("no Ctrl-C, what happens", str(order), str(["done"]))
    finally:
        signal.signal(signal.SIGINT, before)
