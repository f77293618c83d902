"""What scripts of the original implementation get from `cgcore.compat`, against formulas and loops in NumPy."""
