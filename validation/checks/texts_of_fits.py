"""Texts, records and pages about fits in the cases that `reports` leaves out, around one fit of bonds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import cgcore
from validation.check import Row, check
from validation.context import Context
from validation.worded_fits import fits

FRAMES = 20


@check("texts-of-fits", needs=("matplotlib",))
def texts_of_fits(context: Context) -> Iterator[Row]:
    """Error bars, certificates, directions, units and names of data, as text, record and page."""
    batch = context.some(FRAMES).join()
    kelvin = np.full(FRAMES, 310.0)
    data = cgcore.from_arrays(np.asarray(batch.R), np.asarray(batch.F), temperature=kelvin, accept_faults=True)
    options = cgcore.Options(constraints="none", smoothness=None, truncation=0.0, blocks=6)
    yield from fits(cgcore.fit(data, context.prior.part(["bond"]), options))
