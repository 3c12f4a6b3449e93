"""forecast monitor: alarms on stdout, exit codes, the state file."""

import json
import os
import subprocess
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from command import ROOT, SCRIPT, assert_clean_failure, environment, forecast, inside, said

from forecaster.model.lock import lock

SCHEMAS = ROOT / "docs" / "schemas"
START = np.datetime64("2024-01-01T00")


def readings(rows: int, **changed: float) -> str:
    """A CSV table of hourly readings with a daily season; `r700=9.5` is another reading in row 700."""
    values = 20 + 5 * np.sin(np.arange(rows) / 24 * 6.2832) + np.random.default_rng(4).normal(size=rows)
    for row, value in changed.items():
        if int(row[1:]) < rows:
            values[int(row[1:])] = value
    lines = [f"{START + row},{value:.4f}" for row, value in enumerate(values) if np.isfinite(value)]
    return "\n".join(["time,temperature", *lines]) + "\n"


FAULTS = {"r560": 70.0, **{f"r{row}": 21.25 for row in range(600, 640)}}
"""A spike, and a stuck sensor."""
PRETRAINED = ("--model", "pretrained", "--since", "2024-01-20")


def check(name: str, document: object) -> None:
    """Fail unless the document fits its schema."""
    jsonschema.validate(document, json.loads((SCHEMAS / f"{name}.json").read_text()))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with 500 sound readings."""
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text(readings(500))
    return tmp_path


@pytest.fixture
def trained(here: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    """That folder, with a model of the readings."""
    small = ("--steps", "5", "--members", "1", "--hidden", "4", "--workers", "1", "--no-pretrained")
    result = inside("train", "x.csv", *small, capfd=capfd)
    assert result.returncode == 0, result.stderr
    return here


def test_an_alarm_is_raised_once(trained: Path) -> None:
    """As cron runs it, in processes of its own: without new rows quiet, with faults code 8, then quiet."""
    quiet = forecast("monitor", "--json", cwd=trained)
    assert (quiet.returncode, quiet.stdout) == (0, "")
    assert "0 alarms in 0 new rows up to 2024-01-21 19:00:00 of 1 series" in quiet.stderr
    Path("x.csv").write_text(readings(700, **FAULTS))
    alarm = forecast("monitor", "--json", "--summary", "run.json", cwd=trained)
    assert alarm.returncode == 8, alarm.stderr
    rows = [json.loads(line) for line in alarm.stdout.splitlines()]
    for row in rows:
        check("monitor-1", row)
    assert {"kind": "spike", "time": "2024-01-24 08:00:00", "value": 70.0}.items() <= rows[0].items()
    assert rows[0]["upper"] < 70
    assert ("stuck", "2024-01-26 00:00:00") in [(row["kind"], row["since"]) for row in rows]
    summary = json.loads(Path("run.json").read_text())
    check("summary-1", summary)
    assert (summary["exit_code"], summary["files"][0]["path"]) == (8, "forecast.model.monitor")
    again = forecast("monitor", "--json", cwd=trained)
    assert (again.returncode, again.stdout) == (0, "")
    Path("forecast.model.monitor").unlink()
    anew = forecast("monitor", cwd=trained)
    assert anew.returncode == 8
    assert len(anew.stdout.splitlines()) == len(rows)
    assert anew.stdout.startswith("2024-01-24 08:00:00  spike   70, expected ")
    assert "stuck   21.25 at every reading since 2024-01-26 00:00:00" in anew.stdout


def test_rows_that_come_piece_by_piece(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Three runs raise the alarms of one; what changed behind them is counted, and judged no more."""
    Path("x.csv").write_text(readings(700, **FAULTS))
    whole = inside("monitor", "x.csv", *PRETRAINED, "--state", "whole", capfd=capfd)
    assert whole.returncode == 8
    found = ""
    for rows, changed in ((540, {}), (575, FAULTS), (700, FAULTS)):
        Path("x.csv").write_text(readings(rows, **changed))
        result = inside("monitor", "x.csv", *PRETRAINED, capfd=capfd)
        found += result.stdout
    assert found == whole.stdout
    assert "--since is for a new state: this one goes on after 2024-01-24 22:00:00" in result.stderr
    Path("x.csv").write_text(readings(702, **FAULTS | {"r690": 99.0, "r691": np.nan}))
    result = inside("monitor", "x.csv", *PRETRAINED, capfd=capfd)
    assert (result.returncode, result.stdout) == (0, "")
    assert "of rows judged before, 1 were changed, 1 are gone: they are not judged again" in result.stderr
    assert "in 2 new rows" in result.stderr


