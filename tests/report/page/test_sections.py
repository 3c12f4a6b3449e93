"""The numbers and words of a page, without a browser."""

import dataclasses
import re
import tomllib

import numpy as np
import pytest
from page_results import BLEND, backtest, results_of
from panels import panel_of, wavy

from forecaster.cli.options import read_settings
from forecaster.config import Options, ReadConfig, from_json
from forecaster.data.calendar.frequency import Frequency
from forecaster.errors import UsageError
from forecaster.evaluation.scores import score
from forecaster.report.page import write
from forecaster.report.page.build import page
from forecaster.report.page.calendar import calendar_chart
from forecaster.report.page.errors import errors_section
from forecaster.report.page.intervals import coverage_of, intervals_section, shares_below
from forecaster.report.page.making import making_section, settings_text
from forecaster.report.page.residuals import autocorrelations, residuals_section
from forecaster.report.page.text import expectation

HOUR = 3600 * 10**9


def held(count=4, rows=160, horizon=7, origins=5, **more):
    panel = panel_of(*(wavy(np.random.default_rng(n), rows, gaps=0.05) for n in range(count)), seasons=(7,))
    return backtest(panel, horizon, origins, **more)


def test_shares_are_counted():
    """Calibration and coverage are shares of the observed held-out values; equal ones count half below."""
    found = held()
    seen = ~np.isnan(found.actual)
    actual = found.actual[seen]
    for level, share in shares_below(found, seen).items():
        q = found.quantiles[level][seen]
        below = sum(1.0 if a < b else 0.5 if a == b else 0.0 for a, b in zip(actual, q, strict=True))
        assert share == pytest.approx(below / len(actual))
    low, high = found.interval(80)
    within = [lo <= a <= hi for a, lo, hi in zip(actual, low[seen], high[seen], strict=True)]
    assert coverage_of(found, 80) == pytest.approx(np.mean(within))


def test_equal_values_count_half():
    """Where all values equal the quantile, as zeros do, half of them count as below."""
    found = held()
    level = min(found.quantiles)
    found.quantiles[level] = found.actual
    assert shares_below(found, ~np.isnan(found.actual))[level] == 0.5


def test_autocorrelation_is_the_textbook_one():
    """The products of residuals of one forecast, so many steps apart, over the variance of all."""
    errors = np.random.default_rng(1).normal(size=(3, 2, 6)).cumsum(axis=2)
    errors[0, 0, 2] = np.nan
    centred = errors - np.nanmean(errors)
    for lag, found in enumerate(autocorrelations(errors, 4), start=1):
        pairs = [
            centred[o, s, h] * centred[o, s, h + lag]
            for o in range(3)
            for s in range(2)
            for h in range(6 - lag)
        ]
        assert found == pytest.approx(np.nanmean(pairs) / np.nanmean(centred**2))


@pytest.mark.parametrize(
    ("alias", "step", "season", "rows", "first"),
    [
        ("h", HOUR, 24, "Mon", "00:00"),
        ("D", 24 * HOUR, 7, "Mon", "1970-05-11"),
        ("W", 7 * 24 * HOUR, 52, "1972", "Jan"),
    ],
)
def test_the_calendar_fits_the_step(alias, step, season, rows, first):
    """Hours by weekday, days by week, longer steps by month and year; each mean is that of its cell."""
    panel = panel_of(wavy(np.random.default_rng(2), 160), seasons=(season,), alias=alias)
    panel = dataclasses.replace(panel, time=np.arange(160) * step, frequency=Frequency(alias, (season,)))
    found = backtest(panel, 7, 4)
    sizes = np.abs(found.actual - found.point["model"])
    table = calendar_chart(found, sizes, "unit").table
    assert table.head[1] == first
    assert table.rows[0][0] == rows
    numbers = [float(cell.replace(",", "")) for row in table.rows for cell in row[1:] if cell != "-"]
    assert np.mean(numbers) == pytest.approx(np.mean(sizes), rel=0.3)


def test_every_method_is_in_the_numbers():
    """A method far above the others is left out of the picture, which names it, and stays in the table."""
    report = score(held())
    chart = errors_section(report).charts[0]
    assert set(report.methods) <= set(chart.table.head)
    far = dataclasses.replace(report, per_step=report.per_step.copy())
    far.per_step[report.methods.index("drift")] *= 100
    chart = errors_section(far).charts[0]
    assert "drift" not in [key.text for key in chart.keys]
    assert "Far above, and only in the numbers" in chart.text
    assert "drift" in chart.text
    assert "drift" in chart.table.head


