"""`--report FILE.html`: the page of train, evaluate, predict and inspect."""

import json
import re
import subprocess
from html import unescape
from pathlib import Path

import pytest
from command import SCRIPT, SMALL, assert_clean_failure, daily, environment, forecast, inside

from forecaster.report.page import write


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with demand.csv, forecast.model and train.html."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "demand.csv").write_text(daily())
    named = ("--report", "train.html", "--summary", "run.json")
    result = forecast("train", "demand.csv", *named, cwd=folder, FORECAST_STEPS="100")
    assert result.returncode == 0, result.stderr
    return folder


def text_of(page: Path) -> str:
    """The words of a page, without its scripts and numbers."""
    text = re.sub(r"<(script|style).*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", " ", text))


def test_the_page_of_train(trained: Path) -> None:
    """It has the verdict, errors, shares of the blend and the training curve; the summary names it."""
    text = text_of(trained / "train.html")
    for said in ("demand.csv", "best baseline", "What to expect", "MASE", "Share of each part", "Training"):
        assert said in text
    assert 'id="chart-training"' in (trained / "train.html").read_text(encoding="utf-8")
    files = json.loads((trained / "run.json").read_text())["files"]
    assert "train.html" in [each["path"] for each in files]


def test_a_training_can_be_repeated_from_its_page(trained: Path, tmp_path: Path) -> None:
    """The settings of the page, as forecast.toml, train the same model again, to the byte."""
    content = (trained / "train.html").read_text(encoding="utf-8")
    settings = unescape(re.search(r"<code>(.*?)</code>", content, re.DOTALL)[1])
    (tmp_path / "forecast.toml").write_text(settings)
    environ = {name: value for name, value in environment().items() if name not in SMALL}
    command = [SCRIPT, "train", trained / "demand.csv"]
    result = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "forecast.model").read_bytes() == (trained / "forecast.model").read_bytes()


