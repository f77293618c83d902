"""Which fits can be simulated: loss, held-out loss and outcome of 32 replicas, for five ways to get a prior.

python -m benchmarks.priors [--data NPZ] [--time 1ns] [--replicas 32] [--output FILE]

Each prior is fitted to the first 80 % of the frames; the held-out loss is that on the rest, contiguous in time.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

import cgcore
from cgcore.files import atomic_write

VAL_FRACTION = 0.2
FITS: Mapping[str, Mapping[str, Any]] = {
    "plain L-BFGS, 200 steps": {"coordinates": "physical"},
    "free (`--constraints none`)": {"constraints": "none"},
    "non-negative (`--constraints nonnegative`)": {"constraints": "nonnegative"},
    "safe (default)": {},
}


def main() -> None:
    """Print the table, and write it to --output."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", metavar="NPZ", help="file or folder; default: the bundled set")
    parser.add_argument("--time", default="1ns", help="length of each replica")
    parser.add_argument("--replicas", type=int, default=32)
    parser.add_argument("--output", type=Path, metavar="FILE", help="Markdown file to write")
    given = parser.parse_args()
    data = cgcore.datasets.chignolin() if given.data is None else cgcore.read(given.data)
    rows = measured(data, given.time, given.replicas)
    text = pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
    print(text)
    if given.output is not None:
        atomic_write(given.output, text + "\n")


def measured(data: cgcore.Dataset, time: str, replicas: int) -> list[dict[str, str]]:
    """A row for each prior."""
    start = cgcore.default_prior()
    train, held_out = data.split(VAL_FRACTION)
    fingerprint = cgcore.Fingerprint.of(start)
    factor, unseen = cgcore.compress(train, fingerprint), cgcore.compress(held_out or train, fingerprint)
    priors = {"initial": start}
    for name, options in FITS.items():
        fitted = cgcore.fit(factor, start, cgcore.Options(**options)).fitted_params
        priors[name] = cgcore.Prior(start.weights, fitted)
    rows = []
    for name, prior in priors.items():
        c = cgcore.to_coefficients(prior.params)
        run = cgcore.simulate(prior, data, time=time, replicas=replicas)
        first = min((replica.time for replica in run.replicas if replica.time is not None), default=None)
        rows.append(
            {
                "prior": name,
                "loss": f"{factor.loss(c):.2f}",
                "held-out loss": f"{unseen.loss(c):.2f}",
                f"lost of {replicas} in {time}": str(run.lost),
                "first lost after": "-" if first is None else f"{first:.2g} ps",
                "closest approach": f"{run.closest_approach:.2f} Å",
            }
        )
    return rows


if __name__ == "__main__":
    main()
