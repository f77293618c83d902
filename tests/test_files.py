"""Files are written completely or not at all, files of one run together; only regular files are read and replaced."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cgcore.errors import InputError
from cgcore.files import (
    atomic_group,
    atomic_path,
    atomic_write,
    check_writable,
    differing_record,
    open_regular,
    read_yaml,
)
from cgcore.files.temporaries import ABANDONED, PREFIX, remove_stale


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("data", ["text å\n", b"\x00bytes", ""])
def test_atomic_write(tmp_path: Path, data: str | bytes) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old and longer than the new")
    atomic_write(target, data)
    assert target.read_bytes() == (data.encode() if isinstance(data, str) else data)
    assert names(tmp_path) == ["out.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")

    def fail() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half of the ne")
            assert target.read_text() == "old"
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["out.txt"]


def test_the_temporary_is_beside_the_target_and_has_its_suffix(tmp_path: Path) -> None:
    # numpy.savez appends .npz to names without it, and would write another file.
    with atomic_path(tmp_path / "factor.npz") as temporary:
        assert temporary.parent == tmp_path
        np.savez(temporary, x=np.arange(3))
    assert names(tmp_path) == ["factor.npz"]
    with np.load(tmp_path / "factor.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["x"], [0, 1, 2])


def test_permissions_are_those_of_the_umask(tmp_path: Path) -> None:
    plain, target = tmp_path / "plain", tmp_path / "target"
    plain.write_text("")
    atomic_write(target, "")
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    atomic_write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_target_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for target, why in [
        (tmp_path, "it is a directory; give"),
        (tmp_path / "file" / "x", "choose a place"),
    ]:
        with pytest.raises(InputError) as caught:
            atomic_write(target, "x")
        assert str(caught.value).startswith(f"cannot write {target}: ")
        assert why in str(caught.value)
    assert names(tmp_path) == ["file"]


def test_a_full_disk_is_told_like_any_other_failure(tmp_path: Path) -> None:
    def fill() -> None:
        with atomic_path(tmp_path / "x"):
            raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left on device"):
        fill()
    assert names(tmp_path) == []


def test_check_writable_leaves_nothing_behind(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b" / "out.json")
    check_writable(os.fspath(tmp_path / "out.json"))
    assert names(tmp_path) == []


def test_missing_folders_are_made(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a" / "b" / "out.json", "text")
    assert (tmp_path / "a" / "b" / "out.json").read_text() == "text"


def test_check_writable_refuses_what_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "file" / "out", tmp_path / "file" / "sub" / "out"):
        with pytest.raises(InputError, match="is a file, not a folder; choose a place that is writable"):
            check_writable(target)
    with pytest.raises(InputError, match="it is a directory; give the name of a file"):
        check_writable(tmp_path / "folder")
    assert names(tmp_path) == ["file", "folder"]


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    for name in ("x" * 300, "a\0b"):
        with pytest.raises(InputError, match="cannot be read"):
            read_yaml(tmp_path / name)
        with pytest.raises(InputError, match="cannot write"):
            atomic_write(tmp_path / name, "")


@pytest.fixture
def strange(tmp_path: Path) -> dict[str, Path]:
    """One object of each kind that has a name in a folder but is not a file."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(tmp_path / "socket"))
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    return {
        "a pipe": tmp_path / "pipe",
        "a directory": tmp_path / "folder",
        "a socket": tmp_path / "socket",
        "a pipe ": tmp_path / "link",
        "a device": tmp_path / "null",
        "a device ": Path("/dev/zero"),
    }


def test_only_regular_files_are_read_and_nothing_is_waited_for(tmp_path: Path, strange: dict[str, Path]) -> None:
    for kind, path in strange.items():
        with pytest.raises(InputError, match=f"{path}: is {kind.strip()}, not a file; remedy it"):
            open_regular(path, "remedy it")
        with pytest.raises(InputError, match=f"is {kind.strip()}, not a file; give a YAML file"):
            read_yaml(path)


def test_only_regular_files_are_replaced(tmp_path: Path, strange: dict[str, Path]) -> None:
    before = {path: path.lstat() for path in strange.values()}
    del strange["a device "]
    for kind, path in strange.items():
        why = "devices and not files" if kind == "a device" else f"it is {kind.strip()}"
        for write in (check_writable, lambda path: atomic_write(path, "x")):
            with pytest.raises(InputError, match=f"cannot write {path}: .*{why}.*; give the name of a file"):
                write(path)
    assert {path: path.lstat().st_mode for path in before} == {path: was.st_mode for path, was in before.items()}
    assert not [name for name in names(tmp_path) if name.startswith(PREFIX)]


