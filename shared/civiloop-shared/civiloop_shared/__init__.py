"""What the Civiloop services share: contracts, Kafka, PostgreSQL, keys, the edge, observability. No business rule."""
