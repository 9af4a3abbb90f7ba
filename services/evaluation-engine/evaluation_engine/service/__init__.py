"""Use cases of the evaluation engine; they know ports, not libraries."""
