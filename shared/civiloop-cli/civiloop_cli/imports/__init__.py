"""Bring in what lies in files: rows of a CSV become journey events or feedback, told by a mapping."""
