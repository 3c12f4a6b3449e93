"""Checks of a model that was read: its parts must fit each other before any of them is used.

Types, and the range of each number alone, are checked where `config.from_json` makes the parts. A digest
shows that a file is whole, not who wrote it: its numbers may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from forecaster.config import NO_LIMIT_BELOW, ROWS, MemberConfig
from forecaster.data.calendar.clock import to_local
from forecaster.data.calendar.frequency import Frequency, frequency
from forecaster.features.groups import GROUPS
from forecaster.features.windows import count_features
from forecaster.methods.blend import DEMAND, PRETRAINED, SMOOTHING, Blend, network_name
from forecaster.pretraining.store import by_kind
from forecaster.pretraining.views import view_of

if TYPE_CHECKING:
    from forecaster.data.panel import Panel

Model: TypeAlias = Any
"""A `model.Model`, and its `model.Facts`: that file imports this one."""
Facts: TypeAlias = Any
BASELINE = re.compile("naive|drift|mean|seasonal naive( [1-9][0-9]{0,11})?")
DEEPEST, LARGEST = 20, 10**6
"""Levels of nesting, and values in all, of facts that only people read."""


def check_whole(model: Model, arrays: int) -> None:
    """Raise ValueError or UsageError where the parts of a model contradict each other.

    `arrays`: how many the file has.
    """
    if not model.members:
        raise ValueError("it has no networks")
    if len({member.config.horizon for member in model.members}) != 1:
        raise ValueError("the members have no common horizon")
    _check_intervals(model)
    if model.held is not None and (
        model.series is None or not model.held.fits(len(model.series), model.horizon)
    ):
        raise ValueError("the remembered forecasts have another shape")
    for member in model.members:
        _check_member(member.config, model.facts)
    _check_blend(model)
    _check_facts(model.facts)
    if arrays != model.count_arrays():
        raise ValueError("there are more arrays than weights")
    kinds = by_kind(model.pretrained)
    if len(kinds) != len(model.pretrained):
        raise ValueError("there are two pretrained networks of a kind")
    errors = model.distribution
    needed = PRETRAINED in model.blend.components or (errors is not None and errors.network_share > 0)
    if needed and view_of(model.facts.frequency).kind not in kinds:
        raise ValueError("the blend or the intervals need a pretrained network that the model does not have")


def suits(model: Model, panel: Panel) -> bool:
    """Whether the networks look back no further than this panel could need.

    Rows before a series begins are filled in, and cost as much memory as any.
    """
    return bool(model.lookback <= max(NO_LIMIT_BELOW, 2 * int(panel.lengths.max())))


def _check_member(config: MemberConfig, facts: Facts) -> None:
    """A member reads what its windows give, and was trained on what the facts say."""
    features = count_features(
        1 + len(facts.names.covariates) + config.known_width, config.segment, config.gaps, config.phases
    )
    if (config.network.inputs, config.network.outputs) != (features, config.horizon):
        raise ValueError("a network has other inputs or outputs than its windows")
    if (config.network.output_segment or 1) > config.horizon:
        raise ValueError("a network forecasts segments longer than its horizon")
    longest = max(NO_LIMIT_BELOW, 2 * facts.rows)
    for name in ("lookback", "level_rows"):
        if getattr(config, name) > longest:
            raise ValueError(f"its {name} is longer than its data")
    if max((*config.seasons, *config.phases), default=1) > longest:
        raise ValueError("a season is longer than its data")


def _check_blend(model: Model) -> None:
    """The weights are of components that there are, and sum to one."""
    blend: Blend = model.blend
    known = {network_name(number) for number in range(len(model.members))}
    known |= {*SMOOTHING, *DEMAND, PRETRAINED}
    wrong = [name for name in blend.components if name not in known and not BASELINE.fullmatch(name)]
    if any(name.startswith("network ") for name in wrong):
        raise ValueError("the blend names a network that the model does not have")
    if wrong or not set(blend.by_group) <= set(GROUPS):
        raise ValueError("the blend names a method or group of series that there is not")
    for each in (blend.weights, *blend.by_group.values()):
        if not all(weight >= 0 for weight in each.values()) or abs(sum(each.values()) - 1) > 1e-6:
            raise ValueError("the weights of the blend do not sum to one")
    if min(blend.seasons, default=1) < 1 or max(blend.seasons, default=1) > max(
        NO_LIMIT_BELOW, 2 * model.facts.rows
    ):
        raise ValueError("a season of the blend is none, or longer than its data")


def _check_facts(facts: Facts) -> None:
    """The facts are possible, and small."""
    if not 1 <= facts.series <= facts.rows <= 1000 * ROWS:
        raise ValueError("it has no rows, or more series than rows")
    if not -(2**63) < facts.first <= facts.last < 2**63:
        raise ValueError("its first and last timestamp are none")
    _check_frequency(facts.frequency)
    for zone in (facts.names.tz, facts.read.tz):
        _check_zone(zone)
    if "\0" in facts.source:
        raise ValueError("its source is no path")
    if not set(facts.words) >= {*(facts.read.known or ()), *facts.read.static}:
        raise ValueError("its words are those of other columns")
    shortest = facts.training.get("shortest", 1)
    if type(shortest) is not int or not 0 <= shortest <= facts.rows:
        raise ValueError("its shortest series has no sensible length")
    if sum(1 for _ in _values((facts.training, facts.values, facts.report, facts.words))) > LARGEST:
        raise ValueError("its facts are too many")
    for name, value in facts.values.items():
        counts = value.values() if isinstance(value, dict) else ()
        if any(type(count) is not int for count in counts):
            raise ValueError(f"{name[:40]!r} of its series are no counts")


def _check_frequency(found: Frequency) -> None:
    """The frequency is one that this program knows, under its own name, with seasons."""
    if frequency(found.alias).alias != found.alias:
        raise ValueError("its frequency is unknown")
    if not 1 <= len(found.seasonalities) <= 10 or not all(1 <= m < 2**40 for m in found.seasonalities):
        raise ValueError("the frequency has no seasonality")
    if len(found.holidays) > 1000 or not all(0 < rule.since < 3000 for rule in found.holidays):
        raise ValueError("its holidays are none")


def _check_zone(zone: str | None) -> None:
    try:
        to_local(np.zeros(1, np.int64), zone)
    except (KeyError, ValueError, OSError, TypeError, AttributeError, OverflowError):
        raise ValueError("its time zone is unknown") from None


def _values(content: Any, depth: int = 0) -> Iterable[Any]:
    """All values of nested lists and objects. ValueError for those that are nested too deep."""
    if depth > DEEPEST:
        raise ValueError("its facts are nested too deep")
    if isinstance(content, dict | list | tuple):
        for each in content.values() if isinstance(content, dict) else content:
            yield from _values(each, depth + 1)
    else:
        yield content


def _check_intervals(model: Model) -> None:
    """Raise ValueError unless there are intervals, and their arrays fit the model."""
    if (model.half_widths is None) == (model.distribution is None):
        raise ValueError("there are no intervals, or two kinds of them")
    if model.half_widths is not None:
        expected = (len(model.options.levels), model.horizon)
        if model.half_widths.shape != expected or model.half_widths.dtype != np.float64:
            raise ValueError("the interval half-widths have another shape or type")
        return
    assert model.distribution is not None
    if any(array.dtype != np.float64 for array in model.distribution.to_arrays().values()):
        raise ValueError("the distribution of errors has another type")
    if model.series is None or model.series.dtype != np.uint64 or model.series.ndim != 1:
        raise ValueError("the ids of the series that the factors belong to are missing")
    if not model.distribution.fits(model.horizon, len(model.series)):
        raise ValueError("the distribution of errors has another shape")
