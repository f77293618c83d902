"""Files are written completely or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cgcore import InputError


def write(path: Path, content: str | bytes) -> None:
    """Write to a temporary name beside the target, then move into place: a killed run leaves the old file unchanged.

    Raises:
        InputError: the file cannot be written.
    """
    raw = content.encode() if isinstance(content, str) else content
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        draft.write_bytes(raw)
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written ({error.strerror}); check folder and permissions") from error
