"""Code blocks in the documentation run as shown, and its pages are linked to each other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import yaml
from cli_helpers import bundled, save

import cgcore

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
README_WORDS = 600
FRAMES = 200


class Shown(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str


def blocks(page: str) -> list[Shown]:
    """The blocks of a page that are run, `bash` and `python`. Installation, in `sh`, is left to CI."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.findall(r"^```(bash|python)\n(.*?)^```$", text, re.M | re.S)
    return [Shown(*one) for one in found]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder: data in the files that the pages name, and a fitted prior."""
    made = tmp_path_factory.mktemp("reader")
    arrays = bundled(FRAMES)
    for name, key in (("coords", "R"), ("forces", "F")):
        np.save(made / f"cln_ca_{name}.npy", arrays[key])
    np.save(made / "cln_ca_embeddings.npy", arrays["species"][0] + 1)
    save(made / "data.npz", arrays)
    for number, part in enumerate((slice(0, FRAMES // 2), slice(FRAMES // 2, FRAMES)), start=1):
        save(made / f"part-{number}.npz", {"R": arrays["R"][part], "F": arrays["F"][part], "temperature": 320.0})
    cgcore.fit(cgcore.datasets.chignolin(), cgcore.default_prior()).save(made / "out")
    return made


def run(shown: Shown, folder: Path) -> str:
    """Run a block in a folder and return its output."""
    python = [sys.executable, "-W", "error::UserWarning", "-c"]
    command = ["bash", "-euo", "pipefail", "-c"] if shown.language == "bash" else python
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [*command, shown.text], cwd=folder, env=os.environ | {"PATH": search}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{shown.text}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", ["quickstart.md", "your-data.md", "simulate.md", "cluster.md", "api.md", "terms.md", "error-bars.md"]
)
def test_the_blocks_of_a_page_run(page: str, folder: Path) -> None:
    shown = blocks(page)
    assert shown
    for block in shown:
        run(block, folder)


@pytest.mark.slow
def test_the_prior_is_exported_as_the_page_shows(folder: Path) -> None:
    """The model that `cgcore train` writes is covered by its own tests."""
    shown = blocks("export.md")[0]
    assert shown.text.count("cgcore export") == 3
    run(shown, folder)


@pytest.mark.slow
def test_the_report_of_the_quick_start_is_the_one_that_is_shown(folder: Path) -> None:
    text = (DOCS / "quickstart.md").read_text(encoding="utf-8")
    command = next(block for block in blocks("quickstart.md") if "cgcore fit" in block.text)
    said = run(command, folder)
    for line in ("[LBFGS] Final loss: ", "Status: ", "fitted parameters  ", "Constraints (safe"):
        shown, printed = (re.findall(rf"^{re.escape(line)}.*$", one, re.M) for one in (text, said))
        assert shown == printed != [], line


def test_the_readme_is_short() -> None:
    words = (ROOT / "README.md").read_text(encoding="utf-8").split()
    assert len(words) < README_WORDS


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_to_files_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / name).read_text(encoding="utf-8"))
    for target in targets:
        assert target.startswith("https://") or (ROOT / target).exists(), target


def declared_version() -> str:
    """The version in `pyproject.toml`, the only place where it is declared; everything else is compared with it."""
    declared = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    assert declared is not None
    return declared[1]


def test_the_version_to_cite_is_that_of_the_package() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == declared_version()
    assert cited["license"] == "MIT"


def test_the_newest_version_of_the_changelog_is_that_of_the_package() -> None:
    headings = re.findall(r"^## \[(.*?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert headings[:2] == ["Unreleased", declared_version()]
