"""Peak memory of the factor pass over frames on disk, which should not grow with their number."""

from __future__ import annotations

from .inputs import prior, use

BEADS = 50


class FactorPass:
    """Peak memory for chains of 50 beads; ten frames give the baseline of imports and compilation."""

    params = [10, 1000, 4000, 16000]
    param_names = ["frames"]
    timeout = 300

    def setup_cache(self) -> None:
        # Written to the working folder of the benchmarks; making the frames does not count towards the peak.
        import numpy as np

        from .synthetic import chains

        for frames in self.params:
            R, F = chains(frames, BEADS)
            np.savez(f"{frames}.npz", R=R, F=F)

    def peakmem_factor_pass(self, frames: int) -> None:
        import cgcore

        use("cpu")
        cgcore.compress(cgcore.read(f"{frames}.npz"), cgcore.Fingerprint.of(prior()))
