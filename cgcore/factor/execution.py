"""Processing of the pieces of a data set, in threads of this process or by another function of the type `Execute`.

The result does not depend on the choice: `Work` defines what is computed, and sums follow the order of the pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import chain, count, islice
from typing import Any, TypeAlias

import jax

from cgcore.data.batches import Cut, Piece
from cgcore.factor.work import Part, Work
from cgcore.threads import batch_threads

Execute: TypeAlias = Callable[[Work, Sequence[Piece]], Iterable[tuple[int, Part]]]
"""Yields for each piece its number in the sequence and its `Part`, in any order."""


def on_threads(work: Work, pieces: Sequence[Piece], devices: Sequence[Any] | None = None) -> Iterator[tuple[int, Part]]:
    """Process one batch per thread, and yield the parts in the order of the pieces.

    Arguments:
        work, pieces: see `Execute`.
        devices: devices among which batches are distributed; None for all devices of this process. Each batch is
            processed on one device, so the result does not depend on the number of devices of the same kind.
    """
    devices = jax.local_devices() if devices is None else devices

    def part(number: int, cut: Cut) -> Part:
        # The default device is a setting of this thread. It is not set for a single device, since that would compile
        # programs again.
        with nullcontext() if len(devices) == 1 else jax.default_device(devices[number % len(devices)]):
            return work.of_cut(cut)

    with ThreadPoolExecutor(batch_threads()) as pool:
        parts = pool.map(part, count(), chain.from_iterable(piece.cuts for piece in pieces))
        for number, piece in enumerate(pieces):
            yield number, work.joined(islice(parts, len(piece.cuts)))


def in_order(found: Iterable[tuple[int, Part]]) -> Iterator[Part]:
    """The parts in the order of their numbers 0, 1, ...; parts that arrive early are held back."""
    early: dict[int, Part] = {}
    number = 0
    for key, part in found:
        early[key] = part
        while number in early:
            yield early.pop(number)
            number += 1
