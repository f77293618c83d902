"""A trained model exported from its parameter file alone gives the same forces in any program that reads StableHLO."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pipeline_helpers as h
import pytest
from cli_helpers import assert_refused, bundled, prior_yaml, run
from helpers import relative

from cgcore import Rows, Term
from cgcore.errors import InputError
from cgcore.export.stablehlo import read_stablehlo
from cgcore.physics.bases import Function
from cgcore.pipeline.model import CombinedModel
from cgcore.pipeline.parameters import read_params, save_params
from cgcore.pipeline.trained import load_trained

ALLEGRO = {
    **{"max_ell": 1, "n_radial_basis": 4, "embed_n_hidden": [8], "species_embed": 4, "mlp_n_hidden": 8},
    **{"mlp_n_layers": 1, "avg_num_neighbors": 6.0},
}
DATA = bundled(slice(0, 1000, 250))
R, SPECIES = DATA["R"].astype(np.float64), DATA["species"].astype(np.int32)


def made(**model: Any) -> tuple[CombinedModel, Any]:
    """A model in float64 and its starting parameters."""
    said = h.settings({"allegro": ALLEGRO} | model)
    combined = CombinedModel(said, R[0], None, SPECIES[0], R.shape[1])
    return combined, combined.initialize_params(jax.random.key(1))


def saved(folder: Path, *, beads: int | None = R.shape[1], **model: Any) -> tuple[CombinedModel, Any, Path]:
    """Such a model, its parameters, and their file as `cgcore train` writes it."""
    combined, params = made(**model)
    folder.mkdir(exist_ok=True)
    save_params(folder / "params.npz", params, combined.fingerprint(), beads)
    return combined, params, folder / "params.npz"


def summed(model: CombinedModel, params: Any, mask: np.ndarray) -> np.ndarray:
    """The sum of the forces of all components."""
    components = jax.jit(model.compute_force_components)
    return np.array([sum(components(params, *frame).values()) for frame in zip(R, mask, SPECIES, strict=True)])


def test_the_box_is_that_of_the_training(tmp_path: Path) -> None:
    said, box = h.settings({"ml_model": "none"}), [40.0, 50.0, 60.0]
    boxed, free = (CombinedModel(said, R[0], b, SPECIES[0], R.shape[1]) for b in (box, None))
    for number, model in enumerate((boxed, free)):
        path = tmp_path / f"{number}.npz"
        save_params(path, model.initialize_params(jax.random.key(0)), model.fingerprint(), R.shape[1])
        assert load_trained(path)[0].displacement == model.displacement
    assert boxed.fingerprint() != free.fingerprint()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "precision", "tolerance"),
    [({}, None, 1e-5), ({"use_priors": False}, "float64", 1e-12)],
)
def test_forces_are_those_of_all_components(
    tmp_path: Path, model: dict[str, Any], precision: str | None, tolerance: float
) -> None:
    combined, params, path = saved(tmp_path / "out", **model)
    out = tmp_path / "model.stablehlo"
    # Once from the folder, once from the file.
    source, more = (path, ()) if precision is None else (path.parent, ("--precision", precision))
    ran = run("export", source, "--to", "stablehlo", "-o", out, *more)
    assert ran == (0, f"Written: {out}\n", "")
    mask = np.arange(R.shape[1]) < np.array([[10], [8], [10], [5]])
    found, expected = read_stablehlo(out)(R, mask, SPECIES)[1], summed(combined, params, mask)
    assert found.dtype == (precision or "float32")
    assert relative(found, expected) < tolerance
    assert not np.any(found[~mask])


def test_beads(tmp_path: Path) -> None:
    _, params, path = saved(tmp_path / "out", ml_model="none")
    assert load_trained(path)[0].N_max == 10
    assert load_trained(path, 7)[0].N_max == 7
    _, _, path = saved(tmp_path / "out", ml_model="none", beads=None)
    assert read_params(path).beads is None
    assert load_trained(path, 12)[0].N_max == 12
    assert h.equal(load_trained(path, 12, "float64")[1], params)


TERMS = {
    "salt": {"rows": "pairs", "separation": [6, None], "basis": "debye_hueckel", "length": 7.0, "weight": 0.8},
    "angle": {"rows": "angles", "basis": "fourier", "harmonics": 2, "by": "central", "classes": 20}
    | {"coefficients": np.linspace(-2, 2, 80).reshape(20, 4).tolist()},
}
"""A term beside those of the prior, and one by species in place of the prior's."""


def test_terms_of_the_configuration_are_those_of_the_file(tmp_path: Path) -> None:
    combined, params, path = saved(tmp_path, ml_model="none", terms=TERMS)
    assert combined.prior is not None
    model, loaded = load_trained(path, precision="float64")
    assert model.prior is not None
    assert model.prior.terms == combined.prior.terms
    assert h.equal(loaded, params)
    everywhere = np.ones(R.shape[:2])
    assert relative(summed(model, loaded, everywhere), summed(combined, params, everywhere)) < 1e-12
    _, _, other = saved(tmp_path / "other", ml_model="none", terms=TERMS | {"salt": TERMS["salt"] | {"length": 8.0}})
    assert read_params(path).fingerprint != read_params(other).fingerprint


