"""Every test runs under the Hypothesis profile that HYPOTHESIS_PROFILE names, `ci` by default."""

import profiles  # noqa: F401 - registers the profiles and loads one, before a test module asks for it
