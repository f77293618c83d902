"""Files for a command, and whether what it wrote agrees with what a function of the library returned."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner

import cgcore
from cgcore.cli.commands import cli
from cgcore.serialize import to_json
from validation.check import Row, equal

SAME = 1e-9
"""Relative difference of numbers: the command and the function run the same programs."""

BOX = (60.0, 66.0, 72.0)
"""Å, in which chains are wrapped."""

UNTRACKED = {"seconds", "ns_per_day", "versions", "path", "file", "files", "config", "model", "priors", "origin"}
"""Entries of records that say when, where and with what something was computed."""


@dataclass(frozen=True)
class Case:
    """Files of one set of frames, and the options with which a command reads them as they are meant."""

    folder: Path
    prior: cgcore.Prior

    @property
    def frames(self) -> Path:
        return self.folder / "frames.npz"

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def priors(self) -> Path:
        return self.folder / "priors.yaml"

    @property
    def reading(self) -> tuple[Any, ...]:
        return ("--units", "nm-kj", "--box", *BOX)

    @cached_property
    def data(self) -> cgcore.Dataset:
        return self.read(self.frames)

    def read(self, path: Path) -> cgcore.Dataset:
        return cgcore.read(path, units="nm-kj", box=BOX)

    def ran(self, command: str, *words: Any) -> Any:
        """Run a command in this process; only an exit code that is neither success nor "not converged" is an error."""
        ended = CliRunner().invoke(cli, [command, *map(str, words)])
        if ended.exit_code not in (0, 1) or (ended.exception and not isinstance(ended.exception, SystemExit)):
            raise RuntimeError(f"cgcore {command} failed: {ended.exception!r} {ended.output[-200:]}")
        return ended

    def refused(self, command: str, *words: Any) -> bool:
        """Whether a command refuses its input."""
        return isinstance(CliRunner().invoke(cli, [command, *map(str, words)]).exception, cgcore.InputError)

    def record(self, name: str) -> dict[str, Any]:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


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
