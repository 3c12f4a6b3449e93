"""Prefect: every night new forecasts, then a look at yesterday's readings; an alarm is not a failure.

pip install prefect; python nightly.py DATA MODEL FOLDER runs it once. Forecasts go into FOLDER/2026-11-26/
and so on: a folder with forecasts of other data is refused.
"""

import subprocess
import sys
from datetime import date

from prefect import flow, get_run_logger, task

ALARM = 8
"""Exit code of `forecast monitor` after an alarm."""


@task(retries=2, retry_delay_seconds=60)
def predict(data: str, model: str, folder: str) -> None:
    """Forecast; a run that was ended goes on where its output stands."""
    subprocess.run(["forecast", "predict", data, "-m", model, "-o", folder, "--quiet"], check=True)


@task
def monitor(data: str, model: str) -> list[str]:
    """The alarms, one a line."""
    run = subprocess.run(
        ["forecast", "monitor", data, "-m", model, "--quiet"], stdout=subprocess.PIPE, text=True, check=False
    )
    if run.returncode not in (0, ALARM):
        run.check_returncode()
    return run.stdout.splitlines()


@flow
def nightly(data: str, model: str, folder: str) -> list[str]:
    """Both, one after the other."""
    predict(data, model, f"{folder.rstrip('/')}/{date.today()}/")  # the slash: a data set in pieces
    alarms = monitor(data, model)
    get_run_logger().info("%d alarms", len(alarms))
    return alarms


if __name__ == "__main__":
    nightly(*sys.argv[1:4])
