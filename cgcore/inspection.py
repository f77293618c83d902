"""A summary of a data set, made in one pass whose memory does not grow with the number of frames."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgcore.data import Dataset
from cgcore.data.batches import Batch, all_cuts
from cgcore.data.contents import (
    ProteinSummary,
    SourceSummary,
    breaks_of,
    extras_of,
    proteins_of,
    sources_of,
    species_names_of,
    species_of,
)
from cgcore.factor.histogram import EDGES, Histograms, bin_numbers
from cgcore.factor_file import frames_of
from cgcore.judging import Judgement, judge
from cgcore.physics import geometry
from cgcore.physics.space import Displacement, free
from cgcore.physics.topology import REPULSIVE_MIN_SEPARATION, Sites, unbroken
from cgcore.x64 import solving

MEDIAN_BINS_PER_E_FOLD = 1000
"""Bins of the logarithm of the bond lengths: the median is accurate to one part in a thousand in any unit."""


class Range(NamedTuple):
    """Range of one internal coordinate [Å or rad]; the mean of a dihedral is meaningless and therefore None."""

    values: int
    least: float
    most: float
    mean: float | None


class Pair(NamedTuple):
    """Two beads of one frame, numbered from 0."""

    distance: float  # Å
    source: str
    frame: int
    beads: tuple[int, int]


class Peak(NamedTuple):
    """The largest force component, beads and frames numbered from 0."""

    value: float  # absolute value [kcal/mol/Å]
    source: str
    frame: int
    bead: int


@dataclass(frozen=True, eq=False)
class Inspection:
    """What a data set contains. Lengths are in Å, forces in kcal/mol/Å, and angles in radians.

    Arguments:
        path: file or folder from which the data were read.
        units: units of the files.
        frames: number of frames.
        beads: largest number of beads in a row, padding included.
        real_beads: number of real beads in all frames together.
        sources: one entry per file.
        proteins: proteins, in order of appearance.
        breaks: description of the chains and gaps of each protein that is not one whole chain.
        species: number of real beads of each species; empty if no source has species.
        species_names: names of the species, if all files that state them agree.
        extras: other arrays of the sources, by name: dtype and shape, in words.
        skipped_keys: keys that were not read.
        temperatures: distinct values of the extra array `temperature` [K].
        ranges: ranges of "bond", "angle" and "dihedral"; coordinates without values are absent.
        median_bond: median distance of neighbours in the chain.
        histograms: histograms of the same coordinates.
        closest: the closest pair of beads that repel each other (j - i >= 6); None if there is none.
        force_rms: root mean square force component over real beads.
        force_peak: largest force component.
        mean_force: mean force over real beads (x, y, z).
        net_force_rms: root mean square component of the total force on a frame; 0 if no external force acts.
        notes: parts of the files that could not be used, as sentences.
        judgement: problems of the data, with the underlying numbers.
    """

    path: str
    units: str
    frames: int
    beads: int
    real_beads: int
    sources: tuple[SourceSummary, ...]
    proteins: tuple[ProteinSummary, ...]
    breaks: dict[str, str]
    species: dict[int, int]
    species_names: dict[int, str]
    extras: dict[str, str]
    skipped_keys: tuple[str, ...]
    temperatures: tuple[float, ...]
    ranges: dict[str, Range]
    median_bond: float
    histograms: Histograms
    closest: Pair | None
    force_rms: float
    force_peak: Peak
    mean_force: tuple[float, float, float]
    net_force_rms: float
    notes: tuple[str, ...]
    judgement: Judgement

    def report(self) -> str:
        """The inspection as text, at most 100 columns wide."""
        from cgcore.report.inspection import render

        return render(self)

    def __repr__(self) -> str:
        return f"Inspection({self.path!r}: {self.frames} frames, {self.real_beads} real beads; .report() says more)"


def inspect(data: Dataset | str | os.PathLike[str] | Any, displacement: Displacement = free) -> Inspection:
    """Summarise a data set and check it, in one pass over the frames.

    Arguments:
        data: frames, see `cgcore.read`, or the path of a file or folder.
        displacement: displacement function in jax-md's convention; free space by default.

    Returns:
        Numbers of frames and beads, ranges, forces, and the findings of the physical checks.

    Raises:
        InputError: the data cannot be read, a file changed after it was read, or JAX is tracing.

    Examples:
        >>> import cgcore
        >>> found = cgcore.inspect(cgcore.datasets.chignolin())
        >>> found.frames, found.beads, found.temperatures
        (1000, 10, (320.0,))
        >>> print(f"{found.median_bond:.2f} Å")
        3.87 Å
    """
    dataset = frames_of(data)
    gathered = _Gathered()
    with solving("inspect"):
        for cut in all_cuts(dataset, dataset.segments()):
            batch, name, numbers = cut.load(), cut.source.source, cut.source.frame_numbers[cut.rows]
            gathered.add_geometry(_look(displacement, batch.R, batch.lengths, batch.sites), batch, name, numbers)
            gathered.add_forces(batch.F[: len(numbers)].astype(np.float64), name, numbers)
    beads = dataset.real_beads
    assert gathered.peak is not None  # there is at least one frame
    return Inspection(
        path=dataset.path,
        units=dataset.units,
        frames=dataset.n_frames,
        beads=dataset.n_beads,
        real_beads=beads,
        sources=sources_of(dataset),
        proteins=proteins_of(dataset),
        breaks=breaks_of(dataset),
        species=species_of(dataset),
        species_names=species_names_of(dataset),
        extras=extras_of(dataset),
        skipped_keys=dataset.skipped_keys,
        temperatures=dataset.temperatures,
        ranges=gathered.ranges(),
        median_bond=gathered.median_bond(),
        histograms=gathered.histograms,
        closest=gathered.closest,
        force_rms=float(np.sqrt(gathered.squares / (3 * beads))),
        force_peak=gathered.peak,
        mean_force=tuple((gathered.force / beads).tolist()),
        net_force_rms=float(np.sqrt(gathered.net_squares / (3 * dataset.n_frames))),
        notes=dataset.notes,
        judgement=judge(dataset, displacement=displacement),
    )


class _Seen(NamedTuple):
    internal: dict[str, Float[Array, "frames rows"]]
    closest: Float[Array, " frames"]
    where: Int[Array, " frames"]


@partial(jax.jit, static_argnums=0)
def _look(
    displacement: Displacement, R: Float[Array, "frames beads 3"], lengths: Int[Array, " frames"], sites: Sites | None
) -> _Seen:
    """Internal coordinates, and the closest repelling pair of each frame (inf: none; i * beads + j)."""
    site = jnp.arange(R.shape[1]) if sites is None else sites[:, 0]

    def one(R: Float[Array, "beads 3"], length: Int[Array, ""]) -> _Seen:
        b = jax.vmap(displacement)(R[1:], R[:-1])
        internal = {
            "bond": jax.vmap(geometry.norm)(b),
            "angle": jax.vmap(geometry.angle)(-b[:-1], b[1:]),
            "dihedral": jax.vmap(geometry.dihedral)(b[:-2], b[1:-1], b[2:]),
        }
        bead = jnp.arange(R.shape[0])
        repel = (site[None] - site[:, None] >= REPULSIVE_MIN_SEPARATION) & (bead < length)[None]
        apart = jax.vmap(jax.vmap(displacement, (None, 0)), (0, None))(R, R)
        distance = jnp.where(repel, jnp.linalg.norm(apart, axis=2), jnp.inf).ravel()
        return _Seen(internal, jnp.min(distance), jnp.argmin(distance))

    return jax.vmap(one)(R.astype(jnp.float64), lengths)


class _Gathered:
    """Sums over the frames seen so far."""

    def __init__(self) -> None:
        self.histograms = Histograms.empty()
        self.totals: dict[str, tuple[int, float, float, float]] = {}  # count, minimum, maximum, sum
        self.log_bonds: Counter[int] = Counter()
        self.closest: Pair | None = None
        self.peak: Peak | None = None
        self.squares = self.net_squares = 0.0
        self.force = np.zeros(3)

    def add_geometry(self, seen: _Seen, batch: Batch, source: str, numbers: np.ndarray) -> None:
        lengths, sites = batch.lengths, batch.sites
        values = {name: np.asarray(seen.internal[name]) for name in EDGES}  # compiled functions sort keys
        self.histograms += Histograms.counted(bin_numbers({name: x.T for name, x in values.items()}, lengths, sites))
        for spanned, (name, x) in enumerate(values.items(), start=1):
            real = np.arange(x.shape[1]) < (lengths - spanned)[:, None]
            x = x[real if sites is None else real & unbroken(sites, spanned).T]
            if x.size:
                count, least, most, total = self.totals.get(name, (0, np.inf, -np.inf, 0.0))
                least, most = min(least, float(x.min())), max(most, float(x.max()))
                self.totals[name] = (count + x.size, least, most, total + float(x.sum()))
            if name == "bond":
                bins, counts = np.unique(np.floor(np.log(x) * MEDIAN_BINS_PER_E_FOLD), return_counts=True)
                self.log_bonds.update(dict(zip(bins.astype(int).tolist(), counts.tolist(), strict=True)))
        closest = np.asarray(seen.closest)[: len(numbers)]
        k = int(np.argmin(closest))
        if np.isfinite(closest[k]) and (self.closest is None or closest[k] < self.closest.distance):
            i, j = divmod(int(seen.where[k]), values["bond"].shape[1] + 1)
            self.closest = Pair(float(closest[k]), source, int(numbers[k]), (i, j))

    def add_forces(self, F: Float[np.ndarray, "frames beads 3"], source: str, numbers: np.ndarray) -> None:
        self.squares += float(np.sum(F**2))
        net = F.sum(axis=1)
        self.net_squares += float(np.sum(net**2))
        self.force += net.sum(axis=0)
        frame, bead, axis = np.unravel_index(np.argmax(np.abs(F)), F.shape)
        value = float(abs(F[frame, bead, axis]))
        if self.peak is None or value > self.peak.value:
            self.peak = Peak(value, source, int(numbers[frame]), int(bead))

    def ranges(self) -> dict[str, Range]:
        return {
            name: Range(count, least, most, None if name == "dihedral" else total / count)
            for name, (count, least, most, total) in self.totals.items()
        }

    def median_bond(self) -> float:
        bins = sorted(self.log_bonds)
        below = np.cumsum([self.log_bonds[k] for k in bins])
        return float(np.exp((bins[int(np.searchsorted(below, below[-1] / 2))] + 0.5) / MEDIAN_BINS_PER_E_FOLD))
