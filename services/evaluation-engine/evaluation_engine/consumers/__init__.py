"""The ingest workers: partitions come from the consumer group, positions from PostgreSQL."""
