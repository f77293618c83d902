"""Peak memory of the factor pass over frames on disk, which should not grow with their number."""

from __future__ import annotations

from .inputs import prior, use

BEADS = 50


class FactorPass:
    """Chains of 50 beads; ten frames are the empty baseline: imports, compiling and next to no data."""

    params = [10, 1000, 4000, 16000]
    param_names = ["frames"]
    timeout = 300

    def setup_cache(self) -> None:
        # Into the folder that ASV starts the benchmarks in; what making the frames needs is no part of the peak.
        import numpy as np

        from .synthetic import chains

        for frames in self.params:
            R, F = chains(frames, BEADS)
            np.savez(f"{frames}.npz", R=R, F=F)

    def peakmem_factor_pass(self, frames: int) -> None:
        import cgcore

        use("cpu")
        cgcore.compress(cgcore.read(f"{frames}.npz"), cgcore.Fingerprint.of(prior()))
