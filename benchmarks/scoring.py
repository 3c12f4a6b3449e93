"""Shared by the accuracy benchmarks: data sets, scores, and measured runs of a command.

A data set is two Parquet files, NAME_train.parquet and NAME_test.parquet, with the columns unique_id, ds, y;
the test file begins where the training file ends. Nothing is fitted on the test file.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

FORECAST = str(Path(sys.executable).with_name("forecast"))
ID, TIME, TARGET = "unique_id", "ds", "y"
COLUMNS = ["--id", ID, "--time", TIME, "--target", TARGET]
SEASONS = {"yearly": 1, "quarterly": 4, "monthly": 12, "weekly": 1, "daily": 1, "hourly": 24, "other": 4}
"""Season of the MASE, by a word in the name of a set: as the M4 competition has it; M3 other is 4 here."""


@dataclass(frozen=True)
class DataSet:
    """A training and a test file."""

    name: str
    train: Path
    test: Path

    @property
    def season(self) -> int:
        """m of the MASE."""
        return next((m for word, m in SEASONS.items() if word in self.name), 1)

    @property
    def horizon(self) -> int:
        """The longest test part of a series."""
        return int(pd.read_parquet(self.test, columns=[ID]).groupby(ID).size().max())


def discover(folder: Path) -> list[DataSet]:
    """The pairs of a folder, by name."""
    trains = sorted(folder.glob("*_train.parquet"))
    pairs = [(path, path.with_name(path.name.replace("_train.", "_test."))) for path in trains]
    return [DataSet(a.name.removesuffix("_train.parquet"), a, b) for a, b in pairs if b.exists()]


@dataclass(frozen=True, eq=False)
class Scores:
    """sMAPE (percent) of every point, and the MASE of every series."""

    points: np.ndarray  # (P,) sMAPE of a point
    series: np.ndarray  # (P,) its series
    mase: np.ndarray  # (S,)

    def to_json(self) -> dict[str, float]:
        count = np.bincount(self.series)
        mean = np.bincount(self.series, weights=self.points)[count > 0] / count[count > 0]
        return {
            "smape": float(mean.mean()),
            "smape_pooled": float(self.points.mean()),
            "mase": float(np.nanmean(self.mase)),
            "series": len(self.mase),
        }


def score(data: DataSet, forecasts: pd.DataFrame, column: str = "forecast") -> Scores:
    """Scores of `forecasts` (columns unique_id, ds and `column`) on the test file, step by step of a series.

    Raises SystemExit where a forecast is missing or is for another time.
    """
    train, test = (pd.read_parquet(path).sort_values([ID, TIME]) for path in (data.train, data.test))
    forecasts = forecasts.sort_values([ID, TIME])
    both = test.assign(step=test.groupby(ID).cumcount()).merge(
        forecasts.assign(step=forecasts.groupby(ID).cumcount()), "left", [ID, "step"], suffixes=("", "_of")
    )
    if both[column].isna().any():
        sys.exit(f"{data.name}: {int(both[column].isna().sum())} forecasts are missing or not a number")
    if (pd.to_datetime(both[f"{TIME}_of"]) != both[TIME]).any():
        sys.exit(f"{data.name}: forecasts for other times than those of the test file")
    error = (both[TARGET] - both[column]).abs()
    size = both[TARGET].abs() + both[column].abs()
    points = 200 * error / size.where(size > 0, 1)
    steps = (train[TARGET] - train.groupby(ID)[TARGET].shift(data.season)).abs()
    scale = steps.groupby(train[ID]).mean()
    mase = error.groupby(both[ID]).mean() / scale.where(scale > 0)
    return Scores(points.to_numpy(), pd.factorize(both[ID])[0], mase.reindex(test[ID].unique()).to_numpy())


def pooled(parts: list[Scores]) -> float:
    """sMAPE over all points of several sets."""
    return float(np.concatenate([part.points for part in parts]).mean())


@dataclass(frozen=True)
class Ran:
    """How a command ended: seconds of wall and processor time, peak memory in MB, its output."""

    code: int
    wall: float
    processor: float
    peak: float
    out: str
    err: str

    def __add__(self, other: Ran) -> Ran:
        peak, code = max(self.peak, other.peak), self.code or other.code
        seconds = self.wall + other.wall, self.processor + other.processor
        return Ran(code, *seconds, peak, self.out + other.out, self.err + other.err)

    def to_json(self) -> dict[str, float]:
        return {"seconds": self.wall, "processor_seconds": self.processor, "peak_mb": self.peak}


def run(
    command: list[str], folder: Path, limit: float = 3600, environment: dict[str, str] | None = None
) -> Ran:
    """Run a command in `folder`, at most `limit` seconds (then its code is 124)."""
    out, err = folder / ".out", folder / ".err"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FORECAST_")}
    with out.open("wb") as out_file, err.open("wb") as err_file:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, stdout=out_file, stderr=err_file, env=clean | (environment or {})
        )
        code = _wait(process, start + limit)
        wall = time.perf_counter() - start
    status, usage = code
    processor, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024  # kB on Linux
    return Ran(status, wall, processor, peak, out.read_text(), err.read_text())


def _wait(process: subprocess.Popen, deadline: float):
    """Exit code and resources used; the process is ended at the deadline."""
    expired = False
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return (124 if expired else process.returncode), usage
        if not expired and time.perf_counter() > deadline:
            process.kill()
            expired = True
        time.sleep(0.02)


def train_and_predict(data: DataSet, folder: Path, options: list[str], limit: float) -> tuple[Ran, Ran]:
    """`forecast train` and `predict`, with only names, horizon and `options` set."""
    model = f"{data.name}.model"
    train = [FORECAST, "train", str(data.train), "--horizon", str(data.horizon), *COLUMNS, *options]
    trained = run([*train, "--model", model], folder, limit)
    if trained.code:
        return trained, trained
    return trained, run([FORECAST, "predict", "--model", model, "-o", f"{data.name}.parquet"], folder, limit)


def about() -> dict[str, str | int]:
    """Versions and the machine, without which results say little."""
    names = ("forecaster", "numpy", "pandas", "pyarrow")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {name: version(name) for name in names} | {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": cores,
    }
