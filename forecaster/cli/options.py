"""Options of the commands, each declared once: a flag, a FORECAST_* variable and a key of forecast.toml.

Flags are made from the fields of the configuration dataclasses, so all three and the Python API use the same
names and types. Precedence: flag, variable, forecast.toml, default.
"""

from __future__ import annotations

import csv
import functools
import inspect
import os
import types
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin

import typer

from forecaster.cli.account import account
from forecaster.cli.collisions import check_apart
from forecaster.cli.log import stderr
from forecaster.cli.option_texts import CONFIG_FILE, MODEL_FILE, PANELS
from forecaster.config import RANGES, Options, ReadConfig, from_json
from forecaster.errors import StorageError, UsageError, brief
from forecaster.machine import memory

if TYPE_CHECKING:
    from forecaster.data.storage.place import Place
    from forecaster.pipeline.engines.engine import Engine

T = TypeVar("T")

MOST_CONFIG = 2**20
"""Bytes of a file of settings at most."""
FILES = ("model", "config", "data", "file", "report", "output", "plot", "export", "log_file", "summary",
         "predictions", "state", "events", "future")  # fmt: skip
"""Names of the settings and arguments that are files: ~ is the folder of the user."""

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A file, a directory, a glob, a URL (s3://, gs://, abfs://, https://), or - for stdin.",
    ),
]
ReportFile = Annotated[
    str | None,
    typer.Option(
        "--report", metavar="FILE", help="Write the error report to a .json or .csv file, or a page to .html."
    ),
]
PageFile = Annotated[
    str | None,
    typer.Option("--report", metavar="FILE", help="Write a page of charts and tables to a .html file."),
]
PageSeries = Annotated[
    list[str] | None,
    typer.Option("--report-series", metavar="ID", help="Series that must have a chart in the page."),
]

WhatIf = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="COLUMN=VALUE",
        help="What if: set a known covariate in the rows of the forecast, or change it by +=, -= or *=; "
        "NAME=VALUE@FROM..TO on some days only. Again for another.",
        rich_help_panel="Forecast",
    ),
]


@dataclass(frozen=True)
class General:
    """The model file, what `predict` writes, what `monitor` keeps, and how a command reports."""

    model: str | None = None
    wait: float = 0.0
    samples: int | None = None
    sample_series: str | int | None = None
    skip_short: bool = False
    max_age: str | None = None
    max_model_age: str | None = None
    piece_rows: int = 500_000
    digits: int | None = None
    state: str | None = None
    future: str | None = None
    since: str | None = None
    false_alarms: str | None = None
    keep: int = 0
    no_resume: bool = False
    config: str | None = None
    engine: str | None = None
    max_memory: str | int | None = None
    kernels: str | None = None
    json: bool = False
    quiet: bool = False
    log_format: Literal["text", "json"] = "text"
    log_file: str | None = None
    summary: str | None = None
    debug: bool = False

    def __post_init__(self) -> None:
        for name in ("keep", "piece_rows"):
            value, (low, high) = getattr(self, name), RANGES[name]
            if not low <= value <= high:
                raise UsageError(f"{name} cannot be {value}", hint=f"Give {low:,} to {high:,}.")


TYPES: dict[type, dict[str, Any]] = {
    kind: typing.get_type_hints(kind) for kind in (ReadConfig, Options, General)
}
CONFIG_OF: dict[str, type] = {
    name: next(config for config, fields in TYPES.items() if name in fields)
    for panel in PANELS.values()
    for name in panel
}
"""Setting -> the configuration dataclass that has it as a field."""
SHORT = {"model": "-m", "quiet": "-q"}


@dataclass(frozen=True)
class Settings:
    """All settings of a command, after precedence."""

    read: ReadConfig = ReadConfig()
    options: Options = Options()
    general: General = General()
    explicit: frozenset[str] = frozenset()
    """Names of the settings that the user set: by flag, variable or file."""
    flags: Mapping[str, Any] = field(default_factory=dict)
    """The settings made by flag or variable, which are stronger than those of any file."""

    @property
    def model(self) -> Place:
        """The model file that was named, else the default."""
        from forecaster.data.storage.place import place

        return place(self.general.model or MODEL_FILE)

    @property
    def engine(self) -> Engine | None:
        """The engine that was named; None: what suits the work. UsageError for none."""
        if self.general.engine is None:
            return None
        from forecaster.pipeline.engines.named import engine_named

        return engine_named(self.general.engine, self.options.workers)


