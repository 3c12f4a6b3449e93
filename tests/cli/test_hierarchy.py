"""A hierarchy on the command line: forecasts, reports and files of all levels, which add up as printed."""

import io
import json
import shutil
from decimal import Decimal

import jsonschema
import numpy as np
import pandas as pd
import pytest
from command import ROOT, assert_clean_failure, forecast, said

import forecaster

LEVELS = {"total": 1, "region": 2, "region/shop": 5}
SHOPS = ("north/a", "north/b", "south/a", "south/b", "south/c")


def sales(shops=SHOPS, *, rows=80, seed=0):
    """CSV of daily sales in shops of two regions, which rise and fall together."""
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 1, rows).cumsum()
    lines = ["day,region,shop,sold"]
    for number, name in enumerate(shops):
        size = 0.37 * 10**number + 1
        own = size * (20 + 3 * np.sin(np.arange(rows) * 0.9) + common + rng.normal(0, 1, rows))
        lines += [
            f"{np.datetime64('2024-01-01') + row},{name.replace('/', ',')},{value:.6f}"
            for row, value in enumerate(own)
        ]
    return "\n".join([*lines, ""])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with sales.csv, the model of its hierarchy and what `train --json` wrote."""
    folder = tmp_path_factory.mktemp("hierarchy")
    (folder / "sales.csv").write_text(sales())
    result = forecast(
        "train", "sales.csv", "--hierarchy", "region,shop", "--horizon", "4", "--json", cwd=folder
    )
    assert result.returncode == 0, result.stderr
    (folder / "train.json").write_text(result.stdout)
    return folder


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of that folder."""
    return shutil.copytree(trained, tmp_path / "copy")


def parts_of(name, ids):
    """The ids of the series that a sum is made of."""
    return [each for each in ids if each.count("/") == 1 and (name == "total" or each.startswith(f"{name}/"))]


def assert_adds_up_as_printed(text, value="forecast"):
    """The decimal numbers of each sum are those of its series, added up."""
    table = pd.read_csv(io.StringIO(text), dtype=str)
    keys = [name for name in ("day", "sample") if name in table]
    printed = {
        (row["region+shop"], *(row[key] for key in keys)): Decimal(row[value]) for _, row in table.iterrows()
    }
    ids = {name for name, *_ in printed}
    for name, *rest in printed:
        if name in ids and parts_of(name, ids):
            assert printed[name, *rest] == sum(printed[part, *rest] for part in parts_of(name, ids)), (
                name,
                rest,
            )


@pytest.mark.parametrize("digits", [(), ("--digits", "3")])
def test_forecasts_of_all_levels_add_up_as_printed(trained, digits):
    """The model remembers the hierarchy: each level has its rows, marked in the column `level`."""
    result = forecast("predict", *digits, cwd=trained)
    assert (result.returncode, said(result)) == (0, "")
    table = pd.read_csv(io.StringIO(result.stdout))
    columns = ["region+shop", "day", "level", "forecast", "lo_80", "hi_80", "lo_95", "hi_95"]
    assert list(table) == columns
    assert table.groupby("level")["region+shop"].nunique().to_dict() == LEVELS
    assert (table["lo_80"] <= table["forecast"]).all() and (table["forecast"] <= table["hi_80"]).all()
    assert_adds_up_as_printed(result.stdout)


def test_paths_add_up_as_printed(trained):
    """So do the paths of --samples, one by one."""
    result = forecast("predict", "--samples", "3", cwd=trained)
    assert result.returncode == 0, result.stderr
    assert_adds_up_as_printed(result.stdout, "value")


