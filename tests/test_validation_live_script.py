"""Importing and calling a script, and judging its return value: each failure is one sentence, and nothing is left
changed."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from live_helpers import CALL, returning, written

import cgcore
from validation.context import four_terms
from validation.explicit import System
from validation.live.answer import Answer, checked
from validation.live.normalisations import recognised
from validation.live.protocol import Protocol
from validation.live.script import ScriptError, call

# Runs scripts, problems and engines of other projects.
pytestmark = pytest.mark.usefixtures("code_of_others")

PRIOR = four_terms(cgcore.default_prior())


def answer(script: Path) -> Answer:
    protocol = Protocol(cgcore.datasets.chignolin().subset(2).join(), PRIOR)
    return checked(script, call(script, protocol.arguments()), PRIOR, protocol.used)


BODIES: dict[str, tuple[str, str]] = {
    "raises": ("raise RuntimeError('no\\n luck')", r"raised RuntimeError \(line 2\): no luck; correct the script"),
    "leaves by exit": ("import sys; sys.exit(3)", r"raised SystemExit \(line 2\): 3"),
    "other key": ("return dataset['energy']", "raised KeyError .* dataset has R, F, mask, species"),
    "no mask on request": ("return apply_fn_priors(prior_params)(bonds)", "without positions R"),
    "nothing": ("return None", "returned a NoneType; return"),
    "dict": ("return {'params': prior_params}", "returned a dict; return"),
    "three": ("return prior_params, [1.0], 1", "returned a tuple of 3; return"),
    "swapped": ("return [1.0], prior_params", "params_fit is a list"),
    "missing key": ("prior_params.pop('kr'); return prior_params, [1.0]", "params_fit lacks 'kr'"),
    "shape": ("prior_params['a'] = prior_params['a'][:1]; return prior_params, [1.0]", r"'a'\] has shape \(1,\)"),
    "NaN": ("prior_params['kr'] *= float('nan'); return prior_params, [1.0]", r"'kr'\] is not finite"),
    "text": ("prior_params['kr'] = 'stiff'; return prior_params, [1.0]", r"'kr'\] is of type <U5"),
    "function": ("prior_params['kr'] = print; return prior_params, [1.0]", r"'kr'\] holds no plain numbers"),
    "complex": ("prior_params['kr'] = 1j; return prior_params, [1.0]", "is of type complex128"),
    "empty history": ("return prior_params, []", "holds no loss above 0"),
    "only filling": ("return prior_params, [0.0, 0.0]", "holds no loss above 0"),
    "loss in words": ("return prior_params, {'loss': [1.0]}", "loss_hist holds no plain numbers"),
    "table": ("return prior_params, [[1.0, 2.0], [3.0, 4.0]]", r"loss_hist has shape \(2, 2\)"),
    "diverged": ("return prior_params, [2.0, float('nan'), 1.0]", r"loss_hist\[1\] is not finite"),
}


@pytest.mark.parametrize(("line", "message"), BODIES.values(), ids=BODIES)
def test_what_a_script_does_wrong_is_one_sentence(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ScriptError, match=rf"^pre_training_priors\.py: .*{message}"):
        answer(returning(tmp_path, line))


SOURCES = {
    "syntax": ("def fit_priors_lbfgs(:", "importing it raised SyntaxError"),
    "exits": ("raise SystemExit", "importing it raised SystemExit"),
    "no entry": ("def fit(): pass", "defines no function fit_priors_lbfgs"),
    "no function": ("fit_priors_lbfgs = 3", "defines no function fit_priors_lbfgs"),
    "import": ("import no_such_module", "importing it raised ModuleNotFoundError"),
    "arguments": ("def fit_priors_lbfgs(params, data): pass", r"\(params, data\) can't be called with"),
    "bytes": ("x = '\x00'", "importing it raised SyntaxError"),
}


@pytest.mark.parametrize(("source", "message"), SOURCES.values(), ids=SOURCES)
def test_a_script_without_the_entry_point_is_one_sentence(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        answer(written(tmp_path, source))


def test_the_users_interrupt_goes_through(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        answer(returning(tmp_path, "raise KeyboardInterrupt"))


def test_nothing_of_a_script_outlives_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sibling_of_the_script.py").write_text("losses = [2.0, 1.0]\n")
    script = returning(
        tmp_path,
        "import jax, sys, warnings",
        "from sibling_of_the_script import losses",
        "assert __name__ != '__main__' and len(sys.argv) == 1",
        "jax.config.update('jax_enable_x64', False)",
        "warnings.warn('old', DeprecationWarning)",
        "sys.path.append('elsewhere')",
        "print('working')",
        "return prior_params, losses",
    )
    before = list(sys.path), sys.argv, set(sys.modules), jax.config.values["jax_enable_x64"]
    with pytest.warns(DeprecationWarning, match="old"):
        assert answer(script).history.tolist() == [2.0, 1.0]
    assert (list(sys.path), sys.argv, set(sys.modules), jax.config.values["jax_enable_x64"]) == before
    assert capsys.readouterr().out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pre_training_priors.py", "sibling_of_the_script.py"]


def test_arguments_by_name_and_further_ones_with_defaults(tmp_path: Path) -> None:
    declared = CALL.replace("(prior", "(*, max_steps=3, prior")
    script = written(tmp_path, f"def {declared}:\n    return dict(prior_params, more=1), [3.0] * max_steps\n")
    found = answer(script)
    assert len(found.history) == 3
    assert found.params.keys() == PRIOR.params.keys()


@pytest.mark.parametrize(
    ("losses", "expected", "stored"),
    [
        ("[3.0, 2.0, 0.0, 0.0]", [3, 2], "float32"),
        ("jnp.array([3.0, 2.0, jnp.nan, jnp.nan])", [3, 2], "float32"),
        ("[jnp.array(3.1), jnp.array(2.1)]", [3.1, 2.1], "float64"),
        ("jnp.array([[3.1], [2.1], [jnp.inf]], jnp.float32)", np.array([3.1, 2.1], np.float32), "float32"),
        ("jnp.array([3.0, 2.0], jnp.bfloat16)", [3, 2], "float32"),
    ],
)
def test_a_history_is_read_without_its_filling(tmp_path: Path, losses: str, expected: Any, stored: str) -> None:
    found = answer(returning(tmp_path, "import jax.numpy as jnp", f"return prior_params, {losses}"))
    np.testing.assert_array_equal(found.history, expected)
    assert (found.stored, found.precision) == (stored, "float64")


def test_float32_parameters_are_judged_as_float32(tmp_path: Path) -> None:
    line = "return {k: v.astype('float32') for k, v in prior_params.items()}, [2.0]"
    found = answer(returning(tmp_path, line))
    assert found.precision == "float32"
    assert all(value.dtype == np.float64 for value in found.params.values())


RNG = np.random.default_rng(0)
MASK = np.arange(5) < np.array([3, 5, 3])[:, None]
SYSTEM = System(RNG.normal(size=(33, 27)), RNG.normal(size=33), 11)
START = np.asarray(cgcore.to_coefficients(PRIOR.params))
LOSS = SYSTEM.loss(START)
SQUARES = (SYSTEM.X @ START - SYSTEM.F) ** 2
WITHOUT_BOND = SYSTEM.loss(np.where(np.arange(27) < 2, 0, START))


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (LOSS / 3, "a third"),
        (LOSS * 11 / 3, "per frame"),
        (LOSS * 11 / 15, "padded beads"),
        (LOSS**0.5, "root"),
        (np.mean([SQUARES[:9].mean(), SQUARES[9:18].mean(), SQUARES[18:].mean()]) * 3, "frame's own mean"),
        (SYSTEM.loss(-START), "the other sign"),
        (WITHOUT_BOND / 3, "per component.* and without the bond term"),
        (SYSTEM.loss(START / np.repeat([0.5, 0.25, 0.25, 1.0], [2, 20, 4, 1])), "no term weights"),
    ],
)
def test_the_usual_other_losses_are_named(found: float, name: str) -> None:
    assert re.search(name, recognised(found, SYSTEM, START, PRIOR, MASK) or "")
    assert recognised(found * 1.01, SYSTEM, START, PRIOR, MASK) is None
