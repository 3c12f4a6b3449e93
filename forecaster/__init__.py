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

from typing import TYPE_CHECKING, Any, Literal

from forecaster.pipeline.arguments import (
    as_list,
    config_of,
    engine_of,
    explained,
    forecast_of,
    model_of,
    model_or_pretrained,
    monitored,
    plain,
    settings_of,
    source_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    import pandas as pd

    from forecaster.forecasting.explanation import Explanation
    from forecaster.model.model import Model
    from forecaster.pipeline.arguments import Source, Trained
    from forecaster.pipeline.compare import Comparisons
    from forecaster.pipeline.evaluate import Evaluation
    from forecaster.pipeline.monitor import Monitoring
    from forecaster.pipeline.page import Reported
    from forecaster.pipeline.train import Training
    from forecaster.pipeline.update import Update
    from forecaster.training.ensemble import Listener

__all__ = ["__version__", "compare", "evaluate", "explain", "load", "monitor", "predict", "train", "update",
           "write_report"]  # fmt: skip
__version__ = "0.1.0"


def train(
    data: Source,
    *,
    sample_series: int | str | None = None,
    on_event: Listener | None = None,
    engine: str | None = None,
    **settings: Any,
) -> Training:
    """Train a model on `data` and report its errors on the newest rows, which are held out.

    All settings are optional; those that are not set are chosen from the data. They are the fields of
    `forecaster.config.ReadConfig` and `forecaster.config.Options`, which explain them:

        columns    time, id, target, covariates, known, static, hierarchy, layout, freq, every, agg,
                   max_gap, calendar, holidays, events, positions, adjust_splits, difference, known_fill
        reading    delimiter, encoding, max_bytes, quote, escape, header, skip, skip_end, decimal,
                   thousands, strip, na, date_format, hours, start, time_unit, tz, duplicates, bad_rows,
                   strict
        forecast   horizon, effort, reconcile, levels, quantiles, lower, upper, integer, circular
        network    lookback, segment, seasons, log, deseasonalise, cell, hidden, layers, dropout, decoder,
                   members, pretrained
        training   steps, batch, rate, loss, quantile, optimizer, weight_decay, clip, schedule, unroll,
                   patience, refit, keep_on_interrupt, seed, workers

    `engine`: where the work is done: "processes" of this machine, "ray", or a cluster, "ray://HOST:10001".
    `sample_series=N` trains on a sample of so many series, "auto" of as many as are enough: Parquet files may
    then be larger than memory. `on_event` is called with each `forecaster.training.loop.Event`. Returns a
    `forecaster.pipeline.train.Training`. Its `model` can be saved. Its `report` is None where the data is too
    short to hold anything out, its `notes` explain it; its `sample` says what a sample costs in accuracy.

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
    from forecaster.pipeline import train as pipeline

    options, read = settings_of(settings)
    return pipeline.train(
        source_of(data),
        options,
        read,
        on_event=on_event,
        sample_series=plain(sample_series),
        engine=engine_of(engine, options.workers),
    )


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
    future: Source | None = None,
    what_if: Mapping[str, Any] | Sequence[str] | None = None,
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
    model looks back on. `future` is a table of values known of the future, for covariates of `known`.
    `what_if` changes them, as in {"price": 9.5, "temperature": "+=2"} (docs/covariates.md has all forms), and
    adds `base`, the forecast without, and `difference`: an association of the past, no proof of a cause.

    Raises ModelError for a model that cannot be used or does not fit the data, and the errors of `train`.

    >>> import numpy as np, pandas as pd
    >>> months = pd.date_range("2015", periods=90, freq="MS")
    >>> table = pd.DataFrame({"month": months, "sales": np.arange(90.0)})
    >>> training = train(table.iloc[:80], horizon=4, hidden=8, steps=30)
    >>> list(predict(training, table, horizon=2)["month"].astype(str))
    ['2022-07-01', '2022-08-01']
    """
    asked = {"horizon": plain(horizon), "levels": plain(levels), "quantiles": plain(quantiles)}
    result = forecast_of(model, data, asked, settings, skip_short=skip_short, future=future, what_if=what_if)
    return result.to_frame() if samples is None else result.samples_to_frame(plain(samples), plain(seed))


def explain(
    model: Trained | Literal["pretrained"],
    data: Source | None = None,
    *,
    series: str | None = None,
    step: int | str | Sequence[int] = 1,
    future: Source | None = None,
    **settings: Any,
) -> Explanation:
    """Explain what moved the forecast of one series: past rows, seasons, covariates.

    `series` is an id, by default the first. `step` is a step of the forecast from 1 on, or a range such as
    "2-8" or (2, 8), whose mean is explained. `model`, `data`, `future` and `settings` are those of `predict`.

    Returns a `forecaster.forecasting.explanation.Explanation`: arrays of contributions in the unit of the
    target, which with the `baseline` (the forecast of a past that is level at the mean of its newest season)
    sum to the forecast.

    Raises UsageError for a series or step that is not there, and the errors of `predict`.

    >>> import numpy as np, pandas as pd
    >>> table = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=80), "y": np.arange(80) % 7 + 1.0})
    >>> training = train(table, horizon=5, hidden=8, steps=30)
    >>> found = explain(training, table, step=3)
    >>> len(found.rows), bool(np.isclose(found.baseline + found.explained, found.forecast, rtol=0.01))
    (80, True)
    """
    return explained(model, data, settings, series=series, step=step, future=future)


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
        model_of(model),
        None if data is None else source_of(data),
        config_of(ReadConfig, settings) if settings else None,
        workers=plain(workers),
        on_event=on_event,
    )