@pytest.mark.parametrize(
    "name", ["/dev/null", "/dev/stdout", "/dev/fd/1", "/dev/new", "/proc/self/fd/1", "/dev/../dev/x"]
)
def test_nothing_is_written_among_devices(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to(name)
    for path in (name, tmp_path / "link"):
        with pytest.raises(InputError, match="devices and not files"):
            check_writable(path)
        with pytest.raises(InputError, match="devices and not files"):
            atomic_write(path, "x")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    with open_regular(tmp_path / "x", limit=5) as file:
        assert file.read() == b"12345"
    with pytest.raises(InputError, match="has 5 bytes, and at most 4 are read; split it"):
        open_regular(tmp_path / "x", "split it", limit=4)


def test_an_empty_path_is_not_the_current_folder() -> None:
    for use in (read_yaml, open_regular, check_writable, lambda path: atomic_write(path, "x")):
        with pytest.raises(InputError, match="is empty"):
            use("")


def test_links_that_lead_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for path in (tmp_path / "a", tmp_path / "a" / "x"):
        with pytest.raises(InputError, match=r"cannot be read .*symbolic links"):
            read_yaml(path)
        with pytest.raises(InputError, match="cannot write"):
            check_writable(path)
        with pytest.raises(InputError, match="cannot write"):
            atomic_write(path, "x")


def test_names_as_long_as_a_name_can_be(tmp_path: Path) -> None:
    for name in ("x" * 250 + ".json", "x." + "y" * 253):
        check_writable(tmp_path / name)
        atomic_write(tmp_path / name, "new")
        assert (tmp_path / name).read_text() == "new"
    for path in (tmp_path / ("x" * 300), tmp_path / ("x" * 300) / "y", tmp_path / "/".join(["x" * 200] * 30)):
        with pytest.raises(InputError, match=r"cannot write .*too long"):
            check_writable(path)


def test_a_group_is_moved_into_place_together(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "first", tmp_path / "second"
    second.write_text("old")
    with atomic_group() as group:
        atomic_write(second, "new")
        with atomic_path(first) as temporary:
            temporary.write_text("1")
        assert (second.read_text(), first.exists()) == ("old", False)
        assert group.digests(tmp_path) == {"second": sha256(b"new"), os.path.join("a", "first"): sha256(b"1")}
        atomic_write(first, "2")
    assert (first.read_text(), second.read_text()) == ("2", "new")
    assert (names(tmp_path), names(tmp_path / "a")) == (["a", "second"], ["first"])


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_group_that_fails_leaves_all_old_files(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "a").write_text("old")

    def fail() -> None:
        with atomic_group():
            atomic_write(tmp_path / "a", "new")
            atomic_write(tmp_path / "b", "new")
            raise error

    with pytest.raises(error):
        fail()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}
    atomic_write(tmp_path / "a", "alone again")
    assert (tmp_path / "a").read_text() == "alone again"


def test_a_group_names_the_file_that_cannot_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object, target: Path) -> None:
        if target.name == "b":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)

    def write() -> None:
        with atomic_group():
            atomic_write(tmp_path / "a", "")
            atomic_write(tmp_path / "b", "")

    with pytest.raises(InputError, match=r"cannot write .*/b: No space left on device; choose"):
        write()


DIES = """\
import os, signal, sys
from cgcore.files import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", DIES, str(tmp_path / "out.json")], check=False, timeout=60)
    assert ran.returncode == -signal.SIGKILL
    (left,) = names(tmp_path)
    assert left.startswith(PREFIX)
    with atomic_path(tmp_path / "other.json"):  # a temporary file in use stays
        remove_stale(tmp_path)
        (mine,) = names(tmp_path)
        assert mine != left
    assert names(tmp_path) == ["other.json"]


def test_only_what_is_stale_is_removed(tmp_path: Path) -> None:
    pid = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    young = [f"{PREFIX}ffffff-{pid.stdout.strip()}-0123456789ab", f"{PREFIX}notes", f"{PREFIX}a-b-c", ".other-tmp"]
    for name in young:
        (tmp_path / name).write_text("")
    remove_stale(tmp_path)
    assert names(tmp_path) == sorted(young)
    for name in young:
        os.utime(tmp_path / name, (0, time.time() - 2 * ABANDONED))
    remove_stale(tmp_path)
    assert names(tmp_path) == sorted(young[1:])


def test_a_mixture_of_two_runs_is_seen(tmp_path: Path) -> None:
    made = tmp_path / "priors.yaml"
    made.write_text("first")
    assert differing_record(made) is None
    (tmp_path / "fit.json").write_text(json.dumps({"files": {"priors.yaml": sha256(b"first")}}))
    assert differing_record(made) is None
    made.write_text("second")
    assert differing_record(made) == str(tmp_path / "fit.json")
    (tmp_path / "train.json").write_text(json.dumps({"files": {"priors.yaml": sha256(b"second")}}))
    assert differing_record(made) is None
    for damaged in ("", "[]", '{"files": 3}', "[" * 10**5, "\0"):
        (tmp_path / "fit.json").write_text(damaged)
        assert differing_record(made) is None


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
