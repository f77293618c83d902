"""Files on their way: recognised by their names, removed when the work is broken off, and later if it was killed."""

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
"""Age from which a temporary file whose writer holds no lock any more is stale, whoever that was [s]."""

_lock = threading.RLock()
_present: set[Path] = set()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A block that `withdraw` waits for: what is in it happens as a whole."""
    with _lock:
        yield


def withdraw(patience: float) -> None:
    """Remove all temporary files of this process and let nobody make or move one any more: the process ends now.

    Arguments:
        patience: how long an `uninterrupted` block is waited for [s].
    """
    _lock.acquire(timeout=patience)
    for path in list(_present):
        with suppress(OSError):
            path.unlink()


class Temporary:
    """An empty file beside `target`, with the permissions that the umask gives, locked while it is written.

    Raises:
        OSError: it cannot be made there.
    """

    def __init__(self, target: Path) -> None:
        # The target's own name may already be as long as a name can be.
        mine = f"{PREFIX}{_host()}-{os.getpid()}-{secrets.token_hex(6)}"
        self.path = target.with_name(mine + target.suffix[:32])
        with _lock:
            # os.open and not tempfile, whose files nobody else may read whatever the umask says.
            self._descriptor = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
            _present.add(self.path)
        _locked(self._descriptor)

    def sync(self) -> None:
        """Bring what was written to the disk."""
        with self.path.open("r+b") as written:  # some writers replace the file
            os.fsync(written.fileno())

    def move(self, target: Path) -> None:
        """Put it in the place of `target`."""
        with _lock:
            os.replace(self.path, target)
            self._forget()

    def remove(self) -> None:
        """Remove it, if it was not moved."""
        with _lock:
            if self.path in _present:
                with suppress(OSError):
                    self.path.unlink()
                self._forget()

    def _forget(self) -> None:
        _present.discard(self.path)
        os.close(self._descriptor)


def remove_stale(folder: Path) -> None:
    """Remove temporary files whose writer was killed: nobody holds their lock, and the process is gone or long ago."""
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
    """Whether the lock of a file is ours now; where there are no locks, nobody can hold one."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
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
    """This machine in few letters: process numbers mean nothing on another one."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]
