"""Check that the output of a command does not overwrite its input."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cgcore.errors import InputError


def refuse_input_as_output(path: str, inputs: Sequence[str], what: str) -> None:
    """Refuse an output that cannot be written, or that would replace an input.

    Arguments:
        path: path of the output.
        inputs: paths of the input files and folders.
        what: what is written, in words.

    Raises:
        InputError: the output cannot be written, or would overwrite an input.
    """
    from cgcore.files import check_writable

    check_writable(path)
    for given in inputs:
        if os.path.exists(path) and os.path.exists(given) and os.path.samefile(path, given):
            raise InputError(f"{path}: is an input file, which the {what} would overwrite; give another --output")
