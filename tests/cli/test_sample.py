"""`--sample-series`: train and evaluate on a sample of the series, from end to end."""

import json

import jsonschema
import numpy as np
import pandas as pd
import pytest
from command import ROOT, forecast

SERIES, ROWS = 1300, 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a data set of two Parquet files, and the model of a sample with its JSON."""
    folder = tmp_path_factory.mktemp("sample")
    rng = np.random.default_rng(1)
    y = 10 ** rng.integers(0, 4, (SERIES, 1)) * (2 + rng.random((SERIES, ROWS)))
    table = pd.DataFrame(
        {
            "sensor": np.repeat([f"m{number:04d}" for number in range(SERIES)], ROWS),
            "day": np.tile(pd.date_range("2024-01-01", periods=ROWS), SERIES),
            "load": y.ravel().round(2),
        }
    )
    (folder / "meters").mkdir()
    half = len(table) // 2
    table.iloc[:half].to_parquet(folder / "meters" / "a.parquet")
    table.iloc[half:].to_parquet(folder / "meters" / "b.parquet")
    result = run(folder, "train", "meters", "--sample-series", "200", "--horizon", "4", "--json")
    (folder / "train.json").write_text(result.stdout)
    return folder


def run(folder, *arguments, code=0, **changes):
    """The finished command; its exit code must be `code`."""
    result = forecast(*arguments, cwd=folder, **changes)
    assert result.returncode == code, result.stderr
    return result


def checked(name, text):
    """JSON that fits its schema."""
    content = json.loads(text)
    jsonschema.validate(content, json.loads((ROOT / "docs" / "schemas" / f"{name}.json").read_text()))
    return content


def test_train_tells_what_the_sample_is_and_costs(folder):
    """JSON has counts, strata, both reports and the gain of the second half, and fits its schema."""
    result = checked("train-1", (folder / "train.json").read_text())
    sample = result["sample"]
    assert [sample[name] for name in ("series", "sampled", "held_out")] == [SERIES, 200, 1000]
    assert sum(each["series"] for each in sample["strata"]) == SERIES
    assert result["report"]["scored"] == 200 and sample["held_out_series"]["scored"] == 1000
    assert sample["gain"]["series"] == 100 and sample["weighted"]["model"]["mase"] > 0
    assert sample["notes"] == result["notes"][-len(sample["notes"]) :]


def test_show_tells_of_the_sample(folder):
    """The card says how many of how many series, and has the strata."""
    card = checked("show-1", run(folder, "show", "--json").stdout)
    assert card["sample"]["sampled"] == 200 and "sample" not in card["training"]
    text = run(folder, "show").stdout
    assert "200 of 1,300 series" in text and "32 to 63 values, 1000 to 10000" in text


def test_every_series_is_forecast(folder):
    """Those outside the sample too, from the same files, and intervals cover theirs as they cover others."""
    result = run(folder, "predict", "-o", "all.csv")
    assert "200" not in result.stdout
    assert pd.read_csv(folder / "all.csv").sensor.nunique() == SERIES


def test_evaluate_on_a_sample(folder):
    """A simple random sample, which differs from that of the training."""
    result = run(folder, "evaluate", "meters", "--sample-series", "100", "--horizon", "4", "--json")
    report = checked("evaluate-1", result.stdout)
    assert report["scored"] == report["sample"]["sampled"] == 100 and report["sample"]["held_out"] == 0
    assert "a simple random sample: 100 of 1,300 series" in result.stderr
    trained = json.loads((folder / "train.json").read_text())
    assert {*report["ids"]} < {*trained["sample"]["held_out_series"]["ids"]}  # of the same seed


def test_variable_file_and_flag(folder):
    """The option is a variable and a key too; a sample is at least 100 series."""
    result = run(folder, "train", "meters", code=2, FORECAST_SAMPLE_SERIES="5")
    assert "sample_series cannot be '5'" in result.stderr and "100 or more, or auto" in result.stderr
    (folder / "small.toml").write_text("sample_series = 5\n")
    assert "cannot be 5" in run(folder, "train", "meters", "--config", "small.toml", code=2).stderr
