"""Faults as they occur in real data are found and named; good data cause no warning."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import factor_helpers
import helpers
import numpy as np
import pytest

import cgcore
from cgcore.data import Dataset, from_arrays, read
from cgcore.errors import InputError
from cgcore.judging import Judgement, judge, survey
from cgcore.judging.hashes import all_differ, hashes

CHAINS = factor_helpers.chignolin_chains(1000)
"""All-atom forces at 320 K for 10 beads."""
SOME, SHIFT = slice(0, 200), np.array([60.0, 0, 0])
Arrays = dict[str, Any]


def good(frames: slice | np.ndarray = SOME) -> Arrays:
    return {"R": CHAINS.R[frames], "F": CHAINS.F[frames], "temperature": 320.0}


def codes(found: Judgement) -> list[str]:
    return [f"{finding.severity} {finding.code}" for finding in found.findings]


def changed(key: str, where: Any, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Arrays], Arrays]:
    """A function that changes these frames (and beads) of an array."""

    def spoil(arrays: Arrays) -> Arrays:
        values = arrays[key].copy()
        values[where] = change(values[where])
        return arrays | {key: values}

    return spoil


def beads(*order: int) -> Callable[[Arrays], Arrays]:
    """A function that takes these beads in this order."""
    return lambda arrays: arrays | {key: arrays[key][:, list(order)] for key in ("R", "F")}


def two_chains(arrays: Arrays) -> Arrays:
    R, F = arrays["R"], arrays["F"]
    return arrays | {"R": np.concatenate([R, R[::-1] + 25], axis=1), "F": np.concatenate([F, F[::-1]], axis=1)}


PERMUTED = np.random.default_rng(0).permutation(10).tolist()
FAULTS: dict[str, tuple[Callable[[Arrays], Arrays], str, str]] = {
    "a wrapped frame": (
        changed("R", (77, slice(5, None)), lambda R: R + SHIFT),
        "bond",
        r"beads 4 and 5 of frame 77 are 6\d\.\d* Å apart, and bonds are 3.87 Å long; 1 of 200 frames has.*--box X Y Z",
    ),
    "a bead out of its place": (changed("R", (5, 3), lambda R: R + 4), "bond", r"beads [23] and [34] of frame 5 are"),
    "a frame in nm": (changed("R", 9, lambda R: R / 10), "bond", r"of frame 9 are 0\.3\d* Å apart"),
    "a gap that is not said": (beads(0, 1, 2, 3, 6, 7, 8, 9), "gap", "beads 3 and 4 are .* in all 200 frames.*'resid'"),
    "one residue left out": (beads(0, 1, 2, 3, 4, 6, 7, 8, 9), "gap", "beads 4 and 5 are .*'chain'"),
    "two chains that are not said": (two_chains, "gap", "beads 9 and 10 are .* all 200 frames"),
    "beads in disorder": (beads(*PERMUTED), "order", "put the beads into the order of the chain"),
    "forces missing": (
        changed("F", slice(1, None, 2), np.zeros_like),
        "zero forces",
        r"all forces are 0 in 100 of 200 frames \(frames 1, 3, 5, 7, 9 and 95 more\)",
    ),
    "forces missing once": (changed("F", 150, np.zeros_like), "zero forces", r"in 1 of 200 frames \(frame 150\)"),
    "forces repeated": (
        lambda arrays: arrays | {"F": np.repeat(arrays["F"][::2], 2, axis=0)},
        "repeated forces",
        "frame 1 has the same forces as frame 0 at other positions; 100 of 200 frames",
    ),
    "forces of an earlier frame": (
        lambda arrays: arrays | {"F": np.concatenate([arrays["F"][:190], arrays["F"][:10]])},
        "repeated forces",
        "frame 190 has the same forces as frame 0",
    ),
    "a frame blown up": (
        changed("F", 33, lambda F: F * 1e4),
        "large forces",
        "forces of frame 33 are .* larg.*frame 33",
    ),
    "half in another unit": (
        changed("F", slice(120, None), lambda F: F * 4.184),
        "two sizes",
        r"forces of 80 frames \(frames 120, .*larger than those of the other 120, as between kcal/mol/Å and kJ/mol/Å",
    ),
    "kJ/mol/Å": (
        changed("F", slice(None), lambda F: F * 4.184),
        "unit",
        r"like kJ/mol/Å .*units angstrom-kj, or .*by 4.184",
    ),
    "kJ/mol/nm": (changed("F", slice(None), lambda F: F * 41.84), "unit", r"forces look like kJ/mol/nm"),
    "eV/Å": (changed("F", slice(None), lambda F: F / 23.06), "unit", r"forces look like eV/Å"),
    "hartree/bohr": (changed("F", slice(None), lambda F: F / 1185.8), "unit", r"forces look like hartree/bohr"),
    "gradients": (changed("F", slice(None), lambda F: -F), "sign", "save minus the gradient"),
    "°C": (lambda arrays: arrays | {"temperature": 47.0}, "temperature", "'temperature': 47 looks like °C"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_surely_wrong_is_refused_by_name(fault: str, tmp_path: Path) -> None:
    spoil, code, words = FAULTS[fault]
    np.savez(tmp_path / "a.npz", **spoil(good()))
    found = judge(read(tmp_path / "a.npz"))
    assert {finding.code for finding in found.wrong} == {code}, codes(found)
    with pytest.raises(InputError) as caught:
        found.require_right()
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'a.npz'}: ")
    assert message.count("a.npz") == 1
    assert re.search(words, message), message
    assert "--accept-faults" in message


def test_frames_and_beads_are_in_the_record() -> None:
    found = judge(from_arrays(**FAULTS["a wrapped frame"][0](good())))
    (finding,) = found.findings
    assert (finding.frames, finding.beads) == ((77,), (4, 5))
    plain = found.as_dict()
    assert plain["findings"][0]["frames"] == [77]
    assert plain["sources"][0]["kr_var_over_kT"]["value"] == pytest.approx(1, abs=0.15)


WARNINGS: dict[str, tuple[Callable[[Arrays], Arrays], str]] = {
    "frames twice": (
        lambda arrays: arrays | {key: np.concatenate([arrays[key], arrays[key][:7]]) for key in "RF"},
        "duplicates",
    ),
    "positions twice": (changed("R", 8, lambda R: CHAINS.R[3]), "duplicates"),
    "forces of other frames": (lambda arrays: arrays | {"F": np.roll(arrays["F"], 1, axis=0)}, "equipartition"),
    "a bead without forces": (changed("F", (slice(None), 9), np.zeros_like), "zero beads"),
    "residue numbers that jump along bonds": (lambda arrays: arrays | {"resid": np.r_[1:6, 9:14]}, "joined"),
}


@pytest.mark.parametrize("case", WARNINGS)
def test_what_may_be_meant_is_a_warning(case: str) -> None:
    spoil, code = WARNINGS[case]
    found = judge(from_arrays(**spoil(good())))
    assert codes(found) == [f"warning {code}"]
    found.require_right()


def prior_forces(R: np.ndarray, mask: np.ndarray) -> np.ndarray:
    prior = cgcore.default_prior()
    F = np.zeros_like(R)
    for length in np.unique(mask.sum(axis=1)).astype(int):
        own = mask.sum(axis=1) == length
        F[own, :length] = helpers.np_forces(prior.weights, prior.params, R[own, :length])
    return F


def random(n_frames: int, lengths: list[int], seed: int) -> Dataset:
    return factor_helpers.random_chains(n_frames, lengths, max(lengths) + 1, seed).dataset()


def exact(chains: factor_helpers.Chains) -> Dataset:
    return from_arrays(chains.R, prior_forces(chains.R, chains.mask), chains.mask, temperature=320.0)


GOOD: dict[str, Callable[[], Dataset]] = {
    "bundled": cgcore.datasets.chignolin,
    "two proteins": lambda: read(Path(__file__).parents[1] / "validation" / "reference" / "two_proteins.npz"),
    **{f"first {n}": lambda n=n: from_arrays(**good(slice(0, n))) for n in (1, 2, 3, 5, 10, 30)},
    **{f"any {n}": lambda n=n: cgcore.datasets.chignolin().subset(n, seed=n) for n in (1, 2, 3, 5, 10, 30, 300)},
    "no temperature": lambda: from_arrays(CHAINS.R, CHAINS.F),
    "forces of a prior on real frames": lambda: exact(CHAINS.take(SOME)),
    "forces of a prior on random chains": lambda: exact(factor_helpers.random_chains(100, [12], 12, 3)),
    "noise on random chains": lambda: random(60, [12], 1),
    "noise on chains of many lengths": lambda: random(60, [12, 9, 3, 2], 2),
    "a stiff helix": lambda: factor_helpers.helix(50, 12, 1e-6, 1).dataset(),
    "a loose helix": lambda: factor_helpers.helix(50, 12, 0.3, 1).dataset(),
    "a gap that is said": lambda: from_arrays(**beads(0, 1, 2, 3, 6, 7, 8, 9)(good()), resid=np.r_[0:4, 6:10]),
    "chains that are said": lambda: from_arrays(**two_chains(good()), chain=np.repeat([0, 1], 10)),
    "a wrapped set with its box": lambda: from_arrays(
        **changed("R", (slice(None, None, 3), slice(5, None)), lambda R: R + SHIFT)(good()), box=np.full(3, 60.0)
    ),
    "a cis bond": lambda: from_arrays(**changed("R", (slice(None), slice(5, None)), _cis)(good())),
}


def _cis(R: np.ndarray) -> np.ndarray:
    """Beads 5 and on moved towards bead 4, for a bond of 2.9 Å."""
    before = CHAINS.R[SOME, 4:5]
    step = R[:, :1] - before
    return R + step * (2.9 / np.linalg.norm(step, axis=-1, keepdims=True) - 1)


@pytest.mark.parametrize("case", GOOD)
def test_no_false_alarm(case: str) -> None:
    assert codes(judge(GOOD[case]())) == []


def test_ratio_against_least_squares() -> None:
    """The normal equations are those of the explicit matrix."""
    R, F = CHAINS.R, CHAINS.F
    step = np.diff(R, axis=1)
    r = np.linalg.norm(step, axis=-1)
    u = step / r[..., None]
    X = np.zeros((*R.shape, 2))
    # Means over the sample that `survey` uses, and medians over every other frame.
    sampled = np.unique(np.linspace(0, len(R) - 1, 500).astype(int))
    stretch = r - np.median(r[sampled], axis=0)
    for column, s in enumerate((stretch, np.ones_like(stretch))):
        X[:, :-1, :, column] += s[..., None] * u
        X[:, 1:, :, column] -= s[..., None] * u
    c, (left,), *_ = np.linalg.lstsq(X.reshape(-1, 2), F.ravel())
    ratio = judge(from_arrays(R, F, temperature=320.0)).sources[0].ratio
    assert ratio is not None
    assert ratio.kr == pytest.approx(c[0], rel=1e-9)
    assert ratio.explained == pytest.approx(1 - left / np.sum(F**2), rel=1e-9)
    assert ratio.value == pytest.approx(c[0] * np.mean(stretch**2) / (0.00198720426 * 320), rel=1e-6)
    assert 0.01 < ratio.error < 0.04


@pytest.mark.parametrize("fault", ["a wrapped frame", "two chains that are not said", "forces missing"])
def test_the_size_of_blocks_does_not_matter(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = from_arrays(**FAULTS[fault][0](good()))
    whole = judge(data)
    monkeypatch.setattr(survey, "BLOCK_BYTES", 7 * data.sources[0].n_beads * 3 * 8)
    cut = judge(data)
    assert cut.findings == whole.findings
    assert [x.frames for x in cut.findings] == [x.frames for x in whole.findings]
    (one,), (other,) = cut.sources, whole.sources
    np.testing.assert_array_equal(one.force_rms, other.force_rms)
    assert one.ratio is not None
    assert other.ratio is not None
    np.testing.assert_allclose(one.ratio, other.ratio, rtol=1e-9)


@pytest.mark.parametrize("cores", [1, 3])
def test_the_number_of_threads_does_not_matter(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = from_arrays(**FAULTS["a wrapped frame"][0](good()))
    monkeypatch.setattr(survey, "BLOCK_BYTES", 7 * data.sources[0].n_beads * 3 * 8)
    expected = judge(data)
    monkeypatch.setattr(survey, "cores", lambda: cores)
    found = judge(data)
    assert found.findings == expected.findings
    assert found.sources[0].ratio == expected.sources[0].ratio
    np.testing.assert_array_equal(found.sources[0].force_rms, expected.sources[0].force_rms)


def test_what_is_too_large_to_be_squared_gives_no_warning_in_any_thread() -> None:
    arrays = good()
    arrays["F"] = arrays["F"] * 1e200
    assert np.isinf(judge(from_arrays(**arrays)).sources[0].force_rms).all()


def test_one_equal_pair_among_hashes_is_seen() -> None:
    numbers = np.random.default_rng(0).integers(0, 2**64, 1000, np.uint64)
    assert all_differ(numbers)
    assert all_differ(numbers[:0])
    numbers[[7, 901]] = 2**63
    assert not all_differ(numbers)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("beads", [1, 2, 5])
def test_hashes_tell_frames_apart(dtype: type, beads: int) -> None:
    """Also if frames differ in one bit of one number, and if the number of float32 values is odd."""
    x = np.random.default_rng(0).normal(size=(1, beads, 3)).astype(dtype)
    bits = 8 * x.itemsize
    frames = [x] + [x.copy() for _ in range(3 * beads * bits)]
    words = {4: np.uint32, 8: np.uint64}[x.itemsize]
    for k, changed in enumerate(frames[1:]):
        changed.reshape(-1).view(words)[k // bits] ^= words(1) << words(k % bits)
    finite = [frame for frame in frames if np.isfinite(frame).all()]
    assert len(set(hashes(np.concatenate(finite)).tolist())) == len(finite)
    zero = np.zeros_like(x)
    assert hashes(zero) == hashes(-zero)


def test_padding_and_order_of_proteins_do_not_matter() -> None:
    """Frames of two lengths, shuffled and with arbitrary padding, give the same as each length alone."""
    R, F = np.full((400, 12, 3), np.nan), np.full((400, 12, 3), np.nan)
    mask = np.zeros((400, 12))
    rows = np.random.default_rng(0).permutation(400)
    for own, width in ((rows[:200], 10), (rows[200:], 8)):
        own = np.sort(own)
        R[own, :width], F[own, :width], mask[own, :width] = CHAINS.R[:200, :width], CHAINS.F[:200, :width], 1
    found = judge(from_arrays(R, F, mask, temperature=320.0))
    assert codes(found) == []
    ratio = found.sources[0].ratio
    assert ratio is not None
    assert ratio.value == pytest.approx(1, abs=0.15)


def test_sources_that_disagree(tmp_path: Path) -> None:
    other = good(slice(200, 400))
    np.savez(tmp_path / "a.npz", **good())
    np.savez(tmp_path / "b.npz", **other | {"F": other["F"] * 2, "temperature": 300.0})
    found = judge(read(tmp_path))
    assert set(codes(found)) == {"warning temperatures", "warning sources", "warning equipartition"}
    (sources,) = [finding for finding in found.findings if finding.code == "sources"]
    assert "a.npz and b.npz disagree" in sources.text


def test_one_file_in_another_unit_is_named(tmp_path: Path) -> None:
    other = good(slice(200, 400))
    np.savez(tmp_path / "a.npz", **good())
    np.savez(tmp_path / "b.npz", **other | {"F": other["F"] * 4.184})
    with pytest.raises(InputError, match=r"b\.npz: key 'F': forces look like kJ/mol/Å"):
        judge(read(tmp_path)).require_right()


def test_frames_of_one_file_in_another(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **good())
    np.savez(tmp_path / "b.npz", **good(slice(190, 400)))
    (finding,) = judge(read(tmp_path)).findings
    assert (finding.code, finding.source, finding.frames) == ("duplicates", "b.npz", tuple(range(10)))
    assert "frame 0 has the positions of frame 190 of a.npz; 10 of 410 frames" in finding.text


def test_places_are_those_of_the_file_also_in_a_subset() -> None:
    data = from_arrays(**FAULTS["a wrapped frame"][0](good()))
    rows = np.r_[50:100]
    chosen = Dataset((data.sources[0].select(rows),), data.path, data.sha256, (), data.units)
    assert judge(chosen).findings[0].frames == (77,)


def test_in_a_box_bonds_go_to_the_nearest_image() -> None:
    arrays = good()
    wrapped = from_arrays(np.mod(arrays["R"], 30.0), arrays["F"], temperature=320.0)
    assert "wrong bond" in " ".join(codes(judge(wrapped)))
    inside, free = (
        judge(wrapped, displacement=cgcore.periodic(30.0)),
        judge(from_arrays(arrays["R"], arrays["F"]), 320.0),
    )
    assert codes(inside) == []
    assert codes(cgcore.inspect(wrapped, cgcore.periodic(30.0)).judgement) == []
    assert inside.sources[0].ratio is not None
    assert free.sources[0].ratio is not None
    # Positions are float32: 1e-6 Å compared with bond fluctuations of 0.06 Å.
    assert inside.sources[0].ratio.value == pytest.approx(free.sources[0].ratio.value, rel=1e-3)
