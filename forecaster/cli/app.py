"""The commands, gathered."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

import forecaster
from forecaster.cli.plain import PlainCommand, PlainGroup

COMMANDS = {
    "inspect": "Say what is understood of the data.",
    "train": "Train a model, and report its errors on data held out.",
    "predict": "Forecast from the newest row on.",
    "evaluate": "Backtest over rolling origins, beside the baselines.",
    "show": "Show what a model is and where it comes from.",
}
"""Each in the file of its name, which is imported when it is needed, and what it does in a line."""
EPILOG = (
    "Every long option is also an environment variable (--bad-rows: FORECAST_BAD_ROWS) and a key of "
    "forecast.toml (bad_rows). Data goes to stdout, everything else to stderr. Exit codes: 0 done, "
    "1 a fault of ours, 2 wrong usage, 3 unusable data, 4 unusable model, 5 reading or writing failed, "
    "6 locked by another run, 7 training diverged, 130 interrupted, 143 terminated."
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"forecast {forecaster.__version__}")
        raise typer.Exit


def forecast(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """\b
    $ forecast train sample_data/sensors.parquet
    $ forecast predict

    Forecast stock prices and sensor readings from a table of observations.
    """


def _flowing(docstring: str) -> str:
    """The docstring with each paragraph on one line, except the examples, for Typer to wrap."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(p if p.startswith("\b") else p.replace("\n", " ") for p in paragraphs)


def _command(name: str) -> Callable[..., Any]:
    match name:
        case "inspect":
            from forecaster.cli.inspect import inspect as command
        case "train":
            from forecaster.cli.train import train as command
        case "predict":
            from forecaster.cli.predict import predict as command
        case "evaluate":
            from forecaster.cli.evaluate import evaluate as command
        case _:
            from forecaster.cli.show import show as command
    return command


def build(arguments: Sequence[str] = ()) -> typer.Typer:
    """The application with all commands; only the one that `arguments` begin with where they do."""
    app = typer.Typer(
        cls=PlainGroup,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(epilog=EPILOG)(forecast)
    for name in [name for name in COMMANDS if name in arguments[:1]] or COMMANDS:
        command = _command(name)
        described = _flowing(command.__doc__ or "")
        app.command(name, cls=PlainCommand, help=described, short_help=COMMANDS[name])(command)
    return app
