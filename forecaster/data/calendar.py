"""Frequency: how far apart rows are, how many make a season, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Frequency:
    """The regular step between rows.

    `alias` is a pandas offset alias; `seasonalities` are the lengths, in rows, of the seasons that such
    data may have, the usual one first: 30min -> (48, 336), h -> (24, 168), D -> (7, 365), B -> (5,),
    W -> (52,), MS and ME -> (12,), QS -> (4,), YS -> (1,).
    """

    alias: str
    seasonalities: tuple[int, ...]

    @property
    def season(self) -> int:
        """The usual seasonality m of a MASE and of the seasonal naive forecast."""
        return self.seasonalities[0]
