"""Accuracy of the pretrained networks, alone and in the blend of a training.

    python benchmarks/pretrained.py [--data DIR] [--trained] [--effort E] [--earlier] [--only NAME,NAME]

Alone: `forecaster.predict("pretrained", …)`. With --trained: a model trained on the same rows, with its
defaults. --earlier scores the last horizon of the train files instead of the test files: for choices. Parts:

    sets      the M3 sets and M4 hourly
    short     M3 monthly, the newest 36 rows of 40 series, five a table
    single    25 series of M3 monthly and of M3 quarterly, each alone
    sensors   60 daily origins of 24 hours: two columns of ETTh1, nyc_taxi by the hour, the two of the sample;
              with --trained one training on the rows before the first origin
    prices    the stock sample: every 12th day of the last 1,500, pinball loss of seven quantiles after 10 and
              20 days, relative to a random walk with the deviation of the last 250 returns
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import forecaster

DATA = Path(__file__).parents[2] / "shared" / "data"
SAMPLE = Path(__file__).parents[1] / "sample_data"
SETS = {
    "m3_yearly": (1, 6),
    "m3_quarterly": (4, 8),
    "m3_monthly": (12, 18),
    "m3_other": (4, 8),
    "m4_hourly": (24, 48),
}
NINE = tuple(round(0.1 * number, 1) for number in range(1, 10))
SEVEN = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
NAMES = {"id": "unique_id", "time": "ds", "target": "y"}

Values = NDArray[np.float64]
Tables = dict[str, pd.DataFrame]
Forecaster = Callable[[pd.DataFrame, int], pd.DataFrame]


def read(name: str, folder: Path, horizon: int, *, earlier: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Known rows and actual values of a set; `earlier`: one horizon before the test."""
    train, test = (pd.read_parquet(folder / f"{name}_{part}.parquet") for part in ("train", "test"))
    train = train.sort_values(["unique_id", "ds"])
    if not earlier:
        return train, test.sort_values(["unique_id", "ds"])
    left = train.groupby("unique_id").cumcount(ascending=False)
    known, actual = train[left >= horizon], train[left < horizon]
    enough = known.groupby("unique_id")["y"].transform("size") > horizon
    known = known[enough]
    return known, actual[actual["unique_id"].isin(known["unique_id"].unique())]


def errors(known: pd.DataFrame, actual: pd.DataFrame, forecast: pd.DataFrame, season: int) -> str:
    """sMAPE, MASE, coverage, 80 % interval score over the scale of MASE, and WQL: means over series."""
    past = {name: group["y"].to_numpy() for name, group in known.groupby("unique_id")}
    future = {name: group["y"].to_numpy() for name, group in actual.groupby("unique_id")}
    rows, loss, size = [], np.zeros(len(NINE)), 0.0
    for name, group in forecast.groupby("unique_id"):
        y, history = future[name], past[name]
        group = group.iloc[: len(y)]
        point, low, high, lowest, highest = (
            group[column].to_numpy() for column in ("forecast", "lo_80", "hi_80", "lo_95", "hi_95")
        )
        scale = float(np.mean(np.abs(history[season:] - history[:-season]))) or np.nan
        miss = np.maximum(low - y, 0) + np.maximum(y - high, 0)
        rows.append((
            np.mean(200 * np.abs(y - point) / (np.abs(y) + np.abs(point))),
            np.mean(np.abs(y - point)) / scale,
            np.mean((y >= low) & (y <= high)),
            np.mean((y >= lowest) & (y <= highest)),
            np.mean(high - low + 10 * miss) / scale,
        ))  # fmt: skip
        for place, level in enumerate(NINE):
            above = y - group[f"q_{level:g}"].to_numpy()
            loss[place] += np.maximum(level * above, (level - 1) * above).sum()
        size += np.abs(y).sum()
    means = np.nanmean(np.array(rows), axis=0)
    return "sMAPE {:.2f}  MASE {:.3f}  covers {:.3f} {:.3f}  score 80 {:.2f}".format(*means) + (
        f"  WQL {2 * loss.mean() / size:.4f}"
    )


