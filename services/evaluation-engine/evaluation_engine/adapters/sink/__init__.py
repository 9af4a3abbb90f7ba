"""The sink in PostgreSQL: positions, seen ids, facts, aggregates, letters and ledger; rows always written in order."""

from evaluation_engine.adapters.sink.positions import PostgresSink

__all__ = ["PostgresSink"]
