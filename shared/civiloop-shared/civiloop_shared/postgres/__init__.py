"""PostgreSQL: connections, transactions, errors, migrations and the outbox table."""
