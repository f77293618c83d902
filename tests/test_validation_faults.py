"""Faults in cgcore, and the checks that must detect them; a check that no fault can turn red proves nothing."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from fault_helpers import edited, forgotten

import cgcore
from cgcore.export import lammps, openmm, stablehlo
from cgcore.factor import gram, work
from cgcore.fitting import fit
from cgcore.physics import design, energy, geometry
from cgcore.physics.parametrisations import StrengthAndLength
from cgcore.solver import lbfgs
from validation.check import all_checks
from validation.checks import host_devices
from validation.context import TWO_PROTEINS, Context, four_terms, with_harmonics
from validation.gate.compare import compare
from validation.gate.file import read
from validation.gate.modes import SOLVER, Key
from validation.runner import run

# Runs scripts, problems and engines of other projects.
pytestmark = pytest.mark.usefixtures("code_of_others")

Fault = Callable[[pytest.MonkeyPatch], None]


def replaced(module: Any, name: str, make: Callable[[Any], Any]) -> Fault:
    """A fault that replaces a function of a module by the result of `make` for it."""
    return lambda monkeypatch: monkeypatch.setattr(module, name, make(getattr(module, name)))


def both(*faults: Fault) -> Fault:
    """Faults of one kind in several places."""

    def put(monkeypatch: pytest.MonkeyPatch) -> None:
        for fault in faults:
            fault(monkeypatch)

    return put


def negated(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: -function(*args, **kwargs)


def turned(function: Callable[..., Any]) -> Callable[..., Any]:
    """Pair forces with the opposite sign."""

    def made(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        return found._replace(forces=-found.forces)

    return made


def without(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Constraints except those whose names contain one of these words."""

    def make(function: Callable[..., Any]) -> Callable[..., Any]:
        def made(*args: Any, **kwargs: Any) -> Any:
            return tuple(found for found in function(*args, **kwargs) if not any(name in found.name for name in names))

        return made

    return make


def falling(function: Callable[..., Any]) -> Callable[..., Any]:
    """Walls at which the potential may fall as fast as it should rise."""

    def made(*args: Any, **kwargs: Any) -> Any:
        return tuple(
            replace(found, normals=-found.normals) if found.name == "angle wall, high" else found
            for found in function(*args, **kwargs)
        )

    return made


def unweighted(function: Callable[..., Any]) -> Callable[..., Any]:
    def made(layout: cgcore.Layout, *args: Any, **kwargs: Any) -> Any:
        return function(cgcore.Layout(tuple(replace(term, weight=1.0) for term in layout.terms)), *args, **kwargs)

    return made


def rounded(function: Callable[..., Any]) -> Callable[..., Any]:
    def small(layout: Any, *arrays: Any) -> Any:
        return function(layout, *jax.tree.map(lambda x: x.astype(jnp.float32), arrays)).astype(jnp.float64)

    return small


