"""M4 hourly from a file to scored forecasts: `forecast` compared with neuralforecast's LSTM at its defaults.

    python benchmarks/end_to_end.py [--opponent PYTHON] [--opponent-steps N] [--effort E,E] [--json FILE]

PYTHON is an interpreter that has neuralforecast, in a separate environment:
    python -m venv nf && nf/bin/pip install torch neuralforecast
The opponent's defaults: LSTM with input_size 96 (two horizons), 1,000 steps. That takes about ten minutes, so
by default it takes fewer steps and its training time is scaled up, as the output says. Its accuracy is then
that of one full run, and is marked so. `--opponent-steps 1000` measures all of it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from scoring import DataSet, about, run, score, train_and_predict

STEPS, INPUT = 1000, 96
ONCE = {"seconds": 579.0, "smape": 15.07, "mase": 1.538}
"""neuralforecast 3.x with PyTorch 2.13 on two cores of an EPYC Zen 4, all 1,000 steps: measured once."""
DATA = Path(__file__).parents[2] / "shared" / "data"

OPPONENT = """
import json, sys, time
import pandas as pd, torch
from neuralforecast import NeuralForecast
from neuralforecast.models import LSTM
train, out, horizon, size, steps, threads = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
torch.set_num_threads(threads)
table = pd.read_parquet(train)
model = LSTM(h=horizon, input_size=size, max_steps=steps, enable_progress_bar=False, logger=False)
forecaster = NeuralForecast(models=[model], freq="h")
start = time.perf_counter()
forecaster.fit(table)
trained = time.perf_counter()
found = forecaster.predict()
found.rename(columns={"LSTM": "forecast"})[["unique_id", "ds", "forecast"]].to_parquet(out)
print(json.dumps({"fit": trained - start, "predict": time.perf_counter() - trained}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--opponent", help="a Python that has neuralforecast")
    parser.add_argument("--opponent-steps", type=int, default=50)
    parser.add_argument("--effort", default="quick,normal", help="one or several of quick, normal, best")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    data = DataSet("m4_hourly", given.data / "m4_hourly_train.parquet", given.data / "m4_hourly_test.parquet")
    if not data.train.exists():
        print(f"end to end: skipped, there is no {data.train}")
        return
    with tempfile.TemporaryDirectory() as folder:
        mine = {effort: ours(data, Path(folder), effort) for effort in given.effort.split(",")}
        other = theirs(data, Path(folder), given.opponent, given.opponent_steps)
    tell(mine, other)
    if given.json:
        result = {"about": about(), "ours": mine, "theirs": other}
        given.json.write_text(json.dumps(result, indent=2) + "\n")


def ours(data: DataSet, folder: Path, effort: str) -> dict:
    """`forecast train` and `predict`."""
    trained, predicted = train_and_predict(data, folder, ["--effort", effort], 3600)
    if trained.code or predicted.code:
        sys.exit(trained.err + predicted.err)
    scores = score(data, pd.read_parquet(folder / f"{data.name}.parquet"))
    both = trained + predicted
    installed = installed_mb(
        sys.executable,
        "forecaster numpy pandas pyarrow typer rich safetensors filelock threadpoolctl".split(),  # noqa: SIM905
    )
    return both.to_json() | scores.to_json() | {"train": trained.wall, "predict": predicted.wall} | installed


def theirs(data: DataSet, folder: Path, python: str | None, steps: int) -> dict:
    """neuralforecast, in full or in part; an earlier measurement where it is not installed."""
    if (
        python is None
        or subprocess.run([python, "-c", "import neuralforecast"], capture_output=True).returncode
    ):
        return ONCE | {"carried_over": True, "steps": STEPS}
    out = folder / "theirs.parquet"
    arguments = [data.train, out, data.horizon, INPUT, steps, about()["cores"]]
    ran = run([python, "-c", OPPONENT, *map(str, arguments)], folder)
    if ran.code:
        sys.exit(ran.err)
    took = json.loads(ran.out.strip().splitlines()[-1])
    found = ran.to_json() | {"fit": took["fit"], "steps": steps, "carried_over": False}
    more = took["fit"] * (STEPS / steps - 1)  # for the steps left out
    found |= {"seconds": ran.wall + more, "measured_seconds": ran.wall}
    found["processor_seconds"] += more * ran.processor / ran.wall
    scores = score(data, pd.read_parquet(out)).to_json()
    if steps < STEPS:  # the accuracy of a shortened run says nothing
        scores = {"short_smape": scores["smape"], "short_mase": scores["mase"]}
        scores |= {name: ONCE[name] for name in ("smape", "mase")}
    return found | scores | installed_mb(python, ["neuralforecast"])


def installed_mb(python: str, names: list[str]) -> dict[str, float]:
    """Size of the distributions `names` and all that they require, without extras, in MB."""
    found = subprocess.run([python, "-c", SIZES, *names], capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


SIZES = """
import json, re, sys
from importlib.metadata import PackageNotFoundError, distribution
seen, waiting, size = set(), sys.argv[1:], 0
while waiting:
    name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
    if name in seen:
        continue
    seen.add(name)
    try:
        found = distribution(name)
    except PackageNotFoundError:  # required on other systems only
        continue
    for file in found.files or []:
        path = file.locate()
        if path.is_file() and path.suffix != ".pyc":
            size += path.stat().st_size
    waiting += [re.match(r"[\\w.-]+", one)[0] for one in found.requires or [] if "extra ==" not in one]
print(json.dumps({"installed_mb": size / 1e6}))
"""


def tell(mine: dict[str, dict], other: dict) -> None:
    short = other["steps"] < STEPS
    sides = [*mine.values(), other]

    def row(name: str, cells: list[str]) -> None:
        print(f"{name:26}" + "".join(f" {cell:>16}" for cell in cells))

    row(f"M4 hourly, {about()['cores']} cores", [*(f"forecast, {effort}" for effort in mine), "nf LSTM"])
    for name, key, form in (
        ("wall time, s", "seconds", "{:.1f}"),
        ("processor time, s", "processor_seconds", "{:.1f}"),
        ("peak memory, MB", "peak_mb", "{:.0f}"),
        ("installed, MB", "installed_mb", "{:.0f}"),
        ("sMAPE, mean over series", "smape", "{:.2f}"),
        ("MASE (m = 24)", "mase", "{:.3f}"),
    ):
        row(name, [form.format(side[key]) if key in side else "–" for side in sides])
    row("their time ÷ ours", [f"{other['seconds'] / side['seconds']:.1f}" for side in mine.values()])
    print("target: at least 20 times as fast, with better sMAPE and MASE")
    if other["carried_over"]:
        print("neuralforecast was not run: its figures are carried over from one earlier measurement.")
    elif short:
        print(f"SHORT MODE: {other['steps']} of {STEPS} steps in {other['measured_seconds']:.0f} s; ", end="")
        print(f"the training time is scaled by {STEPS / other['steps']:g};")
        print(f"sMAPE and MASE are carried over from a full run ({ONCE['seconds']:.0f} s) measured earlier.")


if __name__ == "__main__":
    main()
