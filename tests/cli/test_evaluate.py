"""`forecast evaluate`: groups, predictions, training again."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import SMALL, assert_clean_failure, forecast, inside, said

from forecaster.evaluation import metrics


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six daily series of two kinds of shops in two regions; one region is missing."""
    path = tmp_path_factory.mktemp("evaluate")
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=70)
    parts = [
        pd.DataFrame(
            {
                "day": days,
                "shop": f"shop {number}",
                "region": None if number == 5 else ("north", "=1+1")[number % 2],
                "sold": np.round(20 + 5 * np.sin(np.arange(70) * 2 * np.pi / 7) + rng.normal(size=70), 2),
            }
        )
        for number in range(6)
    ]
    pd.concat(parts).to_csv(path / "shops.csv", index=False)
    return path


BASE = (
    "evaluate",
    "shops.csv",
    "--horizon",
    "5",
    "--target",
    "sold",
    "--id",
    "shop",
    "--model",
    "pretrained",
)


def test_groups_by_a_column(folder: Path) -> None:
    """Each value of the column has a line and a comparison; series without a value are a group too."""
    result = forecast(*BASE, "--origins", "3", "--by", "region", "--json", cwd=folder)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert [(each["group"], each["series"], each["windows"]) for each in report["groups"]] == [
        ("(none)", 1, 3),
        ("=1+1", 2, 6),
        ("north", 3, 9),
    ]
    shown = forecast(*BASE, "--origins", "3", "--by", "region", cwd=folder).stdout
    assert "3 series of 'north': " in shown


def test_a_column_that_is_not_there(folder: Path) -> None:
    """The message names the columns that are."""
    result = forecast(*BASE, "--by", "x", cwd=folder)
    assert result.returncode == 2
    assert "has no column 'x'" in result.stderr and "'region'" in result.stderr


def test_a_value_that_changes_within_a_series(folder: Path) -> None:
    """The message names the series, both values and the line."""
    table = pd.read_csv(folder / "shops.csv")
    table.loc[3, "region"] = "south"
    table.to_csv(folder / "moved.csv", index=False)
    arguments = ["moved.csv" if each == "shops.csv" else each for each in BASE]
    result = forecast(*arguments, "--by", "region", cwd=folder)
    assert result.returncode == 3
    assert "series 'shop 0' has several values in column 'region': 'north' and 'south'" in result.stderr
    assert "line 5" in result.stderr


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_predictions_hold_every_forecast(folder: Path, ending: str) -> None:
    """The file has each forecast beside its actual value: the report's errors follow from it."""
    file = f"p.{ending}"
    result = forecast(*BASE, "--origins", "2", "--predictions", file, "--json", cwd=folder)
    assert result.returncode == 0, result.stderr
    found = pd.read_csv(folder / file) if ending == "csv" else pd.read_parquet(folder / file)
    assert list(found)[:10] == [
        "shop", "day", "origin", "step", "actual", "forecast", "lo_80", "hi_80", "lo_95", "hi_95"
    ]  # fmt: skip
    assert len(found) == 6 * 2 * 5
    assert (pd.to_datetime(found["day"]) - pd.to_datetime(found["origin"])).dt.days.eq(found["step"]).all()
    report = json.loads(result.stdout)
    for method, column in (("model", "forecast"), ("naive", "naive"), ("seasonal naive", "seasonal naive")):
        errors = (found["actual"] - found[column]).abs().groupby(found["shop"]).mean()
        assert report["overall"][method]["mae"] == pytest.approx(errors.mean())
    covered = metrics.coverage(*(found[name].to_numpy() for name in ("actual", "lo_80", "hi_80")))
    assert report["intervals"]["overall"]["coverage_80"] == pytest.approx(float(covered))


def test_predictions_are_checked_before_any_work(folder: Path) -> None:
    """A name without a known ending, a missing folder or the report's own file fails at once."""
    for name, code in (("p.xlsx", 2), ("nowhere/p.csv", 5)):
        assert_clean_failure(forecast(*BASE, "--predictions", name, cwd=folder), code)
    result = forecast(*BASE, "--predictions", "r.csv", "--report", "r.csv", cwd=folder)
    assert result.returncode == 2


def test_training_again_before_each_origin(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """--refit each trains once for each origin, --refit 2 for two of them; what is none is refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in SMALL.items():
            patch.setenv(name, value)
        counts = {}
        for asked in ("never", "each", "2"):
            result = inside(*BASE[:-2], "--origins", "3", "--refit", asked, "--no-refit", capfd=capfd)
            assert result.returncode == 0, result.stderr
            counts[asked] = result.stderr.count("step 20/20")
        assert counts == {"never": 1, "each": 3, "2": 2}
        for wrong in ("0", "sometimes", "-1", "9" * 99):
            result = inside(*BASE[:-2], "--refit", wrong, capfd=capfd)
            assert result.returncode == 2
            assert "never, each, or a number" in result.stderr


def test_origins_are_counted_as_they_are_done(folder: Path) -> None:
    """A few lines tell how far a long backtest is; a single origin needs none."""
    result = forecast(*BASE, "--origins", "8", cwd=folder)
    lines = [line for line in said(result).splitlines() if "of 8 origins" in line]
    assert 2 <= len(lines) <= 4
    assert lines[-1].startswith("forecasts from 8 of 8 origins, 0:00 left")
    assert "origins" not in said(forecast(*BASE, cwd=folder))


def test_the_report_as_csv_has_origins_and_quantiles(folder: Path) -> None:
    """One row for each scope and method; the model's rows have the measures of its intervals too."""
    result = forecast(*BASE, "--origins", "2", "--report", "r2.csv", cwd=folder)
    assert result.returncode == 0, result.stderr
    rows = pd.read_csv(io.StringIO((folder / "r2.csv").read_text()))
    assert set(rows["scope"]) == {"overall", "step", "origin", "series"}
    model = rows[(rows["scope"] == "origin") & (rows["method"] == "model")]
    assert len(model) == 2 and model[["crps", "coverage_95", "score_80"]].notna().all().all()


def test_a_model_that_is_given_is_not_trained_again(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """--refit beside --model is refused: it would change nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert_clean_failure(inside(*BASE, "--refit", "each", capfd=capfd), 2)


def test_groups_by_the_id_column(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each series is a group of its own; the column stays the id, also where it is found by itself."""
    arguments = [each for each in BASE if each not in ("--id", "shop")]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = inside(*arguments, "--by", "shop", "--json", capfd=capfd)
    assert result.returncode == 0, result.stderr
    assert [each["group"] for each in json.loads(result.stdout)["groups"]] == [f"shop {n}" for n in range(6)]
