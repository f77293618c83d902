"""A check that no fault can turn red proves nothing: faults in cgcore, and the check that must see each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import cgcore
from cgcore.factor import compress
from cgcore.fitting import fit
from cgcore.physics import design, energy, geometry, terms
from validation.check import all_checks
from validation.context import TWO_PROTEINS, Context, with_harmonics
from validation.runner import run

Fault = Callable[[pytest.MonkeyPatch], None]


def replaced(module: Any, name: str, make: Callable[[Any], Any]) -> Fault:
    """A fault that replaces a function of a module by what `make` makes of it."""
    return lambda monkeypatch: monkeypatch.setattr(module, name, make(getattr(module, name)))


def negated(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: -function(*args, **kwargs)


def unweighted(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda weights, *args, **kwargs: function(cgcore.Weights(1.0, 1.0, 1.0, 1.0), *args, **kwargs)


def unmasked(function: Callable[..., Any]) -> Callable[..., Any]:
    def total(R: Any, mask: Any, *args: Any) -> Any:
        return function(R, jnp.ones_like(mask), *args)

    return total


def rounded(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda rows, T: function(rows.astype(jnp.float32), T.astype("float32")).astype(jnp.float64)


FRAMES = {"scipy-lbfgsb-physical": 150, "invariances": 10}
MANY = ("least-squares",)
"""Few frames are not summed as many are."""

FAULTS: dict[str, tuple[Fault, tuple[str, ...]]] = {
    "sign of the repulsion's energy": (replaced(terms, "soft_repulsion", negated), ("engines-openmm",)),
    "sign of phi": (replaced(geometry, "dihedral", negated), ("engines-openmm",)),
    "sign of a column of the matrix": (
        replaced(design, "far_pair_forces", negated),
        ("least-squares", "recovery", "scipy-lsq-linear"),
    ),
    "weights ignored": (replaced(compress, "design_matrix", unweighted), ("least-squares", "recovery")),
    "mask dropped": (replaced(energy, "_sum_over_rows", unmasked), ("invariances",)),
    "float32 accumulation": (replaced(compress, "_gram", rounded), MANY),
    "memory of one step": (
        replaced(fit, "minimise", lambda function: functools.partial(function, memory=1)),
        ("scipy-lbfgsb-physical",),
    ),
}


@pytest.fixture
def fresh() -> Iterator[None]:
    """Nothing that was compiled before a fault may hide it, and nothing faulty may outlive the test."""
    jax.clear_caches()
    yield
    jax.clear_caches()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(("fault", "names"), FAULTS.values(), ids=FAULTS)
def test_a_fault_turns_the_checks_red(monkeypatch: pytest.MonkeyPatch, fault: Fault, names: tuple[str, ...]) -> None:
    # Fewer columns and frames compile and run faster; how well L-BFGS converges shows on the hard problem alone.
    prior = cgcore.default_prior() if "scipy-lbfgsb-physical" in names else with_harmonics(cgcore.default_prior(), 2, 2)
    context = Context(cgcore.datasets.chignolin().subset(FRAMES.get(names[0], 60)), prior, quick=True)
    context.__dict__["datasets"] = {"data": cgcore.read(TWO_PROTEINS) if names == MANY else context.data}
    fault(monkeypatch)
    checks = {check.name: check for check in all_checks()}
    for name in names:
        rows = run([checks[name]], context)
        assert any(row.passed is False and row.relation != "raised" for row in rows), name
