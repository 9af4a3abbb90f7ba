"""Use cases of reporting."""
