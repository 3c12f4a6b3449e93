"""Results that a page is made of, without any training: a backtest of a plain forecast beside "
"the baselines."""

import numpy as np

from forecaster.config import Options, ReadConfig
from forecaster.evaluation.backtest import backtest_of, held_out, lower_side, rolling_origins, upper_side
from forecaster.evaluation.error_report import MODEL
from forecaster.evaluation.scores import score
from forecaster.methods.baselines import backtest_baselines
from forecaster.methods.blend import Blend
from forecaster.report.page.build import Results

LEVELS = (80, 95)
NORMAL = {
    lower_side(95): -1.96, 0.1: -1.2816, 0.2: -0.8416, 0.3: -0.5244, 0.4: -0.2533, 0.5: 0.0, 0.6: 0.2533,
    0.7: 0.5244, 0.8: 0.8416, 0.9: 1.2816, upper_side(95): 1.96,
}  # fmt: skip
BLEND = Blend(
    {"network 1": 0.35, "pretrained": 0.4, "averaged theta": 0.2, "naive": 0.05},
    log=False,
    seasons=(24,),
    by_group={"price": {"naive": 1.0}},
)


def backtest(panel, horizon, origins=3, step=None, groups=None):
    """The backtest of a forecast that lies between mean and seasonal naive, with normal quantiles."""
    rows = rolling_origins(panel.lengths, horizon, origins, step or horizon)
    actual = held_out(panel, rows, horizon)
    baselines = backtest_baselines(panel, rows, horizon)
    season = next((name for name in baselines if name.startswith("seasonal")), "naive")
    point = 0.7 * baselines[season] + 0.3 * baselines["mean"]
    sizes = np.abs(actual - point)
    size = 1.25 * np.nanmean(np.where(np.isnan(sizes), np.nanmean(sizes), sizes), axis=(0, 2))[:, None]
    quantiles = {level: point + z * size for level, z in NORMAL.items()}
    return backtest_of(panel, rows, {MODEL: point} | baselines, horizon, quantiles, LEVELS, groups or ())


def results_of(panel, horizon, origins=3, step=None, *, loaded=None, groups=None, **more):
    """All that a page of a backtest shows."""
    held = backtest(panel, horizon, origins, step, groups)
    curves = [
        [(step, 1 / (step + 20) + 0.001 * network + 1e-6 * step) for step in range(25, 500, 25)]
        for network in range(3)
    ]
    given = {
        "kind": "Backtest",
        "options": Options(horizon=horizon),
        "read": loaded.read if loaded else ReadConfig(),
    }
    given |= {"versions": {"forecaster": "0.1.0", "numpy": np.__version__}, "blend": BLEND, "curves": curves}
    return Results(panel=panel, loaded=loaded, report=score(held), backtest=held, **(given | more))
