"""Kafka behind thin ports: topics, a durable producer, a partition consumer and the outbox relay."""
