"""Writing files completely or not at all, and the files of one run together."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from cgcore.errors import InputError
from cgcore.files.regular import kind_of, reason, require_name
from cgcore.files.temporaries import Temporary, remove_stale, uninterrupted

_REMEDY = "choose a place that is writable and has room"
_NO_PLACE = ("/dev", "/proc", "/sys")
"""Folders in which names do not stand for ordinary files, even if `stat` says so: /dev/stdout may be the shell's file
or a terminal."""
_REAL_PLACES = ("/dev/shm",)
_MOST_LINKS = 40
"""Number of successive symbolic links that Linux follows."""


class Group:
    """Files that belong together: all are written first and then moved into place in quick succession."""

    def __init__(self) -> None:
        self._files: dict[Path, tuple[str | os.PathLike[str], Temporary]] = {}

    def add(self, path: str | os.PathLike[str]) -> Path:
        """The temporary path at which to write the file for `path`; repeated calls return the same one.

        Raises:
            InputError: the target cannot be written.
        """
        require_name(path, "the path of a file to write")
        with _refused(path):
            target = _target(path)
            if target not in self._files:
                target.parent.mkdir(parents=True, exist_ok=True)
                remove_stale(target.parent)
                self._files[target] = path, Temporary(target)
            return self._files[target][1].path

    def digests(self, folder: str | os.PathLike[str]) -> dict[str, str]:
        """SHA-256 of all files so far, by path relative to `folder`, as a record of what belongs together."""
        here = os.path.realpath(folder)
        return {os.path.relpath(target, here): _sha256(file.path) for target, (_, file) in self._files.items()}

    def commit(self) -> None:
        """Move all files into place, in the order in which they were added.

        Raises:
            InputError: a target cannot be written.
        """
        for path, file in self._files.values():
            with _refused(path):
                file.sync()
        with uninterrupted():
            for target, (path, file) in self._files.items():
                with _refused(path):
                    file.move(target)

    def discard(self) -> None:
        """Remove files that were not moved into place."""
        for _, file in self._files.values():
            file.remove()


_group: ContextVar[Group | None] = ContextVar("_group", default=None)


@contextmanager
def atomic_group() -> Iterator[Group]:
    """A context in which all files written by this module are moved into place together, when it ends without error.

    A killed run leaves all old files or, if it is killed while moving them, a mixture, which a record of
    `Group.digests` reveals. A nested group is part of the outer one.

    Raises:
        InputError: a target cannot be written.
    """
    if (outer := _group.get()) is not None:
        yield outer
        return
    group = Group()
    token = _group.set(group)
    try:
        yield group
        group.commit()
    finally:
        _group.reset(token)
        group.discard()


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A context with a temporary path beside `path`, which replaces `path` at the end and is removed after an error.

    Missing folders are created. The temporary path has the suffix of `path`, for writers that depend on it. Inside an
    `atomic_group`, it is moved when the group ends.

    Raises:
        InputError: the target cannot be written, or is not a regular file.
    """
    with atomic_group() as group:
        temporary = group.add(path)
        with _refused(path):
            yield temporary


def atomic_write(path: str | os.PathLike[str], data: bytes | str) -> None:
    """Write a file completely (text as UTF-8), or leave the old one unchanged.

    Raises:
        InputError: as `atomic_path`.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def check_writable(target: str | os.PathLike[str]) -> None:
    """Check, without leaving anything behind, that a file can be written at `target`, missing folders included.

    Raises:
        InputError: the file cannot be written, or the target is not a regular file.
    """
    require_name(target, "the path of a file to write")
    with _refused(target):
        path = _target(target)
        # `stat` detects a name that is invalid in itself, such as one that is too long.
        with suppress(FileNotFoundError, NotADirectoryError):
            os.stat(path)
        folder = path.parent
        while not os.path.lexists(folder) and folder != folder.parent:
            folder = folder.parent
        if not os.path.isdir(folder):
            raise InputError(
                f"cannot write {target}: {folder} is a file, not a folder; choose a place that is writable"
            )
        Temporary(folder / path.name).remove()


def _target(path: str | os.PathLike[str]) -> Path:
    """The file to replace, with links followed; anything that exists and is not a regular file is refused."""
    if "\0" in os.fsdecode(path):
        raise InputError(f"cannot write {os.fsdecode(path)!r}: the name holds a zero byte; {_REMEDY}")
    _require_place(path)
    target = Path(os.path.realpath(path))
    try:
        kind = kind_of(os.stat(target).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return target
    if kind:
        raise InputError(f"cannot write {path}: it is {kind}; give the name of a file")
    return target


def _require_place(path: str | os.PathLike[str]) -> None:
    """Refuse names of devices and of open files, and links to them."""
    here = os.path.abspath(path)
    for _ in range(_MOST_LINKS):
        here = os.path.join(os.path.realpath(os.path.dirname(here)), os.path.basename(here))
        if (place := _within(here, _NO_PLACE)) and not _within(here, _REAL_PLACES):
            raise InputError(f"cannot write {path}: in {place} are devices and not files; give the name of a file")
        if not os.path.islink(here):
            return
        here = os.path.normpath(os.path.join(os.path.dirname(here), os.readlink(here)))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _within(path: str, folders: tuple[str, ...]) -> str | None:
    return next((folder for folder in folders if path == folder or path.startswith(folder + "/")), None)


@contextmanager
def _refused(path: str | os.PathLike[str]) -> Iterator[None]:
    """A context that turns errors of the operating system into a sentence about `path`."""
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write {path}: {reason(error)}; {_REMEDY}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
