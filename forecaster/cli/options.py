"""Options of the commands, each declared once: a flag, a FORECAST_* variable and a key of forecast.toml.

Flags are made from the fields of the configuration dataclasses, so the three and the Python API use the same
names and types. What is said wins in this order: flag, variable, forecast.toml, default.
"""

from __future__ import annotations

import csv
import functools
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import typer

from forecaster.cli.log import stderr
from forecaster.config import Options, ReadConfig, from_json
from forecaster.errors import StorageError, UsageError

T = TypeVar("T")

CONFIG_FILE = "forecast.toml"
MODEL_FILE = "forecast.model"

Data = Annotated[str, typer.Argument(metavar="DATA", help="A file, a directory, a glob, or - for stdin.")]
ReportFile = Annotated[
    str | None,
    typer.Option("--report", metavar="FILE", help="Write the error report to a .json or .csv file."),
]


@dataclass(frozen=True)
class General:
    """How a command speaks, and which model file it means."""

    model: str | None = None
    config: str | None = None
    json: bool = False
    quiet: bool = False
    log_format: Literal["text", "json"] = "text"
    debug: bool = False


COLUMNS = {
    "time": "Column of timestamps.",
    "id": "Column that tells one series from another.",
    "target": "Column to forecast; of a wide table several, each a series.",
    "covariates": "Further columns the network may look at.",
    "layout": "What makes a series: the table, its ids, columns or files.",
    "freq": "Step between rows: h, 30min, D, B, W-SUN, MS, ME, QS, YS ...",
}
READING = {
    "every": "Put readings at irregular times on a grid, such as 5min.",
    "agg": "What the readings of one step become; with --every their mean.",
    "max_gap": "Longest gap to fill or cross: rows, a duration such as 2h, or any. Default: two seasons.",
    "calendar": "Exchange whose trading days are meant, such as XNYS.",
    "adjust_splits": "Divide prices before a jump that looks like a split.",
    "delimiter": "Character between cells.",
    "encoding": "Encoding of the text, such as latin-1.",
    "quote": "Character around cells.",
    "escape": "Character before a quote in a cell.",
    "header": "Whether the first line names the columns.",
    "skip": "Lines above the table to leave out.",
    "skip_end": "Lines below the table to leave out.",
    "decimal": "Decimal mark, such as a comma.",
    "thousands": "Mark between groups of three digits.",
    "strip": "Signs beside numbers to leave out, such as $ or %.",
    "na": "Further words that mean a missing value.",
    "date_format": "Format of timestamps, such as %d.%m.%Y.",
    "tz": "Time zone of timestamps without one.",
    "duplicates": "What to do where one timestamp has several values.",
    "bad_rows": "What to do with rows that cannot be read.",
    "strict": "Refuse to repair anything.",
}
FORECASTING = {
    "horizon": "Rows to forecast.",
    "effort": "Training time to spend on accuracy: about 1, 5 or 30 parts.",
    "levels": "Coverage of the prediction intervals in percent.",
}
NETWORK = {
    "lookback": "Rows the network looks back on.",
    "segment": "Rows fed in one recurrent step.",
    "seasons": "Rows of the seasons the data may have; empty: none.",
    "log": "Work with logarithms.",
    "deseasonalise": "Take the seasons out first.",
    "cell": "Recurrent cell.",
    "hidden": "Units of a layer.",
    "layers": "Recurrent layers.",
    "dropout": "Probability of dropping a unit.",
    "decoder": "The horizon from one head, or a step for each segment.",
    "members": "Networks in the ensemble.",
}
TRAINING = {
    "steps": "Training steps of each network.",
    "batch": "Windows in a step.",
    "rate": "Learning rate.",
    "loss": "What training makes small.",
    "quantile": "Level of the pinball loss.",
    "optimizer": "Update rule.",
    "weight_decay": "Shrinkage of the weights.",
    "clip": "Largest norm of the gradient; 0: no limit.",
    "schedule": "How the learning rate changes.",
    "unroll": "Recurrent steps that gradients flow back through.",
    "patience": "Looks without progress before training stops; 0: never.",
    "refit": "Train on all rows after the report.",
    "keep_on_interrupt": "On Ctrl-C keep the best model so far.",
    "seed": "Seed of everything random.",
    "workers": "Cores to use; changes the speed only.",
}
MODEL = {"model": "Model file."}
SPEAKING = {
    "config": f"File of settings; {CONFIG_FILE} is read where there is one.",
    "json": "Write the result as JSON to stdout.",
    "quiet": "Say nothing but errors.",
    "log_format": "How to log on stderr.",
    "debug": "On a fault of ours, show where it happened.",
}
PANELS = {
    "Columns": COLUMNS,
    "Reading": READING,
    "Forecast": FORECASTING,
    "Network": NETWORK,
    "Training": TRAINING,
    "General": MODEL | SPEAKING,
}
HINTS: dict[type, dict[str, Any]] = {
    kind: typing.get_type_hints(kind) for kind in (ReadConfig, Options, General)
}
HOMES: dict[str, type] = {
    name: next(kind for kind, hints in HINTS.items() if name in hints)
    for panel in PANELS.values()
    for name in panel
}
"""Setting -> the configuration it belongs to."""
SHORT = {"model": "-m", "quiet": "-q"}


