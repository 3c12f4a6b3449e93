"""Pages in a real browser: nothing is fetched or overflows, the keyboard works, hostile words stay text."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_browser import Visit, browser, visit
from page_results import results_of
from panels import panel_of, wavy

from forecaster.data.calendar.frequency import Frequency
from forecaster.data.findings import Finding
from forecaster.data.labels import Names
from forecaster.data.load import load
from forecaster.report.page.build import page
from forecaster.report.page.write import write_page

MINUTE = 60 * 10**9
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "'\"><svg/onload=alert(3)>",
    "javascript:alert(4)",
    "\u202egnp.exe\u0007\x1b[31m",
    "שלום עולם",
    "[/x] $\\alpha$ datum['v']",
    "x" * 10_000,
    "&lt;b&gt; &amp; \u2028 \ud800",
    "</script x><!--<script>",
)
WORDY = 600
"""Characters of the longest text that a page shows."""
SIZES = (390, 768, 1280)


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    """The browser of this module."""
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a backtest of 30 series, with the data as it was read."""
    rng = np.random.default_rng(4)
    panel = panel_of(*(wavy(rng, 140, gaps=0.05) for _ in range(30)), seasons=(7,))
    path = tmp_path_factory.mktemp("page") / "usual.html"
    groups = tuple(("seasonal", "plain")[number % 2] for number in range(30))
    write_page(page(results_of(panel, 7, 6, groups=groups)), path)
    return path


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of series and columns whose names are attacks."""
    rng = np.random.default_rng(5)
    panel = panel_of(*(wavy(rng, 60) for _ in HOSTILE), seasons=(7,))
    names = Names(HOSTILE[0], HOSTILE[1], HOSTILE[3], HOSTILE[:2])
    panel = dataclasses.replace(panel, ids=HOSTILE, names=names)
    found = [Finding("D002", "repair", text, 3, (text, text), text) for text in HOSTILE]
    results = results_of(panel, 7, 3, groups=HOSTILE, notes=HOSTILE, command=HOSTILE[1])
    path = tmp_path_factory.mktemp("page") / "hostile.html"
    made = page(results)
    with_findings = dataclasses.replace(made, sections=(*made.sections, _found(found)))
    write_page(dataclasses.replace(with_findings, title=HOSTILE[0], verdict=HOSTILE[1]), path)
    return path


def _found(found: list[Finding]) -> Any:
    from forecaster.report.page.making import _findings
    from forecaster.report.page.parts import Section

    return Section("pick", "Found", "Found", tables=(("Findings", _findings(found)),))


def assert_quiet(seen: Visit, path: Path) -> None:
    """Nothing but the page itself was loaded, and the console stayed empty."""
    assert seen.requests == [path.as_uri()]
    assert seen.complaints == []
    assert seen.run("window.pageErrors") == []


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_every_window(running: Any, usual: Path, width: int, scheme: str) -> None:
    """The page loads nothing, says nothing on the console, and is never wider than its window."""
    with visit(running, usual, width=width, scheme=scheme) as seen:
        assert_quiet(seen, usual)
        assert seen.overflow() <= 0
        names = seen.run("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(names) == len(set(names))
        charts = seen.run(
            "[...document.querySelectorAll('.chart svg')].map(svg => svg.getBoundingClientRect().right)"
        )
        assert len(charts) == seen.run("document.querySelectorAll('.chart').length") >= 8
        assert max(charts) <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barriers(running: Any, usual: Path, scheme: str) -> None:
    """axe-core finds no barrier: contrast, names, roles, order of headings."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with visit(running, usual, scheme=scheme) as seen:
        seen.tab.click("#pick")
        found = axe.run(seen.tab).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_the_picker_works_with_the_keyboard(running: Any, usual: Path) -> None:
    """Typing finds a series, arrows choose, Enter shows it, Escape gives up."""
    with visit(running, usual) as seen:
        seen.tab.focus("#pick")
        seen.tab.keyboard.type("S01")
        assert seen.tab.get_attribute("#pick", "aria-expanded") == "true"
        assert seen.run("document.querySelectorAll('#found [role=option]').length") == 10
        assert "10 series found" in seen.text("#matches")
        seen.press("ArrowDown", "ArrowDown")
        active = seen.tab.get_attribute("#pick", "aria-activedescendant")
        assert seen.run(f"document.getElementById('{active}').ariaSelected") == "true"
        seen.press("Enter")
        assert seen.text("#name") == "s012"
        assert seen.tab.get_attribute("#pick", "aria-expanded") == "false"
        seen.tab.keyboard.type("nothing like this")
        assert "No series found" in seen.text("#found")
        seen.press("Escape")
        assert seen.tab.input_value("#pick") == "s012"
        seen.settled()
        assert_quiet(seen, usual)


