"""Losses do not depend on whether XLA sees 1, 2 or 4 devices on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from validation.check import Row, check, equal
from validation.context import Context
from validation.tolerances import near

TOLERANCE = 1e-11
SCRIPT = """
import json, sys
import jax, numpy as np
import cgcore
with np.load(sys.argv[1], allow_pickle=False) as file:
    data = cgcore.from_arrays(file["R"], file["F"], file["mask"])
config = cgcore.load_config(sys.argv[2])
fit = cgcore.fit(data, config.prior, cgcore.Options(constraints="none", truncation=1e-5))
certificate = fit.certificate
print(json.dumps({"devices": len(jax.devices()), "initial loss": certificate.initial_loss,
                  "loss without prior": certificate.zero_prior_loss, "fit": fit.train_loss}))
"""


@check("host-devices", data_driven=True)
def host_devices(context: Context) -> Iterator[Row]:
    """1, 2 and 4 host devices, each number in a process of its own."""
    batch = context.some(100).join()
    with tempfile.TemporaryDirectory() as folder:
        frames, config = Path(folder) / "frames.npz", Path(folder) / "prior.yaml"
        np.savez(frames, R=batch.R, F=batch.F, mask=batch.mask)
        config.write_text(json.dumps(_priors(context)), encoding="utf-8")  # JSON is also YAML
        running = {count: _start(count, frames, config) for count in (1, 2, 4)}
        ends = {count: process.communicate(timeout=300) for count, process in running.items()}
    found = {}
    for count, (out, err) in ends.items():
        if running[count].returncode != 0:
            raise RuntimeError(f"the process with {count} devices failed: {err.strip()[-200:]}")
        found[count] = json.loads(out.strip().splitlines()[-1])
    for count, losses in found.items():
        yield equal(f"{count}, devices that JAX sees", losses.pop("devices"), count)
        for name, loss in losses.items():
            yield near(f"{count}, {name}", loss, found[1][name], TOLERANCE, found[1]["loss without prior"])


def _start(count: int, frames: Path, config: Path) -> subprocess.Popen[str]:
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={count}".strip()
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(frames), str(config)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _priors(context: Context) -> dict:
    prior = context.small_prior
    weights = {name: value for name, value in prior.weights._asdict().items() if value is not None}
    params = {name: np.asarray(value).tolist() for name, value in prior.params.items()}
    return {"model": {"priors": {"weights": weights, **params}}}
