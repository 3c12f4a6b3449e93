"""Accuracy of the forecasts with only column names, horizon and effort set.

    python benchmarks/accuracy.py [--data DIR] [--effort quick|normal|best] [--json FILE]
                                  [--sets NAME,NAME] [--seed N] [--statsforecast PYTHON] [--limit SECONDS]

Runs the installed `forecast` on every pair NAME_train.parquet, NAME_test.parquet of DIR, scores the forecasts
on the test files, and prints the scores next to published ones, and next to those of statsforecast if PYTHON
(default: this one) has it. Use a separate environment, since it needs an older pandas:
    python -m venv sf && sf/bin/pip install statsforecast pyarrow
Three single tables are used if they exist: ETTh1.csv.gz, nyc_taxi.csv and
machine_temperature_system_failure.csv.

    ETTh1     the usual split: trained on the first 16 months of 30 days (12 for training, 4 for validation),
              forecasts of 96 hours from origins a day apart over the 4 months after; errors divided by the
              spread of the first 12 months, averaged over columns. OT alone, and all seven as series.
    nyc_taxi  `forecast evaluate`: 28 daily origins, 48 half-hours each; MAE relative to that of a week before
    machine_temperature  `forecast evaluate`: 7 daily origins, 288 readings each, with `--duplicates mean`,
              which the file needs
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scoring import FORECAST, DataSet, Ran, Scores, about, discover, pooled, run, score, train_and_predict

DATA = Path(__file__).parents[2] / "shared" / "data"
M3 = ("m3_yearly", "m3_quarterly", "m3_monthly", "m3_other")
METHODS = ("SeasonalNaive", "AutoETS", "DynamicOptimizedTheta")
SLOW = {("AutoETS", "m4_hourly")}
"""Minutes for a score that is published: sMAPE 17.3, MASE 1.82 in the M4 competition."""
PUBLISHED: dict[str, dict[str, tuple[float | None, float | None]]] = {
    "m3_yearly": {
        "Theta": (16.97, None),
        "ForecastPro": (17.27, None),
        "ETS": (17.00, None),
        "DOTM": (15.94, None),
        "LGT": (15.23, None),
        "N-BEATS": (15.93, None),
    },
    "m3_quarterly": {
        "Theta": (8.96, None),
        "ForecastPro": (9.82, None),
        "ETS": (9.68, None),
        "DOTM": (9.28, None),
        "N-BEATS": (8.84, None),
    },
    "m3_monthly": {
        "Theta": (13.89, None),
        "ForecastPro": (13.90, None),
        "ETS": (14.14, None),
        "DOTM": (13.74, None),
        "N-BEATS": (13.11, None),
    },
    "m3_other": {
        "Theta": (4.41, None),
        "ForecastPro": (4.60, None),
        "ETS": (4.37, None),
        "DOTM": (4.58, None),
        "LGT": (4.26, None),
        "N-BEATS": (4.24, None),
    },
    "m3 pooled": {
        "Theta": (13.01, None),
        "ForecastPro": (13.19, None),
        "DOTM": (12.90, None),
        "N-BEATS": (12.37, None),
    },
    "m4_hourly": {
        "seasonal naive": (13.91, 1.193),
        "FFORMA": (11.51, 0.819),
        "ES-RNN": (9.33, 0.893),
        "Doornik": (8.91, 0.801),
        "N-BEATS": (8.20, None),
        "M4's RNN": (14.70, 3.05),
    },
    "ETTh1": {"SegRNN": (0.351, 0.392), "PatchTST": (0.370, 0.400), "NLinear": (0.374, 0.394)},
}
"""Set -> method -> (sMAPE, MASE); of ETTh1 (MSE, MAE)."""
TARGETS: dict[str, dict[str, tuple[float | None, float | None]]] = {
    "normal": {
        "m3_monthly": (13.4, None),
        "m3_quarterly": (9.1, None),
        "m3_yearly": (15.8, None),
        "m3_other": (4.35, None),
        "m3 pooled": (12.6, None),
        "m4_hourly": (9.0, 0.89),
        "ETTh1 OT": (0.375, 0.40),
        "ETTh1 all seven": (0.375, 0.40),
        "nyc_taxi": (0.80, None),
    },
    "best": {
        "m3_monthly": (13.1, None),
        "m3_quarterly": (8.8, None),
        "m3_yearly": (15.2, None),
        "m3_other": (4.2, None),
        "m3 pooled": (12.3, None),
        "m4_hourly": (8.2, 0.80),
        "ETTh1 OT": (0.35, 0.39),
        "ETTh1 all seven": (0.35, 0.39),
        "nyc_taxi": (0.75, None),
    },
}
MONTH = 30 * 24
ETT_COLUMNS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--effort", choices=("quick", "normal", "best"), default="normal")
    parser.add_argument("--sets", help="only these: names of pairs, ETTh1, nyc_taxi, machine_temperature")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--statsforecast", default=sys.executable, help="a Python that has statsforecast")
    parser.add_argument("--limit", type=float, default=3600, help="seconds a command may take")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if not given.data.is_dir():
        if given.data == DATA:
            print(f"accuracy: skipped, there is no {DATA}")
            return
        sys.exit(f"there is no directory {given.data}")
    options = ["--effort", given.effort, "--seed", str(given.seed), "--quiet"]
    result: dict[str, Any] = about() | {"seed": given.seed, "effort": given.effort, "sets": {}}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(given, Path(folder), options, result["sets"])
        bench.run()
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n")


class Bench:
    """One run over all sets. Results go into `found` and, line by line, to the terminal."""

    def __init__(
        self, given: argparse.Namespace, folder: Path, options: list[str], found: dict[str, Any]
    ) -> None:
        self.data, self.effort, self.limit, self.python = (
            given.data,
            given.effort,
            given.limit,
            given.statsforecast,
        )
        self.folder, self.options, self.found = folder, options, found
        self.only = given.sets.split(",") if given.sets else None
        self.has_statistical = run([self.python, "-c", "import statsforecast"], folder).code == 0
        self.parts: dict[str, dict[str, Scores]] = {}

    def run(self) -> None:
        print(f"forecast --effort {self.effort}; seconds of wall time, (of processor time) of training")
        print(
            f"{'set':22} {'method':24} {'sMAPE':>8} {'pooled':>8} {'MASE':>7} {'train s':>8} {'predict s':>9}"
        )
        for data in discover(self.data):
            if self.wanted(data.name):
                self.pair(data)
        self.pooled_m3()
        for name, work in (
            ("ETTh1", self.ett),
            ("nyc_taxi", self.taxi),
            ("machine_temperature", self.machine),
        ):
            if self.wanted(name):
                work()

    def wanted(self, name: str) -> bool:
        return self.only is None or name in self.only

    def pair(self, data: DataSet) -> None:
        """One training and test file: our results, those of statsforecast, published ones."""
        trained, predicted = train_and_predict(data, self.folder, self.options, self.limit)
        scores = None
        if not trained.code and not predicted.code:
            scores = score(data, pd.read_parquet(self.folder / f"{data.name}.parquet"))
        self.ours(data.name, scores, trained, predicted, f"m = {data.season}")
        for method in METHODS if self.has_statistical else ():
            if (method, data.name) not in SLOW:
                self.statistical(data, method)
        self.print_published(data.name)

    def ours(self, name: str, scores: Scores | None, trained: Ran, predicted: Ran, note: str) -> None:
        self.found[name] = {"train": trained.to_json(), "predict": predicted.to_json(), "note": note}
        if scores is None:
            message = (trained.err if trained.code else predicted.err).strip().splitlines()[-3:]
            self.found[name]["error"] = message
            print(f"{name:22} {'forecast':24} failed: {' / '.join(message)}")
            return
        self.found[name] |= scores.to_json()
        self.parts.setdefault("forecast", {})[name] = scores
        self.line(name, "forecast", scores, took(trained), predicted.wall)

    def statistical(self, data: DataSet, method: str) -> None:
        """One of statsforecast's methods, in its own process."""
        script, out = Path(__file__).with_name("statistical.py"), self.folder / "statistical.parquet"
        command = [self.python, script, data.train, out, method, data.season, data.horizon]
        ran = run([str(word) for word in command], self.folder, self.limit)
        others = self.found[data.name].setdefault("statsforecast", {})
        if ran.code:
            others[method] = {"error": ran.err.strip().splitlines()[-1:]}
            print(f"{'':22} {method:24} {'over the limit' if ran.code == 124 else 'failed'}")
            return
        seconds = json.loads(ran.out.strip().splitlines()[-1])["seconds"]
        scores = score(data, dated(pd.read_parquet(out), data))
        others[method] = scores.to_json() | {"seconds": seconds}
        self.parts.setdefault(method, {})[data.name] = scores
        self.line("", method, scores, f"{seconds:8.1f}", None)

    def pooled_m3(self) -> None:
        """The average of the M3 tables: over all points of its four sets."""
        lines = {}
        for method, parts in self.parts.items():
            if all(name in parts for name in M3):
                lines[method] = pooled([parts[name] for name in M3])
        for number, (method, value) in enumerate(lines.items()):
            print(f"{'' if number else 'm3 pooled':22} {method:24} {'':8} {value:8.2f}")
        if lines:
            self.found["m3 pooled"] = lines
            self.print_published("m3 pooled")

    def ett(self) -> None:
        """ETTh1, horizon 96: OT alone, and all seven columns as series of one model."""
        file = self.data / "ETTh1.csv.gz"
        if not file.exists():
            return
        table = pd.read_csv(file).iloc[: 20 * MONTH]
        table.to_csv(self.folder / "ett.csv", index=False)
        table.iloc[: 16 * MONTH].to_csv(self.folder / "ett_train.csv", index=False)
        spread = table[list(ETT_COLUMNS)].iloc[: 12 * MONTH].std(ddof=0)
        print(f"{'':47} {'MSE':>8} {'MAE':>8} {'':7} {'train s':>16} {'evaluate s':>9}")
        for name, columns in (("ETTh1 OT", ["OT"]), ("ETTh1 all seven", list(ETT_COLUMNS))):
            train = [FORECAST, "train", "ett_train.csv", "--time", "date", "--target", ",".join(columns)]
            trained = run(
                [*train, "--horizon", "96", *self.options, "--model", "ett.model"], self.folder, self.limit
            )
            origins = (4 * MONTH - 96) // 24 + 1
            evaluate = [FORECAST, "evaluate", "ett.csv", "--time", "date", "--target", ",".join(columns)]
            evaluate += [
                "--model",
                "ett.model",
                "--origins",
                str(origins),
                "--step",
                "24",
                "--json",
                "--quiet",
            ]
            tested = run(evaluate, self.folder, self.limit) if not trained.code else trained
            note = f"{origins} origins, 24 hours apart; standardised by the first 12 months"
            self.report(name, trained, tested, note, lambda r, c=columns: standardised(r, c, spread))
        self.print_published("ETTh1")

    def taxi(self) -> None:
        """nyc_taxi: MAE relative to the weekly seasonal naive forecast."""
        self.evaluated("nyc_taxi", "nyc_taxi.csv", 48, 28, "seasonal naive 336")

    def machine(self) -> None:
        """machine_temperature: MAE relative to the best baseline."""
        file, twice = "machine_temperature_system_failure.csv", ["--duplicates", "mean"]
        self.evaluated("machine_temperature", file, 288, 7, None, twice)  # asked for: it has such timestamps

    def evaluated(
        self, name: str, file: str, horizon: int, origins: int, baseline: str | None, more: Sequence[str] = ()
    ) -> None:
        path = self.data / file
        if not path.exists():
            return
        command = [FORECAST, "evaluate", str(path), "--time", "timestamp", "--target", "value", "--json"]
        command += ["--horizon", str(horizon), "--origins", str(origins), "--step", str(horizon)]
        ran = run([*command, *self.options, *more], self.folder, self.limit)

        def figures(report: dict[str, Any]) -> dict[str, Any]:
            beside = baseline or report["best_baseline"]
            model, other = (report["overall"][method]["mae"] for method in ("model", beside))
            return {"mae": model, "mae_ratio": model / other, "baseline": beside}

        note = f"{origins} origins, {horizon} rows apart"
        self.report(name, ran, None, note, figures)

    def report(self, name: str, trained: Ran, tested: Ran | None, note: str, figures: Any) -> None:
        """Print the error report of a set."""
        last = tested or trained
        self.found[name] = {"train": trained.to_json(), "note": note}
        if tested:
            self.found[name]["evaluate"] = tested.to_json()
        if last.code:
            message = last.err.strip().splitlines()[-3:]
            self.found[name]["error"] = message
            print(f"{name:22} {'forecast':24} failed: {' / '.join(message)}")
            return
        found = figures(json.loads(last.out))
        self.found[name] |= found
        if "mse" in found:
            numbers = f"{found['mse']:8.3f} {found['mae']:8.3f} {'':7}"
        else:
            numbers = f"MAE {found['mae_ratio']:.3f} of {found['baseline']}".ljust(25)
        seconds = f" {took(trained)}" + (f" {tested.wall:9.1f}" if tested else "")
        print(f"{name:22} {'forecast':24} {numbers}{seconds}{self.target(name)}  [{note}]")

    def line(self, name: str, method: str, scores: Scores, train: str, predict: float | None) -> None:
        found = scores.to_json()
        numbers = f"{found['smape']:8.2f} {found['smape_pooled']:8.2f} {found['mase']:7.3f} {train}"
        late = "" if predict is None else f" {predict:9.1f}{self.target(name)}"
        print(f"{name:22} {method:24} {numbers}{late}", flush=True)

    def target(self, name: str) -> str:
        values = TARGETS.get(self.effort, {}).get(name)
        return "" if values is None else "  target " + " / ".join(f"{v:g}" for v in values if v is not None)

    def print_published(self, name: str) -> None:
        published = PUBLISHED.get(name, {})
        if published:
            self.found.setdefault(name, {})["published"] = published
            each = (f"{m} {'/'.join(f'{v:g}' for v in s if v is not None)}" for m, s in published.items())
            print(f"{'':22} published: {', '.join(each)}", flush=True)


