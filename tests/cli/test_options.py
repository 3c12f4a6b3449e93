"""Options: flag over variable over forecast.toml over default; each setting declared once."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from forecaster.cli import options
from forecaster.cli.border import run
from forecaster.cli.log import stderr
from forecaster.config import Options, ReadConfig

Ask = Callable[..., options.Settings]
EVERYTHING = tuple(options.PANELS.values())


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """The settings that a command with every option gets from some arguments, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stderr, "quiet", False)
    monkeypatch.setattr(stderr, "as_json", False)
    app = typer.Typer()
    seen: list[options.Settings] = []

    @app.command()
    @options.accepts(*EVERYTHING)
    def command(settings: options.Settings) -> None:
        seen.append(settings)

    def asking(*arguments: str, code: int = 0) -> options.Settings:
        seen.clear()
        assert run(app, arguments) == code
        return seen[0] if seen else options.Settings()

    return asking


def test_flag_over_variable_over_file_over_default(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each place that sets a value overrides the next weaker one."""
    assert ask().options.seed == 0
    (tmp_path / "forecast.toml").write_text("seed = 1\n")
    assert ask().options.seed == 1
    monkeypatch.setenv("FORECAST_SEED", "2")
    assert ask().options.seed == 2
    assert ask("--seed", "3").options.seed == 3


def test_places_add_up(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings from different places are all kept."""
    (tmp_path / "forecast.toml").write_text('time = "day"\nlog-format = "json"\n')
    monkeypatch.setenv("FORECAST_HORIZON", "7")
    given = ask("--cell", "lstm")
    assert (given.read.time, given.options.horizon, given.options.cell) == ("day", 7, "lstm")
    assert given.general.log_format == "json"
    assert stderr.as_json


def test_every_setting_is_a_flag_a_variable_and_a_key(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every field of the configuration can be set in each of the three ways."""
    values = {int: "3", float: "0.5", bool: "true", str: "word"}
    own = {field.name for kind in (ReadConfig, Options) for field in dataclasses.fields(kind)}
    assert own <= set(options.CONFIG_OF)
    for name in own:
        hint = options._type(name)
        choice = getattr(hint, "__args__", (None,))[0]
        text = {int: "7", float: "0.5"}.get(choice) or values.get(
            hint, str(choice) if choice is not str else "word"
        )
        monkeypatch.setenv(f"FORECAST_{name.upper()}", text)
        home = "read" if options.CONFIG_OF[name] is ReadConfig else "options"
        by_variable = getattr(getattr(ask(), home), name)
        monkeypatch.delenv(f"FORECAST_{name.upper()}")
        dashed = "--" + name.replace("_", "-")
        by_flag = getattr(getattr(ask(dashed, *([text] if hint is not bool else [])), home), name)
        literal = text if hint in (int, float, bool) else f'"{text}"'
        (tmp_path / "forecast.toml").write_text(f"{name} = {literal}\n")
        assert getattr(getattr(ask(), home), name) == by_flag == by_variable != ()
        assert by_flag is not None
        (tmp_path / "forecast.toml").unlink()


def test_lists_are_split_at_commas(ask: Ask, tmp_path: Path) -> None:
    """A list has commas, a name with a comma is quoted; TOML lists work too."""
    given = ask("--target", 'OT, "a, b"', "--levels", "50,90")
    assert given.read.target == ("OT", "a, b")
    assert given.options.levels == (50, 90)
    (tmp_path / "forecast.toml").write_text('covariates = ["wind", "rain"]\nlevels = [60]\n')
    given = ask()
    assert (given.read.covariates, given.options.levels) == (("wind", "rain"), (60,))


def test_the_file_can_be_named(ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--config reads another file; one that is missing is wrong usage."""
    (tmp_path / "other.toml").write_text("horizon = 5\n")
    assert ask("--config", "other.toml").options.horizon == 5
    ask("--config", "none.toml", code=2)
    assert "there is no configuration file 'none.toml'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("horizn = 3", "'forecast.toml' has an unknown setting 'horizn'"),
        ("config = 'x'", "has an unknown setting 'config'"),
        ("layout = 'tall'", "layout cannot be 'tall'"),
        ("horizon = '3'", "horizon cannot be '3'"),
        ("horizon = '3'", "Give a whole number."),
        ("rate = 'slow'", "Give a number."),
        ("refit = 'yes'", "Give true or false."),
        ("max_gap = 2.5", "Give text or a whole number."),
        ("na = 5", "Give a list, each item text."),
        ("cell = 'transformer'", "cell cannot be 'transformer'"),
        ("levels = 'many'", "levels cannot be 'many'"),
        ("horizon = ", "is not TOML"),
        ("[network]\nhidden = 3", "has an unknown setting 'network'"),
    ],
)
def test_a_wrong_file_is_wrong_usage(
    ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    """Unknown keys, wrong types and broken TOML end with exit code 2 and name the cause."""
    (tmp_path / "forecast.toml").write_text(text)
    ask(code=2)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--horizon", "many"], "--horizon"),
        (["--hrizon", "3"], "--hrizon"),
        (["--cell", "x"], "Choose one of rnn, gru, lstm"),
        (["--log-format", "xml"], "log_format cannot be 'xml'"),
    ],
)
def test_a_wrong_flag_is_wrong_usage(
    ask: Ask, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """A flag that does not exist or has a wrong value ends with exit code 2."""
    ask(*arguments, code=2)
    assert message in capsys.readouterr().err


def test_repeated_flags_add_up(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option that takes a list may be given several times; a variable keeps the spaces in its items."""
    read = ask("--na", "85", "--na", "-127,x", "--target", "a b").read
    assert (read.na, read.target) == (("85", "-127", "x"), ("a b",))
    assert ask("--levels", "50", "--levels", "90").options.levels == (50, 90)
