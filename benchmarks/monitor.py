"""Monitor: how many false alarms it raises, what it finds, and its score on two files of NAB.

python -m benchmarks.monitor --data DIR           all tables; DIR has the files that docs/monitor.md names
python -m benchmarks.monitor --only nab faults    some of: nab clean synthetic faults tests

Forecasts are those of the pretrained networks. Nothing is set by the labelled windows.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from forecaster.config import Limits, ReadConfig
from forecaster.data.load import load
from forecaster.data.panel import Panel
from forecaster.monitoring import scores
from forecaster.monitoring.alarms import Alarm
from forecaster.monitoring.judge import WARM_UP, Expected, Judge
from forecaster.monitoring.rate import chance_of_step, step_of
from forecaster.monitoring.state import fresh, sizes
from forecaster.pipeline.monitor import _expected, _forecast, _stride

WEEK = 7 * 86_400 * 10**9
LABELS = {
    "machine_temperature_system_failure.csv": [
        ("2013-12-10T06:25", "2013-12-12T05:35"),
        ("2013-12-15T17:50", "2013-12-17T17:00"),
        ("2014-01-27T14:20", "2014-01-29T13:30"),
        ("2014-02-07T14:55", "2014-02-09T14:05"),
    ],
    "nyc_taxi.csv": [
        ("2014-10-30T15:30", "2014-11-03T22:30"),
        ("2014-11-25T12:00", "2014-11-29T19:00"),
        ("2014-12-23T11:30", "2014-12-27T18:30"),
        ("2014-12-29T21:30", "2015-01-03T04:30"),
        ("2015-01-24T20:30", "2015-01-29T03:30"),
    ],
}
PROBATION, MOST_ROWS = 0.15, 5000
"""Rows at the start that are not scored: this part of a file, of so many rows at most."""
FALSE, MISSED = 0.11, 1.0
"""Weights of a false alarm and of a missed window in the standard profile."""


class Watched:
    """A panel whose forecasts are kept, to be judged at several rates."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self._known: dict[int, Expected] = {}

    def alarms(self, rate: str | None, first: int) -> tuple[list[Alarm], float, float]:
        """Alarms from the row `first` of the longest series on, the weeks judged, and how many are stated."""
        panel = self.panel
        stride, chance = _stride("pretrained", panel), chance_of_step(rate, panel)
        begins = int(panel.time[panel.offsets[int(panel.lengths.argmax())] + first]) - 1
        state = fresh(panel.ids, stride, "", begins, *sizes(len(panel), stride))
        verdict = Judge(panel, state, self._expect, chance).run()
        steps = verdict.judged / len(panel)
        return verdict.alarms, steps * step_of(panel) / WEEK, steps * chance

    def _expect(self, past: Panel, rows: int) -> Expected:
        if len(past.time) not in self._known:
            self._known[len(past.time)] = _expected(_forecast("pretrained", past, rows, Limits()), rows)
        return self._known[len(past.time)]


def sigmoid(place: float) -> float:
    """The value of an alarm at a place relative to a window: −1 its start, 0 its end, 1 a length after it."""
    return -1.0 if place > 3 else 2 / (1 + np.exp(5 * place)) - 1


def nab_score(rows: list[int], windows: list[tuple[int, int]], probation: int) -> float:
    """The score of alarms at these rows, 100 for perfect ones and 0 for none (Lavin & Ahmad 2015).

    `windows`: first and last row of each. Of a window only the first alarm counts.
    """
    found = {}
    total = 0.0
    for row in sorted(set(rows)):
        if row < probation:
            continue
        inside = [n for n, (first, last) in enumerate(windows) if first <= row <= last]
        if inside:
            first, last = windows[inside[0]]
            found.setdefault(inside[0], sigmoid(-(last - row + 1) / (last - first + 1)) / sigmoid(-1))
            continue
        before = [(first, last) for first, last in windows if last < row]
        place = (row - before[-1][1]) / (before[-1][1] - before[-1][0]) if before else np.inf
        total += FALSE * sigmoid(place)
    missed = len(windows) - len(found)
    raw = total + sum(found.values()) - MISSED * missed
    none = -MISSED * len(windows)
    return 100 * (raw - none) / (len(windows) - none)


def nab(folder: Path) -> None:
    """Both labelled files, at several rates."""
    print("| file | rate | windows found | false alarms a week | score |\n|---|---|---|---|---|")
    for name, labels in LABELS.items():
        panel = load(folder / name, ReadConfig(duplicates="last")).panel
        watched, probation = Watched(panel), int(PROBATION * min(len(panel.time), MOST_ROWS))
        spans = [[int(np.datetime64(each, "ns").astype(int)) for each in pair] for pair in labels]
        windows = [
            (int(np.searchsorted(panel.time, a)), int(np.searchsorted(panel.time, b, "right")) - 1)
            for a, b in spans
        ]
        for rate in ("1/4w", "1/w", "3/w", "1/d"):
            found, weeks, _ = watched.alarms(rate, probation)
            rows = [int(np.searchsorted(panel.time, alarm.time)) for alarm in found]
            hit = {n for n, (a, b) in enumerate(windows) for row in rows if a <= row <= b}
            false = sum(all(not a <= row <= b for a, b in windows) for row in rows)
            clean = weeks - sum(b - a for a, b in spans) / WEEK
            score = nab_score(rows, windows, probation)
            print(
                f"| {name} | {rate} | {len(hit)} of {len(windows)} | {false / clean:.2f} | {score:.1f} |",
                flush=True,
            )