def test_the_page_of_predict(
    trained: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the forecast and the remembered errors; the table goes to stdout as ever; it is repeatable."""
    monkeypatch.chdir(trained)
    first = inside("predict", "--report", "a.html", capfd=capfd)
    again = inside("predict", "--report", "b.html", capfd=capfd)
    assert first.returncode == again.returncode == 0, first.stderr
    assert first.stdout.startswith("day,forecast,")
    assert first.stdout == again.stdout
    assert "those of the model's training" in text_of(trained / "a.html")
    pages = [(trained / name).read_text(encoding="utf-8").replace(name, "") for name in ("a.html", "b.html")]
    assert pages[0] == pages[1]


def test_the_page_of_inspect(trained: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It shows what was read; nothing was forecast, and it says so."""
    path = str(trained / "data.html")
    result = inside("inspect", str(trained / "demand.csv"), "--report", path, capfd=capfd)
    assert result.returncode == 0, result.stderr
    assert "Nothing was forecast" in text_of(trained / "data.html")


def test_the_page_of_evaluate(trained: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A backtest of the pretrained networks has a page too, with residuals by step."""
    page = trained / "backtest.html"
    arguments = ("evaluate", str(trained / "demand.csv"), "--model", "pretrained", "--origins", "3")
    result = inside(*arguments, "--report", str(page), capfd=capfd)
    assert result.returncode == 0, result.stderr
    for name in ("bias", "calibration", "coverage", "calendar", "errors-by-origin"):
        assert f'id="chart-{name}"' in page.read_text(encoding="utf-8")


def test_the_page_of_update(
    trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that goes on learning has a page of the held-out rows of its new ones."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demand.csv").write_text(daily(150))
    (tmp_path / "forecast.model").write_bytes((trained / "forecast.model").read_bytes())
    result = inside("update", "demand.csv", "--report", "page.html", capfd=capfd)
    assert result.returncode == 0, result.stderr
    assert "Errors beside simple methods" in text_of(tmp_path / "page.html")


def test_the_page_of_compare(
    trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comparison has a page with its leaderboard first, and the verdict of the board."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demand.csv").write_text(daily())
    result = inside("compare", "demand.csv", "--models", "pretrained", "--report", "page.html", capfd=capfd)
    assert result.returncode == 0, result.stderr
    text = text_of(tmp_path / "page.html")
    assert text.index("What is best") < text.index("Errors beside simple methods")
    assert "seasonal naive" in text
    assert "Networks that come with the program made it" not in text


def test_short_series_have_a_page(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be held out, the page is written all the same and says that errors are unknown."""
    (tmp_path / "demand.csv").write_text(daily(9))
    monkeypatch.chdir(tmp_path)
    for name, value in SMALL.items():
        monkeypatch.setenv(name, value)
    result = inside("train", "demand.csv", "--horizon", "4", "--report", "page.html", capfd=capfd)
    assert result.returncode == 0, result.stderr
    assert "nobody knows how good" in text_of(tmp_path / "page.html")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("inspect", "demand.csv", "--report", "page.json"), "must end in .html"),
        (("predict", "--report", "page.csv"), "must end in .html"),
        (("train", "demand.csv", "--report", "page.txt"), ".json, .csv or .html"),
        (
            ("train", "demand.csv", "--report", "r.json", "--report-series", "a"),
            "--report-series needs a page",
        ),
        (("evaluate", "demand.csv", "--report", "r.html", "--report-series", "a"), "there is no series 'a'"),
        (("inspect", "demand.csv", "--report", "r.html", "--report-series", "a"), "there is no series 'a'"),
        (("inspect", "demand.csv", "--report", "r.html", "--export", "r.html"), "same file"),
    ],
)
def test_wrong_usage(
    arguments: tuple[str, ...], said: str, trained: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """What cannot be written is refused before any work, and no page appears."""
    monkeypatch.chdir(trained)
    result = inside(*arguments, capfd=capfd)
    assert_clean_failure(result, 2)
    assert said in result.stderr
    assert not (trained / "r.html").exists()


def test_a_missing_package_is_told(
    trained: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the packages of a page nothing is read, and the hint installs them."""
    monkeypatch.setattr(write, "NEEDED", ("no_such_package",))
    result = inside("inspect", str(trained / "demand.csv"), "--report", str(trained / "n.html"), capfd=capfd)
    assert_clean_failure(result, 2)
    assert "pip install 'forecaster[report]'" in result.stderr


def test_a_folder_that_is_not_there(trained: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A page that cannot be written is exit code 5, before any work."""
    path = trained / "nowhere" / "page.html"
    result = inside("inspect", str(trained / "demand.csv"), "--report", str(path), capfd=capfd)
    assert_clean_failure(result, 5)


@pytest.mark.parametrize("model", [(), ("--model", "pretrained")])
def test_the_page_of_explain(
    trained: Path, tmp_path: Path, model: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    """The forecast, and what moved it: bars from the baseline to the forecast that explain --json has."""
    page = tmp_path / "explained.html"
    named = model or ("--model", str(trained / "forecast.model"))
    arguments = (
        "explain",
        str(trained / "demand.csv"),
        "--step",
        "2",
        *named,
        "--json",
        "--report",
        str(page),
    )
    result = inside(*arguments, capfd=capfd)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    text = text_of(page)
    assert "What moved the forecast" in text and "Components of the blend" in text
    content = page.read_text(encoding="utf-8")
    assert 'id="chart-explained-rows"' in content
    data = json.loads(re.search(r'type="application/json"[^>]*>(.*?)</script>', content, re.DOTALL)[1])
    bars = data["charts"]["explained-sums"]["data"]["values"]
    assert bars[0]["from"] == pytest.approx(found["baseline"], rel=1e-5)
    assert bars[-1]["to"] == pytest.approx(found["forecast"], rel=2e-3)
    assert sum(bar["by"] for bar in bars) == pytest.approx(found["forecast"] - found["baseline"], abs=0.02)
    assert_clean_failure(inside(*arguments[:-1], str(tmp_path / "x.csv"), capfd=capfd), 2)
