"""Files are read strictly and written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from cgcore.errors import InputError
from cgcore.files import atomic_path, atomic_write, check_writable, read_yaml


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
    # numpy.savez appends .npz to a name without it, and would write elsewhere.
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
        (tmp_path, "it is a directory; choose"),
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


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"\xff\xfea\x00", "not UTF-8 text (byte 0)"),
        (b"PK\x03\x04\x00\x00\x00\x00", "special characters are not allowed"),
        (b"a: 1\nb: [1, 2\nc: 3\n", " line 3: "),
        (b"a: 1\n\tb: 2\n", " line 2: "),
        (b"a: 1\nb: {x: 1, y: 2, x: 3}\n", " line 2: the key 'x' is given twice"),
        (b"a: 1\n\n'a': 2\n", " line 3: the key 'a' is given twice"),
        (b"a: 1\nb: !!python/object/apply:os.system ['true']\n", " line 2: the YAML tag"),
        (b"a: !include other.yaml\n", " line 1: the YAML tag '!include' is not accepted"),
        (b"a: !!binary aGVsbG8=\n", " line 1: the YAML tag"),
        (b"a: 1\n---\nb: 2\n", " line 2: "),
        (b"? [1, 2]\n: 3\n", " line 1: "),
        (b"a: *nowhere\n", "undefined alias"),
        (b"a: 2020-13-45\n", "month must be in 1..12"),
        (b"a: !!bool maybe\n", "maybe"),
        (b"a: " + b"9" * 5000, "value that is not what it looks like"),
        (b"[" * 5000, "nested too deeply"),
    ],
)
def test_yaml_that_is_refused(tmp_path: Path, text: bytes, says: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(text)
    with pytest.raises(InputError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(str(path))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    for name in ("x" * 300, "a\0b"):
        with pytest.raises(InputError, match="cannot be read"):
            read_yaml(tmp_path / name)
        with pytest.raises(InputError, match="cannot write"):
            atomic_write(tmp_path / name, "")


def test_plain_yaml_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes("\ufeffa: [1, 2.5, 1e-6, '1e-6', yes, null, !!float 3, 1e, e5, 3-4]\n".encode())
    assert read_yaml(path) == {"a": [1, 2.5, 1e-6, "1e-6", True, None, 3.0, "1e", "e5", "3-4"]}
