"""The smallest and largest value of each numeric setting."""

from __future__ import annotations

import math
import re
from typing import Any

from forecaster.errors import UsageError, brief

SURROGATE = re.compile("[\ud800-\udfff]")
MOST_ITEMS = 10_000
"""The most numbers in a setting that is a list."""
ROWS, NO_LIMIT_BELOW = 10**8, 100_000
"""The most rows of a lookback, a season or a gap; and how many are allowed whatever data there is."""
RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(
        ("lookback", "segment", "seasons", "phases", "level_rows", "recent", "unroll"), (1, ROWS)
    ),
    **dict.fromkeys(("horizon", "outputs", "output_segment", "inputs", "batch"), (1, 1_000_000)),
    **dict.fromkeys(("skip", "skip_end"), (0, ROWS)),
    **dict.fromkeys(("patience", "check_every"), (0, 10**9)),
    **dict.fromkeys(("weight_decay", "clip"), (0, math.inf)),
    **dict.fromkeys(("average", "momentum"), (0, 1)),
    **dict.fromkeys(("lower", "upper"), (-math.inf, math.inf)),
    **dict.fromkeys(("rate", "delta", "circular"), (1e-12, math.inf)),
    **dict.fromkeys(("quantile", "quantiles"), (0.001, 0.999)),
    "hidden": (1, 65_536),
    "members": (1, 1000),
    **dict.fromkeys(("steps", "max_bytes"), (1, 10**15)),
    "workers": (1, 4096),
    "seed": (0, 2**63 - 1),
    "layers": (1, 100),
    "dropout": (0, 0.95),
    "levels": (1, 99),
    "keep": (0, 999),
    "piece_rows": (1_000, 100_000_000),
}
"""Smallest and largest value of each numeric setting, whichever configuration has it."""


def check_ranges(config: Any) -> None:
    """Raise UsageError for a number, or a number in a tuple, outside the range of its setting."""
    for name, (low, high) in RANGES.items():
        value = getattr(config, name, None)
        if isinstance(value, tuple) and len(value) > MOST_ITEMS:
            raise UsageError(f"{name} has {len(value):,} items", hint=f"Give {MOST_ITEMS:,} or fewer.")
        for number in value if isinstance(value, tuple) else (value,):
            if number is not None and not (low <= number <= high and abs(number) < math.inf):
                raise UsageError(f"{name} cannot be {brief(number)}", hint=f"Give {_limits(low, high)}.")


def _limits(low: float, high: float) -> str:
    """A range in words."""
    least, most = (f"{end:g}" if isinstance(end, float) else f"{end}" for end in (low, high))
    return (
        "a number" if low == -math.inf else f"{least} or more" if high == math.inf else f"{least} to {most}"
    )


def check_text(config: Any) -> None:
    """Raise UsageError for text that is not Unicode, as arguments that are not UTF-8 arrive."""
    for name, value in vars(config).items():
        if SURROGATE.search("".join(value) if isinstance(value, tuple) else str(value)):
            raise UsageError(f"{name} cannot be {brief(value)}: it is not UTF-8", hint="Type it as UTF-8.")
