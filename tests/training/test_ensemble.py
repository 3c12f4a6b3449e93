"""Fitting members: what they learn from, where they are validated, and how an interruption ends."""

import dataclasses

import numpy as np
import pytest
from panels import panel_of, wavy, with_garbage

from forecaster.config import Options
from forecaster.features.transform import fit_scaled
from forecaster.features.windows import Windows
from forecaster.nn.network import Network
from forecaster.training import ensemble
from forecaster.training.member import VALIDATION_WINDOWS, validation_windows
from forecaster.training.plan import Split, plan, split

HORIZON = 3
OPTIONS = Options(horizon=HORIZON, hidden=6, steps=20, batch=16, members=2, workers=1)


@pytest.fixture(scope="module")
def panel():
    """Three series, the last too short to hold anything out."""
    rng = np.random.default_rng(0)
    return panel_of(wavy(rng, 90), wavy(rng, 60), [3.0, 4.0, 5.0], seasons=(7,))


@pytest.fixture(scope="module")
def parts(panel):
    return split(panel.lengths - 5, HORIZON)


@pytest.fixture(scope="module")
def configs(panel, parts):
    return plan(panel, parts.train, HORIZON, OPTIONS)


def weights(fitted):
    """The weights of every member, to the byte."""
    return [item.member.network.flat.tobytes() for item in fitted]


def test_validation_windows_are_those_of_a_loop():
    """Every origin whose targets lie in the validation part, and no other."""
    parts = Split(np.array([50, 0, 30, 21]), np.array([60, 9, 33, 24]))
    held = np.array([0, 2, 3])
    series, origins = validation_windows(parts, held, 3, np.random.default_rng(0))
    expected = [
        (s, end)
        for s in held
        for end in range(parts.train[s], parts.validation[s])
        if end + 3 <= parts.validation[s]
    ]
    assert list(zip(series, origins, strict=True)) == expected


def test_a_horizon_longer_than_the_validation_part_gives_one_window():
    """Where not a whole horizon is held out, the origin is the end of training."""
    parts = Split(np.array([10]), np.array([12]))
    series, origins = validation_windows(parts, np.array([0]), 5, np.random.default_rng(0))
    assert (series.tolist(), origins.tolist()) == ([0], [10])


def test_validation_windows_are_drawn_where_there_are_many():
    """Of very many windows a fixed number is drawn, the same for the same seed, in order."""
    parts = Split(np.full(100, 500), np.full(100, 600))
    drawn = [validation_windows(parts, np.arange(100), 7, np.random.default_rng(3)) for _ in range(2)]
    series, origins = drawn[0]
    assert len(series) == VALIDATION_WINDOWS == len(set(zip(series.tolist(), origins.tolist(), strict=True)))
    assert (np.diff(series) >= 0).all()
    assert origins.min() >= 500
    assert origins.max() + 7 <= 600
    assert len(set(series.tolist())) > 90
    np.testing.assert_array_equal(drawn[0], drawn[1])


def test_the_validation_loss_is_that_of_the_network(panel, parts, configs):
    """The outcome's validation loss is the mean loss of the network on the validation windows."""
    for item in ensemble.fit(panel, parts, configs, OPTIONS, None):
        config = item.member.config
        fitted = fit_scaled(
            panel,
            parts.train,
            scales=config.scales,
            log=config.log,
            seasons=config.seasons,
            horizon=HORIZON,
        )
        windows = Windows(
            panel,
            fitted,
            lookback=config.lookback,
            segment=config.segment,
            horizon=HORIZON,
            gaps=config.gaps,
            phases=config.phases,
            level_rows=config.level_rows,
        )
        series, origins = validation_windows(parts, parts.series, HORIZON, np.random.default_rng(0))
        batch = windows.batch(series, origins, parts.validation)
        error = np.abs(item.member.network.predict(batch.inputs, mask=batch.mask) - batch.targets)
        assert item.outcome.validation == pytest.approx(error.mean(), rel=1e-4)


@pytest.mark.parametrize("seed", range(2))
def test_rows_after_validation_are_never_read(panel, parts, configs, seed):
    """Garbage after the validation part changes no byte of any member."""
    garbage = with_garbage(panel, parts.validation, seed=seed)
    one, other = (ensemble.fit(each, parts, configs, OPTIONS, None) for each in (panel, garbage))
    assert weights(one) == weights(other)
    assert [item.outcome for item in one] == [item.outcome for item in other]


@pytest.fixture
def validated(panel, parts, configs):
    """Two members of which validation has chosen 7 and 20 steps."""
    return [
        dataclasses.replace(item, outcome=dataclasses.replace(item.outcome, steps=steps, rescues=1))
        for steps, item in zip((7, 20), ensemble.fit(panel, parts, configs, OPTIONS, None), strict=True)
    ]


@pytest.fixture(params=[True, False], ids=["further", "again"])
def further(request, monkeypatch):
    """Whether the three series count as many."""
    monkeypatch.setattr(ensemble, "MANY_SERIES", 3 if request.param else 4)
    return request.param


