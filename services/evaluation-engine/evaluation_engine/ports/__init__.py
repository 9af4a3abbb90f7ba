"""What the use cases need, one module a noun: `ports/catalogue.py`, `ports/keys.py`, `ports/evaluations.py`."""
