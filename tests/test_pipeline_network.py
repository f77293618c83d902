"""Settings of the networks, and the results and refusals of `make_network`."""

from __future__ import annotations

import sys
from typing import Any

import jax
import numpy as np
import pytest
from network_helpers import evaluate, random_frame

from cgcore.config.networks import AllegroSettings, NequipSettings, NetworkSettings
from cgcore.errors import InputError
from cgcore.pipeline.networks.allegro import Allegro
from cgcore.pipeline.networks.make import make_network

COUNTED = NetworkSettings().with_avg_num_neighbors(6.0)


def test_a_list_of_widths_becomes_hashable() -> None:
    widths: Any = [8, 16]
    assert hash(AllegroSettings(embed_n_hidden=widths)) == hash(AllegroSettings(embed_n_hidden=(8, 16)))


def test_an_average_is_set_for_the_network_chosen() -> None:
    assert (COUNTED.allegro.avg_num_neighbors, COUNTED.nequip.avg_num_neighbors) == (6.0, None)
    other = NetworkSettings("nequip").with_avg_num_neighbors(7.0)
    assert (other.avg_num_neighbors, other.allegro.avg_num_neighbors) == (7.0, None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AllegroSettings(max_ell=0), r"allegro\.max_ell is 0"),
        (lambda: AllegroSettings(num_layers=True), r"^allegro\.num_layers is true; write a whole number"),
        (lambda: AllegroSettings(envelope_p=1), r"allegro\.envelope_p is 1; give 2 or more, at most 64"),
        (lambda: AllegroSettings(mlp_n_hidden=1.5), r"allegro\.mlp_n_hidden is the number 1\.5"),  # pyright: ignore
        (lambda: AllegroSettings(embed_n_hidden=()), r"allegro\.embed_n_hidden has 0 values; give 1 to 16"),
        (lambda: AllegroSettings(embed_n_hidden=(8, -1)), r"allegro\.embed_n_hidden\[1\] is -1"),
        (lambda: AllegroSettings(embed_n_hidden=8), "embed_n_hidden is a whole number; write a list of widths"),  # pyright: ignore
        (lambda: AllegroSettings(avg_num_neighbors=0), r"allegro\.avg_num_neighbors is 0"),
        (lambda: NequipSettings(hidden_channels=1), r"nequip\.hidden_channels is 1; give 2 or more"),
        (lambda: NequipSettings(avg_num_neighbors=np.nan), r"nequip\.avg_num_neighbors is not finite"),
        (lambda: NetworkSettings("schnet"), r"model\.kind is the text 'schnet'; give one of: allegro, nequip"),  # pyright: ignore
        (lambda: NetworkSettings(cutoff=-1.0), r"model\.cutoff is -1\.0"),
        (lambda: NetworkSettings(cutoff="12"), r"model\.cutoff is the text '12'; write one number"),  # pyright: ignore
        (lambda: NetworkSettings(n_species=0), r"n_species is 0"),
        (lambda: make_network(NetworkSettings(), 10), r"allegro\.avg_num_neighbors is not set"),
        (lambda: make_network(NetworkSettings("nequip"), 10), r"nequip\.avg_num_neighbors is not set"),
        (lambda: make_network(COUNTED, 0), r"n_beads is 0"),
        (lambda: make_network(COUNTED, 10, max_edges=0), r"max_edges is 0"),
    ],
)
def test_refusals(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(("kind", "library"), [("allegro", "e3nn_jax"), ("nequip", "jax_md")])
def test_a_missing_library_is_named(kind: Any, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [m for m in sys.modules if m.startswith((library, f"cgcore.pipeline.networks.{kind}"))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, "cgcore.pipeline.networks.equivariant", raising=False)
    with pytest.raises(InputError, match=rf"{library}.*pip install 'cgcore\[train\]'"):
        make_network(NetworkSettings(kind).with_avg_num_neighbors(6.0), 10)


def test_slots() -> None:
    # As many slots as pairs: the storage without a list.
    assert make_network(COUNTED, 10, max_edges=90) == make_network(COUNTED, 10)
    allegro = make_network(COUNTED, 10, max_edges=40)
    assert isinstance(allegro, Allegro)
    assert allegro.max_edges == 40


@pytest.mark.slow  # jax-md alone takes seconds to import
def test_slots_of_nequip() -> None:
    from cgcore.pipeline.networks.nequip import Nequip

    settings = NetworkSettings("nequip").with_avg_num_neighbors(6.0)
    for given, expected in ((40, 40), (None, 90)):
        nequip = make_network(settings, 10, max_edges=given)
        assert isinstance(nequip, Nequip)
        assert nequip.max_edges == expected


@pytest.mark.slow
def test_nequip_with_one_bead() -> None:
    small = NequipSettings(num_layers=1, n_radial_basis=2, hidden_channels=2, mlp_n_hidden=4, avg_num_neighbors=6.0)
    net = make_network(NetworkSettings("nequip", nequip=small), 1)
    energy, forces = evaluate(net, net.init(jax.random.key(0)), random_frame(0, 1))
    assert np.isfinite(energy)
    assert not forces.any()


@pytest.mark.slow
def test_importing_the_interface_costs_no_network() -> None:
    import subprocess

    code = (
        "import sys, cgcore.pipeline.networks.make; "
        "print(*sorted({'e3nn_jax', 'jax_md', 'flax', 'jraph'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
