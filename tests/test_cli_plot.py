"""`cgcore fit --plot`: a picture in each format, and refusals before any work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli_helpers import assert_refused, bundled, prior_yaml, run, save

Files = tuple[Path, Path]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("plot")
    return save(folder / "d.npz", bundled(30)), prior_yaml(folder / "c.yaml")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "start"),
    [("p.png", b"\x89PNG\r\n"), ("p.svg", b"<?xml"), ("p.PDF", b"%PDF-")],
)
def test_pictures(tmp_path: Path, files: Files, name: str, start: bytes) -> None:
    data, config = files
    ran = run("fit", data, "--config", config, "--plot", tmp_path / name, "--val-fraction", 0.2)
    assert (ran.code, ran.err) == (0, "")
    made = (tmp_path / name).read_bytes()
    assert made[: len(start)].lower() == start.lower()
    assert len(made) > 10_000
    assert str(tmp_path / name) in ran.out.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.slow
def test_a_page_holds_all_in_itself(tmp_path: Path, files: Files) -> None:
    data, config = files
    assert run("fit", data, "--config", config, "--plot", tmp_path / "p.html").code == 0
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert "[LBFGS] Fitted parameters:" in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)


@pytest.mark.slow
def test_a_picture_of_a_factor(tmp_path: Path, files: Files) -> None:
    data, config = files
    assert run("compress", data, "-o", tmp_path / "f.npz", "--config", config).code == 0
    ran = run("fit", tmp_path / "f.npz", "--config", config, "--plot", tmp_path / "p.png", "--temperature", 310)
    assert (ran.code, ran.err) == (0, "")
    assert (tmp_path / "p.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", ["p.foo", "p", "p.jpg.gz"])
def test_names_that_are_no_picture(tmp_path: Path, files: Files, name: str) -> None:
    ran = run("fit", files[0], "--config", files[1], "--plot", tmp_path / name, "--output", tmp_path / "out")
    assert_refused(ran, re.escape(name), "is not a picture format", r"\.html")
    assert not (tmp_path / "out" / "fit.json").exists()


@pytest.mark.parametrize("kelvin", ["nan", "-3", "0", "inf"])
def test_temperatures_are_refused_before_any_work(tmp_path: Path, files: Files, kelvin: str) -> None:
    options = ("--plot", tmp_path / "p.png", "--temperature", kelvin, "--output", tmp_path / "out")
    assert_refused(run("fit", files[0], "--config", files[1], *options), "temperature", "; give ")
    assert not (tmp_path / "out" / "fit.json").exists()


def test_a_picture_where_nothing_can_be_written(tmp_path: Path, files: Files) -> None:
    (tmp_path / "file").write_text("old")
    ran = run("fit", files[0], "--config", files[1], "--plot", tmp_path / "file" / "p.png")
    assert_refused(ran, "file", "choose a place that is writable")
