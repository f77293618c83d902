"""Agreement between several processes that run as one program, connected by `jax.distributed`.

All of them run the same code on the same input, so that each knows what the others do. Values that are computed outside
of arrays spanning the processes may be rounded differently on another machine; if the control flow depends on them, the
values of process 0 are used. In a single process, the functions here return their input.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import NamedSharding

from cgcore.errors import InputError

Tree = TypeVar("Tree")


def is_first() -> bool:
    """Whether this process is the one that writes files."""
    return jax.process_index() == 0


def placed(tree: Any, sharding: NamedSharding) -> Any:
    """Place a pytree of arrays on devices, including those of other processes, which must hold the same arrays.

    Nothing is sent: each process fills its own devices.
    """
    if sharding.is_fully_addressable:
        return jax.device_put(tree, sharding)

    def place(leaf: Any) -> jax.Array:
        if isinstance(leaf, jax.Array) and leaf.sharding == sharding:
            return leaf
        values = np.asarray(leaf)
        return jax.make_array_from_callback(values.shape, sharding, values.__getitem__)

    return jax.tree.map(place, tree)


def whole(tree: Tree) -> Tree:
    """Gather a pytree of arrays, including those spread over several processes, in the memory of this process."""

    def gathered(leaf: Any) -> np.ndarray:
        if isinstance(leaf, jax.Array) and not (leaf.is_fully_addressable or leaf.is_fully_replicated):
            return np.asarray(multihost_utils.process_allgather(leaf, tiled=True))
        return np.asarray(leaf)

    return jax.tree.map(gathered, tree)


def of_first(tree: Tree) -> Tree:
    """The arrays of process 0 in place of this process's own, bit for bit."""
    if jax.process_count() == 1:
        return tree
    leaves, form = jax.tree.flatten(tree)
    found = arrays_of_first({str(k): np.asarray(leaf) for k, leaf in enumerate(leaves)})
    return jax.tree.unflatten(form, [found[str(k)] for k in range(len(leaves))])


def arrays_of_first(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of process 0, whose names and shapes may differ from this process's own."""
    if jax.process_count() == 1:
        return dict(arrays)
    content = b""
    if is_first():
        buffer, named = io.BytesIO(), dict[str, Any](arrays)
        np.savez(buffer, **named)
        content = buffer.getvalue()
    size = int(_sent(np.array([len(content)], np.int64).view(np.uint8)).view(np.int64)[0])
    received = _sent(np.frombuffer(content, np.uint8) if content else np.zeros(size, np.uint8))
    with np.load(io.BytesIO(received.tobytes()), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def require_agreement(what: str, said: Callable[[], str]) -> None:
    """Stop all processes if they were given different input.

    Arguments:
        what: name of the input, for the message.
        said: returns a text with everything that must agree.

    Raises:
        InputError: the texts differ; raised in every process.
    """
    if jax.process_count() == 1:
        return
    digest = np.frombuffer(hashlib.sha256(said().encode()).digest(), np.uint8)
    digests = np.asarray(multihost_utils.process_allgather(digest))
    if len(others := np.flatnonzero((digests != digests[0]).any(axis=1))):
        raise InputError(
            f"{what} of process {others[0]} differ from those of process 0; start all processes with the same command, "
            "files and versions"
        )


def _sent(content: np.ndarray) -> np.ndarray:
    """The bytes of process 0; those of the others must have the same length and are ignored."""
    return np.asarray(multihost_utils.broadcast_one_to_all(content))