def test_new_data_has_the_same_structure(folder):
    """A new shop in a known region is forecast, and counts in the sums; --skip-short would leave it out."""
    (folder / "new.csv").write_text(sales((*SHOPS, "north/new")))
    result = forecast("predict", "new.csv", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "north/new" in result.stdout
    assert_adds_up_as_printed(result.stdout)
    lines = (folder / "new.csv").read_text().splitlines()
    (folder / "short.csv").write_text("\n".join([*lines[:-80], *lines[-3:], ""]))
    assert_clean_failure(forecast("predict", "short.csv", "--skip-short", cwd=folder), 2)
    assert_adds_up_as_printed(forecast("predict", "short.csv", cwd=folder).stdout)


def test_the_report_has_errors_by_level(trained):
    """Weighted RMSSE of each method at each level, in the JSON of train and in the table of evaluate."""
    report = json.loads((trained / "train.json").read_text())["report"]
    found = report["hierarchy"]
    assert dict(zip(found["levels"], found["series"], strict=True)) == LEVELS
    assert {each["group"] for each in report["groups"]} == set(LEVELS)
    by_level = found["wrmsse_by_level"]["model"]
    assert found["wrmsse"]["model"] == pytest.approx(np.mean(by_level))
    total = report["ids"].index("total")
    assert by_level[0] == pytest.approx(report["per_series"]["model"]["rmsse"][total])
    asked = ("--hierarchy", "region,shop", "--horizon", "4", "--reconcile", "bottom-up")
    result = forecast(
        "evaluate", "sales.csv", *asked, "--predictions", "p.csv", "--report", "r.html", cwd=trained
    )
    assert result.returncode == 0, result.stderr
    assert "WRMSSE by level" in result.stdout
    assert "Weighted RMSSE by level" in (trained / "r.html").read_text()
    errors = pd.read_csv(trained / "p.csv")
    assert set(errors["level"]) == set(LEVELS)
    whole = errors.pivot(index="day", columns="region+shop", values="forecast")
    np.testing.assert_allclose(whole["total"], whole[list(SHOPS)].sum(axis=1), rtol=1e-5)
    as_json = json.loads(forecast("evaluate", "sales.csv", *asked, "--json", cwd=trained).stdout)
    jsonschema.validate(as_json, json.loads((ROOT / "docs" / "schemas" / "evaluate-1.json").read_text()))


def test_weights_are_the_values_of_the_newest_rows(trained):
    """Within a level, an error counts by its part of the newest season before the origin."""
    report = json.loads((trained / "train.json").read_text())["report"]
    table = pd.read_csv(trained / "sales.csv").assign(id=lambda t: t["region"] + "/" + t["shop"])
    first = 80 - 4 * report["origins"]
    newest = table.groupby("id")["sold"].apply(lambda sold: sold.iloc[first - 7 : first].sum())
    rmsse = dict(zip(report["ids"], report["per_series"]["naive"]["rmsse"], strict=True))
    expected = sum(newest[name] * rmsse[name] for name in SHOPS) / newest.sum()
    assert report["hierarchy"]["wrmsse_by_level"]["naive"][2] == pytest.approx(expected)


def test_what_inspect_suggests_works(folder):
    """Ids with parts stay as they are; what inspect prints is an option of train."""
    rows = (folder / "sales.csv").read_text().replace("north,", "north/").replace("south,", "south/")
    (folder / "ids.csv").write_text(rows.replace("region,shop", "shop"))
    plain = forecast("inspect", "ids.csv", cwd=folder)
    assert "A001" in plain.stdout and "--hierarchy shop" in plain.stdout
    asked = forecast("inspect", "ids.csv", "--hierarchy", "shop", "--json", cwd=folder)
    codes = {each["code"]: each for each in json.loads(asked.stdout)["findings"]}
    assert "A001" not in codes and "1 total, 2 level 1, 5 level 2" in codes["A002"]["message"]
    (folder / "forecast.toml").write_text('hierarchy = ["shop"]\n')
    result = forecast("predict", "ids.csv", "--model", "pretrained", cwd=folder)
    assert result.returncode == 0, result.stderr
    table = pd.read_csv(io.StringIO(result.stdout))
    assert set(table["level"]) == {"total", "level 1", "level 2"}
    assert_adds_up_as_printed(result.stdout.replace("shop,", "region+shop,", 1))


def test_a_saved_model_and_python_give_the_same(folder):
    """The model file has all of it: the Python API, the file and the command line agree to the byte."""
    model = forecaster.load(folder / "forecast.model")
    assert model.facts.read.hierarchy == ("region", "shop")
    model.save(folder / "again.model")
    assert (folder / "again.model").read_bytes() == (folder / "forecast.model").read_bytes()
    table = forecaster.predict(model, folder / "sales.csv")
    whole = table.pivot(index="day", columns="region+shop", values="forecast")
    np.testing.assert_allclose(whole["total"], whole["north"] + whole["south"], rtol=1e-12)
    written = pd.read_csv(io.StringIO(forecast("predict", cwd=folder).stdout))
    np.testing.assert_allclose(written["hi_95"], table["hi_95"], rtol=1e-5)


def test_what_follows_an_origin_changes_no_forecast(folder):
    """All levels, points and intervals alike, come from rows before the origin."""
    model = forecaster.load(folder / "forecast.model")
    from forecaster.data.load import load
    from forecaster.forecasting.forecast import forecast as forecast_from

    panel = load(folder / "sales.csv", model.facts.read).panel
    origins = np.full(len(panel), 70)
    late = np.arange(len(panel.time)) - np.repeat(panel.offsets[:-1], panel.lengths) >= 70
    changed = panel.values.copy()
    changed[late] = 1e6 * np.random.default_rng(0).random((late.sum(), 1))
    first = forecast_from(model, panel, origins=origins)
    panel.values[late] = changed[late]
    again = forecast_from(model, panel, origins=origins)
    for one, other in ((first.point, again.point), (first.lower, again.lower), (first.upper, again.upper)):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("command", ["explain", "monitor", "update"])
def test_other_commands_take_a_hierarchy(folder, command):
    """A sum is a series like others."""
    (folder / "sales.csv").write_text(sales(rows=90))
    extra = {"explain": ("--series", "total"), "monitor": ("sales.csv",), "update": ("--json",)}[command]
    result = forecast(command, *extra, cwd=folder)
    assert result.returncode in (0, 8), result.stderr
    if command == "explain":
        assert "before the levels of the hierarchy are made to add up" in result.stderr


def test_a_table_with_a_column_called_level(folder):
    """The column of forecasts needs the name."""
    rows = (folder / "sales.csv").read_text().replace("day,", "level,", 1)
    (folder / "named.csv").write_text(rows)
    asked = ("--model", "pretrained", "--hierarchy", "region,shop", "--horizon", "2")
    assert_clean_failure(forecast("predict", "named.csv", "--time", "level", *asked, cwd=folder), 2)
