"""Intake: time and memory to read clean CSV, beside pandas.read_csv(engine="pyarrow").

    python -m benchmarks.intake          a file of 200 MB
    python -m benchmarks.intake 1000     a file of so many MB

Each reader runs in a process of its own: wall-clock seconds of the best of three runs, and its peak memory
above that of the imports, as a multiple of the file.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

READERS = {
    "pandas, engine pyarrow": "import pandas as pd; run = lambda: pd.read_csv(path, engine='pyarrow')",
    "forecaster, read": (
        "from forecaster.config import ReadConfig; from forecaster.data.read import read; "
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
best, peak = float("inf"), 0
for _ in range(3):
    start = time.perf_counter()
    result = run()
    best = min(best, time.perf_counter() - start)
    peak = peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of the first run
    del result
print(best, (peak - base) * 1024)
"""


def write_sensors(path: Path, size: int) -> None:
    """Minutes of three sensors, until the file has `size` bytes."""
    rng = np.random.default_rng(0)
    start, block = np.datetime64("2000-01-01T00:00", "s"), 200_000
    with path.open("wb") as file:
        file.write(b"time,inlet,outlet,flow\n")
        for number in range(10_000):
            if file.tell() >= size:
                return
            times = start + (np.arange(block) + number * block) * np.timedelta64(60, "s")
            values = rng.normal(100, 10, (block, 3)).round(4)
            lines = [
                f"{time},{a},{b},{c}"
                for time, (a, b, c) in zip(times.astype(str), values.tolist(), strict=True)
            ]
            file.write("\n".join(lines).encode() + b"\n")


def measured(reader: str, path: Path) -> tuple[float, float]:
    """Seconds, and peak memory in bytes."""
    code = MEASURE.format(reader=READERS[reader])
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    seconds, memory = map(float, run.stdout.split())
    return seconds, memory


def main() -> None:
    """Print the table."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sensors.csv"
        write_sensors(path, megabytes * 10**6)
        size = path.stat().st_size
        print(f"{size / 1e6:.0f} MB of clean CSV")
        first = 0.0
        for reader in READERS:
            seconds, memory = measured(reader, path)
            first = first or seconds
            ratio = f"{seconds / first:5.2f} x"
            print(f"{reader:24} {seconds:7.2f} s  {ratio}  memory {memory / size:5.2f} x the file")


if __name__ == "__main__":
    main()
