"""Reading YAML strictly, and writing files so that a killed run leaves the old one whole."""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from cgcore.errors import InputError

_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map")}


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader without tags of its own kind, without duplicate keys, and with `1e-6` as a number."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()
        tag = getattr(event, "tag", None)
        if tag not in (None, "!") and tag not in _PLAIN_TAGS:
            raise yaml.MarkedYAMLError(
                problem=f"the YAML tag {tag!r} is not accepted; write plain values",
                problem_mark=event.start_mark,
            )
        return super().compose_node(parent, index)

    # Checked here and not while constructing, where merge keys (<<) have already been expanded.
    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if (key.tag, key.value) in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is given twice; keep one", problem_mark=key.start_mark
                )
            seen.add((key.tag, key.value))
        return node


# YAML 1.1 takes 1e-6 and 1.0e6 (no dot, no sign in the exponent) for text; people mean numbers.
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def read_yaml(path: str | os.PathLike[str]) -> Any:
    """The one document in a YAML file, as plain dicts, lists and scalars.

    Raises:
        InputError: the file cannot be read, is not UTF-8 or not YAML, holds a tag or a duplicate key.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a directory; give a YAML file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}); save it as a UTF-8 YAML file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({_reason(error)}); give a readable YAML file") from None
    try:
        loader = _StrictLoader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" line {mark.line + 1}" if mark else ""
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise InputError(f"{path}{where}: {problem}; correct the YAML") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}; correct the YAML") from None
    except (ValueError, KeyError) as error:
        raise InputError(f"{path}: holds a value that is not what it looks like ({error}); quote or mend it") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deeply; correct the YAML") from None


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path`, moved over it when the block ends well and removed when it does not.

    Folders that are missing are made. It keeps the suffix of `path`, for writers that look at it.

    Raises:
        InputError: the target cannot be written.
    """
    mend = "choose a place that is writable and has room"
    try:
        target = Path(os.path.realpath(path))  # a link stays a link
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a directory")
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{secrets.token_hex(8)}{target.suffix}")
        _create(temporary)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write {path}: {_reason(error)}; {mend}") from error
    try:
        yield temporary
        with temporary.open("r+b") as written:
            os.fsync(written.fileno())
        temporary.replace(target)
    except OSError as error:
        raise InputError(f"cannot write {path}: {_reason(error)}; {mend}") from error
    finally:
        _remove(temporary)


def atomic_write(path: str | os.PathLike[str], data: bytes | str) -> None:
    """Write a whole file (text as UTF-8) or leave the old one as it was.

    Raises:
        InputError: the target cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def check_writable(target: str | os.PathLike[str]) -> None:
    """Prove, without leaving anything behind, that a file can be written at `target`, or folders made for it.

    Raises:
        InputError: it cannot.
    """
    path = Path(target)
    mend = "choose a place that is writable"
    if path.is_dir():
        raise InputError(f"cannot write {target}: it is a directory; give the name of a file")
    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise InputError(f"cannot write {target}: {folder} is a file, not a folder; {mend}")
    probe = folder / f".{secrets.token_hex(8)}"
    try:
        _create(probe)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write {target}: {_reason(error)}; {mend}") from error
    finally:
        _remove(probe)


def _create(path: Path) -> None:
    # os.open and not tempfile, whose files nobody else may read whatever the umask says.
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def _remove(path: Path) -> None:
    with suppress(OSError, ValueError):  # never made, since its directory is not one
        path.unlink(missing_ok=True)


def _reason(error: OSError | ValueError) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
