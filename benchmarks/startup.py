"""Start-up time of `forecast`: ratios within one run, contestants in turn.

    python benchmarks/startup.py [--repeat N] [--json FILE]

Measured are the installed command and, for comparison, Python with the imports that every program on these
libraries needs. Byte code is compiled before, as by an installation, into a folder of this run. Other load on
the machine changes wall time, but hardly processor time (user and system), so both are shown.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

FORECAST = str(Path(sys.executable).with_name("forecast"))
CONTESTANTS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import numpy, pandas, pyarrow": [sys.executable, "-c", "import numpy, pandas, pyarrow"],
    "forecast --help": [FORECAST, "--help"],
    "forecast predict": [FORECAST, "predict"],
    "forecast predict DATA": [FORECAST, "predict", "one.csv", "--horizon", "24"],
}
IMPORTS = "import numpy, pandas, pyarrow"
HELP_SECONDS, PREDICT_RATIO = 0.25, 1.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        times = measure(Path(folder), arguments.repeat)
    figures = {name: summary(runs) for name, runs in times.items()}
    predicting = {
        "wall": ratio(times, "wall", "forecast predict", IMPORTS),
        "processor": ratio(times, "processor", "forecast predict", IMPORTS),
    }
    tell(figures, predicting, arguments.repeat)
    if arguments.json:
        result = {"repeat": arguments.repeat, "seconds": figures, "predict_to_imports": predicting}
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


def measure(folder: Path, repeat: int) -> dict[str, list[dict[str, float]]]:
    """Each contestant `repeat` times, in turn, after one run that is not counted."""
    (folder / "one.csv").write_text(one_series(1000))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FORECAST_")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    run([FORECAST, "train", "one.csv", "--horizon", "24", "--quiet"], folder, environment)
    times: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
    for command in CONTESTANTS.values():
        run(command, folder, environment)
    for _ in range(repeat):
        for name, command in CONTESTANTS.items():
            times[name].append(run(command, folder, environment))
    return times


def run(command: list[str], folder: Path, environment: dict[str, str]) -> dict[str, float]:
    """Seconds of wall and of processor time of one run."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "processor": processor}


def one_series(rows: int) -> str:
    """A CSV table of one hourly series with a daily season and noise."""
    hour = np.arange(rows)
    when = np.datetime64("2024-01-01T00") + hour * np.timedelta64(1, "h")
    value = 50 + 10 * np.sin(2 * np.pi * hour / 24) + np.random.default_rng(0).normal(size=rows)
    return "time,demand\n" + "".join(f"{t},{v:.4f}\n" for t, v in zip(when, value, strict=True))


def summary(runs: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Minimum and median of wall and processor time."""
    return {
        clock: {"min": min(values), "median": statistics.median(values)}
        for clock in ("wall", "processor")
        for values in [[run[clock] for run in runs]]
    }


def ratio(times: dict[str, list[dict[str, float]]], clock: str, ours: str, theirs: str) -> dict[str, float]:
    """Ours divided by theirs: the ratio of the minima, and the median of the ratios of neighbouring runs."""
    mine, other = ([run[clock] for run in times[name]] for name in (ours, theirs))
    return {
        "of minima": min(mine) / min(other),
        "median": statistics.median(a / b for a, b in zip(mine, other, strict=True)),
    }


def tell(figures: dict[str, dict], predicting: dict[str, dict[str, float]], repeat: int) -> None:
    print(f"milliseconds, {repeat} runs each in turn          wall: min  median   processor: min  median")
    for name, found in figures.items():
        cells = [found[clock][what] * 1e3 for clock in ("wall", "processor") for what in ("min", "median")]
        print("{:40} {:14.0f} {:7.0f} {:16.0f} {:7.0f}".format(name, *cells))
    for clock, found in predicting.items():
        best, median = found["of minima"], found["median"]
        print(f"predict ÷ imports, {clock} time: {best:.2f} of minima, {median:.2f} median", end="")
        print(f" (target under {PREDICT_RATIO})")
    wall = figures["forecast --help"]["wall"]
    print(f"--help: {wall['min']:.3f} s at best, {wall['median']:.3f} s median", end="")
    print(f" (target under {HELP_SECONDS} s)")


if __name__ == "__main__":
    main()
