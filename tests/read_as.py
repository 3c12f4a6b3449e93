"""How tests read files: without columns that are made of the calendar unless they are what is tested."""

from functools import partial

from forecaster.config import ReadConfig

bare = partial(ReadConfig, positions=False)
