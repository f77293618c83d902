"""The inspection of chains with a gap, and its numbers in the record."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import cgcore
from cgcore.report.inspection_record import inspection_record
from validation import explicit
from validation.check import Row, at_most, check, equal
from validation.context import Context
from validation.tolerances import relative

GAP, EXACT = 4, 1e-12
"""The first bead after a gap, and a tolerance of the same lengths and angles by other formulas."""

NUMBERS = ("path", "units", "frames", "beads", "real_beads", "force_rms", "median_bond", "net_force_rms")


@check("inspected", quick=True)
def inspected(context: Context) -> Iterator[Row]:
    """Bonds and angles of chains with a gap, which are none across it, and numbers of the record."""
    batch = context.some(20).join()
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    beads = R.shape[1]
    residues = np.arange(beads) + 3 * (np.arange(beads) >= GAP)
    found = cgcore.inspect(cgcore.from_arrays(R, F, resid=residues, accept_faults=True))
    for spanned, name in ((1, "bond"), (2, "angle")):
        rows = [k for k in range(beads - spanned) if residues[k + spanned] - residues[k] == spanned]
        x = np.stack([explicit.value(name, R[:, k : k + spanned + 1]) for k in rows])
        known, one = (x.size, x.min(), x.max(), x.mean()), found.ranges[name]
        off = relative((one.values, one.least, one.most, one.mean or 0.0), known)
        yield at_most(f"{name}s beside a gap", off, EXACT, "relative")
    record = inspection_record(found)
    said, known = ({name: get(name) for name in NUMBERS} for get in (record.get, lambda name: getattr(found, name)))
    yield equal("numbers of the record", str(said), str(known))
