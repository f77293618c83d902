"""Learned energies: Allegro, and jax-md's NequIP, with a common interface."""