def alone(table: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """The forecast of the pretrained networks."""
    return forecaster.predict("pretrained", table, horizon=horizon, quantiles=NINE, **NAMES)


def trained(effort: str) -> Forecaster:
    """The forecast of a model trained on the same rows."""

    def run(table: pd.DataFrame, horizon: int) -> pd.DataFrame:
        training = forecaster.train(table, horizon=horizon, effort=effort, quantiles=NINE, **NAMES)
        return forecaster.predict(training)

    return run


def sets(folder: Path, run: Forecaster, *, earlier: bool) -> None:
    """Each set as one table."""
    for name, (season, horizon) in SETS.items():
        known, actual = read(name, folder, horizon, earlier=earlier)
        start = time.perf_counter()
        forecast = run(known, horizon)
        seconds = time.perf_counter() - start
        print(f"{name:16} {errors(known, actual, forecast, season)}  {seconds:.1f} s", flush=True)


def short(folder: Path, run: Forecaster, *, earlier: bool) -> None:
    """The newest 36 rows of 40 monthly series, in tables of five."""
    season, horizon = SETS["m3_monthly"]
    known, actual = read("m3_monthly", folder, horizon, earlier=earlier)
    rows = known.groupby("unique_id").size()
    names = rows.index[rows >= 36]
    chosen = names[np.random.default_rng(11).choice(len(names), 40, replace=False)]
    newest = known[known["unique_id"].isin(chosen)].groupby("unique_id").tail(36)
    parts = [
        run(newest[newest["unique_id"].isin(chosen[first : first + 5])], horizon) for first in range(0, 40, 5)
    ]
    print("monthly, 36 rows", errors(newest, actual, pd.concat(parts), season), flush=True)


def single(folder: Path, run: Forecaster, *, earlier: bool) -> None:
    """25 series of two sets, each alone."""
    for name in ("m3_monthly", "m3_quarterly"):
        season, horizon = SETS[name]
        known, actual = read(name, folder, horizon, earlier=earlier)
        names = sorted(known["unique_id"].unique())
        chosen = np.random.default_rng(5).choice(len(names), 25, replace=False)
        parts = [run(known[known["unique_id"] == names[number]], horizon) for number in chosen]
        print(f"{name}, alone", errors(known, actual, pd.concat(parts), season), flush=True)


def sensor_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Hourly sensors with their times."""
    power = pd.read_csv(folder / "ETTh1.csv.gz", parse_dates=["date"]).iloc[:14400]
    taxi = pd.read_csv(folder / "nyc_taxi.csv", parse_dates=["timestamp"]).set_index("timestamp")["value"]
    by_hour = taxi.resample("h").mean().iloc[:-1]
    tables = {f"ETTh1 {name}": pd.Series(power[name].to_numpy(), power["date"]) for name in ("HUFL", "OT")}
    tables["nyc_taxi"] = by_hour
    sample = pd.read_parquet(SAMPLE / "sensors.parquet")
    for name, group in sample.groupby("sensor"):
        tables[str(name)] = group.set_index("time")["celsius"].resample("h").mean()
    return {name: pd.DataFrame({"ds": s.index, "y": s.to_numpy()}) for name, s in tables.items()}


def sensors(folder: Path, effort: str | None, *, earlier: bool) -> None:
    """60 daily origins, 24 hours each: MASE."""
    for name, table in sensor_tables(folder).items():
        if earlier:
            table = table.iloc[: -60 * 24]
        first = len(table) - 60 * 24
        y = table["y"].to_numpy()
        scale = np.nanmean(np.abs(y[24:first] - y[: first - 24]))
        names = {"time": "ds", "target": "y"}
        model = effort and forecaster.train(table.iloc[:first], horizon=24, effort=effort, **names)
        missed, inside = [], []
        for origin in range(first, len(table), 24):
            known = table.iloc[:origin]
            forecast = (
                forecaster.predict(model, known)
                if model
                else forecaster.predict("pretrained", known, horizon=24, **names)
            )
            actual = y[origin : origin + 24]
            missed.append(np.abs(actual - forecast["forecast"].to_numpy()))
            inside.append((actual >= forecast["lo_80"].to_numpy()) & (actual <= forecast["hi_80"].to_numpy()))
        covered = np.mean(np.concatenate(inside)[np.isfinite(np.concatenate(missed))])
        print(f"{name:16} MASE {np.nanmean(missed) / scale:.3f}  covers {covered:.3f}", flush=True)


def prices(effort: str | None, *, earlier: bool) -> None:
    """The stock sample: pinball loss over that of a random walk, and coverage."""
    table = pd.read_csv(SAMPLE / "stocks.csv")
    names = {"id": "ticker", "time": "date", "target": "adj_close"}
    series = {str(name): group["adj_close"].to_numpy() for name, group in table.groupby("ticker")}
    longest = {name: y for name, y in series.items() if len(y) > (3200 if earlier else 2000)}
    table = table[table["ticker"].isin(list(longest))]
    back = np.arange(2700 if earlier else 1500, (1200 if earlier else 0) + 19, -12)
    before = table[table.groupby("ticker").cumcount(ascending=False) >= back[0]]
    model = effort and forecaster.train(before, horizon=20, effort=effort, **names)
    scores = np.array([NormalDist().inv_cdf(level) for level in SEVEN])
    levels, steps = np.array(SEVEN), np.arange(1, 21)
    losses, walks, inside = [], [], []
    for left in back:
        known = table[table.groupby("ticker").cumcount(ascending=False) >= left]
        known = known.groupby("ticker").tail(1000)
        forecast = (
            forecaster.predict(model, known, quantiles=SEVEN)
            if model
            else forecaster.predict("pretrained", known, horizon=20, quantiles=SEVEN, **names)
        )
        for name, group in forecast.groupby("ticker"):
            y = longest[str(name)]
            origin = len(y) - left
            actual = y[origin : origin + 20]
            deviation = np.diff(np.log(y[origin - 251 : origin])).std()
            walk = y[origin - 1] * np.exp(scores[:, None] * deviation * np.sqrt(steps))
            ours = np.array([group[f"q_{level:g}"].to_numpy() for level in SEVEN])

            def loss(quantiles: Values, actual: Values = actual, last: float = y[origin - 1]) -> Values:
                above = (actual - quantiles) / last
                return np.asarray(
                    np.maximum(levels[:, None] * above, (levels[:, None] - 1) * above).sum(axis=0)
                )

            losses.append(loss(ours))
            walks.append(loss(walk))
            inside.append([(actual >= ours[k]) & (actual <= ours[-1 - k]) for k in (0, 1)])
    ratio = np.mean(losses, axis=0) / np.mean(walks, axis=0)
    covered = np.mean(inside, axis=(0, 2))
    print(f"prices           pinball over walk {ratio[9]:.3f} {ratio[19]:.3f}", end="")
    print(f"  covers {covered[1]:.3f} {covered[0]:.3f}")


def main() -> None:
    """Run the parts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--trained", action="store_true")
    parser.add_argument("--effort", default="normal")
    parser.add_argument("--earlier", action="store_true")
    parser.add_argument("--only", default="sets,short,single,sensors,prices")
    options = parser.parse_args()
    effort = options.effort if options.trained else None
    run = trained(options.effort) if options.trained else alone
    for part in options.only.split(","):
        if part in ("sets", "short", "single"):
            {"sets": sets, "short": short, "single": single}[part](options.data, run, earlier=options.earlier)
        elif part == "sensors":
            sensors(options.data, effort, earlier=options.earlier)
        else:
            prices(effort, earlier=options.earlier)


if __name__ == "__main__":
    main()
