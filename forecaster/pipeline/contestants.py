"""Contestants: settings, models and pretrained networks to compare, and what they must have in common."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from forecaster.config import Limits, Options, ReadConfig, from_json, limits_of
from forecaster.data.panel import Panel
from forecaster.errors import UsageError, brief
from forecaster.evaluation.leaderboard import Kind
from forecaster.methods import opponents
from forecaster.model.model import Model
from forecaster.pipeline.pieces import Counter
from forecaster.pipeline.predict import PRETRAINED, read_as
from forecaster.report.text import inert
from forecaster.training.ensemble import Listener

if TYPE_CHECKING:
    import pandas as pd

What = Options | Model | Literal["pretrained"]
"""What is tried: a training with these settings, a model, or the pretrained networks."""
Wanted = tuple[str, str, What]
"""What a contestant is, in a word; its name; what to try."""
Watch = Callable[[str, int, int], AbstractContextManager[tuple[Listener | None, Counter | None]]]
"""Called with a name, its number from 1 on, and how many there are; what it gives hears the training and
counts origins."""
MOST_ORIGINS, SHARE = 10, 4
"""Without a number of origins: so many, but they hold out at most one part in SHARE of the longest series."""
LONGEST_NAME = 48
USUAL_EFFORTS = ("quick", "normal")
"""Compared where nothing is named, beside the pretrained networks."""


@dataclass(frozen=True, eq=False)
class Contestant:
    """Something to compare, under a name of its own."""

    name: str
    what: What

    @property
    def kind(self) -> Kind:
        """What it is, for the board."""
        if isinstance(self.what, Model):
            return "model"
        return "pretrained" if isinstance(self.what, str) else "training"

    @property
    def trains(self) -> bool:
        """Whether it is trained for the comparison."""
        return isinstance(self.what, Options)


def contestants_of(
    options: Options,
    *,
    cells: Sequence[str] = (),
    efforts: Sequence[str] = (),
    configs: Mapping[str, Options] | None = None,
    models: Mapping[str, Model | Literal["pretrained"]] | None = None,
) -> tuple[Contestant, ...]:
    """The contestants in this order. Each of `cells` and `efforts` changes one setting of `options`, and is
    a UsageError where it cannot have that value.
    """
    wanted: list[Wanted] = []
    wanted += [("cell", cell, dataclasses.replace(options, cell=_checked("cell", cell))) for cell in cells]
    wanted += [
        ("effort", each, dataclasses.replace(options, effort=_checked("effort", each))) for each in efforts
    ]
    wanted += [("settings", name, each) for name, each in (configs or {}).items()]
    wanted += [("model", name, each) for name, each in (models or {}).items()]
    return named(wanted)


def _checked(setting: str, value: str) -> Any:
    """The value of a setting. UsageError where it is none."""
    return getattr(from_json(Options, {setting: value}), setting)


def usual_contestants(options: Options) -> tuple[Contestant, ...]:
    """What is compared where nothing is named."""
    return contestants_of(options, efforts=USUAL_EFFORTS, models={PRETRAINED: "pretrained"})


def named(wanted: Iterable[Wanted]) -> tuple[Contestant, ...]:
    """Contestants under inert names of their own: one that is taken gets what it is, or a number."""
    taken: dict[str, Contestant] = {}
    for word, name, what in wanted:
        short = inert(name)
        short = short if len(short) <= LONGEST_NAME else f"…{short[-LONGEST_NAME:]}"
        numbers = (f"{word} {short} ({number})" for number in count(2))
        free = next(
            text
            for text in chain((short, f"{word} {short}"), numbers)
            if text not in taken and not _is_baseline(text)
        )
        taken[free] = Contestant(free, _uninterrupted(what))
    return tuple(taken.values())


def _is_baseline(name: str) -> bool:
    known = ("model", "naive", "drift", "mean", *opponents.CLASSES)
    return name in known or name.startswith("seasonal naive")


def _uninterrupted(what: What) -> What:
    """Settings of which an interruption leaves no half trained contestant."""
    return dataclasses.replace(what, keep_on_interrupt=False) if isinstance(what, Options) else what


def without_repeats(contestants: Iterable[Contestant]) -> tuple[tuple[Contestant, ...], tuple[str, ...]]:
    """Each settings once, and a note on each that is left out."""
    kept: dict[Any, Contestant] = {}
    notes = []
    for each in contestants:
        key = id(each.what) if isinstance(each.what, Model) else each.what
        if key in kept:
            notes.append(f"{each.name} and {kept[key].name} are the same: tried once.")
        else:
            kept[key] = each
    return tuple(kept.values()), tuple(notes)


def common_horizon(contestants: Iterable[Contestant], options: Options) -> int | None:
    """The one horizon that settings and models have of themselves; None: the data decides.

    Raises UsageError where they have several.
    """
    own = {each.name: _horizon(each, options) for each in contestants}
    asked = {name: horizon for name, horizon in own.items() if horizon}
    if len(set(asked.values())) > 1:
        each = ", ".join(f"{name} {horizon}" for name, horizon in asked.items())
        raise UsageError(
            f"the contestants have different horizons: {each}",
            hint=f"Give one that all can forecast: --horizon {min(asked.values())}.",
        )
    return next(iter(asked.values()), None)


def usual_origins(panel: Panel, horizon: int, step: int | None, most: int = MOST_ORIGINS) -> int:
    """As many origins as hold out at most one part in SHARE of the longest series; at least one."""
    room = int(panel.lengths.max()) // SHARE - horizon
    return int(np.clip(room // (step or horizon) + 1, 1, most))


def _horizon(contestant: Contestant, options: Options) -> int | None:
    """The horizon that a contestant has of itself."""
    what = contestant.what
    if isinstance(what, Model):
        return options.horizon or what.horizon
    return what.horizon if isinstance(what, Options) else options.horizon


def common_reading(
    contestants: Iterable[Contestant], source: str | Path | pd.DataFrame, read: ReadConfig
) -> ReadConfig:
    """How to read the data for all: as the models remember it, with the settings made in `read`.

    Raises UsageError where two models remember different settings.
    """
    ways = {
        each.name: read_as(each.what, source, read) for each in contestants if isinstance(each.what, Model)
    }
    return one_reading(ways) or read


def common_limits(contestants: Iterable[Contestant], options: Options) -> Limits:
    """The limits by which the data is read. UsageError where values wrap around at different numbers."""
    own = {each.name: _limits(each.what, options) for each in contestants}
    names = list(own)
    for name in names[1:]:
        pair = own[names[0]].circular, own[name].circular
        if pair[0] != pair[1]:
            raise UsageError(
                f"{names[0]} and {name} read the data in different ways: circular is {pair[0]} and {pair[1]}",
                hint="Compare those that agree.",
            )
    return own[names[0]] if own else limits_of(options)


def _limits(what: What, options: Options) -> Limits:
    if isinstance(what, Model):
        return what.blend.limits
    return limits_of(what if isinstance(what, Options) else options)


def one_reading(ways: Mapping[str, ReadConfig]) -> ReadConfig | None:
    """The one way to read the data; None without any. UsageError where there are several."""
    names = list(ways)
    for name in names[1:]:
        for field in dataclasses.fields(ReadConfig):
            pair = [getattr(ways[each], field.name) for each in (names[0], name)]
            if pair[0] != pair[1]:
                raise UsageError(
                    f"{names[0]} and {name} read the data in different ways: {field.name} is "
                    f"{brief(pair[0])} and {brief(pair[1])}",
                    hint=f"Say how to read it, such as {_flag(field.name, pair)}.",
                )
    return ways[names[0]] if names else None


def _flag(setting: str, values: Sequence[Any]) -> str:
    """The option that makes one of the values, the default left out: it would change nothing."""
    value = next(each for each in values if each != getattr(ReadConfig(), setting))
    flag = f"--{setting.replace('_', '-')}"
    if isinstance(value, bool):
        return flag if value else f"--no-{setting}"
    items = value if isinstance(value, tuple) else ()
    words = ",".join(f'"{item}"' if "," in item else item for item in items) if items else str(value)
    return f"{flag} {shlex.quote(words)}"
