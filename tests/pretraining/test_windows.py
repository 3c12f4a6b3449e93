"""Training windows: what the network reads lies before what it is to forecast, and both are of one series."""

import numpy as np
import pytest

from forecaster.pretraining import windows
from forecaster.pretraining.inputs import daily, prices, seasonal
from forecaster.pretraining.series.priors import DAILY, MONTHLY, QUARTERLY, YEARLY
from forecaster.pretraining.windows import FAR, Daily, Prices, Seasonal

KINDS = {
    "season of 1": Seasonal(YEARLY, 10, 8),
    "season of 4": Seasonal(QUARTERLY, 6, 8),
    "season of 7": Seasonal(DAILY, 5, 28),
    "season of 12": Seasonal(MONTHLY, 4, 24),
    "hours": Daily(steps=5),
    "prices": Prices(steps=20, horizon=20),
}
each = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
SIZE = 8
GENERATORS = {Seasonal: "generate", Daily: "sensors", Prices: "prices"}


@pytest.fixture(autouse=True)
def few_series(monkeypatch):
    """Pools of 32 series, so that a test takes a moment."""
    monkeypatch.setattr(windows, "SERIES", 32)


def ramps(monkeypatch, kind):
    """Let the pool hold series that tell where they are: row t of series s is 1000 s + t; returns are .01."""

    def generate(rng, *arguments):
        count, length = arguments[-2:]
        if isinstance(kind, Prices):
            return np.full((count, length), 0.01, np.float32)
        return (1000 * np.arange(count)[:, None] + np.arange(length)).astype(np.float32)

    monkeypatch.setattr(windows, GENERATORS[type(kind)], generate)


@each
def test_shapes(kind):
    """Samples of one length a batch, and targets of the horizon; what the design says fits them."""
    design = kind.design(5)
    batches = kind.batches(np.random.default_rng(0), SIZE)
    lengths = set()
    for _ in range(25):
        sample, actual = next(batches)
        steps, features, count = sample.inputs.shape
        lengths.add(steps)
        assert features == design.inputs
        assert 0 < count <= SIZE
        assert count == SIZE or not isinstance(kind, Seasonal)
        assert 1 <= steps <= kind.steps
        assert actual.shape == sample.base.shape == (design.horizon, count)
        assert sample.patterns.shape == (len(design.gates), design.horizon, count)
        assert actual.dtype == sample.inputs.dtype == np.float32
        assert np.isfinite(sample.inputs).all()
        assert np.isfinite(sample.patterns).all()
        assert not np.isinf(actual).any()
    assert len(lengths) > 1, "windows of several lengths"


@each
def test_the_seed_decides(kind):
    """The same Generator draws the same windows."""
    samples = [[next(batches) for _ in range(3)] for batches in _twice(kind, 1)]
    for (one, first), (two, second) in zip(*samples, strict=True):
        assert one.inputs.tobytes() == two.inputs.tobytes()
        assert first.tobytes() == second.tobytes()
    other = next(kind.batches(np.random.default_rng(2), SIZE))[0]
    assert other.inputs.tobytes() != samples[0][0][0].inputs.tobytes()


def _twice(kind, seed):
    return [kind.batches(np.random.default_rng(seed), SIZE) for _ in range(2)]


@pytest.mark.parametrize("kind", [KINDS["season of 1"], KINDS["season of 4"], KINDS["season of 12"]], ids=str)
def test_a_window_ends_at_the_row_before_its_targets(kind, monkeypatch):
    """The sample is what `prepare` makes of the rows before the targets, and of no others."""
    seen = []
    prepare = seasonal.prepare
    monkeypatch.setattr(
        seasonal, "prepare", lambda values, *rest: seen.append(values) or prepare(values, *rest)
    )
    ramps(monkeypatch, kind)
    batches = kind.batches(np.random.default_rng(4), SIZE)
    for _ in range(30):
        sample, actual = next(batches)
        past = seen.pop()
        first = actual[0] * sample.scale + sample.centre
        assert past.shape == (SIZE, sample.inputs.shape[0] * kind.prior.season)
        assert np.allclose(past[:, -1] + 1, first, atol=0.1)
        rows = np.isfinite(past).sum(axis=1)
        assert (rows == rows[0]).all()
        assert rows[0] >= 1
        for row in past:
            assert np.isnan(row[: -rows[0]]).all()
            assert np.array_equal(row[-rows[0] :], row[-1] + np.arange(1 - rows[0], 1))


