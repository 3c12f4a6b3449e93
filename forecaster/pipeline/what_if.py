"""What-if: the forecast with known covariates changed in the horizon, beside the forecast without.

The difference is what was learned from the past of a series: how the target moved when the covariate did.
That is an association, no proof of a cause.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.covariates.changes import Asked, Change, changes_of, with_ahead, with_changes
from forecaster.data.findings import SHOWN, Finding, info, warn
from forecaster.data.labels import listed, shown
from forecaster.data.panel import Panel
from forecaster.errors import ModelError, UsageError
from forecaster.features.effects.design import LEAST_SEEN
from forecaster.forecasting.forecast import Forecast

ADDED = ("base", "difference")
"""Columns that the table of a what-if has besides those of a forecast."""


def what_if(
    panel: Panel,
    asked: Asked,
    horizon: int,
    run: Callable[[Panel], Forecast],
    *,
    ready: Callable[[Panel], Panel] = lambda panel: panel,
    networks: Collection[str] = (),
) -> Forecast:
    """The forecast that `run` makes after the changes that are `asked` for, with that of `panel` as its base.

    `ready` raises DataError where the changed panel still lacks values of the future. `networks`: known
    covariates that networks read. A series has no base where its own values of the future are not complete.
    Raises UsageError for what cannot be set.
    """
    taken = [name for name in ADDED if name in (panel.names.id, panel.names.time)]
    if taken:
        raise UsageError(
            f"the table already has a column {taken[0]!r}, which --set needs", hint="Rename that column."
        )
    changes = changes_of(panel, asked)
    changed, touched = with_changes(panel, changes, horizon)
    changed = ready(changed)
    ahead, after = (_ahead(each, horizon) for each in (panel, changed))
    unknown = _unknown(panel, ahead)
    base = None
    if not unknown.all():
        base = run(with_ahead(panel, np.where(np.isnan(ahead), after, ahead)) if unknown.any() else panel)
    result = _run(changed, run, base, changes)
    base = base or result  # which is left blank
    base = dataclasses.replace(base, point=np.where(unknown[:, None], np.nan, base.point))
    result = dataclasses.replace(result, base=base)
    findings = [_asked(changes, touched)]
    findings += _without_effect(result, changes, networks)
    findings += _unseen(result, changes, np.where(touched, after, np.nan), networks)
    findings += _without_base(panel, unknown)
    return dataclasses.replace(result, findings=(*result.findings, *findings))


def _asked(changes: Sequence[Change], touched: Bools) -> Finding:
    """The finding that says what was changed (S, H, K)."""
    texts = ", ".join(dict.fromkeys(change.text for change in changes))
    rows = touched.any(axis=2)
    return info("W001", f"a what-if: {texts} in {rows.sum():,} of {rows.size:,} rows of the forecast")


def _ahead(panel: Panel, horizon: int) -> Floats:
    """The known covariates in the rows of the forecast (S, H, K)."""
    assert panel.known is not None
    return panel.known.of(np.arange(len(panel)), panel.lengths, horizon)


def _unknown(panel: Panel, ahead: Floats) -> Bools:
    """Series (S,) whose own values of the columns that were read are not complete."""
    assert panel.known is not None
    read = np.isin(panel.known.names, panel.names.known)
    return np.asarray((np.isnan(ahead) & read).any(axis=(1, 2)))


def _run(
    changed: Panel, run: Callable[[Panel], Forecast], base: Forecast | None, changes: Sequence[Change]
) -> Forecast:
    """The forecast after the changes. UsageError where it is not finite although the base is."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return run(changed)
    except ModelError as error:
        if base is None:
            raise
        texts = listed([change.text for change in changes])
        raise UsageError(
            f"--set {texts}: so far from what the past had, there is no finite forecast",
            hint="Set values like those of the past.",
        ) from error


def _without_effect(result: Forecast, changes: Sequence[Change], networks: Collection[str]) -> list[Finding]:
    """Findings for columns that were never seen to move some series."""
    findings = []
    for column in dict.fromkeys(change.column for change in changes):
        name = _name(result, column)
        still = np.flatnonzero(~_acts(result)[:, column])
        if not len(still):
            continue
        message = f"no effect of {shown(name)} was confirmed in the past of {_named(result.panel, still)}"
        action = "there its change does not move the forecast"
        if name in networks:
            action = "there only what networks make of it moves the forecast, with less certainty"
        findings.append(warn("W002", message, action=action))
    return findings