def evaluate(
    data: Source,
    *,
    model: Trained | Literal["pretrained"] | None = None,
    origins: int = 1,
    step: int | None = None,
    refit: Literal["never", "each"] | int | bool = "never",
    by: str | None = None,
    sample_series: int | str | None = None,
    on_event: Listener | None = None,
    engine: str | None = None,
    **settings: Any,
) -> Evaluation:
    """Backtest: forecast from the last `origins` origins, `step` rows apart, and compare with actual values.

    Trains as `train` does, with the same settings, on the rows before the first origin, and again before each
    one (`refit="each"`) or every N-th (`refit=N`); `refit` as a bool is the setting of `train`. Or uses
    `model`, which must have been trained on such rows only, or be "pretrained". `step` is one horizon by
    default. `by` is a column with one value for each series, by which the report groups them.
    `sample_series=N` evaluates a simple random sample of so many series. `engine` is as for `train`.

    Returns a `forecaster.pipeline.evaluate.Evaluation`. Its `report` has the `verdict` and the errors of
    model and baselines, its `backtest` every forecast beside the actual value (`backtest.to_frame()`).

    Raises the errors of `train`, UsageError for more origins than the data allows, and ModelError for a model
    that does not fit the data or was trained on rows that it would forecast.

    >>> import numpy as np, pandas as pd
    >>> table = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=120), "y": np.arange(120) % 7 + 1.0})
    >>> report = evaluate(table, horizon=7, origins=3, hidden=8, steps=30).report
    >>> report.origins, report.best_baseline
    (3, 'seasonal naive')
    """
    from forecaster.pipeline import evaluate as pipeline

    if isinstance(refit, bool):
        settings, refit = settings | {"refit": refit}, "never"
    options, read = settings_of(settings)
    return pipeline.evaluate(
        source_of(data),
        options,
        read,
        origins=plain(origins),
        step=plain(step),
        refit=pipeline.refit_of(plain(refit)),
        by=by,
        model=None if model is None else model_or_pretrained(model),
        on_event=on_event,
        engine=engine_of(engine, options.workers),
        sample_series=plain(sample_series),
    )


