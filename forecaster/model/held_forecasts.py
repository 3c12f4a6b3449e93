"""Held forecasts: forecasts of rows that no network had learned from, which an update weighs the blend by.

Made by every component in training, from the origins of validation and test. They cannot be made again: the
networks of the model have learned from those rows since.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Float32s, Floats, Ints
from forecaster.data.panel import Panel

NOWHERE = np.iinfo(np.int64).min
MOST_VALUES = 8_000_000
"""A model of more series keeps none, which would take 32 MB. Its updates leave the weights alone."""
TIMES, BLOCKS, OF = "times", "blocks", "of "


@dataclass(frozen=True, eq=False)
class HeldForecasts:
    """Forecasts from O origins of the S series of a model, H steps ahead."""

    times: Ints  # (O, S) ns of the last row known at an origin; NOWHERE: not forecast from there
    blocks: Ints  # (O,) origins with the same number overlap
    forecasts: dict[str, Float32s]  # component -> (O, S, H)

    @classmethod
    def of(
        cls,
        panel: Panel,
        origins: Ints,
        blocks: Ints,
        forecasts: Mapping[str, Floats],
        most: float = math.inf,
    ) -> HeldForecasts | None:
        """The forecasts {name: (O, S, H)} from `origins` (O, S) of the panel; None: none, or too many.

        Of the oldest blocks, those beyond `most` are left out.
        """
        newest = blocks > blocks.max(initial=0) - most
        origins, blocks = origins[newest], blocks[newest]
        kept = {name: values[newest].astype(np.float32) for name, values in forecasts.items()}
        if not len(origins) or sum(values.size for values in kept.values()) > MOST_VALUES:
            return None
        rows = panel.offsets[:-1] + np.maximum(origins - 1, 0)
        return cls(np.where(origins > 0, panel.time[rows], NOWHERE), blocks - blocks.min(), kept)

    def take(self, place: Ints) -> HeldForecasts:
        """Those of other series: `place` (S',) says where each of them is in this one; −1: nowhere."""
        times = np.where(place >= 0, self.times[:, place], NOWHERE)
        return HeldForecasts(
            times, self.blocks, {name: values[:, place] for name, values in self.forecasts.items()}
        )

    def in_panel(self, panel: Panel, place: Ints) -> tuple[Ints, dict[str, Floats]]:
        """Origins (O, S') and forecasts {name: (O, S', H)} for the series of a panel.

        `place` as for `take`. Origins are −1 where the panel has no such row.
        """
        mine = self.take(place)
        times = mine.times
        origins = np.full(times.shape, -1)
        for series, (start, stop) in enumerate(zip(panel.offsets[:-1], panel.offsets[1:], strict=True)):
            own = panel.time[start:stop]
            row = np.searchsorted(own, times[:, series])
            there = own[np.minimum(row, len(own) - 1)] == times[:, series]
            origins[there, series] = row[there] + 1
        missing = (origins < 0)[:, :, None]
        forecasts = {name: np.where(missing, np.nan, a) for name, a in mine.forecasts.items()}
        return origins, forecasts

    def fits(self, series: int, horizon: int) -> bool:
        """Whether the arrays belong together, for so many series and steps."""
        origins = len(self.blocks)
        return (
            origins > 0
            and self.times.shape == (origins, series)
            and self.blocks.shape == (origins,)
            and bool((self.blocks >= 0).all())
            and all(values.shape == (origins, series, horizon) for values in self.forecasts.values())
        )

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """For the model file. Forecasts are stored as bits: not all of them are numbers."""
        bits = {OF + name: np.ascontiguousarray(a).view(np.uint32) for name, a in self.forecasts.items()}
        return {TIMES: self.times, BLOCKS: self.blocks, **bits}

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[np.generic]], names: Sequence[str]) -> HeldForecasts:
        """From what `to_arrays` gave for the components `names`.

        Raises KeyError where an array is missing, ValueError where it has another type.
        """
        bits = {name: arrays[OF + name] for name in names}
        times, blocks = arrays[TIMES], arrays[BLOCKS]
        if {times.dtype, blocks.dtype} != {np.dtype(np.int64)} or any(
            a.dtype != np.uint32 for a in bits.values()
        ):
            raise ValueError("the remembered forecasts have another type")
        forecasts = {name: a.view(np.float32) for name, a in bits.items()}
        return HeldForecasts(times.astype(np.int64), blocks.astype(np.int64), forecasts)
