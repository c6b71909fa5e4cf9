"""Settings of the whole suite."""

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)  # a timing never decides a test
settings.load_profile("no deadline")