def clean(folder: Path) -> None:
    """Real data: the taxi data outside its windows, and the sensors of a transformer."""
    print("| data | weeks | stated | alarms | spikes | shifts | stuck |\n|---|---|---|---|---|---|---|")
    taxi = load(folder / "nyc_taxi.csv").panel
    spans = [[np.datetime64(each, "ns").astype(int) for each in pair] for pair in LABELS["nyc_taxi.csv"]]
    found, weeks, stated = Watched(taxi).alarms(None, 750)
    found = [alarm for alarm in found if not any(a <= alarm.time <= b for a, b in spans)]
    share = 1 - sum(b - a for a, b in spans) / WEEK / weeks
    _row("nyc_taxi outside windows", weeks * share, stated * share, found)
    for targets in (("OT",), ("HULL",), ("MUFL",)):
        panel = load(folder / "ETTh1.csv.gz", ReadConfig(time="date", target=targets)).panel
        found, weeks, stated = Watched(panel).alarms(None, WARM_UP * 12)
        _row(f"ETTh1 {', '.join(targets)}", weeks, stated, found)


def _row(name: str, weeks: float, stated: float, found: list[Alarm]) -> None:
    kinds = Counter(alarm.kind for alarm in found)
    each = " | ".join(str(kinds[kind]) for kind in ("spike", "shift", "stuck"))
    print(f"| {name} | {weeks:.1f} | {stated:.1f} | {len(found)} | {each} |", flush=True)


def made(kind: str, rows: int, rng: np.random.Generator) -> np.ndarray:
    """An hourly series with a daily season."""
    season, noise = np.sin(2 * np.pi * np.arange(rows) / 24), rng.normal(size=rows)
    if kind == "autoregression":
        for row in range(1, rows):
            noise[row] += 0.9 * noise[row - 1]
        return 50 + 10 * season + noise
    return {
        "white noise": 50 + 10 * season + 2 * noise,
        "heavy tails (t, 3)": 50 + 10 * season + rng.standard_t(3, rows),
        "counts": rng.poisson(5 + 4 * season).astype(float),
        "noisy by day": 50 + 10 * season + noise * (1.2 + season),
        "random walk": 100 + np.cumsum(noise),
    }[kind]


KINDS = ("white noise", "autoregression", "heavy tails (t, 3)", "counts", "noisy by day", "random walk")


def hourly(series: list[np.ndarray]) -> Panel:
    """A panel of hourly series."""
    rows = len(series[0])
    times = pd.date_range("2024-01-01", periods=rows, freq="h")
    frame = pd.DataFrame({f"s{number}": values for number, values in enumerate(series)})
    return load(frame.assign(time=times), ReadConfig(time="time", target=tuple(frame))).panel


def synthetic() -> None:
    """Series without a fault: alarms beside those stated, of one series and of many together."""
    print("| series | weeks | stated | alarms | spikes | shifts | stuck |\n|---|---|---|---|---|---|---|")
    for count, rows, warm_up in ((1, 6000, 500), (100, 1300, 500)):
        for kind in KINDS:
            rng = np.random.default_rng(count)
            found, weeks, stated = Watched(hourly([made(kind, rows, rng) for _ in range(count)])).alarms(
                None, warm_up
            )
            _row(f"{count} of {kind}", weeks, stated, found)


FAULT = 508
"""The row at which a fault begins."""


def faults(count: int = 24) -> None:
    """Faults in series, each judged alone: what is found in two days, as what, and after how many rows."""
    put: dict[str, Callable[[np.ndarray], object]] = {
        "none": lambda y: y,
        "spike of 6": lambda y: y.__setitem__(FAULT, y[FAULT] + 6),
        "spike of 10": lambda y: y.__setitem__(FAULT, y[FAULT] + 10),
        "shift of 4": lambda y: y.__setitem__(slice(FAULT, None), y[FAULT:] + 4),
        "shift of 8": lambda y: y.__setitem__(slice(FAULT, None), y[FAULT:] + 8),
        "stuck": lambda y: y.__setitem__(slice(FAULT, None), y[FAULT - 1]),
    }
    print("| fault | found | spike | shift | stuck | rows until then |\n|---|---|---|---|---|---|")
    for name, change in put.items():
        rng = np.random.default_rng(5)
        kinds: Counter[str] = Counter()
        after = []
        for _ in range(count):
            y = made("autoregression", FAULT + 48, rng)
            change(y)
            panel = hourly([y])
            found, _, _ = Watched(panel).alarms(None, FAULT)
            kinds.update({alarm.kind for alarm in found})
            after += [min(int(np.searchsorted(panel.time, a.time)) - FAULT for a in found)] if found else []
        each = " | ".join(f"{100 * kinds[kind] / count:.0f} %" for kind in ("spike", "shift", "stuck"))
        when = f"{np.median(after):.0f}" if after else "-"
        print(f"| {name} | {100 * len(after) / count:.0f} % | {each} | {when} |", flush=True)


