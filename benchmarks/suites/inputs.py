"""Frames, priors and devices that the suites share."""

from __future__ import annotations

from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import cgcore

TWO_PROTEINS = Path(__file__).parents[2] / "validation" / "reference" / "two_proteins.npz"
DEVICES = ["cpu", "gpu"]


def use(device: str) -> Any:
    """Use this device for everything that follows, and enable float64, as in a fit.

    Raises:
        NotImplementedError: there is no such device, which ASV records as a skip.
    """
    if device == "gpu" and not entry_points(group="jax_plugins") and find_spec("jax_plugins") is None:
        raise NotImplementedError("no GPU: no JAX plugin for GPUs is installed")
    import jax

    try:
        found = jax.devices(device)[0]
    except RuntimeError as error:
        raise NotImplementedError(f"no {device} here: {error}") from error
    jax.config.update("jax_default_device", found)
    jax.config.update("jax_enable_x64", True)
    return found


def dataset(name: str) -> cgcore.Dataset:
    """A data set by name: "chignolin", "two proteins", or "FRAMES x BEADS" of random chains."""
    import cgcore

    if name == "chignolin":
        return cgcore.datasets.chignolin()
    if name == "two proteins":
        return cgcore.read(TWO_PROTEINS)
    frames, beads = map(int, name.split(" x "))
    return synthetic(frames, beads)


def synthetic(frames: int, beads: int) -> cgcore.Dataset:
    """Random chains with random forces."""
    import cgcore

    from .synthetic import chains

    return cgcore.from_arrays(*chains(frames, beads))


def prior(harmonics: int | None = None) -> cgcore.Prior:
    """The default prior, or one with this number of harmonics of angles and dihedrals."""
    import numpy as np

    import cgcore

    given = cgcore.default_prior()
    if harmonics is None:
        return given
    falling = 1.0 / np.arange(1, harmonics + 1)
    series = {"a": falling, "b": falling, "k_dih": falling, "gamma_dih": 0 * falling}
    return cgcore.Prior(given.weights, given.params | series, given.carried)


def on_device(data: cgcore.Dataset, device: Any) -> tuple[Any, ...]:
    """R, F and mask of all frames in float64, transferred to the device before anything is timed."""
    import jax
    import numpy as np

    batch = data.join()
    arrays = np.asarray(batch.R, float), np.asarray(batch.F, float), np.asarray(batch.mask, bool)
    return jax.block_until_ready(jax.device_put(arrays, device))
