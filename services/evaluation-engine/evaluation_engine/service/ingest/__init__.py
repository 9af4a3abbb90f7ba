"""Exactly-once ingest: from a partition's records to facts and aggregates, in one transaction a batch."""
