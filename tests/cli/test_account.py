"""--log-file, --summary and the schemas of all JSON that is written."""

import hashlib
import json
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import jsonschema
import pytest
from command import ROOT, SCRIPT, daily, environment, forecast

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[\d+\] (info|warning|error): .+")


def check(name: str, document: object) -> None:
    """Fail unless the document fits its schema."""
    schema = json.loads((ROOT / "docs" / "schemas" / f"{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)


def summary(folder: Path) -> dict:
    """The summary of the last run, which fits its schema."""
    document = json.loads((folder / "run.json").read_text())
    check("summary-1", document)
    return document


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with data, a model, and the summary and the log of its training."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "demand.csv").write_text(daily())
    result = forecast(
        *("train", "demand.csv", "--json", "--report", "r.csv", "--summary", "run.json", "--log-file", "log"),
        cwd=folder,
    )
    assert result.returncode == 0, result.stderr
    (folder / "train.json").write_text(result.stdout)
    return folder


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of that folder."""
    return shutil.copytree(trained, tmp_path / "copy")


def test_the_summary_of_a_training(trained):
    """What was read, found and written, with digests that sha256sum gives too."""
    document = summary(trained)
    data, model = (trained / "demand.csv").read_bytes(), (trained / "forecast.model").read_bytes()
    assert document["source"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert document["source"]["newest"] == "2024-04-29"
    assert document["model"]["sha256"] == hashlib.sha256(model).hexdigest()
    assert [file["path"] for file in document["files"]] == ["forecast.model", "r.csv"]
    assert document["files"][0]["bytes"] == len(model)
    assert (document["command"], document["exit_code"], document["error"]) == ("train", 0, None)
    assert document["peak_memory_bytes"] > 2**20
    assert document["seconds"] > 0


def test_the_log_of_a_training(trained):
    """A line for each event, from the first to the exit code; also the progress and the verdict."""
    lines = (trained / "log").read_text().splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    text = "\n".join(lines)
    assert "train demand.csv --json" in lines[0]
    assert "exit code 0" in lines[-1]
    assert "training: step" in text
    assert "held-out window" in text


def test_a_failure_is_accounted_for(folder):
    """Also where the command line is wrong, the data unusable, or the model missing."""
    (folder / "bad.csv").write_text("day,demand\n2024-01-01,1\n2024-01-02,x\n")
    runs = {
        2: ["predict", "--bogus"],
        3: ["train", "bad.csv"],
        4: ["predict", "--model", "none.model"],
        9: ["predict", "--max-age", "2d"],
    }
    for code, arguments in runs.items():
        result = forecast(*arguments, "--summary", "run.json", "--log-file", "log", cwd=folder)
        document = summary(folder)
        assert result.returncode == document["exit_code"] == code
        assert document["error"]["message"] in result.stderr
        assert f"exit code {code}" in (folder / "log").read_text().splitlines()[-1]
    assert document["source"]["newest"] == "2024-04-29"  # of data that is too old


def test_several_files_and_variables(folder):
    """The digest of several files is that of their list; a variable asks for a summary as the flag does."""
    shutil.copy(folder / "demand.csv", folder / "other.csv")
    result = forecast("inspect", "*.csv", "--layout", "files", cwd=folder, FORECAST_SUMMARY="run.json")
    assert result.returncode in (0, 3)
    (folder / "r.csv").unlink()
    result = forecast("inspect", "*.csv", "--layout", "files", cwd=folder, FORECAST_SUMMARY="run.json")
    assert result.returncode == 0, result.stderr
    lines = "".join(
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("demand.csv", "other.csv")
    )
    assert summary(folder)["source"]["sha256"] == hashlib.sha256(lines.encode()).hexdigest()


def test_a_terminated_run_is_accounted_for(folder):
    """SIGTERM, as systemd sends it."""
    process = subprocess.Popen(
        [SCRIPT, "train", "demand.csv", "--steps", "100000", "--summary", "run.json", "--log-file", "log"],
        cwd=folder,
        env=environment(),
        stderr=subprocess.DEVNULL,
    )
    (folder / "run.json").unlink()
    before = (folder / "log").read_text().count("training: step")
    while (folder / "log").read_text().count("training: step") == before and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert summary(folder)["exit_code"] == 143


def test_files_that_cannot_be_written(folder):
    """Said before the work; a log on a full disk is given up with a warning, and the work goes on."""
    for option in ("--summary", "--log-file"):
        result = forecast("predict", option, "none/x", cwd=folder)
        assert result.returncode == 5, result.stderr
    result = forecast("predict", "-o", "f.csv", "--log-file", "/dev/full", cwd=folder)
    assert result.returncode == 0
    assert result.stderr.count("the log file '/dev/full' cannot be written") == 1
    assert (folder / "f.csv").exists()


def test_settings_of_forecast_toml(folder):
    """Both are settings like any other; the log of an earlier run stays."""
    (folder / "forecast.toml").write_text('summary = "run.json"\nlog_file = "log"\n')
    before = (folder / "log").read_text()
    assert forecast("predict", "-q", cwd=folder).returncode == 0
    assert summary(folder)["command"] == "predict"
    after = (folder / "log").read_text()
    assert after.startswith(before)
    assert "exit code 0" in after.removeprefix(before)


def test_json_logs_have_times(folder):
    """Each line fits its schema, on stderr and in the file."""
    result = forecast(
        "evaluate", "demand.csv", "--log-format", "json", "--log-file", "l.jsonl", "--json", cwd=folder
    )
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    kept = [json.loads(line) for line in (folder / "l.jsonl").read_text().splitlines()]
    for line in (*lines, *kept):
        check("log-1", line)
    assert [line["message"] for line in lines] == [line["message"] for line in kept[1:-1]]
    check("evaluate-1", json.loads(result.stdout))


def test_results_fit_their_schemas(folder):
    """--json of every command, also of data that cannot be used."""
    check("train-1", json.loads((folder / "train.json").read_text()))
    (folder / "bad.csv").write_text("day,demand\n2024-01-01,1\n2024-01-02,x\n")
    for schema, arguments in (
        ("predict-1", ["predict", "--quantiles", "0.1,0.5"]),
        ("predict-1", ["predict", "--samples", "2"]),
        ("explain-1", ["explain", "--step", "2-3"]),
        ("explain-1", ["explain", "demand.csv", "--model", "pretrained"]),
        ("inspect-1", ["inspect", "demand.csv"]),
        ("inspect-1", ["inspect", "bad.csv"]),
        ("show-1", ["show"]),
        ("show-1", ["show", "pretrained"]),
    ):
        check(schema, json.loads(forecast(*arguments, "--json", cwd=folder).stdout))


def test_a_help_page_is_no_run(folder):
    """Help writes nothing."""
    (folder / "run.json").unlink()
    assert forecast("train", "--help", cwd=folder, FORECAST_SUMMARY="run.json").returncode == 0
    assert not (folder / "run.json").exists()
