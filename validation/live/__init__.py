"""Runs a user's own `pre_training_priors.py`, and checks its result.

`protocol` defines the arguments of the script, `script` imports and calls it, `answer` checks what it returns,
`normalisations` recognises losses with another normalisation, and `record` turns the run into a recorded reference.
"""
