"""The sections on how a forecast was made: shares of the blend, training, settings and versions; and what was
read and repaired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from forecaster.config import Options, ReadConfig, to_json
from forecaster.methods.blend import Blend, kind_of
from forecaster.report.data_facts import data_facts, left_out_by_reason
from forecaster.report.page.charts import LOOKS, lines
from forecaster.report.page.parts import Chart, Key, Section, Table, amount, clean
from forecaster.report.text import numbers, plain

if TYPE_CHECKING:
    from forecaster.data.findings import Finding
    from forecaster.data.load import Loaded
    from forecaster.model.model import Model

Curve = Sequence[tuple[int, float]]
"""Step and validation loss at each validation pass of one network."""
KINDS = {
    "network": "recurrent network, trained on these series",
    "pretrained": "networks trained beforehand on synthetic series",
    "smoothing": "statistical method",
    "demand": "expected demand of series that are mostly zero",
    "baseline": "simple method",
}
FINDING = 400
"""Characters of a finding that a page shows."""
MOST_FINDINGS = 200
MOST_COLUMNS = 200


def making_section(
    blend: Blend | None,
    options: Options,
    read: ReadConfig,
    versions: Mapping[str, str],
    *,
    model: Model | None = None,
    curves: Sequence[Curve] = (),
    digest: str = "",
    command: str = "",
    pretrained: bool = False,
) -> Section:
    """Shares, training, and what is needed to do the same again. `pretrained`: by those networks alone."""
    text, tables = [], []
    if blend is not None:
        tables = [_shares(name, weights) for name, weights in _blends(blend).items()]
        text.append(
            "The forecast is a weighted mean; the weights were chosen on rows that no part had learned from."
        )
    elif pretrained:
        text.append("Networks that come with the program made it, trained on synthetic series only.")
    share = model.distribution.network_share if model is not None and model.distribution is not None else 0.0
    if share:
        text.append(f"The pretrained networks count for {100 * share:.0f} % of the width of the intervals.")
    facts = [("command", clean(command, FINDING))] if command else []
    facts += [("SHA-256 of the data", digest)] if digest else []
    facts += [("versions", ", ".join(f"{clean(name)} {clean(number)}" for name, number in versions.items()))]
    facts += _model_facts(model)
    chart = _training(curves)
    return Section(
        "making", "How the forecast was made", "Method", tuple(text), (chart,) if chart else (),
        tuple(tables), tuple(facts), settings_text(options, read),
    )  # fmt: skip


def reading_section(loaded: Loaded, findings: Sequence[Finding]) -> Section:
    """What was read, what was noticed and repaired, and what each column is used for."""
    facts = data_facts(loaded)
    shown = {key: value for key, value in facts.items() if key != "left out"} | left_out_by_reason(facts)
    repairs = sum(1 for finding in findings if finding.severity in ("repair", "warning"))
    text = (
        f"{amount(repairs, 'kind')} of repair or warning: nothing is repaired without being listed here."
        if repairs
        else "Nothing had to be repaired."
    )
    tables = []
    if findings:
        tables.append(("Noticed and repaired", _findings(findings)))
    if len(loaded.uses) > 2:
        rows = [(clean(name), clean(use, FINDING)) for name, use in list(loaded.uses.items())[:MOST_COLUMNS]]
        if len(loaded.uses) > MOST_COLUMNS:
            rows.append((f"… and {len(loaded.uses) - MOST_COLUMNS:,} more columns", ""))
        tables.append(("Columns", Table(("Column", "Use"), tuple(rows), words=2)))
    some = {key: value for key, value in shown.items() if value not in (None, "", [])}
    told = tuple((key, clean(plain(value), FINDING)) for key, value in some.items())
    return Section("reading", "What was read and repaired", "Data", (text,), (), tuple(tables), told)


def _findings(findings: Sequence[Finding]) -> Table:
    rows: list[tuple[str, ...]] = []
    for each in findings[:MOST_FINDINGS]:
        where = "; ".join(clean(place) for place in each.places) + (
            ", …" if each.count > len(each.places) > 0 else ""
        )
        message = clean(each.message, FINDING)
        rows.append(
            (each.code, each.severity, message, where, clean(each.action, FINDING), f"{each.count:,}")
        )
    if len(findings) > MOST_FINDINGS:
        rows.append(("…", "", f"and {len(findings) - MOST_FINDINGS:,} more", "", "", ""))
    return Table(("Code", "Kind", "What", "Where", "Done", "Times"), tuple(rows), words=5)


def _blends(blend: Blend) -> dict[str, Mapping[str, float]]:
    """The title of each table of shares -> weights."""
    if not blend.by_group:
        return {"Share of each part": blend.weights}
    groups: dict[str, Mapping[str, float]] = {
        f"Share of each part, {group} series": weights for group, weights in sorted(blend.by_group.items())
    }
    return {"Share of each part, other series": blend.weights} | groups


def _shares(title: str, weights: Mapping[str, float]) -> tuple[str, Table]:
    """Parts with their shares, the largest first."""
    order = sorted(weights.items(), key=lambda item: -item[1])
    rows = tuple((clean(name), KINDS[kind_of(name)], f"{100 * share:.1f} %") for name, share in order)
    shares = tuple(share for _, share in order)
    return title, Table(("Part", "What it is", "Share"), rows, words=2, shares=shares)


def _model_facts(model: Model | None) -> list[tuple[str, str]]:
    """Sizes of the networks and how training ended."""
    if model is None:
        return []
    card = model.card()
    facts = [(name, clean(plain(value), FINDING)) for name, value in card["members"].items()]
    facts += [(f"pretrained, {kind}", clean(digest)) for kind, digest in card.get("pretrained", {}).items()]
    keep = ("seed", "refit", "steps", "validation", "rescues")
    return facts + [(name, clean(plain(card["training"][name]))) for name in keep if name in card["training"]]


def _training(curves: Sequence[Curve]) -> Chart | None:
    """Validation loss while the networks learned; None where nothing was validated twice."""
    curves = [curve for curve in curves if len(curve) > 1]
    if not curves:
        return None
    steps = sorted({step for curve in curves for step, _ in curve})
    table = np.full((len(curves), len(steps)), np.nan)
    for row, curve in enumerate(curves):
        table[row, np.searchsorted(steps, [step for step, _ in curve])] = [loss for _, loss in curve]
    table[~np.isfinite(table)] = np.nan
    if not np.isfinite(table).any(axis=1).all():
        return None
    names = [f"network {row + 1}" for row in range(len(curves))]
    band = None
    best = [steps[int(np.nanargmin(row))] for row in table]
    if len(curves) > len(LOOKS):
        band = np.fmin.reduce(table), np.fmax.reduce(table)
        table, names = np.nanmedian(table, axis=0)[None], [f"middle of {len(curves)} networks"]
    drawn = {name: (look, row) for name, look, row in zip(names, LOOKS, table, strict=False)}
    spec = lines(
        steps, drawn, x_title="Training step", y_title="Validation loss", band=band, zero=False, points=True
    )
    low, high = min(best), max(best)
    when = f"step {low:,}" if low == high else f"steps {low:,} to {high:,}"
    title = (
        f"The networks forecast best at {when}" if len(curves) > 1 else f"The network forecast best at {when}"
    )
    text = (
        "Loss on validation rows at each pass while the networks learned. The weights of the best pass are "
        "kept; a curve that still falls at its end would gain from more steps."
    )
    columns = [numbers(row) for row in table]
    rows = tuple((f"{step:,}", *(column[i] for column in columns)) for i, step in enumerate(steps))
    keys = tuple(Key(look, name) for name, (look, _) in drawn.items())
    keys += (Key("band", "all networks"),) if band else ()
    return Chart("training", title, text, spec, Table(("Step", *names), rows), keys, wide=True)


def settings_text(options: Options, read: ReadConfig) -> str:
    """All settings that differ from their defaults, as a forecast.toml."""
    made = []
    for config in (read, options):
        default = to_json(type(config)())
        changed = {name: value for name, value in to_json(config).items() if value != default[name]}
        made += [f"{name} = {_toml(value)}" for name, value in changed.items() if value is not None]
    return "\n".join(made)


def _toml(value: Any) -> str:
    """A value as TOML. Characters that are not printed are escaped."""
    if isinstance(value, str):
        plain_text = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in plain_text) + '"'
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(float(value))


def versions_now(names: Sequence[str]) -> dict[str, str]:
    """The installed versions of packages."""
    from importlib.metadata import version

    return {name: version(name) for name in names}
