"""`python -m cgcore` is `cgcore`."""

from cgcore.cli import main

main()
