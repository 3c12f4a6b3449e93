"""Adjusted close: a table with two closes, the price paid and one adjusted for dividends and splits."""

from __future__ import annotations

import numpy as np

from forecaster.config import ReadConfig
from forecaster.data.findings import Finding, info
from forecaster.data.labels import shown
from forecaster.data.parsing.numbers import parse_numbers
from forecaster.data.roles.known_names import close_columns
from forecaster.data.roles.roles import Roles
from forecaster.data.table import Table
from forecaster.errors import DataError

SAME = 1e-3
"""Relative difference up to which two closes are the same price, rounded to cents."""


def adjusted_closes(table: Table, roles: Roles, config: ReadConfig) -> list[Finding]:
    """A finding of how far the two closes differ, and which is forecast; none if the table lacks one."""
    paid, adjusted = close_columns(list(table.columns))
    if paid is None or adjusted is None or len(roles.targets) > 1 or roles.targets[0] not in (paid, adjusted):
        return []
    both = f"{shown(adjusted)} and {shown(paid)}"
    try:
        values, prices = (parse_numbers(table, name, config)[0] for name in (adjusted, paid))
    except DataError as error:  # in the column that is not forecast
        return [info("P003", f"{both} cannot be compared: {error.message}")]
    apart = np.abs(np.divide(values, prices, out=np.ones(len(prices)), where=prices != 0) - 1)
    rows = np.flatnonzero(apart > SAME)
    if not len(rows):
        return []
    message = f"{both} differ, by {np.nanmax(apart):.1%} at most: dividends or splits"
    places = [f"{table.where(int(row))}: {values[row]:g} and {prices[row]:g}" for row in rows]
    action = f"{shown(adjusted)} is forecast, which moves like a holder's wealth; --target chooses the other"
    if roles.targets[0] == paid:
        action = f"{shown(paid)} is forecast, which falls when a dividend is paid; --target chooses the other"
    return [info("P003", message, count=len(rows), places=places[:3], action=action)]
