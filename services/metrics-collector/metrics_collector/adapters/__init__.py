"""Kafka behind the ports."""
