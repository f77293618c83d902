"""Places that files are written to and read from, what killed processes left there, and records of what belongs
together, against the operating system and `hashlib`."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import socket
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from cgcore import InputError
from cgcore.files import (
    atomic_group,
    atomic_path,
    atomic_write,
    check_writable,
    differing_record,
    open_regular,
    temporaries,
)
from validation.check import Row, equal, says

NOBODY = 999_999_999
"""A process number above the largest one."""

HOUR = 3600.0


def places(folder: Path) -> Iterator[Row]:
    """Names that files can have, others that are refused, and nothing left by the question."""
    (folder / "file").write_text("x")
    (folder / "inner").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "device").symlink_to("/dev/null")
    (folder / "devices").symlink_to("/dev")
    (folder / "loop").symlink_to(folder / "loop")
    cases = {
        "new": "accepted",
        "file": "accepted",
        "deep/er/new": "accepted",
        "x" * 255: "accepted",
        "inner": "it is a directory; give the name of a file",
        "pipe": "it is a pipe; give the name of a file",
        "file/new": "is a file, not a folder; choose a place",
        "x" * 256: os.strerror(errno.ENAMETOOLONG),
        "device": "in /dev are devices and not files",
        "devices/new": "in /dev are devices and not files",
        "/dev/stdout": "in /dev are devices and not files",
        "/proc/self/new": "in /proc are devices and not files",
        "/sys/new": "in /sys are devices and not files",
        "loop": os.strerror(errno.ELOOP),
        "a\0b": "the name holds a zero byte",
    }
    before = sorted(str(path) for path in folder.rglob("*"))
    for name, words in cases.items():
        yield says(f"a file {name[:20]!r} of {len(name)} characters", lambda: check_writable(folder / name), words)  # noqa: B023
        if words != "accepted":
            yield says(f"written, {name[:20]!r}", lambda: atomic_write(folder / name, "x"), "cannot write")  # noqa: B023
    yield says("a file without a name", lambda: check_writable(""), "the path of a file to write is empty")
    if Path("/dev/shm").is_dir():
        yield says("shared memory", lambda: check_writable(f"/dev/shm/cgcore-{os.getpid()}"), "accepted")
    yield equal("files after the questions", sorted(str(path) for path in folder.rglob("*")) == before, True)


def written(folder: Path) -> Iterator[Row]:
    """Content, permissions and links of files that are written; groups inside groups."""
    for name, content in (("text", "å\n"), ("bytes", b"\0\xff")):
        atomic_write(folder / "new" / "er" / name, content)
        known = content if isinstance(content, bytes) else content.encode("utf-8")
        yield equal(f"{name}, written", (folder / "new" / "er" / name).read_bytes() == known, True)
    (folder / "plain").write_text("x")
    modes = [(folder / name).stat().st_mode & 0o777 for name in ("new/er/text", "plain")]
    yield equal("permissions of a written file", modes[0], modes[1])
    (folder / "target").write_text("old")
    (folder / "first").symlink_to("second")
    (folder / "second").symlink_to("target")
    atomic_write(folder / "first", "new")
    found = (folder / "first").is_symlink(), (folder / "second").is_symlink(), (folder / "target").read_text()
    yield equal("written through two links", str(found), "(True, True, 'new')")
    with atomic_path(folder / "x.npz") as path:
        path.write_text("x")
        known = (folder.resolve(), ".npz", True)
        found = (path.parent, path.suffix, path.name.startswith(".cgcore-tmp-"))
        yield equal("a temporary path, its folder, suffix and start", found == known, True)
    with atomic_group() as group:
        with atomic_group() as inner:
            atomic_write(folder / "a.npz", "aa")
        same = [group.add(folder / name) for name in ("a.npz", "first", "target", "a.npz")]
        same[1].write_text("bb")
        yield equal("a group inside a group is the same", inner is group, True)
        yield equal("it ends with the outer one", (folder / "a.npz").exists(), False)
        yield equal(
            "a file, added twice", str((same[0] == same[3], same[1] == same[2], len(set(same)))), "(True, True, 2)"
        )
        digests = {"../a.npz": hashlib.sha256(b"aa").hexdigest(), "../target": hashlib.sha256(b"bb").hexdigest()}
        yield equal("digests of a group", group.digests(folder / "new") == digests, True)
    yield equal("the outer group, ended", (folder / "a.npz").read_text() + (folder / "target").read_text(), "aabb")
    with contextlib.suppress(InputError), atomic_group():
        for name in ("z", "y", "x"):
            atomic_write(folder / name, "new")
        (folder / "y").mkdir()
    there = [(folder / name).is_file() for name in ("z", "y", "x")]
    yield equal("files of a group that are moved before one that cannot be", str(there), "[True, False, False]")
    names = ("first.yaml", "second.npz")
    for name in names:
        (folder / name).write_text("old")
    with contextlib.suppress(ZeroDivisionError), atomic_group():
        atomic_write(folder / names[0], "new")
        with atomic_path(folder / names[1]) as path:
            path.write_text("new")
        before = [(folder / name).read_text() for name in names]
        yield equal("files of a group, before its end", str(before), str(["old", "old"]))
        raise ZeroDivisionError
    after = [(folder / name).read_text() for name in names]
    yield equal("files of a group that fails", str(after), str(["old", "old"]))
    left = [path.name for path in folder.rglob(".cgcore-tmp-*")]
    yield equal("temporary files, afterwards", ", ".join(left), "")


def left_over(folder: Path) -> Iterator[Row]:
    """Temporary files: those of processes that are gone are removed, and those that may be in use stay."""
    import fcntl

    mine = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]
    other = "0" * 6 if mine != "0" * 6 else "1" * 6
    cases: dict[str, tuple[str, int, float, bool, bool]] = {
        "of a process that is gone": (mine, NOBODY, 0.0, False, False),
        "of a process that is gone, old": (mine, NOBODY, 2 * HOUR, False, False),
        "of a process that is gone, locked": (mine, NOBODY, 0.0, True, True),
        "of a process that runs": (mine, os.getpid(), 0.0, False, True),
        "of a process that runs, old": (mine, os.getpid(), 2 * HOUR, False, False),
        "of a process that runs, old, locked": (mine, os.getpid(), 2 * HOUR, True, True),
        "of another machine": (other, NOBODY, 0.0, False, True),
        "of another machine, almost an hour": (other, NOBODY, HOUR - 100, False, True),
        "of another machine, an hour": (other, NOBODY, HOUR + 100, False, False),
    }
    for number, (case, (host, process, age, locked, known)) in enumerate(cases.items()):
        path = folder / f".cgcore-tmp-{host}-{process}-{number:012x}.npz"
        path.write_text("x")
        _aged(path, age)
        with path.open() as file:
            if locked:
                fcntl.flock(file, fcntl.LOCK_EX)
            temporaries.remove_stale(folder)
        yield equal(f"a temporary file {case}, stays", path.exists(), known)
        path.unlink(missing_ok=True)
    for name in (".cgcore-tmp-mine", f".cgcore-tmp-{mine}-x-{0:012x}", f"cgcore-tmp-{mine}-{NOBODY}-{0:012x}"):
        path = folder / name
        path.write_text("x")
        _aged(path, 2 * HOUR)
        temporaries.remove_stale(folder)
        yield equal(f"a file {name.replace(mine, '...')}, stays", path.exists(), True)
    with atomic_path(folder / "x") as path:
        path.write_text("x")
        _aged(path, 2 * HOUR)
        temporaries.remove_stale(folder)
        yield equal("a temporary file in use, stays", path.exists(), True)
    stale = folder / f".cgcore-tmp-{mine}-{NOBODY}-{0:012x}"
    stale.write_text("x")
    atomic_write(folder / "x", "x")
    yield equal("a temporary file that is left, when another file is written", stale.exists(), False)


def _aged(path: Path, seconds: float) -> None:
    """Make a file so many seconds old."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def opened(folder: Path) -> Iterator[Row]:
    """What is read: regular files of limited size, and nothing else."""
    (folder / "ten").write_bytes(b"x" * 10)
    (folder / "link").symlink_to("ten")
    cases = {
        "ten": "accepted",
        "link": "accepted",
        "none": "no such file; look",
        ".": "is a directory, not a file; look",
    }
    cases |= {
        "pipe": "is a pipe, not a file; look",
        "device": "is a device, not a file; look",
        "a\0b": "cannot be read",
    }
    for name, words in cases.items():
        yield says(f"{name!r}, opened", lambda: open_regular(folder / name, "look").close(), words)  # noqa: B023
    yield says("no name, opened", lambda: open_regular(""), "the path of a file to read is empty")
    for limit, words in ((10, "accepted"), (11, "accepted"), (9, "has 10 bytes, and at most 9 are read; look")):
        work = partial(open_regular, folder / "link", "look", limit=limit)
        yield says(f"10 bytes, at most {limit}", lambda: work().close(), words)  # noqa: B023