@dataclass(frozen=True)
class Given:
    """What was asked for, after precedence."""

    read: ReadConfig = ReadConfig()
    options: Options = Options()
    general: General = General()

    @property
    def model(self) -> Path:
        """The model file asked for, or the usual one."""
        return Path(self.general.model or MODEL_FILE)


def accepts(*panels: dict[str, str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the flags of `panels`, and what was asked for as its argument `given`."""
    names = [name for panel in panels for name in panel]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "given"]

        @functools.wraps(command)
        def run(**values: Any) -> None:
            flags = {name: value for name in names if (value := values.pop(name)) is not None}
            command(**values, given=resolve(flags))

        signature = inspect.Signature(own + [_parameter(name) for name in names])
        run.__signature__ = signature  # type: ignore[attr-defined] # functions take it, their type does not say so
        run.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        return run

    return decorate


def resolve(flags: dict[str, Any]) -> Given:
    """Flags and variables over forecast.toml over defaults. Raises UsageError."""
    flags = {name: _plain(name, value) for name, value in flags.items()}
    _set_up_log(flags)  # before the file is read, so that its errors come in the right form
    said = read_settings(flags.get("config")) | flags
    _set_up_log(said)

    def part(kind: type[T]) -> T:
        return from_json(kind, {name: value for name, value in said.items() if HOMES[name] is kind})

    return Given(part(ReadConfig), part(Options), part(General))


def read_settings(path: str | None) -> dict[str, Any]:
    """The settings of the file at `path`, or of forecast.toml where there is one.

    Raises UsageError where it is missing, not TOML, or says what we do not know; StorageError where it
    cannot be read.
    """
    file = Path(path or CONFIG_FILE)
    if path is None and not file.exists():
        return {}
    import tomllib

    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"there is no configuration file {str(file)!r}") from error
    except OSError as error:
        raise StorageError(f"cannot read {str(file)!r}: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise UsageError(f"{str(file)!r} is not TOML: {error}") from error
    settings = {name.replace("-", "_"): value for name, value in content.items()}
    unknown = [name for name in settings if name not in HOMES or name == "config"]
    if unknown:
        raise UsageError(
            f"{str(file)!r} sets {unknown[0]!r}, which is no setting", hint="Known: " + ", ".join(HOMES)
        )
    return {name: _plain(name, value) for name, value in settings.items()}


def _set_up_log(said: dict[str, Any]) -> None:
    stderr.quiet = said.get("quiet") is True
    stderr.as_json = said.get("log_format") == "json"


def _hint(name: str) -> Any:
    """The type of a setting, without its None."""
    hint = HINTS[HOMES[name]][name]
    if get_origin(hint) in (typing.Union, types.UnionType):
        return next(arg for arg in get_args(hint) if arg is not type(None))
    return hint


def _plain(name: str, value: Any) -> Any:
    """`value` as the configuration takes it: text for a list is split at its commas."""
    hint = _hint(name)
    if get_origin(hint) is not tuple or not isinstance(value, str):
        return value
    items = [item.strip() for item in next(csv.reader([value], skipinitialspace=True), [])]
    if get_args(hint)[0] is not int:
        return items
    try:
        return [int(item) for item in items]
    except ValueError as error:
        raise UsageError(f"{name} cannot be {value!r}", hint="Give whole numbers, such as 80,95.") from error


def _parameter(name: str) -> inspect.Parameter:
    """The flag of a setting. It has no default of its own: None means not said."""
    hint = _hint(name)
    origin = get_origin(hint)
    kind = str if origin in (Literal, tuple) else hint
    dashed = "--" + name.replace("_", "-")
    negative = (
        f"/--no-{dashed[2:]}" if kind is bool and HOMES[name] is not General and name != "strict" else ""
    )
    panel = next(title for title, helps in PANELS.items() if name in helps)
    option = typer.Option(
        dashed + negative,
        *([SHORT[name]] if name in SHORT else []),
        envvar=f"FORECAST_{name.upper()}",
        help=PANELS[panel][name] + _default_in_words(name),
        metavar=_metavar(name, hint),
        rich_help_panel=panel,
        show_default=False,
        show_envvar=False,
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )


def _metavar(name: str, hint: Any) -> str:
    if hint is bool:
        return ""
    if get_origin(hint) is Literal:
        return "|".join(get_args(hint))
    if get_origin(hint) is tuple:
        return "N,N,..." if get_args(hint)[0] is int else "NAME,..."
    return {int: "N", float: "X"}.get(hint, "FILE" if name in ("model", "config") else "TEXT")


def _default_in_words(name: str) -> str:
    """The default, where it is a value and not a choice made from the data."""
    default = getattr(HOMES[name](), name)
    if name == "model":
        default = MODEL_FILE
    if default is None or isinstance(default, bool) or default == ():
        return ""
    return f" Default {','.join(map(str, default)) if isinstance(default, tuple) else default}."
