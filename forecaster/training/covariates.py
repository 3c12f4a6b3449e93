"""Covariates: which of them networks read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Ints
from forecaster.config import MemberConfig
from forecaster.data.panel import Panel
from forecaster.features.covariate_inputs import width_of

ACTING = 0.1
"""Networks read a known covariate that has an effect on at least this share of the series."""
FEW_SERIES = 8
"""With fewer series, static facts say no more than which series it is."""


def acting(panel: Panel) -> dict[str, int]:
    """The known covariates with an effect, and how many numbers of each networks read in a row."""
    if panel.known is None or panel.removed is None:
        return {}
    share = panel.removed.acts.mean(axis=0)
    widths = {name: width_of(words) for name, words in zip(panel.known.names, panel.known.words, strict=True)}
    named = zip(widths.items(), share, strict=True)
    return {name: width for (name, width), each in named if each >= ACTING and width}


def with_covariates(config: MemberConfig, acts: Mapping[str, int], facts: Facts) -> MemberConfig:
    """The member, reading the known covariates `acts`, name by width, and the facts.

    A direct head cannot read what is ahead, so that its member reads no known covariates.
    """
    shown = acts if config.network.output_segment else {}
    width = sum(shown.values())
    network = replace(
        config.network,
        inputs=config.network.inputs + config.segment * width,
        known=width * (config.network.output_segment or 0),
        static=len(facts.numbers),
        categories=facts.words,
    )
    return replace(
        config,
        network=network,
        known=tuple(shown),
        known_width=width,
        static=facts.names,
        static_centre=facts.centre,
        static_scale=facts.scale,
    )


class Facts(NamedTuple):
    """Static facts that networks read: numbers with their scale, and how many words each category has."""

    names: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    centre: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    words: tuple[int, ...] = ()


def facts_of(panel: Panel, known: Ints) -> Facts:
    """The facts that differ between the series of training, of which there must be some."""
    used = np.flatnonzero(known > 0)
    if panel.static is None or len(used) < FEW_SERIES:
        return Facts()
    numbers, centre, scale, words, names = [], [], [], [], []
    for name, of_name, values in zip(
        panel.static.names, panel.static.words, panel.static.values[used].T, strict=True
    ):
        seen = values[np.isfinite(values)]
        if len(np.unique(seen)) < 2:
            continue
        names.append(name)
        if of_name is not None:
            words.append(len(of_name))
            continue
        numbers.append(name)
        centre.append(float(seen.mean()))
        scale.append(float(seen.std()))
    return Facts(tuple(names), tuple(numbers), tuple(centre), tuple(scale), tuple(words))
