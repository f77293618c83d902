"""Comparison of two losses, or two arrays, with a tolerance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from validation.check import Row, at_most

ROUNDING = 1e-13
"""Rounding error that is allowed, relative to the loss without any prior: a thousand machine epsilons."""


def near(name: str, value: float, expected: float, tolerance: float, scale: float) -> Row:
    """A row for the relative difference of two losses, which passes up to `tolerance`.

    `scale` is the loss without any prior. Differences below its rounding do not count, so that data without noise,
    whose least loss is 0, can be judged too.
    """
    return at_most(name, abs(value - expected) / (abs(expected) + scale * ROUNDING / tolerance), tolerance, "relative")


def relative(a: Any, b: Any) -> float:
    """Largest difference between two arrays, relative to the largest absolute value of the second; infinite if their
    shapes differ, or if it is NaN, which a `max` over several differences could lose."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        return np.inf
    if not b.size:
        return 0.0
    largest = float(np.max(np.abs(b)))
    difference = float(np.max(np.abs(a - b)))
    off = difference / largest if largest > 0 else difference
    return np.inf if np.isnan(off) else off


def apart(found: Mapping[str, Any], expected: Mapping[str, Any]) -> float:
    """Largest relative difference of arrays by name; infinite if their names differ."""
    if found.keys() != expected.keys():
        return np.inf
    return max(relative(found[name], value) for name, value in expected.items())


def products(S: Any, X: Any, F: Any) -> float:
    """Largest difference between the inner products of the columns of a factor and of [X | F], relative to their
    norms."""
    Y = np.column_stack([X, F])
    norms = np.linalg.norm(Y, axis=0)
    inverse = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)
    ours = S.T @ S
    silent = float(np.max(np.abs(ours[norms == 0]), initial=0.0))
    return max(silent, float(np.max(np.abs(ours - Y.T @ Y) * np.outer(inverse, inverse))))
