"""cgcore compared with other solvers: the same frames, loss and start, scored by the time to a given gap.

pytest benchmarks/peers --benchmark-only        (install the extra first: pip install -e '.[peers]')

Every peer minimises the force-matching loss over the parameters (r0, kr, a, b, ...), in float64 unless its name says
float32, from the prior's initial parameters. Its points are recorded with the seconds and evaluations that they took;
gaps to the exact optimum are computed afterwards, from the factor. Reading the data, compiling (each peer is called
once before) and recording are not timed.

    job.py        the frames, the loss and the start
    record.py     recording of a run
        peer.py       definition of a peer
        catalogue.py  all peers; the other files contain one peer or package each
        score.py      gaps from the recorded points
        table.py      printed table
        memory.py     peak memory, in a separate process

VOTCA's csg_fmatch is a program with its own model, see `benchmarks/votca`.
"""
