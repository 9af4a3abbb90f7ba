"""Fixtures and options that every test folder may use."""

from hypothesis import settings

pytest_plugins = ["tests.support.platform", "tests.support.requirements"]

settings.register_profile("civiloop", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("civiloop")
