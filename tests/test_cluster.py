"""Pieces that are sent to workers and parts that are kept: the factor is that of one process, to the last bit."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import format_helpers as formats
import numpy as np
import pytest
from cli_helpers import assert_refused, bundled, prior_yaml, run, save
from cluster_helpers import assert_same, posted
from factor_helpers import Chains, prior_of, random_chains
from test_splines import random_splines

import cgcore
from cgcore import Dataset, Fingerprint, InputError, Prior
from cgcore.cluster import clear, connected, keeping
from cgcore.cluster.parcel import Parcel, content
from cgcore.data import batches
from cgcore.data.batches import Piece, all_cuts, pieces_of
from cgcore.factor import compress as compressing
from cgcore.factor.execution import on_threads
from cgcore.factor.work import Part, Work
from cgcore.physics.groups import Groups
from cgcore.physics.rows import Rows
from cgcore.physics.term import Term

FRAMES = 60
KINDS = (0, 1, 2)
GROUPED = (
    Term("angle", Rows("angles"), cgcore.bases.Fourier(2), 0.5, Groups.of_species("central", KINDS)),
    Term("contact", Rows("pairs", 4), cgcore.bases.Power(4), 0.9, Groups.of_species("types", KINDS)),
)


def two_files(folder: Path, **more: Any) -> Dataset:
    """Chains of two lengths with species, alternating, in each of two files."""
    made = []
    for seed, name in enumerate("ab"):
        chains = random_chains(FRAMES, [8, 11], 11, seed=seed)
        species = np.random.default_rng(0).integers(3, size=11) * chains.mask.astype(int)
        made.append(save(folder / f"{name}.npz", {**chains._asdict(), "species": species, **more}))
    return cgcore.read(made, accept_faults=True)


def pieces(dataset: Dataset, blocks: int = 3) -> list[Piece]:
    return pieces_of(all_cuts(dataset, dataset.segments(blocks)))


def assert_arrives(dataset: Dataset) -> None:
    """A worker loads the same as this process."""
    for piece in pieces(dataset):
        sent = pickle.loads(pickle.dumps(Parcel.of(piece))).piece()
        assert sent.segment == piece.segment
        for here, there in zip(piece.cuts, sent.cuts, strict=True):
            for mine, theirs in zip(here.load(), there.load(), strict=True):
                np.testing.assert_equal(theirs, mine)
            np.testing.assert_equal(there.species(), here.species())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes batches of few frames, and pieces of few batches."""
    monkeypatch.setattr(batches, "ROWS_AT_ONCE", 3 * 11 * 3)
    monkeypatch.setattr(batches, "BATCHES_OF_PIECE", 2)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", ["trr", "netcdf", "h5md", "lammps", "mlcg", "npy", "raw"])
def test_frames_of_every_format_arrive(name: str, tmp_path: Path) -> None:
    path = tmp_path / {"npy": "x_coords.npy", "raw": "x.npz", "h5md": "x.h5md", "mlcg": "x.h5"}.get(name, f"x.{name}")
    getattr(formats, name)(path, formats.frames(30))
    dataset = cgcore.read(path)
    assert_arrives(dataset)
    assert_arrives(dataset.subset(11, seed=1))
    if name != "npy":  # species in npy format are one row, not in R's file
        assert all(len(pickle.dumps(Parcel.of(piece))) < 4000 for piece in pieces(dataset))


