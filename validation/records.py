"""Whether what a command wrote agrees with what a function of the library returned."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cgcore.serialize import to_json
from validation.check import Row, equal

SAME = 1e-9
"""Relative difference of numbers: the command and the function run the same programs."""

UNTRACKED = {"seconds", "ns_per_day", "versions", "path", "file", "files", "config", "model", "priors", "origin"}
"""Entries of records that say when, where and with what something was computed."""


def plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as it stands in a file."""
    return json.loads(to_json(record))


def same(name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[Row]:
    """Whether two records agree in all that was computed."""
    flat = [dict(_leaves("", one)) for one in (ours, theirs)]
    names = sorted(set(flat[1]))
    yield equal(f"{name}, entries", len(names) > 3, True)
    differing = [key for key in names if not _close(flat[0].get(key), flat[1][key])]
    yield equal(f"{name}, entries that differ", ", ".join(differing)[:200], "")


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key not in UNTRACKED:
                yield from _leaves(f"{name}.{key}" if name else key, each)
    elif isinstance(value, list):
        for k, each in enumerate(value):
            yield from _leaves(f"{name}[{k}]", each)
    else:
        yield name, value


def _close(a: Any, b: Any) -> bool:
    numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in (a, b))
    return bool(np.isclose(a, b, rtol=SAME, atol=SAME, equal_nan=True)) if numbers else a == b


def same_arrays(name: str, ours: Path, theirs: Path) -> Iterator[Row]:
    with np.load(ours, allow_pickle=False) as one, np.load(theirs, allow_pickle=False) as other:
        differing = [key for key in other if key not in one or not np.array_equal(one[key], other[key])]
    yield equal(f"{name}, arrays that differ", ", ".join(differing), "")