def took(ran: Ran) -> str:
    """Wall time and, in brackets, processor time."""
    return f"{ran.wall:8.1f} {f'({ran.processor:.0f})':>7}"


def dated(forecasts: pd.DataFrame, data: DataSet) -> pd.DataFrame:
    """Forecasts by row number, with the times of the test file."""
    test = pd.read_parquet(data.test).sort_values(["unique_id", "ds"])
    step = test.groupby("unique_id").cumcount()
    forecasts = forecasts.sort_values(["unique_id", "ds"])
    forecasts = forecasts.assign(step=forecasts.groupby("unique_id").cumcount()).drop(columns="ds")
    return test.assign(step=step)[["unique_id", "ds", "step"]].merge(forecasts, on=["unique_id", "step"])


def standardised(report: dict[str, Any], columns: list[str], spread: pd.Series) -> dict[str, float]:
    """MSE and MAE divided by each column's spread, averaged over the columns."""
    found = report["per_series"]["model"]
    scale = spread[columns].to_numpy() if len(columns) == 1 else spread[report["ids"]].to_numpy()
    mse = np.mean((np.array(found["rmse"], float) / scale) ** 2)
    return {"mse": float(mse), "mae": float(np.mean(np.array(found["mae"], float) / scale))}


if __name__ == "__main__":
    main()
