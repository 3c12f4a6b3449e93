"""The networks that come with the package, and how each is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from forecaster.pretraining.network import make_network
from forecaster.pretraining.real_series import read_series
from forecaster.pretraining.series.priors import DAILY, MONTHLY, QUARTERLY, YEARLY
from forecaster.pretraining.store import Pretrained
from forecaster.pretraining.train import Progress, dependence, train
from forecaster.pretraining.windows import Daily, Prices, Seasonal


@dataclass(frozen=True)
class Recipe:
    """What a network is trained on, and for how long."""

    windows: Seasonal | Daily | Prices
    hidden: int
    steps: int
    batch: int = 512


RECIPES = {
    "season_1": Recipe(Seasonal(YEARLY, 40, 8), 160, 5000),
    "season_4": Recipe(Seasonal(QUARTERLY, 20, 8), 192, 6000),
    "season_7": Recipe(Seasonal(DAILY, 26, 28), 192, 4000),
    "season_12": Recipe(Seasonal(MONTHLY, 13, 24), 192, 6000),
    "hours": Recipe(Daily(), 256, 10000, 256),
    "prices": Recipe(Prices(), 96, 4000),
}
CHECKED = 8
"""Batches from which the dependence along the horizon is measured."""


def build(
    kind: str,
    seed: int,
    on_progress: Callable[[Progress], None] | None = None,
    *,
    data: str | None = None,
    steps: int | None = None,
) -> Pretrained:
    """Train the network of a kind. The same seed gives the same bytes on the same machine.

    `data`: real series that are mixed in. `steps`: of training; None: those of the recipe.
    """
    recipe = RECIPES[kind]
    steps = steps or recipe.steps
    real = None if data is None else read_series(data, kind)
    rng = np.random.default_rng(seed)
    design = recipe.windows.design(recipe.hidden)
    with threadpool_limits(1):  # the same bytes on any number of cores
        batches = recipe.windows.batches(rng, recipe.batch, real)
        weights = train(design, batches, steps, rng, on_progress)
        network = make_network(design, None)
        network.flat[...] = weights.astype(np.float16)
        root = dependence(
            design, network, recipe.windows.batches(np.random.default_rng([seed, 1]), 512), CHECKED
        )
    facts = {"seed": seed, "steps": steps, "batch": recipe.batch}
    return Pretrained(kind, design, network, root, facts)
