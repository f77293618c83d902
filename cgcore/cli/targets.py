"""Output files of a command, checked to be writable before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from cgcore.errors import InputError


def check_targets(
    output: str | None, names: Iterable[str], plot_file: str | None, picture: str, others: Iterable[str | None] = ()
) -> str | None:
    """Where the picture goes, once all that will be written is known to be writable.

    Arguments:
        output: the folder; None: none.
        names: of the files in it.
        plot_file: where the picture was asked for; None: in the folder, by the name `picture`, where it can be drawn.
        picture: that name.
        others: further files; None: not asked for.

    Raises:
        InputError: one of them cannot be written, or the picture that was asked for not drawn.
    """
    from cgcore.files import check_writable
    from cgcore.report.picture import require_picture

    if plot_file is not None:
        require_picture(plot_file)
    elif output is not None:
        # Without matplotlib there is no picture; one that was not asked for is no reason to stop.
        with suppress(InputError):
            require_picture(Path(output) / picture)
            plot_file = str(Path(output) / picture)
    inside = [] if output is None else [Path(output) / name for name in names]
    for target in [*inside, *(Path(given) for given in (plot_file, *others) if given is not None)]:
        check_writable(target)
    return plot_file
