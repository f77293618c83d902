"""Paths that a configuration file names: relative to the file, else to the working folder."""

from __future__ import annotations

import os
from pathlib import Path

from cgcore.config.reading import Reading


def resolved(path: str, config: str) -> str | None:
    """The path as the system finds it: beside the configuration, else in the working folder; None: in neither.

    Arguments:
        path: as the file says it.
        config: name of the configuration file.
    """
    given = Path(path).expanduser()
    beside = Path(config).parent / given
    return next((os.fspath(found) for found in (beside, given) if found.exists()), None)


def named_path(path: str, key: str, reading: Reading, otherwise: str) -> str | None:
    """The path that a key names; where it names nothing that is there, this is noted as a problem.

    Arguments:
        path: what stands at the key.
        key: its dotted name.
        reading: of the file, whose name says where to look first.
        otherwise: what to do where there is no such file.
    """
    if (found := resolved(path, reading.file)) is None:
        here = os.fspath(Path(reading.file).parent)
        places = "the working folder" if here == "." else f"{here} and the working folder"
        where = "there" if os.path.isabs(path) else f"in {places}"
        reading.add(key, f"is {path!r}, which is not {where}; correct it, or {otherwise}")
    return found
