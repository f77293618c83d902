"""Rules for forces: missing, repeated, broken, in the wrong unit, or not those of these frames."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cgcore.judging.finding import Finding, Severity, named
from cgcore.judging.hashes import all_differ
from cgcore.judging.stretch import Ratio
from cgcore.judging.survey import Survey
from cgcore.judging.units import factor_between, unit_of

LIKE_A_PRIOR = 0.4
"""Fraction of the squared forces explained by bonds above which forces come from a coarse-grained model; for forces of
all atoms, which are mostly noise, it is 0.13. The frames of a model's forces may come from anywhere, so equipartition
says nothing about their unit."""

PEAK, SPIKE, USUAL_SPREAD = 10.0, 100.0, 5.0
"""Root mean square force of a frame relative to the median of all frames: above PEAK there is a warning; above SPIKE
the frame is broken, provided that less than a tenth of the frames exceed USUAL_SPREAD."""

FEW = 20
"""Smallest number of frames for statements about their distribution."""

HEAPS, LEAST_RATIO = 5.0, 2.0
"""Smallest distance of two clusters, in standard deviations within them, and smallest ratio of their force sizes. The
halves of a normal distribution have a distance of 2.7 and those of a uniform one 3.5; forces of a ten-bead peptide in
two units have 7."""

COLD, CELSIUS = 150.0, 273.15
"""Proteins are not simulated below COLD [K]; CELSIUS is 0 °C [K]."""


def forces(survey: Survey) -> Iterator[Finding]:
    """Forces that are missing, repeated, or broken in some frames."""
    n = len(survey.frame)
    zero = survey.unforced == survey.lengths
    if zero.any():
        text = (
            f"key 'F': all forces are 0 in {np.count_nonzero(zero):,} of {n:,} frames "
            f"({named(survey.frame[zero].tolist())}): they are missing; save them, or remove these frames"
        )
        yield survey.about("zero forces", Severity.WRONG, survey.frame[zero], text)
    some = (survey.unforced > 0) & ~zero
    if some.any():
        text = (
            f"key 'F': the force is exactly 0 on some beads of {np.count_nonzero(some):,} of {n:,} frames "
            f"({named(survey.frame[some].tolist())}): was it left out there?"
        )
        yield survey.about("zero beads", Severity.WARNING, survey.frame[some], text)
    yield from _repeated(survey, zero)
    yield from _sizes(survey, ~zero)


def _repeated(survey: Survey, zero: np.ndarray) -> Iterator[Finding]:
    """Frames with the same forces as another frame at different positions."""
    if all_differ(survey.forces[~zero]):
        return
    used = np.flatnonzero(~zero)
    order = used[np.lexsort((used, survey.forces[used]))]
    same = (survey.forces[order[1:]] == survey.forces[order[:-1]]) & (
        survey.lengths[order[1:]] == survey.lengths[order[:-1]]
    )
    moved = same & (survey.positions[order[1:]] != survey.positions[order[:-1]])
    if moved.any():
        first, again = order[:-1][moved], order[1:][moved]
        k = int(np.argmin(again))
        text = (
            f"key 'F': frame {survey.frame[again[k]]} has the same forces as frame {survey.frame[first[k]]} at other "
            f"positions; {len(again):,} of {len(survey.frame):,} frames have another frame's forces: save each frame's "
            "own, or remove these frames"
        )
        yield survey.about("repeated forces", Severity.WRONG, survey.frame[again], text)


def _sizes(survey: Survey, used: np.ndarray) -> Iterator[Finding]:
    """Frames whose forces differ in size from those of the others."""
    order = np.argsort(survey.protein, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(survey.protein[order])) + 1):
        own = rows[used[rows]]
        size = np.sqrt(survey.force[own])
        if len(own) < FEW:
            continue
        relative = size / np.median(size)
        peaks = own[relative > PEAK]
        if len(peaks):
            k = own[int(np.argmax(relative))]
            sure = relative.max() > SPIKE and np.quantile(relative, 0.9) < USUAL_SPREAD
            text = (
                f"key 'F': forces of frame {survey.frame[k]} are {relative.max():.3g} times as large as usual "
                f"({np.sqrt(survey.force[k]):.3g} kcal/mol/Å, root mean square); {len(peaks):,} frames are above "
                f"{PEAK:g} times: check or remove {named(np.sort(survey.frame[peaks]).tolist())}"
            )
            yield survey.about("large forces", Severity.WRONG if sure else Severity.WARNING, survey.frame[peaks], text)
        yield from _two_sizes(survey, own, size)


def _two_sizes(survey: Survey, own: np.ndarray, size: np.ndarray) -> Iterator[Finding]:
    """Frames that form two clusters by the size of their forces: the split of the logarithms with the smallest scatter
    within clusters (N. Otsu, IEEE Trans. Syst. Man Cybern. 9, 62 (1979)), if they are further apart than the parts of a
    single cluster would be."""
    logs, n = np.log(np.sort(size)), len(own)
    below = np.arange(1, n)
    sums = np.cumsum(logs)[:-1]
    low, high = sums / below, (logs.sum() - sums) / (n - below)
    inside = np.sum(logs**2) - below * low**2 - (n - below) * high**2
    least = max(n // 20, 3)
    allowed = slice(least - 1, n - least)
    cut = int(np.argmin(inside[allowed])) + least
    apart, scatter = high[cut - 1] - low[cut - 1], np.sqrt(max(inside[cut - 1], 0.0) / n)
    if apart < np.log(LEAST_RATIO) or apart < HEAPS * scatter:
        return
    order = np.argsort(size)
    ratio = float(np.exp(apart))
    unit = factor_between(ratio)
    smaller = cut <= n - cut
    fewer = np.sort(survey.frame[own[order[:cut] if smaller else order[cut:]]])
    what = f", as between kcal/mol/Å and {unit.name}" if unit is not None else ""
    how = "smaller" if smaller else "larger"
    text = (
        f"key 'F': forces of {len(fewer):,} frames ({named(fewer.tolist())}) are {ratio:.3g} times {how} than those of "
        f"the other {n - len(fewer):,}{what}: save all of them in the same unit"
    )
    yield survey.about("two sizes", Severity.WRONG if unit is not None else Severity.WARNING, fewer, text)


def equipartition(survey: Survey, ratio: Ratio | None, kelvin: float, said: bool) -> Iterator[Finding]:
    """Whether forces are consistent with the fluctuations of bonds.

    Arguments:
        survey: survey of the source.
        ratio: kr var(r) / kT; None if it cannot be determined.
        kelvin: temperature for which it was computed [K].
        said: whether this temperature is known, from the data or the user.
    """
    if ratio is None or ratio.explained > LIKE_A_PRIOR:
        return
    value = f"kr var(r) is {ratio.value:.2g} ± {ratio.error:.1g} kT at {kelvin:g} K, where equipartition gives 1"
    unit = unit_of(ratio.value, ratio.error)
    in_celsius = ratio.value * kelvin / (kelvin + CELSIUS)
    if said and kelvin < COLD and 0.6 < in_celsius < 1.7 and ratio.value > 1.7:
        text = f"key 'temperature': {kelvin:g} looks like °C ({value}); save it in K, or give --temperature"
        yield Finding("temperature", Severity.WRONG, text, survey.source)
    elif unit is not None:
        text = f"key 'F': forces look like {unit.name} ({value}); {unit.remedy}"
        yield Finding("unit", Severity.WRONG, text, survey.source)
    elif ratio.value < -5 * ratio.error and 0.5 < -ratio.value < 2:
        text = f"key 'F': forces have the wrong sign, like gradients of the energy ({value}); save minus the gradient"
        yield Finding("sign", Severity.WRONG, text, survey.source)
    elif said and (ratio.value + 3 * ratio.error < 0.6 or ratio.value - 3 * ratio.error > 1.7):
        text = (
            f"key 'F': forces do not match the fluctuations of the bonds ({value}): do they belong to "
            "these frames, are they complete "
            "and in kcal/mol/Å, and is the temperature right?"
        )
        yield Finding("equipartition", Severity.WARNING, text, survey.source)