def _unseen(
    result: Forecast, changes: Sequence[Change], values: Floats, networks: Collection[str]
) -> list[Finding]:
    """Findings for `values` (S, H, K), NaN where nothing was set, that the past of some series never had."""
    known, findings = result.panel.known, []
    assert known is not None
    past = np.where(known.in_past(result.panel.lengths)[:, None], known.values, np.nan)
    for column in dict.fromkeys(change.column for change in changes):
        name = _name(result, column)
        judged = _acts(result)[:, column] | (name in networks)
        parts = np.split(past[:, column], known.offsets[1:-1])
        mine = values[:, :, column]
        if known.words[column] is None:
            findings += _beyond(result, name, mine, parts, judged)
        else:
            findings += _rare(result, name, known.words[column] or (), mine, parts, judged)
    return findings


def _beyond(
    result: Forecast, name: str, values: Floats, past: Sequence[Floats], judged: Bools
) -> list[Finding]:
    """The finding for numbers (S, H) outside the range that the past of a series had."""
    places = []
    for series in np.flatnonzero(judged & np.isfinite(values).any(axis=1)).tolist():
        seen, mine = past[series][np.isfinite(past[series])], values[series][np.isfinite(values[series])]
        if len(seen) and (mine.min() < seen.min() or mine.max() > seen.max()):
            far = mine.min() if mine.min() < seen.min() else mine.max()
            places.append(
                _of(result.panel, series, f"{far:.6g} is outside {seen.min():.6g} to {seen.max():.6g}")
            )
    if not places:
        return []
    message = f"values of {shown(name)} that the past of the series never had"
    action = "nothing shows what they do; the effect goes at most half its range beyond that of the past"
    return [warn("W003", message, count=len(places), places=places, action=action)]


def _rare(
    result: Forecast,
    name: str,
    words: tuple[str, ...],
    codes: Floats,
    past: Sequence[Floats],
    judged: Bools,
) -> list[Finding]:
    """The finding for words, given as codes (S, H), that the past of a series hardly had."""
    rare, places = dict[str, None](), []
    for series in np.flatnonzero(judged).tolist():
        for code in np.unique(codes[series][np.isfinite(codes[series])]).astype(int).tolist():
            rows = int((past[series] == code).sum())
            if rows < LEAST_SEEN and code < len(words):
                rare[words[code]] = None
                places.append(_of(result.panel, series, f"{words[code]}: rows {rows}"))
    if not rare:
        return []
    message = f"words of {shown(name)} that the past of the series hardly had: {listed(list(rare), SHOWN)}"
    action = "no effect of such a word is known there"
    return [warn("W003", message, count=len(places), places=places, action=action)]


def _without_base(panel: Panel, unknown: Bools) -> list[Finding]:
    """The finding for series whose future is known from what was set only."""
    if not unknown.any():
        return []
    at = np.flatnonzero(unknown)
    message = f"without --set, the future of {_named(panel, at)} is not known"
    action = "base and difference are empty there"
    return [info("W004", message, action=action)]


def _acts(result: Forecast) -> Bools:
    """Which known covariates have a confirmed effect (S, K)."""
    assert result.panel.known is not None
    none = np.zeros((len(result.panel), len(result.panel.known.names)), np.bool_)
    return none if result.acts is None else result.acts


def _name(result: Forecast, column: int) -> str:
    assert result.panel.known is not None
    return result.panel.known.names[column]


def _named(panel: Panel, at: Ints) -> str:
    """The series `at`, for a message: that of a table with one series needs no name."""
    if len(panel) == 1:
        return "the series"
    return f"{len(at):,} of {len(panel):,} series, {listed([panel.ids[each] for each in at], SHOWN)}"


def _of(panel: Panel, series: int, text: str) -> str:
    """What is said of one series."""
    return text if len(panel) == 1 else f"{panel.ids[series]}: {text}"
