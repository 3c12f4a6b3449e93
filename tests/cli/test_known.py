"""Covariates known of the future, and facts of series, on the command line; hints are typed as printed."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import assert_clean_failure, forecast, inside, said
from jsonschema import Draft202012Validator

import forecaster
from forecaster.errors import DataError

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(1)
ROWS, AHEAD = 60, 6


def table() -> pd.DataFrame:
    """Sales of two shops that end before the prices and the sky do."""
    parts = []
    for name, kind in (("a", "big"), ("b", "small")):
        price = RNG.random(ROWS + AHEAD).round(3)
        sales = 5 * price + np.arange(ROWS + AHEAD) % 7
        sales[ROWS:] = np.nan
        columns = {"day": pd.date_range("2024-01-01", periods=ROWS + AHEAD), "shop": name, "kind": kind}
        sky = RNG.choice(["fog", "sun"], ROWS + AHEAD)
        parts.append(pd.DataFrame(columns | {"sales": sales.round(3), "price": price, "sky": sky}))
    return pd.concat(parts)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, its data with and without the future, and the future alone."""
    folder = tmp_path_factory.mktemp("known")
    whole = table()
    whole.to_csv(folder / "all.csv", index=False)
    whole[whole["sales"].notna()].to_csv(folder / "past.csv", index=False)
    whole[whole["sales"].isna()][["day", "shop", "price", "sky"]].to_csv(folder / "ahead.csv", index=False)
    result = forecast(
        *("train", "all.csv", "--id", "shop", "--target", "sales", "--known", "price,sky"),
        *("--static", "kind", "--horizon", "5"),
        cwd=folder,
    )
    assert result.returncode == 0, result.stderr
    assert "K002 rows of the future of 2 series" in result.stderr
    return folder


