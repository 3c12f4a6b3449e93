"""Pieces of whole series: the same bytes by every engine, and decided as for the whole panel."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from forecaster.config import Options
from forecaster.data.load import load
from forecaster.evaluation.backtest import rolling_origins
from forecaster.pipeline import pieces
from forecaster.pipeline.compare import compare
from forecaster.pipeline.contestants import contestants_of
from forecaster.pipeline.engines.processes import InTurn, Processes
from forecaster.pipeline.evaluate import evaluate
from forecaster.pipeline.monitor import monitor
from forecaster.pipeline.trials import OfPretrained

COUNT, SIZE = 20, 8
OPTIONS = Options(horizon=7, workers=1)


def series(number, rows):
    """One of several kinds: seasonal, a walk, demand, shifted, with a spike."""
    rng, step = np.random.default_rng(number), np.arange(rows)
    y = 100 + 10 * np.sin(2 * np.pi * step / 7) + rng.normal(0, 2, rows)
    kind = number % 5
    if kind == 1:
        y = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, rows)))
    if kind == 2:
        y = rng.poisson(0.3, rows).astype(float)
    if kind == 3:
        y[rows // 2 :] -= 300
    if kind == 4:
        y[rows // 3] = 1e6
    return y


def table(lengths):
    """Daily series of these lengths, all of which end on one day."""
    days = pd.date_range("2024-01-01", periods=max(lengths))
    parts = [
        pd.DataFrame({"id": f"s{number:02d}", "day": days[-rows:], "y": series(number, rows)})
        for number, rows in enumerate(lengths)
    ]
    return pd.concat(parts, ignore_index=True)


LENGTHS = [40 + 13 * number % 90 for number in range(COUNT)]


@pytest.fixture
def small(monkeypatch):
    """Pieces of a few series."""
    monkeypatch.setattr(pieces, "SERIES", SIZE)


def frames(result):
    return result.backtest.to_frame(), pd.DataFrame(result.report.to_rows())


@pytest.mark.usefixtures("small")
def test_a_backtest_is_the_same_by_each_engine():
    """Whatever the number of workers: every forecast and every error, to the last bit."""
    several = [
        evaluate(table(LENGTHS), OPTIONS, origins=2, model="pretrained", engine=engine)
        for engine in (InTurn(), Processes(2), Processes(3))
    ]
    for other in several[1:]:
        for one, two in zip(frames(several[0]), frames(other), strict=True):
            pd.testing.assert_frame_equal(one, two, check_exact=True)


@pytest.mark.parametrize(
    "rows", [LENGTHS, [1600] * 3 + [40] * (COUNT - 3), [40] * 11 + [1600] * (COUNT - 11)]
)
def test_pieces_are_forecast_as_the_whole(rows, monkeypatch):
    """Up to the last bits of products of matrices, also where one piece has longer series than the others."""
    panel = load(table(rows)).panel
    origins = rolling_origins(panel.lengths, 7, 2, 7)
    forecaster, made = OfPretrained(7, OPTIONS), []
    for size in (COUNT, SIZE):
        monkeypatch.setattr(pieces, "SERIES", size)
        each, _ = pieces.forecasts(panel, origins, forecaster, InTurn())
        points, quantiles = np.full((2, COUNT, 7), np.nan), np.full((2, COUNT, 7), np.nan)
        for number, part in each:
            points[number, part.series] = part.point
            quantiles[number, part.series] = part.quantiles[0.1]
        made.append((points, quantiles))
    for whole, cut in zip(*made, strict=True):
        np.testing.assert_allclose(cut, whole, rtol=2e-4, atol=1e-4)


@pytest.mark.usefixtures("small")
def test_a_piece_knows_how_long_the_usual_series_is():
    """Seasons are those that fit into a usual series of the whole panel, not of the piece."""
    panel = load(table([1600] * 3 + [40] * (COUNT - 3))).panel
    whole = panel.fitting_season(panel.lengths)
    parts = pieces.cut(panel, whole=False)
    assert [len(part) for part in parts] == [8, 8, 4]
    assert {part.fitting_season(part.lengths) for part in parts} == {whole}
    long = load(table([1600] * 11 + [40] * (COUNT - 11))).panel
    assert {part.fitting_season(part.lengths) for part in pieces.cut(long, whole=False)} == {365}
    assert pieces.cut(panel, whole=True) == [panel]


def test_a_small_panel_is_one_piece():
    """And the forecasts are those of the panel itself."""
    panel = load(table(LENGTHS)).panel
    assert pieces.cut(panel, whole=False) == [panel]
    origins = rolling_origins(panel.lengths, 7, 3, 7)
    seen = []

    def forecaster(part, known):
        seen.append(part)
        return OfPretrained(7, OPTIONS)(part, known)

    pieces.forecasts(panel, origins[-1:], forecaster, InTurn())
    assert seen[0] is panel


@pytest.mark.usefixtures("small")
def test_the_count_of_origins_rises_by_parts():
    """Each piece is a part of its origin."""
    panel = load(table(LENGTHS)).panel
    origins = rolling_origins(panel.lengths, 7, 2, 7)
    counted = []
    pieces.forecasts(panel, origins, OfPretrained(7, OPTIONS), InTurn(), lambda *done: counted.append(done))
    np.testing.assert_allclose([done for done, _ in counted], np.arange(1, 7) / 3)
    assert {total for _, total in counted} == {2}


@pytest.mark.usefixtures("small")
def test_alarms_are_the_same_by_each_engine():
    """What is unusual among all series is judged in one place: only forecasts are made elsewhere."""
    rows = table([200] * COUNT)
    rows.loc[rows.groupby("id").tail(5).index[::7], "y"] *= 4
    found = [
        monitor("pretrained", rows, since="2024-06-01", engine=engine) for engine in (InTurn(), Processes(2))
    ]
    assert found[0].to_rows() == found[1].to_rows() != []
    assert dataclasses.astuple(found[0].verdict)[1:] == dataclasses.astuple(found[1].verdict)[1:]


@pytest.mark.usefixtures("small")
def test_a_leaderboard_is_the_same_by_each_engine():
    """With what trained it, and how long that took."""
    tiny = dataclasses.replace(OPTIONS, steps=5, hidden=4, members=1, pretrained=False)
    contestants = contestants_of(tiny, cells=("rnn",), models={"pretrained": "pretrained"})
    boards = [
        compare(table(LENGTHS), contestants, tiny, origins=2, engine=engine).leaderboard
        for engine in (InTurn(), Processes(2))
    ]
    assert not boards[1].failures
    one, two = ([(each.name, each.errors) for each in board.standings] for board in boards)
    assert one == two


def test_little_work_is_done_in_this_process():
    """To begin others would take longer; and one worker is this process."""
    panel = load(table(LENGTHS)).panel
    assert isinstance(pieces.engine_for(100, panel, None), InTurn)
    assert isinstance(pieces.engine_for(10**6, panel, 1), InTurn)
    assert pieces.engine_for(10**6, panel, 3).workers == 3


def test_as_many_processes_as_memory_has_room_for(monkeypatch):
    """Each holds a copy of the panel."""
    panel = load(table(LENGTHS)).panel
    monkeypatch.setattr(pieces.memory, "left", lambda: 2 * pieces.memory.FRESH + 10**6)
    assert pieces.engine_for(10**6, panel, 8).workers == 2
