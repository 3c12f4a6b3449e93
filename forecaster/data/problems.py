"""Problems: every error of a source that one run can show, for `forecast inspect`.

Loading stops at the first error. To find more, the source is loaded again without damaged rows, then with one
row for each timestamp; and its times and targets are parsed on their own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

from forecaster.config import ReadConfig
from forecaster.data.findings import Finding, fault
from forecaster.data.load import load
from forecaster.data.parsing.numbers import parse_numbers
from forecaster.data.parsing.times import parse_times
from forecaster.data.reading.read import read
from forecaster.data.roles.non_data_rows import without_non_data_rows, without_words_above
from forecaster.data.roles.roles import time_column
from forecaster.data.roles.targets import likely_targets
from forecaster.data.roles.time_parts import join_time_columns
from forecaster.errors import DataError, ForecasterError


def problems(source: str, config: ReadConfig, first: DataError) -> list[Finding]:
    """All errors of a source, without duplicates, `first` included.

    Stdin cannot be read again: only `first`.
    """
    errors = [first]
    if source != "-":
        lenient = dataclasses.replace(config, bad_rows="skip", strict=False)
        each_time_once = dataclasses.replace(lenient, duplicates="first")
        _try(errors, lambda: load(source, lenient))
        _try(errors, lambda: load(source, each_time_once))
        _try(errors, lambda: _parse(source, lenient, errors, config))
    once = {error.message: error for error in reversed(errors)}
    return [fault(error) for error in reversed(once.values())]


def _try(errors: list[DataError], step: Callable[[], object]) -> None:
    try:
        step()
    except DataError as error:
        errors.append(error)
    except ForecasterError:
        pass  # an option is wrong, not the data


def _parse(source: str, config: ReadConfig, errors: list[DataError], asked: ReadConfig) -> None:
    """Parse times, targets and covariates, each on its own.

    Rows that are left out, as `asked`, have no errors.
    """
    (table, config), _ = read(source, config)
    (table, config), _ = join_time_columns(table, config)
    table, _ = without_words_above(table, config)
    table, _ = without_non_data_rows(table, dataclasses.replace(config, bad_rows=asked.bad_rows))
    time = time_column(table, config)
    _try(errors, lambda: parse_times(table, time, config.date_format, config.tz))
    comma = config.delimiter == ";"
    for name in (*likely_targets(table, config, time), *config.covariates):
        _try(errors, partial(parse_numbers, table, name, config, comma=comma))
