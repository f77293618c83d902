"""The gate: passing and failing fits, and making a record."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from click.testing import CliRunner

import cgcore
from validation.check import Row
from validation.context import Context
from validation.gate import bounds, compare, file, modes
from validation.gate.bounds import Bound
from validation.gate.command import gate

# Runs scripts, problems and engines of other projects.
pytestmark = pytest.mark.usefixtures("code_of_others")

GATES = """
date = "2026-01-02"
reason = "a test"
[modes]
default = "exact"
[bounds.exact.steps]
margin = 1
why = "one more is rounding"
[values.mine.default]
status = "GRADIENT"
steps = 2
"""
FIT: modes.Measured = {"status": "GRADIENT", "steps": 2}


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "gates.toml"
    path.write_text(GATES, encoding="utf-8")
    return path


def measuring(monkeypatch: pytest.MonkeyPatch, found: dict[modes.Key, modes.Measured]) -> None:
    """Replaces the fits by these results, at no cost."""

    def measure(context: Context, only: Any = None) -> Any:
        yield from found.items()

    monkeypatch.setattr(modes, "measure", measure)
    monkeypatch.setattr(compare, "measure", measure)


def ran(*args: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(gate, [str(arg) for arg in args])
    if isinstance(done.exception, cgcore.InputError):
        return 2, str(done.exception)
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("kind", "size", "recorded", "passes", "fails"),
    [
        ("margin", 1, 2, [0, 2, 3], [4]),
        ("factor", 1.5, 10, [0, 15], [15.1]),
        ("at_most", 1e-6, 0, [0, 1e-6], [2e-6]),
        ("within", 0.1, 10, [9.1, 10.9], [8.9, 11.1]),
        ("at_least", 3.0, 4.0, [3.0, 9.0], [2.9]),
    ],
)
def test_each_kind_of_bound(kind: Any, size: float, recorded: float, passes: list[float], fails: list[float]) -> None:
    bound = Bound(kind, size, "a reason")
    assert all(bound.row("x", value, recorded).passed for value in passes)
    assert not any(bound.row("x", value, recorded).passed for value in [*fails, float("nan")])


@pytest.mark.parametrize(
    ("recorded", "now", "passed"),
    [
        ("GRADIENT", "GRADIENT", True),
        ("GRADIENT", "PRECISION_FLOOR", True),
        ("CONSTRAINED", "GRADIENT", False),
        ("GRADIENT", "SUBOPTIMAL", False),
        ("GRADIENT", "MAX_STEPS", False),
        ("MAX_STEPS", "MAX_STEPS", True),
        ("MAX_STEPS", "GRADIENT", False),
        ("MAX_STEPS", "LINE_SEARCH_FAILED", False),
    ],
)
def test_a_status_is_as_recorded_but_for_rounding(recorded: str, now: str, passed: bool) -> None:
    (row,) = bounds.rows("fit", {"status": now}, {"status": recorded}, {})
    assert row.passed is passed


def test_what_got_worse_is_named_with_both_numbers(monkeypatch: pytest.MonkeyPatch, record: Path) -> None:
    measuring(monkeypatch, {("mine", "default"): FIT | {"steps": 9}})
    code, output = ran("--gates", record)
    assert code == 1
    assert "FAILED mine, default, steps: 9 <= 3 recorded 2, now 4.5 times" in output


def test_the_same_and_fewer_steps_pass(monkeypatch: pytest.MonkeyPatch, record: Path) -> None:
    for steps in (1, 2, 3):
        measuring(monkeypatch, {("mine", "default"): FIT | {"steps": steps}})
        assert ran("--gates", record)[0] == 0


def test_nothing_passes_by_being_absent(monkeypatch: pytest.MonkeyPatch, record: Path) -> None:
    measuring(monkeypatch, {("mine", "default"): FIT, ("mine", "direct"): FIT})
    assert ran("--gates", record) == (2, f"{record}: values has no mine, direct; record it with gate --update")
    measuring(monkeypatch, {})
    assert ran("--gates", record) == (2, f"{record}: nothing measures mine, default; drop it with gate --update")


def test_an_update_keeps_bounds_and_says_why(monkeypatch: pytest.MonkeyPatch, record: Path) -> None:
    measuring(monkeypatch, {("mine", "default"): FIT | {"steps": 9}})
    assert ran("--gates", record, "--update", "--reason", "a better start")[0] == 0
    now = tomllib.loads(record.read_text(encoding="utf-8"))
    before = tomllib.loads(GATES)
    assert (now["modes"], now["bounds"]) == (before["modes"], before["bounds"])
    assert (now["reason"], now["values"]["mine"]["default"]["steps"]) == ("a better start", 9)
    assert now["date"] > before["date"]
    assert ran("--gates", record)[0] == 0
    assert list(record.parent.iterdir()) == [record]


@pytest.mark.parametrize(
    "options", [["--update"], ["--reason", "x"], ["--update", "--reason", " "], ["--data", "x.npz"]]
)
def test_options_that_belong_together(record: Path, options: list[str]) -> None:
    before = record.read_bytes()
    given = options if "--data" in options else [*options, "--gates", str(record)]
    assert ran(*given)[0] == 2
    assert record.read_bytes() == before


@pytest.mark.slow
def test_a_record_for_data_of_ones_own(tmp_path: Path) -> None:
    """The usual procedure: record once, then compare."""
    batch = cgcore.datasets.chignolin().subset(60).join()
    data, own = tmp_path / "mine.npz", tmp_path / "own.toml"
    np.savez(data, R=batch.R, F=batch.F)
    assert ran("--data", data, "--gates", own)[0] == 2  # there is no record yet
    assert ran("--data", data, "--gates", own, "--update", "--reason", "first")[0] == 0
    code, output = ran("--data", data, "--gates", own)
    assert (code, "mine.npz, safe, steps" in output) == (0, True)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("margin = 1\n", "", "bounds.exact.steps needs one of margin, factor, within, at_most"),
        ("margin = 1\n", "margin = 1\nfactor = 2\n", "bounds.exact.steps needs one of"),
        ("margin = 1\n", "margin = -1\n", "margin is -1"),
        ('why = "one more is rounding"\n', "", "has no why"),
        ("steps = 2\n", "", "values.mine.default.steps is None"),
        ("steps = 2\n", "steps = nan\n", "values.mine.default.steps is nan"),
        ('status = "GRADIENT"\n', 'status = "FINE"\n', "status is 'FINE'; give one of RUNNING"),
        ('default = "exact"\n', 'default = "loose"\n', "modes.default is 'loose'; give one of exact"),
        ("[modes]", "[modes", "is not TOML"),
        ('[modes]\ndefault = "exact"\n', "", "modes is missing"),
    ],
)
def test_a_broken_record_is_refused_by_key(record: Path, old: str, new: str, message: str) -> None:
    record.write_text(GATES.replace(old, new), encoding="utf-8")
    with pytest.raises(cgcore.InputError) as error:
        file.read(record)
    assert message in str(error.value)
    assert str(record) in str(error.value)


def test_the_bundled_record_is_whole() -> None:
    gates = file.read()
    fits = {(data, mode) for data in ("chignolin", "two proteins") for mode in modes.MODES}
    assert set(gates.values) == fits | {(modes.SOLVER, name) for name in modes.PROBLEMS}
    assert gates.date
    assert gates.reason
    for _, mode in gates.values:
        judged = {"lost_replicas"} if mode == "simulated" else {"steps", "evaluations", "optimality_gap"}
        assert judged <= set(gates.bounds_of(mode))


@pytest.mark.slow
def test_a_fit_that_is_gated_passes_on_the_bundled_record() -> None:
    only = ((modes.SOLVER, "quartic"), ("chignolin", "truncated"), ("chignolin", "safe"))
    with jax.enable_x64(True):
        rows: list[Row] = list(compare.compare(Context.bundled(), file.read(), only))
    assert {row.name.rpartition(", ")[0] for row in rows} >= {", ".join(key) for key in only}
    assert [row.name for row in rows if row.passed is not True] == []