def test_values_are_read_with_the_keyboard(running: Any, usual: Path) -> None:
    """The chart is a slider: arrow keys read one value after the other, Home and End the first and last."""
    with visit(running, usual) as seen:
        seen.tab.focus("#series-chart")
        seen.press("End")
        last = seen.tab.get_attribute("#series-chart", "aria-valuetext")
        seen.press("ArrowLeft")
        assert seen.tab.get_attribute("#series-chart", "aria-valuetext") != last
        assert "held out" in last
        assert "forecast, step 7" in last
        assert "80 %" in last
        seen.press("Home")
        seen.settled()
        assert "observed" in seen.text("#read-out")
        assert "1970-01-01" in seen.tab.get_attribute("#series-chart", "aria-valuetext")
        assert_quiet(seen, usual)


def test_values_are_those_of_the_data(running: Any, usual: Path) -> None:
    """What the chart says of a time is the value of the panel, to six digits."""
    panel = panel_of(*(wavy(np.random.default_rng(4), 140, gaps=0.05) for _ in range(1)), seasons=(7,))
    first = int(np.flatnonzero(panel.target_observed)[0])
    with visit(running, usual) as seen:
        seen.tab.fill("#pick", "s000")
        seen.press("Enter")
        seen.tab.focus("#series-chart")
        seen.press("Home", *["ArrowRight"] * first)
        said = seen.tab.get_attribute("#series-chart", "aria-valuetext")
        assert float(said.split("observed ")[1]) == pytest.approx(panel.target[first], rel=1e-5)


def test_zoom(running: Any, usual: Path) -> None:
    """Buttons, keys and a drag across the strip change the time shown, and it never leaves the data."""
    shown = "() => document.querySelector('#series-chart svg').textContent"
    with visit(running, usual) as seen:
        pictures = {seen.run(shown)}
        for name in ("all", "in", "left", "in", "right"):
            seen.tab.click(f"[data-zoom={name}]")
            seen.settled()
            pictures.add(seen.run(shown))
        assert len(pictures) >= 5
        box = seen.tab.locator("#series-chart svg").bounding_box()
        seen.tab.mouse.move(box["x"] + 100, box["y"] + box["height"] - 20)
        seen.tab.mouse.down()
        seen.tab.mouse.move(box["x"] + 300, box["y"] + box["height"] - 20, steps=4)
        seen.tab.mouse.up()
        seen.settled()
        pictures.add(seen.run(shown))
        assert len(pictures) >= 6
        assert_quiet(seen, usual)


def test_hovering_tells_values(running: Any, usual: Path) -> None:
    """The pointer over the chart shows time, value and interval; over a small chart, all methods."""
    with visit(running, usual) as seen:
        seen.tab.locator("#series-chart").scroll_into_view_if_needed()
        box = seen.tab.locator("#series-chart svg").bounding_box()
        seen.tab.mouse.move(box["x"] + box["width"] - 20, box["y"] + 100)
        seen.settled()
        assert "95 %" in seen.text("#read-out")
        seen.tab.locator("#chart-errors-by-step").scroll_into_view_if_needed()
        box = seen.tab.locator("#chart-errors-by-step svg").bounding_box()
        seen.tab.mouse.move(box["x"] + 200, box["y"] + 80)
        seen.tab.mouse.move(box["x"] + 210, box["y"] + 90)
        seen.tab.wait_for_selector("#vg-tooltip-element.visible")
        assert "model" in seen.text("#vg-tooltip-element")


def test_hostile_words_stay_text(running: Any, hostile: Path) -> None:
    """Markup, script, control characters, right-to-left and endless names are shown as what they are."""
    with visit(running, hostile, width=390) as seen:
        assert_quiet(seen, hostile)
        assert seen.overflow() <= 0
        assert seen.run("document.querySelectorAll('img, iframe, object, embed').length") == 0
        assert seen.run("document.querySelectorAll('body script').length") == 3
        handlers = "e => [...e.attributes].some(a => a.name.startsWith('on'))"
        assert seen.run(f"[...document.querySelectorAll('*')].filter({handlers}).length") == 0
        body = seen.text("body")
        assert HOSTILE[0] in body
        assert "{{ 7 * 7 }}" in body
        assert "\u202e" not in seen.run("document.documentElement.outerHTML")
        assert "x" * (WORDY + 1) not in body
        for _ in HOSTILE:
            seen.tab.click("#after", force=True)
            seen.settled()
        seen.tab.fill("#pick", "<img")
        assert HOSTILE[0] in seen.text("#found")
        seen.press("Enter")
        seen.settled()
        assert seen.text("#name") == HOSTILE[0]
        assert_quiet(seen, hostile)


