"""Findings about forces: missing, large, in two sizes, in another unit, or not those of the frames."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

import cgcore
from cgcore.judging import judge
from validation.check import Row, at_most, check, equal
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import (
    FRAMES,
    KELVIN,
    LONG,
    Arrays,
    Wanted,
    chain,
    changed,
    equilibrium,
    findings,
    of,
    rows_of_each,
)
from validation.stored.written_formats import BOHR, EV, HARTREE, KJ, NM
from validation.tolerances import relative

UNITS = {
    "kJ/mol/Å": (1 / KJ, "angstrom-kj"),
    "kJ/mol/nm": (NM / KJ, ""),
    "kcal/mol/nm": (NM, ""),
    "eV/Å": (1 / EV, "angstrom-ev"),
    "eV/nm": (NM / EV, ""),
    "hartree/bohr": (BOHR / HARTREE, ""),
}
"""1 kcal/mol/Å in each unit that is recognised, and the name with which such files are read."""

DIGITS = 1e-5
"""Tolerance of a factor that is written with six digits."""

CELSIUS = 273.15
"""0 °C [K]."""


@check("findings-forces", quick=True)
def findings_about_forces(context: Context) -> Iterator[Row]:
    """Forces that are missing, large, in two sizes, in another unit or with another sign, at another temperature: on
    both sides of each limit."""
    good = equilibrium()
    yield from _missing(good)
    yield from _large(good)
    yield from _two_sizes(good)
    yield from _units(good)
    yield from _equipartition(good)
    yield from _celsius(good)


def _missing(good: Arrays) -> Iterator[Row]:
    """Forces of 0 on all beads, and on some; padding does not count."""
    some, more = (7, 8, 40, 41, 42), (7, 8, 40, 41, 42, 77, 78)
    for frames, listed in ((some, "frames 7, 8, 40, 41 and 42"), (more, "frames 7, 8, 40, 41, 42 and 2 more")):
        words = (f"all forces are 0 in {len(frames)} of {FRAMES} frames ({listed})",)
        wanted = Wanted("wrong zero forces", frames, (), words)
        yield from findings(f"no forces in {len(frames)} frames", of(changed(good, "F", list(frames), 0.0)), wanted)
    F = good["F"].copy()
    F[7, :5], F[33, 3], F[34, 3, :2] = 0.0, 0.0, 0.0
    words = ("some beads of 2 of 90 frames (frames 7 and 33)",)
    wanted = Wanted("warning zero beads", (7, 33), (), words)
    yield from findings("no forces on some beads", of(good | {"F": F}), wanted)
    unit = Wanted("wrong unit", (), (), ("forces look like kJ/mol/Å",))
    yield from findings("and in another unit", of(good | {"F": F / KJ}), unit, wanted)
    both = of(changed(good | {"F": F / KJ}, "F", [11, 12], 0.0))
    yield from findings("what is already wrong", both, Wanted("wrong zero forces", (11, 12)), wanted)


def _rms(arrays: Arrays) -> Array:
    """Root mean square force component of each frame."""
    real = arrays["mask"] == 1
    return np.sqrt(np.sum(arrays["F"] ** 2, axis=(1, 2)) / (3 * real.sum(axis=1)))


def _sized(good: Arrays, rows: Array, sizes: Array) -> Arrays:
    """These frames with forces of these sizes, without a temperature: sizes alone are judged."""
    scale = np.ones(FRAMES)
    scale[rows] = sizes / _rms(good)[rows]
    kept = {key: array for key, array in good.items() if key != "temperature"}
    return kept | {"F": good["F"] * scale[:, None, None]}


def _large(good: Arrays) -> Iterator[Row]:
    """Frames whose forces are more than 10 or 100 times as large as is usual for their protein, if it has 20 frames."""
    long, short = rows_of_each()
    size = 20 * np.exp(np.linspace(-0.1, 0.1, 60))
    median = float(np.median(size))
    for factor, kind in ((9.5, None), (10.6, "warning"), (95.0, "warning"), (106.0, "wrong")):
        sizes = size.copy()
        # A median of 60 values hardly changes if one of the largest is replaced.
        sizes[57] = factor * median
        frame = int(long[57])
        words = (
            f"forces of frame {frame} are {factor:.3g} times",
            f"({factor * median:.3g} kcal",
            "1 frames are above",
        )
        wanted = [Wanted(f"{kind} large forces", (frame,), (), words)] if kind else []
        yield from findings(f"{factor} times as large", of(_sized(good, long, sizes)), *wanted)

    # A tenth of the frames are above 5 times the usual, so that none is an exception.
    wide = np.random.default_rng(1).permutation(20 * np.exp(np.linspace(-2.5, 2.5, 60)))
    worst = int(np.argmax(wide))
    wide[worst] = 120 * np.median(wide)
    peaks = tuple(int(long[k]) for k in np.flatnonzero(wide > 10 * np.median(wide)))
    words = (f"forces of frame {long[worst]} are 120 times", f"{len(peaks)} frames are above 10 times")
    yield from findings(
        "sizes that vary widely", of(_sized(good, long, wide)), Wanted("warning large forces", peaks, (), words)
    )
    # The same with a tenth just below 5 times, and just above.
    for tenth, kind in ((4.7, "wrong"), (5.3, "warning")):
        sizes = np.random.default_rng(1).permutation(size)
        sizes[(largest := np.argsort(sizes)[-7:])] = tenth * median
        sizes[largest[3]] = 120 * median
        found = [one for one in judge(of(_sized(good, long, sizes))).findings if one.code == "large forces"]
        own = str([(str(one.severity), one.frames) for one in found])
        yield equal(f"a tenth of the sizes {tenth} times the usual", own, str([(kind, (int(long[largest[3]]),))]))
    for count, found in ((18, False), (22, True)):
        few = {key: good[key][short[:count]] for key in ("R", "F", "mask")}
        few["F"][13] *= 1000
        wanted = [Wanted("wrong large forces", (13,))] * found
        yield from findings(f"large among {count} frames", of(few), *wanted)


def _two_sizes(good: Arrays) -> Iterator[Row]:
    """Clusters that are 2 times, and 5 standard deviations of the logarithms, apart; units that explain it."""
    long, _ = rows_of_each()
    rng = np.random.default_rng(3)
    for ratio, count, scatter, kind, unit in (
        (1 / KJ, 18, 0.1, "wrong", ", as between kcal/mol/Å and kJ/mol/Å:"),
        (1 / KJ, 42, 0.1, "wrong", ", as between kcal/mol/Å and kJ/mol/Å:"),
        (KJ, 9, 0.1, "wrong", ", as between kcal/mol/Å and kJ/mol/Å:"),
        (2.1, 20, 0.1, "wrong", ", as between kcal/mol/Å and eV/nm:"),
        (1.9, 20, 0.1, None, ""),
        (3.1, 25, 0.1, "warning", ": save"),
        (3.1, 25, 0.21, "warning", ": save"),
        (3.1, 25, 0.25, None, ""),
        (1 / KJ, 4, 0.1, "wrong", ", as between kcal/mol/Å and kJ/mol/Å:"),
        (1 / KJ, 1, 0.1, None, ""),
    ):
        chosen = np.zeros(60, bool)
        chosen[rng.permutation(60)[:count]] = True
        # Half of each cluster is above its middle by the scatter, the other half below.
        jitter = np.empty(60)
        for own in (chosen, ~chosen):
            signs = np.where(np.arange(own.sum()) % 2, 1.0, -1.0)
            jitter[own] = scatter * (signs - signs.mean())
        sizes = 20 * np.exp(jitter) * np.where(chosen, ratio, 1.0)
        fewer = chosen if count <= 30 else ~chosen
        larger = (ratio > 1) == (count <= 30)
        times = max(ratio, 1 / ratio)
        words = (
            f"forces of {fewer.sum()} frames (",
            f"are {times:.3g} times {'larger' if larger else 'smaller'} than those of the other",
            f"other {60 - fewer.sum()}{unit}",
        )
        wanted = [Wanted(f"{kind} two sizes", tuple(long[fewer].tolist()), (), words)] if kind else []
        name = f"{count} of 60 frames {ratio:.3g} times as large, scatter {scatter}"
        yield from findings(name, of(_sized(good, long, sizes)), *wanted)


def _ratio(arrays: Arrays) -> tuple[float, float]:
    """kr var(r) / kT and its error, whose regression the check "judgement" repeats."""
    ratio = judge(of(arrays)).sources[0].ratio
    assert ratio is not None
    return ratio.value, ratio.error


def _units(good: Arrays) -> Iterator[Row]:
    """A unit is recognised within a factor of 1.3, and files are read in it."""
    unsaid = {key: array for key, array in good.items() if key != "temperature"}
    value, _ = _ratio(unsaid)
    for (unit, (factor, option)), off in product(UNITS.items(), (1 / 1.35, 1 / 1.24, 1.0, 1.24, 1.35)):
        ratio = factor * off
        remedy = f"read them with units {option}, or save" if option else "; save them"
        words = (f"like {unit} (kr var(r) is {ratio:.2g} ±", "at 300 K, where", remedy)
        wanted = [Wanted("wrong unit", (), (), words)] * (1 / 1.3 < off < 1.3)
        data = of(unsaid | {"F": good["F"] * ratio / value})
        yield from findings(f"{ratio:.4g} kT, near {unit}", data, *wanted)
        if off == 1:
            _, _, said = judge(data).findings[0].text.rpartition("divided by ")
            yield at_most(f"what to divide {unit} by", relative(float(said), factor), DIGITS, "relative")
    for unit, (factor, option) in UNITS.items():
        if option:
            data = cgcore.from_arrays(**good | {"F": good["F"] * factor}, units=option)
            yield from findings(f"read in {unit}", data)


def _equipartition(good: Arrays) -> Iterator[Row]:
    """Ratios outside 0.6 to 1.7 by three errors, negative ones, and where nothing can be concluded."""
    value, error = _ratio(good)
    error /= value
    at = f"at {KELVIN:g} K, where equipartition gives 1"
    for ratio, kind, words in (
        (0.65, "", ""),
        (0.25, "warning equipartition", "do not match the fluctuations"),
        (1.6, "", ""),
        (1.7 / (1 - 3 * error) * 0.95, "", ""),
        (1.7 / (1 - 3 * error) * 1.05, "warning equipartition", "do not match the fluctuations"),
        (-0.55, "wrong sign", "have the wrong sign"),
        (-1.8, "wrong sign", "have the wrong sign"),
        (-0.45, "warning equipartition", "do not match the fluctuations"),
        (-2.1, "warning equipartition", "do not match the fluctuations"),
    ):
        arrays = good | {"F": good["F"] * ratio / value}
        stated = f"(kr var(r) is {ratio:.2g} ± {error * abs(ratio):.1g} kT {at})"
        wanted = [Wanted(kind, (), (), (words, stated))] if kind else []
        yield from findings(f"{ratio:.3g} kT", of(arrays), *wanted)
        if kind:
            del arrays["temperature"]
            yield from findings(f"{ratio:.3g} kT, temperature given", of(arrays), *wanted, temperature=KELVIN)
            certain = [one._replace(words=(words,)) for one in wanted if one.kind == "wrong sign"]
            yield from findings(f"{ratio:.3g} kT, temperature unstated", of(arrays), *certain)
    several = good | {"temperature": np.where(np.arange(FRAMES) % 2, KELVIN - 25, KELVIN + 25)}
    yield equal("mean of several temperatures", judge(of(several)).sources[0].temperature, KELVIN)
    given = judge(of(good | {"temperature": np.array(KELVIN)}), temperature=200.0).sources[0].temperature
    yield equal("temperature of the data, and another one given", given, KELVIN)

    # With much noise, the ratio is 3 errors from 0; with little noise, bonds explain most of the forces.
    for noise, ratio, wanted in (
        (160.0, 1 / KJ, ()),
        (160.0, -1.0, ()),
        (11.0, 1 / KJ, (Wanted("wrong unit"),)),  # bonds explain 38 % of the forces
        (11.0, -1.0, (Wanted("wrong sign"),)),
        (10.0, 1 / KJ, ()),  # 42 %
        (10.0, -1.0, ()),
    ):
        R, F = chain(np.random.default_rng(9), 60, LONG, 3.8, 0.06, noise)
        arrays: Arrays = {"R": R, "F": F}
        data = of(arrays | {"F": F * ratio / _ratio(arrays)[0]})
        yield from findings(f"noise of {noise:g} kcal/mol/Å, {ratio:.3g} kT", data, *wanted)


def _celsius(good: Arrays) -> Iterator[Row]:
    """Temperatures below 150 K whose ratio is right if they are in °C, between 0.6 and 1.7."""
    value, _ = _ratio(good)
    for said, ratio, wanted in (
        (47.0, 1.0, Wanted("wrong temperature", (), (), ("key 'temperature': 47 looks like °C", "is 6.8 ±", "47 K"))),
        (47.0, 0.65, Wanted("wrong temperature")),
        (47.0, 0.56, Wanted("wrong unit", (), (), ("kJ/mol/Å",))),
        (47.0, 1.6, Wanted("wrong temperature")),
        (47.0, 1.8, Wanted("wrong unit", (), (), ("kcal/mol/nm",))),
        (147.0, 1.0, Wanted("wrong temperature")),
        (153.0, 1.0, Wanted("warning equipartition")),
    ):
        # The ratio is stated for the temperature in kelvin that is meant.
        F = good["F"] * ratio / value * (said + CELSIUS) / KELVIN
        arrays = good | {"F": F, "temperature": said}
        yield from findings(f"{said:g} °C, {ratio:g} kT", of(arrays), wanted)
        del arrays["temperature"]
        yield from findings(f"{said:g} °C that are given, {ratio:g} kT", of(arrays), wanted, temperature=said)
