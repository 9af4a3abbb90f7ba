"""Measurements against references of the same run: ``make bench``. Ratios count; times depend on the machine."""
