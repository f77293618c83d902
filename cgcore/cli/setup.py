"""What the command line sets up before JAX works."""

from __future__ import annotations

import os
import warnings

from cgcore.errors import InputError


def prepare_jax(cache: bool) -> None:
    """Find the device, and keep compiled programs if `cache` says so.

    Raises:
        InputError: JAX finds no device of the platform that it was told to use.
    """
    import jax

    try:
        jax.devices()
    # RuntimeError says what is missing; where a platform is installed without its hardware, JAX asserts.
    except (RuntimeError, AssertionError) as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"JAX finds no device{f' ({said})' if said else ''}; unset JAX_PLATFORMS, which is "
            f"{os.environ.get('JAX_PLATFORMS', '')!r}, or install JAX for that device"
        ) from error
    if cache:
        use_compilation_cache()


def use_compilation_cache() -> None:
    """Keep compiled programs in the user's cache folder, for the next run to read."""
    import jax
    from platformdirs import user_cache_path

    folder = user_cache_path("cgcore") / "xla"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # nowhere to keep anything: compile every time
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # JAX writes an entry in place: one that another process has half written is compiled here, and no news to anybody.
    warnings.filterwarnings("ignore", "Error reading persistent compilation cache entry", UserWarning)
