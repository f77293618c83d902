"""Wall times by number of frames, beads and Fourier terms, measured after compilation.

Inputs are transferred to the device beforehand. The factor pass and the whole fit stream their frames from the host, as
in normal use, so that the transfer is included.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .inputs import DEVICES, on_device, prior, synthetic, use

PARTS = [
    "factor pass",
    "solve",
    "solve without constraints",
    "whole fit",
    "direct step",
    "energy",
    "forces",
    "design matrix",
]


def job(part: str, frames: int, beads: int, harmonics: int | None, device: str) -> Callable[[], Any]:
    """One part of a fit as a compiled function without arguments; "direct step" is a value and gradient of the loss."""
    import jax

    import cgcore

    place = use(device)
    data, start = synthetic(frames, beads), prior(harmonics)
    fingerprint = cgcore.Fingerprint.of(start)
    if part == "factor pass":
        call = partial(cgcore.compress, data, fingerprint)
    elif part == "solve":
        call = partial(cgcore.fit, cgcore.compress(data, fingerprint), start)
    elif part == "solve without constraints":
        call = partial(cgcore.fit, cgcore.compress(data, fingerprint), start, cgcore.Options(constraints="none"))
    elif part == "whole fit":
        call = partial(cgcore.fit, data, start)
    else:
        R, F, mask = on_device(data, place)
        params = jax.device_put(start.params, place)
        over_frames = partial(jax.vmap, in_axes=(None, 0, 0))
        compiled, arguments = {
            "direct step": (jax.value_and_grad(partial(cgcore.force_matching_loss, start)), (params, R, F, mask)),
            "energy": (over_frames(partial(cgcore.energy, start)), (params, R, mask)),
            "forces": (over_frames(partial(cgcore.forces, start)), (params, R, mask)),
            "design matrix": (partial(cgcore.design_matrix, fingerprint.terms), (R, mask.sum(axis=1))),
        }[part]
        call = partial(jax.jit(compiled), *arguments)
    jax.block_until_ready(call())
    return call


class _Timed:
    """A benchmark of a part whose size `size` derives from the parameter."""

    timeout = 300
    warmup_time = 0.0
    repeat = (4, 10, 10.0)

    def size(self, n: int) -> tuple[int, int, int | None]:
        """Numbers of frames, beads and harmonics."""
        raise NotImplementedError("not a benchmark itself")

    def setup(self, part: str, n: int, device: str) -> None:
        self.call = job(part, *self.size(n), device)

    def time_part(self, part: str, n: int, device: str) -> None:
        import jax

        jax.block_until_ready(self.call())


class ByFrames(_Timed):
    """Times by number of frames, for chains of 50 beads."""

    params = [["factor pass", "whole fit", "direct step"], [250, 1000, 4000], DEVICES]
    param_names = ["part", "frames", "device"]

    def size(self, n: int) -> tuple[int, int, None]:
        return n, 50, None


class ByBeads(_Timed):
    """Times by number of beads, for 200 frames."""

    params = [PARTS, [10, 50, 200], DEVICES]
    param_names = ["part", "beads", "device"]

    def size(self, n: int) -> tuple[int, int, None]:
        return 200, n, None


class ByHarmonics(_Timed):
    """Times by number of harmonics of angles and of dihedrals, for 200 frames of 50 beads."""

    params = [["factor pass", "solve", "whole fit", "direct step"], [2, 18], DEVICES]
    param_names = ["part", "harmonics", "device"]

    def size(self, n: int) -> tuple[int, int, int]:
        return 200, 50, n
