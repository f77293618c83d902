"""Writing figures to files."""

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
"""Metadata that omit the date, so that equal figures give identical files."""


def require_picture(path: str | os.PathLike[str], suffixes: Sequence[str] = SUFFIXES) -> str:
    """Check before the work begins that a picture can be drawn, and return its suffix.

    Raises:
        InputError: the suffix is not in `suffixes`, or matplotlib is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in suffixes:
        raise InputError(f"{path}: {suffix!r} is not a picture format; give a name that ends in {', '.join(suffixes)}")
    require_matplotlib()
    return suffix


def write_picture(path: str | os.PathLike[str], figure: Figure) -> None:
    """Write a figure, completely or not at all.

    Raises:
        InputError: the suffix is unknown, or the file cannot be written.
    """
    suffix = require_picture(path)
    with atomic_path(path) as temporary, styled():
        figure.savefig(temporary, format=suffix[1:], dpi=DPI, metadata=UNDATED[suffix])