def test_refit_keeps_what_validation_found(panel, validated, further):
    """As many steps as validation chose; where there are many series, 0.3 more for each, rounded up.

    Configurations and validation losses stay.
    """
    last = {}
    again = ensemble.refit(
        panel, panel.lengths, validated, OPTIONS, lambda event: last.update({event.member: event})
    )
    taken = [3, 6] if further else [7, 20]
    assert [(event.step, event.steps, event.last) for event in last.values()] == [(n, n, True) for n in taken]
    assert [item.outcome.steps for item in again] == ([10, 26] if further else [7, 20])
    assert [item.outcome.rescues for item in again] == [int(further)] * 2
    assert [item.outcome.validation for item in again] == [item.outcome.validation for item in validated]
    assert [item.member.config for item in again] == [item.member.config for item in validated]


def test_refit_learns_from_all_known_rows(panel, validated, further):
    """The refit sees all known rows, those of short series too."""
    again = ensemble.refit(panel, panel.lengths, validated, OPTIONS, None)
    for row in (-1, panel.offsets[1] - 1, panel.offsets[2] + 1):
        values = panel.values.copy()
        values[row] *= 1.3
        changed = ensemble.refit(
            dataclasses.replace(panel, values=values), panel.lengths, validated, OPTIONS, None
        )
        assert weights(changed) != weights(again)


def test_a_refit_goes_on_from_the_weights_where_series_are_many(panel, validated, further):
    """With a rate of next to nothing the weights stay what they were; a restart has the drawn ones.

    What validation chose is left as it is.
    """
    for item in validated:
        training = dataclasses.replace(item.member.config.training, rate=1e-12)
        config = dataclasses.replace(item.member.config, training=training)
        before = item.member.network.flat.copy()
        still = dataclasses.replace(item, member=dataclasses.replace(item.member, config=config))
        (after,) = ensemble.refit(panel, panel.lengths, [still], OPTIONS, None)
        drawn = Network(config.network, rng=np.random.default_rng(config.seed).spawn(2)[0]).flat
        np.testing.assert_allclose(after.member.network.flat, before if further else drawn, atol=1e-6)
        (after,) = ensemble.refit(panel, panel.lengths, [item], OPTIONS, None)
        assert np.abs(after.member.network.flat - before).max() > 1e-4
        assert item.member.network.flat.tobytes() == before.tobytes()


def test_members_are_the_same_in_any_company(panel, parts, configs):
    """A member depends on its configuration and seed alone, not on who was trained before it."""
    both = ensemble.fit(panel, parts, configs, OPTIONS, None)
    second = ensemble.fit(panel, parts, configs[1:], OPTIONS, None)
    assert weights(both)[1:] == weights(second)
    other_seed = dataclasses.replace(configs[1], seed=99)
    assert weights(ensemble.fit(panel, parts, [other_seed], OPTIONS, None)) != weights(second)


def interrupt_at(stage, member):
    """A listener that raises KeyboardInterrupt at the first event of `member` in `stage`."""

    def listen(event):
        if (event.stage, event.member) == (stage, member):
            raise KeyboardInterrupt

    return listen


def test_an_interrupted_fit_leaves_out_the_members_after(panel, parts, configs):
    """Members finished before Ctrl-C are kept, the current one as far as it came, later ones not at all."""
    keep = dataclasses.replace(OPTIONS, keep_on_interrupt=True)
    whole = ensemble.fit(panel, parts, configs, keep, None)
    cut = ensemble.fit(panel, parts, configs, keep, interrupt_at("train", 1))
    assert [item.outcome.interrupted for item in cut] == [False, True]
    assert weights(cut)[0] == weights(whole)[0]
    first = ensemble.fit(panel, parts, configs, keep, interrupt_at("train", 0))
    assert [item.outcome.interrupted for item in first] == [True]


@pytest.mark.parametrize("member", [0, 1])
def test_an_interrupted_refit_keeps_what_validation_chose(panel, parts, configs, member):
    """Members not refitted because of Ctrl-C keep the weights that validation chose."""
    keep = dataclasses.replace(OPTIONS, keep_on_interrupt=True)
    first = ensemble.fit(panel, parts, configs, keep, None)
    again = ensemble.refit(panel, panel.lengths, first, keep, None)
    cut = ensemble.refit(panel, panel.lengths, first, keep, interrupt_at("refit", member))
    assert [item.outcome.interrupted for item in cut] == [number == member for number in range(2)]
    assert weights(cut) == weights(again)[:member] + weights(first)[member:]


def test_without_asking_an_interruption_is_passed_on(panel, parts, configs):
    """Ctrl-C in the listener ends everything."""
    with pytest.raises(KeyboardInterrupt):
        ensemble.fit(panel, parts, configs, OPTIONS, interrupt_at("train", 1))


def test_other_errors_of_a_listener_pass_through(panel, parts, configs):
    """An error in the listener is the caller's own."""

    def listen(event):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ensemble.fit(panel, parts, configs, OPTIONS, listen)
