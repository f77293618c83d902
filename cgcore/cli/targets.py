"""Check that the output files of a command are writable before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from cgcore.errors import InputError


def check_targets(
    output: str | None, names: Iterable[str], plot_file: str | None, picture: str, others: Iterable[str | None] = ()
) -> str | None:
    """Check that all output files can be written, and return the path of the picture (None for no picture).

    Arguments:
        output: output folder; None for none.
        names: names of the files in it.
        plot_file: requested path of the picture; None to put it into the folder if it can be drawn.
        picture: name of the picture in the folder.
        others: further files; None for those not requested.

    Raises:
        InputError: a file cannot be written, or a requested picture cannot be drawn.
    """
    from cgcore.files import check_writable
    from cgcore.report.picture import require_picture

    if plot_file is not None:
        require_picture(plot_file)
    elif output is not None:
        # A missing matplotlib is an error only if the picture was requested.
        with suppress(InputError):
            require_picture(Path(output) / picture)
            plot_file = str(Path(output) / picture)
    inside = [] if output is None else [Path(output) / name for name in names]
    for target in [*inside, *(Path(given) for given in (plot_file, *others) if given is not None)]:
        check_writable(target)
    return plot_file
