"""Row times: a table without times, whose rows are one step apart from a start; and numbers since a start."""

from __future__ import annotations

import dataclasses
import shlex

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Ints
from forecaster.config import ReadConfig
from forecaster.data.calendar.frequency import frequency
from forecaster.data.findings import Finding, info
from forecaster.data.labels import shown
from forecaster.data.parsing.looks import kind_of_cells
from forecaster.data.parsing.numbers import is_text
from forecaster.data.reading.layouts.stacking import free_name
from forecaster.data.table import OnDemand, Table, makers_of
from forecaster.errors import DataError, UsageError

TIME = "time"


def with_times(table: Table, config: ReadConfig) -> tuple[tuple[Table, ReadConfig], list[Finding]]:
    """The table with a column of times, if `--start` says when its first row was; else as it is.

    With an id, each series begins at the start; without, each file does. With `--time-unit` the time column
    counts from the start, and the configuration says so. Raises UsageError where the options do not fit.
    """
    if config.time_unit is not None:
        start = _start(config.start or "1970-01-01")
        form = f"{config.time_unit} since {start.isoformat()}"
        return (table, dataclasses.replace(config, date_format=form)), []
    if config.start is None:
        return (table, config), []
    start = _start(config.start)
    step = config.freq or config.every
    if step is None:
        raise UsageError("--start needs the step between rows", hint="Set it, such as --freq D.")
    name = config.time or free_name([TIME, "row time"], list(table.columns))
    if config.time in table.columns:
        raise UsageError(
            f"--start is for a table without times, but --time names {shown(config.time)}",
            hint="Leave one out; or say what its numbers count: --time-unit s.",
        )
    _refuse_words(table, config)
    places = _places(table, config.id)
    first = _on_step(start, step)
    most = int(places.max(initial=0))
    ahead = frequency(step).future_times(int(first.value), most) if most else np.empty(0, np.int64)
    times = np.r_[np.int64(first.value), ahead][places]
    stamps = pa.chunked_array([pa.array(times.view("M8[ns]"))])
    makers = makers_of(table.columns) | {name: lambda: stamps}
    ends = f"{str(first)[:19]} to {str(pd.Timestamp(times.max()))[:19]}"
    message = f"times of the rows from --start and the step {step}: {ends}"
    table = dataclasses.replace(table, columns=OnDemand(makers))
    return (table, dataclasses.replace(config, time=name)), [info("L004", message, count=table.rows)]


def _refuse_words(table: Table, config: ReadConfig) -> None:
    """DataError for a column of words that may name the series, each of which would begin at the start."""
    if config.id is not None or config.layout in ("one", "wide", "files"):
        return
    for name, column in table.columns.items():
        kind = table.parsed.get(name, column).type
        if not (is_text(kind) or pa.types.is_dictionary(kind)) or kind_of_cells(column, config.na) != "text":
            continue
        if 1 < pc.count_distinct(column).as_py() <= table.rows // 2:
            raise DataError(
                f"{table.name}: column {shown(name)} may name series, each of which begins at --start",
                hint=f"If it does: --id {shlex.quote(name)}; if all rows are one series: --layout one.",
            )


def _start(text: str) -> pd.Timestamp:
    try:
        start = pd.Timestamp(text).as_unit("ns")
    except (ValueError, OverflowError, pd.errors.OutOfBoundsDatetime):
        start = None
    if start is None or pd.isna(start) or start.tz is not None:
        raise UsageError(f"--start cannot be {shown(text)}", hint="Use a date or time such as 2020-01-31.")
    return start


def _on_step(start: pd.Timestamp, step: str) -> pd.Timestamp:
    """The start, if rows of this step can lie there. UsageError otherwise."""
    time = np.array([start.value])
    _, fits = frequency(step).position(time, time)
    if not fits.all():
        raise UsageError(
            f"--start {str(start)[:10]} is no day of the step {step}", hint="Choose another day or step."
        )
    return start


def _places(table: Table, series: str | None) -> Ints:
    """How many steps after the start each row is: its number among the rows of its series, or of its file."""
    if series is None or series not in table.columns:
        counts = [np.arange(part.rows) for part in table.parts]
        return np.concatenate([np.empty(0, np.int64), *counts])
    coded = pc.dictionary_encode(table.columns[series], null_encoding="encode").combine_chunks()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    codes = coded.indices.to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable")
    begins = np.searchsorted(codes[order], codes[order])
    places = np.empty(len(codes), np.int64)
    places[order] = np.arange(len(codes)) - begins
    return places
