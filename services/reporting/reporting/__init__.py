"""Exposes results: REST for front ends, pages for leaders and the public."""