def test_nothing_observed(running: Any, tmp_path: Path) -> None:
    """A series without any value says so in place of a chart; one without a forecast shows its past."""
    rng = np.random.default_rng(6)
    panel = panel_of(
        wavy(rng, 60), np.full(60, np.nan), np.r_[wavy(rng, 50), np.full(10, np.nan)], seasons=(7,)
    )
    path = tmp_path / "missing.html"
    write_page(page(results_of(panel, 7, 1)), path)
    with visit(running, path) as seen:
        for name, said in (("s001", "No value of this series was observed."), ("s000", ""), ("s002", "")):
            seen.tab.fill("#pick", name)
            seen.press("Enter")
            seen.settled()
            assert seen.tab.is_hidden("#series-chart") == bool(said)
            assert not said or said in seen.text("figure.main")
        assert_quiet(seen, path)


def test_five_years_of_minutes(running: Any, tmp_path: Path) -> None:
    """A series of 2.6 million rows makes a small page that shows its peak of one minute, and says how."""
    rng = np.random.default_rng(7)
    count = 5 * 365 * 24 * 60
    values = np.sin(np.arange(count) * 2 * np.pi / 1440) + 0.1 * rng.standard_normal(count)
    values[1_234_567] = 9.5
    panel = panel_of(values)
    panel = dataclasses.replace(panel, time=np.arange(count) * MINUTE, frequency=Frequency("min", (60, 1440)))
    path = tmp_path / "minutes.html"
    write_page(page(results_of(panel, 60, 3)), path)
    assert path.stat().st_size < 1_500_000
    with visit(running, path) as seen:
        assert "least and greatest of every 1,314" in seen.text("#about")
        seen.tab.click("[data-zoom=all]")
        seen.settled()
        assert "10" in seen.run(
            "[...document.querySelectorAll('#series-chart svg text')].map(e => e.textContent)"
        )
        assert_quiet(seen, path)


def test_five_thousand_series(running: Any, tmp_path: Path) -> None:
    """Each of 5,000 series is in the list with its error; those without a chart say so; it stays small."""
    rng = np.random.default_rng(8)
    panel = panel_of(*(rng.normal(10, 2, 400) for _ in range(5000)), seasons=(7,))
    panel = dataclasses.replace(panel, ids=tuple(f"store {n:04d}" for n in range(5000)))
    path = tmp_path / "many.html"
    made = results_of(panel, 7, 2, named=("store 4321",))
    write_page(page(made), path)
    assert path.stat().st_size < 4_000_000
    with visit(running, path, width=390) as seen:
        assert seen.text("#name") == "store 4321"
        assert "of 5,000 series have a chart" in seen.text("#series")
        seen.tab.fill("#pick", "store 12")
        assert "100 series found" in seen.text("#matches")
        assert "no chart" in seen.text("#found")
        bare = seen.run(
            "[...document.querySelectorAll('#found li')].findIndex(li => li.textContent.includes('no chart'))"
        )
        seen.tab.locator("#found li").nth(bare).dispatch_event("pointerdown")
        assert "no room" in seen.text("figure.main")
        assert seen.overflow() <= 0
        assert_quiet(seen, path)


def test_printed(running: Any, usual: Path) -> None:
    """On paper the page is light, whatever the screen was, and has no controls."""
    with visit(running, usual, scheme="dark") as seen:
        seen.tab.emulate_media(media="print", color_scheme="dark")
        assert seen.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert seen.tab.is_hidden(".picker")
        assert seen.tab.is_hidden("nav")
        assert seen.tab.pdf()[:5] == b"%PDF-"


def test_of_data_and_of_a_forecast(running: Any, tmp_path: Path) -> None:
    """The page of data alone has no errors; it lists what was repaired."""
    source = tmp_path / "shop.csv"
    rows = [f"2024-01-{day:02d},{day % 7}" for day in range(1, 31) if day != 9]
    source.write_text("\n".join(["day,sold", *rows]) + "\n")
    from forecaster.pipeline.page import write_result

    path = tmp_path / "data.html"
    write_result(load(source), path)
    with visit(running, path) as seen:
        assert "missing timestamps" in seen.text("#part-reading")
        assert seen.tab.locator("#part-errors").count() == 0
        assert_quiet(seen, path)
