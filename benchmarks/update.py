"""`forecast update` beside `forecast train`, on ten origins that roll forward.

    python benchmarks/update.py [--data DIR] [--sets nyc_taxi,m4_hourly] [--effort E] [--origins N]
                                [--models DIR] [--json FILE]

At each origin a model is trained on all rows before it, and the model of the origin before is updated with
the same rows, one update after the other. Both are scored on the rows up to the next origin, which neither
has seen. Seconds of wall time and of processor time are those of the two commands, run one after the other.
Ratios are update / train: of the mean errors, and of the seconds.

    nyc_taxi    origins a week apart, the last a week before the end; 7 daily origins of 48 half-hours each
    m4_hourly   414 series of 4 to 6 weeks: origins two days apart, 48 hours each, the last the official one

`--models` keeps the trained models in a folder, with their seconds, and takes those that are there already:
to try another way of updating. Without it all is measured in one run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from scoring import FORECAST, Ran, about, run

DATA = Path(__file__).parents[2] / "shared" / "data"
HORIZON = 48


@dataclass(frozen=True)
class Rolling:
    """A table, its columns, and how origins roll over it: all in rows of each series."""

    table: pd.DataFrame
    columns: tuple[str, ...]
    id: str | None
    metric: str
    step: int
    """Rows from one origin to the next."""
    tests: int
    """Forecasts of HORIZON rows that score a model, one after the other."""

    def before(self, back: int) -> pd.DataFrame:
        """The table without the last `back` rows of each series."""
        if self.id is None:
            return self.table.iloc[: len(self.table) - back]
        return self.table[self.table.groupby(self.id).cumcount(ascending=False) >= back]


def nyc_taxi(folder: Path) -> Rolling:
    table = pd.read_csv(folder / "nyc_taxi.csv")
    return Rolling(table, ("--time", "timestamp", "--target", "value"), None, "mae", 336, 7)


def m4_hourly(folder: Path) -> Rolling:
    parts = [pd.read_parquet(folder / f"m4_hourly_{part}.parquet") for part in ("train", "test")]
    table = pd.concat(parts).sort_values(["unique_id", "ds"], ignore_index=True)
    columns = ("--id", "unique_id", "--time", "ds", "--target", "y")
    return Rolling(table, columns, "unique_id", "mase", HORIZON, 1)


SETS = {"nyc_taxi": nyc_taxi, "m4_hourly": m4_hourly}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--effort", choices=("quick", "normal", "best"), default="normal")
    parser.add_argument("--origins", type=int, default=10)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if not given.data.is_dir():
        if given.data == DATA:
            print(f"update: skipped, there is no {DATA}")
            return
        sys.exit(f"there is no directory {given.data}")
    result: dict[str, Any] = about() | {"effort": given.effort, "sets": {}}
    for name in given.sets.split(","):
        with tempfile.TemporaryDirectory() as folder:
            models = given.models and given.models.absolute() / name
            bench = Bench(SETS[name](given.data), Path(folder), models, given.effort)
            result["sets"][name] = bench.run(name, given.origins)
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n")


class Bench:
    """One set, in a folder for its files."""

    def __init__(self, rolling: Rolling, folder: Path, models: Path | None, effort: str) -> None:
        self.rolling, self.folder, self.models, self.effort = rolling, folder, models, effort
        if models:
            models.mkdir(parents=True, exist_ok=True)

    def run(self, name: str, origins: int) -> dict[str, Any]:
        """Print a line an origin and the means; returns them."""
        print(
            f"{name}: {self.rolling.metric.upper()} of train and of update; their seconds, wall (processor)"
        )
        lines = []
        for number in range(origins, -1, -1):
            back = self.rolling.tests * HORIZON + number * self.rolling.step
            self.write(back)
            trained = self.train(back)
            if number == origins:  # the model to begin with
                (self.folder / "updated.model").write_bytes((self.folder / "trained.model").read_bytes())
                continue
            updated = self.command("update", "rows.parquet", "--model", "updated.model", "--json")
            line = {
                "train": self.error("trained.model", back),
                "update": self.error("updated.model", back),
                "outcome": json.loads(updated.out)["outcome"],
                "train_seconds": [trained.wall, trained.processor],
                "update_seconds": [updated.wall, updated.processor],
            }
            lines.append(line)
            seconds = " ".join(
                f"{w:.1f} ({p:.1f})" for w, p in (line["train_seconds"], line["update_seconds"])
            )
            print(f"  {back:5} rows before the end: {line['train']:.4f} {line['update']:.4f}  {seconds}"
                  f"  {line['outcome']}", flush=True)  # fmt: skip
        ratios = {"error": ratio([x["train"] for x in lines], [x["update"] for x in lines])}
        for place, kind in enumerate(("wall", "processor")):
            pair = ([x[f"{what}_seconds"][place] for x in lines] for what in ("train", "update"))
            ratios[kind] = ratio(*pair)
        print("  update / train: " + ", ".join(f"{what} {value:.3f}" for what, value in ratios.items()))
        return {"origins": lines, "ratios": ratios}

    def write(self, back: int) -> None:
        """The rows before an origin, and those to the end of its tests."""
        self.rolling.before(back).to_parquet(self.folder / "rows.parquet")
        later = back - self.rolling.tests * HORIZON
        self.rolling.before(later).to_parquet(self.folder / "later.parquet")

    def train(self, back: int) -> Ran:
        """Train a model from the start, or take that of an earlier run."""
        kept = self.models and self.models / f"{back}.model"
        if kept and kept.exists():
            (self.folder / "trained.model").write_bytes(kept.read_bytes())
            seconds = json.loads(kept.with_suffix(".json").read_text())
            return Ran(0, seconds["seconds"], seconds["processor_seconds"], seconds["peak_mb"], "", "")
        ran = self.command(
            "train", "rows.parquet", *self.rolling.columns, "--horizon", str(HORIZON),
            "--effort", self.effort, "--model", "trained.model",
        )  # fmt: skip
        if kept:
            kept.write_bytes((self.folder / "trained.model").read_bytes())
            kept.with_suffix(".json").write_text(json.dumps(ran.to_json()))
        return ran

    def error(self, model: str, back: int) -> float:
        """The error of a model on the rows after the origin."""
        tests = ["--origins", str(self.rolling.tests), "--step", str(HORIZON)]
        ran = self.command("evaluate", "later.parquet", "--model", model, *tests, "--json")
        return float(json.loads(ran.out)["overall"]["model"][self.rolling.metric])

    def command(self, *arguments: str) -> Ran:
        """Run `forecast`; the benchmark ends where it fails."""
        ran = run([FORECAST, *arguments, "--quiet"], self.folder)
        if ran.code:
            sys.exit(f"{' '.join(arguments)}: {ran.err}")
        return ran


def ratio(one: list[float], other: list[float]) -> float:
    """The mean of `other` divided by that of `one`."""
    return sum(other) / sum(one)


if __name__ == "__main__":
    main()