def test_hours_end_at_the_row_before_their_targets(monkeypatch):
    """Windows of sensors too; some begin in the middle of a day."""
    kind, seen = KINDS["hours"], []
    prepare = daily.prepare
    monkeypatch.setattr(daily, "prepare", lambda values, *rest: seen.append(values) or prepare(values, *rest))
    ramps(monkeypatch, kind)
    batches, whole = kind.batches(np.random.default_rng(5), SIZE), set()
    for _ in range(30):
        sample, actual = next(batches)
        past = seen.pop()
        assert np.allclose(past[:, -1] + 1, actual[0] * sample.scale + sample.centre, atol=0.1)
        assert past.shape[1] == sample.inputs.shape[0] * daily.DAY
        whole.add(bool(np.isfinite(past[0, 0])))
    assert whole == {True, False}


def test_targets_of_prices(monkeypatch):
    """The return over h rows by √h, in units of today's volatility."""
    kind = KINDS["prices"]
    ramps(monkeypatch, kind)
    sample, actual = next(kind.batches(np.random.default_rng(6), SIZE))
    steps = np.arange(1, 21)
    assert np.allclose(actual * sample.scale, (0.01 * steps / np.sqrt(steps))[:, None], rtol=1e-3)


def test_prices_are_read_up_to_the_origin(monkeypatch):
    """The first target is the return after the last one that is read."""
    kind, seen, pools = KINDS["prices"], [], []
    prepare, generate = prices.prepare, windows.prices
    monkeypatch.setattr(
        prices, "prepare", lambda values, *rest: seen.append(values) or prepare(values, *rest)
    )
    monkeypatch.setattr(windows, "prices", lambda *all: pools.append(generate(*all)) or pools[-1])
    batches = kind.batches(np.random.default_rng(7), SIZE)
    for _ in range(10):
        sample, actual = next(batches)
        past = seen.pop()
        for row, first, scale in zip(past, actual[0], sample.scale, strict=True):
            (series,) = [s for s in pools[-1] if _place(s, row) is not None]
            end = _place(series, row) + len(row)
            assert first * scale == pytest.approx(series[end], rel=1e-3, abs=1e-6)


def _place(series, piece):
    """Where a piece begins in a series; None for nowhere."""
    found = np.flatnonzero(series[: len(series) - len(piece) + 1] == piece[0])
    return next((start for start in found if np.array_equal(series[start : start + len(piece)], piece)), None)


def test_sensors_that_show_nothing_are_left_out(monkeypatch):
    """A window needs a known value within its newest day; targets beyond all measure count for nothing."""
    kind = KINDS["hours"]

    def generate(rng, count, length):
        values = np.tile(np.sin(np.arange(length) / 4), (count, 1)).astype(np.float32)
        values[::2] = np.nan
        values[1::4, -kind.horizon :] = 1e7
        return values

    monkeypatch.setattr(windows, "sensors", generate)
    batches = kind.batches(np.random.default_rng(8), 32)
    missing = False
    for _ in range(20):
        sample, actual = next(batches)
        assert actual.shape[1] == 16
        assert not (np.abs(actual) > FAR).any()
        assert np.isfinite(sample.inputs).all()
        missing |= bool(np.isnan(actual).any())
    assert missing


def test_prices_that_never_move_are_left_out(monkeypatch):
    """A share that is not traded, or not yet, has no volatility to learn from."""
    kind = KINDS["prices"]

    def generate(rng, count, length):
        values = np.full((count, length), 0.01, np.float32)
        values[:8] = 0
        values[8:16] = np.nan
        return values

    monkeypatch.setattr(windows, "prices", generate)
    sample, actual = next(kind.batches(np.random.default_rng(9), 32))
    assert actual.shape[1] == 16
    assert np.isfinite(sample.inputs).all()


@each
def test_real_series_take_their_share(kind, monkeypatch):
    """Half of the pool are real series, in the length that was asked for."""
    asked = []

    def real(rng, count, length):
        asked.append((count, length))
        return np.tile(np.sin(np.arange(length) / 3), (count, 1)).astype(np.float32)

    next(kind.batches(np.random.default_rng(10), SIZE, real))
    ((count, length),) = asked
    assert count == 16
    assert length >= kind.steps * (kind.prior.season if isinstance(kind, Seasonal) else 5) + kind.horizon


@pytest.mark.parametrize("kind", [KINDS["season of 1"], KINDS["season of 4"]], ids=str)
def test_windows_before_a_real_series_teach_nothing(kind):
    """A real series may begin after the window: what follows cannot be known from nothing."""

    def real(rng, count, length):
        values = np.full((count, length), np.nan, np.float32)
        values[:, -kind.horizon - 2 :] = 1000
        return values

    batches, nothing = kind.batches(np.random.default_rng(11), SIZE, real), 0
    for _ in range(40):
        sample, actual = next(batches)
        assert np.isfinite(sample.inputs).all()
        season = kind.prior.season
        known = sample.inputs[-1, 2 * season : 3 * season] > 0
        blind = ~known.any(axis=0)
        assert np.isnan(actual[:, blind]).all()
        assert not (np.abs(actual) > 500).any()
        nothing += int(blind.sum())
    assert nothing > 20
