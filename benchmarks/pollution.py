"""Pollution: how many damaged copies of a table are read correctly, refused, or wrong without a message.

python -m benchmarks.pollution           a table of counts, by default and with --bad-rows skip
python -m benchmarks.pollution --wrong   the files that are silently wrong, or refused in spite of skip
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from pollute import TARGET, TIME, pollutions, truth

from forecaster.config import ReadConfig
from forecaster.data.load import load
from forecaster.errors import ForecasterError

STYLES = ("regular", "repeated")


def rows_read(path: Path, config: ReadConfig) -> tuple[list[tuple[str, float]], int, str]:
    """Rows as `inspect --export` writes them before they become series, the number reported as left out, and
    the error."""
    rows: list[tuple[str, float]] = []
    named: list[int] = []

    def keep(found, names, findings) -> None:
        dates = np.datetime_as_string(found.time.view("M8[ns]"), unit="D")
        rows.extend(zip(map(str, dates), found.values[:, 0].tolist(), strict=True))
        named.append(sum(finding.count for finding in findings if finding.code == "R006"))

    try:
        load(path, config, on_rows=keep)
    except ForecasterError as error:
        return rows, sum(named), str(error)
    return rows, sum(named), ""


def judged(style: str, path: Path, config: ReadConfig) -> tuple[str, str]:
    """exact, left out (the rest right, what is not there named), error or SILENTLY WRONG; and the error."""
    rows, named, error = rows_read(path, config)
    if not rows:
        return "error", error
    lacking = Counter(truth(style)) - Counter(rows)
    if Counter(rows) - Counter(truth(style)) or lacking.total() > named:
        return "SILENTLY WRONG", error
    return ("left out" if lacking else "exact"), error


def count(style: str, bad_rows: str, folder: Path) -> tuple[Counter[str], list[tuple[str, str, str]]]:
    """Outcomes over all copies, and each copy with its outcome and error."""
    config = ReadConfig(
        time=TIME, target=(TARGET,), bad_rows=bad_rows, date_format="mdy" if style == "repeated" else None
    )
    each = []
    for copy in pollutions(style):
        path = folder / f"{copy.name}.csv"
        path.write_bytes(copy.data)
        each.append((copy.name, *judged(style, path, config)))
        path.unlink()
    return Counter(outcome for _, outcome, _ in each), each


def main() -> None:
    """Print the counts."""
    with tempfile.TemporaryDirectory() as folder:
        for style in STYLES:
            for bad_rows in ("error", "skip"):
                counts, each = count(style, bad_rows, Path(folder))
                print(f"{style:10} {bad_rows:6} {counts.total()} files: {dict(sorted(counts.items()))}")
                if "--wrong" in sys.argv:
                    for name, outcome, error in each:
                        if outcome == "SILENTLY WRONG" or (outcome == "error" and bad_rows == "skip"):
                            print(f"    {outcome:15} {name}: {error.splitlines()[0] if error else ''}")


if __name__ == "__main__":
    main()