def test_what_to_expect():
    """The paragraph tells size, growth, coverage and limits, and whether anything is known but chance."""
    found = held()
    report = score(found)
    text = expectation(report, found, found.groups)
    for said in (
        "On rows that it had not seen",
        report.best_baseline,
        "80 % interval held",
        "cannot be foreseen",
    ):
        assert said in text
    assert "which may be chance" in expectation(dataclasses.replace(report, chance=True), None)
    assert "another time may look different" in expectation(dataclasses.replace(report, windows=2), None)
    assert "Prices" in expectation(report, None, ("price",) * 3)
    assert "nobody knows how good" in expectation(None, None)


def test_nothing_to_say_is_left_out():
    """Without quantiles there is no section on intervals; without anything observed, none on residuals."""
    found = held()
    assert intervals_section(dataclasses.replace(found, quantiles={})) is None
    empty = dataclasses.replace(found, actual=np.full_like(found.actual, np.nan))
    assert intervals_section(empty) is None
    assert residuals_section(empty, "mae") is None


def test_one_step_ahead_and_one_origin():
    """A horizon of one row, from one origin, makes a page: charts that need more are left out."""
    panel = panel_of(wavy(np.random.default_rng(1), 40), seasons=(7,))
    names = {c.name for s in page(results_of(panel, 1, 1)).sections for c in s.charts}
    assert "errors-by-step" not in names
    assert "errors-by-origin" not in names
    names = {c.name for s in page(results_of(panel, 1, 12)).sections for c in s.charts}
    assert "autocorrelation" in names  # of the origins


def test_the_blend_adds_up():
    """The shares of each table sum to all, the pretrained networks' among them."""
    section = making_section(BLEND, Options(), ReadConfig(), {"numpy": "2"})
    for _, table in section.tables:
        assert sum(table.shares) == pytest.approx(1)
    assert ("pretrained", "networks trained beforehand on synthetic series", "40.0 %") in section.tables[0][
        1
    ].rows


@pytest.mark.parametrize(
    "config",
    [
        Options(),
        Options(
            horizon=7, effort="quick", levels=(50, 90), quantiles=(0.1, 0.5), lower=-1.5, log=False, seed=3
        ),
        ReadConfig(
            time="a \"b\" \\ \u202e 'c' é 😀", target=("x", "y"), na=("-", "n/a"), delimiter="\t", skip=2
        ),
    ],
)
def test_settings_can_be_used_again(config, tmp_path):
    """What a page shows as forecast.toml is read back to the same settings, and shows no hidden character."""
    options = config if isinstance(config, Options) else Options()
    read = config if isinstance(config, ReadConfig) else ReadConfig()
    text = settings_text(options, read)
    assert all(c.isprintable() or c == "\n" for c in text)
    file = tmp_path / "forecast.toml"
    file.write_text(text, encoding="utf-8")
    assert from_json(type(config), read_settings(str(file))) == config
    assert tomllib.loads(text).keys() == read_settings(str(file)).keys()


def test_a_series_that_does_not_exist():
    """A named series that is not in the data is wrong usage."""
    panel = panel_of(wavy(np.random.default_rng(1), 60), seasons=(7,))
    with pytest.raises(UsageError, match="no series 'nope'"):
        page(results_of(panel, 5, 2, named=("nope",)))


def test_the_same_page_twice():
    """The same results give the same bytes, and the policy names exactly the scripts of the page."""
    import base64
    import hashlib

    panel = panel_of(*(wavy(np.random.default_rng(n), 80) for n in range(3)), seasons=(7,))
    text = write.rendered(page(results_of(panel, 7, 3)))
    assert text == write.rendered(page(results_of(panel, 7, 3)))
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digests = {base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts}
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#39;", "'")
    assert set(re.findall(r"sha256-([^']+)'", policy)) == digests
    assert len(digests) == 2
    assert policy.startswith("default-src 'none'")


def test_without_the_packages(monkeypatch):
    """Where a package is missing the hint installs it."""
    monkeypatch.setattr(write, "NEEDED", ("jinja2", "no_such_package"))
    with pytest.raises(UsageError) as caught:
        write.check_page_possible()
    assert caught.value.hint == "pip install 'forecaster[report]'"


def luminance(color):
    """Relative luminance of #rrggbb, as WCAG has it."""
    parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    """Contrast of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_lines_stand_out():
    """In light, dark and print, text has a contrast of 4.5 to the paper, and lines and bars one of 3."""
    style = write._text("page.css")
    schemes = re.findall(r":root \{([^}]*)\}", style)
    assert len(schemes) == 3
    for scheme in schemes:
        colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", scheme))
        colors = {n: c if len(c) == 7 else "#" + "".join(2 * x for x in c[1:]) for n, c in colors.items()}
        for name in ("ink", "soft", "muted", "accent"):
            assert contrast(colors[name], colors["paper"]) >= 4.5, name
        for name in ("model", "actual", "past", "ideal", "bar", "odd", *write_looks()):
            assert contrast(colors[name], colors["paper"]) >= 3, name


def write_looks():
    from forecaster.report.page.charts import LOOKS

    return LOOKS
