"""Running a user's own `pre_training_priors.py`, and what is asked of it.

`protocol` is what the script is given, `script` imports and calls it, `answer` checks what it returns, `normalisations`
names a loss that is not the one meant, `record` makes a recorded reference of it.
"""
