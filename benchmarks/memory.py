"""Memory of `forecast`, and the time of a training step by the number of series.

    python benchmarks/memory.py [--json FILE] [--only train predict steps] [--steps N]

    train    one million windows, once in a single series and once in 1,000 series; the peak of the process
             minus the panel (its arrays in memory), target under 300 MB
    predict  100,000 series of 50 rows, peak of the process, target under 2,000 MB
    steps    milliseconds of a training step on a panel of 1 to 100,000 series; should stay constant

Peaks are those of the resident memory of the installed command, Python and its libraries included (they alone
take about the first line). Training takes `--steps` steps: its memory does not depend on their number.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from scoring import FORECAST, Ran, run

ROWS_SHORT = 60
SERIES = (1, 100, 10_000, 100_000)
TRAIN_TARGET, PREDICT_TARGET = 300, 2000
MEGABYTE = 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", nargs="+", choices=("train", "predict", "steps"), default=("train", "predict", "steps")
    )
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        imports = run([sys.executable, "-c", "import numpy, pandas, pyarrow"], folder)
        found["imports_mb"] = imports.peak
        print(f"import numpy, pandas, pyarrow: peak {imports.peak:.0f} MB")
        if "train" in given.only:
            found["train"] = [million_windows(folder, series, given.steps) for series in (1, 1000)]
        if "predict" in given.only:
            found["predict"] = many_series(folder, 100_000, 50, given.steps)
    if "steps" in given.only:
        found["steps"] = step_times()
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")


def table(path: Path, series: int, rows: int, unit: str) -> None:
    """A Parquet file of `series` × `rows` values with a season of 24 and noise."""
    rng, t = np.random.default_rng(0), np.arange(rows)
    season = 10 * np.sin(2 * np.pi * t / (24 if unit == "h" else 12))
    values = (50 + season + rng.standard_normal((series, rows))).ravel()
    start = np.datetime64("1900-01") if unit == "M" else np.datetime64("1900-01-01T00")
    times = (start + t * np.timedelta64(1, unit)).astype("datetime64[s]")
    names = pa.array([f"s{number}" for number in range(series)]).take(
        pa.array(np.repeat(np.arange(series), rows))
    )
    columns = {"unique_id": names, "ds": pa.array(np.tile(times, series)), "y": values}
    pyarrow.parquet.write_table(pa.table(columns), path)


def million_windows(folder: Path, series: int, steps: int) -> dict[str, float]:
    """Peak of `train` minus the panel."""
    rows = 1_000_000 // series + 500
    table(folder / "long.parquet", series, rows, "h")
    ran = train(folder, "long.parquet", 24, steps)
    panel = series * rows * (8 + 8 + 1) / MEGABYTE  # values, time, observed
    return told(f"train, {series:,} series of {rows:,} rows", ran, panel, TRAIN_TARGET)


def many_series(folder: Path, series: int, rows: int, steps: int) -> dict[str, float]:
    """Peak of `predict` on many short series, by a model of a few of them."""
    table(folder / "few.parquet", 200, rows, "M")
    trained = train(folder, "few.parquet", 12, steps)
    if trained.code:
        sys.exit(trained.err)
    table(folder / "many.parquet", series, rows, "M")
    ran = run([FORECAST, "predict", "many.parquet", "-o", "out.parquet", "--model", "m.model"], folder)
    return told(f"predict, {series:,} series of {rows} rows", ran, 0.0, PREDICT_TARGET)


def train(folder: Path, file: str, horizon: int, steps: int) -> Ran:
    command = [FORECAST, "train", file, "--id", "unique_id", "--time", "ds", "--target", "y"]
    options = ["--horizon", str(horizon), "--steps", str(steps), "--model", "m.model", "--quiet"]
    return run(command + options, folder)


def told(what: str, ran: Ran, panel: float, target: int) -> dict[str, float]:
    if ran.code:
        print(f"{what}: failed ({ran.code}): {ran.err.strip()[-300:]}")
        return ran.to_json() | {"code": ran.code}
    beside = f", panel {panel:.0f} MB, the rest {ran.peak - panel:.0f} MB" if panel else ""
    seconds = f"{ran.wall:.0f} s ({ran.processor:.0f} s of processors)"
    print(f"{what}: peak {ran.peak:.0f} MB{beside} (target under {target}), {seconds}", flush=True)
    return ran.to_json() | {"panel_mb": panel, "rest_mb": ran.peak - panel, "target_mb": target}


def step_times(blocks: int = 12) -> dict[str, float]:
    """Milliseconds of a training step, the best of several blocks of ten steps, in turn."""
    runs = {series: training(series, blocks) for series in SERIES}
    times: dict[int, list[float]] = {series: [] for series in SERIES}
    for _ in range(blocks):
        for series, events in runs.items():
            start = time.perf_counter()
            next(events)
            times[series].append(1e2 * (time.perf_counter() - start))
    found = {str(series): min(values[1:]) for series, values in times.items()}
    print("milliseconds of a training step by number of series:")
    print(", ".join(f"{int(series):,}: {value:.2f}" for series, value in found.items()))
    return found


def training(series: int, blocks: int):
    """Training on `series` random walks, with an event every ten steps."""
    from types import SimpleNamespace

    from forecaster.config import NetworkConfig, TrainingConfig
    from forecaster.features.windows import Windows, index_windows
    from forecaster.nn.network import Network
    from forecaster.training.loop import EVENT_EVERY, TrainingData, train

    rows = ROWS_SHORT if series > 1 else 10 * ROWS_SHORT
    z = np.random.default_rng(0).standard_normal((series * rows, 1), dtype=np.float32)
    panel = SimpleNamespace(offsets=np.arange(series + 1) * rows, broken=False)  # all that Windows read
    transform = SimpleNamespace(z=z, observed=np.ones((series * rows, 1), bool))
    windows = Windows(panel, transform, lookback=24, segment=12, horizon=12, gaps=False)
    known = np.full(series, rows)
    data = TrainingData(windows, index_windows(known, 24, 12), known)
    steps = (blocks + 1) * EVENT_EVERY
    network = Network(
        NetworkConfig(cell="gru", inputs=12, hidden=64, outputs=12), rng=np.random.default_rng(0)
    )
    config = TrainingConfig(batch=256, steps=steps, check_every=steps)
    return train(network, data, config, rng=np.random.default_rng(0))


if __name__ == "__main__":
    main()