def test_functions_of_a_user_need_their_own_program(tmp_path: Path) -> None:
    combined, params, path = saved(tmp_path, ml_model="none")
    assert combined.prior is not None
    own = combined.prior.with_terms([Term("own", Rows("bonds"), Function("own", 1, lambda x: x[None]))])
    combined.prior = own
    save_params(path, params | {"prior": own.params}, combined.fingerprint(), R.shape[1])
    with pytest.raises(InputError, match=r"term 'own' has functions of your own.*Trainer\.load_params"):
        load_trained(path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--to", "lammps", "--beads", 10),
            ("params.npz", "only be exported with --to stablehlo", "give priors.yaml"),
        ),
        (
            ("--to", "openmm", "--beads", 10),
            ("params.npz", "only be exported with --to stablehlo", "give priors.yaml"),
        ),
        (("--to", "stablehlo", "--beads", 1), ("beads is 1", "at least 2")),
        (("--to", "stablehlo", "--mass", 3), ("--mass has no effect with --to stablehlo",)),
    ],
)
def test_bad_arguments(tmp_path: Path, arguments: tuple[Any, ...], words: tuple[str, ...]) -> None:
    _, _, path = saved(tmp_path, ml_model="none")
    assert_refused(run("export", path, "-o", tmp_path / "out", *arguments), *words)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_bad_files(tmp_path: Path) -> None:
    def refused(source: Path, *words: str) -> None:
        assert_refused(run("export", source, "--to", "stablehlo", "-o", tmp_path / "out"), source.name, *words)
        assert not (tmp_path / "out").exists()

    combined, params, path = saved(tmp_path / "run", use_priors=False, beads=None)
    refused(path, "does not say", "give --beads")
    refused(tmp_path, "holds no params.npz", "cgcore train --output")
    (tmp_path / "fitted").mkdir()
    (tmp_path / "fitted" / "priors.yaml").write_text("model: {}\n")
    refused(tmp_path / "fitted", "holds no params.npz", "give .*fitted/priors.yaml")
    refused(tmp_path / "none.npz", "no such file")
    np.savez(tmp_path / "frames.npz", R=R)
    refused(tmp_path / "frames.npz", "not a parameter file")
    said: Any = combined.fingerprint()
    for fingerprint, words in (
        ({}, "its fingerprint is not that of a model"),
        ({"prior": []}, "its fingerprint is not that of a model"),
        (said | {"network": said["network"] | {"kind": "schnet"}}, "its fingerprint is not that of a model"),
        (said | {"network": said["network"] | {"more": 1}}, "its fingerprint is not that of a model"),
        (said | {"network": said["network"] | {"cutoff": -1.0}}, "model.cutoff is -1"),
        (
            said | {"network": said["network"] | {"avg_num_neighbors": None}},
            "another version of cgcore: network.avg_num_neighbors is null",
        ),
        (said | {"network": said["network"] | {"mlp_n_hidden": 9}}, "belongs to another model: the parameter allegro"),
        (said | {"network": None}, "belongs to another model: it has the parameter allegro"),
        (said | {"more": 1}, "belongs to another version of cgcore: more is 1 there"),
    ):
        save_params(path, params, fingerprint, 10)
        refused(path, words)


def test_a_prior_needs_beads_and_a_bad_one_is_a_warning(tmp_path: Path) -> None:
    priors = prior_yaml(tmp_path / "priors.yaml")
    assert_refused(run("export", priors, "--to", "stablehlo", "-o", tmp_path / "out"), "--beads is missing")
    _, _, path = saved(tmp_path / "run", ml_model="none", priors=h.PRIORS | {"epsilon": -2.0})
    ran = run("export", path, "--to", "stablehlo", "-o", tmp_path / "out")
    assert (ran.code, ran.out) == (0, f"Written: {tmp_path / 'out'}\n")
    assert ran.err == (
        f"{path}: epsilon = -2 is negative: the repulsion attracts; "
        "see that the network makes up for it before you simulate\n"
    )


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, path = saved(tmp_path / "run")
    monkeypatch.setitem(sys.modules, "cgcore.pipeline.networks.allegro", None)
    ran = run("export", path, "--to", "stablehlo", "-o", tmp_path / "out")
    assert_refused(ran, r"pip install 'cgcore\[train\]'")


def test_other_values_of_beads_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    save_params(path, {}, {})
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **arrays, beads=np.array("ten"))
    with pytest.raises(InputError, match=r"p\.npz: not a parameter file of this version"):
        load_trained(path)
