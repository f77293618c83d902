"""Learned energies: Allegro, and jax-md's NequIP, behind one interface."""
