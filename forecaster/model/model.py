"""Model: networks, blend, intervals, configuration and facts. `model.file` reads and writes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Floats
from forecaster.config import MemberConfig, Options, ReadConfig, from_json, to_json
from forecaster.data.calendar.frequency import Frequency
from forecaster.data.labels import Names, listed, times_as_strings
from forecaster.data.panel import Panel
from forecaster.data.series.learned_holidays import described
from forecaster.data.storage.place import Named, place
from forecaster.errors import DataError, ModelError, UsageError
from forecaster.intervals.distribution import Distribution
from forecaster.methods.blend import PRETRAINED, Blend, network_name
from forecaster.model.checks import check_whole, suits
from forecaster.model.file import VERSION, damaged, read_model_file, write_model_file
from forecaster.model.held_forecasts import HeldForecasts
from forecaster.nn.network import Network, parameter_shapes
from forecaster.pretraining.store import Pretrained

Hashes: TypeAlias = NDArray[np.uint64]
UNFIT = (
    *(KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError),
    *(UsageError, DataError),
)
"""What may be raised where the parts of a model are not what they must be."""
LONGEST_REASON = 200
ERRORS, SERIES, HELD = "errors.", "errors_of_series", "held."
"""Names of arrays in the file: parts of the distribution of errors, whose factors it holds, forecasts."""
SAMPLE = "sample"
"""Key of what a sample of the series was and costs, in what a model remembers of its training."""
NETWORK_SHARE = "network_share"
"""Key of the share that pretrained networks have in the spread; older models have none."""


@dataclass(frozen=True, eq=False)
class Member:
    """One network of the ensemble, and its configuration."""

    config: MemberConfig
    network: Network


@dataclass(frozen=True, eq=False)
class Networks:
    """All networks that a forecast may use."""

    trained: tuple[Member, ...]
    """Those of the ensemble, trained on the user's series."""
    pretrained: tuple[Pretrained, ...] = ()
    """Those that were trained on synthetic series."""


@dataclass(frozen=True)
class Facts:
    """The origin of a model, and the data it fits."""

    source: str
    """Path of the training data; "-" for standard input, empty for a DataFrame."""
    read: ReadConfig
    """Columns and dialect, resolved, so that nothing is inferred when the source is read again."""
    names: Names
    frequency: Frequency
    series: int
    rows: int
    first: int
    """First timestamp of the training data, ns UTC."""
    last: int
    """Last timestamp of the training data, ns UTC."""
    versions: dict[str, str] = field(default_factory=dict)
    """Those of packages, and under `kernels` what computed the networks; older files do not tell."""
    repairs: dict[str, int] = field(default_factory=dict)
    """Repairs made on reading: code of the finding -> count."""
    training: dict[str, Any] = field(default_factory=dict)
    """Seed, shortest series, steps and validation loss of each member, rescues, whether refitted."""
    report: dict[str, Any] | None = None
    """The error report on held-out data, as JSON."""
    words: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    """Column of known covariates and of facts of series -> its words, in the order of their codes; None:
    numbers."""
    values: dict[str, Any] = field(default_factory=dict)
    """What the series were taken for: see `report.series_kinds`. Empty in older files."""


