"""Migrations of the schema ``feedback``, which this service owns alone."""
