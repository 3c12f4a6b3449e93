"""Try an installed wheel: forecast a small series with `forecast`, and say which kernels run.

Fails where the wheel should hold compiled kernels and does not. It should everywhere but on Windows, whose
usual compiler cannot build them.
"""

import subprocess
import sys
import sysconfig
import tempfile
from datetime import date, timedelta
from pathlib import Path

import forecaster
from forecaster.nn import compiled_layer

DAYS, HORIZON = 120, 7
FORECAST = Path(sysconfig.get_path("scripts"), "forecast")


def main() -> None:
    """Print the version, the first forecast and the kernels. SystemExit where something is missing."""
    subprocess.run([FORECAST, "--version"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "demand.csv")
        rows = [f"{date(2024, 1, 1) + timedelta(day)},{50 + 10 * (day % 7)}" for day in range(DAYS)]
        table.write_text("\n".join(["day,demand", *rows]) + "\n", encoding="utf-8")
        command = [
            FORECAST,
            "predict",
            table,
            "--model",
            "pretrained",
            "--horizon",
            str(HORIZON),
            "--max-age",
            "any",
        ]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    forecasts = done.stdout.splitlines()[1:]
    if len(forecasts) != HORIZON:
        raise SystemExit(f"{len(forecasts)} forecasts instead of {HORIZON}")
    print(*forecasts[:1], sep="\n")
    if sys.platform != "win32" and not list(Path(compiled_layer.__file__).parent.glob("_kernels.*")):
        raise SystemExit(f"no compiled kernels in {Path(forecaster.__file__).parent}")
    print("kernels:", "compiled" if compiled_layer.available("float32") else "NumPy")


if __name__ == "__main__":
    main()
