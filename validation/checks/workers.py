"""The processes of a cluster: how many are started, what is handed to them, and what is said when they fail."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack
from importlib.metadata import version
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np

import cgcore
from cgcore import InputError
from cgcore.cluster import clear, connected, connection, on_workers, workers
from cgcore.cluster.parcel import Parcel
from cgcore.cluster.parts import keeping
from cgcore.data.batches import Piece, all_cuts, pieces_of
from cgcore.factor.execution import in_order
from cgcore.factor.histogram import Histograms
from cgcore.factor.work import Part, Work
from cgcore.physics.space import free
from validation.check import Row, check, equal, refusal, says
from validation.context import Context

FRAMES = 12
WHERE = "tcp://10.0.0.1:40001"
"""Address of a worker that is made up."""


@check("workers", quick=True, needs=("distributed",))
def workers_of(context: Context) -> Iterator[Row]:
    """Numbers of processes, pieces that are handed out, their order and size, and failures, without any process."""
    batch = context.some(FRAMES).join()
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    yield from _ordered()
    yield from _addresses()
    yield from _started()
    yield from _failures()
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "frames.npz"
        np.savez(file, R=R, F=F, frame_weights=np.arange(1.0, FRAMES + 1))
        stored, loaded = cgcore.read(file, accept_faults=True), cgcore.from_arrays(R, F, accept_faults=True)
        yield from _handed_out(_pieces(loaded))
        yield from _parcels(_pieces(stored)[0], _pieces(loaded)[0], file)
        yield from _kept(Path(name), _pieces(loaded))


def _pieces(data: cgcore.Dataset) -> list[Piece]:
    """Three pieces, one for each block."""
    return list(pieces_of(all_cuts(data, data.segments(3), 2)))


def _made(number: int) -> Part:
    return Part(np.full((2, 2), float(number)), Histograms.empty(), number)


def _work() -> Work:
    return Work(cgcore.Fingerprint.of(cgcore.default_prior().part(["bond"])), None, free, None, 1.0)


def _ordered() -> Iterator[Row]:
    """Parts that arrive in any order, each of which is passed on as soon as those before it are."""
    for order in permutations(range(3)):
        arrived, passed = 0, []

        def coming(order: tuple[int, ...] = order) -> Iterator[tuple[int, Part]]:
            nonlocal arrived
            for number in order:
                arrived += 1
                yield number, _made(number)

        for part in in_order(coming()):
            passed.append((part.frames, arrived))
        known = [(k, max(order.index(one) for one in range(k + 1)) + 1) for k in range(3)]
        yield equal(f"parts {order}, each with the number that had arrived", str(passed), str(known))


def _addresses() -> Iterator[Row]:
    """Places that are no scheduler."""
    range_ = "is not a number of processes from 1 to 512"
    for where in ("local", "local:", "local:0", "local:-1", "local:1.5", "local:513", "local:9999999999", "local:2 "):
        yield says(f"scheduler '{where}'", lambda where=where: _enter(where), range_)
    yield says("scheduler file that is missing", lambda: _enter("missing/scheduler.json"), "no such file")
    with tempfile.TemporaryDirectory() as name:
        file = str(Path(name) / "scheduler.json")
        Path(file).write_text("{}", encoding="utf-8")
        yield equal("scheduler file", str(connection._target(file)), str({"scheduler_file": file}))
    yield equal("scheduler address", str(connection._target(WHERE)), str({"address": WHERE}))


def _enter(where: str) -> None:
    with connected(where):
        pass


def _started() -> Iterator[Row]:
    """Processes that are started here: as many as given, with one thread each, and the given environment."""
    for count in (1, 3, 512):
        with patch("distributed.LocalCluster") as cluster, ExitStack() as stack:
            found = connection._started(stack, f"local:{count}", {"A": "b"})
            given = cluster.call_args.kwargs
            held = cluster.return_value.__enter__.called
        yield equal(f"{count} processes, started", given["n_workers"], count)
        said = given["threads_per_worker"], given["processes"], given["memory_limit"], given["env"]
        yield equal(f"{count} processes, settings", str(said), str((1, True, None, {"A": "b"})))
        ours = found["address"] is cluster.return_value, held, cluster.return_value.__exit__.called
        yield equal(f"{count} processes, connected and ended", str(ours), str((True, True, True)))


class _Future:
    """A task that is done: a part, or a failure."""

    def __init__(self, value: Any) -> None:
        self.value, self.released = value, False

    def result(self) -> Any:
        if isinstance(self.value, BaseException):
            raise self.value
        return self.value

    def release(self) -> None:
        self.released = True


def _failures() -> Iterator[Row]:
    """What a user is told when a task fails."""
    from distributed.scheduler import KilledWorker

    killed = KilledWorker("part", SimpleNamespace(address=WHERE), 3)  # type: ignore[arg-type]
    cases: tuple[tuple[str, BaseException, str], ...] = (
        ("lost workers", killed, "was lost with each worker that had it"),
        ("cancelled", CancelledError(), "the scheduler is gone"),
        ("no connection", OSError("reset"), "the scheduler is gone"),
        ("another error", ValueError("two\n words"), "a worker failed (ValueError: two words)"),
    )
    for case, error, words in cases:
        yield says(f"a task that ends with {case}", lambda error=error: workers._result(_Future(error)), words)
    refused = refusal(lambda: workers._result(_Future(InputError("a.npz: is broken"))))
    yield equal("a task that ends with refused input", str(refused), "a.npz: is broken")
    part = _made(5)
    yield equal("a task that ends well", workers._result(_Future(part)) is part, True)


class _Client:
    """A client whose tasks are done at once, and which counts those that are handed out and not yet taken."""

    def __init__(self) -> None:
        self.loop, self.futures, self.waiting, self.most = None, [], deque(), 0

    def submit(self, call: Any, *given: Any, key: str) -> _Future:
        number = int(key.rpartition("-")[2]) if key.startswith("cgcore-part") else -1
        self.futures.append(_Future(_made(number)))
        return self.futures[-1]

    def add(self, future: _Future) -> None:
        self.waiting.append(future)
        self.most = max(self.most, len(self.waiting))

    def __next__(self) -> _Future:
        return self.waiting.pop()  # the last one first


def _handed_out(pieces: list[Piece]) -> Iterator[Row]:
    """How many pieces are handed out at a time: at most a number, and at most a size, which a single one may exceed."""
    size = Parcel.of(pieces[0]).nbytes
    for ahead, amount, most in ((1000, 2**27, 3), (2, 2**27, 2), (1000, 1, 1), (1000, size + 1, 2), (1000, size, 1)):
        client: Any = _Client()
        with (
            patch("distributed.as_completed", lambda loop, client=client: client),
            patch.object(workers, "AHEAD", ahead),
            patch.object(workers, "BYTES_AHEAD", amount),
        ):
            found = [(number, part.frames) for number, part in on_workers(client)(_work(), pieces)]
        case = f"at most {ahead} pieces, {amount} bytes"
        yield equal(f"{case}, handed out", client.most, most)
        yield equal(f"{case}, parts", str(sorted(found)), str([(k, k) for k in range(3)]))
        yield equal(f"{case}, what all share is released", client.futures[0].released, True)
    client = _Client()
    with patch("distributed.as_completed", lambda loop: client):
        taken: Any = on_workers(client)(_work(), pieces)
        next(taken)
        taken.close()
    released = [one.released for one in client.futures]
    yield equal("stopped after the first part, released", str(released), str([True, True, True, False]))


def _parcels(stored: Piece, loaded: Piece, file: Path) -> Iterator[Row]:
    """Sizes of parcels, and workers that do not see the files or have another version."""
    here, sent = Parcel.of(loaded), Parcel.of(stored)
    count = sum(here.counts)
    yield equal("frames in memory, bytes", here.nbytes, 2 * 8 * count * 30)
    yield equal("frames in a file, bytes of their weights", sent.nbytes, 8 * count * 10)
    yield equal("a file that is there", refusal(lambda: sent.require_files(WHERE)) is None, True)
    with patch("distributed.get_worker", lambda: SimpleNamespace(address=WHERE)):
        old = f"worker {WHERE} has cgcore {version('cgcore')}, but this process has 0.0"
        yield says("a worker of another version", lambda: workers._part(_work(), sent, "0.0"), old)
        moved = file.rename(file.with_suffix(".moved"))
        missing = f"{file}: does not exist on worker {WHERE}"
        yield says("a file that is not there", lambda: workers._part(_work(), sent, version("cgcore")), missing)
        yield equal("frames in memory need no file", refusal(lambda: here.require_files(WHERE)) is None, True)
    moved.rename(file)


def _kept(folder: Path, pieces: list[Piece]) -> Iterator[Row]:
    """Parts in a folder: a part that changes while in use is refused, and only parts are removed."""
    kept = keeping(folder / "parts", lambda work, own: ((k, _made(k + 1)) for k in range(len(own))))
    frames = [part.frames for _, part in kept(_work(), pieces)]
    yield equal("parts kept, made", str(frames), str([1, 2, 3]))
    again = [(number, part.frames) for number, part in kept(_work(), pieces)]
    yield equal("parts kept, read", str(again), str([(0, 1), (1, 2), (2, 3)]))
    yield from _made_again(folder / "parts", pieces)
    found: Any = kept(_work(), pieces)
    next(found)
    files = sorted((folder / "parts").rglob("*.npz"))
    for file in files:
        file.write_bytes(b"")
    yield says("a part that changes while in use", lambda: next(found), "was changed while it was in use")
    other = folder / "parts" / files[0].parent.name / "mine.npz"
    other.write_bytes(b"")
    clear(folder / "parts")
    left = [path.name for path in (folder / "parts").rglob("*") if path.is_file()]
    yield equal("parts removed, what is left", str(left), str(["mine.npz"]))
    other.unlink()
    clear(folder / "parts")
    yield equal("parts removed, the folder", (folder / "parts").exists(), False)
    clear(folder / "parts")  # a folder that does not exist is as good as an empty one


def _made_again(folder: Path, pieces: list[Piece]) -> Iterator[Row]:
    """A kept part is made again if anything in its file was changed, and read if it is only written anew."""
    made: list[int] = []

    def execute(work: Work, own: Sequence[Piece]) -> Iterator[tuple[int, Part]]:
        made.append(len(own))
        return ((k, _made(7)) for k in range(len(own)))

    first, *others = sorted(folder.rglob("*.npz"))
    with np.load(first, allow_pickle=False) as stored:
        arrays = {**stored}
    counts = next(name for name in arrays if name.startswith("counts"))
    cases: dict[str, dict[str, np.ndarray]] = {
        "nothing": {},
        "its matrix": {"matrix": arrays["matrix"] * (1 + 1e-15 * np.eye(2))},
        "its number of frames": {"frames": arrays["frames"] + 1},
        "a count": {counts: arrays[counts] + (np.arange(arrays[counts].size) == 3).reshape(arrays[counts].shape)},
        "its key": {"key": np.array("0" * 64)},
    }
    for case, change in cases.items():
        np.savez(first, allow_pickle=False, **arrays | change)
        made.clear()
        list(keeping(folder, execute)(_work(), pieces))
        yield equal(f"parts kept, changed: {case}, made again", str(made), str([int(case != "nothing")]))
        np.savez(first, allow_pickle=False, **arrays)
    first.write_bytes(others[0].read_bytes())
    made.clear()
    list(keeping(folder, execute)(_work(), pieces))
    yield equal("parts kept, one in place of another, made again", str(made), "[1]")
    np.savez(first, allow_pickle=False, **arrays)
