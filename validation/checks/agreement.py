"""What several processes of one program share, played by one process after another."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from cgcore import processes
from cgcore.pipeline import resumable
from cgcore.pipeline.checkpoints import Checkpoint
from cgcore.simulation import run, storage
from cgcore.simulation.state import State, no_tally
from validation.check import Row, check, equal, refusal
from validation.context import Context

COUNT = 3
TEXTS: dict[str, tuple[Sequence[str], str]] = {
    "the same": ("aaa", "accepted"),
    "the last differs": ("aab", "input of process 2 differ from those of process 0; start all"),
    "the second differs": ("aba", "input of process 1 differ from those of process 0; start all"),
    "the first differs": ("abb", "input of process 1 differ from those of process 0; start all"),
    "all differ": ("abc", "input of process 1 differ from those of process 0; start all"),
    "the end of a long text differs": (["x" * 9999, "x" * 9999, "x" * 9998 + "y"], "input of process 2 differ"),
}
"""What the processes say, one after another, and what each of them finds."""


class Sent:
    """The bytes that process 0 sends, which the others receive; each must offer as many of the same type."""

    def __init__(self) -> None:
        self.content, self.first, self.next, self.alike = list[np.ndarray](), True, 0, True

    def begin(self, *, first: bool) -> None:
        self.first, self.next = first, 0

    def __call__(self, offered: Any) -> np.ndarray:
        if self.first:
            self.content.append(np.array(offered))
        known = self.content[self.next]
        self.next += 1
        self.alike &= (offered.shape, offered.dtype) == (known.shape, known.dtype)
        return known


@contextmanager
def as_process(index: int, count: int, sent: Any = None) -> Iterator[None]:
    """A block that is run as one of several processes."""
    with ExitStack() as stack:
        for name, value in (("process_count", count), ("process_index", index)):
            stack.enter_context(mock.patch(f"jax.{name}", return_value=value))
        stack.enter_context(mock.patch.object(multihost_utils, "broadcast_one_to_all", sent))
        yield


def by_all(work: Callable[[int], Any], count: int = COUNT) -> tuple[list[Any], bool]:
    """What each of several processes makes, and whether all send as much."""
    sent, found = Sent(), []
    for index in range(count):
        sent.begin(first=index == 0)
        with as_process(index, count, sent):
            found.append(work(index))
    return found, sent.alike


@check("agreement", quick=True)
def agreement(context: Context) -> Iterator[Row]:
    """Values of the first process, texts that must agree, and arrays that are spread over processes."""
    yield from _values()
    yield from _texts()
    yield from _spread()
    yield from _checkpoints()
    yield from _simulations()


def _told(arrays: Any) -> str:
    return str([(np.asarray(x).dtype.str, np.shape(x), np.asarray(x).tolist()) for x in jax.tree.leaves(arrays)])


def _tree(index: int) -> dict[str, Any]:
    """More arrays than ten, of several kinds, which differ between processes."""
    rng = np.random.default_rng(index)
    return {"many": [rng.normal(size=(k, 2)) for k in range(12)], "one": np.float32(index + 0.1), "text": index}


def _values() -> Iterator[Row]:
    """Trees and mappings of the first process."""
    for index in range(2):
        with as_process(index, 2):
            yield equal(f"process {index} is the first", processes.is_first(), index == 0)
    found, alike = by_all(lambda index: processes.of_first(_tree(index)))
    for index, own in enumerate(found):
        yield equal(f"a tree, process {index}", _told(own), _told(_tree(0)))
    yield equal("a tree, all send as much", alike, True)
    with as_process(0, 1):
        yield equal("a tree, one process", _told(processes.of_first(_tree(5))), _told(_tree(5)))
    kinds = [{"a": np.arange(3), "b": np.zeros((0, 2), np.float32)}, {"c": np.array("text")}, {}]
    for first, name in enumerate(("two arrays", "a text", "nothing")):
        order = kinds[first:] + kinds[:first]
        found, alike = by_all(lambda index, order=order: processes.arrays_of_first(order[index]))
        for index, own in enumerate(found):
            at = f"{name}, process {index}"
            yield equal(at, f"{sorted(own)} {_told(own)}", f"{sorted(order[0])} {_told(order[0])}")
        yield equal(f"{name}, all send as much", alike, True)


def _texts() -> Iterator[Row]:
    """Texts that must agree: what each process finds."""
    for name, (texts, known) in TEXTS.items():
        digests = [digest_of(text) for text in texts]
        found = []
        for index, text in enumerate(texts):
            gathered = mock.patch.object(multihost_utils, "process_allgather", return_value=np.stack(digests))
            with as_process(index, len(texts)), gathered:
                said = refusal(partial(processes.require_agreement, "input", lambda text=text: text))
            found.append(known if said and known in said else said or "accepted")
        yield equal(f"texts, {name}", str(found), str([known] * len(texts)))
    almost = np.stack([digest_of("a"), digest_of("a")])
    almost[1, -1] ^= 1
    for count, known in ((2, "refused"), (1, "accepted")):
        with (
            as_process(0, count),
            mock.patch.object(multihost_utils, "process_allgather", return_value=almost),
        ):
            said = refusal(lambda: processes.require_agreement("input", lambda: "a"))
        yield equal(f"texts, {count} processes, digests that differ by a bit", "refused" if said else "accepted", known)


def digest_of(text: str) -> np.ndarray:
    """What a process sends to the others of a text."""
    with (
        as_process(0, 2),
        mock.patch.object(multihost_utils, "process_allgather", side_effect=lambda one: one[None]) as gather,
    ):
        processes.require_agreement("input", lambda: text)
    return np.asarray(gather.call_args.args[0])


def _spread() -> Iterator[Row]:
    """Arrays on devices of several processes: how they get there, and how they are gathered."""
    sharding = NamedSharding(Mesh(np.array(jax.devices()[:1]), "x"), PartitionSpec())
    made = {"a": np.arange(6.0).reshape(2, 3), "b": np.float32(2.0)}
    own = processes.placed(made, sharding)
    yield equal("placed on own devices", str([x.sharding == sharding for x in jax.tree.leaves(own)]), "[True, True]")
    yield equal("placed on own devices, values", str([x.tolist() for x in own.values()]), _lists(made))
    there = jax.device_put(np.arange(2.0), sharding)
    shapes: list[tuple[int, ...]] = []

    def filled(shape: tuple[int, ...], _: Any, part: Callable[[Any], np.ndarray]) -> jax.Array:
        shapes.append(shape)
        return jnp.asarray(part((slice(None),) * len(shape)))

    with (
        mock.patch.object(NamedSharding, "is_fully_addressable", False),
        mock.patch("jax.make_array_from_callback", filled),
    ):
        found = processes.placed(made | {"c": there}, sharding)
    yield equal("placed on all devices, there before", found.pop("c") is there, True)
    yield equal("placed on all devices, shapes", str(shapes), "[(2, 3), ()]")
    yield equal("placed on all devices, values", _lists(found), _lists(made))

    def gather(leaf: Any, tiled: bool = False) -> np.ndarray:
        return np.concatenate([leaf.own, leaf.own + 1]) if tiled else np.stack([leaf.own, leaf.own + 1])

    class Spread(SimpleNamespace):
        def __array__(self, *_: Any, **__: Any) -> np.ndarray:
            return self.own

    with mock.patch("jax.Array", Spread), mock.patch.object(multihost_utils, "process_allgather", gather):
        for here, everywhere, known in (
            (True, False, [1.0, 2.0]),
            (False, True, [1.0, 2.0]),
            (True, True, [1.0, 2.0]),
            (False, False, [1.0, 2.0, 2.0, 3.0]),
        ):
            leaf = Spread(own=np.array([1.0, 2.0]), is_fully_addressable=here, is_fully_replicated=everywhere)
            found = processes.whole({"a": leaf, "b": [3]})
            at = f"gathered, on own devices: {here}, on all: {everywhere}"
            yield equal(
                at, str([np.asarray(found["a"]).tolist(), type(found["b"][0]).__name__]), str([known, "ndarray"])
            )


def _lists(arrays: Any) -> str:
    return str([np.asarray(x).tolist() for x in arrays.values()])


def _checkpoints() -> Iterator[Row]:
    """The checkpoint to resume from, which the first process alone reads and the others receive."""
    arrays = {"prior/r0": np.array(3.8), "none": np.zeros((0, 2), np.float32), "some": np.arange(3)}
    held = Checkpoint(arrays, {"epoch": 4, "loss": None, "names": ["å"]})
    function = cast(Any, inspect.unwrap(resumable.opened))
    for name, checkpoint in (("a checkpoint", held), ("no checkpoint", None)):
        used: list[str] = []

        @contextmanager
        def kept(folder: Any, checkpoint: Any = checkpoint, used: list[str] = used) -> Iterator[Any]:
            used.append(str(folder))
            yield SimpleNamespace(latest=lambda: checkpoint)

        def work(_: int, kept: Any = kept) -> Any:
            with (
                mock.patch.dict(function.__globals__, Checkpoints=kept),
                resumable.opened("here", resumable.AUTO) as made,
            ):
                return made.checkpoints is not None, made.found

        found, alike = by_all(work)
        yield equal(f"{name}, processes that write", str([writes for writes, _ in found]), str([True, False, False]))
        yield equal(f"{name}, folders that are opened", str(used), "['here']")
        yield equal(f"{name}, all send as much", alike, True)
        for index, (_, own) in enumerate(found):
            told = [
                None if one is None else (sorted(one.arrays), _told(one.arrays), one.record)
                for one in (own, checkpoint)
            ]
            yield equal(f"{name}, process {index}", str(told[0]), str(told[1]))


def _simulations() -> Iterator[Row]:
    """The state from which a simulation is resumed, likewise."""

    def state(step: int) -> State:
        x = np.full((3, 2, 4), step + 0.5)
        return State(np.array(step), x, x + 1, x + 2, no_tally(2, 4), (np.arange(step),))

    saved = storage.Saved(state(7), np.ones((4, 3, 2, 3), np.float32), 12.5)
    asked: list[Any] = []

    def load(*given: Any) -> storage.Saved:
        asked.append(given[0])
        return saved

    def work(_: int) -> storage.Saved:
        with mock.patch.object(storage, "load", load):
            return run._of_first(Path("a"), {}, state(0))

    found, alike = by_all(work)
    for index, own in enumerate(found):
        yield equal(f"a simulation, process {index}", _told(own), _told(saved))
    yield equal("a simulation, files that are read", str(asked), str([Path("a")]))
    yield equal("a simulation, all send as much", alike, True)
