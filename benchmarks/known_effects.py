"""Known columns whose effect is known: noise, one that explains everything, and a price.

    python benchmarks/known_effects.py [--data DIR] [--effort quick|normal|best] [--series N]
                                       [--only noise,everything,price] [--model pretrained]

    noise       a column of noise beside series of several kinds from DIR, drawn anew for each; the error with
                it relative to that without. Target: at most 1 % more in the geometric mean.
    everything  a series that a column explains but for a thousandth: in proportion, and bent (its absolute
                value). Target: the error with it under a tenth of that without.
    price       demand of 900 days with a week's shape, to which a price lower by 20 % on some days adds half:
                the forecast with the low price on given days of the horizon, less that with the usual price.
                Target: within 10 % of the true difference.

`--model pretrained` asks the networks that come with the package instead of training.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import forecaster

DATA = Path(__file__).parents[2] / "shared" / "data"
M_SETS = {
    "m3_yearly": (6, 3),
    "m3_quarterly": (8, 4),
    "m3_monthly": (18, 5),
    "m3_other": (8, 2),
    "m4_hourly": (48, 3),
}
"""Horizon, and how many series are taken."""
NAMES = {"time": "ds", "target": "y"}

Values = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--effort", choices=("quick", "normal", "best"), default="normal")
    parser.add_argument("--only", default="noise,everything,price")
    parser.add_argument("--series", type=int, default=100, help="at most as many series for the noise")
    parser.add_argument("--model", choices=("pretrained",))
    given = parser.parse_args()
    settings = {"model": given.model} if given.model else {"effort": given.effort}
    parts = given.only.split(",")
    if "noise" in parts:
        noise(given.data, given.series, settings)
    if "everything" in parts:
        everything(settings)
    if "price" in parts:
        price(settings)


def noise(folder: Path, most: int, settings: dict) -> None:
    """What a column of noise costs on each series, and on all."""
    ratios = []
    for number, (name, table, horizon, origins) in enumerate(real_series(folder)):
        if number >= most:
            break
        rng = np.random.default_rng(number)
        given = {"horizon": horizon, "origins": origins, **settings}
        without = error(table, **given)
        known = error(table.assign(noise=rng.standard_normal(len(table))), known=["noise"], **given)
        ratios.append(known / without)
        print(f"noise, {name:28} {without:10.4g} {known:10.4g} {ratios[-1]:8.4f}", flush=True)
    if ratios:
        mean = float(np.exp(np.mean(np.log(ratios))))
        print(f"noise costs {100 * (mean - 1):+.2f} % over {len(ratios)} series (target: at most +1 %)")


def real_series(folder: Path) -> Iterator[tuple[str, pd.DataFrame, int, int]]:
    """Name, table of ds and y, horizon, origins: some series of each set that is there."""
    for name, (horizon, count) in M_SETS.items():
        paths = [folder / f"{name}_{part}.parquet" for part in ("train", "test")]
        if not all(path.exists() for path in paths):
            continue
        both = pd.concat([pd.read_parquet(path) for path in paths]).sort_values(["unique_id", "ds"])
        ids = both["unique_id"].unique()
        for each in ids[:: max(1, len(ids) // count)][:count]:
            yield f"{name} {each}", both.loc[both["unique_id"] == each, ["ds", "y"]], horizon, 1
    if (folder / "ETTh1.csv.gz").exists():
        table = pd.read_csv(folder / "ETTh1.csv.gz", parse_dates=["date"]).iloc[:6000]
        for column in ("OT", "HUFL"):
            yield f"ETTh1 {column}", table[["date", column]].set_axis(["ds", "y"], axis=1), 24, 14
    if (folder / "nyc_taxi.csv").exists():
        table = pd.read_csv(folder / "nyc_taxi.csv").set_axis(["ds", "y"], axis=1)
        yield "nyc_taxi", table, 48, 14


def everything(settings: dict) -> None:
    """The error with the column relative to that without, for two shapes of the effect."""
    rng = np.random.default_rng(3)
    cause = np.convolve(rng.standard_normal(740), [0.6, 0.3, 0.1], "valid")[:700]
    for shape, effect in (("proportional", 30 * cause), ("bent", 60 * np.abs(cause))):
        table = pd.DataFrame({"ds": pd.date_range("2022-01-01", periods=700), "cause": cause})
        table["y"] = 500 + effect + 0.03 * rng.standard_normal(700)
        given = {"horizon": 7, "origins": 10, **settings}
        without, known = error(table[["ds", "y"]], **given), error(table, known=["cause"], **given)
        print(
            f"explains everything, {shape:14} {without:8.4g} {known:8.4g} {known / without:8.4f} "
            "(target: < 0.1)"
        )


def error(table: pd.DataFrame, **settings) -> float:
    """The mean absolute error of `forecaster.evaluate`; in ratios it stands for MASE."""
    found = forecaster.evaluate(table, **NAMES, **settings).backtest.to_frame()
    return float(np.mean(np.abs(found["actual"] - found["forecast"])))


def price(settings: dict) -> None:
    """Forecast differences on the days of a low price, relative to the true ones."""
    for seed, kind in enumerate(("level", "growing", "rare")):
        rng = np.random.default_rng(seed)
        table, usual = demand(rng, kind)
        cheap = len(table) - 14 + np.array([2, 3, 9])
        low = table.copy()
        low.loc[cheap, "price"] *= 0.8
        if "model" in settings:
            plain, moved = (forecaster.predict("pretrained", each, known=["price"], horizon=14, **NAMES)
                            for each in (table, low))  # fmt: skip
        else:
            training = forecaster.train(table, known=["price"], horizon=14, **NAMES, **settings)
            plain, moved = (forecaster.predict(training, each) for each in (table, low))
        difference = (moved["forecast"] - plain["forecast"]).to_numpy()
        days = cheap - (len(table) - 14)
        found = difference[days].sum() / (0.5 * usual[cheap]).sum()
        spill = np.abs(np.delete(difference, days)).max() / (0.5 * usual[cheap]).mean()
        print(
            f"price, {kind:10} {found:6.3f} of the true effect (target: 0.9 to 1.1); other days {spill:6.3f}"
        )


def demand(rng: np.random.Generator, kind: str) -> tuple[pd.DataFrame, Values]:
    """900 days and 14 to come (y empty), and the demand (914,) at the usual price without noise."""
    days = np.arange(914)
    usual = 200 * (1 + 0.25 * np.sin(2 * np.pi * days / 7) + 0.1 * np.cos(2 * np.pi * days / 3.5))
    if kind == "growing":
        usual = usual * (1 + days / 900)
    low = rng.random(914) < (0.03 if kind == "rare" else 0.12)
    low[-14:] = False
    y = usual * np.where(low, 1.5, 1.0) * np.exp(0.04 * rng.standard_normal(914))
    y[-14:] = np.nan
    table = pd.DataFrame({"ds": pd.date_range("2022-01-01", periods=914), "y": y})
    return table.assign(price=np.where(low, 8.0, 10.0)), usual


if __name__ == "__main__":
    main()
