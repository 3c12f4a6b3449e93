"""A page in a real browser: the chromium of the system, by Playwright. Tests skip where there is none."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRAWN = 20_000  # ms


@dataclass
class Visit:
    """An opened page, and what it did meanwhile."""

    tab: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        return self.tab.evaluate(script)

    def text(self, selector: str) -> str:
        """The text of an element."""
        return self.tab.inner_text(selector)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.tab.keyboard.press(key)

    def settled(self) -> None:
        """Wait until a chart that was asked for is drawn."""
        self.run("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 60)))")

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return self.run("document.documentElement.scrollWidth - window.innerWidth")


@contextmanager
def browser() -> Iterator[Any]:
    """A running browser; the test is skipped where none is installed."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if BROWSER is None:
        pytest.skip("no chromium is installed: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        try:
            yield running
        finally:
            running.close()


@contextmanager
def visit(
    running: Any, path: Path, *, width: int = 1280, height: int = 900, scheme: str = "light"
) -> Iterator[Visit]:
    """The page in a window, with all charts drawn."""
    tab = running.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = Visit(tab)
    tab.on("request", lambda request: page.requests.append(request.url))
    tab.on("console", lambda message: page.complaints.append(message.text))
    tab.on("pageerror", lambda error: page.complaints.append(str(error)))
    tab.on("dialog", lambda dialog: page.complaints.append(f"a dialog: {dialog.message}"))
    try:
        tab.goto(path.as_uri())
        tab.wait_for_function("window.pageDrawn === true", timeout=DRAWN)
        yield page
    finally:
        tab.close()
