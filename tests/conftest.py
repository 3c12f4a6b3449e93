"""Hypothesis profiles: `pytest --hypothesis-profile nightly` draws many more examples."""

from hypothesis import settings

settings.register_profile("nightly", max_examples=2000, deadline=None)