@dataclass(frozen=True, eq=False)
class Model:
    """A trained forecaster."""

    options: Options
    members: tuple[Member, ...]
    blend: Blend
    half_widths: Floats | None  # (levels, H) in units of local spread, of models of format 1
    facts: Facts
    distribution: Distribution | None = None
    """What held-out forecasts say of errors to come."""
    series: Hashes | None = None
    """A hash of the id of each series (S,), whose factor the distribution holds."""
    pretrained: tuple[Pretrained, ...] = ()
    """The pretrained networks that the blend uses: a later version of the package may have others."""
    held: HeldForecasts | None = None
    """What an update weighs the blend by."""

    @property
    def networks(self) -> Networks:
        """All networks."""
        return Networks(self.members, self.pretrained)

    @property
    def horizon(self) -> int:
        return self.members[0].config.horizon

    @property
    def lookback(self) -> int:
        """The longest lookback of any member, in rows."""
        return max(member.config.lookback for member in self.members)

    def save(self, path: Named) -> None:
        """Write the model atomically. Raises StorageError."""
        text = json.dumps(self._json(), sort_keys=True, allow_nan=False)
        write_model_file(place(path), text, self._arrays())

    @classmethod
    def load(cls, path: Named) -> Model:
        """Read a model file and check all of it.

        Raises ModelError where the file is missing, damaged, no model or of a newer version;
        StorageError where it cannot be read.
        """
        text, arrays = read_model_file(place(path))
        try:
            return cls._from(json.loads(text, parse_constant=_refuse_constant), arrays)
        except UNFIT as error:
            why = f"its configuration does not fit its weights ({str(error)[:LONGEST_REASON]})"
            raise damaged(place(path), why) from error

    def factors_of(self, ids: Sequence[str]) -> Floats:
        """The factor of each of these series (S,) by its id; 1 for a new series."""
        assert self.distribution is not None and self.series is not None
        known = dict(zip(self.series.tolist(), self.distribution.factors.tolist(), strict=True))
        return np.array([known.get(each, 1.0) for each in hashes(ids).tolist()])

    def card(self) -> dict[str, dict[str, Any]]:
        """The model card: sections of facts for people and scripts."""
        facts, config = self.facts, self.members[0].config
        first, last = times_as_strings(np.array([facts.first, facts.last]), facts.names)
        return {
            "data": {
                "source": facts.source,
                "time": facts.names.time,
                "id": facts.names.id,
                "target": facts.names.target,
                "covariates": list(facts.names.covariates),
                **({"known": list(facts.names.known)} if facts.names.known else {}),
                **({"static": list(facts.names.static)} if facts.names.static else {}),
                **({"holidays": list(facts.read.holidays)} if facts.read.holidays else {}),
                **({"events": facts.read.events} if facts.read.events else {}),
                "frequency": facts.frequency.alias,
                **({"trading days": days} if (days := described(facts.frequency)) else {}),
                "seasons": list(facts.frequency.seasonalities),
                "series": facts.series,
                "rows": facts.rows,
                "first": first,
                "last": last,
                "max_gap": facts.read.max_gap,
                "repairs": facts.repairs,
            },
            "values": {name: _commonest_first(value) for name, value in facts.values.items()},
            "forecast": self._forecasts() | {"log": config.log},
            "blend": _rounded(self.blend.weights),
            **{
                f"blend of {group} series": _rounded(weights)
                for group, weights in self.blend.by_group.items()
            },
            "members": {network_name(n): _describe(m) for n, m in enumerate(self.members)},
            **({"pretrained": {n.kind: n.digest for n in self.pretrained}} if self.pretrained else {}),
            "training": {name: value for name, value in facts.training.items() if name != SAMPLE},
            **({SAMPLE: facts.training[SAMPLE]} if SAMPLE in facts.training else {}),
            "report": facts.report or {},
            "versions": {"kernels": "not recorded"} | facts.versions | {"format": str(VERSION)},
        }

    def _forecasts(self) -> dict[str, Any]:
        """What the model forecasts; quantiles and limits only where they were set."""
        options = self.options
        always: dict[str, Any] = {"horizon": self.horizon, "levels": list(options.levels)}
        own = {"quantiles": list(options.quantiles) or None, **to_json(self.blend.limits)}
        rate = {"difference": True} if self.facts.read.difference else {}
        return always | {name: value for name, value in own.items() if value is not None} | rate

    def check_fits(self, panel: Panel) -> None:
        """Raise ModelError unless `panel` has the frequency and covariates of the training data."""
        if not suits(self, panel):
            raise ModelError(
                f"the model looks back {self.lookback:,} rows, far more than the longest series has",
                hint="Give the whole history, or train again with a smaller --lookback.",
            )
        if panel.frequency.alias != self.facts.frequency.alias:
            raise ModelError(
                f"the model was trained on data of frequency {self.facts.frequency.alias}, "
                f"but this data has frequency {panel.frequency.alias}",
                hint="Train a model for this data with `forecast train`, or set --freq if it is wrong.",
            )
        for option, kind in (
            ("covariates", "covariates"),
            ("known", "covariates known of the future"),
            ("static", "facts of each series"),
        ):
            own, given = getattr(self.facts.names, option), getattr(panel.names, option)
            if own != given:
                raise ModelError(
                    f"the model was trained with the {kind} {listed(own) or 'none'}, "
                    f"but this data has {listed(given) or 'none'}",
                    hint=f"Use the same --{option} in the same order, or train a new model.",
                )
        there = () if panel.known is None else panel.known.names
        lacking = [name for member in self.members for name in member.config.known if name not in there]
        if lacking:
            raise ModelError(
                f"the model knows {listed(list(dict.fromkeys(lacking)))}, which this data lacks",
                hint="Use the --holidays, --events and --positions of the training, or train a new model.",
            )

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {}
        if self.half_widths is not None:
            arrays["half_widths"] = self.half_widths
        if self.distribution is not None and self.series is not None:
            arrays |= {ERRORS + name: values for name, values in self.distribution.to_arrays().items()}
            arrays[SERIES] = self.series
        if self.held is not None:
            arrays |= {HELD + name: values for name, values in self.held.to_arrays().items()}
        arrays = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
        for number, member in enumerate(self.members):
            for name, values in member.network.parameters.items():
                arrays[f"member{number}.{name}"] = np.ascontiguousarray(values)
        for network in self.pretrained:
            arrays |= {f"{PRETRAINED}.{network.kind}.{n}": a for n, a in network.to_parts()[1].items()}
        return arrays

    def count_arrays(self) -> int:
        """How many arrays the file has."""
        return len(self._arrays())

    def _json(self) -> dict[str, Any]:
        share = 0.0 if self.distribution is None else self.distribution.network_share
        return {
            "options": to_json(self.options),
            "members": [to_json(member.config) for member in self.members],
            "blend": to_json(self.blend),
            "facts": to_json(self.facts),
            **({"pretrained": [n.to_parts()[0] for n in self.pretrained]} if self.pretrained else {}),
            **({NETWORK_SHARE: share} if share else {}),
            **({"held": sorted(self.held.forecasts)} if self.held else {}),
        }

    @classmethod
    def _from(cls, content: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Model:
        configs = [from_json(MemberConfig, values) for values in content["members"]]
        options = from_json(Options, content["options"])
        members = tuple(
            Member(config, _network(config, f"member{number}.", arrays))
            for number, config in enumerate(configs)
        )
        content["facts"]["read"].setdefault("known", [])  # older models infer no known covariates
        blend, facts = from_json(Blend, content["blend"]), from_json(Facts, content["facts"])
        errors = {name.removeprefix(ERRORS): a for name, a in arrays.items() if name.startswith(ERRORS)}
        distribution = Distribution.from_arrays(errors, content.get(NETWORK_SHARE, 0.0)) if errors else None
        half_widths, series = arrays.get("half_widths"), arrays.get(SERIES)
        pretrained = tuple(_pretrained(each, arrays) for each in content.get("pretrained", []))
        kept = {name.removeprefix(HELD): a for name, a in arrays.items() if name.startswith(HELD)}
        held = HeldForecasts.from_arrays(kept, content["held"]) if "held" in content else None
        model = cls(options, members, blend, half_widths, facts, distribution, series, pretrained, held)
        check_whole(model, len(arrays))
        return model


def _refuse_constant(name: str) -> None:
    """ValueError for NaN and Infinity, which are no JSON."""
    raise ValueError(f"{name} is no number of a model")


def _commonest_first(value: Any) -> Any:
    """Counts in descending order; anything else as it is."""
    return dict(sorted(value.items(), key=lambda item: -item[1])) if isinstance(value, dict) else value


def hashes(ids: Sequence[str]) -> Hashes:
    """64 bits of a digest of each id (S,): as good as the id, and of one size."""
    digests = b"".join(hashlib.blake2b(each.encode(), digest_size=8).digest() for each in ids)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def _rounded(weights: dict[str, float]) -> dict[str, float]:
    return {name: round(weight, 3) for name, weight in weights.items()}


def _describe(member: Member) -> dict[str, Any]:
    config = member.config
    return {
        "cell": config.network.cell,
        "layers": config.network.layers,
        "hidden": config.network.hidden,
        "decoder": "direct" if config.network.output_segment is None else "segments",
        "parameters": int(member.network.flat.size),
        "lookback": config.lookback,
        "segment": config.segment,
        "seasons removed": list(config.seasons),
        "loss": config.training.loss,
        "seed": config.seed,
    }


def _pretrained(content: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Pretrained:
    """A pretrained network of a model; ValueError, KeyError, TypeError or UsageError if it does not fit."""
    prefix = f"{PRETRAINED}.{content['kind']}."
    held = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    return Pretrained.from_parts(content, held)


def _network(config: MemberConfig, prefix: str, arrays: dict[str, NDArray[Any]]) -> Network:
    """The member's network with its saved weights; ValueError where they do not fit."""
    expected = parameter_shapes(config.network)
    held = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    if {name: array.shape for name, array in held.items()} != expected:
        raise ValueError("the weights do not have the sizes of the network")
    network = Network(config.network, rng=None)
    for name, view in network.parameters.items():
        if held[name].dtype != view.dtype:
            raise ValueError(f"{prefix}{name} has type {held[name].dtype}, not {view.dtype}")
        view[...] = held[name]
    return network
