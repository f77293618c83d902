"""`cgcore check`: what a configuration means in the code for which it was written, and in cgcore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cgcore.cli import options, terminal
from cgcore.errors import InputError

if TYPE_CHECKING:
    from cgcore.config import Settings
    from cgcore.config.comparison import Comparison

FRAMES = 100
"""Number of frames in which neighbours are counted."""


@click.command("check")
@click.argument("config", type=options.PATH)
def check_command(config: str) -> None:
    """Compare what a configuration means elsewhere and in cgcore.

    For each key of the YAML file CONFIG, the command says what the code for which the file was written does with it,
    what cgcore does with it, and whether the two are the same. The exit code is 0 if `cgcore train` can run the file,
    and 2 if it cannot; a single message then names all obstacles.
    """
    from cgcore.report.comparison_text import comparison_text

    found = compared(config)
    terminal.say(comparison_text(found))
    _require(found)
    assert found.settings is not None
    _say_of_data(found.settings)


def _say_of_data(settings: Settings) -> None:
    """Name the data, and compare the number of neighbours in the file with that found in some frames."""
    terminal.say(f"Data: {settings.data_path or 'the bundled set'}")
    network = settings.model.network
    if network is None or network.avg_num_neighbors is None:
        return
    from cgcore.datasets import chignolin
    from cgcore.pipeline.loader import DatasetLoader
    from cgcore.pipeline.model_for_data import far_from
    from cgcore.pipeline.networks.edges import average_neighbors

    frames = DatasetLoader(settings.data_path or chignolin(), FRAMES)
    counted = average_neighbors(frames.R, frames.mask.astype(bool), network.cutoff)
    if (words := far_from(network, counted, frames.dataset.path)) is not None:
        terminal.note(f"{settings.name}: {words}")


def compared(config: str, needs_data: bool = True) -> Comparison:
    """The comparison of a file; with `needs_data`, the data that it names must exist.

    Raises:
        InputError: the file cannot be read.
    """
    from cgcore.config.comparison import compare
    from cgcore.files import read_yaml

    return compare(read_yaml(config), config, needs_data)


def _require(found: Comparison) -> None:
    """Refuse what `cgcore train` would refuse, and say whether `cgcore fit` can nevertheless read it."""
    from cgcore.config import load_config

    try:
        found.reading.check()
    except InputError as error:
        try:
            load_config(found.reading.file)
        except InputError:
            raise error from None
        raise InputError(f"{error} (for `cgcore train`; `cgcore fit DATA --config` can read the file)") from None
