"""The embedded platform: PostgreSQL, Kafka and the services as child processes of one supervisor."""
