"""The weights of the pretrained networks: files in the package, and parts of the models that use them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from forecaster.arrays import Array, Floats
from forecaster.config import from_json, to_json
from forecaster.errors import ModelError, UsageError
from forecaster.nn.array_file import Arrays, decode, digest, encode, version_of
from forecaster.nn.batch import Batch
from forecaster.nn.network import Network, flat_size, parameter_shapes
from forecaster.nn.parallel import ShardedNetwork
from forecaster.pretraining.inputs import daily, prices, seasonal
from forecaster.pretraining.network import Design, QuantileHead, Sample, make_network, quantiles
from forecaster.pretraining.views import HOURS, STEP

FORMAT = "forecaster-pretrained"
VERSION = 1
FOLDER = Path(__file__).with_name("weights")
OWN_FOLDER = "FORECAST_WEIGHTS"
"""Environment variable: a folder whose weights replace those of the package, kind by kind."""
WEIGHTS, ROOT = "weights", "dependence"
"""Names of arrays: all weights of the network, and `Pretrained.dependence`."""
YEARLY = "yearly"
LARGEST_GATE = 1000
"""Key of `Pretrained.yearly` in a model; not in files of weights, which say nothing of it."""


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A network that was trained on synthetic series."""

    kind: str
    """What series it is for: a key of `views.KINDS`."""
    design: Design
    network: Network
    dependence: Floats
    """(H, H) lower triangular root of the correlations of normal scores along the horizon."""
    facts: dict[str, Any]
    """How it was trained: seed, steps, windows."""
    yearly: bool = False
    """Whether days are seen without their season of the year. Models of earlier versions show it."""
    precision: ClassVar[type[np.floating]] = np.float32
    """In which what it reads is computed."""

    @property
    def digest(self) -> str:
        """Identifies the weights: 12 digits of a SHA-256."""
        return digest(self._text(), self._arrays())[:12]

    def quantiles(self, sample: Sample) -> Array:
        """The quantiles (Q, H, B) of what it reads of B series, in its units."""
        with ShardedNetwork(self.network) as sharded:
            outputs = sharded.predict(
                lambda start, stop: Batch(sample.inputs[:, :, start:stop]), sample.inputs.shape[2]
            )
        return quantiles(self.design, outputs, sample)

    def to_bytes(self) -> bytes:
        """The file: weights in half precision."""
        return encode(self._text(), self._arrays(), format=FORMAT, version=VERSION)

    @classmethod
    def from_bytes(cls, content: bytes) -> Pretrained:
        """Read what `to_bytes` gave.

        Raises ValueError, KeyError, TypeError or UsageError where it is damaged or does not fit.
        """
        if version_of(content, FORMAT) != VERSION:
            raise ValueError("it has another version")
        text, arrays = decode(content, FORMAT)
        return cls.from_parts(json.loads(text), arrays)

    @classmethod
    def from_parts(cls, content: dict[str, Any], arrays: Arrays) -> Pretrained:
        """From what `to_parts` gave.

        Raises ValueError, KeyError, TypeError or UsageError where it does not fit.
        """
        kind, design = content["kind"], from_json(Design, content["design"])
        if not _reads(design, kind):
            raise ValueError(f"a pretrained network does not read what one for {kind!r} does")
        weights, root = arrays[WEIGHTS], arrays[ROOT]
        size = flat_size(parameter_shapes(design.config, QuantileHead))  # before memory is taken
        if weights.dtype != np.float16 or weights.shape != (size,):
            raise ValueError("the pretrained weights do not have the sizes of the network")
        if root.dtype != np.float16 or root.shape != (design.horizon, design.horizon):
            raise ValueError("the dependence of a pretrained network has another shape")
        network = make_network(design, None)
        network.flat[...] = weights
        yearly = content.get(YEARLY, False)
        if not isinstance(yearly, bool):
            raise ValueError("whether a pretrained network sees the year is neither true nor false")
        return cls(kind, design, network, root.astype(np.float64), dict(content["facts"]), yearly)

    def to_parts(self) -> tuple[dict[str, Any], Arrays]:
        """What a model stores of it: JSON and arrays."""
        return self._content() | ({YEARLY: True} if self.yearly else {}), self._arrays()

    def _content(self) -> dict[str, Any]:
        return {"kind": self.kind, "design": to_json(self.design), "facts": self.facts}

    def _text(self) -> str:
        return json.dumps(self._content(), sort_keys=True)

    def _arrays(self) -> Arrays:
        return {WEIGHTS: self.network.flat.astype(np.float16), ROOT: self.dependence.astype(np.float16)}


def _reads(design: Design, kind: str) -> bool:
    """Whether the inputs, gates and median of a design are those of a kind. KeyError for an unknown kind."""
    step = STEP[kind]
    if kind == "prices":
        return (design.inputs, design.gates, design.median) == (prices.FEATURES, (), False)
    inputs, gates = seasonal.features(step), seasonal.gates(step)
    if kind == "hours":
        inputs, gates = daily.FEATURES, daily.GATES
    whole = kind != "hours" or design.horizon % HOURS == 0
    whole &= all(abs(gate) <= LARGEST_GATE for gate in design.gates)
    return (design.inputs, len(design.gates), design.median) == (inputs, len(gates), True) and whole


@lru_cache
def load(kind: str) -> Pretrained:
    """The network of this kind: of the user's folder, or that of the package.

    Raises ModelError where its file is damaged.
    """
    folder = os.path.expanduser(os.environ.get(OWN_FOLDER, FOLDER))  # noqa: PTH111 - of Path, it may fail
    own = Path(folder) / f"{kind}.safetensors"
    path = own if own.exists() else FOLDER / own.name
    try:
        network = Pretrained.from_bytes(path.read_bytes())
        if network.kind != kind:
            raise ValueError(f"they are for {network.kind!r}")
        return replace(network, yearly=kind == "season_7")
    except (OSError, ValueError, KeyError, TypeError, UsageError) as error:
        raise ModelError(
            f"the pretrained weights {str(path)!r} cannot be read: {error}",
            hint="Install forecaster again, or train them again: python -m forecaster.pretraining.",
        ) from error


def card() -> dict[str, dict[str, Any]]:
    """What `show` tells of the networks that come with the package: a section for each."""
    kinds = sorted(path.stem for path in FOLDER.glob("*.safetensors"))
    return {kind.replace("_", " of "): _described(load(kind)) for kind in kinds}


def _described(network: Pretrained) -> dict[str, Any]:
    design = network.design
    return {
        "weights": network.digest,
        "parameters": int(network.network.flat.size),
        "hidden": design.hidden,
        "horizon": design.horizon,
        "trained on": "synthetic series only",
        **network.facts,
    }


def by_kind(networks: Iterable[Pretrained]) -> dict[str, Pretrained]:
    """Networks by the kind of series that they are for."""
    return {network.kind: network for network in networks}
