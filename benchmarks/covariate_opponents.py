"""LightGBM through mlforecast, or neuralforecast's LSTM, with known columns.

Run by `covariates.py` in a Python that has them:

    python covariate_opponents.py lightgbm|lstm ORDER.json TABLE.parquet OUT.parquet

TABLE has the columns unique_id, ds, y and the known ones, all of them numbers. Both are trained once, on the
rows before the first origin, and then forecast from every origin with the values up to it. What is tuned is
chosen on as many rows before that. OUT gets cutoff (the row at the origin), ds and forecast.
"""

import json
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

CHOICES = 15
"""Windows that choices are made by."""


def main() -> None:
    name, order, table, out = sys.argv[1:5]
    asked = json.loads(Path(order).read_text())
    start = time.perf_counter()
    found, note = {"lightgbm": lightgbm, "lstm": lstm}[name](pd.read_parquet(table), asked)
    print(json.dumps({"seconds": time.perf_counter() - start, "note": note}))
    found[["cutoff", "ds", "forecast"]].to_parquet(out)


def validation(table: pd.DataFrame, asked: dict) -> tuple[pd.DataFrame, int, int]:
    """The rows before the first origin; number and distance of windows in their last quarter, for choices."""
    rows = table.iloc[: -asked["horizon"] - asked["step"] * (asked["origins"] - 1)]
    return rows, CHOICES, max(1, (len(rows) // 4 - asked["horizon"]) // (CHOICES - 1))


def lightgbm(table: pd.DataFrame, asked: dict) -> tuple[pd.DataFrame, str]:
    """Recursive, with lags, hour and day of the week; size, rate and differencing chosen by validation."""
    from lightgbm import LGBMRegressor
    from mlforecast import MLForecast
    from mlforecast.target_transforms import Differences

    known, season = asked["known"], asked["season"]
    lags = (
        [1, 2, 3, 23, 24, 25, 48, 72, 96, 120, 144, 167, 168, 169]
        if season == 24
        else [*range(1, 9), 14, 21, 28]
    )
    dates = ["hour", "dayofweek"] if season == 24 else ["dayofweek", "month"]

    def forecasts(
        rows: pd.DataFrame, windows: int, step: int, size: tuple[int, int], rate: float, turn: int
    ) -> pd.DataFrame:
        model = LGBMRegressor(
            n_estimators=size[0], num_leaves=size[1], learning_rate=rate, min_child_samples=10,
            subsample=0.8, subsample_freq=1, colsample_bytree=0.8, random_state=0, n_jobs=1, verbosity=-1,
        )  # fmt: skip
        changes = [Differences([turn])] if turn else []
        learner = MLForecast(
            models={"forecast": model},
            freq=asked["freq"],
            lags=lags,
            date_features=dates,
            target_transforms=changes,
        )
        return learner.cross_validation(
            rows, n_windows=windows, h=asked["horizon"], step_size=step, refit=False, static_features=[]
        )

    table = table[["unique_id", "ds", "y", *known]]
    held = validation(table, asked)
    choices = list(product(((300, 15), (300, 31), (1000, 15)), (0.03,), (0, season)))
    losses = [np.abs(f["y"] - f["forecast"]).mean() for f in (forecasts(*held, *c) for c in choices)]
    best = choices[int(np.argmin(losses))]
    note = f"{best[0][0]} trees of {best[0][1]} leaves, rate {best[1]:g}, difference {best[2]}"
    return forecasts(table, asked["origins"], asked["step"], *best), note


def lstm(table: pd.DataFrame, asked: dict) -> tuple[pd.DataFrame, str]:
    """The known columns as `futr_exog_list`, with hour and day of the week; early stopping."""
    import logging

    import torch
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(1)  # two threads wait for each other where the cores are shared
    table, calendar = with_calendar(table, asked["season"])
    columns = [*asked["known"], *calendar]
    rows, windows, apart = validation(table, asked)
    held = asked["horizon"] + apart * (windows - 1)

    def forecasts(rows: pd.DataFrame, windows: int, step: int, size: int) -> pd.DataFrame:
        model = LSTM(
            h=asked["horizon"], input_size=size, futr_exog_list=columns, max_steps=asked["steps"],
            early_stop_patience_steps=6, val_check_steps=50, scaler_type="standard", random_seed=1,
            accelerator="cpu", enable_progress_bar=False, logger=False, enable_checkpointing=False,
        )  # fmt: skip
        learner = NeuralForecast(models=[model], freq=asked["freq"])
        found = learner.cross_validation(rows, n_windows=windows, step_size=step, val_size=held, refit=False)
        return found.rename(columns={"LSTM": "forecast"})

    sizes = [2 * asked["season"], 7 * asked["season"]] if asked["season"] == 24 else [14, 28]
    losses = [
        np.abs(f["y"] - f["forecast"]).mean()
        for f in (forecasts(rows, windows, apart, size) for size in sizes)
    ]
    best = sizes[int(np.argmin(losses))]
    return forecasts(table, asked["origins"], asked["step"], best), f"looks back {best}"


def with_calendar(table: pd.DataFrame, season: int) -> tuple[pd.DataFrame, list[str]]:
    """The table with sine and cosine of the hour, and a column for each day of the week but one."""
    days = pd.get_dummies(table["ds"].dt.day_of_week, prefix="day", dtype=float).iloc[:, 1:]
    if season == 24:
        angle = 2 * np.pi * table["ds"].dt.hour / 24
        for turns in (1, 2):
            days[f"sin{turns}"], days[f"cos{turns}"] = np.sin(turns * angle), np.cos(turns * angle)
    return pd.concat([table, days], axis=1), list(days.columns)


if __name__ == "__main__":
    main()
