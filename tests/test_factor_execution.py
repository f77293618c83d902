"""Batches of the factor pass on several devices."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

CODE = """
import sys
from functools import partial

import jax
import jax.numpy as jnp

sys.path.insert(0, {tests!r})
import cgcore
from cluster_helpers import assert_same
from cgcore.factor.execution import on_threads
from cgcore.factor.work import Work

used = []
of_cut = Work.of_cut

def seen(self, cut):
    used.extend(jnp.zeros(()).devices())
    return of_cut(self, cut)

Work.of_cut = seen
fingerprint = cgcore.Fingerprint.of(cgcore.default_prior())
for frames in (200, 2000):  # by QR of the rows, and by their Gram matrix
    data = cgcore.datasets.chignolin()
    if frames > 1000:
        batch = data.join()
        data = cgcore.from_arrays(*(array.repeat(2, axis=0) for array in (batch.R, batch.F)))
    else:
        data = data.subset(frames)
    each = []
    for devices in (jax.local_devices()[:1], None):
        used.clear()
        each.append(cgcore.compress(data, fingerprint, execute=partial(on_threads, devices=devices)))
        print(len(set(used)))
    assert_same(*each)
"""


@pytest.mark.slow
def test_two_devices_give_the_factor_of_one() -> None:
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2", "PYTHONPATH": str(ROOT)}
    code = CODE.format(tests=str(ROOT / "tests"))
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, env=environment)
    assert (ran.returncode, ran.stdout.split()) == (0, ["1", "2", "1", "2"]), ran.stderr
