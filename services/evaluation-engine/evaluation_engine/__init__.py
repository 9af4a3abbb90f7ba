"""Ingest workers, evaluator and API: from events to published verdicts."""
