"""The output of `cgcore inspect`, against NumPy on arrays with known results."""

from __future__ import annotations

import numpy as np
import pytest

import cgcore
from cgcore.data import Batch
from cgcore.inspection import Inspection, inspect
from cgcore.report.inspection import BARS, bars, render

PEPTIDE = "YYDPETGTWY"


@pytest.fixture(scope="module")
def peptide() -> Inspection:
    return inspect(cgcore.datasets.chignolin())


def padded(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames of 4 and of 9 beads, with NaN in padding."""
    rng = np.random.default_rng(seed)
    R = np.cumsum(rng.normal(size=(700, 9, 3), loc=(2, 1, 0)), axis=1)
    F = rng.normal(size=R.shape) * 20
    mask = np.ones(R.shape[:2])
    mask[::3, 4:] = 0
    R[mask == 0] = F[mask == 0] = np.nan
    return R, F, mask


def test_counts_and_names(peptide: Inspection) -> None:
    assert (peptide.frames, peptide.beads, peptide.real_beads) == (1000, 10, 10_000)
    assert [tuple(p) for p in peptide.proteins] == [(PEPTIDE, 10, 1000)]
    assert [tuple(s) for s in peptide.sources] == [("chignolin.npz", 1000, 10)]
    assert sum(peptide.species.values()) == 10_000
    assert sorted(peptide.species.values()) == [1000] * 5 + [2000, 3000]
    assert peptide.temperatures == (320.0,)
    assert {"resname", "temperature"} <= peptide.extras.keys()


def test_bonds_and_forces_against_numpy(peptide: Inspection, chignolin: Batch) -> None:
    R, F = chignolin.R.astype(np.float64), chignolin.F.astype(np.float64)
    r = np.linalg.norm(np.diff(R, axis=1), axis=2)
    bond = peptide.ranges["bond"]
    assert bond.values == r.size
    assert (bond.least, bond.most, bond.mean) == pytest.approx((r.min(), r.max(), r.mean()), rel=1e-12)
    assert peptide.median_bond == pytest.approx(np.median(r), rel=1e-3)
    assert peptide.force_rms == pytest.approx(np.sqrt(np.mean(F**2)), rel=1e-12)
    assert peptide.mean_force == pytest.approx(F.mean(axis=(0, 1)).tolist(), abs=1e-9)
    assert peptide.net_force_rms == pytest.approx(np.sqrt(np.mean(F.sum(axis=1) ** 2)), rel=1e-9)
    peak = peptide.force_peak
    assert peak.value == np.abs(F).max() == np.abs(F[peak.frame, peak.bead]).max()


def test_same_histograms_as_the_factor(peptide: Inspection) -> None:
    factor = cgcore.compress(cgcore.datasets.chignolin(), cgcore.Fingerprint.of(cgcore.default_prior()))
    for name, counts in factor.histograms.counts.items():
        # A value on a bin edge may be rounded to either side.
        assert np.abs(counts - peptide.histograms.counts[name]).sum() <= 4
        assert counts.sum() == peptide.ranges[name].values


def test_closest_pair_is_named(peptide: Inspection, chignolin: Batch) -> None:
    R = chignolin.R.astype(np.float64)
    distance = np.linalg.norm(R[:, :, None] - R[:, None], axis=3)
    i, j = np.triu_indices(10, k=6)
    assert peptide.closest is not None
    assert peptide.closest.distance == pytest.approx(distance[:, i, j].min(), rel=1e-12)
    assert distance[(peptide.closest.frame, *peptide.closest.beads)] == pytest.approx(peptide.closest.distance)


def test_padding_does_not_count() -> None:
    R, F, mask = padded()
    found = inspect(cgcore.from_arrays(R, F, mask))
    real = mask == 1
    bonded = real[:, 1:]
    r = np.linalg.norm(np.diff(R, axis=1), axis=2)[bonded]
    assert found.real_beads == real.sum()
    assert (found.ranges["bond"].values, found.ranges["dihedral"].values) == (r.size, (real.sum(axis=1) - 3).sum())
    assert found.ranges["bond"].most == pytest.approx(r.max(), rel=1e-12)
    assert found.force_rms == pytest.approx(np.sqrt(np.mean(F[real] ** 2)), rel=1e-12)
    assert sorted((p.length, p.frames) for p in found.proteins) == [(4, 234), (9, 466)]
    assert found.closest is not None
    assert mask[found.closest.frame].sum() == 9  # the shorter chain has no such pair


def test_places_are_those_of_the_file_also_in_a_subset() -> None:
    R, F, mask = padded()
    F[413, 2, 1] = -999.0
    for dataset in (cgcore.from_arrays(R, F, mask), cgcore.from_arrays(R, F, mask).split(0.5)[1]):
        assert dataset is not None
        peak = inspect(dataset).force_peak
        assert (peak.value, peak.frame, peak.bead) == (999.0, 413, 2)


@pytest.mark.parametrize("beads", [2, 3])
def test_chains_too_short_for_angles_or_dihedrals(beads: int) -> None:
    rng = np.random.default_rng(2)
    R = np.cumsum(rng.normal(size=(5, beads, 3), loc=(3, 0, 0)), axis=1)
    found = inspect(cgcore.from_arrays(R, np.ones_like(R)))
    assert list(found.ranges) == ["bond", "angle"][: beads - 1]
    assert found.closest is None
    assert "dihedral" not in render(found)


@pytest.mark.slow
def test_angles_have_the_sign_and_range_of_the_energy() -> None:
    R = np.array([[[0, 1, 0], [0, 0, 0], [4, 0, 0], [4, 0, 1.0]]])
    found = inspect(cgcore.from_arrays(R, np.ones_like(R)))
    assert found.ranges["angle"].least == pytest.approx(np.pi / 2)
    assert found.ranges["dihedral"].least == pytest.approx(_by_design(R[0]))
    assert abs(found.ranges["dihedral"].least) == pytest.approx(np.pi / 2)


def _by_design(R: np.ndarray) -> float:
    """The dihedral from cross products of three bond vectors, as in geometry."""
    b1, b2, b3 = np.diff(R, axis=0)
    n1, n2 = np.cross(b1, b2), np.cross(b2, b3)
    return float(np.arctan2(np.cross(n1, b2 / np.linalg.norm(b2)) @ n2, n1 @ n2))


def test_text_is_plain_and_narrow(peptide: Inspection) -> None:
    text = render(peptide)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100
    for expected in (
        PEPTIDE,
        "1,000 frames",
        "3.871 Å",
        "23.31 kcal/mol/Å",
        "320 K",
        "(TYR) 30 %",
        "only the beads act",
    ):
        assert expected in text
    assert "are the units right" not in text


def test_wrong_units_and_outside_forces_are_called_so() -> None:
    rng = np.random.default_rng(4)
    R = np.cumsum(rng.normal(size=(50, 8, 3), loc=(9, 0, 0), scale=0.1), axis=1)
    found = inspect(cgcore.from_arrays(R, rng.normal(size=R.shape) * 900, name="a " * 80))
    text = render(found)
    assert " ".join(text.split()).count("are the units right (angstrom-kcal)?") == 2
    assert "something outside acts" in text
    assert "bonds beyond 2..6 Å stand at its ends" in text
    assert found.median_bond == pytest.approx(9.0, rel=0.01)
    assert max(map(len, text.splitlines())) <= 100


def test_bars() -> None:
    edges = np.linspace(0, 8, 9)
    counts = np.array([0, 1, 8, 4, 0, 0, 2, 8])
    assert bars(counts, edges, 0.0, 8.0, bins=8) == "".join(BARS[k] for k in counts)
    assert bars(counts, edges, 1.0, 3.0, bins=2) == BARS[1] + BARS[8]
    # Bars across bin edges lose nothing: three bars over two equal bins are equal.
    assert bars(np.array([6, 6]), np.arange(3.0), 0.0, 2.0, bins=3) == BARS[8] * 3
    assert bars(np.zeros(8), edges, 0.0, 8.0, bins=5) == " " * 5
    assert bars(counts, edges, 3.0, 3.0, bins=5) == " " * 5


def test_chains_and_gaps_are_said() -> None:
    chains = cgcore.datasets.chignolin().subset(3).join()
    resid, chain = np.array([1, 2, 3, 6, 7, 8, 9, 10, 11, 12]), np.array(list("AAAAAABBBB"))
    found = inspect(cgcore.from_arrays(chains.R, chains.F, resid=resid, chain=chain))
    assert found.breaks == {"protein-10-1": "chains of 6 + 4 beads, 2 missing after bead 2"}
    assert "protein-10-1: chains of 6 + 4 beads, 2 missing after bead 2" in render(found)