@pytest.mark.usefixtures("small")
def test_all_that_is_known_of_frames_arrives(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    assert_arrives(two_files(tmp_path))
    assert_arrives(two_files(tmp_path, frame_weights=rng.uniform(0.5, 2, FRAMES)))
    assert_arrives(two_files(tmp_path, box=60 + rng.uniform(size=(FRAMES, 3))))
    assert_arrives(two_files(tmp_path, resid=np.array([1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 13])))
    assert_arrives(two_files(tmp_path).split(0.3)[0])


def test_loaded_frames_travel(tmp_path: Path) -> None:
    arrays: dict[str, Any] = bundled(40)
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    assert_arrives(cgcore.read(tmp_path / "a.npz"))
    assert_arrives(random_chains(20, [8], 9, seed=2).dataset())


@pytest.mark.usefixtures("small")
def test_pieces_hold_every_batch_once_in_its_order(tmp_path: Path) -> None:
    dataset = two_files(tmp_path)
    cuts = all_cuts(dataset, dataset.segments(1))
    found = pieces_of(cuts)
    assert [id(cut) for piece in found for cut in piece.cuts] == [id(cut) for cut in cuts]
    assert all(cut.segment == piece.segment for piece in found for cut in piece.cuts)
    assert {len(piece.cuts) for piece in found} == {1, 2}


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    parcel = Parcel.of(pieces(two_files(tmp_path))[0])
    (tmp_path / "a.npz").unlink()
    with pytest.raises(InputError, match=r"a\.npz: does not exist on worker tcp://x; put the data where all workers"):
        parcel.require_files("tcp://x")


# Equality of all bits


def same_with(dataset: Dataset, prior: Prior, blocks: int = 1) -> None:
    fingerprint = Fingerprint.of(prior)
    fixed = compressing.splines_of(prior)
    here, away = (
        cgcore.compress(dataset, fingerprint, blocks=blocks, fixed=fixed, execute=execute)
        for execute in (on_threads, posted)
    )
    assert_same(here, away)


WAYS = pytest.mark.parametrize("few_rows", [10**9, 0], ids=["QR", "Gram"])


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("few_rows", [pytest.param(10**9, marks=pytest.mark.slow), 0], ids=["QR", "Gram"])
def test_whoever_works_the_factor_is_the_same(tmp_path: Path, few_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressing, "FEW_ROWS", few_rows)
    same_with(two_files(tmp_path), prior_of(2))


@pytest.mark.slow
@WAYS
@pytest.mark.parametrize("case", ["weights", "gaps", "splines", "groups", "two passes"])
def test_whatever_the_data_and_the_prior_the_factor_is_the_same(
    tmp_path: Path, few_rows: int, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ROWS_AT_ONCE", 3 * 11 * 3)
    monkeypatch.setattr(batches, "BATCHES_OF_PIECE", 2)
    monkeypatch.setattr(compressing, "FEW_ROWS", few_rows)
    more: dict[str, Any] = {
        "weights": {"frame_weights": np.random.default_rng(0).uniform(0.5, 2, FRAMES)},
        "gaps": {"resid": np.array([1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 13])},
    }.get(case, {})
    prior = prior_of(2)
    if case == "splines":
        prior = Prior(prior.weights, prior.params, splines=random_splines(0))
    if case == "groups":
        prior = prior.with_terms(GROUPED)
    if case == "two passes":
        monkeypatch.setattr(compressing, "WELL_CONDITIONED", 2.0)
    same_with(two_files(tmp_path, **more), prior)


# Kept parts


class Counted:
    """Processes pieces, fails before the part after `until`, and counts."""

    def __init__(self, until: int = 10**9) -> None:
        self.until, self.done = until, 0

    def __call__(self, work: Work, given: Sequence[Piece]) -> Iterator[tuple[int, Part]]:
        for number, part in on_threads(work, given):
            if self.done == self.until:
                raise KeyboardInterrupt
            self.done += 1
            yield number, part


@pytest.fixture
def chains() -> Chains:
    return random_chains(40, [9], 9, seed=4)


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    return tmp_path / "parts"


def kept(chains: Chains, folder: Path, worker: Counted, prior: Prior | None = None, **more: Any) -> cgcore.Factor:
    fingerprint = Fingerprint.of(prior or prior_of(2))
    return cgcore.compress(chains.dataset(), fingerprint, execute=keeping(folder, worker), **more)


def test_a_run_that_died_goes_on(chains: Chains, parts: Path, tmp_path: Path) -> None:
    plain = kept(chains, tmp_path / "other", Counted())
    with pytest.raises(KeyboardInterrupt):
        kept(chains, parts, Counted(until=7))
    assert len(list(parts.rglob("*.npz"))) == 7
    rest, none = Counted(), Counted()
    assert_same(kept(chains, parts, rest), plain)
    assert rest.done == 13
    assert_same(kept(chains, parts, none), plain)
    assert none.done == 0


def test_what_is_damaged_is_made_again(chains: Chains, parts: Path) -> None:
    plain = kept(chains, parts, Counted())
    files = sorted(parts.rglob("*.npz"))
    middle = files[1].read_bytes()
    files[0].write_bytes(middle)  # a complete part, but of other frames
    files[1].write_bytes(middle[: len(middle) // 2])
    files[2].write_bytes(b"")
    files[3].unlink()
    files[4].unlink()
    files[4].mkdir()
    with np.load(files[5]) as archive:
        arrays = {key: archive[key] for key in archive.files}
    arrays["matrix"][0, 0] *= 1 + 1e-15
    np.savez(files[5], **arrays)
    arrays["matrix"] = np.array([print], dtype=object)
    np.savez(files[6], **arrays)
    files[4].rmdir()
    again = Counted()
    assert_same(kept(chains, parts, again), plain)
    assert again.done == 7


def test_parts_of_other_data_or_settings_are_not_taken(chains: Chains, parts: Path) -> None:
    kept(chains, parts, Counted())
    moved = chains.F.copy()
    moved[0, 0, 0] += 1e-9
    cases: list[tuple[Chains, dict[str, Any]]] = [
        (chains._replace(F=moved), {}),
        (chains, {"blocks": 19}),
        (chains, {"prior": prior_of(3)}),
    ]
    for changed, more in cases:
        worker = Counted()
        kept(changed, parts, worker, **more)
        assert worker.done >= 19


def test_content_knows_frames_units_weights_and_boxes(tmp_path: Path) -> None:
    def found(**more: Any) -> set[str]:
        return {content(piece) for piece in pieces(two_files(tmp_path, **more))}

    def read(**how: Any) -> set[str]:
        dataset = cgcore.read([tmp_path / "a.npz", tmp_path / "b.npz"], accept_faults=True, **how)
        return {content(piece) for piece in pieces(dataset)}

    plain = found()
    assert len(plain) == 12
    assert plain == found()
    assert plain == read()
    assert not plain & read(box=60.0)
    assert not plain & read(units="angstrom-kj")
    assert not plain & found(frame_weights=np.ones(FRAMES))


def test_only_parts_are_removed(chains: Chains, parts: Path) -> None:
    kept(chains, parts, Counted())
    (parts / "mine.npz").write_text("")
    clear(parts)
    assert [path.name for path in parts.rglob("*")] == ["mine.npz"]
    (parts / "mine.npz").unlink()
    clear(parts)
    assert not parts.exists()
    clear(parts)


# The command line


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return prior_yaml(tmp_path / "c.yaml")


def test_parts_go_when_the_factor_is_there(tmp_path: Path, config: Path) -> None:
    a, parts, out = save(tmp_path / "a.npz", bundled(40)), tmp_path / "parts", tmp_path / "f.npz"
    assert run("compress", a, "-o", tmp_path / "g.npz", "--config", config).code == 0
    ran = run("compress", a, "-o", out, "--config", config, "--keep", parts)
    assert (ran.code, ran.err) == (0, "")
    assert not parts.exists()
    assert out.read_bytes() == (tmp_path / "g.npz").read_bytes()


@pytest.mark.parametrize(
    ("where", "word"),
    [("local:x", "number of processes"), ("local:0", "number of processes"), ("none.json", "no such file"),
     ("foo://bar", "unknown address scheme"), ("tcp://127.0.0.1:1", "no scheduler answers")],
)  # fmt: skip
def test_a_scheduler_that_is_none_is_one_sentence(
    tmp_path: Path, config: Path, where: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cgcore.cluster import connection

    monkeypatch.setattr(connection, "PATIENCE", 0.2)
    a = save(tmp_path / "a.npz", bundled(20))
    ran = run("compress", a, "-o", tmp_path / "f.npz", "--config", config, "--scheduler", where)
    assert_refused(ran, "--scheduler", where, word, "local:N")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "c.yaml"]


def test_dask_that_is_missing_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"Dask is not installed; .*cgcore\[cluster\]"), connected("local:2"):
        pass
