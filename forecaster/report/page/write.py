"""A page as one file of HTML. Everything is inside, and a rule in the file forbids the browser to fetch more.

jinja2 fills the template and escapes all text. The charts are drawn by Vega, which vl-convert brings as one
script. Both are optional and imported only here. The rule is a content security policy: it names the two
scripts by their digests, so that no other one would run, whatever the data holds.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, BinaryIO

from forecaster.data.storage.place import Named
from forecaster.data.writing.atomic import atomic_write
from forecaster.data.writing.escapes import json_text
from forecaster.errors import UsageError
from forecaster.report.page.charts import CLOCK
from forecaster.report.page.parts import MOST_LISTED, Page, SeriesList

NEEDED = ("jinja2", "vl_convert")


def check_page_possible() -> None:
    """Raise UsageError where a package that a page needs is not installed."""
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in NEEDED):
        raise UsageError(
            "a page needs jinja2 and vl-convert-python, which are not installed",
            hint="pip install 'forecaster[report]'",
        )


def write_page(page: Page, path: Named) -> None:
    """Write the page atomically. Raises UsageError without jinja2 and vl-convert, StorageError where writing
    fails.
    """
    check_page_possible()
    content = rendered(page).encode()

    def write(file: BinaryIO) -> None:
        file.write(content)

    atomic_write(path, write)


def rendered(page: Page) -> str:
    """The page as HTML; the same page gives the same text."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    scripts = _library(), _text("page.js")
    specs = {chart.name: chart.spec for section in page.sections for chart in section.charts}
    return environment.from_string(_text("page.html")).render(
        page=page,
        policy=_policy(scripts),
        style=Markup(_text("page.css")),
        scripts=[Markup(script) for script in scripts],
        data=Markup(_data({"charts": specs, "clock": CLOCK, "series": _series(page.series)})),
    )


def _text(name: str) -> str:
    return (files("forecaster.report.page") / name).read_text(encoding="utf-8")


@cache
def _library() -> str:
    """The script that draws charts."""
    import vl_convert

    script = str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _policy(scripts: Sequence[str]) -> str:
    """What the browser may do: run these scripts, and nothing else."""
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _data(content: Any) -> str:
    """JSON that can stand inside a script element."""
    text = json_text(content, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _series(series: SeriesList | None) -> Any:
    """The list of series for the script; of very many, those with a chart and the first."""
    if series is None:
        return None
    count = len(series.ids)
    rest = (number for number in range(count) if number not in series.charts)
    listed = [*series.charts, *(number for number, _ in zip(rest, range(MOST_LISTED), strict=False))]
    listed = sorted(listed[:MOST_LISTED])
    place = {number: at for at, number in enumerate(listed)}
    return {
        "target": series.target,
        "measure": series.measure,
        "rival": series.rival,
        "count": count,
        "ids": [series.ids[number] for number in listed],
        "errors": [_number(series.errors[number]) for number in listed] if len(series.errors) else [],
        "rivals": [_number(series.rivals[number]) for number in listed] if len(series.rivals) else [],
        "notes": [series.notes[number] for number in listed],
        "charts": [[place[number], content] for number, content in series.charts.items()],
        "levels": list(series.levels),
        "ahead": series.ahead,
    }


def _number(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None
