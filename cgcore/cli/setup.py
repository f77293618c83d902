"""Setup of JAX for the command line."""

from __future__ import annotations

import os
import warnings

from cgcore.errors import InputError


def prepare_jax(cache: bool) -> None:
    """Find the device, and keep compiled programs if `cache` is true.

    Raises:
        InputError: JAX finds no device of the requested platform.
    """
    import jax

    try:
        jax.devices()
    # RuntimeError says what is missing; if a platform is installed without its hardware, JAX raises AssertionError.
    except (RuntimeError, AssertionError) as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"JAX finds no device{f' ({said})' if said else ''}; unset JAX_PLATFORMS, which is "
            f"{os.environ.get('JAX_PLATFORMS', '')!r}, or install JAX for that device"
        ) from error
    if cache:
        use_compilation_cache()


def use_compilation_cache() -> None:
    """Keep compiled programs in the user's cache folder for later runs."""
    import jax

    for name, value in _cache_settings().items():
        jax.config.update(name, value)
    warnings.filterwarnings("ignore", _HALF_WRITTEN, UserWarning)


def cache_environment() -> dict[str, str]:
    """Environment variables that do the same in child processes."""
    return {name.upper(): str(value) for name, value in _cache_settings().items()} | {
        "PYTHONWARNINGS": f"ignore:{_HALF_WRITTEN}:UserWarning"
    }


_HALF_WRITTEN = "Error reading persistent compilation cache entry"
"""JAX does not write cache entries atomically. If another process has only half written one, the program is compiled
here, and JAX's warning about it is suppressed."""


def _cache_settings() -> dict[str, str | float]:
    """JAX's settings for the cache; empty if the cache folder cannot be made, so that nothing is cached."""
    from platformdirs import user_cache_path

    folder = user_cache_path("cgcore") / "xla"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return {}
    return {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
