"""Energies exported with jax.export and read back from their files: energies and forces are unchanged."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import ALL_ON, declared, frames, np_energies, np_forces, prior, relative

from cgcore.errors import InputError
from cgcore.export import stablehlo
from cgcore.export.stablehlo import Energy, export_energy, read_stablehlo, write_stablehlo
from cgcore.physics.energy import energy

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
BEADS = 9


def of_prior(params: Any, R: jax.Array, mask: jax.Array, species: jax.Array) -> jax.Array:
    return energy(declared(ALL_ON, params), params, R, mask)


def of_network(params: Any, R: jax.Array, mask: jax.Array, species: jax.Array) -> jax.Array:
    """A small network over all pairs within 12 Å, with an embedding of the species."""
    R = jnp.where(mask[:, None], R, 0.0)
    i, j = np.triu_indices(R.shape[0], k=1)
    squared = jnp.sum((R[i] - R[j]) ** 2, axis=-1)
    near = mask[i] & mask[j] & (squared < 144.0)
    r = jnp.sqrt(jnp.where(near, squared, 1.0))
    kinds = params["embedding"][species]
    x = jnp.concatenate([kinds[i] * kinds[j], (r / 12)[:, None]], axis=1)
    hidden, out = params["layers"]
    x = jnp.tanh(x @ hidden["w"] + hidden["b"][None]) @ out["w"]
    return jnp.sum(jnp.where(near, x[:, 0] * (1 - (r / 12) ** 2) ** 2, 0.0))


@pytest.fixture(scope="module")
def network_params() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    layers = [{"w": rng.normal(size=(5, 8)), "b": rng.normal(size=8)}, {"w": rng.normal(size=(8, 1))}]
    return {"embedding": rng.normal(size=(20, 4)), "layers": layers}


def direct(name: str, params: Any, R: np.ndarray, mask: np.ndarray, species: np.ndarray) -> tuple[Any, Any]:
    """Energies and forces in float64 without any export; those of the prior without JAX."""
    if name == "network":
        value_and_grad = jax.jit(jax.vmap(jax.value_and_grad(of_network, argnums=1), in_axes=(None, 0, 0, 0)))
        E, gradients = value_and_grad(params, R, mask, species)
        return np.asarray(E), -np.asarray(gradients)
    E, F = np.zeros(len(R)), np.zeros(R.shape)
    for f, real in enumerate(mask):
        E[f] = sum(np_energies(ALL_ON, params, R[f, real]).values())
        F[f, real] = np_forces(ALL_ON, params, R[f, real])
    return E, F


def batch(lengths: list[int], fill: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    data = frames(rng, lengths, BEADS, fill)
    return data.R, data.mask, rng.integers(0, 20, size=data.mask.shape)


def exported(path: Path, function: Energy, params: Any, **more: Any) -> Callable[..., Any]:
    write_stablehlo(path, export_energy(function, params, BEADS, **more))
    return read_stablehlo(path)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["prior", "network"])
def test_read_back(tmp_path: Path, network_params: Any, name: str, dtype: str) -> None:
    params = prior(np.random.default_rng(1)).params if name == "prior" else network_params
    function = of_prior if name == "prior" else of_network
    R, mask, species = batch([9, 4, 7, 2, 9], fill=np.nan)
    E_direct, F_direct = direct(name, params, R, mask, species)
    with jax.enable_x64(False):  # the precision is that of the export, whatever JAX's setting
        evaluate = exported(tmp_path / "f", function, params, dtype=dtype)
        for frames in (1, 5):  # the number of frames is not fixed
            E, F = evaluate(R[:frames], mask[:frames], species[:frames])
            assert (E.dtype, F.dtype) == (dtype, dtype)
            assert relative(E, E_direct[:frames]) < TOLERANCE[dtype]
            assert relative(F, F_direct[:frames]) < TOLERANCE[dtype]
            assert not F[~mask[:frames]].any()


@pytest.mark.slow
def test_the_file_needs_no_cgcore(tmp_path: Path, network_params: Any) -> None:
    path = tmp_path / "f"
    R, mask, species = batch([9, 5])
    E, F = exported(path, of_network, network_params)(R, mask, species)
    np.savez(tmp_path / "in.npz", R=R.astype(np.float32), mask=mask, species=species.astype(np.int32))
    code = (
        "import sys, json, jax, numpy as np; data = np.load('in.npz');"
        "evaluate = jax.export.deserialize(bytearray(open('f', 'rb').read())).call;"
        "E, F = evaluate(data['R'], data['mask'], data['species']);"
        "print(json.dumps([E.tolist(), F.tolist(), 'cgcore' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    E_there, F_there, imported = json.loads(done.stdout)
    assert not imported
    assert relative(np.array(E_there), E) < 1e-6
    assert relative(np.array(F_there), F) < 1e-6


def test_platforms_and_a_fixed_batch(tmp_path: Path, network_params: Any) -> None:
    # A machine without a GPU can export for one with a GPU.
    open_ended = export_energy(of_network, network_params, BEADS)
    assert open_ended.platforms == ("cpu", "cuda")
    assert [str(aval.shape) for aval in open_ended.in_avals] == ["(frames, 9, 3)", "(frames, 9)", "(frames, 9)"]
    fixed = export_energy(of_network, network_params, BEADS, batch=4, platforms=["cpu", "tpu"])
    assert fixed.platforms == ("cpu", "tpu")
    assert [aval.shape for aval in fixed.in_avals] == [(4, 9, 3), (4, 9), (4, 9)]
    cuda = export_energy(of_network, network_params, BEADS, platforms=["cuda"])
    write_stablehlo(tmp_path / "cuda", cuda)
    with pytest.raises(ValueError, match="exported for platforms"):
        read_stablehlo(tmp_path / "cuda")(*batch([9]))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"beads": 1}, "beads is 1; give at least 2"),
        ({"dtype": np.float16}, "dtype is float16; give float32 or float64"),
        ({"dtype": np.int32}, "dtype is int32; give float32 or float64"),
        ({"batch": 0}, "batch is 0; give at least 1, or None"),
    ],
)
def test_refusals(network_params: Any, arguments: dict[str, Any], says: str) -> None:
    given: dict[str, Any] = {"beads": BEADS} | arguments
    with pytest.raises(InputError, match=says):
        export_energy(of_network, network_params, **given)


def test_files_that_are_none(tmp_path: Path, network_params: Any) -> None:
    whole = tmp_path / "whole"
    evaluate = exported(whole, of_network, network_params)
    with pytest.raises(InputError, match=r"R has shape \(1, 8, 3\); .*whole takes frames of 9 beads"):
        evaluate(*(x[:, :8] for x in batch([9])))
    for name, content in {"empty": b"", "text": b"hello\n" * 99, "half": whole.read_bytes()[:300]}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(
            InputError, match=f"{name}: is not a function that this version of JAX can read; export it again"
        ):
            read_stablehlo(tmp_path / name)
    with pytest.raises(InputError, match="none: no such file; check the path"):
        read_stablehlo(tmp_path / "none")
    with pytest.raises(InputError, match="it is a directory"):
        write_stablehlo(tmp_path, export_energy(of_network, network_params, BEADS))


def test_without_flatbuffers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network_params: Any) -> None:
    made = export_energy(of_network, network_params, BEADS)
    monkeypatch.setattr(stablehlo, "find_spec", lambda name: None)
    for work in (lambda: write_stablehlo(tmp_path / "f", made), lambda: read_stablehlo(tmp_path / "f")):
        with pytest.raises(InputError, match=r"flatbuffers, which is not installed; pip install 'cgcore\[export\]'"):
            work()
    assert list(tmp_path.iterdir()) == []