def rounded_rows(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda rows: function(np.asarray(rows, np.float32)).astype(np.float64)


def constant(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda way, basis, r, params: function(way, basis, jax.lax.stop_gradient(r), params)


def mirrored(function: Callable[..., Any]) -> Callable[..., Any]:
    """A periodic table in cgcore's sign where it should be mirrored."""

    def made(*arguments: Any) -> Any:
        table = function(*arguments)
        energy, force = (np.roll(values[::-1], 1) for values in (table.energy, table.force))
        return dataclasses.replace(table, energy=energy, force=-force)

    return made


def without_close_pairs(function: Callable[..., Any]) -> Callable[..., Any]:
    def made(*arguments: Any) -> Any:
        types = function(*arguments)
        neighbours = [(row, kind) for row, kind in types.rows["bond"] if row[1] - row[0] == 1]
        return dataclasses.replace(types, rows=types.rows | {"bond": neighbours})

    return made


def further_off(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: function(*arguments[:-1], arguments[-1] + 1)


def rounded_first(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda leaf, dtype: function(np.asarray(leaf, np.float32), dtype)


def remembering_one(function: Callable[..., Any]) -> Callable[..., Any]:
    return functools.partial(function, memory=1)


def of_one(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda memory: function(1)


def lax(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda state, limits: function(state, limits._replace(tol_grad=100 * limits.tol_grad))


def line_search(evaluations: int) -> Fault:
    shorter = optax.scale_by_zoom_linesearch(max_linesearch_steps=evaluations, initial_guess_strategy="one")
    return lambda monkeypatch: monkeypatch.setattr(lbfgs, "_LINE_SEARCH", shorter)


@dataclass(frozen=True)
class Seen:
    """A fault, the checks that must detect it, and the gated fits that must."""

    fault: Fault
    checks: tuple[str, ...]
    gated: tuple[Key, ...] = ()


DEFAULT, PADDED = ("chignolin", "truncated"), ("two proteins", "truncated")
SAFE = ("chignolin", "safe")
ROSENBROCK, QUARTIC = (SOLVER, "Rosenbrock"), (SOLVER, "quartic")
FRAMES = {"scipy-lbfgsb-physical": 150, "invariances": 10, "admissible": 1000}
MANY = ("least-squares",)
"""With few frames, factors are not computed in the same way as with many."""

FAULTS = {
    "sign of the repulsion's energy": Seen(replaced(StrengthAndLength, "energy", negated), ("engines-openmm",)),
    "sign of phi": Seen(replaced(geometry, "dihedral", negated), ("engines-openmm", "engines-jax-md")),
    "sign of a column of the matrix": Seen(
        replaced(design, "pair_forces", turned), ("least-squares", "recovery", "scipy-lsq-linear"), (DEFAULT,)
    ),
    "constraints dropped": Seen(replaced(fit, "constraints", without("")), ("admissible",), (SAFE,)),
    "excluded volume not constrained": Seen(
        replaced(fit, "constraints", without("excluded volume")), ("admissible",), (SAFE,)
    ),
    "sign of a wall": Seen(replaced(fit, "constraints", falling), ("admissible",), (SAFE,)),
    "temperature ignored": Seen(
        replaced(fit, "_temperature", lambda _: lambda *_: (300.0, ())), ("admissible",), (SAFE,)
    ),
    "float32 promise ignored": Seen(replaced(openmm, "require_float32", lambda _: lambda *_: None), ("admissible",)),
    "float32 error unseen": Seen(replaced(fit, "float32_error", lambda _: lambda *_: 0.0), ("admissible",)),
    "a force that is not the energy's": Seen(replaced(StrengthAndLength, "energy", constant), ("derivatives",)),
    "weights ignored": Seen(
        both(replaced(work, "rows_of", unweighted), replaced(gram, "_prepared", unweighted)),
        ("least-squares", "recovery", "scipy-lbfgsb-whitened"),
        (DEFAULT, PADDED),
    ),
    "mask dropped": Seen(
        edited(energy, "_term_energy", "mask[rows].all(axis=1)", "jnp.ones(len(rows), bool)"),
        ("invariances",),
        (("two proteins", "direct"),),
    ),
    "float32 accumulation": Seen(replaced(gram, "_products", rounded), MANY),
    "float32 accumulation of few rows": Seen(replaced(work, "triangle", rounded_rows), (), (DEFAULT, PADDED)),
    "memory of one step": Seen(
        replaced(fit, "minimise", remembering_one),
        ("scipy-lbfgsb-physical", "recorded"),
        (("chignolin", "physical"),),
    ),
    "memory of one step, in the solver": Seen(replaced(optax, "scale_by_lbfgs", of_one), (), (ROSENBROCK,)),
    "tol_grad a hundred times larger": Seen(replaced(lbfgs, "_status", lax), ("stopping",), (ROSENBROCK, QUARTIC)),
    "line search of two evaluations": Seen(line_search(2), (), (ROSENBROCK,)),
    "line search of five evaluations": Seen(line_search(5), ("scipy-lbfgsb-physical",)),
    "sign of phi, for LAMMPS": Seen(replaced(lammps, "dihedral_table", mirrored), ("export-lammps",)),
    "close pairs not left out, for LAMMPS": Seen(replaced(lammps, "types_of", without_close_pairs), ("export-lammps",)),
    "sign of phi, for OpenMM": Seen(
        lambda patch: patch.setitem(openmm._FORCES, "dihedrals", ("CustomTorsionForce", "Torsion", "theta")),
        ("export-openmm",),
    ),
    "pairs left out, for OpenMM": Seen(replaced(openmm, "_on_all_pairs", further_off), ("export-openmm",)),
    "parameters rounded, in StableHLO": Seen(replaced(stablehlo, "_cast", rounded_first), ("export-stablehlo",)),
}


@pytest.fixture
def fresh() -> Iterator[None]:
    yield from forgotten()


@pytest.mark.slow
@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("seen", FAULTS.values(), ids=FAULTS)
def test_a_fault_turns_the_checks_red(monkeypatch: pytest.MonkeyPatch, seen: Seen) -> None:
    names = seen.checks
    # Fewer columns and frames compile and run faster; convergence of L-BFGS shows only on the hard problem.
    prior = four_terms(cgcore.default_prior())
    if not {"scipy-lbfgsb-physical", "admissible"} & set(names):
        prior = with_harmonics(prior, 2, 2)
    frames = FRAMES.get(names[0], 60) if names else 60
    context = Context(cgcore.datasets.chignolin().subset(frames), prior, quick=True)
    context.__dict__["datasets"] = {"data": cgcore.read(TWO_PROTEINS) if names == MANY else context.data}
    seen.fault(monkeypatch)
    checks = {check.name: check for check in all_checks()}
    for name in names:
        rows = run([checks[name]], context)
        assert any(row.passed is False and row.relation != "raised" for row in rows), name
    with jax.enable_x64(True):
        gated = list(compare(Context.bundled(), read(), seen.gated)) if seen.gated else []
    for key in seen.gated:
        assert any(row.passed is False for row in gated if row.name.startswith(", ".join(key))), key


@pytest.mark.parametrize(("of_four", "passes"), [(1400.0, True), (1400.0 * (1 + 1e-9), False)])
def test_devices_that_disagree_are_red(monkeypatch: pytest.MonkeyPatch, of_four: float, passes: bool) -> None:
    """The fits run in separate processes that no fault in this process affects, so their output is replaced."""

    class Process:
        returncode = 0

        def __init__(self, count: int, *_: object) -> None:
            fit = of_four if count == 4 else 1400.0
            self.said = {"devices": count, "initial loss": 1500.0, "loss without prior": 1600.0, "fit": fit}

        def communicate(self, timeout: float) -> tuple[str, str]:
            return json.dumps(self.said), ""

    monkeypatch.setattr(host_devices, "_start", Process)
    rows = list(host_devices.host_devices(Context.bundled()))
    assert all(row.passed for row in rows) is passes