def options(hint: str) -> list[list[str]]:
    """The options that an error suggests, one list for each."""
    return [shlex.split(each)[:2] for each in re.findall(r"--[a-z-]+ [^;. ]+", hint)]


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `forecast` in this process, in a folder."""

    def call(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(cwd)
        return inside(*map(str, arguments), capfd=capfd)

    return call


def test_future_rows_below_the_data(run: Run, trained: Path) -> None:
    """Without DATA the source is read again, its future too; a table of the future gives the same."""
    again = run("predict", cwd=trained)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("\n") == 11
    apart = run("predict", "past.csv", "--future", "ahead.csv", cwd=trained)
    assert apart.stdout == again.stdout
    named = forecast("predict", "past.csv", cwd=trained, FORECAST_FUTURE="ahead.csv")
    assert named.stdout == again.stdout


def test_missing_and_every_hint(run: Run, trained: Path) -> None:
    """The error names what is missing; each of its hints works as it is typed."""
    failed = run("predict", "past.csv", cwd=trained)
    assert_clean_failure(failed, 3)
    assert "'past.csv': 'price', 'sky' must be known in each row of the forecast" in failed.stderr
    assert "2024-03-01, 2024-03-02, 2024-03-03, ... of series 'a', and rows of 1 other" in failed.stderr
    assert options(said(failed)) == [["--future", "FILE"], ["--known-fill", "last"]]
    for option in (["--future", "ahead.csv"], ["--known-fill", "last"], ["--known-fill", "mean"]):
        assert run("predict", "past.csv", *option, cwd=trained).returncode == 0
    whole = pd.read_csv(trained / "all.csv")
    whole[whole["day"] <= "2024-03-03"].to_csv(trained / "some.csv", index=False)
    failed = run("predict", "some.csv", cwd=trained)
    assert options(said(failed)) == [["--future", "FILE"], ["--horizon", "3"], ["--known-fill", "last"]]
    short = run("predict", "some.csv", "--horizon", "3", cwd=trained)
    assert short.stdout.count("\n") == 7


def test_filled_is_said_and_strict(run: Run, trained: Path) -> None:
    """What is filled is counted; --strict makes it an error."""
    filled = run("predict", "past.csv", "--known-fill", "last", cwd=trained)
    assert "warning: K005" in filled.stderr or "K005 values of 'price', 'sky'" in filled.stderr
    assert "20 times" in filled.stderr
    strict = run("predict", "past.csv", "--known-fill", "last", "--strict", cwd=trained)
    assert_clean_failure(strict, 3)


def test_explain_and_monitor(run: Run, trained: Path) -> None:
    """Explain needs the same future; monitor judges rows of the past and needs none."""
    assert_clean_failure(run("explain", "past.csv", cwd=trained), 3)
    asked = ("explain", "past.csv", "--model", "pretrained", "--target", "sales", "--known", "price,sky")
    assert_clean_failure(run(*asked, cwd=trained), 3)
    explained = run(*asked, "--future", "ahead.csv", "--json", cwd=trained)
    assert explained.returncode == 0, explained.stderr
    watched = run("monitor", "past.csv", "--since", "2024-02-20", cwd=trained)
    assert watched.returncode in (0, 8), watched.stderr


def test_columns_of_the_model(run: Run, trained: Path, tmp_path: Path) -> None:
    """Data without a column that the model needs is an error; the future of other words is counted."""
    lacking = tmp_path / "lacking.csv"
    table().drop(columns="price").to_csv(lacking, index=False)
    failed = run("predict", lacking, cwd=trained)
    assert_clean_failure(failed, 2)
    assert "has no column 'price'" in failed.stderr
    fewer = run("predict", "all.csv", "--known", "price", cwd=trained)
    assert_clean_failure(fewer, 4)
    assert "trained with the covariates known of the future 'price', 'sky'" in fewer.stderr
    pd.read_csv(trained / "ahead.csv").assign(sky="hail").to_csv(tmp_path / "hail.csv", index=False)
    hail = run("predict", "past.csv", "--future", tmp_path / "hail.csv", cwd=trained)
    assert hail.returncode == 0
    assert "K007 words of 'sky' that were never seen before: 'hail', 12 times" in hail.stderr


def test_train_has_no_future(run: Run, trained: Path) -> None:
    """The message says which commands have it."""
    failed = run("train", "past.csv", "--future", "ahead.csv", cwd=trained)
    assert_clean_failure(failed, 2)
    assert "`forecast predict --future FILE`" in failed.stderr


def test_inspect_and_show(run: Run, trained: Path) -> None:
    """Roles, kinds and rows of the future are shown, in JSON as the schema has it."""
    asked = ("inspect", "all.csv", "--target", "sales", "--static", "kind")
    facts = json.loads(run(*asked, "--json", cwd=trained).stdout)
    schema = json.loads((ROOT / "docs/schemas/inspect-1.json").read_text())
    Draft202012Validator(schema).validate(facts)
    assert facts["known"] == {"price": "number", "sky": "category of 2"}
    assert facts["static"] == {"kind": "category of 2"}
    assert facts["future rows"] == {"fewest": AHEAD, "most": AHEAD}
    text = run(*asked, cwd=trained).stdout
    assert re.search(r"known +price number, sky category of 2", text)
    card = json.loads(run("show", "--json", cwd=trained).stdout)
    Draft202012Validator(json.loads((ROOT / "docs/schemas/show-1.json").read_text())).validate(card)
    assert (card["data"]["known"], card["data"]["static"]) == (["price", "sky"], ["kind"])


def test_pretrained_networks(run: Run, trained: Path) -> None:
    """Columns that go on are known for them, too; where they are too short, leaving them out is a hint."""
    asked = ("predict", "all.csv", "--model", "pretrained", "--target", "sales")
    failed = run(*asked, "--horizon", "9", cwd=trained)
    assert_clean_failure(failed, 3)
    assert "--known ''" in failed.stderr
    for option in (["--known", ""], ["--horizon", "6"]):
        result = run(*asked, "--horizon", "9", *option, cwd=trained)
        assert result.returncode == 0, result.stderr


def test_settings_file(run: Run, trained: Path, tmp_path: Path) -> None:
    """The same names in forecast.toml."""
    (tmp_path / "forecast.toml").write_text(
        'id = "shop"\ntarget = "sales"\nknown = ["price"]\nstatic = ["kind"]\nknown_fill = "mean"\n'
    )
    facts = json.loads(run("inspect", trained / "all.csv", "--json", cwd=tmp_path).stdout)
    assert (facts["known"], facts["static"]) == ({"price": "number"}, {"kind": "category of 2"})


def test_in_python() -> None:
    """The same settings, a table of the future, and the same errors."""
    whole = table()
    past = whole[whole["sales"].notna()]
    ahead = whole[whole["sales"].isna()].drop(columns="sales")
    settings = {"id": "shop", "target": "sales", "known": ["price", "sky"], "static": "kind"}
    training = forecaster.train(past, horizon=5, steps=20, members=1, hidden=8, **settings)
    assert training.model.facts.words == {"price": None, "sky": ("fog", "sun"), "kind": ("big", "small")}
    with pytest.raises(DataError, match="the data: 'price', 'sky' must be known"):
        forecaster.predict(training)
    expected = forecaster.predict(training, whole)
    pd.testing.assert_frame_equal(forecaster.predict(training, future=ahead), expected)
    pd.testing.assert_frame_equal(forecaster.predict(training, past, future=ahead), expected)
    assert len(forecaster.predict(training, past, known_fill="last")) == 10
    with pytest.raises(DataError, match="must be known"):
        forecaster.explain(training)
    del settings["static"]
    explained = forecaster.explain("pretrained", past, future=ahead, **settings)
    assert explained.series == "a"


def test_words_as_covariates(run: Run, trained: Path) -> None:
    """Words are no past-only covariates; the error names what holds them."""
    asked = ("inspect", "all.csv", "--target", "sales")
    failed = run(*asked, "--covariates", "sky", cwd=trained)
    assert failed.returncode == 3
    assert "Words are read from columns of --known and --static." in failed.stderr
    assert run(*asked, "--known", "sky", cwd=trained).returncode == 0
