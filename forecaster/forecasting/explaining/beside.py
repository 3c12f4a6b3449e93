"""What a network reads beside the rows of a series, on the path of integrated gradients.

Known covariates move from their mean over the past of the series to their values, of the past and ahead.
Static numbers move from their mean over the series of training. A word c moves from the vector that stands
for any word: its learned vector is E[0] + a (E[c] − E[0]), which is a network with one static number more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Array, Float32s, Floats
from forecaster.config import MemberConfig
from forecaster.data.panel import Panel
from forecaster.features.covariate_inputs import covariate_inputs, width_of
from forecaster.forecasting.explaining.path import Subject
from forecaster.nn.batch import Batch
from forecaster.nn.network import Network
from forecaster.nn.side_inputs import CATEGORY, NUMBERS, Codes, SideInputs


class Beside(NamedTuple):
    """The ends of the path of one window; G numbers of known covariates in a row, m segments of s rows."""

    usual: Float32s  # (G,) where the known numbers begin
    ahead: Floats  # (m, s·G) of the horizon
    ahead_usual: Floats  # (m, s·G) where these begin
    static: Floats  # (N,) numbers, and a one for each word
    codes: Codes | None  # (D, 1) zeros

    def along(self, at: Floats, config: MemberConfig) -> SideInputs:
        """What the network reads at points of the path (K,)."""
        ahead = self.ahead_usual[:, :, None] + at * (self.ahead - self.ahead_usual)[:, :, None]
        return SideInputs(
            ahead.astype(np.float32) if config.known else None,
            (self.static[:, None] * at).astype(np.float32) if len(self.static) else None,
            None if self.codes is None else np.repeat(self.codes, len(at), axis=1),
        )


def beside(subject: Subject, config: MemberConfig, batch: Batch) -> Beside:
    """The ends of the path for the window of a batch with one column."""
    usual = np.zeros(0, np.float32)
    ahead, start = np.zeros((0, 0)), np.zeros((0, 0))
    read = covariate_inputs(subject.panel, subject.panel.lengths, config)
    if read is not None and read.known is not None:
        first = int(read.offsets[subject.series])
        usual = read.known[first : first + subject.rows].mean(axis=0, dtype=np.float64).astype(np.float32)
        assert batch.ahead is not None
        ahead = batch.ahead[:, :, 0].astype(np.float64)
        row = np.arange(ahead.size // len(usual))
        there = row < min(config.horizon, int(np.diff(read.offsets)[subject.series]) - subject.rows)
        start = np.where(there[:, None], usual, 0.0).reshape(ahead.shape)
    words = 0 if batch.codes is None else len(batch.codes)
    numbers = np.zeros(0) if batch.static is None else batch.static[:, 0]
    codes = None if batch.codes is None else np.zeros_like(batch.codes)
    return Beside(usual, ahead, start, np.concatenate([numbers, np.ones(words)]), codes)


def with_words_as_numbers(network: Network, codes: Codes | None) -> Network:
    """The network in which a static number of one is the word of each category, of codes (D, 1), and zero
    any word. The network itself where it reads no category.
    """
    if codes is None:
        return network
    config = replace(network.config, static=network.config.static + len(codes))
    result = Network(config, rng=None, dtype=network.dtype)
    for name, value in result.parameters.items():
        if name != NUMBERS:
            value[...] = network.parameters[name]
    numbers: list[Array] = [network.parameters[NUMBERS]] if network.config.static else []
    tables = [network.parameters[f"{CATEGORY}{place}"] for place in range(len(codes))]
    moved = [(table[code[0]] - table[0])[:, None] for table, code in zip(tables, codes, strict=True)]
    result.parameters[NUMBERS][...] = np.concatenate([*numbers, *moved], axis=1)
    return result


def by_covariate(panel: Panel, config: MemberConfig, columns: Floats) -> Floats:
    """Contributions of numbers in a row (G,) summed to those of the known covariates of the panel (K,)."""
    known = panel.known
    result = np.zeros(0 if known is None else len(known.names))
    if known is None or not config.known:
        return result
    place = [known.names.index(name) for name in config.known]
    owner = np.repeat(place, [width_of(known.words[each]) for each in place])
    np.add.at(result, owner, columns)
    return result


def by_fact(panel: Panel, config: MemberConfig, contributions: Floats) -> Floats:
    """Contributions of `Beside.static` (N,), in the order of the facts of the panel (D,)."""
    static = panel.static
    result = np.zeros(0 if static is None else len(static.names))
    if static is None or not config.static:
        return result
    place = [static.names.index(name) for name in config.static]
    in_order = sorted(
        place, key=lambda each: static.words[each] is not None
    )  # numbers first, as they are read
    result[in_order] = contributions
    return result
