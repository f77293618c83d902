"""Texts, records, pages and pictures of fits in the cases that `reports` leaves out, around one fit of bonds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import cgcore
from validation.check import Row, check
from validation.context import Context
from validation.reports import words_of_records
from validation.reports.pictures import pictures
from validation.reports.pictures_of_models import models
from validation.reports.words_of_columns import of_fits
from validation.reports.words_of_fits import fits

FRAMES = 20


@check("texts-of-fits", needs=("matplotlib",))
def texts_of_fits(context: Context) -> Iterator[Row]:
    """Error bars, certificates, directions, units and names of data; panels with nothing to draw, or too much."""
    batch = context.some(FRAMES).join()
    kelvin = np.full(FRAMES, 310.0)
    data = cgcore.from_arrays(np.asarray(batch.R), np.asarray(batch.F), temperature=kelvin, accept_faults=True)
    options = cgcore.Options(constraints="none", smoothness=None, truncation=0.0, blocks=6)
    fit = cgcore.fit(data, context.prior.part(["bond"]), options)
    yield from fits(fit)
    yield from of_fits(fit)
    yield from words_of_records.fit(fit)
    yield from pictures(fit)
    yield from models()
