"""Charts as Vega-Lite: lines over steps or times, bars, a heat map. page.js gives them fonts and colours.

Colours are variables of page.css, so that one picture serves light, dark and paper. Words of a user appear in
a specification only as titles of tooltips, which show text as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from forecaster.arrays import Floats

Spec = dict[str, Any]

LOOKS = ("model", "first", "second", "third", "fourth", "fifth", "sixth", "seventh")
"""Lines: the model, then up to seven others; page.css and page.js have their colours and dashes."""
DASHES: dict[str, list[int]] = {
    "model": [], "first": [6, 3], "second": [2, 2], "third": [8, 3, 2, 3], "fourth": [1, 3],
    "fifth": [10, 4], "sixth": [4, 4], "seventh": [12, 2, 2, 2], "ideal": [3, 3],
}  # fmt: skip
HEIGHT = 220
CLOCK = {
    "year": "%Y", "quarter": "%b %Y", "month": "%b", "week": "%d %b", "date": "%d %b", "hours": "%H:%M",
    "minutes": "%H:%M", "seconds": "%H:%M:%S", "milliseconds": "%S.%L",
}  # fmt: skip
"""How the time at a tick is written, by the largest unit that it begins."""
FEW_COLUMNS = 8
"""Columns of a heat map up to which cells have a fixed width: spread over the page they would be bars."""
SHADES = 6
"""Shades of a heat map; page.css has their colours."""


def rounded(values: ArrayLike) -> list[float | None]:
    """Numbers with six significant digits; None where not finite."""
    return [float(f"{v:.6g}") if np.isfinite(v) else None for v in np.asarray(values, dtype=float).tolist()]


def lines(
    x: ArrayLike,
    curves: Mapping[str, tuple[str, Floats]],
    *,
    x_title: str,
    y_title: str,
    band: tuple[Floats, Floats] | None = None,
    level: float | None = None,
    time: bool = False,
    zero: bool = True,
    percent: bool = False,
    points: bool = False,
    x_format: str = "",
    whole: bool = True,
) -> Spec:
    """Curves {name: (look, values (n,))} over x (n,). `band` is shaded, `level` is a line to compare with.

    `time`: x is in milliseconds. `points`: marks at the values, for few or uneven ones. `whole`: x counts.
    """
    curves = {name: curve for name, curve in curves.items() if np.isfinite(curve[1]).any()}
    if band is not None and not np.isfinite(band).any():
        band = None
    columns = {f"c{place}": rounded(values) for place, (_, values) in enumerate(curves.values())}
    if band is not None:
        columns |= {"low": rounded(band[0]), "high": rounded(band[1])}
    xs = np.asarray(x, dtype=float).tolist()
    rows = [{"x": each, **{n: c[i] for n, c in columns.items()}} for i, each in enumerate(xs)]
    scale: Spec = {"type": "utc"} if time else {"nice": False, "zero": False}
    kind: Spec = {"type": "temporal" if time else "quantitative", "scale": scale}
    axis: Spec = {"grid": False, "title": x_title, "labelFlush": True}
    if whole and not time:
        axis["tickMinStep"] = 1
    if time or x_format:
        axis["format"] = CLOCK if time else x_format
    encoded_x = {"field": "x", **kind, "axis": axis}
    y = {"type": "quantitative", "title": y_title, "scale": {"zero": zero}}
    if percent:
        y["axis"] = {"format": ".0%"}
    layers: list[Spec] = []
    if band is not None:
        encoding = {"y": {"field": "low", **y}, "y2": {"field": "high"}}
        layers.append({"mark": {"type": "area", "color": "var(--band)"}, "encoding": encoding})
    if level is not None:
        layers.append(_level(level, y))
    for place, (look, _) in reversed(list(enumerate(curves.values()))):
        layers.append({"mark": _line(look, points), "encoding": {"y": {"field": f"c{place}", **y}}})
    tips = [{"field": "x", "title": x_title, **_shown_x(time, x_format)}]
    shape = ".1%" if percent else ",.4~g"
    tips += [
        {"field": f"c{place}", "title": name, "type": "quantitative", "format": shape}
        for place, name in enumerate(curves)
    ]
    layers.append(_hover(tips))
    return _framed({"data": {"values": rows}, "encoding": {"x": encoded_x}, "layer": layers})


def bars(
    x: Sequence[float],
    values: Floats,
    *,
    x_title: str,
    y_title: str,
    limits: tuple[float, float] | None = None,
    curve: Floats | None = None,
    width: float = 1.0,
    percent: bool = False,
) -> Spec:
    """Bars at x (n,), `width` wide; `limits` shade what may be chance, `curve` (n,) is a line to compare."""
    gap = 0.08 * width if len(x) < 80 else 0.0
    rows = [
        {"x": at, "from": at - width / 2 + gap, "to": at + width / 2 - gap, "y": y}
        for at, y in zip(rounded(x), rounded(values), strict=True)
        if at is not None
    ]
    y: Spec = {"field": "y", "type": "quantitative", "title": y_title}
    if percent:
        y["axis"] = {"format": ".0%"}
    tips = [
        {"field": "x", "title": x_title, "type": "quantitative", "format": ",.3~g"},
        {"field": "y", "title": y_title, "type": "quantitative", "format": ".1%" if percent else ",.3~g"},
    ]
    scale = {"zero": False, "nice": False}
    axis = {"grid": False, "title": x_title, "tickMinStep": 0 if percent else 1}
    layers: list[Spec] = []
    if limits is not None:
        shade = {"data": {"values": [{"low": limits[0], "high": limits[1]}]}}
        encoding: Spec = {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}}
        layers.append({**shade, "mark": {"type": "rect", "color": "var(--band)"}, "encoding": encoding})
    encoding = {
        "x": {"field": "from", "type": "quantitative", "scale": scale, "axis": axis},
        "x2": {"field": "to"},
        "y": y,
        "y2": {"datum": 0},
        "tooltip": tips,
    }
    layers.append({"mark": {"type": "rect", "color": "var(--bar)"}, "encoding": encoding})
    if curve is not None:
        points = [{"x": at, "y": v} for at, v in zip(rounded(x), rounded(curve), strict=True)]
        at = {"field": "x", "type": "quantitative"}
        mark = {**_line("ideal", False), "interpolate": "monotone"}
        layers.append({"data": {"values": points}, "mark": mark, "encoding": {"x": at, "y": y}})
    return _framed({"data": {"values": rows}, "layer": layers})


def steps_between(names: Sequence[str], ends: Floats, *, x_title: str) -> Spec:
    """Horizontal bars from each of the sums `ends` (n + 1,) to the next, named (n,)."""
    shown = rounded(ends)
    bars = [
        {"n": name, "from": start, "to": end, "by": rounded([after - before])[0], "up": bool(after >= before)}
        for name, start, end, before, after in zip(
            names, shown[:-1], shown[1:], ends[:-1], ends[1:], strict=True
        )
    ]
    colour = {"condition": {"test": "datum.up", "value": "var(--model)"}, "value": "var(--second)"}
    tips = [
        {"field": "n", "title": "part", "type": "nominal"},
        {"field": "by", "title": "contribution", "type": "quantitative", "format": "+,.4~g"},
        {"field": "to", "title": "sum so far", "type": "quantitative", "format": ",.5~g"},
    ]
    encoding = {
        "y": {"field": "n", "type": "nominal", "sort": list(names), "title": None,
              "axis": {"ticks": False, "domain": False, "labelLimit": 260}},
        "x": {"field": "from", "type": "quantitative", "title": x_title, "scale": {"zero": False}},
        "x2": {"field": "to"},
        "color": colour,
        "tooltip": tips,
    }  # fmt: skip
    spec = {"data": {"values": bars}, "mark": {"type": "bar", "height": {"band": 0.7}}, "encoding": encoding}
    return _framed(spec, max(80, 30 * len(names)))


def heat_map(
    rows: Sequence[str], columns: Sequence[str], values: Floats, *, measure: str, size: int = 24
) -> Spec:
    """Mean errors (rows, columns) as shades, darker for larger; nothing where NaN."""
    finite = values[np.isfinite(values)]
    cuts = np.unique(np.quantile(finite, np.arange(1, SHADES) / SHADES)) if finite.size else np.empty(0)
    cells = [
        {"r": name, "c": column, "v": v, "s": int(np.searchsorted(cuts, values[i, j], side="right"))}
        for i, name in enumerate(rows)
        for j, (column, v) in enumerate(zip(columns, rounded(values[i]), strict=True))
        if v is not None
    ]
    shades = [f"var(--heat-{shade})" for shade in range(SHADES)]
    every = -(-len(columns) // 12)
    labelled = [column for place, column in enumerate(columns) if place % every == 0]
    axis: Spec = {"title": None, "domain": False, "ticks": False, "grid": False}
    band = {"paddingInner": 0.08}
    encoding = {
        "x": {"field": "c", "type": "nominal", "sort": list(columns), "scale": band,
              "axis": {**axis, "values": labelled, "labelAngle": 0}},
        "y": {"field": "r", "type": "nominal", "sort": list(rows), "scale": band, "axis": axis},
        "color": {"field": "s", "type": "ordinal", "legend": None,
                  "scale": {"domain": list(range(SHADES)), "range": shades}},
        "tooltip": [
            {"field": "r", "title": " "}, {"field": "c", "title": "  "},
            {"field": "v", "title": measure, "type": "quantitative", "format": ",.3~g"},
        ],
    }  # fmt: skip
    spec = {"data": {"values": cells}, "mark": {"type": "rect", "cornerRadius": 2}, "encoding": encoding}
    few = {"width": {"step": 2 * size}, "autosize": "pad"} if len(columns) <= FEW_COLUMNS else {}
    return _framed(spec, height=size * len(rows)) | few


def _framed(spec: Spec, height: int = HEIGHT) -> Spec:
    """As wide as its place on the page."""
    return {
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
    } | spec


def _line(look: str, points: bool) -> Spec:
    """How a line of this look is drawn."""
    thick = 2.4 if look == "model" else 1.6
    line: Spec = {"type": "line", "color": f"var(--{look})", "strokeWidth": thick, "clip": False}
    if DASHES[look]:
        line["strokeDash"] = DASHES[look]
    if points:
        line["point"] = {"filled": True, "size": 30, "fill": f"var(--{look})"}
    return line


def _level(level: float, y: Spec) -> Spec:
    """A horizontal line."""
    mark = {"type": "rule", "color": "var(--ideal)", "strokeDash": DASHES["ideal"], "strokeWidth": 1.4}
    return {
        "data": {"values": [{"y": level}]},
        "mark": mark,
        "encoding": {"x": None, "y": {"field": "y", **y}},
    }


def _shown_x(time: bool, x_format: str) -> Spec:
    if time:
        return {"type": "temporal", "format": "%Y-%m-%d %H:%M", "formatType": "utc"}
    return {"type": "quantitative", "format": x_format or ",.6~g"}


def _hover(tips: list[Spec]) -> Spec:
    """A line at the nearest x, whose tooltip has the values of all curves."""
    select = {"type": "point", "fields": ["x"], "nearest": True, "on": "pointerover", "clear": "pointerout"}
    opacity = {"condition": {"param": "hover", "empty": False, "value": 0.7}, "value": 0}
    return {
        "mark": {"type": "rule", "color": "var(--muted)"},
        "params": [{"name": "hover", "select": select}],
        "encoding": {"opacity": opacity, "tooltip": tips},
    }
