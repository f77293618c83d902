"""Check whether a file is the one that the record beside it was written with."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from cgcore.errors import InputError
from cgcore.files.regular import open_regular

RECORDS = ("fit.json", "train.json")
KEY = "files"
"""Key of a record that holds the SHA-256 of the files written with it, by name."""
_MOST = 2**28
"""Largest size of a record [bytes]: a long loss history takes a few million."""


def differing_record(path: str | os.PathLike[str]) -> str | None:
    """The record in the folder of `path` that was written with a different file of that name, or None.

    Such a mixture is left by a run that is killed while it moves its files into place, and by manual edits. None means
    that no record mentions the file, or that the record agrees.
    """
    here = Path(path)
    said = {name: digests[here.name] for name in RECORDS if here.name in (digests := _digests(here.with_name(name)))}
    if not said:
        return None
    try:
        with open_regular(here) as file:
            mine = hashlib.file_digest(file, "sha256").hexdigest()
    except InputError:
        return None
    return None if mine in said.values() else str(here.with_name(next(iter(said))))


def _digests(record: Path) -> dict[str, str]:
    try:
        with open_regular(record, limit=_MOST) as file:
            found = json.load(file)
    except (InputError, ValueError, RecursionError, OSError):
        return {}
    digests = found.get(KEY) if isinstance(found, dict) else None
    return digests if isinstance(digests, dict) else {}
