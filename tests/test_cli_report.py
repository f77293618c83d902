"""The output of `cgcore fit`: the block that users know, line by line, and the additions below it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_helpers import DEFAULT_NAMES, FREE, RULE, Ran, bundled, prior_yaml, record, run, save

E6, E3, F6 = r"\d\.\d{6}e[+-]\d\d", r"\d\.\d{3}e[+-]\d\d", r"-?\d+\.\d{6}"
BLOCK = [
    RULE,
    r"Prior Pre-Training \(LBFGS, max_steps=200\)",
    RULE,
    r"\[LBFGS\] Starting optimization\.\.\.",
    r"\[LBFGS\] Completed: \d+ steps",
    rf"\[LBFGS\] Final loss: {E6}",
    rf"\[LBFGS\] Grad norm: {E3} \(tol=1\.000e-06\)",
    r"\[LBFGS\] Converged: (True|False)",
    r"",
    r"\[LBFGS\] Fitted parameters:",
    *(
        rf"  {name}: " + (rf"\[{F6}(, {F6})*\]" if name in ("a", "b", "k_dih", "gamma_dih") else F6)
        for name in DEFAULT_NAMES
    ),
    r"",
]


@pytest.fixture(scope="module")
def fit(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, dict[str, Any]]:
    """A fit to the bundled set, with held-out frames."""
    folder = tmp_path_factory.mktemp("report")
    return run("fit", "--val-fraction", 0.2, "--output", folder), record(folder)


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, dict[str, Any]]:
    """The same, truncated and without constraints."""
    folder = tmp_path_factory.mktemp("free")
    return run("fit", "--val-fraction", 0.2, *FREE, "--output", folder), record(folder)


def test_the_block_that_users_know_line_by_line(fit: tuple[Ran, dict[str, Any]]) -> None:
    ran, _ = fit
    lines = ran.out.splitlines()
    for line, pattern in zip(lines, BLOCK, strict=False):
        assert re.fullmatch(pattern, line), (line, pattern)
    assert len(lines) > len(BLOCK)


def test_the_block_says_what_the_record_holds(fit: tuple[Ran, dict[str, Any]]) -> None:
    ran, kept = fit
    assert f"[LBFGS] Completed: {kept['steps']} steps\n" in ran.out
    assert f"[LBFGS] Final loss: {kept['train_loss']:.6e}\n" in ran.out
    assert f"[LBFGS] Grad norm: {kept['grad_norm']:.3e} (tol=1.000e-06)\n" in ran.out
    assert f"[LBFGS] Converged: {kept['converged']}\n" in ran.out
    for name in DEFAULT_NAMES:
        value = kept["fitted_params"][name]
        text = f"[{', '.join(f'{x:.6f}' for x in value)}]" if isinstance(value, list) else f"{value:.6f}"
        assert f"\n  {name}: {text}\n" in ran.out


@pytest.mark.parametrize(
    ("which", "optimum"),
    [
        ("fit", r"optimum without constraints, as smooth \(strength [\d.e-]+\)"),
        ("free", r"optimum over the \d+ directions kept.*"),
    ],
)
def test_certificate_below_the_block(which: str, optimum: str, request: pytest.FixtureRequest) -> None:
    ran, kept = request.getfixturevalue(which)
    below, certificate = ran.out[ran.out.index("gamma_dih:") :], kept["certificate"]
    assert re.search(r"^Optimality gap: (below 1e-14|\d\.\de[+-]\d\d) ", below, re.M)
    rows = {
        "no prior": certificate["zero_prior_loss"],
        "initial parameters": certificate["initial_loss"],
        "fitted parameters": certificate["loss"],
        optimum: certificate["optimal_loss"],
        r"optimum over the \d+ directions that float64 resolves": certificate["optimal_loss_resolved"],
        r"optimum over all 28 directions, rounding included": certificate["optimal_loss_every_direction"],
        r"fitted parameters, held-out frames": kept["val_loss"],
    }
    for row, value in rows.items():
        (shown,) = re.findall(rf"^{row} +(\d+\.\d{{6}})$", below, re.M)
        assert shown == f"{value:.6f}"
    assert (" directions kept" in below) == (which == "free")
    assert kept["status"] in below
    assert f"Roughness: {kept['roughness']:.4g} kcal/mol/rad²; " in below
    assert f"forces in float32 differ by {kept['float32_error']:.1e} of" in below


def test_constraints_below_the_certificate(fit: tuple[Ran, dict[str, Any]], free: tuple[Ran, dict[str, Any]]) -> None:
    ran, kept = fit
    certificate = kept["certificate"]
    assert re.search(rf"^KKT residual: {certificate['kkt_residual']:.1e}; constraints hold to", ran.out, re.M)
    assert f"Constraints (safe, 320 K) cost {certificate['price']:.4f} of the loss" in ran.out
    idle = [one["name"] for one in certificate["constraints"] if not one["active"]]
    assert 0 < len(idle) < len(certificate["constraints"])
    assert f"\n  not active: {', '.join(idle)}\n" in ran.out
    for one in certificate["constraints"]:
        assert (f"\n  {one['price']:.4f}  {one['text']}\n" in ran.out) == one["active"]
    assert not re.search(r"^(Constraints|KKT)", free[0].out, re.M)


@pytest.mark.parametrize("which", ["fit", "free"])
def test_curve_below_the_certificate(which: str, request: pytest.FixtureRequest) -> None:
    ran, kept = request.getfixturevalue(which)
    below, curve = ran.out[ran.out.index("Optimality gap") :], kept["cross_validation"]
    assert curve["kind"] == ("smoothness" if which == "fit" else "truncation")
    for k, value in enumerate(curve["values"]):
        directions = f"{curve['directions'][k]:.1f}" if which == "fit" else f"{curve['directions'][k]:.0f}"
        shown = [f"{value:g}", directions]
        shown += [f"{curve[name][k]:.4f}" for name in ("train_loss", "held_out_loss", "standard_error")]
        shown.append(f"{curve['roughness'][k]:.4g}")
        mark = " +chosen" if k == curve["chosen"] else " +best" if k == curve["best"] else ""
        assert re.search("^" + " +".join(re.escape(word) for word in shown) + mark + "$", below, re.M), shown
    assert curve["values"][curve["chosen"]] == kept["smoothness" if which == "fit" else "cutoff"]
    assert kept["cutoff" if which == "fit" else "smoothness"] is None
    lowest = curve["held_out_loss"][curve["best"]]
    assert lowest == min(curve["held_out_loss"])
    within = [
        k
        for k, (value, error) in enumerate(zip(curve["held_out_loss"], curve["standard_error"], strict=True))
        if value <= lowest + error
    ]
    assert curve["chosen"] == min(within, key=lambda k: (curve["directions"][k], k))


def test_what_the_data_do_not_determine_is_named_in_words(fit: tuple[Ran, dict[str, Any]]) -> None:
    ran, _ = fit
    below = ran.out[ran.out.index("What the data determine") :]
    assert "epsilon and sigma enter only as epsilon*sigma^4" in below
    assert re.search(r"nearly dependent over the sampled angles \d+\.\.\d+ degrees", below)


def test_nothing_is_cut_off_in_a_table(tmp_path: Path) -> None:
    # Forces of unusual size make long numbers, which must not be cut off.
    arrays = bundled(40)
    data = save(tmp_path / "strong.npz", arrays | {"F": arrays["F"].astype(np.float64) * 1e7})
    ran = run("fit", data, "--config", prior_yaml(tmp_path / "c.yaml"))
    assert ran.code == 0
    assert "…" not in ran.out


def test_written_files_are_named_at_the_end(fit: tuple[Ran, dict[str, Any]]) -> None:
    ran, _ = fit
    assert re.search(r"fit\.json.*priors\.yaml$", ran.out.rstrip().splitlines()[-1])


def test_no_escape_sequences_where_nobody_watches(fit: tuple[Ran, dict[str, Any]]) -> None:
    ran, _ = fit
    assert "\x1b" not in ran.out
    assert ran.err == ""


def test_a_negative_epsilon_is_warned_of(fit: tuple[Ran, dict[str, Any]], free: tuple[Ran, dict[str, Any]]) -> None:
    ran, kept = free
    assert kept["fitted_params"]["epsilon"] < 0
    assert re.search(r"^Warning: epsilon = -\d", ran.out, re.M)
    ran, kept = fit
    assert kept["fitted_params"]["epsilon"] > 0
    assert "Warning: epsilon" not in ran.out
