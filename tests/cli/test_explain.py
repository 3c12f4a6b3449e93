"""`forecast explain`: what moved a forecast, on the terminal and as JSON."""

import json
import re
import shutil
from pathlib import Path

import pytest
from command import assert_clean_failure, daily, forecast, inside

NUMBER = r"[-+]?[\d,]+\.\d+"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three series and a model of them."""
    folder = tmp_path_factory.mktemp("explained")
    lines = ["day,shop,demand"]
    for shop, factor in (("[b]north[/]", 1), ("south", 2), ("south-west", 3)):
        rows = [line.split(",") for line in daily(90).splitlines()[1:]]
        lines += [f"{day},{shop},{factor * float(value):.3f}" for day, value in rows]
    (folder / "shops.csv").write_text("\n".join([*lines, ""]))
    result = forecast("train", "shops.csv", "--horizon", 8, "--no-refit", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return shutil.copytree(trained, tmp_path / "copy")


def test_the_table_sums_from_baseline_to_forecast(folder: Path) -> None:
    """As a user runs it: each contribution moves the sum so far, from the baseline to the forecast."""
    result = forecast("explain", "--series", "south", "--step", 3, cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "reading" in result.stderr
    table = result.stdout.split("strongest rows")[0].splitlines()
    begin = next(line for line in table if line.startswith("baseline forecast"))
    end = next(line for line in table if line.startswith("forecast"))
    total = float(begin.split()[-1])
    moves = [line for line in table[table.index(begin) + 1 : table.index(end)] if line.strip()]
    assert any(line.startswith("last row ") for line in moves)
    assert any(line.startswith("1 season before ") for line in moves)
    for line in moves:
        value, so_far = re.findall(rf"(?<=\s){NUMBER}(?=\s)", line)[-2:]
        total += float(value)
        assert total == pytest.approx(float(so_far), abs=0.01)
    assert float(end.split()[-1]) == pytest.approx(total, abs=0.02)
    predicted = json.loads(forecast("predict", "--json", cwd=folder).stdout)
    mine = [row["forecast"] for row in predicted if row["shop"] == "south"]
    assert float(end.split()[-1]) == pytest.approx(mine[2], abs=0.01)
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


def test_json_holds_every_row(folder: Path) -> None:
    """Rows with times, values and contributions; all of it sums to the forecast; the same bytes again."""
    first, again = (
        forecast("explain", "--series", "south", "--step", "2-5", "--json", cwd=folder).stdout for _ in "12"
    )
    assert first == again
    found = json.loads(first)
    assert (found["series"], found["first_step"], found["last_step"]) == ("south", 2, 5)
    assert len(found["rows"]) == 90
    assert found["rows"][-1]["time"] == "2024-03-30"
    assert found["ahead"] == ["2024-04-01", "2024-04-02", "2024-04-03", "2024-04-04"]
    rows = sum(row["contribution"] for row in found["rows"])
    assert sum(group["contribution"] for group in found["groups"]) == pytest.approx(rows)
    parts = rows + found["seasonal_position"] + found["limits"] + found["remainder"]
    assert found["baseline"] + parts == pytest.approx(found["forecast"])
    assert abs(found["remainder"]) <= 0.01 * abs(found["forecast"] - found["baseline"])
    assert sum(part["share"] for part in found["components"]) == pytest.approx(1)


def test_it_says_that_the_first_series_is_shown(folder: Path) -> None:
    """Which of how many, where none is named; markup in an id is shown as it is."""
    result = forecast("explain", cwd=folder)
    assert "explains '[b]north[/]', the first of 3 series: see --series" in result.stderr
    assert result.stdout.lstrip().startswith("[b]north[/]: what moved the forecast of demand, step 1,")
    named = forecast("explain", "--series", "south", cwd=folder)
    assert "the first of" not in named.stderr


def test_an_unknown_series_names_those_near(folder: Path) -> None:
    """With the right spelling of what was probably meant."""
    result = forecast("explain", "--series", "South_west", cwd=folder)
    assert_clean_failure(result, 2)
    assert "there is no series 'South_west' (3 series)" in result.stderr
    assert "Did you mean: 'south-west', 'south'?" in result.stderr


@pytest.mark.parametrize("step", ["0", "3-", "-2", "5-4", "9", "1-9", "x", "1,2", "", "99999999999"])
def test_steps_that_are_none(
    step: str, folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps lie between 1 and the horizon; a range ascends."""
    monkeypatch.chdir(folder)
    result = inside("explain", f"--step={step}", capfd=capfd)
    assert_clean_failure(result, 2)
    assert "step cannot be" in result.stderr


def test_pretrained_networks_are_explained_too(folder: Path) -> None:
    """Without a model, for a step beyond every horizon; without data there is nothing to explain."""
    result = forecast(
        "explain", "shops.csv", "-m", "pretrained", "--step", 40, "--series", "south", cwd=folder
    )
    assert result.returncode == 0, result.stderr
    assert re.search(r"^pretrained +100\.0", result.stdout, re.MULTILINE)
    nothing = forecast("explain", "-m", "pretrained", cwd=folder)
    assert_clean_failure(nothing, 2)
    assert "forecast explain DATA --model pretrained" in nothing.stderr


def test_no_file_of_the_run_replaces_the_data(folder: Path) -> None:
    """The summary is not written over what the model remembers."""
    before = (folder / "shops.csv").read_bytes()
    result = forecast("explain", "--summary", "shops.csv", cwd=folder)
    assert result.returncode == 2
    assert (folder / "shops.csv").read_bytes() == before


def test_without_unicode_the_bars_are_ascii(folder: Path) -> None:
    """On a stream that knows ASCII only."""
    result = forecast("explain", "--series", "south", cwd=folder, PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert result.stdout.isascii()
    assert "#" in result.stdout