def records(folder: Path) -> Iterator[Row]:
    """Files beside records, which may be of another run, damaged, or about other files."""
    file = folder / "params.npz"
    file.write_bytes(b"a")
    right, wrong = hashlib.sha256(b"a").hexdigest(), hashlib.sha256(b"b").hexdigest()
    cases: dict[str, tuple[str | None, str | None, str | None]] = {
        "no record": (None, None, None),
        "two right ones": (right, right, None),
        "the first is wrong": (wrong, right, None),
        "the second is wrong": (right, wrong, None),
        "both are wrong": (wrong, wrong, "fit.json"),
        "one is wrong": (None, wrong, "train.json"),
    }
    for case, (*digests, known) in cases.items():
        for name, digest in zip(("fit.json", "train.json"), digests, strict=True):
            (folder / name).unlink(missing_ok=True)
            if digest is not None:
                (folder / name).write_text(json.dumps({"files": {"other.npz": right, "params.npz": digest}}))
        found = differing_record(file)
        yield equal(f"records, {case}", str(found), str(known and str(folder / known)))
    for name in ("none.npz", "third.npz"):
        yield equal(f"records, {name}", str(differing_record(folder / name)), "None")
    texts = ("[1]", "{", '{"files": [1]}', '{"files": {"other.npz": "x"}}', "{}", "[" * 100_000)
    for text in texts:
        (folder / "train.json").unlink(missing_ok=True)
        (folder / "fit.json").write_text(text)
        yield equal(f"records, {text[:20]}", str(differing_record(file)), "None")
