"""Writing files whole or not at all, and those of one run together."""

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
"""What is there are no files, whatever they look like: /dev/stdout is the file that the shell opened, or a terminal."""
_REAL_PLACES = ("/dev/shm",)
_MOST_LINKS = 40
"""Links from one to the next that Linux follows."""


class Group:
    """Files that belong together: all are written first, and then moved into place one right after the other."""

    def __init__(self) -> None:
        self._files: dict[Path, tuple[str | os.PathLike[str], Temporary]] = {}

    def add(self, path: str | os.PathLike[str]) -> Path:
        """Where to write what shall be at `path`; the same place if it was asked for before.

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
        """SHA-256 of all files so far, by their paths as seen from `folder`: a record of what belongs together."""
        here = os.path.realpath(folder)
        return {os.path.relpath(target, here): _sha256(file.path) for target, (_, file) in self._files.items()}

    def commit(self) -> None:
        """Move every file into place, in the order in which they were added.

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
        """Remove what was not moved into place."""
        for _, file in self._files.values():
            file.remove()


_group: ContextVar[Group | None] = ContextVar("_group", default=None)


@contextmanager
def atomic_group() -> Iterator[Group]:
    """Whatever is written by this module inside the block goes into place together, when the block ends well.

    A run that is killed leaves all old files or, in the moment of moving, some of both: `Group.digests` is what a
    record holds so that such a mixture is seen. A group inside a group is part of the outer one.

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
    """A temporary path beside `path`, moved over it when the block ends well and removed when it does not.

    Folders that are missing are made. It keeps the suffix of `path`, for writers that look at it. Inside an
    `atomic_group` it is moved when that ends.

    Raises:
        InputError: the target cannot be written, or is something else than a regular file.
    """
    with atomic_group() as group:
        temporary = group.add(path)
        with _refused(path):
            yield temporary


def atomic_write(path: str | os.PathLike[str], data: bytes | str) -> None:
    """Write a whole file (text as UTF-8) or leave the old one as it was.

    Raises:
        InputError: as `atomic_path`.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def check_writable(target: str | os.PathLike[str]) -> None:
    """Prove, without leaving anything behind, that a file can be written at `target`, or folders made for it.

    Raises:
        InputError: it cannot, or there is something else than a regular file.
    """
    require_name(target, "the path of a file to write")
    with _refused(target):
        path = _target(target)
        # The name alone can be the fault: one too long is found by looking at it.
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
    """The file that is replaced: a link stays a link. Refused is what is there and is not a regular file."""
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
    """Refuse names of devices and of open files, also where a link leads to one."""
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
    """What the operating system refuses becomes a sentence about `path`."""
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write {path}: {reason(error)}; {_REMEDY}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
