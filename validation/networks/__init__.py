"""Networks, against NumPy and jax-md."""
