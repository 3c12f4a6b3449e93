"""Forecast stock prices and sensor readings with recurrent networks written in NumPy.

>>> import numpy as np, pandas as pd, forecaster
>>> days = pd.date_range("2024-01-01", periods=120)
>>> table = pd.DataFrame({"day": days, "demand": 50 + 10 * np.sin(np.arange(120) * 2 * np.pi / 7)})
>>> training = forecaster.train(table, horizon=3, steps=30, members=1)
>>> forecaster.predict(training)[["day", "lo_80"]].shape
(3, 2)

The command line calls the same functions, with the same names of settings. They raise the errors of
`forecaster.errors`. Importing this package imports none of the large libraries; the first call does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    import pandas as pd

    from forecaster.forecasting.forecast import Forecast
    from forecaster.model.model import Model
    from forecaster.pipeline.evaluate import Evaluation
    from forecaster.pipeline.monitor import Monitoring
    from forecaster.pipeline.train import Training
    from forecaster.pipeline.update import Update
    from forecaster.training.ensemble import Listener

    Source: TypeAlias = pd.DataFrame | str | PathLike[str]
    """A table, or the name of a file, a directory, a glob, or - for stdin."""
    Trained: TypeAlias = Training | Update | Model | str | PathLike[str]
    """A model, the result of `train` or `update`, or the name of a model file."""

__all__ = ["__version__", "evaluate", "load", "monitor", "predict", "train", "update"]
__version__ = "0.1.0"

T = TypeVar("T")


def train(data: Source, *, on_event: Listener | None = None, **settings: Any) -> Training:
    """Train a model on `data` and report its errors on the newest rows, which are held out.

    All settings are optional; those that are not set are chosen from the data. They are the fields of
    `forecaster.config.ReadConfig` and `forecaster.config.Options`, which explain them:

        columns    time, id, target, covariates, layout, freq, every, agg, max_gap, calendar,
                   adjust_splits, difference
        reading    delimiter, encoding, max_bytes, quote, escape, header, skip, skip_end, decimal,
                   thousands, strip, na, date_format, hours, start, time_unit, tz, duplicates, bad_rows,
                   strict
        forecast   horizon, effort, levels, quantiles, lower, upper, integer, circular
        network    lookback, segment, seasons, log, deseasonalise, cell, hidden, layers, dropout, decoder,
                   members, pretrained
        training   steps, batch, rate, loss, quantile, optimizer, weight_decay, clip, schedule, unroll,
                   patience, refit, keep_on_interrupt, seed, workers

    `on_event` is called with each `forecaster.training.loop.Event`. Returns a
    `forecaster.pipeline.train.Training`. Its `model` can be saved. Its `report` is None where the data is too
    short to hold anything out. Its `notes` explain the report.

    Raises UsageError for a setting or column that does not exist, DataError for data that cannot be used,
    StorageError where it cannot be read, and DivergenceError where training diverges.

    >>> import numpy as np, pandas as pd
    >>> hours = pd.date_range("2024-01-01", periods=240, freq="h")
    >>> rng = np.random.default_rng(1)
    >>> table = pd.DataFrame({"ds": hours, "y": 20 + np.sin(np.arange(240) / 24 * 6.28) + rng.random(240)})
    >>> training = train(table, horizon=12, target="y", time="ds", hidden=8, steps=30)
    >>> training.report.horizon, training.model.facts.frequency.alias
    (12, 'h')
    """
    from forecaster.config import Options, ReadConfig
    from forecaster.pipeline import train as pipeline

    options, read = _config(Options, settings, ReadConfig), _config(ReadConfig, settings, Options)
    return pipeline.train(_source(data), options, read, on_event=on_event)


def predict(
    model: Trained | Literal["pretrained"],
    data: Source | None = None,
    *,
    horizon: int | None = None,
    levels: Sequence[int] | None = None,
    quantiles: Sequence[float] | None = None,
    samples: int | None = None,
    seed: int = 0,
    skip_short: bool = False,
    **settings: Any,
) -> pd.DataFrame:
    """Forecast from the newest row of each series of `data`. Default: the data that the model was trained on.

    The model "pretrained" stands for networks that come with the package. They were trained on synthetic
    series and forecast any series at once; `settings` may then be lower, upper, integer and circular too.

    Returns one row per series and step: the id and time columns under their own names, `forecast`, and
    `lo_80`, `hi_80` and so on for each interval level, `q_0.1` and so on for each of the `quantiles`. Columns
    and file format are those that the model remembers; `settings` (the columns and reading settings of
    `train`) override them.

    `samples=N` returns N paths of each series instead, one row per series, path and step: `sample` (from 1
    on) and `value`. They depend along the horizon as errors did, so that sums and maxima of them are
    forecasts too. The same `seed` gives the same paths. `skip_short` leaves out series shorter than what the
    model looks back on.

    Raises ModelError for a model that cannot be used or does not fit the data, and the errors of `train` for
    data.

    >>> import numpy as np, pandas as pd
    >>> months = pd.date_range("2015", periods=90, freq="MS")
    >>> table = pd.DataFrame({"month": months, "sales": np.arange(90.0)})
    >>> training = train(table.iloc[:80], horizon=4, hidden=8, steps=30)
    >>> list(predict(training, table, horizon=2)["month"].astype(str))
    ['2022-07-01', '2022-08-01']
    """
    asked = {"horizon": _plain(horizon), "levels": _plain(levels), "quantiles": _plain(quantiles)}
    if isinstance(model, str) and model == "pretrained":
        result = _forecast_pretrained(data, asked, settings, skip_short=skip_short)
    else:
        result = _forecast(model, data, asked, settings, skip_short=skip_short)
    return result.to_frame() if samples is None else result.samples_to_frame(_plain(samples), _plain(seed))


def update(
    model: Trained,
    data: Source | None = None,
    *,
    workers: int | None = None,
    on_event: Listener | None = None,
    **settings: Any,
) -> Update:
    """Let a model go on learning from the rows of `data` that are newer than it has seen.

    `data` has the columns of the training and the history before the new rows. Default: the data that the
    model was trained on, read again. The newest rows are held out first: if the updated model is worse there
    than the old one, by more than 1 % and more than chance explains, it stays as it was. `settings` are the
    columns and reading settings of `train`.

    Returns a `forecaster.pipeline.update.Update`: the `model` to use from now on, the `outcome` ("updated",
    "kept" or "nothing new"), and the `report` on both models. No file is changed: save the model yourself.

    Raises ModelError for a model that cannot be updated or does not fit the data, and the errors of `train`
    for data.

    >>> import numpy as np, pandas as pd
    >>> table = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=90), "y": np.arange(90) % 7 + 1.0})
    >>> training = train(table.iloc[:80], horizon=5, hidden=8, steps=30)
    >>> update(training, table.iloc[:80]).outcome
    'nothing new'
    >>> update(training, table).rows
    10
    """
    from forecaster.config import ReadConfig
    from forecaster.pipeline import update as pipeline

    return pipeline.update(
        _model(model),
        None if data is None else _source(data),
        _config(ReadConfig, settings) if settings else None,
        workers=_plain(workers),
        on_event=on_event,
    )


def evaluate(
    data: Source,
    *,
    model: Trained | Literal["pretrained"] | None = None,
    origins: int = 1,
    step: int | None = None,
    on_event: Listener | None = None,
    **settings: Any,
) -> Evaluation:
    """Backtest: forecast from the last `origins` origins, `step` rows apart, and compare with actual values.

    Trains once, with the settings of `train`, on the rows before the first origin; or uses `model`, which
    must have been trained on such rows only, or be "pretrained". `step` is one horizon by default. Returns a
    `forecaster.pipeline.evaluate.Evaluation`. Its `report` has the `verdict` and the errors of model and
    baselines.

    Raises the errors of `train`, UsageError for more origins than the data allows, and ModelError for a model
    that does not fit the data or was trained on rows that it would forecast.

    >>> import numpy as np, pandas as pd
    >>> table = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=120), "y": np.arange(120) % 7 + 1.0})
    >>> report = evaluate(table, horizon=7, origins=3, hidden=8, steps=30).report
    >>> report.origins, report.best_baseline
    (3, 'seasonal naive')
    >>> errors = pd.DataFrame(report.to_rows())
    >>> sorted(errors["scope"].unique())
    ['overall', 'series', 'step']
    """
    from forecaster.config import Options, ReadConfig
    from forecaster.pipeline import evaluate as pipeline

    options, read = _config(Options, settings, ReadConfig), _config(ReadConfig, settings, Options)
    trained: Model | Literal["pretrained"] | None = None
    if model is not None:
        trained = "pretrained" if isinstance(model, str) and model == "pretrained" else _model(model)
    return pipeline.evaluate(
        _source(data),
        options,
        read,
        origins=_plain(origins),
        step=_plain(step),
        model=trained,
        on_event=on_event,
    )


def monitor(
    model: Trained | Literal["pretrained"],
    data: Source | None = None,
    *,
    state: str | PathLike[str] | None = None,
    since: str | None = None,
    false_alarms: str | None = None,
    wait: float = 0.0,
    **settings: Any,
) -> Monitoring:
    """Judge the new rows of `data` by forecasts from before them, and raise alarms: spikes, lasting shifts,
    stuck and silent series. Default: the data that the model was trained on, read again.

    `state` is the file that says which rows have been judged, so that each alarm is raised once; it is
    written at the end. Without one, the rows since the time `since` are judged, by default those after what
    the model was trained on. `false_alarms` is how many to expect in all series together: 2/d, 1/4w, or per
    time steps 1/1000; 1/w by default, and 1/168 of data slower than hourly. `settings` are the columns and
    reading settings of `train`; with the model "pretrained" also lower, upper, integer and circular.

    Returns a `forecaster.pipeline.monitor.Monitoring`: its `alarms`, which `to_rows` makes a table of, and
    the `verdict` with the number of rows `judged`.

    Raises UsageError for a wrong setting or the state of other data, StorageError for a damaged state,
    LockedError where another run uses it (after `wait` seconds), and the errors of `predict`.

    >>> import numpy as np, pandas as pd
    >>> days = pd.date_range("2024-01-01", periods=300)
    >>> table = pd.DataFrame({"day": days, "y": np.arange(300) % 7 + np.random.default_rng(1).random(300)})
    >>> table.loc[290, "y"] = 50
    >>> [(row["kind"], row["time"]) for row in monitor("pretrained", table, since="2024-10-01").to_rows()]
    [('spike', '2024-10-17')]
    """
    from contextlib import ExitStack
    from pathlib import Path

    from forecaster.config import Limits, Options, ReadConfig
    from forecaster.model.lock import JUDGING, lock
    from forecaster.monitoring.state import read_state, write_state
    from forecaster.pipeline import monitor as pipeline

    pretrained = isinstance(model, str) and model == "pretrained"
    limits = _config(Limits, settings, ReadConfig) if pretrained else Limits()
    read = _config(ReadConfig, settings, *([Limits] if pretrained else []))
    with ExitStack() as stack:
        if state is not None:
            stack.enter_context(lock(Path(state), wait, use=JUDGING))
        result = pipeline.monitor(
            "pretrained" if pretrained else _model(model),
            None if data is None else _source(data),
            Options(**vars(limits)),
            read,
            state=None if state is None else read_state(Path(state)),
            since=since,
            false_alarms=false_alarms,
        )
        if state is not None:
            write_state(result.state, Path(state))
    return result


def load(path: str | PathLike[str]) -> Model:
    """Read a model file that `Model.save` or `forecast train` wrote.

    Raises ModelError where the file is missing, damaged, not a model or of a newer version, and StorageError
    where it cannot be read.

    >>> import numpy as np, pandas as pd, tempfile
    >>> table = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=60), "y": np.arange(60) % 7 + 1.0})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     train(table, horizon=5, hidden=8, steps=30).model.save(f"{folder}/y.model")
    ...     load(f"{folder}/y.model").horizon
    5
    """
    from pathlib import Path

    from forecaster.model.model import Model

    return Model.load(Path(path))


def _forecast(
    model: Trained, data: Source | None, asked: dict[str, Any], settings: dict[str, Any], *, skip_short: bool
) -> Forecast:
    """The forecast of a trained model; what is not `asked` is as the model has it."""
    from forecaster.config import Options, ReadConfig
    from forecaster.forecasting.forecast import forecast
    from forecaster.pipeline.predict import predict as predict_from
    from forecaster.pipeline.predict import with_short
    from forecaster.pipeline.train import Training

    read = _config(ReadConfig, settings)
    given = {name: value for name, value in asked.items() if value is not None}
    options = _config(Options, given)
    asked = asked | {name: getattr(options, name) for name in given}
    if isinstance(model, Training) and data is None and not settings:
        panel, _ = with_short(model.model, model.loaded.panel, skip=skip_short)
        return forecast(model.model, panel, **asked)
    source = None if data is None else _source(data)
    return predict_from(_model(model), source, read=read, skip_short=skip_short, **asked)


def _forecast_pretrained(
    data: Source | None, asked: dict[str, Any], settings: dict[str, Any], *, skip_short: bool
) -> Forecast:
    """The forecast of the pretrained networks; UsageError for settings of training."""
    from dataclasses import fields

    from forecaster.config import Limits, Options, ReadConfig
    from forecaster.errors import UsageError
    from forecaster.pipeline.predict import predict_pretrained

    of_training = (
        {field.name for field in fields(Options)} - {field.name for field in fields(Limits)} - set(asked)
    )
    wrong = next((name for name in settings if name in of_training), "skip_short" if skip_short else None)
    if wrong:
        raise UsageError(f"pretrained networks are not trained again: {wrong!r} would change nothing")
    settings = settings | {name: value for name, value in asked.items() if value is not None}
    options, read = _config(Options, settings, ReadConfig), _config(ReadConfig, settings, Options)
    return predict_pretrained(None if data is None else _source(data), options, read)


def _config(kind: type[T], settings: dict[str, Any], *others: type[Any]) -> T:
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
            name: _as_list(settings[name]) if "tuple" in own[name] else _plain(settings[name])
            for name in own
            if name in settings
        },
    )


def _plain(value: Any) -> Any:
    """NumPy and pandas values as Python values."""
    return value.tolist() if hasattr(value, "tolist") else value


def _as_list(value: Any) -> Any:
    """A list; a single name or number becomes a list of one."""
    value = _plain(value)
    return [value] if isinstance(value, str | int | float) else value


def _source(data: Any) -> Any:
    """A path as text, a DataFrame unchanged, a Series as a DataFrame. UsageError for anything else."""
    from forecaster.errors import UsageError

    if hasattr(data, "__fspath__"):
        return data.__fspath__()
    if hasattr(data, "to_frame"):  # a Series
        return data.to_frame()
    if isinstance(data, str) or (hasattr(data, "columns") and hasattr(data, "reset_index")):
        return data
    raise UsageError(f"data cannot be a {type(data).__name__}", hint="Give a pandas DataFrame or a path.")


def _model(model: Trained) -> Model:
    from forecaster.model.model import Model
    from forecaster.pipeline.train import Training
    from forecaster.pipeline.update import Update

    if isinstance(model, Training | Update):
        return model.model
    return model if isinstance(model, Model) else load(model)
