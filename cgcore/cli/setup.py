"""What the command line sets up before JAX works."""

from __future__ import annotations


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
