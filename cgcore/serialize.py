"""Results as text for other programs: strict JSON, and the YAML of a `model: priors:` block."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import yaml

from cgcore.config.terms import as_keys
from cgcore.files import atomic_write
from cgcore.physics.prior import SERIES, Prior


def to_json(record: Any) -> str:
    """JSON that any parser can read: null for NaN and Infinity, enums by name, arrays as lists.

    Raises:
        TypeError: the record holds something that has no JSON form.
    """
    return json.dumps(plain(record), indent=2, allow_nan=False) + "\n"


def write_json(path: str | os.PathLike[str], record: Any) -> None:
    """Write `to_json` to a file, completely or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    atomic_write(path, to_json(record))


def priors_yaml(prior: Prior, fitted: Mapping[str, Any], spline_file: str | None = None) -> str:
    """The weights and carried values of `prior` with the `fitted` parameters, as `load_config` reads them.

    Every float64 is read back exactly. `spline_file` is the path of the file with the prior's splines.

    Raises:
        InputError: the fitted parameters do not match the prior, or are not finite.
    """
    checked = replace(prior, params=dict(fitted))
    # A missing weight would mean its default; 0 removes the term.
    weights = {term: float(w or 0.0) for term, w in checked.weights._asdict().items()}
    block: dict[str, Any] = {"weights": weights}
    further = {term.name: term for term in checked.further}
    for name in (name for name in checked.names if name not in further):
        value = checked.params[name]
        block[name] = value.tolist() if name in SERIES else float(value)
    block |= {name: float(value) for name, value in checked.carried.items()}
    if own := sorted(checked.frozen - set(further)):
        block["frozen"] = own
    if spline_file is not None:
        block["spline_file"] = spline_file
    model: dict[str, Any] = {"use_priors": True, "priors": block}
    if further:
        model["terms"] = {
            name: as_keys(term, checked.params[name], name in checked.frozen) for name, term in further.items()
        }
    document = {"model": model}
    text = yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=100)
    return "# Prior parameters in angstrom, kcal/mol and radians.\n" + text


def write_priors(path: str | os.PathLike[str], prior: Prior, fitted: Mapping[str, Any]) -> None:
    """Write `priors_yaml` to a file, completely or not at all; splines go into an NPZ beside it, `priors.splines.npz`.

    Raises:
        InputError: as `priors_yaml`, or a file cannot be written.
    """
    spline_file = None
    if prior.splines is not None:
        from cgcore.spline_file import write_splines

        spline_file = Path(path).with_suffix(".splines.npz").name
        write_splines(Path(path).with_name(spline_file), prior.splines)
    atomic_write(path, priors_yaml(prior, fitted, spline_file))


def plain(value: Any) -> Any:
    """Convert a record to JSON's types: dicts, lists, strings, numbers and None (also for NaN and Infinity).

    Raises:
        TypeError: it holds something that has no JSON form.
    """
    match value:
        case Enum():
            return value.name
        case None | bool() | str():
            return value
        case int():
            return int(value)
        case float():
            return float(value) if math.isfinite(value) else None
        case PurePath():
            return str(value)
        case Mapping():
            return {key if isinstance(key, str) else str(plain(key)): plain(v) for key, v in value.items()}
        case list() | tuple():
            as_dict = getattr(value, "_asdict", None)  # only a NamedTuple has it
            return [plain(item) for item in value] if as_dict is None else plain(as_dict())
        case frozenset():
            return sorted(plain(item) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    # Recognised by the protocol, so that JAX need not be imported for JAX arrays.
    if hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.dtype != object:
            return plain(array.tolist())
    raise TypeError(f"a {type(value).__name__} has no JSON form: {value!r}")
