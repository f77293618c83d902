"""Single problems of sif2jax, the CUTEst collection in JAX, without importing the whole package.

`import sif2jax` executes each of its thousand problems, which takes most of a minute. Here its folder is registered as
a package with another name whose `__init__` files are not executed, so that a problem takes milliseconds.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp

from validation.problems.problem import Loss

_ALIAS = "_sif2jax_by_the_piece"
_UNCONSTRAINED = "_unconstrained_minimisation"
_EQUATIONS = "_nonlinear_equations"


def objective(module: str, name: str, **options: Any) -> Loss:
    """The loss of an unconstrained problem."""
    problem = _problem(_UNCONSTRAINED, module, name, options)
    return lambda y: problem.objective(y, problem.args)


def arguments(module: str, name: str) -> Any:
    """Arguments of an unconstrained problem's objective, such as data."""
    return _problem(_UNCONSTRAINED, module, name, {}).args


def sum_of_squares(module: str, name: str, **options: Any) -> Loss:
    """The sum of squared residuals of a system of nonlinear equations."""
    problem = _problem(_EQUATIONS, module, name, options)
    return lambda y: jnp.sum(problem.constraint(y)[0] ** 2)


def _problem(family: str, module: str, name: str, options: dict[str, Any]) -> Any:
    # Some modules create data arrays on import, in float32 unless x64 is enabled.
    with jax.enable_x64(True):
        for part in ("", ".cutest", f".cutest.{family}"):
            _enter(part)
        return getattr(importlib.import_module(f"{_ALIAS}.cutest.{family}.{module}"), name)(**options)


def _enter(part: str) -> None:
    if _ALIAS + part in sys.modules:
        return
    spec = find_spec("sif2jax")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("sif2jax is not installed")
    package = ModuleType(_ALIAS + part)
    package.__path__ = [str(Path(spec.submodule_search_locations[0], *part.split(".")))]
    sys.modules[package.__name__] = package
