"""Checks of a script's return value: fitted parameters and the history of its loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from validation.live.script import ENTRY, ScriptError

EXPECTED = "return (params_fit, loss_hist): a dict with the keys of prior_params, and the loss before each step"


@dataclass(frozen=True)
class Answer:
    """The fit of a script.

    Arguments:
        params: fitted parameters of the prior, as float64.
        history: the losses, without padding.
        precision: precision of the script's computations, float64 or float32.
        stored: precision in which the history was stored.
    """

    params: dict[str, np.ndarray]
    history: np.ndarray
    precision: str
    stored: str


def checked(path: Path, returned: Any, prior: cgcore.Prior, used: set[str]) -> Answer:
    """The answer in the script's return value; `used` contains the precisions in which it called the energy.

    A history that is padded to a fixed length with zeros or non-finite values is cut where the padding begins. A
    history counts as stored in float32 if all of its values are float32 numbers.

    Raises:
        ScriptError: the value is not a pair of parameters and losses that are finite and have the prior's shapes.
    """
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        size = f" of {len(returned)}" if isinstance(returned, tuple | list) else ""
        raise ScriptError(f"{path.name}: {ENTRY} returned a {type(returned).__name__}{size}; {EXPECTED}")
    params_fit, loss_hist = returned
    if not isinstance(params_fit, Mapping):
        raise ScriptError(f"{path.name}: params_fit is a {type(params_fit).__name__}, no dict; {EXPECTED}")
    if missing := [name for name in prior.names if name not in params_fit]:
        raise ScriptError(f"{path.name}: params_fit lacks {', '.join(map(repr, missing))}; {EXPECTED}")
    given = {name: _numbers(path, f"params_fit[{name!r}]", params_fit[name]) for name in prior.names}
    for name, value in given.items():
        if value.shape != np.shape(prior.params[name]):
            raise ScriptError(
                f"{path.name}: params_fit[{name!r}] has shape {value.shape}, prior_params[{name!r}] has "
                f"{np.shape(prior.params[name])}; return each parameter in the shape that it was given in"
            )
        if not np.isfinite(value).all():
            raise ScriptError(f"{path.name}: params_fit[{name!r}] is not finite; the fit diverged, correct the script")
    losses = _history(path, loss_hist)
    held = np.all(losses == losses.astype(np.float32))
    computed = used or {str(value.dtype) for value in given.values()}
    return Answer(
        params={name: value.astype(float) for name, value in given.items()},
        history=losses,
        precision="float64" if computed == {"float64"} else "float32",
        stored="float32" if held else "float64",
    )


def _history(path: Path, loss_hist: Any) -> np.ndarray:
    losses = _numbers(path, "loss_hist", loss_hist).astype(float)
    if losses.ndim != 1 and losses.size != max(losses.shape, default=0):
        raise ScriptError(f"{path.name}: loss_hist has shape {losses.shape}; return one loss a step")
    losses = losses.ravel()
    filling = ~np.isfinite(losses) | (losses == 0)
    losses = losses[: len(losses) - int(np.argmin(filling[::-1])) if not filling.all() else 0]
    if not len(losses):
        raise ScriptError(f"{path.name}: loss_hist holds no loss above 0; return the loss before each step")
    if not np.isfinite(losses).all():
        step = int(np.argmin(np.isfinite(losses)))
        raise ScriptError(f"{path.name}: loss_hist[{step}] is not finite; the fit diverged, correct the script")
    return losses


def _numbers(path: Path, what: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O":  # for example a list of JAX scalars
            array = np.asarray(value, float)
    except Exception as error:
        raise ScriptError(f"{path.name}: {what} holds no plain numbers ({type(error).__name__}); {EXPECTED}") from error
    # bfloat16 and similar types are of kind V.
    if array.dtype.kind not in "fiuV":
        raise ScriptError(f"{path.name}: {what} is of type {array.dtype}; return real numbers")
    return array.astype(float) if array.dtype.kind in "iuV" else array
