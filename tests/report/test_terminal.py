"""Printed output: the right numbers, within the width, escaped, and without colour off a terminal."""

import io

import numpy as np
import pytest
from evaluation_panel import noisy_series, panel_of, score
from rich.console import Console

from forecaster.data.findings import info, repair
from forecaster.evaluation.backtest import rolling_origins
from forecaster.methods.baselines import backtest_baselines
from forecaster.report import error_tables, terminal

EVIL = "a\x1b[31m [b]c[/b] :smile:"
SHOWN_EVIL = r"a\x1b[31m [b]c[/b] :smile:"


def printed(function, *args, width=80, color=False, encoding="utf-8", **kwargs):
    """What `function` prints on a console of this width."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(
        file=file, width=width, force_terminal=color, color_system="truecolor" if color else None
    )
    function(console, *args, **kwargs)
    file.flush()
    return file.buffer.getvalue().decode(encoding)


def report_of(series=1, horizon=4, origins=3, scale=1.0, better=True, ids=None):
    """A report of a model that errs half, or twice, as much as the naive forecast."""
    rng = np.random.default_rng(series)
    panel = panel_of(*(scale * noisy_series(rng, 20 + horizon * origins) for _ in range(series)), ids=ids)
    rolled = rolling_origins(panel.lengths, horizon, origins, horizon)
    base = backtest_baselines(panel, rolled, horizon)
    from forecaster.evaluation.backtest import held_out

    actual = np.nan_to_num(held_out(panel, rolled, horizon))
    model = actual + (0.5 if better else 2.0) * (base["naive"] - actual)
    return score(panel, rolled, {"model": model, **base}, horizon)


def test_methods_are_rows_with_the_model_first():
    """The overall table shows every method and metric, the model on top, the verdict at the end."""
    report = report_of()
    lines = printed(terminal.print_report, report).splitlines()
    heads = [line.split("  ")[0] for line in lines]
    assert heads.index("model") < min(heads.index(name) for name in ("naive", "drift", "mean"))
    titles = next(line for line in lines if "MAE" in line)
    assert all(title in titles for title in ("MAE", "RMSE", "MAPE %", "sMAPE %", "MASE", "skill %"))
    row = next(line for line in lines if line.startswith("model"))
    assert f"{report.value('model', 'mae'):.2f}"[:3] in row
    assert f"{100 * report.value('model', 'skill'):+.1f}" in row
    assert report.verdict in printed(terminal.print_report, report, width=300)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    ("series", "horizon", "scale"), [(1, 1, 1), (1, 48, 1e5), (5, 8, 1e-3), (40, 336, 1)]
)
def test_tables_fit_the_width_and_lose_nothing(width, series, horizon, scale):
    """No line is wider than the terminal and no cell is cut, at 80 columns and at 120."""
    report = report_of(series, horizon, origins=2, scale=scale)
    text = printed(terminal.print_report, report, width=width, notes=["a note " * 30])
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_long_horizons_are_shown_in_ranges():
    """Up to eight steps have a column each; more become six ranges with the means of their steps."""
    assert [str(c.header) for c in error_tables.step_table(report_of(horizon=3)).columns[1:]] == [
        "1",
        "2",
        "3",
    ]
    report = report_of(horizon=12, origins=2)
    table = error_tables.step_table(report)
    assert [str(c.header) for c in table.columns[1:]] == ["1-2", "3-4", "5-6", "7-8", "9-10", "11-12"]
    mean = report.per_step[0, report.metrics.index("mae"), 2:4].mean()
    assert float(str(next(iter(table.columns[2].cells)))) == pytest.approx(mean, rel=0.01)


def test_many_series_show_only_the_best_and_the_worst():
    """With many series the table holds the three best and the three worst by skill, best first."""
    report = report_of(series=20)
    skill = report.per_series[0, report.metrics.index("skill")]
    order = np.argsort(-skill)
    table = error_tables.series_table(report)
    names = [str(cell) for cell in table.columns[0].cells]
    assert names == [report.ids[s] for s in order[:3]] + [".."] + [report.ids[s] for s in order[-3:]]
    few = error_tables.series_table(report_of(series=5))
    assert len(few.rows) == 5


def test_share_of_series_is_told():
    """The share of series on which the model is better is below the table."""
    report = report_of(series=10)
    mae = report.per_series[:, 0]
    share = np.mean(mae[0] < mae[report.methods.index(report.best_baseline)])
    assert error_tables.share_better(report) == share
    assert f"better than {report.best_baseline} on {100 * share:.0f} %" in printed(
        terminal.print_report, report
    )


@pytest.mark.parametrize(("better", "code"), [(True, "32m"), (False, "33m")])
def test_the_verdict_is_green_or_yellow_on_a_terminal_only(better, code):
    """A win is green, anything else yellow; off a terminal there is no escape sequence at all."""
    report = report_of(better=better)
    assert report.beats is better
    coloured = printed(terminal.print_report, report, color=True, width=300)
    line = next(line for line in coloured.splitlines() if "The model" in line)
    assert code in line
    assert "\x1b" not in printed(terminal.print_report, report)


def test_the_best_number_of_a_column_stands_out():
    """Lowest error and highest skill are marked; nothing else is."""
    table = error_tables.overall_table(report_of())
    for column in table.columns[1:]:
        cells = list(column.cells)
        assert cells[0].style == error_tables.BEST
        assert all(cell.style != error_tables.BEST or str(cell) == str(cells[0]) for cell in cells)


def test_user_text_is_neither_markup_nor_obeyed():
    """Ids, names and messages with markup or control characters are shown as they are, escaped."""
    texts = [
        printed(terminal.print_report, report_of(2, ids=(EVIL, "b")), notes=[EVIL]),
        printed(terminal.print_findings, [repair("D1", EVIL, count=2, places=[EVIL], action=EVIL)]),
        printed(terminal.print_facts, EVIL, {EVIL: EVIL}),
        printed(terminal.print_card, {EVIL: {EVIL: EVIL}, "members": {EVIL: {EVIL: EVIL}}}, width=200),
        printed(terminal.print_preview, EVIL, [EVIL], [1.0], {}),
    ]
    for text, times in zip(texts, (2, 3, 2, 4, 2), strict=True):
        assert "\x1b" not in text
        flat = " ".join(text.split()).lower()
        assert flat.count(SHOWN_EVIL.lower()) >= times


def test_findings_say_what_where_and_what_was_done():
    """A finding shows code, severity, count, message, places and action."""
    found = [
        repair("D002", "missing timestamps", count=1200, places=["one", "two"], action="kept as gaps"),
        info("C001", "target chosen"),
    ]
    text = printed(terminal.print_findings, found)
    for part in (
        "D002",
        "repair",
        "1,200 times",
        "missing timestamps",
        "one; two, ..",
        "kept as gaps",
        "C001",
        "info",
    ):
        assert part in text
    assert "none" in printed(terminal.print_findings, [])


def test_the_card_shows_each_section_and_the_report_as_a_table():
    """Plain sections are facts, members have a column each, the report is a table and a verdict."""
    report = report_of()
    card = {
        "data": {"source": "x.csv", "rows": 12345, "covariates": []},
        "members": {"member 1": {"cell": "gru", "hidden": 64}, "member 2": {"cell": "gru", "hidden": 128}},
        "report": report.to_json(),
        "versions": {},
    }
    text = printed(terminal.print_card, card, width=200)
    assert "12,345" in text and "member 2" in text and "128" in text
    assert report.verdict in text
    assert "Versions" not in text
    assert "Report" not in printed(terminal.print_card, {"report": {}})


def test_the_preview_shows_first_and_last_rows_and_the_intervals():
    """Long forecasts keep the first five rows and the last; bounds share the decimals of the narrowest."""
    steps = np.arange(40.0)
    text = printed(
        terminal.print_preview,
        "sensor",
        [f"t{n}" for n in range(40)],
        100 + steps,
        {80: (99 + steps, 101 + steps), 95: (98 + steps, 102 + steps)},
        history=[np.nan, *steps],
    )
    rows = [line.split()[0] for line in text.splitlines() if line.startswith(("t", ".."))]
    assert rows == ["time", "t0", "t1", "t2", "t3", "t4", "..", "t39"]
    assert ".. 34 more" in text
    assert all(part in text for part in ("sensor", "80 %", "95 %", "99.00 to 101.00", "98.00 to 102.00"))
    assert max(map(len, text.splitlines())) <= 80


def test_the_preview_of_a_what_if_has_base_and_difference():
    """In each row, and the sum below; a base that is not known is a dash, without a sum."""
    bounds = {80: ([9.0, 11.0], [13.0, 15.0])}
    asked = (terminal.print_preview, "shop", ["t0", "t1"], [11.0, 13.0], bounds)
    lines = printed(*asked, base=[10.0, 10.0], difference=[1.0, 3.0]).splitlines()
    rows = [line.split()[:4] for line in lines if line.startswith("t")]
    assert rows[0] == ["time", "forecast", "base", "difference"]
    assert rows[2] == ["t1", "13.00", "10.00", "3.00"]
    assert "The what-if moves the forecast by 4.00 in sum." in lines
    text = printed(*asked, base=[np.nan] * 2, difference=[np.nan] * 2)
    assert text.count("-") >= 4
    assert "in sum" not in text


@pytest.mark.parametrize("steps", [1, 6])
def test_a_short_forecast_is_shown_whole(steps):
    """Up to six rows nothing is left out, with or without history and intervals."""
    text = printed(terminal.print_preview, "x", [f"t{n}" for n in range(steps)], np.arange(steps), {})
    assert [line.split()[0] for line in text.splitlines() if line.startswith("t")][1:] == [
        f"t{n}" for n in range(steps)
    ]
    assert "more" not in text


def test_a_terminal_without_unicode_is_served():
    """On an ASCII stream everything can still be written."""
    report = report_of(series=3)
    assert printed(terminal.print_report, report, encoding="ascii")
    assert printed(terminal.print_preview, "x", ["t"], [1.0], {}, history=[1.0, 2.0], encoding="ascii")
    assert r"M\xfcll" in printed(terminal.print_findings, [info("C1", "Müll", count=2)], encoding="ascii")
