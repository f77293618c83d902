"""Refusals: bad input is refused by cgcore's own error, and good input is accepted."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import cgcore
from validation.check import Row, check
from validation.context import Context
from validation.refused import configurations, factors, files, frames, settings, terms


@check("refusals", quick=True)
def refusals(context: Context) -> Iterator[Row]:
    """Bad input is refused wherever it enters, and its good twin is accepted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for place in (*frames.places(), *files.places(folder), *terms.places(), *configurations.places(folder)):
            yield from place.rows()
        prior = factors.small_prior()
        factor = cgcore.compress(factors.with_species(), cgcore.Fingerprint.of(prior))
        fitted = cgcore.fit(factor, prior, cgcore.Options(constraints="none", truncation=0.1))
        for place in (*factors.places(folder, factor, prior), *settings.places(folder, fitted)):
            yield from place.rows()