def tests(count: int = 3000, stride: int = 12, phi: float = 0.8) -> None:
    """Which test sees a shift: the median of earlier forecasts, or a sum of surprises, at equal false alarms.

    An autoregression with its true forecasts. Each test has the threshold that one in 40 blocks without a
    shift exceeds; a shift of so many standard deviations of the noise begins anywhere in a block.
    """
    rng = np.random.default_rng(8)
    rows, first = 8 * stride, 4 * stride
    start = first + rng.integers(0, stride, size=count)
    print("| shift | median of 7 | CUSUM | Shiryaev-Roberts | spike |\n|---|---|---|---|---|")
    limits: dict[str, float] = {}
    for size in (0.0, 2.0, 3.0, 4.0, 6.0):
        x = np.zeros((count, rows))
        noise = rng.normal(size=(count, rows))
        for row in range(1, rows):
            x[:, row] = phi * x[:, row - 1] + noise[:, row]
        y = x + size * (np.arange(rows) >= start[:, None])
        lead = np.tile(np.arange(1, stride + 1), rows // stride)[None].repeat(count, axis=0)
        new, old = (_scores(y, stride, phi, back) for back in (0, 1))
        w = scores.conditional(new, lead, np.full(count, phi))
        statistics = {
            "median": np.abs(scores.levels(old)), "cusum": _cusum(w),
            "sr": _shiryaev_roberts(w), "spike": np.abs(w),
        }  # fmt: skip
        inside = (np.arange(rows) >= start[:, None]) & (np.arange(rows) < start[:, None] + 2 * stride)
        for name, values in statistics.items():
            if not size:
                block = values[:, first : first + stride].max(axis=1)
                limits[name] = float(np.nanquantile(block, 1 - 1 / 40))
        if size:
            seen = [
                (np.where(inside, values, 0) > limits[name]).any(axis=1).mean()
                for name, values in statistics.items()
            ]
            order = "median", "cusum", "sr", "spike"
            rate = dict(zip(statistics, seen, strict=True))
            print(
                f"| {size:g} | " + " | ".join(f"{100 * rate[name]:.0f} %" for name in order) + " |",
                flush=True,
            )


def _scores(y: np.ndarray, stride: int, phi: float, back: int) -> np.ndarray:
    """Scores of the true forecasts, from the row before each block, or `back` blocks earlier."""
    rows = np.arange(y.shape[1])
    origin = (rows // stride - back) * stride
    lead = rows - origin + 1
    known = np.where(origin > 0, y[:, np.maximum(origin - 1, 0)], 0.0)
    return (y - phi**lead * known) / np.sqrt((1 - phi ** (2 * lead)) / (1 - phi**2))


def _cusum(w: np.ndarray) -> np.ndarray:
    """The larger of the two one-sided sums of Page (1954), with half a standard deviation allowed."""
    high, low, result = np.zeros(len(w)), np.zeros(len(w)), np.empty_like(w)
    for row in range(w.shape[1]):
        high, low = np.maximum(high + w[:, row] - 0.5, 0), np.maximum(low - w[:, row] - 0.5, 0)
        result[:, row] = np.maximum(high, low)
    return result


def _shiryaev_roberts(w: np.ndarray) -> np.ndarray:
    """The logarithm of R_t = (1 + R_{t−1}) e_t, averaged over shifts of the score of ±½, ±1 and ±2."""
    shifts = np.array([-2, -1, -0.5, 0.5, 1, 2])[:, None]
    sums, result = np.zeros((len(shifts), len(w))), np.empty_like(w)
    for row in range(w.shape[1]):
        sums = (1 + sums) * np.exp(shifts * w[:, row] - shifts**2 / 2)
        result[:, row] = np.log(sums.mean(axis=0))
    return result


def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="+", choices=["nab", "clean", "synthetic", "faults", "tests"])
    asked = parser.parse_args()
    own = {"synthetic": synthetic, "faults": faults, "tests": tests}
    for name in asked.only or ["nab", "clean", *own]:
        begin = time.perf_counter()
        print(f"\n{name}")
        if name in own:
            own[name]()
        elif asked.data is None:
            print("needs --data")
        else:
            {"nab": nab, "clean": clean}[name](asked.data)
        print(f"{time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
