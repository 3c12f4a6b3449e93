"""What the data is: columns, frequency, size and time range, as plain values for people and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from forecaster.data.labels import times_as_strings
from forecaster.data.series.learned_holidays import described

if TYPE_CHECKING:
    from forecaster.data.load import Loaded
    from forecaster.data.panel import Panel
    from forecaster.data.rows.known import Known
    from forecaster.data.rows.static import Static


def data_facts(loaded: Loaded) -> dict[str, Any]:
    """Columns, frequency, size and time range of the data, as JSON values."""
    panel, names = loaded.panel, loaded.panel.names
    days = described(panel.frequency)
    first, last = times_as_strings(panel.time[[panel.time.argmin(), panel.time.argmax()]], names)
    return {
        "source": loaded.source,
        "time": names.time,
        "id": loaded.read.id,
        "target": list(loaded.read.target or (names.target,)),
        "covariates": list(names.covariates),
        **_beside(panel),
        **({"left out": left_out} if (left_out := _left_out(loaded)) else {}),
        **({"difference": True} if loaded.read.difference else {}),
        "frequency": panel.frequency.alias,
        **({"trading days": days} if days else {}),
        "season": panel.frequency.season,
        "series": len(panel),
        "rows": int(panel.lengths.sum()),
        "not observed": int((~panel.target_observed).sum()),
        "first": first,
        "last": last,
    }


def _beside(panel: Panel) -> dict[str, Any]:
    """What is known of the future and what the facts of each series are, where there are any."""
    facts: dict[str, Any] = {}
    if panel.known is not None:
        kinds = _kinds(panel.known)
        facts["known"] = {name: kinds[name] for name in panel.known.named}
    if panel.known is not None and panel.names.known:
        read = panel.known.values[:, np.isin(panel.known.names, panel.names.known)]
        filled = np.asarray((~np.isnan(read)).any(axis=1), np.bool_)
        row = np.arange(len(filled)) - np.repeat(panel.known.offsets[:-1], np.diff(panel.known.offsets))
        last = np.maximum.reduceat(np.where(filled, row, -1), panel.known.offsets[:-1])
        rows = np.maximum(last + 1 - panel.lengths, 0)
        facts["future rows"] = {"fewest": int(rows.min()), "most": int(rows.max())}
    if panel.static is not None:
        facts["static"] = _kinds(panel.static)
    return facts


def _kinds(columns: Known | Static) -> dict[str, str]:
    """Column -> whether it holds numbers, or a category of how many words."""
    each = zip(columns.names, columns.words, strict=True)
    return {name: "number" if words is None else f"category of {len(words)}" for name, words in each}


def _left_out(loaded: Loaded) -> dict[str, str]:
    """Column -> why it is neither time, id, target, covariate nor fact."""
    start = "left out: "
    return {name: use.removeprefix(start) for name, use in loaded.uses.items() if use.startswith(start)}


def left_out_by_reason(facts: dict[str, Any], shown: int = 8) -> dict[str, list[str]]:
    """The columns left out, as text: each reason with its first columns; empty without any."""
    reasons: dict[str, list[str]] = {}
    for name, reason in facts.get("left out", {}).items():
        reasons.setdefault(reason, []).append(name)
    texts = []
    for reason, names in reasons.items():
        more = f" and {len(names) - shown} more" if len(names) > shown else ""
        texts.append(f"{', '.join(names[:shown])}{more} ({reason})")
    return {"left out": texts} if texts else {}
