"""Composition roots: the only modules that see every other."""
