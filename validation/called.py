"""Commands whose functions of the library are replaced: what each function gets from the command line."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from click.testing import CliRunner

# Imported first: a module that is imported while functions are replaced would keep the replacements.
import cgcore
import cgcore.cluster
import cgcore.export.stablehlo
import cgcore.fitting.learning_curve
import cgcore.fitting.scan
import cgcore.mapping.naming
import cgcore.pipeline.trained
import cgcore.pipeline.trainer
import cgcore.report.evaluation_figure
import cgcore.report.inspection
import cgcore.report.learning_curve
import cgcore.simulation.trajectory
from cgcore.cli.commands import cli
from validation.check import Row, equal
from validation.records import BOX

READ, BUNDLED, JAX = "cgcore.data.read", "cgcore.datasets.chignolin", "cgcore.cli.setup.prepare_jax"

READING = ("--units", "nm-kj", "--box", *BOX)
"""Options of a command that say how files are read."""
UNTOLD: dict[str, Any] = {"units": None, "box": None, "accept_faults": False}
"""How files are read without options."""
TOLD: dict[str, Any] = {"units": "nm-kj", "box": BOX, "accept_faults": True}
"""How files are read with `READING` and --accept-faults."""


class Calls:
    """What replaced functions were called with, by their names.

    Arguments:
        returned: what each function returns, by its full name; a function is called instead.
    """

    def __init__(self, returned: Mapping[str, Any]) -> None:
        self.returned = returned
        self.arguments: dict[str, list[dict[str, Any]]] = {}

    @contextmanager
    def replacing(self) -> Iterator[None]:
        """A context in which the functions are replaced."""
        with ExitStack() as stack:
            for path, value in self.returned.items():
                module, _, name = path.rpartition(".")
                signature = inspect.signature(getattr(importlib.import_module(module), name))
                stack.enter_context(mock.patch(path, self._recording(path, signature, value)))
            yield

    def _recording(self, path: str, signature: inspect.Signature, value: Any) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            bound = signature.bind(*given, **named)
            bound.apply_defaults()  # what a command leaves out is what the function takes instead
            arguments = dict(bound.arguments)
            for one in signature.parameters.values():
                if one.kind is one.VAR_KEYWORD:
                    arguments |= arguments.pop(one.name)
            self.arguments.setdefault(path, []).append(arguments)
            return value(*given, **named) if inspect.isfunction(value) else value

        return call

    def ran(self, *words: Any) -> Any:
        """Run a command in this process with the functions replaced."""
        with self.replacing():
            ended = CliRunner().invoke(cli, list(map(str, words)))
        if ended.exception and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        return ended

    def rows(self, name: str, known: Mapping[str, Mapping[str, Any] | None]) -> Iterator[Row]:
        """Whether functions got these arguments; None for a function that must not be called."""
        for path, expected in known.items():
            found = self.arguments.get(path, [])
            row = f"{name}, {path.rpartition('.')[2]}"
            if expected is None:
                yield equal(f"{row}, calls", len(found), 0)
                continue
            got = found[-1] if found else {}
            yield equal(row, in_words({key: got.get(key, "absent") for key in expected}), in_words(expected))


@dataclass(frozen=True)
class Place:
    """A folder with a prior, a configuration and frames.

    Arguments:
        folder: where they are.
        read: the data that are read, whatever the file.
        bundled: the data of the bundled set.
    """

    folder: Path
    read: cgcore.Dataset
    bundled: cgcore.Dataset

    @cached_property
    def prior(self) -> cgcore.Prior:
        return cgcore.default_prior().part(["bond", "repulsive"])

    @property
    def frames(self) -> str:
        return str(self.folder / "frames.npz")

    @property
    def priors(self) -> str:
        return str(self.folder / "priors.yaml")

    @property
    def config(self) -> str:
        return str(self.folder / "config.yaml")

    def says(self, said: Mapping[str, Any]) -> None:
        """Write the configuration."""
        Path(self.config).write_text(json.dumps({"dialect": "cgcore", **said}), encoding="utf-8")  # JSON is YAML

    def out(self, name: str) -> str:
        return str(self.folder / name)

    def calls(self, **returned: Any) -> Calls:
        """Calls of functions that read data and prepare JAX, and of those with dots as `__`."""
        more = {f"cgcore.{path.replace('__', '.')}": value for path, value in returned.items()}
        return Calls({READ: self.read, BUNDLED: self.bundled, JAX: None} | more)


def numbers() -> Any:
    """What an evaluation, a noise ceiling and a learning curve have in common."""
    return SimpleNamespace(
        as_dict=lambda: {"own": 2.5}, report=lambda: "text", plot=lambda path: Path(path).write_text("drawn")
    )


def in_words(arguments: Mapping[str, Any]) -> str:
    """Arguments of a call by name: data by their number of frames and how these were chosen, priors by their terms."""
    return ", ".join(f"{name} {_shown(value)}" for name, value in arguments.items())


def _shown(value: Any) -> str:
    if isinstance(value, cgcore.Dataset):
        return f"{value.n_frames} frames {list(value.choice)}"
    if isinstance(value, cgcore.Prior):
        return f"prior of {' '.join(f'{term.name} {term.weight}' for term in value.terms if term.weight)}"
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return f"[{', '.join(map(_shown, value))}]"
    return str(value)
