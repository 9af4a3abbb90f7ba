"""Fixtures and options that every test folder may use."""

pytest_plugins = ["tests.support.platform", "tests.support.requirements"]
