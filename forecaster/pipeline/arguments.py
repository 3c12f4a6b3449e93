"""Arguments of the Python API: settings, data and models as users pass them. Importing it loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from os import PathLike

    import pandas as pd

    from forecaster.config import Options, ReadConfig
    from forecaster.forecasting.explanation import Explanation
    from forecaster.forecasting.forecast import Forecast
    from forecaster.model.model import Model
    from forecaster.pipeline.engines.engine import Engine
    from forecaster.pipeline.monitor import Monitoring
    from forecaster.pipeline.train import Training
    from forecaster.pipeline.update import Update

    Source: TypeAlias = pd.DataFrame | str | PathLike[str]
    """A table, or the name of a file, a directory, a glob, or - for stdin."""
    Trained: TypeAlias = Training | Update | Model | str | PathLike[str]
    """A model, the result of `train` or `update`, or the name of a model file."""

T = TypeVar("T")


def forecast_of(
    model: Trained | Literal["pretrained"],
    data: Source | None,
    asked: dict[str, Any],
    settings: dict[str, Any],
    **ways: Any,
) -> Forecast:
    """The forecast of a model, or of the pretrained networks. `ways`: skip_short, future and what_if."""
    if isinstance(model, str) and model == "pretrained":
        return _pretrained(data, asked, settings, **ways)
    return _trained(model, data, asked, settings, **ways)


def _trained(
    model: Trained,
    data: Source | None,
    asked: dict[str, Any],
    settings: dict[str, Any],
    *,
    skip_short: bool,
    future: Source | None,
    what_if: Any,
) -> Forecast:
    """The forecast of a trained model; what is not `asked` is as the model has it."""
    from functools import partial

    from forecaster.config import Options, ReadConfig
    from forecaster.forecasting.forecast import forecast
    from forecaster.pipeline.predict import forecast_ahead, with_future, with_short
    from forecaster.pipeline.predict import predict as predict_from
    from forecaster.pipeline.train import Training

    read = config_of(ReadConfig, settings)
    given = {name: value for name, value in asked.items() if value is not None}
    options = config_of(Options, given)
    asked = asked | {name: getattr(options, name) for name in given}
    if isinstance(model, Training) and data is None and not settings:
        loaded = with_future(model.loaded, None if future is None else source_of(future), None)
        panel, _ = with_short(model.model, loaded.panel, skip=skip_short)
        horizon = min(asked["horizon"] or model.model.horizon, model.model.horizon)
        run = partial(forecast, model.model, **asked)
        return forecast_ahead(loaded, panel, horizon, run, what_if, model.model)
    source = None if data is None else source_of(data)
    ways = {"skip_short": skip_short, "what_if": what_if}
    ahead = None if future is None else source_of(future)
    return predict_from(model_of(model), source, read=read, future=ahead, **ways, **asked)


def _pretrained(
    data: Source | None,
    asked: dict[str, Any],
    settings: dict[str, Any],
    *,
    skip_short: bool,
    future: Source | None,
    what_if: Any,
) -> Forecast:
    """The forecast of the pretrained networks; UsageError for settings of training."""
    from forecaster.config import Options, ReadConfig
    from forecaster.pipeline.predict import predict_pretrained

    refuse_training([name for name in settings if name not in asked] + ["skip_short"] * skip_short)
    settings = settings | {name: value for name, value in asked.items() if value is not None}
    options, read = config_of(Options, settings, ReadConfig), config_of(ReadConfig, settings, Options)
    source, ahead = (None if each is None else source_of(each) for each in (data, future))
    return predict_pretrained(source, options, read, future=ahead, what_if=what_if)


def explained(
    model: Trained | Literal["pretrained"],
    data: Source | None,
    settings: dict[str, Any],
    *,
    series: str | None,
    step: int | str | Sequence[int],
    future: Source | None,
) -> Explanation:
    """What moved the forecast of a series."""
    from forecaster.config import Options, ReadConfig
    from forecaster.pipeline import explain as pipeline

    asked = plain(step)
    asked = tuple(plain(end) for end in asked) if isinstance(asked, list | tuple) else asked
    source, ahead = (None if each is None else source_of(each) for each in (data, future))
    if isinstance(model, str) and model == "pretrained":
        refuse_training(settings)
        options, read = config_of(Options, settings, ReadConfig), config_of(ReadConfig, settings, Options)
        return pipeline.explain_pretrained(source, options, read, series=series, step=asked, future=ahead)
    from forecaster.pipeline.train import Training

    if isinstance(model, Training) and source is None and not settings:
        return pipeline.explain_loaded(model.model, model.loaded, ahead, series=series, step=asked)
    read = config_of(ReadConfig, settings)
    return pipeline.explain(model_of(model), source, series=series, step=asked, read=read, future=ahead)


def monitored(
    model: Trained | Literal["pretrained"],
    data: Source | None,
    settings: dict[str, Any],
    *,
    state: str | PathLike[str] | None,
    since: str | None,
    false_alarms: str | None,
    wait: float,
    engine: str | None,
    workers: int | None,
) -> Monitoring:
    """The alarms of the rows that are new to a state, which is written after them."""
    from contextlib import ExitStack

    from forecaster.config import Limits, Options, ReadConfig
    from forecaster.data.storage.place import place
    from forecaster.model.lock import JUDGING, lock
    from forecaster.monitoring.state import read_state, write_state
    from forecaster.pipeline import monitor as pipeline

    pretrained = isinstance(model, str) and model == "pretrained"
    limits = config_of(Limits, settings, ReadConfig) if pretrained else Limits()
    read = config_of(ReadConfig, settings, *([Limits] if pretrained else []))
    with ExitStack() as stack:
        if state is not None:
            held = stack.enter_context(lock(state, wait, use=JUDGING))
        result = pipeline.monitor(
            "pretrained" if pretrained else model_of(model),
            None if data is None else source_of(data),
            Options(**vars(limits)),
            read,
            state=None if state is None else read_state(place(state)),
            since=since,
            false_alarms=false_alarms,
            engine=engine_of(engine, workers),
            workers=workers,
        )
        if state is not None:
            held.check()
            write_state(result.state, place(state))
    return result


def engine_of(name: str | None, workers: int | None) -> Engine | None:
    """The engine of this name; None: what suits the work. Raises UsageError where there is none."""
    if name is None:
        return None
    from forecaster.pipeline.engines.named import engine_named

    return engine_named(name, workers)


def refuse_training(settings: Iterable[str]) -> None:
    """UsageError for settings that pretrained networks do not have: all but limits and those of reading."""
    from dataclasses import fields

    from forecaster.config import Limits, Options
    from forecaster.errors import UsageError

    limits = {field.name for field in fields(Limits)}
    of_training = {field.name for field in fields(Options)} - limits | {"skip_short"}
    wrong = next((name for name in settings if name in of_training), None)
    if wrong:
        raise UsageError(f"pretrained networks are not trained again: {wrong!r} would change nothing")


def settings_of(settings: dict[str, Any]) -> tuple[Options, ReadConfig]:
    """The settings of a training, and those of reading. Raises UsageError."""
    from forecaster.config import Options, ReadConfig

    return config_of(Options, settings, ReadConfig), config_of(ReadConfig, settings, Options)


def config_of(kind: type[T], settings: dict[str, Any], *others: type[Any]) -> T:
    """The configuration `kind` from those of `settings` that are fields of it.

    Raises UsageError for a wrong value, and for a setting that is a field neither of `kind` nor of `others`.
    """
    from dataclasses import fields
    from difflib import get_close_matches

    from forecaster.config import from_json
    from forecaster.errors import UsageError

    own = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type] # a dataclass
    known = [*own, *(field.name for other in others for field in fields(other))]
    unknown = next((name for name in settings if name not in known), None)
    if unknown is not None:
        close = get_close_matches(unknown, known, 1)
        hint = f"Did you mean {close[0]!r}?" if close else "Known settings: " + ", ".join(known)
        raise UsageError(f"there is no setting {unknown!r}", hint=hint)
    return from_json(
        kind,
        {
            name: as_list(settings[name]) if "tuple" in own[name] else plain(settings[name])
            for name in own
            if name in settings
        },
    )


def plain(value: Any) -> Any:
    """NumPy and pandas values as Python values."""
    return value.tolist() if hasattr(value, "tolist") else value


def as_list(value: Any) -> Any:
    """A list; a single name or number becomes a list of one."""
    value = plain(value)
    return [value] if isinstance(value, str | int | float) else value


def source_of(data: Any) -> Any:
    """A path as text, a DataFrame unchanged, a Series as a DataFrame. UsageError for anything else."""
    from forecaster.errors import UsageError

    if hasattr(data, "__fspath__"):
        return data.__fspath__()
    if hasattr(data, "to_frame"):  # a Series
        return data.to_frame()
    if isinstance(data, str) or (hasattr(data, "columns") and hasattr(data, "reset_index")):
        return data
    raise UsageError(f"data cannot be a {type(data).__name__}", hint="Give a pandas DataFrame or a path.")


def model_or_pretrained(model: Trained | Literal["pretrained"]) -> Model | Literal["pretrained"]:
    """A model, or what stands for the pretrained networks."""
    return "pretrained" if isinstance(model, str) and model == "pretrained" else model_of(model)


def model_of(model: Trained) -> Model:
    """The model of a result, of a file, or itself."""
    from forecaster.model.model import Model
    from forecaster.pipeline.train import Training
    from forecaster.pipeline.update import Update

    if isinstance(model, Training | Update):
        return model.model
    return model if isinstance(model, Model) else Model.load(model)
