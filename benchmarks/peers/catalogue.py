"""All peers, in the order of the table."""

from __future__ import annotations

from benchmarks.peers import jaxopt_peer, lapack, optimistix_peers, ours, plain, scipy_peers, torch_peer
from benchmarks.peers.peer import Peer

PEERS: dict[str, Peer] = {
    peer.name: peer
    for module in (ours, plain, scipy_peers, optimistix_peers, jaxopt_peer, torch_peer, lapack)
    for peer in module.PEERS
}
