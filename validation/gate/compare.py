"""Comparison of measured values with the gate file."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator
from dataclasses import replace

import cgcore
from validation.check import Row
from validation.context import Context
from validation.gate.bounds import rows
from validation.gate.file import Gates
from validation.gate.modes import Key, measure


def compare(context: Context, gates: Gates, only: Container[Key] | None = None) -> Iterator[Row]:
    """One row for each status and bound; the first row of a fit contains its seconds. `only` selects fits; None for
    all.

    Raises:
        InputError: the file lacks a value for a data set and mode, or has one that is no longer measured.
    """
    expected = {key: value for key, value in gates.values.items() if only is None or key in only}
    start = time.perf_counter()
    for key, now in measure(context, only):
        seconds, name = time.perf_counter() - start, ", ".join(key)
        if key not in expected:
            raise cgcore.InputError(f"{gates.path}: values has no {name}; record it with gate --update")
        for row in rows(name, now, expected.pop(key), gates.bounds_of(key[1])):
            yield replace(row, seconds=seconds)
            seconds = 0.0
        start = time.perf_counter()
    if expected:
        stale = "; ".join(", ".join(key) for key in expected)
        raise cgcore.InputError(f"{gates.path}: nothing measures {stale}; drop it with gate --update")
