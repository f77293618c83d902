"""Rows, checks, the runner, the table and the command line of the validation layer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import cgcore
from validation import check as checks
from validation.__main__ import cli
from validation.check import Check, Row, at_least, at_most, chosen, equal, shown
from validation.context import Context
from validation.runner import rows_of, run
from validation.table import summary, table, text, write_json
from validation.tolerances import near

# Runs scripts, problems and engines of other projects.
pytestmark = pytest.mark.usefixtures("code_of_others")


@pytest.fixture
def context() -> Context:
    return Context(cgcore.datasets.chignolin().subset(3), cgcore.default_prior())


def three(context: Context) -> Iterator[Row]:
    """Two rows that pass, and one that fails."""
    yield at_most("small", 1e-12, 1e-10, "relative")
    yield shown("a number", 3.0)
    yield at_least("large", 1.0, 2.0)


def broken(context: Context) -> Iterator[Row]:
    yield at_most("first", 0.0, 1.0)
    raise ZeroDivisionError("of something\nby nothing")


def nothing(context: Context) -> Iterator[Row]:
    yield from ()


@pytest.mark.parametrize(
    ("row", "passed"),
    [
        (at_most("", 1.0, 1.0), True),
        (at_most("", 1.1, 1.0), False),
        (at_most("", float("nan"), 1.0), False),
        (at_most("", 1.0, float("nan")), False),
        (at_least("", 1.0, 1.0), True),
        (at_least("", float("nan"), 0.0), False),
        (equal("", "GRADIENT", "GRADIENT"), True),
        (equal("", "MAX_STEPS", "GRADIENT"), False),
        (shown("", 1.0), None),
        (Row("", "broke", relation="raised"), False),
        (Row("", "skipped", relation="skipped"), None),
        (Row("", 1.0), False),
        (near("", 1.0, 1.0 + 1e-9, 1e-8, 2.0), True),
        (near("", 1.0, 1.0 + 1e-7, 1e-8, 2.0), False),
        (near("", 1e-16, 0.0, 1e-8, 2.0), True),
        (near("", 1e-12, 0.0, 1e-8, 2.0), False),
        (near("", float("nan"), 1.0, 1e-8, 2.0), False),
    ],
)
def test_a_row_passes_by_comparison_alone(row: Row, passed: bool | None) -> None:
    assert row.passed is passed


def test_passed_cannot_be_given() -> None:
    with pytest.raises(TypeError):
        Row("", 1.0, 0.0, passed=True)  # type: ignore[call-arg]


def test_what_a_check_raises_is_a_failed_row(context: Context) -> None:
    first, failed = rows_of(Check("broken", broken), context)
    assert first.passed is True
    assert (failed.passed, failed.value) == (False, "ZeroDivisionError: of something by nothing")


def test_a_check_that_compares_nothing_fails(context: Context) -> None:
    assert [row.passed for row in rows_of(Check("nothing", nothing), context)] == [False]


@pytest.mark.slow
def test_processes_give_the_rows_of_one(context: Context) -> None:
    every, ended = [Check("first", three, as_users=True), Check("broken", broken), Check("last", three)], list[str]()
    rows = run(every, context, ended.append, workers=2)
    assert [replace(row, seconds=0.0) for row in rows] == [replace(row, seconds=0.0) for row in run(every, context)]
    assert sorted(ended) == ["broken", "first", "last"]


def dies(context: Context) -> Iterator[Row]:
    os._exit(1)
    yield


@pytest.mark.slow
def test_a_worker_that_dies_ends_the_run(context: Context) -> None:
    with pytest.raises(BrokenExecutor):
        run([Check("dies", dies), Check("three", three)], context, workers=2)


@pytest.mark.parametrize(("ci", "passed"), [("", None), ("true", False)])
def test_a_missing_package_is_a_counted_skip_and_a_failure_in_ci(
    context: Context, monkeypatch: pytest.MonkeyPatch, ci: str, passed: bool | None
) -> None:
    monkeypatch.setenv("CI", ci)
    (row,) = rows_of(Check("engine", three, needs=("no_such_engine",)), context)
    assert (row.value, row.passed) == ("skipped: no_such_engine is not installed", passed)
    assert ("1 skipped" if passed is None else "1 failed") in summary([row], 1.0)


def test_the_table_and_its_json_tell_the_same(context: Context, tmp_path: Path) -> None:
    rows = list(rows_of(Check("three", three), context))
    assert list(table(rows)) == ["name", "value", "tolerance", "unit", "passed", "seconds"]
    assert "1 passed, 1 failed, 1 shown, 0 skipped in 2.5 s" in text(rows, 2.5)
    assert "FAILED three: large: 1 >= 2" in text(rows, 2.5)
    assert (
        "longest: three 1.5 s, four 1.0 s\n"
        in summary(
            [
                replace(row, name=name, seconds=0.5)
                for row, name in zip(rows, ("three: a", "three: b", "three: c"), strict=True)
            ]
            + [replace(rows[0], name="four: a", seconds=1.0)],
            2.5,
        )
        + "\n"
    )
    write_json(tmp_path / "rows.json", rows, {"data": "x"})
    record = json.loads((tmp_path / "rows.json").read_text())
    assert [row["passed"] for row in record["rows"]] == [True, False]
    assert (record["passed"], len(record["shown"]), record["skipped"]) == (False, 1, [])
    assert [path.name for path in tmp_path.iterdir()] == ["rows.json"]


def test_every_check_has_a_summary_and_a_name_of_its_own() -> None:
    every = checks.all_checks()
    assert len({check.name for check in every}) == len(every) >= 9
    assert all(check.summary for check in every)


def test_which_checks_run(context: Context) -> None:
    mine = Context(context.data, context.prior, given=True)
    assert "recorded" not in {check.name for check in chosen(mine)}
    assert {check.name for check in chosen(mine)} >= {
        "least-squares",
        "recovery",
        "invariances",
        "scipy-lbfgsb-whitened",
    }
    assert [check.name for check in chosen(context, "scipy-lsq*")] == ["scipy-lsq-linear"]
    with pytest.raises(cgcore.InputError, match="no check is named"):
        chosen(context, "no such")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--only", "no such check"],
        ["--data", "no_such_file.npz"],
        ["--reference", "no_such_script.py"],
        ["--record", "somewhere"],
        ["--units", "nm-kj"],
        ["--json", "no_such_folder/rows.json"],
    ],
)
def test_bad_input_is_refused_before_any_work(arguments: list[str]) -> None:
    assert isinstance(CliRunner().invoke(cli, arguments).exception, cgcore.InputError)


def test_the_exit_code_tells_whether_all_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checks.REGISTRY, "three", Check("three", three))
    assert CliRunner().invoke(cli, ["--only", "three"]).exit_code == 1
    good = Check("good", lambda context: iter([at_most("fine", 0.0, 1.0)]))
    monkeypatch.setitem(checks.REGISTRY, "good-one", good)
    assert CliRunner().invoke(cli, ["--only", "good"]).exit_code == 0
    listing = CliRunner().invoke(cli, ["--list"])
    assert listing.exit_code == 0
    assert "least-squares" in listing.output
