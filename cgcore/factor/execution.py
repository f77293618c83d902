"""Who works on the pieces of a data set: threads of this process, or anybody else with the same interface.

The numbers do not depend on it: `Work` says what is done with a piece, and sums are made in the order of the pieces.
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
"""Gives for each piece its number in the sequence and its part, in any order."""


def on_threads(work: Work, pieces: Sequence[Piece], devices: Sequence[Any] | None = None) -> Iterator[tuple[int, Part]]:
    """A batch a thread, in the order of the pieces.

    Arguments:
        work, pieces: see `Execute`.
        devices: that batches are dealt out to; None: all of this process. A batch is on one of them, so that devices of
            one kind give the same numbers, however many they are.
    """
    devices = jax.local_devices() if devices is None else devices

    def part(number: int, cut: Cut) -> Part:
        # The default is a setting of this thread. One device needs none: with it programs would be compiled again.
        with nullcontext() if len(devices) == 1 else jax.default_device(devices[number % len(devices)]):
            return work.of_cut(cut)

    with ThreadPoolExecutor(batch_threads()) as pool:
        parts = pool.map(part, count(), chain.from_iterable(piece.cuts for piece in pieces))
        for number, piece in enumerate(pieces):
            yield number, work.joined(islice(parts, len(piece.cuts)))


def in_order(found: Iterable[tuple[int, Part]]) -> Iterator[Part]:
    """Parts by their numbers 0, 1, ...; what comes too early waits."""
    early: dict[int, Part] = {}
    number = 0
    for key, part in found:
        early[key] = part
        while number in early:
            yield early.pop(number)
            number += 1
