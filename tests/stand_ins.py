"""Small networks of random weights in place of the pretrained ones, so that no test depends on those."""

import numpy as np

from forecaster.pretraining.inputs import daily, prices, seasonal
from forecaster.pretraining.network import Design, make_network
from forecaster.pretraining.store import OWN_FOLDER, Pretrained
from forecaster.pretraining.views import STEP

HORIZONS = {"season_1": 8, "season_4": 8, "season_7": 28, "season_12": 24, "hours": 48, "prices": 20}
HIDDEN = 6


def design_of(kind, hidden=HIDDEN):
    """The design of the networks of a kind, with few hidden units."""
    horizon = HORIZONS[kind]
    if kind == "hours":
        return Design(daily.FEATURES, hidden, horizon, daily.GATES)
    if kind == "prices":
        return Design(prices.FEATURES, hidden, horizon, (), median=False)
    season = STEP[kind]
    return Design(seasonal.features(season), hidden, horizon, seasonal.gates(season))


def stand_in(kind, seed=0, hidden=HIDDEN):
    """A network of random weights, with errors that depend on each other along the horizon."""
    design = design_of(kind, hidden)
    network = make_network(design, np.random.default_rng([seed, len(kind)]))
    network.flat[...] = network.flat.astype(np.float16)
    steps = np.arange(design.horizon)
    root = np.linalg.cholesky(0.8 ** np.abs(steps[:, None] - steps))
    return Pretrained(kind, design, network, root.astype(np.float16).astype(float), {"seed": seed})


def write(folder, kinds=tuple(STEP), seed=0):
    """Write a stand-in of each kind into a folder."""
    folder.mkdir(exist_ok=True)
    for kind in kinds:
        (folder / f"{kind}.safetensors").write_bytes(stand_in(kind, seed).to_bytes())
    return folder


def use(folder, monkeypatch):
    """Let this process, and those that it starts, use the weights of a folder until the test ends."""
    from forecaster.pretraining.store import load

    monkeypatch.setenv(OWN_FOLDER, str(folder))
    load.cache_clear()
