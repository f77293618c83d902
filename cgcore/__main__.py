"""`python -m cgcore` is `cgcore`."""

from cgcore.cli.process import run

run()
