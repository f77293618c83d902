"""Comparison of VOTCA's csg_fmatch and cgcore, which fit the same splines to the same frames: loss, time and memory.

python -m benchmarks.votca [--frames 1000 10000] [--beads 100] [--output FILE]

Install csg_fmatch with `apt-get install votca` (Debian, Ubuntu; written for 2022.1).

    chains.py       frames: compact chains with the forces of a known potential and noise
        grids.py        knots, the same for both programs
        inputs.py       input files of the programs: TRR, XML and YAML
    measure.py      time and peak memory of a program on one core
    programs.py     runs of the programs
        results.py      reading the potentials that they write
        coordinates.py  forces of these potentials in NumPy, by which both are judged

Both programs read the same TRR, and times are those of whole programs. The unknown of csg_fmatch is the slope U'(x), a
cubic spline, so the potential is a spline of degree 4. It uses natural splines: the slope has zero curvature at both
ends. cgcore's B-splines of degree 4 on the same knots have no such condition, so for bonds and angles every potential
of csg_fmatch is also one of cgcore. For pairs, cgcore has one more knot beyond all distances, at which the potential
and its slope are 0; up to the last distance, this again allows every cubic slope. Dihedrals differ in both directions:
csg_fmatch allows a kink of the slope at 180 degrees, and sets the sum of the slopes at the knots to 0, counting the one
at 180 degrees twice, so that its potential may not be periodic; cgcore's is periodic, and its slope has two continuous
derivatives there, too.

The smoothness conditions of csg_fmatch hold exactly with `constrainedLS` ("exact smoothness" in the table). Without it,
they are rows of weight 1 added to the rows of all frames ("pressed smoothness"). The more frames there are, the less
they weigh, and the slope becomes a separate cubic in each interval, joined without smoothness, with twice as many
unknowns.
"""