def test_many_series_have_a_column(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each line names its series, inert."""
    lines = readings(600, r580=90.0).splitlines()
    wide = [lines[0] + ",evil \x1b[31m[red]"] + [f"{line},{row % 24}.5" for row, line in enumerate(lines[1:])]
    Path("x.csv").write_text("\n".join(wide) + "\n")
    options = ("--target", "temperature,evil \x1b[31m[red]")
    result = inside("monitor", "x.csv", *PRETRAINED, *options, capfd=capfd)
    assert result.returncode == 8
    assert "spike   temperature" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("content", [b"", b"nonsense" * 9, "damaged", "model", "folder"])
def test_a_damaged_state_is_named(
    here: Path, content: bytes | str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is judged and the file stays; once it is removed, as the hint says, the command works."""
    state = Path("my.state")
    if content == "folder":
        state.mkdir()
    elif content == "model":
        state.write_bytes(next(Path(os.environ["FORECAST_WEIGHTS"]).glob("*.safetensors")).read_bytes())
    elif content == "damaged":
        inside("monitor", "x.csv", *PRETRAINED, "--state", "my.state", capfd=capfd)
        whole = bytearray(state.read_bytes())
        whole[-100] ^= 1
        state.write_bytes(whole)
    else:
        state.write_bytes(content)
    before = state.read_bytes() if state.is_file() else None
    result = inside("monitor", "x.csv", *PRETRAINED, "--state", "my.state", capfd=capfd)
    assert_clean_failure(result, 5)
    assert "my.state'" in result.stderr
    if before is None:
        return
    assert "cannot be used" in result.stderr
    assert "Remove it: the next run begins a new one" in result.stderr
    assert state.read_bytes() == before
    state.unlink()
    assert inside("monitor", "x.csv", *PRETRAINED, "--state", "my.state", capfd=capfd).returncode in (0, 8)


def test_the_state_of_other_data_is_refused(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Other series or another frequency: the file stays as it is."""
    assert inside("monitor", "x.csv", *PRETRAINED, capfd=capfd).returncode in (0, 8)
    before = Path("pretrained.monitor").read_bytes()
    text = readings(500)
    for other, words in (
        (text.replace("temperature", "pressure"), "series 'temperature'"),
        (text.replace("T", " ").replace(":00", ""), None),
        ("time,temperature\n" + "\n".join(f"{np.datetime64('2023-01-01') + d},{d % 7}" for d in range(300)),
         "frequency h"),
    ):  # fmt: skip
        Path("x.csv").write_text(other)
        result = inside("monitor", "x.csv", *PRETRAINED, capfd=capfd)
        if words:
            assert_clean_failure(result, 2)
            assert f"the state is that of other data: {words}" in result.stderr
    assert Path("pretrained.monitor").read_bytes() == before


def test_one_run_at_a_time(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A second run ends with code 6 before it judges; what it would have printed is not lost."""
    with lock("pretrained.monitor"):
        result = forecast("monitor", "x.csv", *PRETRAINED, cwd=here)
    assert_clean_failure(result, 6)
    assert "another run is judging by" in result.stderr
    assert "--state" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("--json",)])
@pytest.mark.parametrize("stdout", ["full", "left"])
def test_alarms_that_stdout_loses_come_again(here: Path, stdout: str, arguments: tuple[str, ...]) -> None:
    """The state is written after the alarms: a full disk behind stdout, or a reader that left, leaves it."""
    Path("x.csv").write_text(readings(600, **FAULTS))
    place = os.open("/dev/full", os.O_WRONLY) if stdout == "full" else _pipe_without_reader()
    try:
        lost = subprocess.run(
            [SCRIPT, "monitor", "x.csv", *PRETRAINED, *arguments], stdout=place, stderr=subprocess.PIPE,
            text=True, env=environment(), timeout=120, check=False,
        )  # fmt: skip
    finally:
        os.close(place)
    assert lost.returncode == 5
    assert "the next run raises them again" in lost.stderr
    assert not Path("pretrained.monitor").exists()
    assert forecast("monitor", "x.csv", *PRETRAINED, cwd=here).returncode == 8


def _pipe_without_reader() -> int:
    """The end to write to, as after `| true`."""
    read, write = os.pipe()
    os.close(read)
    return write


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "pretrained"), "pretrained networks have no data of their own"),
        (("x.csv", *PRETRAINED, "--false-alarms", "often"), "false_alarms cannot be 'often'"),
        (("x.csv", *PRETRAINED, "--false-alarms", "1/h"), "false_alarms cannot be '1/h'"),
        (("x.csv", "--model", "pretrained", "--since", "soon"), "since cannot be 'soon'"),
        (("x.csv", *PRETRAINED, "--state", "x.csv"), "is the same file as"),
        (("x.csv", *PRETRAINED, "--state", "-"), "the state needs a file"),
    ],
)
def test_wrong_usage(
    here: Path, arguments: tuple[str, ...], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each is named; no file is made or changed."""
    before = {path.name: path.read_bytes() for path in here.iterdir()}
    result = inside("monitor", *arguments, capfd=capfd)
    assert_clean_failure(result, 2)
    assert words in said(result)
    assert {path.name: path.read_bytes() for path in here.iterdir() if path.is_file()} == before


def test_rows_that_cannot_be_judged_are_said(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A short past is no silent pass; too old rows are exit code 9 where --max-age asks."""
    Path("x.csv").write_text(readings(60))
    result = inside("monitor", "x.csv", "--model", "pretrained", capfd=capfd)
    assert result.returncode == 0
    assert "rows could not be judged: too few rows come before them" in result.stderr
    result = inside("monitor", "x.csv", *PRETRAINED, "--max-age", "2d", capfd=capfd)
    assert_clean_failure(result, 9)


def test_the_list_of_exit_codes_has_it() -> None:
    """Wherever the codes stand."""
    for page in ("docs/reliability.md", "docs/cron.md"):
        assert "| 8 | `monitor` raised an alarm" in (ROOT / page).read_text(encoding="utf-8")


HOSTILE = (
    "\udcff",
    "a" * 100_000,
    "\n",
    "9" * 5000,
    "\x1b[31m",
    "1/" + "9" * 9,
    "1e5/w",
    "0001-01-01",
    "/dev/null",
    "",
)


@pytest.mark.parametrize("option", ["--state", "--since", "--false-alarms"])
def test_any_value_of_its_options(here: Path, option: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Done, or a short message with the right code; never a bug."""
    for value in HOSTILE:
        result = inside("monitor", "x.csv", "--model", "pretrained", f"{option}={value}", capfd=capfd)
        assert result.returncode in (0, 2, 5, 8), (value[:20], result.stderr[-300:])
        assert len(result.stderr) < 2000
        assert "Traceback" not in result.stderr
        Path("pretrained.monitor").unlink(missing_ok=True)