def accepts(*panels: dict[str, str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the flags of `panels`; their values arrive as its argument `settings`."""
    names = [name for panel in panels for name in panel]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [
            p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "settings"
        ]
        taken = {flag for p in own for flag in _flags(p)}

        @functools.wraps(command)
        def run(**values: Any) -> None:
            flags = {name: _one(value) for name in names if (value := values.pop(name)) not in (None, [], ())}
            own = {name: _at_home(name, value) for name, value in values.items()}
            command(
                **own, settings=resolve(flags, own, writes_model="wait" in names and "state" not in names)
            )

        signature = inspect.Signature(own + [_parameter(name, taken) for name in names])
        run.__signature__ = signature  # type: ignore[attr-defined] # allowed at run time, but not typed
        run.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        return run

    return decorate


def _flags(parameter: inspect.Parameter) -> tuple[str, ...]:
    """The flags that a command declares for one of its own arguments.

    In an annotation, Typer takes the first of them for the default until it builds the command.
    """
    declared = parameter.annotation.__metadata__
    return tuple(flag for each in declared for flag in (each.default, *(each.param_decls or ())))


def _one(value: Any) -> Any:
    """The value of a flag. A list of items may be given at once or by several flags, which add up."""
    return ",".join(value) if isinstance(value, list | tuple) else value


def _at_home(name: str, value: Any) -> Any:
    """The value of a setting; of a file with ~ as the folder of the user. Raises UsageError."""
    if name not in FILES or not isinstance(value, str):
        return value
    if "\0" in value:
        raise UsageError(f"{name} cannot be {value!r}", hint="Give the name of a file.")
    return os.path.expanduser(value)  # noqa: PTH111 - of Path, it fails for unknown users


def resolve(
    flags: dict[str, Any], own: Mapping[str, Any] | None = None, *, writes_model: bool = False
) -> Settings:
    """The settings from flags and variables, forecast.toml and defaults.

    `own`: the arguments of the command itself, some of which name files. Raises UsageError.
    """
    flags = {name: _at_home(name, _plain(name, value)) for name, value in flags.items()}
    _set_up_log(flags)  # before the file is read, so that its errors are logged in the right format
    stored = read_settings(flags.get("config"))
    values = stored | flags
    _set_up_log(values)
    if stored and "config" not in flags:
        path = str(Path(CONFIG_FILE).absolute())
        stderr.info(f"settings of {path}", config=path)

    settings = settings_of(stored, flags)
    general = settings.general
    if general.max_memory is not None:
        memory.restrict(memory.parse_size(general.max_memory))
    if general.kernels is not None:
        from forecaster.nn import compiled_layer  # needs NumPy

        compiled_layer.use(general.kernels)
    files = {"config": general.config or (CONFIG_FILE if stored else None), "model": settings.model}
    files |= {"summary": general.summary, "log_file": general.log_file, "state": general.state}
    files |= {"events": settings.read.events, "future": general.future}
    check_apart({**(own or {}), **files}, model_is_written=writes_model)
    return settings


def settings_of(stored: Mapping[str, Any], flags: Mapping[str, Any]) -> Settings:
    """The settings `stored` in a file, and those made by flag or variable, which are stronger. UsageError."""
    values = {**stored, **flags}

    def part(kind: type[T]) -> T:
        return from_json(kind, {name: value for name, value in values.items() if CONFIG_OF[name] is kind})

    return Settings(part(ReadConfig), part(Options), part(General), frozenset(values), flags)


def read_settings(path: str | None) -> dict[str, Any]:
    """The settings in the file at `path`; without a path those of forecast.toml, if it exists.

    Raises UsageError where the file is missing, is not TOML or has an unknown setting, and StorageError where
    it cannot be read.
    """
    if path is None and not Path(CONFIG_FILE).exists():
        return {}
    import tomllib

    from forecaster.data.reading.files import regular_bytes
    from forecaster.data.storage.place import place

    file = place(path or CONFIG_FILE)

    try:
        text = regular_bytes(file, MOST_CONFIG, "file of settings")
    except FileNotFoundError as error:
        raise UsageError(f"there is no configuration file {str(file)!r}") from error
    except OSError as error:
        raise StorageError(f"cannot read {str(file)!r}: {error.strerror}") from error
    except ValueError as error:
        raise StorageError(f"cannot read {str(file)!r}: {error}") from error
    try:
        content = tomllib.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # not UTF-8, or not TOML, or nested a thousand times
        raise UsageError(f"{str(file)!r} is not TOML: {str(error)[:200]}") from error
    settings = {name.replace("-", "_"): value for name, value in content.items()}
    unknown = [name for name in settings if name not in CONFIG_OF or name == "config"]
    if unknown:
        import difflib

        names = [name for name in CONFIG_OF if name != "config"]
        near = difflib.get_close_matches(unknown[0], names, 1)
        known = f"Did you mean {near[0]}?" if near else "Known settings: " + ", ".join(names)
        raise UsageError(f"{str(file)!r} has an unknown setting {unknown[0]!r}", hint=known)
    return {name: _at_home(name, _plain(name, value)) for name, value in settings.items()}


def _set_up_log(values: dict[str, Any]) -> None:
    stderr.quiet = values.get("quiet") is True
    stderr.as_json = values.get("log_format") == "json"
    account.log_to(values.get("log_file"))
    account.summarise_in(values.get("summary"))


def _type(name: str) -> Any:
    """The type of a setting, without its None."""
    kind = TYPES[CONFIG_OF[name]][name]
    if get_origin(kind) in (typing.Union, types.UnionType):
        return next(arg for arg in get_args(kind) if arg is not type(None))
    return kind


def _plain(name: str, value: Any) -> Any:
    """`value` as the configuration expects it: text for a list is split at its commas."""
    kind = _type(name)
    if isinstance(value, str) and "\0" in value:
        raise UsageError(f"{name} cannot be {brief(value)}", hint="Leave out the NUL character.")
    if get_origin(kind) is not tuple or not isinstance(value, str):
        return value
    items = [item.strip() for item in next(csv.reader([value], skipinitialspace=True), [])]
    number = get_args(kind)[0]
    if number is str:
        return items
    try:
        return [number(item) for item in items]
    except ValueError as error:
        example = "whole numbers, such as 80,95" if number is int else "numbers, such as 0.1,0.5,0.9"
        raise UsageError(f"{name} cannot be {brief(value)}", hint=f"Give {example}.") from error


def _parameter(name: str, taken: Collection[str] = ()) -> inspect.Parameter:
    """The flag of a setting. Its default is None: the flag is not set.

    `taken`: flags that the command has for something else; a switch then has its negative form only.
    """
    kind = _type(name)
    flag_type: Any = str if get_origin(kind) is Literal else kind
    flag_type = list[str] if get_origin(kind) is tuple else flag_type
    dashed = "--" + name.replace("_", "-")
    negative = (
        f"/--no-{dashed[2:]}"
        if flag_type is bool and CONFIG_OF[name] is not General and name != "strict"
        else ""
    )
    if dashed in taken:
        dashed = " "
    panel = next(title for title, texts in PANELS.items() if name in texts)
    option = typer.Option(
        dashed + negative,
        *([SHORT[name]] if name in SHORT else []),
        envvar=f"FORECAST_{name.upper()}",
        help=PANELS[panel][name] + _default_text(name),
        metavar=_metavar(name, kind),
        rich_help_panel=panel,
        show_default=False,
        show_envvar=False,
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[flag_type | None, option]
    )


def _metavar(name: str, kind: Any) -> str:
    if kind is bool:
        return ""
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    if get_origin(kind) is tuple:
        return {int: "N,N,...", float: "X,X,..."}.get(get_args(kind)[0], "NAME,...")
    if name == "kernels":
        return "numpy|compiled"  # or one form of the compiled, for tests and benchmarks
    return {int: "N", float: "X"}.get(kind, "FILE" if name in FILES else "TEXT")


def _default_text(name: str) -> str:
    """The default as text; empty where the setting is chosen from the data."""
    default = getattr(CONFIG_OF[name](), name)
    if name == "model":
        default = MODEL_FILE
    if default in (None, "", ()) or isinstance(default, bool):
        return ""
    return f" Default {','.join(map(str, default)) if isinstance(default, tuple) else default}."