def compare(
    data: Source,
    *,
    cells: Sequence[str] = (),
    efforts: Sequence[str] = (),
    configs: Mapping[str, dict[str, Any]] | None = None,
    models: Mapping[str, Trained | Literal["pretrained"]] | None = None,
    origins: int | None = None,
    step: int | None = None,
    refit: Literal["never", "each"] | int | bool = "never",
    tune: int = 0,
    on_event: Listener | None = None,
    engine: str | None = None,
    **settings: Any,
) -> Comparisons:
    """Rank contestants and baselines by their errors from the same origins, as `evaluate` measures them.

    Contestants: `settings` with each of the `cells` and `efforts`; named `configs` and `models`; without any,
    quick, normal and pretrained. `tune=N` searches among N settings, those in `settings` left as they are, on
    earlier origins. `engine` is as for `train`. Returns a `forecaster.pipeline.compare.Comparisons`. Raises
    the errors of `evaluate` if no contestant can be tried. Interrupted later, it returns what is done.

    >>> import numpy as np, pandas as pd
    >>> table = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=120), "y": np.arange(120) % 7 + 1.0})
    >>> board = compare(table, cells=["gru", "rnn"], horizon=7, origins=3, hidden=8, steps=30).leaderboard
    >>> board.best.name
    'seasonal naive'
    """
    from forecaster.pipeline import compare as pipeline

    if isinstance(refit, bool):
        settings, refit = settings | {"refit": refit}, "never"
    options, read = settings_of(settings)
    contestants = pipeline.contestants_of(
        options,
        cells=as_list(cells),
        efforts=as_list(efforts),
        configs={name: settings_of(settings | own)[0] for name, own in (configs or {}).items()},
        models={name: model_or_pretrained(each) for name, each in (models or {}).items()},
    )
    return pipeline.compare(
        source_of(data),
        contestants,
        options,
        read,
        origins=plain(origins),
        step=plain(step),
        refit=pipeline.refit_of(plain(refit)),
        tuned=plain(tune),
        fixed=frozenset(settings),
        on_event=on_event,
        engine=engine_of(engine, options.workers),
    )


def monitor(
    model: Trained | Literal["pretrained"],
    data: Source | None = None,
    *,
    state: str | PathLike[str] | None = None,
    since: str | None = None,
    false_alarms: str | None = None,
    wait: float = 0.0,
    engine: str | None = None,
    workers: int | None = None,
    **settings: Any,
) -> Monitoring:
    """Judge the new rows of `data` by forecasts from before them, and raise alarms: spikes, lasting shifts,
    stuck and silent series. Default: the data that the model was trained on, read again.

    `state` is the file that says which rows have been judged, so that each alarm is raised once; it is
    written at the end. Without one, the rows since the time `since` are judged, by default those after what
    the model was trained on. `false_alarms` is how many to expect in all series together: 2/d, 1/4w, or per
    time steps 1/1000; 1/w by default, and 1/168 of data slower than hourly. `settings` are the columns and
    reading settings of `train`; with the model "pretrained" also lower, upper, integer and circular. `engine`
    and `workers` are as for `train`.

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
    ways = {"since": since, "false_alarms": false_alarms, "workers": plain(workers)}
    return monitored(model, data, settings, state=state, wait=wait, engine=engine, **ways)


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
    from forecaster.model.model import Model

    return Model.load(path)


def write_report(result: Reported, path: str | PathLike[str], *, series: Sequence[str] = ()) -> None:
    """Write the result of `train`, `evaluate`, `compare` or `update`: a page (.html) or errors (.json, .csv).

    `series`: ids that must have a chart. Raises UsageError (a name, a missing package) and StorageError.

    >>> import numpy as np, pandas as pd, tempfile
    >>> table = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=90), "y": np.arange(90) % 7 + 1.0})
    >>> write_report(train(table, horizon=5, hidden=8, steps=30), f"{tempfile.mkdtemp()}/y.html")
    """
    from forecaster.pipeline.page import write_any

    write_any(result, str(path), as_list(series))
