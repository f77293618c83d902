"""YAML has a single meaning, or is refused with a sentence that names the line."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgcore.errors import InputError
from cgcore.files import read_yaml
from cgcore.files.strict_yaml import MOST_BYTES


def refusal(path: Path, text: bytes) -> str:
    """The one-line message with which `text` is refused."""
    path.write_bytes(text)
    with pytest.raises(InputError) as caught:
        read_yaml(path)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert "\n" not in said
    return said


def value(path: Path, text: str) -> Any:
    path.write_text(f"a: {text}\n", encoding="utf-8")
    return read_yaml(path)["a"]


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
        (b"a: !!bool maybe\n", "maybe"),
        (b"a: " + b"9" * 5000, "5000 digits"),
        (b"a: " + b"1" * 4000 + b"e5", "4002 digits"),
        (b"[" * 5000, "nested too deeply"),
        (b"{a: " * 5000, "nested too deeply"),
        (b"".join(b" " * n + b"a:\n" for n in range(100)), "nested too deeply"),
        (b"a: &x [1, *x]\n", " line 1: the alias 'x' stands inside"),
        (b"a: &x {b: 1, c: *x}\n", " line 1: the alias 'x' stands inside"),
        (b"a: =\nb: <<\n", " line 2: "),
        (b'a: !!int ""\n', " line 1: '' is not a whole number"),
        (b"a: 1\nb: !!int 3:50\n", " line 2: '3:50' is a number to base 60"),
        (b"a: !!int [1]\n", "whole number"),
        (b'a: !!float ""\n', " line 1: '' is not a number"),
        (b"a: !!float x\n", " line 1: 'x' is not a number"),
        (b'a: !!bool ""\n', " line 1: '' is neither true nor false"),
        (b"a: !!bool {b: 1}\n", "neither true nor false"),
        (b"a: !!null x\n", " line 1: a value is tagged as null"),
        (b"a: !!str [1]\n", " line 1: "),
        (b"a: !!seq {b: 1}\n", " line 1: "),
        (b"a: !!map [1]\n", " line 1: "),
        (b'a: "\\UFFFFFFFF"\n', "YAML would read differently"),
        (b"%YAML 3.0\n---\na: 1\n", "version"),
        (b"%YAML\n---\na: 1\n", " line 1: "),
        (b"{}: 1\n[]: 2\n", " line "),
    ],
)
def test_yaml_that_is_refused(tmp_path: Path, text: bytes, says: str) -> None:
    assert says in refusal(tmp_path / "x.yaml", text)


def test_plain_yaml_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes("\ufeffa: [1, 2.5, 1e-6, '1e-6', yes, null, !!float 3, 1e, e5, 3-4]\n".encode())
    assert read_yaml(path) == {"a": [1, 2.5, 1e-6, "1e-6", True, None, 3.0, "1e", "e5", "3-4"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3:50", "base 60"), ("190:20:30", "base 60"), ("1:30.5", "base 60"), ("-3:50", "base 60"),
        ("0150", "octal"), ("-0150", "octal"), ("007", "octal"), ("08", "octal"),
        ("1_000", "underscores"), ("1_000.5", "underscores"), ("0x_ff", "underscores"), ("0b101", "binary"),
    ],
)  # fmt: skip
def test_numbers_that_yaml_1_1_reads_as_others(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "x.yaml"
    for document in (f"ok: 1\na: {text}\n", f"ok: 1\na: [1.0,\n {text}]\n", f"ok: 1\n{text}: 1\n"):
        said = refusal(path, document.encode())
        assert words in said
        assert repr(text) in said
        assert f" line {3 if '[' in document else 2}: " in said
    assert value(path, f'"{text}"') == text
    assert value(path, f"!!str {text}") == text


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("150", 150), ("-3", -3), ("+3", 3), ("0", 0), ("0o17", 15), ("0x1F", 31),
        ("1e-6", 1e-6), ("1.0e6", 1e6), ("1.", 1.0), (".5", 0.5), ("-.5e3", -500.0), ("0150.5", 150.5), ("00.5", 0.5),
        (".inf", math.inf), ("-.INF", -math.inf), ("1e999", math.inf),
        ("yes", True), ("off", False), ("True", True), ("~", None), ("", None), ("Null", None),
        ("2020-01-01", "2020-01-01"), ("2020-13-45", "2020-13-45"), ("=", "="), ("y", "y"), ("n", "n"),
        ("e5", "e5"), ("3-4", "3-4"), ("a_1", "a_1"), ("_1", "_1"), ("fade1_2", "fade1_2"), ("a:1", "a:1"),
        ("0x", "0x"), ("1.2.3", "1.2.3"),
        ("!!float 3", 3.0), ("!!int '3'", 3), ("!!float .inf", math.inf),
    ],
)  # fmt: skip
def test_plain_values(tmp_path: Path, text: str, meant: Any) -> None:
    found = value(tmp_path / "x.yaml", text)
    assert (found, type(found)) == (meant, type(meant))


def test_not_a_number_is_a_number(tmp_path: Path) -> None:
    assert math.isnan(value(tmp_path / "x.yaml", ".nan"))


def test_aliases_are_read_but_no_bombs(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("base: &b {x: 1}\na: *b\nc: {<<: *b, y: 2}\n")
    assert read_yaml(path) == {"base": {"x": 1}, "a": {"x": 1}, "c": {"x": 1, "y": 2}}
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert "more than 100000 values" in refusal(path, "\n".join(lines).encode())
    lines = ["a0: &a0 {x: 1}"] + [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: 1}}" for n in range(1, 30)]
    assert "more than 100000 values" in refusal(path, "\n".join(lines).encode())


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    assert f"at most {MOST_BYTES} are read" in refusal(tmp_path / "x.yaml", b"#" * (MOST_BYTES + 1))


@given(st.floats(allow_nan=False) | st.integers(-(10**30), 10**30))
def test_every_number_comes_back(tmp_path_factory: pytest.TempPathFactory, number: float) -> None:
    text = repr(number).replace("inf", ".inf")
    found = value(tmp_path_factory.getbasetemp() / "number.yaml", text)
    assert (found, type(found)) == (number, type(number))


@given(st.binary(max_size=40) | st.text("&*!|>[]{}:,-?#%@`'\"\\~<=\t\n 0:_.xaeif", max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    with suppress(InputError):  # any other exception is an error
        read_yaml(path)
