"""The data that come with the package."""

from __future__ import annotations

import numpy as np

from cgcore import datasets
from cgcore.data import locate_overlap


def test_chignolin() -> None:
    dataset = datasets.chignolin()
    # The file from which the recorded reference outputs were made.
    assert dataset.sha256 == "4fc058a15f9421a329e57c5500980f5674c6cefab9ab303c85584b454da8ec35"
    assert (dataset.n_frames, dataset.n_beads, dataset.real_beads) == (1000, 10, 10_000)
    assert dataset.sources[0].protein_names == ("YYDPETGTWY",)
    assert dataset.sources[0].extras["temperature"] == 320
    assert dataset.skipped_keys == ()
    batch = dataset.join()
    bond = np.linalg.norm(np.diff(batch.R, axis=1), axis=-1)
    assert 3.7 < np.median(bond) < 3.9
    assert batch.mask.all()
    assert batch.R.dtype == np.float32
    assert locate_overlap(dataset) is None
