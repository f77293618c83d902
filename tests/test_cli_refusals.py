"""Bad input: exit code 2, one sentence on stderr that says what to do, and no output written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import assert_refused, bundled, prior_yaml, run, save

Arrays = dict[str, np.ndarray]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return save(tmp_path / "data.npz", bundled(12))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "option",
    [
        "--max-steps=-1", "--max-steps=0", "--max-steps=99999999999", "--min-steps=-1", "--min-steps=201",
        "--tol-grad=nan", "--tol-grad=inf", "--tol-grad=-1", "--val-fraction=1.5", "--val-fraction=1",
        "--val-fraction=nan", "--val-fraction=-0.1", "--max-frames=0", "--max-frames=-5", "--blocks=0",
        "--blocks=-3", "--truncation=half", "--truncation=-1", "--truncation=1", "--truncation=nan",
    ],
)  # fmt: skip
def test_numbers_out_of_range(data: Path, option: str) -> None:
    name = option.partition("=")[0].strip("-").replace("-", ".")
    assert_refused(run("fit", data, option), name, "; give ")


def test_negative_seed(data: Path) -> None:
    assert_refused(run("fit", data, "--max-frames=5", "--seed=-1"), "seed", "; give ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fit", "--max-steps", "1.5"), ("--max-steps", "1.5")),
        (("fit", "--tol-grad", "small"), ("--tol-grad", "small")),
        (("fit", "--objective", "both"), ("--objective", "compressed", "direct")),
        (("fit", "--coordinates", "polar"), ("--coordinates", "whitened", "physical")),
        (("fit", "--units", "nm"), ("--units", "nm-kj")),
        (("fit", "--precision", "float16"), ("--precision", "float32")),
        (("fit", "--maxsteps", "3"), ("--maxsteps", "--max-steps")),
        (("fit", "a.npz", "b.npz"), ("b.npz",)),
        (("compress",), ("DATA",)),
        (("compress", "a.npz"), ("--output",)),
        (("merge",), ("FILE",)),
        (("fti",), ("fti", "fit")),
    ],
)
def test_misuse_of_the_command_line_is_one_line(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    assert_refused(run(*arguments), *words)


@pytest.mark.parametrize("option", ["--objective=direct", "--coordinates=physical"])
def test_settings_that_exclude_each_other(data: Path, option: str) -> None:
    assert_refused(run("fit", data, "--constraints", "nonnegative", option), "constraints", "objective and coordinates")


@pytest.mark.parametrize("arguments", [("fit", ""), ("fit", "--config", ""), ("fit", "--output", "")])
def test_an_empty_name_is_no_name(arguments: tuple[str, ...]) -> None:
    # `cgcore fit "$DATA"` with an unset variable must not fit the bundled set.
    assert_refused(run(*arguments))


def nan_at(arrays: Arrays) -> Arrays:
    arrays["R"][7, 3] = np.nan
    return arrays


def zero_bond(arrays: Arrays) -> Arrays:
    arrays["R"][4, 5] = arrays["R"][4, 4]
    return arrays


def overlap(arrays: Arrays) -> Arrays:
    arrays["R"][4, 9] = arrays["R"][4, 1]
    return arrays


def gap(arrays: Arrays) -> Arrays:
    arrays["mask"][2, 3] = 0
    return arrays


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (nan_at, ("'R'", "nan", "frame 7", "bead 3")),
        (zero_bond, ("'R'", "beads 4 and 5", "frame 4")),
        (gap, ("'mask'", "frame 2")),
        (lambda a: {k: v for k, v in a.items() if k != "F"}, ("'F'", "missing")),
        (lambda a: a | {"F": a["F"][:-1]}, ("'F'", "shape", r"\(11, 10, 3\)")),
        (lambda a: a | {"R": a["R"].astype(str)}, ("'R'", "real numbers")),
        (lambda a: a | {"R": a["R"] * 1j}, ("'R'", "complex", "real numbers")),
        (lambda a: a | {"F": np.array([None], object)}, ("'F'", "unpickled")),
        (lambda a: a | {"mask": a["mask"] * 2}, ("'mask'", "frame 0", "bead 0")),
        (lambda a: a | {"mask": a["mask"] * 0}, ("'mask'", "frame 0", "padding")),
        (lambda a: {k: v[:0] for k, v in a.items()}, ("zero frames",)),
        (lambda a: {k: v[:, :1] for k, v in a.items()}, ("two beads",)),
        (lambda a: a | {"N_max": np.array(12)}, ("'N_max'", "12", "10 beads")),
        (lambda a: a | {"R": a["R"] / 10}, ("'R'", "--units nm-kj")),
        (lambda a: {}, ("empty",)),
    ],
)
def test_data_that_cannot_be_used(tmp_path: Path, spoil: Callable[[Arrays], Arrays], words: tuple[str, ...]) -> None:
    path = save(tmp_path / "spoilt.npz", spoil(bundled(12)))
    assert_refused(run("fit", path), r"spoilt\.npz", *words)


def test_beads_that_coincide_without_a_bond(tmp_path: Path) -> None:
    ran = run("fit", save(tmp_path / "spoilt.npz", overlap(bundled(12))), "--config", prior_yaml(tmp_path / "c.yaml"))
    assert ran.code == 2
    (line,) = ran.err.splitlines()
    for word in ("spoilt.npz", "'R'", "beads 1 and 9", "frame 4"):
        assert word in line
    assert line.count("spoilt.npz") == 1


def test_forces_too_large_to_square(tmp_path: Path) -> None:
    arrays = bundled(12)
    path = save(tmp_path / "spoilt.npz", arrays | {"F": arrays["F"].astype(np.float64) * 1e200})
    ran = run("fit", path, "--config", prior_yaml(tmp_path / "c.yaml"))
    assert ran.code == 2
    (line,) = ran.err.splitlines()
    assert "spoilt.npz" in line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ("NPZ",)),
        (b"R,F\n1,2\n", ("NPZ",)),
        (None, ("no such file",)),
    ],
)
def test_files_that_are_no_data(tmp_path: Path, content: bytes | None, words: tuple[str, ...]) -> None:
    path = tmp_path / "strange.npz"
    if content is not None:
        path.write_bytes(content)
    for command in (("fit", path), ("compress", path, "-o", tmp_path / "made.npz")):
        assert_refused(run(*command), r"strange\.npz", *words)
    assert not (tmp_path / "made.npz").exists()


def test_truncated_and_flipped_archives(tmp_path: Path, data: Path) -> None:
    whole = data.read_bytes()
    short, flipped = tmp_path / "short.npz", tmp_path / "flipped.npz"
    short.write_bytes(whole[: len(whole) // 2])
    flipped.write_bytes(whole[:400] + bytes([whole[400] ^ 1]) + whole[401:])
    assert_refused(run("fit", short), r"short\.npz", "truncated|damaged")
    assert_refused(run("fit", flipped), r"flipped\.npz", "'R'", "damaged")


def test_a_folder_without_data(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_refused(run("fit", tmp_path / "empty"), "empty", r"\*\.npz")


def test_units_given_wrongly(data: Path) -> None:
    assert_refused(run("fit", data, "--units", "nm-kj"), r"data\.npz", "--units angstrom-kcal")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("training: {pretrain_prior_maxsteps: 7}", ("training.pretrain_prior_maxsteps", "pretrain_prior_max_steps")),
        ("model: {priors: {epsilom: 7}}", ("model.priors.epsilom", "epsilon")),
        ("model: {use_prior: true}", ("model.use_prior", "model.use_priors")),
        ("priors: {r0: 3.8}", ("priors", "model.priors")),
        ("training: {pretrain_prior_max_steps: -7}", ("training.pretrain_prior_max_steps",)),
        ("training: {pretrain_prior_tol_grad: .nan}", ("training.pretrain_prior_tol_grad", "finite")),
        ("training: {val_fraction: 2}", ("training.val_fraction", "below 1")),
        ("model: {priors: {weights: {bond: -1}}}", ("model.priors.weights.bond",)),
        ("model: {priors: {r0: [3.8]}}", ("model.priors.r0", "one number")),
        ("model: {priors: {a: [1, 2], b: [1]}}", ("model.priors.b", "one of each")),
        ("model: !!python/object/apply:os.getcwd []", ("tag", "plain values")),
        ("model: [", ("line 1", "YAML")),
        ("just words", ("just words", "key: value")),
    ],
)
def test_configurations(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    assert_refused(run("fit", "--config", path), r"config\.yaml", *words)
    assert_refused(run("compress", "x.npz", "-o", tmp_path / "made.npz", "--config", path), r"config\.yaml", *words)


def test_configurations_that_cannot_be_read(tmp_path: Path) -> None:
    assert_refused(run("fit", "--config", tmp_path / "none.yaml"), r"none\.yaml", "no such file")
    assert_refused(run("fit", "--config", tmp_path), "directory", "YAML file")


def test_a_starting_point_that_overflows(tmp_path: Path, data: Path) -> None:
    # sigma^4 is inf: the result is a fit that ended badly or a refusal, never a mixture.
    config = prior_yaml(tmp_path / "c.yaml", sigma=1e100)
    ran = run("fit", data, "--config", config, "--output", tmp_path / "out")
    written = {path.name for path in (tmp_path / "out").rglob("*")}
    assert (ran.code, written) in [(1, {"fit.json", "priors.yaml"}), (2, set())]
    assert len(ran.err.splitlines()) == ran.code - 1


@pytest.mark.parametrize("command", ["fit", "compress"])
def test_output_where_nothing_can_be_written(tmp_path: Path, data: Path, command: str) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    option, below = ("--output", file) if command == "fit" else ("-o", file / "made.npz")
    assert_refused(run(command, data, option, below), "file", "choose a place that is writable")
    assert file.read_text() == "old"


def test_output_into_a_folder_of_that_name(tmp_path: Path, data: Path) -> None:
    assert_refused(run("compress", data, "-o", tmp_path), "is a directory")


@pytest.mark.parametrize("arguments", [("--max-steps=0",), ("--val-fraction=2",), ("--truncation=x",)])
def test_old_results_stay_whole_after_a_refusal(tmp_path: Path, data: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "fit.json").write_text("old")
    before = contents(tmp_path)
    assert_refused(run("fit", data, "--output", tmp_path / "out", *arguments))
    assert_refused(run("fit", tmp_path / "none.npz", "--output", tmp_path / "out"))
    assert contents(tmp_path) == before


def test_no_folder_is_made_for_a_refused_fit(tmp_path: Path) -> None:
    assert_refused(run("fit", tmp_path / "none.npz", "--output", tmp_path / "new" / "deep"))
    assert_refused(run("compress", tmp_path / "none.npz", "-o", tmp_path / "other" / "made.npz"))
    assert list(tmp_path.iterdir()) == []


def test_results_are_written_both_or_none(tmp_path: Path, data: Path) -> None:
    (tmp_path / "out" / "priors.yaml").mkdir(parents=True)
    ran = run("fit", data, "--config", prior_yaml(tmp_path / "c.yaml"), "--output", tmp_path / "out")
    assert ran.code == 2
    assert not (tmp_path / "out" / "fit.json").exists()


def test_compress_does_not_write_over_its_own_data(tmp_path: Path, data: Path) -> None:
    before = data.read_bytes()
    assert_refused(run("compress", data, "-o", data, "--config", prior_yaml(tmp_path / "c.yaml")), r"data\.npz")
    assert data.read_bytes() == before
