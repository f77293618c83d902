"""`python -m cgcore.generate`."""

from __future__ import annotations

from cgcore.generate.command import main

main()
