"""Temporary files: removed if the work is interrupted, or later, recognised by name, if their process was killed."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a Unix
    fcntl = None

PREFIX = ".cgcore-tmp-"
_NAME = re.compile(rf"{re.escape(PREFIX)}(?P<host>[0-9a-f]{{6}})-(?P<pid>[0-9]{{1,9}})-[0-9a-f]{{12}}")
ABANDONED = 3600.0
"""Age from which a temporary file without a lock is stale, even if its process may run on another machine [s]."""

_lock = threading.RLock()
_present: set[Path] = set()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A context that `withdraw` does not interrupt but waits for."""
    with _lock:
        yield


def withdraw(patience: float) -> None:
    """Remove all temporary files of this process, and keep it from creating or moving any more, before it ends.

    Arguments:
        patience: how long to wait for an `uninterrupted` block [s].
    """
    _lock.acquire(timeout=patience)
    for path in list(_present):
        with suppress(OSError):
            path.unlink()


class Temporary:
    """An empty file beside `target`, with permissions according to the umask, locked while it exists.

    Raises:
        OSError: the file cannot be created there.
    """

    def __init__(self, target: Path) -> None:
        # Without the target's own name, which may already have the maximal length.
        mine = f"{PREFIX}{_host()}-{os.getpid()}-{secrets.token_hex(6)}"
        self.path = target.with_name(mine + target.suffix[:32])
        with _lock:
            # os.open and not tempfile, which ignores the umask and makes files that only the owner can read.
            self._descriptor = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
            _present.add(self.path)
        _locked(self._descriptor)

    def sync(self) -> None:
        """Force the content to disk."""
        with self.path.open("r+b") as written:  # some writers replace the file
            os.fsync(written.fileno())

    def move(self, target: Path) -> None:
        """Replace `target` by this file."""
        with _lock:
            os.replace(self.path, target)
            self._forget()

    def remove(self) -> None:
        """Remove the file, if it was not moved."""
        with _lock:
            if self.path in _present:
                with suppress(OSError):
                    self.path.unlink()
                self._forget()

    def _forget(self) -> None:
        _present.discard(self.path)
        os.close(self._descriptor)


def remove_stale(folder: Path) -> None:
    """Remove temporary files of killed processes: not locked, and the process no longer exists or the file is old."""
    for path in folder.glob(f"{PREFIX}*"):
        name = _NAME.match(path.name)
        if name is None or path in _present:
            continue
        with suppress(OSError):
            gone = name["host"] == _host() and not _alive(int(name["pid"]))
            if not gone and time.time() - path.stat().st_mtime <= ABANDONED:
                continue
            descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
            try:
                if _locked(descriptor):
                    path.unlink()
            finally:
                os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Try to lock a file; True if no other process holds the lock, also where locks are not supported."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # the file system does not support locks
        return True
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _host() -> str:
    """A short hash of this machine's name, since process numbers are valid on one machine only."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]
