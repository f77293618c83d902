"""The inspection of two files, of chains with a gap, and its numbers in the record."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import cgcore
from cgcore.report.inspection_record import inspection_record
from validation import explicit
from validation.check import Row, at_most, check, equal
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import Arrays, equilibrium
from validation.tolerances import relative

GAP, EXACT = 4, 1e-12
"""The first bead after a gap, and a tolerance of the same lengths and angles by other formulas."""

REPELLED = 6
"""Number of bonds from which two beads repel each other."""

BINS = {
    "bond": np.linspace(2.0, 6.0, 401),
    "angle": np.linspace(0.0, np.pi, 181),
    "dihedral": np.linspace(-np.pi, np.pi, 181),
}
"""Edges of the bins of histograms [Å, rad]."""

MEDIAN = 1e-3
"""Relative width of the bins from which the median bond is taken."""

NUMBERS = ("path", "units", "frames", "beads", "real_beads", "force_rms", "median_bond", "net_force_rms")


@check("inspected", quick=True)
def inspected(context: Context) -> Iterator[Row]:
    """Forces and near pairs of two proteins in two files, chains with a gap, and numbers of the record."""
    with tempfile.TemporaryDirectory() as name:
        for sign in (1, -1):
            yield from _two_files(Path(name), sign)
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


def _two_files(folder: Path, sign: int) -> Iterator[Row]:
    """The largest force, once positive and once negative, and the closest pair, in a frame of the shorter protein."""
    files = {f"{name}.npz": equilibrium(seed) for seed, name in enumerate("ab")}
    files["a.npz"]["F"][34, 5, 1] = sign * 900.0  # frame 34 is of the short protein
    files["b.npz"]["F"][35, 5, 1] = -sign * 890.0
    for name, arrays in files.items():
        np.savez(folder / name, **arrays)
    found = cgcore.inspect(cgcore.read(folder, accept_faults=True))
    F = np.concatenate([arrays["F"][arrays["mask"] == 1] for arrays in files.values()])
    net = np.concatenate([arrays["F"].sum(axis=1) for arrays in files.values()])
    known = np.array([(F**2).mean() ** 0.5, 900.0, (net**2).mean() ** 0.5, *F.mean(axis=0)])
    said = (found.force_rms, found.force_peak.value, found.net_force_rms, *found.mean_force)
    at = f"largest force {sign * 900}"
    yield at_most(f"{at}, forces", relative(said, known), EXACT, "relative")
    peak = found.force_peak
    yield equal(f"{at}, where", str((peak.source, peak.frame, peak.bead)), str(("a.npz", 34, 5)))
    distance, *place = min(_nearest(name, arrays) for name, arrays in files.items())
    assert found.closest is not None
    closest = found.closest
    yield at_most(f"{at}, closest pair", relative(closest.distance, distance), EXACT, "relative")
    yield equal(f"{at}, closest pair, where", str([closest.source, closest.frame, closest.beads]), str(place))

    for name, spanned in (("bond", 1), ("angle", 2), ("dihedral", 3)):
        x = np.concatenate([_values(name, spanned, arrays) for arrays in files.values()])
        one, mean = found.ranges[name], None if name == "dihedral" else float(x.mean())
        known = (x.size, x.min(), x.max(), mean or 0.0)
        off = relative((one.values, one.least, one.most, one.mean or 0.0), known)
        yield at_most(f"{at}, {name}s of both files", off, EXACT, "relative")
        low, high = BINS[name][0], BINS[name][-1]
        counts = np.histogram(np.clip(x, low, high), BINS[name])[0]
        same = np.array_equal(found.histograms.counts[name], counts)
        yield equal(f"{at}, histogram of {name}s of both files", same, True)
    middle = np.median(np.concatenate([_values("bond", 1, arrays) for arrays in files.values()]))
    yield at_most(f"{at}, median bond of both files", relative(found.median_bond, middle), MEDIAN, "relative")


def _values(name: str, spanned: int, arrays: Arrays) -> Array:
    """The values of all rows of real beads of a file."""
    beads = arrays["mask"].sum(axis=1).astype(int)
    rows = [(frame, k) for frame, n in enumerate(beads) for k in range(n - spanned)]
    return explicit.value(name, np.stack([arrays["R"][frame, k : k + spanned + 1] for frame, k in rows]))


def _nearest(name: str, arrays: Arrays) -> tuple[float, str, int, tuple[int, int]]:
    """The closest pair of real beads of a file that repel each other, by a loop."""
    return min(
        (float(np.linalg.norm(R[j] - R[i])), name, frame, (i, j))
        for frame, (R, mask) in enumerate(zip(arrays["R"], arrays["mask"], strict=True))
        for i in range(int(mask.sum()))
        for j in range(i + REPELLED, int(mask.sum()))
    )
