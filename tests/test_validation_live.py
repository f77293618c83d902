"""A user's script in the live check: it passes, is recorded, or fails with a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import pytest
from click.testing import CliRunner
from live_helpers import context, returning, stand_in, until_losses

import cgcore
from validation import comparison
from validation.__main__ import cli
from validation.check import Row, all_checks
from validation.checks.recorded import compared
from validation.context import TWO_PROTEINS, Context, four_terms, with_harmonics
from validation.recorded_outputs import recorded_outputs
from validation.runner import run

# Runs scripts, problems and engines of other projects.
pytestmark = pytest.mark.usefixtures("code_of_others")

LIVE = [check for check in all_checks() if check.live]


def failed(rows: list[Row]) -> list[str]:
    return [f"{row.name}: {row.value}" for row in rows if row.passed is False]


@pytest.fixture(autouse=True)
def compiles_fast() -> Iterator[None]:
    """A few steps on a few frames, so that nearly all of the time is compilation."""
    before = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture
def on_the_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain algorithm on the factor, which compiles once; `test_validation_recorded` runs it over the data."""
    plain = comparison.plain
    monkeypatch.setattr(comparison, "plain", lambda objective, *args: plain("compressed", *args))


@pytest.mark.slow
@pytest.mark.usefixtures("on_the_factor")
def test_a_script_written_from_the_algorithm_passes_on_padded_data_and_is_recorded(tmp_path: Path) -> None:
    data = cgcore.read(TWO_PROTEINS).subset(40)
    assert len({int(n) for source in data.sources for n in source.lengths}) == 2
    folder = tmp_path / "new" / "records"
    mine = Context(
        data, four_terms(cgcore.default_prior()), reference=stand_in(tmp_path, 10), record=folder, quick=True
    )
    rows = run(LIVE, mine)
    assert failed(rows) == []
    names = " ".join(row.name for row in rows)
    for what in ("loss_hist[0]", "first 10 losses", "loss of params_fit", "identifiable coefficients", "forces of"):
        assert what in names
    assert sum(row.passed is True for row in rows) >= 10

    (record,) = recorded_outputs(folder)
    bundled = recorded_outputs()[0]
    assert record.output.keys() == bundled.output.keys()
    assert record.output["independent_float64"].keys() == bundled.output["independent_float64"].keys()
    assert record.sidecar.keys() >= bundled.sidecar.keys()
    assert (record.name, record.precision, record.data.n_frames) == ("pre_training_priors.float64", "float64", 40)
    assert all(len(entry["why"]) > 40 for entry in record.sidecar["tolerance"].values())
    assert failed(list(compared([record], quick=True))) == []
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".npz", ".toml", ".toml"]

    again = CliRunner().invoke(cli, ["--reference", str(mine.reference), "--record", str(folder)])
    assert isinstance(again.exception, cgcore.InputError)
    assert "exists" in str(again.exception)


RIGHT = "jnp.sum((forces - F) ** 2) / mask.sum()"
LOSSES = {
    "": ("", RIGHT),
    "per component, a third": ("", "jnp.mean((forces - F) ** 2)"),
    "the dihedral of the other sign": (
        "prior_params = {**prior_params, 'gamma_dih': -prior_params['gamma_dih']}",
        RIGHT,
    ),
    "matches no other": ("", "jnp.sum((forces - 1.01 * F) ** 2) / mask.sum()"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "lines"), LOSSES.items(), ids=LOSSES)
def test_a_script_with_another_loss_is_red_and_the_loss_named(
    tmp_path: Path, name: str, lines: tuple[str, str]
) -> None:
    change, loss = lines
    script = returning(
        tmp_path,
        "import jax, jax.numpy as jnp",
        "R, F, mask, fitted = dataset.R, dataset.F, dataset.mask, prior_params",
        change,
        "energy = lambda R: jnp.sum(apply_fn_priors(prior_params, R, mask))",
        "forces = -jax.jit(jax.grad(energy))(R)",
        f"return fitted, [{loss}]",
    )
    data = cgcore.datasets.chignolin().subset(5)
    rows = list(until_losses(context(script, data, with_harmonics(four_terms(cgcore.default_prior()), 2, 2))))
    raised = [str(row.value) for row in rows if row.relation == "raised"]
    if not name:
        assert (raised, failed(rows)) == ([], [])
        return
    (message,) = raised
    assert name in message
    assert len(failed(rows)) >= 2


@pytest.mark.slow
def test_a_record_of_wrong_losses_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = returning(tmp_path, "return prior_params, [1.0, 0.5]")
    mine = Context(
        cgcore.datasets.chignolin().subset(5),
        with_harmonics(four_terms(cgcore.default_prior()), 1, 1),
        reference=script,
        record=tmp_path / "records",
    )
    for name in ("plain_algorithm", "free_fits", "_coefficients", "_forces"):
        monkeypatch.setattr(f"validation.checks.live_script.{name}", lambda *args, **named: iter(()))
    monkeypatch.setattr("validation.checks.live_script.as_recorded", lambda *args: recorded_outputs()[0])
    rows = run(LIVE, mine)
    assert "not recorded" in str(rows[-1].value)
    assert not (tmp_path / "records").exists()


def test_a_script_that_fails_is_one_red_row_and_exit_code_1(tmp_path: Path) -> None:
    script = returning(tmp_path, "raise ValueError('of its own')")
    report = tmp_path / "rows.json"
    done = CliRunner().invoke(cli, ["--reference", str(script), "--only", "live", "--quick", "--json", str(report)])
    assert done.exit_code == 1
    (row,) = json.loads(report.read_text())["rows"]
    assert (row["passed"], "ValueError (line 2): of its own" in row["value"]) == (False, True)


@pytest.mark.parametrize("name", ["pre_training_priors.float64.json", "pre_training_priors.float32.npz"])
def test_a_folder_that_holds_a_record_is_refused_before_the_script_runs(tmp_path: Path, name: str) -> None:
    script = returning(tmp_path, "raise AssertionError")
    (tmp_path / name).write_bytes(b"mine")
    done = CliRunner().invoke(cli, ["--reference", str(script), "--record", str(tmp_path)])
    assert isinstance(done.exception, cgcore.InputError)
    assert (tmp_path / name).read_bytes() == b"mine"
    file = CliRunner().invoke(cli, ["--reference", str(script), "--record", str(script)])
    assert isinstance(file.exception, cgcore.InputError)
    assert np.all([path.name[0] != "." for path in tmp_path.iterdir()])
