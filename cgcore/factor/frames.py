"""Frames, where a factor would not do."""

from __future__ import annotations

import os
from typing import Any

from cgcore.data import Dataset, read
from cgcore.errors import InputError
from cgcore.factor.storage import is_factor


def frames_of(data: Dataset | str | os.PathLike[str] | Any) -> Dataset:
    """A data set as it is; a path is read.

    Raises:
        InputError: it is neither, or a factor, or as `cgcore.read`.
    """
    if isinstance(data, Dataset):
        return data
    if not isinstance(data, str | os.PathLike):
        raise InputError(
            f"data is a {type(data).__name__}; give a Dataset (cgcore.read, cgcore.from_arrays), or a path"
        )
    if is_factor(data):
        raise InputError(f"{data}: is a factor, not frames; cgcore.load_factor reads it")
    return read(data)
