"""A figure as a picture in a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from cgcore.errors import InputError
from cgcore.files import atomic_path
from cgcore.report.style import Figure, require_matplotlib, styled

SUFFIXES = (".png", ".svg", ".pdf")
DPI = 150
"""Resolution of a PNG file."""

UNDATED = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""Metadata that would make two files of the same figure differ."""


def require_picture(path: str | os.PathLike[str], suffixes: Sequence[str] = SUFFIXES) -> str:
    """The suffix of a picture that can be drawn; to be asked before the work begins.

    Raises:
        InputError: the suffix is not in `suffixes`, or matplotlib is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in suffixes:
        raise InputError(f"{path}: {suffix!r} is not a picture format; give a name that ends in {', '.join(suffixes)}")
    require_matplotlib()
    return suffix


def write_picture(path: str | os.PathLike[str], figure: Figure) -> None:
    """Write a figure, whole or not at all.

    Raises:
        InputError: the suffix is of no use, or the file cannot be written.
    """
    suffix = require_picture(path)
    with atomic_path(path) as temporary, styled():
        figure.savefig(temporary, format=suffix[1:], dpi=DPI, metadata=UNDATED[suffix])
