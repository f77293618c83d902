"""The promise to users of the original script: cgcore gives the same results from the same start."""

from __future__ import annotations

from pathlib import Path

import pytest

import cgcore
from validation.check import all_checks
from validation.context import REFERENCE, Context
from validation.recorded_outputs import recorded_outputs
from validation.runner import run

# Runs scripts, problems and engines of other projects.
pytestmark = pytest.mark.usefixtures("code_of_others")


@pytest.mark.slow
def test_cgcore_matches_what_the_original_implementation_gave() -> None:
    check = next(check for check in all_checks() if check.name == "recorded")
    rows = run([check], Context.bundled(quick=True))
    assert [row.name for row in rows if row.passed is False] == []
    assert sum(row.passed is True for row in rows) >= 20


def test_every_record_says_what_it_is_and_why_its_tolerances() -> None:
    records = recorded_outputs()
    assert len(records) == 5
    for record in records:
        assert record.sidecar["versions"].keys() >= {"jax", "optax"}
        assert all(len(entry["why"]) > 40 for entry in record.sidecar["tolerance"].values())


def test_a_record_that_was_changed_is_refused(tmp_path: Path) -> None:
    for name in ("chignolin.float64.json", "chignolin.float64.json.toml", "chignolin.npz.toml"):
        (tmp_path / name).write_bytes((REFERENCE / name).read_bytes())
    data = Path(str(cgcore.datasets.__file__)).with_name("chignolin.npz")
    about = tmp_path / "chignolin.npz.toml"
    about.write_text(about.read_text().replace("../../cgcore/datasets/chignolin.npz", data.as_posix()))
    assert [record.name for record in recorded_outputs(tmp_path)] == ["chignolin.float64"]
    output = tmp_path / "chignolin.float64.json"
    output.write_text(output.read_text().replace("1419.34", "1419.35"))
    with pytest.raises(cgcore.InputError, match=r"SHA-256"):
        recorded_outputs(tmp_path)
