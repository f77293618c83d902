"""All-atom data made here, and what maps of its forces give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli_helpers import assert_refused, run
from click.testing import CliRunner

from cgcore.data import read
from cgcore.errors import InputError
from cgcore.generate import TOPOLOGY, TRAJECTORY, Run, generate, main
from cgcore.mapping import map_to_beads

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of OpenMM's own modules

BLOCKS = 8


def coefficients(R: np.ndarray, F: np.ndarray) -> np.ndarray:
    """Least squares of k and k r0 of springs between neighbours, and between beads two apart."""
    columns = []
    for apart in (1, 2):
        step = R[:, apart:] - R[:, :-apart]
        unit = step / np.linalg.norm(step, axis=2, keepdims=True)
        for pull in (step, -unit):  # on the first bead of a spring of k = 1; and of k r0 = 1
            column = np.zeros_like(R)
            column[:, :-apart] += pull
            column[:, apart:] -= pull
            columns.append(column.ravel())
    return np.linalg.lstsq(np.stack(columns, axis=1), F.ravel(), rcond=None)[0]


@pytest.mark.slow
def test_parameters_agree_under_the_three_maps(tmp_path: Path) -> None:
    generate(tmp_path, Run(frames=300, every=30, equilibration=1000), alanines=5)
    found = {}
    for force_map in ("slice", "residue", "optimal"):
        made = map_to_beads(tmp_path / TOPOLOGY, [tmp_path / TRAJECTORY], force_map=force_map)
        batch = made.dataset.join()
        parts = [
            coefficients(R, F)
            for R, F in zip(np.array_split(batch.R, BLOCKS), np.array_split(batch.F, BLOCKS), strict=True)
        ]
        found[force_map] = np.array(parts)
        noises = {one.name: one.noise for one in made.maps}
    errors = {name: parts.std(axis=0, ddof=1) / np.sqrt(BLOCKS) for name, parts in found.items()}
    for name in ("slice", "residue"):
        apart = found[name].mean(axis=0) - found["optimal"].mean(axis=0)
        assert (np.abs(apart) < 5 * np.hypot(errors[name], errors["optimal"])).all(), (name, apart, errors)
    assert noises["optimal"] < 0.5 * min(noises["slice"], noises["residue"])
    assert (errors["optimal"][:2] < errors["slice"][:2]).all()


@pytest.mark.slow
def test_what_is_generated_is_read_and_refused_where_atoms_are(tmp_path: Path) -> None:
    few = ["--alanines", "2", "--frames", "3", "--every", "5", "--flexible"]
    done = CliRunner().invoke(main, [*few, "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    with np.load(tmp_path / TRAJECTORY) as archive:
        assert archive["coords"].shape == archive["Fs"].shape == (3, 32, 3)
        assert archive["temperature"] == 300
    with pytest.raises(InputError, match="cgcore map"):
        read(tmp_path / TRAJECTORY)
    files = (tmp_path / TOPOLOGY, tmp_path / TRAJECTORY, "-o", tmp_path / "b.npz")
    assert_refused(run("map", *files), "3 frames are too few for the optimal map of 32 atoms", "--map residue")
    assert "32 atoms, 2 beads" in run("map", *files, "--map", "residue").out


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"frames": 0}, "frames is 0"), ({"temperature": -1.0}, "temperature"), ({"solvent": "water"}, "'water'")],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Run(**settings)  # pyright: ignore[reportArgumentType]


def test_a_pdb_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pdb").write_text("nothing\n")
    with pytest.raises(InputError, match=r"a\.pdb: OpenMM cannot use it"):
        generate(tmp_path, Run(frames=1), pdb=tmp_path / "a.pdb")
