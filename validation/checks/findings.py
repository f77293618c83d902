"""Findings about positions, about frames that occur twice, and about sources that disagree."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import cgcore
from cgcore.data import locate_overlap
from cgcore.judging import judge
from validation.check import Row, check, equal, refusal
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import (
    BOND,
    FRAMES,
    KELVIN,
    LONG,
    Arrays,
    Wanted,
    bonds,
    chain,
    changed,
    equilibrium,
    findings,
    of,
    rows_of_each,
    with_bond,
)

USUAL = 1.4826
"""Ratio of a standard deviation to the median absolute deviation, for a normal distribution."""

STIFF = (3.8, 0.06, 6.0)
"""Length and standard deviation of bonds [Å], and forces that are not along them [kcal/mol/Å]."""

BEAD, END = 4, 9
"""Beads at which a bond is changed: in both proteins, and in the long one alone."""


@check("findings", quick=True)
def findings_about_positions(context: Context) -> Iterator[Row]:
    """Bonds, gaps, order of beads, frames that occur twice, sources that disagree: on both sides of each limit, with
    frames, beads and numbers."""
    good = equilibrium()
    yield from findings("good data", of(good))
    yield from _outliers(good)
    yield from _gaps(good)
    yield from _declared(good)
    yield from _order()
    yield from _twice(good)
    with tempfile.TemporaryDirectory() as name:
        yield from _sources(Path(name), good)
    yield from _judgement(good, context.prior)
    yield from _overlaps(good)


def _outliers(good: Arrays) -> Iterator[Row]:
    """Limits: 1.3 and 0.6 medians, and 10 standard deviations, of bonds of the same protein."""
    long, short = rows_of_each()
    frame, median = int(long[17]), float(np.median(bonds(good, long, LONG)))
    for factor, odd in ((1.33, True), (1.27, False), (0.57, True), (0.63, False)):
        length = factor * median
        words = (
            f"beads {BEAD} and {BEAD + 1} of frame {frame} are {length:.4g} Å apart",
            f"bonds are {median:.3g} Å long; 1 of {FRAMES} frames has such a bond",
            f"remove frame {frame}",
        )
        wanted = [Wanted("wrong bond", (frame,), (BEAD, BEAD + 1), words)] * odd
        yield from findings(f"bond of {factor} medians", of(with_bond(good, frame, BEAD, length)), *wanted)
    yield from findings("bond of 1.37 medians of the other protein", of(with_bond(good, short[4], 2, 1.37 * BOND[0])))
    # A shorter bond deviates more than a longer one with the same difference, since ratios count.
    several = with_bond(with_bond(good, long[30], 2, 1.6 * median), long[12], 6, 0.5 * median)
    frames = (int(long[12]), int(long[30]))
    words = (f"beads 6 and 7 of frame {frames[0]} are", "2 of 90 frames have", f"frames {frames[0]} and {frames[1]}")
    yield from findings("two outliers", of(several), Wanted("wrong bond", frames, (6, 7), words))
    yield from findings(
        "cis peptide bonds", of(with_bond(good, long, BEAD, 2.9 + bonds(good, long, LONG)[:, BEAD] - BOND[0]))
    )

    R, F = chain(np.random.default_rng(5), 60, LONG, 3.8, 0.27, 22.0)
    loose = {"R": R, "F": F}
    r = bonds(loose, np.arange(60), LONG)
    spread = 10 * USUAL * float(np.median(np.abs(r - np.median(r))))
    for side, name in ((1, "long"), (-1, "short")):
        for factor, odd in ((1.05, True), (0.95, False)):
            wanted = [Wanted("wrong bond", (33,), (7, 8))] * odd
            data = of(with_bond(loose, 33, 7, np.median(r) + side * factor * spread))
            yield from findings(f"{name} bond, {factor} of ten spreads", data, *wanted)


def _gaps(good: Arrays) -> Iterator[Row]:
    """A gap is an outlier in 95 % of the frames of a protein."""
    long, _ = rows_of_each()
    for count in (60, 58, 56):
        rows = np.sort(np.random.default_rng(count).permutation(long)[:count])
        lengths, frames = 8 + 0.01 * np.arange(count), tuple(rows.tolist())
        extent = f"all {count} frames" if count == len(long) else f"{count} of {len(long)} frames"
        words = (f"are {lengths[0]:.4g} to {lengths[-1]:.4g} Å apart in {extent}", "'chain', 'resid' or 'bonds'")
        wanted = Wanted("wrong gap", frames, (BEAD, BEAD + 1), words)
        if count == 56:
            wanted = Wanted("wrong bond", frames, (BEAD, BEAD + 1), (f"of frame {rows[-1]} are 8.55 Å apart",))
        yield from findings(f"broken in {count} of 60 frames", of(with_bond(good, rows, BEAD, lengths)), wanted)
    both = with_bond(with_bond(good, long, BEAD, 8.0), long[7], 8, 9.0)
    wanted = (
        Wanted("wrong gap", tuple(long.tolist()), (BEAD, BEAD + 1)),
        Wanted("wrong bond", (int(long[7]),), (8, 9), ("1 of 90 frames",)),
    )
    yield from findings("a gap, and a broken frame", of(both), *wanted)
    one = {key: good[key][:1] for key in ("R", "F", "mask")}
    yield from findings("a single frame", of(with_bond(one, 0, BEAD, 8.0)), Wanted("wrong bond", (0,), (4, 5)))


def _declared(good: Arrays) -> Iterator[Row]:
    """Gaps and chains that the data declare, at a bead that only the long protein has a neighbour of."""
    long, _ = rows_of_each()
    beads = np.arange(LONG)
    numbers = {"resid": np.where(beads > END, beads + 3, beads)}
    for key, said in (
        *numbers.items(),
        ("chain", np.where(beads > END, "B", "A")),
        ("bonds", np.array([(k, k + 1) for k in range(LONG - 1) if k != END])),
    ):
        mean = float(bonds(good, long, LONG)[:, END].mean())
        words = (f"beads {END} and {END + 1} are not bonded", f"but {mean:.3g} Å apart in all 60 frames")
        wanted = Wanted("warning joined", tuple(long.tolist()), (END, END + 1), words)
        yield from findings(f"bonded beads that {key} parts", of(good | {key: said}), wanted)
    yield from findings("a gap that resid states", of(with_bond(good, long, END, 8.0) | numbers))
    for count in (2, 4):
        data = of(with_bond(good, long[:count], END, 8.0) | numbers)
        wanted = Wanted("warning joined", tuple(long[count:].tolist()), (END, END + 1), (f"{60 - count} of 60 frames",))
        yield from findings(f"apart in {count} of 60 frames", data, *[wanted] * (count == 2))


def _order() -> Iterator[Row]:
    """Beads in another order than that of the chain, which is known from pairs whose distances hardly vary."""
    rng = np.random.default_rng(2)
    order = np.array([3, 0, 8, 5, 1, 9, 6, 2, 4, 7])
    frames = tuple(range(24))
    for spread, found in ((0.1, True), (0.3, False)):
        R, F = chain(rng, len(frames), len(order), 3.8, spread, 22.0)
        tight = with_bond({"R": R, "F": F}, np.arange(24), 2, 3.0 + rng.normal(scale=0.03, size=24))
        yield from findings(f"beads in order, spread {spread} Å", of(tight))
        mixed = {key: array[:, order] for key, array in tight.items()}
        beads = tuple(sorted(int(np.flatnonzero(order == bead)[0]) for bead in (2, 3)))
        mean = float(np.linalg.norm(mixed["R"][:, beads[0]] - mixed["R"][:, beads[1]], axis=-1).mean())
        words = (f"beads {beads[0]} and {beads[1]} are {mean:.3g} Å apart", _variation(mixed["R"]))
        wanted = [Wanted("wrong order", frames, beads, words)] * found
        yield from findings(f"beads in disorder, spread {spread} Å", of(mixed), *wanted)
        if found:
            wanted = Wanted("wrong order", frames[1::2], beads)
            yield from findings("beads in disorder, in every second frame", _every_second(of(mixed)), wanted)
    R, F = chain(rng, len(frames), len(order), 3.8, 1.0, 22.0)
    R[:, 6] = R[:, 1] + np.array([2.0, 0.0, 1.5])
    yield from findings("one rigid pair in a loose chain", of({"R": R, "F": F}))
    # Every second bead on a rigid line, and the others around them, further away than beads of the line or less far.
    for spacing in (2.6, 4.2):
        u, R = rng.normal(size=(24, 6, 3)), np.zeros((24, LONG, 3))
        R[:, ::2] = spacing * np.arange(6)[:, None] * np.eye(3)[0] + rng.normal(scale=0.02, size=u.shape)
        u /= np.linalg.norm(u, axis=-1, keepdims=True)
        R[:, 1::2] = R[:, ::2] + rng.normal(3.8, 0.8, size=(24, 6, 1)) * u
        means = [float(np.linalg.norm(R[:, k + 2] - R[:, k], axis=-1).mean()) for k in range(0, LONG - 2, 2)]
        first = 2 * int(np.argmin(means))
        words = (f"beads {first} and {first + 2} are {min(means):.3g} Å apart", _variation(R))
        wanted = [Wanted("wrong order", frames, (first, first + 2), words)] * (spacing == 2.6)
        data = of({"R": R, "F": rng.normal(size=R.shape)})
        yield from findings(f"pairs that are rigid at {spacing} Å", data, *wanted)


def _every_second(data: cgcore.Dataset) -> cgcore.Dataset:
    """Frames 1, 3, 5, ... of a data set with one source."""
    frames = data.sources[0].select(np.arange(1, data.n_frames, 2))
    return cgcore.Dataset((frames,), "odd", "", (), "angstrom-kcal")


def _variation(R: Array) -> str:
    """The spread of the distances of neighbours, relative to their median, in words."""
    r = np.linalg.norm(np.diff(R, axis=1), axis=-1)
    return f"vary by {100 * USUAL * np.median(np.abs(r - np.median(r))) / np.median(r):.0f} %"


def _twice(good: Arrays) -> Iterator[Row]:
    """Frames 20 and 50 are frame 5; frame 70, of the other protein, is frame 40 with forces of its own."""
    again, first = [20, 50, 70], [5, 5, 40]
    twice = changed(changed(good, "R", again, good["R"][first]), "F", again[:2], good["F"][first[:2]])
    words = ("frame 20 has the positions of frame 5; 3 of 90 frames", "1 of them with different forces")
    yield from findings("frames that occur twice", of(twice), Wanted("warning duplicates", tuple(again), (), words))
    moved = changed(twice, "R", again, twice["R"][again] + 1e-3 * np.arange(1, 4)[:, None, None])
    words = ("frame 20 has the same forces as frame 5", "2 of 90 frames have another frame's forces")
    wanted = Wanted("wrong repeated forces", tuple(again[:2]), (), words)
    yield from findings("forces that occur twice", of(moved), wanted)
    factors = 1 + 1e-3 * np.arange(1, 4)[:, None, None]
    yield from findings("nearly the same frames", of(changed(moved, "F", again, factors * moved["F"][again])))


def _sources(folder: Path, good: Arrays) -> Iterator[Row]:
    """Three sources, of which one repeats a frame or differs in temperature, forces or bonds."""
    second, third = equilibrium(1), equilibrium(2)

    def written(name: str, **sources: Arrays) -> cgcore.Dataset:
        (folder / name).mkdir()
        for source, arrays in ({"a": good, "b": second, "c": third} | sources).items():
            np.savez(folder / name / f"{source}.npz", **arrays)
        return cgcore.read(folder / name)

    yield from findings("three sources", written("good"))
    shared = changed(second, "R", [6, 8], good["R"][[32, 30]])
    further = {"b": shared, "c": changed(third, "R", [5], good["R"][[47]])}
    words = ("frame 6 has the positions of frame 32 of a.npz; 3 of 270 frames", "3 of them with different forces")
    wanted = Wanted("warning duplicates", (6, 8), (), words, "b.npz")
    yield from findings("frames of another source", written("shared", **further), wanted)
    words = ("(a.npz 320 K; b.npz 330 K)",)
    data = written("warm", b=second | {"temperature": np.full(FRAMES, 330.0)})
    yield from findings("temperatures", data, Wanted("warning temperatures", (), (), words, ""))

    # Forces along bonds outweigh all others, so that ratios are known to some percent, and only sources are compared.
    precise = [dict(zip("RF", chain(np.random.default_rng(k), 60, LONG, *STIFF), strict=True)) for k in range(3)]
    at_room = KELVIN / 300.0  # no source states its temperature
    for strength, sources, differ in (
        (1.65, precise, True),
        (1.35, precise, False),
        (1.65, (good, second, third), False),
    ):
        wanted_ratios = np.array([strength, 1.0, 1.2]) * at_room
        scaled = {
            source: {key: arrays[key] for key in arrays if key != "temperature"}
            | {"F": arrays["F"] * wanted / _ratio(arrays)}
            for source, arrays, wanted in zip("abc", sources, wanted_ratios, strict=True)
        }
        words = (
            "b.npz and a.npz disagree",
            f"is {at_room:.2g} in one and {strength * at_room:.2g} in the other",
        )
        wanted = [Wanted("warning sources", (), (), words, "")] * differ
        name = f"forces {strength} times as strong{', with noise' if sources is not precise else ''}"
        yield from findings(name, written(name, **scaled), *wanted)
    medians = [float(np.median(bonds(third, rows, beads))) for rows, beads in zip(rows_of_each(), (12, 9), strict=True)]
    median = float(np.average(medians, weights=[len(rows) for rows in rows_of_each()]))
    for factor, differ in ((1.13, True), (1.07, False)):
        words = ("and c.npz disagree", f"and {factor * median:.3g} Å in the other")
        wanted = [Wanted("warning bond lengths", (), (), words, "")] * differ
        data = written(f"bonds {factor}", c=third | {"R": factor * third["R"]})
        yield from findings(f"bonds {factor} times as long", data, *wanted)


def _ratio(arrays: Arrays) -> float:
    """kr var(r) / kT at room temperature, whose regression the check "judgement" repeats."""
    ratio = judge(of({key: arrays[key] for key in arrays if key != "temperature"})).sources[0].ratio
    assert ratio is not None
    return ratio.value


def _judgement(good: Arrays, prior: cgcore.Prior) -> Iterator[Row]:
    """What is wrong comes first, is refused, and keeps its frame number in a subset."""
    beads = np.arange(LONG)
    faulty = changed(good, "F", [3, 11], 0.0) | {"resid": np.where(beads > END, beads + 3, beads)}
    data = of(with_bond(faulty, 47, 2, 9.0))
    found = judge(data)
    codes = [one.code for one in found.findings]
    yield equal("order of findings", str(codes), str(["bond", "zero forces", "joined"]))
    yield equal("wrong", str([one.code for one in found.wrong]), str(codes[:2]))
    yield equal("warnings", str([one.code for one in found.warnings]), str(codes[2:]))
    yield equal("those of inspect", str(cgcore.inspect(data).judgement.findings), str(found.findings))
    recorded = [(one["code"], one["severity"], one["frames"]) for one in found.as_dict()["findings"]]
    expected = [("bond", "wrong", [47]), ("zero forces", "wrong", [3, 11])]
    yield equal("record", str(recorded[:2]), str(expected))
    message = refusal(lambda: cgcore.fit(data, prior)) or "no error"
    words = ("arrays: key 'R': beads 2 and 3 of frame 47", "(and 1 more, see `cgcore inspect`)", "--accept-faults")
    yield equal("refused, in words", "; ".join(word for word in words if word not in message) or message, message)
    kept = [(one.code, one.frames[:2]) for one in judge(_every_second(data)).findings]
    known = [("bond", (47,)), ("zero forces", (3, 11)), ("joined", (3, 5))]  # frame 1 is of the short protein
    yield equal("frames of every second frame", str(kept), str(known))


def _overlaps(good: Arrays) -> Iterator[Row]:
    """The first two beads at the same place that are not neighbours; padding is at no place."""
    R = np.where(np.isnan(good["R"]), 0.0, good["R"])
    R[21, 4, 1:] = R[21, 1, 1:]
    yield equal("no overlap", str(locate_overlap(of(good | {"R": R}))), "None")
    R[50, [8, 11]], R[44, 7] = R[50, [2, 5]], R[44, 1]
    R[[44, 50]] += 7.0
    R[60, 10] = R[60, 0]
    shortened = of(good | {"R": R}).sources[0].select(np.arange(46, FRAMES))
    data = cgcore.Dataset((of(good).sources[0], shortened), "both", "", (), "angstrom-kcal")
    for name, one, words in (
        ("overlap", of(good | {"R": R}), "beads 1 and 7 of frame 44"),
        ("overlap in a part of the second source", data, "beads 2 and 8 of frame 50"),
    ):
        yield equal(name, words in str(locate_overlap(one)), True)
