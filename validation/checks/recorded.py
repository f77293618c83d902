"""Recorded results of the original implementation on real data, against cgcore from the same start."""

from __future__ import annotations

from collections.abc import Iterator

import cgcore
from validation.check import Row, check
from validation.comparison import free_fits, independent, plain_algorithm
from validation.context import Context
from validation.recorded_outputs import Recorded, recorded_outputs


@check("recorded", as_users="whole", quick=True, needs=("scipy",))
def recorded(context: Context) -> Iterator[Row]:
    """Recorded outputs of the original implementation, which cgcore promises its former users to reproduce."""
    yield from compared(recorded_outputs(), context.quick)


def compared(records: list[Recorded], quick: bool) -> Iterator[Row]:
    """The rows of these records."""
    factors: dict[str, cgcore.Factor] = {}
    for record in records:
        where = record.sidecar["data"]
        if where not in factors:
            factors[where] = cgcore.compress(record.data, cgcore.Fingerprint.of(record.prior))
            yield from independent(record)
        if not quick or record.name == "chignolin.float64":
            yield from plain_algorithm(record, factors[where], quick)
        yield from free_fits(record, factors[where])
