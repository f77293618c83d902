"""Options that several commands have."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from cgcore.cli import terminal
from cgcore.data import UNITS, Dataset
from cgcore.errors import InputError
from cgcore.files import require_name


class PathType(click.ParamType):
    """The name of a file or folder; an empty name is refused, since it would mean the current folder."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name unchanged."""
        name = "a path" if param is None else max(param.opts, key=len)
        require_name(value, name if name.startswith("-") else name.upper())
        return value


PATH = PathType()

config = click.option(
    "--config",
    "config_file",
    type=PATH,
    metavar="FILE",
    help="Configuration file: YAML with the blocks model and training.",
)
units = click.option(
    "--units",
    type=click.Choice(UNITS),
    help="Units in which the data are stored (default: those of the format, or those that the files name).",
)
box = click.option(
    "--box",
    type=float,
    nargs=3,
    metavar="X Y Z",
    help="Edges, in Å, of the periodic box into which chains were wrapped.  [default: `box` of the data]",
)
accept_faults = click.option("--accept-faults", is_flag=True, help="Use the data even if they are certainly wrong.")
max_frames = click.option("--max-frames", type=int, metavar="N", help="Use only N frames, drawn at random.")
seed = click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Seed for drawing frames.")
configured_seed = click.option(
    "--seed", type=int, metavar="N", help="Seed for drawing frames.  [default: the configuration's, else 0]"
)
blocks = click.option(
    "--blocks",
    type=int,
    default=20,
    show_default=True,
    metavar="N",
    help="Number of contiguous blocks per protein and file, for cross-validation.",
)
cache = click.option(
    "--cache/--no-cache", default=True, show_default=True, help="Keep compiled programs in your cache folder."
)


def given(**options: Any) -> dict[str, Any]:
    """The options that were given, i.e. are not None."""
    return {name: value for name, value in options.items() if value is not None}


def refuse_factors(paths: Sequence[str]) -> None:
    """Refuse factor files where frames are needed."""
    from cgcore.factor_file import is_factor

    for path in paths:
        if is_factor(path):
            raise InputError(f"{path}: is a factor, not frames; use it with `cgcore merge` or `cgcore fit`")


def note_reading(dataset: Dataset) -> None:
    """Say which parts of the files were not read, and why."""
    if dataset.skipped_keys:
        terminal.note(f"{dataset.path}: not read: {', '.join(dataset.skipped_keys)}")
    for sentence in dataset.notes:
        terminal.note(sentence)


@contextmanager
def warnings_said() -> Iterator[None]:
    """A context that prints the library's warnings on standard error, one line each."""
    from cgcore.errors import InputWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InputWarning)
        yield
    for warning in caught:
        if issubclass(warning.category, InputWarning):
            click.echo(f"cgcore: {warning.message}", err=True)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
