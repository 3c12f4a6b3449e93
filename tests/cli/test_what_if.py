"""`forecast predict --set`: what-ifs from the command line, with a small model."""

import io
import json
import re
from pathlib import Path
from subprocess import CompletedProcess
from typing import Protocol

import jsonschema
import numpy as np
import pandas as pd
import pytest
from command import ROOT, assert_clean_failure, forecast, inside, on_a_terminal, said

import forecaster

AHEAD = 14
CHEAP = [2, 7, 8]
SET = ("--set", "price*=0.8@2024-10-29", "--set", "price=8@2024-11-03..2024-11-04")
USUAL = 200 * (1 + 0.25 * np.sin(2 * np.pi * np.arange(300 + AHEAD) / 7))


def demand() -> pd.DataFrame:
    """300 days of demand, and 14 to come. A price of 8 in place of 10 adds half; noise does nothing."""
    rng = np.random.default_rng(5)
    low = rng.random(len(USUAL)) < 0.15
    low[-AHEAD:] = False
    y = USUAL * np.where(low, 1.5, 1.0) * np.exp(0.02 * rng.standard_normal(len(USUAL)))
    y[-AHEAD:] = np.nan
    days = pd.date_range("2024-01-01", periods=len(USUAL))
    noise = rng.standard_normal(len(USUAL)).round(3)
    price = np.where(low, 8.0, 10.0)
    return pd.DataFrame({"day": days, "demand": y.round(3), "price": price, "noise": noise})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with demand.csv and the model trained on it."""
    folder = tmp_path_factory.mktemp("what_if")
    demand().to_csv(folder / "demand.csv", index=False)
    columns = ("--target", "demand", "--known", "price,noise")
    result = forecast("train", "demand.csv", *columns, "--horizon", "14", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


class Predict(Protocol):
    """`forecast predict` with some arguments, in this process and the folder of the model."""

    def __call__(self, *arguments: str) -> CompletedProcess[str]: ...


@pytest.fixture
def predict(trained: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Predict:
    """Saves the start of a process."""
    monkeypatch.chdir(trained)
    return lambda *arguments: inside("predict", *arguments, capfd=capfd)


def table(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text), dtype=str)


def test_a_known_effect_beside_the_base(trained: Path) -> None:
    """The difference is the true one within 10 %; all other bytes are those of predict without --set."""
    plain = forecast("predict", "demand.csv", cwd=trained)
    moved = forecast("predict", "demand.csv", *SET, cwd=trained)
    assert (plain.returncode, moved.returncode, moved.stderr) == (0, 0, "")
    usual, found = table(plain.stdout), table(moved.stdout)
    assert list(found) == [*usual, "base", "difference"]
    assert found["base"].tolist() == usual["forecast"].tolist()
    difference = found["difference"].astype(float).to_numpy()
    truth = 0.5 * USUAL[-AHEAD:][CHEAP].sum()
    assert abs(difference[CHEAP].sum() / truth - 1) < 0.1
    assert np.abs(np.delete(difference, CHEAP)).max() < 0.1 * truth / len(CHEAP)
    exact = found["forecast"].astype(float) - found["base"].astype(float)
    np.testing.assert_allclose(difference, exact, rtol=0, atol=1e-9)
    again = forecast("predict", "demand.csv", *SET, cwd=trained)
    assert again.stdout == moved.stdout


@pytest.mark.parametrize("name", ["f.csv", "f.json", "f.parquet"])
def test_every_format_has_both_columns(predict: Predict, tmp_path: Path, name: str) -> None:
    """base and difference are numbers in each; of JSON, the schema knows them."""
    result = predict("demand.csv", "--set", "price=8", "-o", str(tmp_path / name))
    assert result.returncode == 0, result.stderr
    if name == "f.json":
        document = json.loads((tmp_path / name).read_text())
        schema = json.loads((ROOT / "docs" / "schemas" / "predict-1.json").read_text())
        jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
        found = pd.DataFrame(document)
    else:
        found = {"f.csv": pd.read_csv, "f.parquet": pd.read_parquet}[name](tmp_path / name)
    assert list(found)[-2:] == ["base", "difference"]
    assert (found["difference"] > 50).all()
    if name == "f.parquet":
        np.testing.assert_array_equal(found["difference"], found["forecast"] - found["base"])


def test_without_a_base_the_cells_are_empty(predict: Predict, tmp_path: Path) -> None:
    """What is set may be all that is known of the future: null in JSON, empty in CSV."""
    short = str(tmp_path / "short.csv")
    demand().iloc[:-AHEAD].to_csv(short, index=False)
    assert_clean_failure(predict(short), 3)
    assert_clean_failure(predict(short, "--set", "price=8"), 3)  # no noise
    both = ("--set", "price=8", "--set", "noise=0")
    result = predict(short, *both, "--json")
    assert result.returncode == 0, result.stderr
    assert "W004 without --set, the future of the series is not known" in result.stderr
    assert all(row["base"] is None and row["difference"] is None for row in json.loads(result.stdout))
    last = predict(short, *both).stdout.splitlines()[-1]
    assert last.endswith(",,")


def test_warnings(predict: Predict) -> None:
    """No confirmed effect, and values that the past never had: said on stderr, also as JSON."""
    result = predict("demand.csv", "--set", "noise=1", "--set", "price=6")
    assert result.returncode == 0
    effect, beyond = said(result).splitlines()
    assert effect.startswith("warning: W002 no effect of 'noise' was confirmed in the past of the series")
    assert beyond.startswith("warning: W003 values of 'price'")
    assert "(6 is outside 8 to 10)" in beyond
    quiet = predict("demand.csv", "--set", "noise=1", "--log-format", "json")
    (line,) = [json.loads(line) for line in quiet.stderr.splitlines()]
    assert (line["code"], line["level"]) == ("W002", "warning")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["prise=9"], "Did you mean 'price'?"),
        (["demand=9"], "is the target"),
        (["price=cheap"], "is no number"),
        (["price=9@2023"], "Its rows are 2024-10-27 to 2024-11-09."),
        ([""], "sets nothing"),
        (["price=9", "price=8"], "takes the place of"),
    ],
)
def test_wrong_usage(predict: Predict, texts: list[str], message: str) -> None:
    """Exit code 2, one error, nothing on stdout."""
    options = [word for text in texts for word in ("--set", text)]
    result = predict("demand.csv", *options)
    assert_clean_failure(result, 2)
    assert message in result.stderr


def test_paths_are_those_of_the_what_if(predict: Predict) -> None:
    """With --samples there is no base: the message says whose paths they are."""
    result = predict("demand.csv", "--set", "price=8", "--samples", "5", "-o", "p.csv")
    assert result.stderr == "wrote 70 rows of paths of the what-if to p.csv\n"
    paths, plain = (
        predict("demand.csv", "--samples", "5", *more).stdout for more in (("--set", "price=8"), ())
    )
    assert list(table(paths)) == ["day", "sample", "value"]
    mean = [table(text)["value"].astype(float).mean() for text in (paths, plain)]
    assert mean[0] > 1.3 * mean[1]


def test_the_preview_shows_the_difference(trained: Path, tmp_path: Path) -> None:
    """On a terminal: base and difference of each step shown, and the sum."""
    text = on_a_terminal("predict", "demand.csv", "--set", "price=8", "-o", f"{tmp_path}/f.csv", cwd=trained)
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    whole = pd.read_csv(tmp_path / "f.csv")["difference"].sum()
    head = next(line for line in text.splitlines() if "forecast" in line and "80 %" in line)
    assert head.split()[:4] == ["time", "forecast", "base", "difference"]
    assert f"The what-if moves the forecast by {whole:,.1f} in sum." in text


def test_the_plot_shows_both(predict: Predict) -> None:
    """Circles are the base, stars the what-if; --plot - needs no -o."""
    result = predict("demand.csv", "--set", "price=8", "--plot", "-")
    assert result.returncode == 0, result.stderr
    assert "oo base  ** what-if" in result.stdout
    assert "demand  what-if" in result.stdout


def test_help_says_what_it_is(trained: Path) -> None:
    """Short, with an example, and that it proves no cause."""
    text = " ".join(forecast("predict", "--help", cwd=trained).stdout.split())
    assert "--set price=9.5" in text
    assert "an association, no proof that the one causes the other" in text


def test_python(trained: Path) -> None:
    """The same numbers, from data, from what the training read, and by texts."""
    frame = demand()
    model = trained / "forecast.model"
    asked = {"price": ["*=0.8@2024-10-29", "8@2024-11-03..2024-11-04"]}
    found = forecaster.predict(model, frame, what_if=asked)
    same = forecaster.predict(model, frame, what_if=[text for text in SET if text != "--set"])
    pd.testing.assert_frame_equal(found, same)
    shell = pd.read_csv(
        io.StringIO(forecast("predict", "demand.csv", *SET, "--digits", "17", cwd=trained).stdout)
    )
    np.testing.assert_array_equal(found["difference"], shell["difference"])
    assert list(forecaster.predict(model, frame)) == list(found)[:-2]
