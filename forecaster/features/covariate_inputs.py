"""Covariates as networks read them: known values of the past and of the horizon, and facts of the series.

Numbers are standardised by the past of their series, so that no later row matters; numbers with two values
become 0 and 1. A category has a column for each word, where there are few. What is missing is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecaster.arrays import Bools, Float32s, Floats, Ints
from forecaster.config import MemberConfig
from forecaster.data.panel import Panel
from forecaster.data.rows.known import Known, Words

MOST_WORDS = 16
"""A category of more words is not shown: so many columns cost more than they say."""
FAR = 10.0
"""Standard deviations beyond which a value counts as no farther: networks would follow it anywhere."""
ROUNDING = 1e-10
"""A deviation below this fraction of the mean is rounding error: the covariate is constant."""


@dataclass(frozen=True, eq=False)
class CovariateInputs:
    """What a member reads beside the target and the past-only covariates. None: nothing of that kind."""

    known: Float32s | None  # (R, G) in the rows of `Known`
    offsets: Ints  # (S+1,) of these rows
    static: Float32s | None  # (N, S)
    codes: Ints | None  # (D, S) 1 … words; 0: missing, or not seen in training

    @property
    def width(self) -> int:
        """G: known numbers in a row."""
        return 0 if self.known is None else self.known.shape[1]


def width_of(words: Words) -> int:
    """How many columns networks read of a known covariate; 0: too many."""
    return 1 if words is None else len(words) if len(words) <= MOST_WORDS else 0


def covariate_inputs(panel: Panel, origins: Ints, config: MemberConfig) -> CovariateInputs | None:
    """What `config` names, with scales of the first origins[s] rows of each series; None: nothing."""
    if not (config.known or config.static):
        return None
    known, offsets = None, panel.offsets
    if config.known:
        assert panel.known is not None
        known, offsets = _known(panel.known, origins, config.known), panel.known.offsets
    static, codes = _static(panel, config)
    return CovariateInputs(known, offsets, static, codes)


def _known(known: Known, origins: Ints, names: tuple[str, ...]) -> Float32s:
    past = known.in_past(origins)
    series = np.repeat(np.arange(len(origins)), np.diff(known.offsets))
    parts = []
    for name in names:
        place = known.names.index(name)
        values, words = known.values[:, place], known.words[place]
        if words is None:
            parts.append(_scaled(values, past, series, len(origins))[:, None])
        else:
            parts.append((values[:, None] == np.arange(len(words))).astype(np.float32))
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _scaled(values: Floats, past: Bools, series: Ints, count: int) -> Floats:
    """A number by the known rows of its series (R,)."""
    used = past & np.isfinite(values)
    seen = np.unique(values[used])
    if len(seen) == 2:
        return np.clip(np.nan_to_num((values - seen[0]) / (seen[1] - seen[0])), -FAR, FAR)
    rows = np.maximum(np.bincount(series, used, count), 1)
    mean = np.bincount(series, np.where(used, values, 0.0), count) / rows
    away = values - mean[series]
    deviation = np.sqrt(np.bincount(series, np.where(used, away, 0.0) ** 2, count) / rows)
    moves = deviation > ROUNDING * np.abs(mean)
    return np.clip(np.nan_to_num(away / np.where(moves, deviation, np.inf)[series]), -FAR, FAR)


def _static(panel: Panel, config: MemberConfig) -> tuple[Float32s | None, Ints | None]:
    """The static numbers (N, S) and codes (D, S) that `config` names."""
    if not config.static:
        return None, None
    assert panel.static is not None
    place = [panel.static.names.index(name) for name in config.static]
    values = panel.static.values[:, place].T
    worded = np.array([panel.static.words[each] is not None for each in place])
    centre, scale = (np.array(each)[:, None] for each in (config.static_centre, config.static_scale))
    numbers = (values[~worded] - centre) / scale
    sizes = np.array(config.network.categories)[:, None]
    codes = np.where(np.isfinite(values[worded]) & (values[worded] < sizes), values[worded] + 1, 0)
    return (
        np.nan_to_num(numbers).astype(np.float32) if (~worded).any() else None,
        codes.astype(np.int64) if worded.any() else None,
    )
