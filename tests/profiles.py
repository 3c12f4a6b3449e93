"""How many examples Hypothesis draws, by profile.

`ci` draws the same ones each time, so that a red test is about the change; `nightly` draws 20 times as many,
new ones each night; `mutation` draws a tenth, since it runs for every mutant. HYPOTHESIS_PROFILE chooses.
"""

import os

from hypothesis import HealthCheck, settings

USUAL = 100

settings.register_profile("ci", max_examples=USUAL, deadline=None, derandomize=True)
settings.register_profile("nightly", max_examples=20 * USUAL, deadline=None, print_blob=True)
settings.register_profile(
    "mutation", max_examples=USUAL // 10, deadline=None, derandomize=True, database=None
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def examples(usual: int = USUAL) -> settings:
    """Settings for a test of `usual` examples in the profile `ci`, and in proportion in the others."""
    return settings(
        max_examples=max(usual * settings().max_examples // USUAL, 1),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example writes its own file
    )
