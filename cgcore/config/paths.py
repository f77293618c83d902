"""Paths in a configuration file: relative to the file, else to the working folder."""

from __future__ import annotations

import os
from pathlib import Path

from cgcore.config.reading import Reading


def resolved(path: str, config: str) -> str | None:
    """The path of an existing file, looked up beside the configuration, then in the working folder; None if in neither.

    Arguments:
        path: path as written in the configuration.
        config: path of the configuration file.
    """
    given = Path(path).expanduser()
    beside = Path(config).parent / given
    return next((os.fspath(found) for found in (beside, given) if found.exists()), None)


def named_path(path: str, key: str, reading: Reading, otherwise: str) -> str | None:
    """The path given by a key; if it does not exist, this is noted as a mistake.

    Arguments:
        path: value of the key.
        key: dotted name of the key.
        reading: record of the file's reading; the file's folder is searched first.
        otherwise: what to do if the path does not exist, for the message.
    """
    if (found := resolved(path, reading.file)) is None:
        here = os.fspath(Path(reading.file).parent)
        places = "the working folder" if here == "." else f"{here} and the working folder"
        where = "there" if os.path.isabs(path) else f"in {places}"
        reading.add(key, f"is {path!r}, which is not {where}; correct it, or {otherwise}")
    return found
