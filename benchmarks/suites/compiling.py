"""Compilation times: the first call on two frames, without compiled programs."""

from __future__ import annotations

from .inputs import DEVICES, dataset, prior, use


class Compile:
    """Compilation times; each repetition has a separate process."""

    params = [DEVICES]
    param_names = ["device"]
    number = 1
    warmup_time = 0.0
    repeat = 1
    rounds = 4

    def setup(self, device: str) -> None:
        import jax

        import cgcore

        use(device)
        jax.clear_caches()
        self.prior = prior()
        self.data = dataset("chignolin").subset(20)
        self.fingerprint = cgcore.Fingerprint.of(self.prior)

    def time_factor_pass(self, device: str) -> None:
        import cgcore

        cgcore.compress(self.data, self.fingerprint)

    def time_default_fit(self, device: str) -> None:
        import cgcore

        cgcore.fit(self.data, self.prior)

    def time_plain_fit(self, device: str) -> None:
        import cgcore

        cgcore.fit(self.data, self.prior, cgcore.Options(objective="direct", coordinates="physical", max_steps=1))
