"""PostgreSQL and the evaluation engine behind the ports."""
