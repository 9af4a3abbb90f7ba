"""PostgreSQL, encryption and metrics behind the ports."""
