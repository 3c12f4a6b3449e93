"""A model with known covariates on the command line: explain, monitor, update, rollback, compare and show."""

import json
import re
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from command import ROOT, forecast, inside

HORIZON = 4
OLD = "2024-04-20"


def shops(count: int = 8, rows: int = 120, ahead: int = HORIZON + 2) -> pd.DataFrame:
    """Shops that heat and promotions move; noise does not. The last rows have no sales."""
    parts = []
    for shop in range(count):
        rng = np.random.default_rng(shop)
        days = np.arange(rows + ahead)
        heat, promo = rng.normal(15, 5, len(days)), rng.random(len(days)) < 0.2
        sales = 60 + shop + 5 * np.sin(2 * np.pi * days / 7) + heat + 12 * promo + rng.normal(size=len(days))
        sales[rows:] = np.nan
        parts.append(
            pd.DataFrame(
                {
                    "day": pd.date_range("2024-01-01", periods=len(days)).strftime("%Y-%m-%d"),
                    "shop": f"shop {shop}",
                    "sales": sales.round(3),
                    "heat": heat.round(2),
                    "promo": np.where(promo, "sale", "usual"),
                    "noise": np.random.default_rng(500 + shop).normal(size=len(days)).round(3),
                    "region": ("north", "south")[shop % 2],
                }
            )
        )
    return pd.concat(parts)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, its rows up to some day with those known after it, and a model of these."""
    folder = tmp_path_factory.mktemp("known")
    table = shops()
    table.to_csv(folder / "all.csv", index=False)
    old = table.assign(sales=table["sales"].where(table["day"] <= OLD))
    old.to_csv(folder / "old.csv", index=False)
    result = forecast(
        *("train", "old.csv", "--target", "sales", "--time", "day", "--id", "shop", "--horizon", HORIZON),
        *("--known", "heat,promo,noise", "--static", "region", "--hidden", 8, "--steps", 30, "--members", 1),
        *("--no-refit", "-q"),
        cwd=folder,
    )
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return shutil.copytree(trained, tmp_path / "copy")


def test_known_covariates_are_explained(folder: Path) -> None:
    """The table has a line for each with an effect, its value, and a sentence names the one without."""
    result = forecast("explain", "all.csv", "--series", "shop 3", "--step", "1-3", cwd=folder)
    assert result.returncode == 0, result.stderr
    text = re.sub(r"\s+", " ", result.stdout)
    assert "without the effect of known covariates" in text
    assert re.search(r"^known heat +[-+]\d", result.stdout, re.MULTILINE)
    assert re.search(r"^known promo +[-+]\d", result.stdout, re.MULTILINE)
    assert re.search(r"^heat +\d+\.\d +[-+]\d", result.stdout, re.MULTILINE)
    assert "known noise" not in result.stdout
    assert "No effect of noise on this series is confirmed: it changes nothing here." in text
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


def test_the_document_sums_to_the_forecast(folder: Path) -> None:
    """It fits its schema; value and effect of each step; all of it sums to what predict says."""
    result = forecast(
        *("explain", "all.csv", "--series", "shop 3", "--step", "1-3", "--json", "--report", "why.html"),
        cwd=folder,
    )
    found = json.loads(result.stdout)
    schema = json.loads((ROOT / "docs" / "schemas" / "explain-1.json").read_text())
    jsonschema.validate(found, schema, cls=jsonschema.Draft202012Validator)
    heat, promo, noise = found["known"][:3]
    assert [each["of_calendar"] for each in found["known"][:4]] == [False, False, False, True]
    table = shops().query("shop == 'shop 3' and sales.isna()")[:3]
    assert [step["value"] for step in heat["steps"]] == table["heat"].tolist()
    assert [step["value"] for step in promo["steps"]] == table["promo"].tolist()
    assert [step["time"] for step in promo["steps"]] == table["day"].tolist() == found["ahead"]
    moves = np.diff([step["effect"] for step in heat["steps"]])
    assert moves == pytest.approx(np.diff(table["heat"]), rel=0.15)
    assert not noise["confirmed"] and noise["effect"] == 0
    assert [fact["value"] for fact in found["facts"]] == ["south"]
    parts = [row["contribution"] for row in (*found["rows"], *found["known"], *found["facts"])]
    total = found["baseline"] + sum(parts) + found["seasonal_position"] + found["limits"] + found["remainder"]
    assert total == pytest.approx(found["forecast"])
    predicted = json.loads(forecast("predict", "all.csv", "--json", cwd=folder).stdout)
    mine = [row["forecast"] for row in predicted if row["shop"] == "shop 3"][:3]
    assert found["forecast"] == pytest.approx(np.mean(mine), abs=1e-3)
    page = (folder / "why.html").read_text(encoding="utf-8")
    assert "Effects of known covariates" in page
    assert "No effect of noise on this series is confirmed" in page


def test_without_the_future_there_is_nothing_to_explain(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows that are missing are named; a file of them, or a value asked for, helps."""
    monkeypatch.chdir(folder)
    shops().dropna().to_csv(folder / "past.csv", index=False)
    shops().query("sales.isna()").drop(columns="sales").to_csv(folder / "ahead.csv", index=False)
    bare = inside("explain", "past.csv", capfd=capfd)
    assert bare.returncode == 3 and "'heat', 'promo', 'noise' must be known" in bare.stderr
    whole = inside("explain", "all.csv", "--json", capfd=capfd).stdout
    assert inside("explain", "past.csv", "--future", "ahead.csv", "--json", capfd=capfd).stdout == whole
    assert inside("explain", "past.csv", "--known-fill", "last", capfd=capfd).returncode == 0


