"""Imports a user's script and calls its entry point, without lasting effects on this process."""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import inspect
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import jax

ENTRY = "fit_priors_lbfgs"
PROTOCOL = "validation/live/protocol.py says what it is given"


class ScriptError(Exception):
    """A script that cannot be judged; the message says what was expected and what to do."""


def call(path: Path, arguments: Mapping[str, Any]) -> Any:
    """The result of `fit_priors_lbfgs(*arguments)` in the script at `path`.

    While the script runs, its folder is first in `sys.path`, `sys.argv` contains the script alone, and its output goes
    to standard error. All this is restored afterwards, together with changed JAX settings; modules that it imported
    from its folder are removed.

    Raises:
        ScriptError: it cannot be imported, has no such function, or the call raised an exception or `SystemExit`.
    """
    path = path.absolute()
    with _surroundings(path):
        entry = _entry(path)
        positional, named = _bound(path, entry, arguments)
        with _told(path, f"{ENTRY} raised", f"correct the script; {PROTOCOL}"):
            return jax.block_until_ready(entry(*positional, **named))


def _entry(path: Path) -> Callable[..., Any]:
    name = f"_live_{path.stem}"
    with _told(path, "importing it raised", f"it must import without running a fit and define {ENTRY}"):
        # Accept any file name; otherwise the import system chooses the loader by the suffix.
        loader = importlib.machinery.SourceFileLoader(name, str(path))
        spec = importlib.util.spec_from_file_location(name, path, loader=loader)
        if spec is None:
            raise ImportError("it is no Python source")
        module: ModuleType = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look up their module
        loader.exec_module(module)
    entry = getattr(module, ENTRY, None)
    if not callable(entry):
        raise ScriptError(f"{path.name}: defines no function {ENTRY}; define it with the arguments that {PROTOCOL}")
    return entry


def _bound(
    path: Path, entry: Callable[..., Any], arguments: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    try:
        signature = inspect.signature(entry)
    except (TypeError, ValueError):
        return tuple(arguments.values()), {}
    ways: list[tuple[tuple[Any, ...], dict[str, Any]]] = [(tuple(arguments.values()), {}), ((), dict(arguments))]
    for positional, named in ways:
        with contextlib.suppress(TypeError):
            signature.bind(*positional, **named)
            return positional, named
    raise ScriptError(
        f"{path.name}: {ENTRY}{signature} can't be called with ({', '.join(arguments)}); take these seven arguments, "
        "in this order, and give any other a default"
    )


@contextlib.contextmanager
def _told(path: Path, what: str, remedy: str) -> Iterator[None]:
    """Exceptions of the script become a ScriptError; KeyboardInterrupt is not caught."""
    try:
        yield
    except (Exception, SystemExit) as error:
        message = " ".join(str(error).split())[:400]
        raise ScriptError(
            f"{path.name}: {what} {type(error).__name__}{_line(path, error)}: {message or 'no message'}; {remedy}"
        ) from error


def _line(path: Path, error: BaseException) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f" (line {lines[-1]})" if lines else ""


@contextlib.contextmanager
def _surroundings(path: Path) -> Iterator[None]:
    folder, modules, config = str(path.parent), set(sys.modules), _jax_settings()
    paths, argv, bytecode = list(sys.path), sys.argv, sys.dont_write_bytecode
    sys.path.insert(0, folder)
    sys.argv = [str(path)]
    sys.dont_write_bytecode = True  # leave the user's folder unchanged
    importlib.invalidate_caches()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
            warnings.simplefilter("default")
            yield
    finally:
        sys.path[:], sys.argv, sys.dont_write_bytecode = paths, argv, bytecode
        for name in set(sys.modules) - modules:
            if name == f"_live_{path.stem}" or _lies_in(sys.modules[name], path.parent):
                del sys.modules[name]
        for name, value in _jax_settings().items():
            if name in config and value != config[name]:
                jax.config.update(name, config[name])


def _lies_in(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    # Packages of a virtual environment in the script's folder stay imported.
    return isinstance(file, str) and Path(file).is_relative_to(folder) and "site-packages" not in Path(file).parts


def _jax_settings() -> dict[str, Any]:
    """Settings of the whole process: a new thread does not see settings from `with` blocks of this thread."""
    found: dict[str, Any] = {}
    thread = threading.Thread(target=lambda: found.update(jax.config.values))
    thread.start()
    thread.join()
    return found
