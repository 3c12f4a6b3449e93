"""Intake: time and memory to read clean CSV, compared with pandas.read_csv(engine="pyarrow").

    python -m benchmarks.intake             files of 200 MB, five runs
    python -m benchmarks.intake 1000 3      size of the files in MB, number of runs

Readers take turns, each run in its own process with a warm file cache. The table has the minimum of
wall-clock and processor seconds of each reader, and its peak memory above that of the imports, as a multiple
of the file. On a busy machine the ratio of processor seconds is more stable.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

READERS = {
    "pandas, engine pyarrow": "import pandas as pd; run = lambda: pd.read_csv(path, engine='pyarrow')",
    "forecaster, read": (
        "from forecaster.config import ReadConfig; from forecaster.data.reading.read import read; "
        "run = lambda: read(path, ReadConfig())"
    ),
    "forecaster, load": "from forecaster.data.load import load; run = lambda: load(path)",
}
MEASURE = """
import resource, sys, time
import pandas, pyarrow, pyarrow.csv, pyarrow.compute
path = sys.argv[1]
{reader}
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start, busy = time.perf_counter(), time.process_time()
result = run()
print(time.perf_counter() - start, time.process_time() - busy,
      (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) * 1024)
"""
ROWS = 20_000


class Cost(NamedTuple):
    """Time and memory of one reading."""

    wall: float  # s
    busy: float  # s of all processors
    memory: float  # bytes


def times(number: int, seconds: int) -> list[str]:
    """`ROWS` timestamps of block `number`."""
    rows = np.arange(ROWS) + number * ROWS
    return [
        str(time) for time in np.datetime64("2000-01-01T00:00:00", "s") + rows * np.timedelta64(seconds, "s")
    ]


def numbers(number: int, columns: int) -> list[list[float]]:
    """`ROWS` rows of readings with four decimals."""
    rows: list[list[float]] = np.random.default_rng(number).normal(100, 10, (ROWS, columns)).round(4).tolist()
    return rows


def columns_of(count: int) -> Callable[[int], Iterator[str]]:
    """Lines of a table with a time and several readings."""

    def lines(number: int) -> Iterator[str]:
        for time, values in zip(times(number, 60), numbers(number, count), strict=True):
            yield f"{time},{','.join(map(str, values))}"

    return lines


def long_lines(number: int) -> Iterator[str]:
    """Lines of one more series of hours."""
    for time, (value,) in zip(times(0, 3600), numbers(number, 1), strict=True):
        yield f"sensor_{number:05},{time.replace('T', ' ')},{value}"


FILES = {
    "three sensors, a column each": ("time,inlet,outlet,flow", columns_of(3)),
    "one series": ("time,value", columns_of(1)),
    "long: id, time, value": ("id,time,value", long_lines),
    "twenty sensors, a column each": (
        ",".join(["time", *(f"s{place}" for place in range(20))]),
        columns_of(20),
    ),
}


def write(path: Path, header: str, lines: Callable[[int], Iterator[str]], size: int) -> None:
    """A file of about `size` bytes."""
    with path.open("w", encoding="ascii") as file:
        file.write(header + "\n")
        number = 0
        while file.tell() < size:
            file.writelines(f"{line}\n" for line in lines(number))
            number += 1


def measured(reader: str, path: Path) -> Cost:
    """The cost of one run."""
    code = MEASURE.format(reader=READERS[reader])
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return Cost(*map(float, run.stdout.split()))


def main() -> None:
    """Print the table."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    for title, (header, lines) in FILES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clean.csv"
            write(path, header, lines, megabytes * 10**6)
            size = path.stat().st_size
            print(f"{title}: {size / 1e6:.0f} MB of clean CSV, {runs} runs")
            costs: dict[str, list[Cost]] = {reader: [] for reader in READERS}
            for _ in range(runs):
                for reader in READERS:
                    costs[reader].append(measured(reader, path))
        best = {
            reader: Cost(min(c.wall for c in all_), min(c.busy for c in all_), max(c.memory for c in all_))
            for reader, all_ in costs.items()
        }
        first = best[next(iter(READERS))]
        for reader, cost in best.items():
            wall = f"{cost.wall:7.2f} s ({cost.wall / first.wall:4.2f} x)"
            busy = f"{cost.busy:7.2f} s ({cost.busy / first.busy:4.2f} x)"
            print(f"  {reader:24}{wall}  processors{busy}  memory {cost.memory / size:4.2f} x the file")


if __name__ == "__main__":
    main()