def test_missing_values_of_the_past_stop_nothing(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One empty cell among the newest rows: train, evaluate, monitor and explain go on, and count it."""
    monkeypatch.chdir(folder)
    table = shops()
    table.loc[(table["shop"] == "shop 2") & (table["day"] == "2024-04-28"), "heat"] = np.nan
    table.to_csv(folder / "holes.csv", index=False)
    columns = ("--target", "sales", "--time", "day", "--id", "shop", "--known", "heat,promo")
    small = ("--horizon", "4", "--hidden", "8", "--steps", "10", "--members", "1")
    result = inside("evaluate", "holes.csv", *columns, *small, "--origins", "2", capfd=capfd)
    assert result.returncode == 0, result.stderr
    assert "K004" in result.stderr
    assert inside("explain", "holes.csv", "--series", "shop 2", capfd=capfd).returncode == 0
    monitored = inside("monitor", "holes.csv", "--since", OLD, "--json", capfd=capfd)
    assert monitored.returncode in (0, 8), monitored.stderr


def test_monitor_knows_what_moved_a_row(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A promotion is no alarm, and sales that it does not explain are one."""
    monkeypatch.chdir(folder)
    table = shops()
    table = table[table["sales"].notna()]
    day = (table["shop"] == "shop 1") & (table["day"] == "2024-04-26")
    table.loc[day, ["sales", "promo"]] = table.loc[day, "sales"].item() + 20, "usual"
    table.to_csv(folder / "spike.csv", index=False)
    result = inside("monitor", "spike.csv", "--since", OLD, "--json", capfd=capfd)
    assert result.returncode == 8, result.stderr
    alarms = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(each["series"], each["time"]) for each in alarms if each["kind"] == "spike"] == [
        ("shop 1", "2024-04-26")
    ]


def test_update_rollback_compare_and_show(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They work with such a model as with others; a table without a known column is refused by its name."""
    monkeypatch.chdir(folder)
    before = (folder / "forecast.model").read_bytes()
    updated = inside("update", "all.csv", "--keep", "1", "-q", capfd=capfd)
    assert updated.returncode == 0, updated.stderr
    assert (folder / "forecast.model").read_bytes() != before
    assert inside("explain", "all.csv", "--step", "2", capfd=capfd).returncode == 0
    assert inside("rollback", capfd=capfd).returncode == 0
    assert (folder / "forecast.model").read_bytes() == before
    compared = inside(
        "compare", "all.csv", "--models", "forecast.model", "--origins", "2", "--json", capfd=capfd
    )
    assert compared.returncode == 0, compared.stderr
    card = json.loads(inside("show", "--json", capfd=capfd).stdout)
    assert card["data"]["known"] == ["heat", "promo", "noise"]
    shops().drop(columns="heat").to_csv(folder / "without.csv", index=False)
    for command in ("explain", "monitor", "update"):
        refused = inside(command, "without.csv", capfd=capfd)
        assert refused.returncode in (2, 4)
        assert "without.csv has no column 'heat'" in refused.stderr
