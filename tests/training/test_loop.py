"""Training against a loop written by hand; early stopping, the guard, interruption, and the same bytes."""

import dataclasses
import json
import math

import numpy as np
import pytest
from panels import panel_of, wavy, with_garbage

from forecaster.config import NetworkConfig, TrainingConfig
from forecaster.errors import DivergenceError
from forecaster.features.transform import fit_transform
from forecaster.features.windows import Windows, index_windows
from forecaster.nn.network import Network
from forecaster.training.loop import CONFIRM, EVENT_EVERY, RESCUES, Outcome, TrainingData, train

HORIZON, LOOKBACK, SEGMENT = 4, 12, 3
CONFIG = TrainingConfig(steps=40, batch=16, rate=5e-3, average=0.9, check_every=10, patience=0)


def make_network(*, hidden=8, layers=1, dropout=0.0, cell="gru", seed=1):
    config = NetworkConfig(
        cell=cell, inputs=SEGMENT, hidden=hidden, layers=layers, outputs=HORIZON, dropout=dropout
    )
    return Network(config, rng=np.random.default_rng(seed))


def make_data(panel=None, *, validate=False):
    """Three seasonal series; with `validate`, their last horizon is held out for early stopping."""
    if panel is None:
        rng = np.random.default_rng(0)
        panel = panel_of(*(wavy(rng, n, trend=0) for n in (60, 50, 40)))
    known = panel.lengths - (HORIZON if validate else 0)
    fitted = fit_transform(panel, known, log=False, seasons=(), horizon=HORIZON)
    windows = Windows(panel, fitted, lookback=LOOKBACK, segment=SEGMENT, horizon=HORIZON, gaps=False)
    data = TrainingData(windows, index_windows(known, LOOKBACK, HORIZON), known)
    if validate:
        held = (np.arange(len(panel)), known)
        data = dataclasses.replace(data, validation=held, validation_known=panel.lengths)
    return data


def spoiled(data, spoils):
    """`data` whose windows see NaN where `spoils(series, ends)` says so, which spoils loss and gradient."""
    windows = data.windows

    class Spoiled(Windows):
        def __init__(self):
            self.__dict__ |= windows.__dict__

        def inputs(self, series, origins):
            batch = super().inputs(series, origins)
            batch.inputs[..., spoils(series, origins)] = np.nan
            return batch

    return dataclasses.replace(data, windows=Spoiled())


def run(network, data, config=CONFIG, *, seed=5, **more):
    """Train to the end: (events, outcome)."""
    generator = train(network, data, config, rng=np.random.default_rng(seed), workers=1, **more)
    events = []
    while True:
        try:
            events.append(next(generator))
        except StopIteration as stop:
            return events, stop.value


def run_for(steps, network, data, config=CONFIG, *, seed=5):
    """Take the first `steps` of the schedule, up to an event, and keep the average of their weights."""
    rng = np.random.default_rng(seed)
    generator = train(network, data, config, rng=rng, workers=1, keep_on_interrupt=True)
    while (step := next(generator).step) < steps:
        continue
    assert step == steps
    with pytest.raises(StopIteration):
        generator.throw(KeyboardInterrupt)


def one_cycle(config, step):
    """The schedule of CONFIG, from its definition: up for 30 % of the steps, then down."""
    progress = step / (config.steps - 1)
    if progress < 0.3:
        start, end, part = 1 / 25, 1, progress / 0.3
    else:
        start, end, part = 1, 1e-4, (progress - 0.3) / 0.7
    return config.rate * (end + (start - end) * (1 + math.cos(math.pi * part)) / 2)


def hand_loop(network, data, config, *, steps, seed=5, unroll=None):
    """Adam on MAE with clipping, one-cycle rates, averaging and the guard, without any of the machinery.

    Returns the averaged weights, the losses, and how often it rolled back.
    """
    rng = np.random.default_rng(seed)
    weights = network.flat
    m, v, count = np.zeros_like(weights), np.zeros_like(weights), 0
    average, averaged, losses = weights.copy(), 0, []
    factor, rescues, healthy = 1.0, 0, 0
    good = weights.copy(), m.copy(), v.copy(), count
    for step in range(steps):
        series, origins = data.index.sample(config.batch, rng=rng)
        batch = data.windows.batch(series, origins, data.known)
        outputs, cache = network.forward(batch.inputs, mask=batch.mask, unroll=unroll)
        weighed = np.ones_like(batch.targets) if batch.weights is None else batch.weights
        error = np.where(weighed > 0, outputs - batch.targets, 0)
        total = weighed.sum()
        losses.append(np.abs(error).sum() / total)
        gradient = network.backward(cache, np.sign(error) * weighed / total).flat
        norm = math.sqrt((gradient.astype(float) ** 2).sum())
        if not (math.isfinite(losses[-1]) and math.isfinite(norm)):
            factor, rescues, healthy = factor / 2, rescues + 1, 0
            weights[:], m, v, count = good[0], good[1].copy(), good[2].copy(), good[3]
            continue
        if healthy % CONFIRM == 0:
            good = weights.copy(), m.copy(), v.copy(), count
        healthy += 1
        gradient *= min(1, config.clip / norm)
        m, v, count = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2, count + 1
        step_size = one_cycle(config, step) * factor / (1 - 0.9**count)
        weights -= step_size * m / (np.sqrt(v / (1 - 0.999**count)) + 1e-8)
        averaged += 1
        keep = min(config.average, (averaged - 1) / averaged)
        average = keep * average + (1 - keep) * weights
    return average, losses, rescues


@pytest.mark.parametrize("average", [0.9, 0.0])
def test_weights_are_those_of_a_loop_by_hand(average):
    """After 40 steps the weights are those that plain gradient descent by hand gives."""
    config = dataclasses.replace(CONFIG, average=average)
    by_hand, losses, _ = hand_loop(make_network(), make_data(), config, steps=40)
    network = make_network()
    before = network.flat.copy()
    events, outcome = run(network, make_data(), config)
    np.testing.assert_allclose(network.flat, by_hand, rtol=2e-3, atol=2e-5)
    assert np.abs(network.flat - before).max() > 0.01
    assert outcome.steps == 40
    assert outcome.validation is None
    smooth = losses[0]
    for loss in losses[1:10]:
        smooth = 0.9 * smooth + 0.1 * loss
    assert events[0].loss == pytest.approx(smooth, rel=1e-4)


def test_truncated_gradients_are_those_of_a_loop_by_hand():
    """With `unroll`, gradients flow back through that many segments only, which learns something else."""
    config = dataclasses.replace(CONFIG, unroll=2)
    by_hand, _, _ = hand_loop(make_network(), make_data(), config, steps=40, unroll=2)
    network, whole = make_network(), make_network()
    run(network, make_data(), config)
    run(whole, make_data())
    np.testing.assert_allclose(network.flat, by_hand, rtol=2e-3, atol=2e-5)
    assert np.abs(network.flat - whole.flat).max() > 1e-3


def test_the_loss_falls():
    """Training brings the loss of a learnable series well below that of the naive forecast."""
    network = make_network(hidden=16)
    config = dataclasses.replace(CONFIG, steps=300, rate=1e-2)
    events, _ = run(network, make_data(), config)
    assert events[-1].loss < 0.5 * events[0].loss


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "pinball"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_every_loss_and_optimizer_learns(loss, optimizer):
    """Each loss falls under each optimiser."""
    rate = 5e-3 if optimizer == "adam" else 5e-2
    config = dataclasses.replace(CONFIG, loss=loss, optimizer=optimizer, rate=rate, steps=150)
    events, _ = run(make_network(), make_data(), config)
    assert events[-1].loss < 0.9 * events[0].loss


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle", "step"])
def test_every_schedule_runs(schedule):
    """Events report the rate of the schedule."""
    config = dataclasses.replace(CONFIG, schedule=schedule)
    events, _ = run(make_network(), make_data(), config)
    assert 0 < events[-1].rate <= CONFIG.rate
    assert (events[-1].rate == CONFIG.rate) == (schedule == "constant")


def test_dropout_draws_from_the_generator():
    """Dropout changes what is learned, and the same seed drops the same units."""
    one, same, other, without = (make_network(dropout=p) for p in (0.3, 0.3, 0.3, 0.0))
    run(one, make_data())
    run(same, make_data())
    run(other, make_data(), seed=6)
    run(without, make_data())
    assert one.flat.tobytes() == same.flat.tobytes()
    assert one.flat.tobytes() != other.flat.tobytes()
    assert one.flat.tobytes() != without.flat.tobytes()


def test_weight_decay_shrinks():
    """Weights decay towards zero by rate times decay, a step."""
    config = dataclasses.replace(CONFIG, weight_decay=5.0)
    network, free = make_network(), make_network()
    run(network, make_data(), config)
    run(free, make_data())
    assert np.linalg.norm(network.flat) < 0.9 * np.linalg.norm(free.flat)


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_workers_never_change_a_byte(dropout):
    """One, two and four threads give the same weights, where the batch is worked on in several shards."""
    from forecaster.nn.parallel import shard_bounds

    config = dataclasses.replace(CONFIG, batch=600, steps=12)
    results = set()
    for workers in (1, 2, 4):
        network = make_network(hidden=32, dropout=dropout)
        assert len(shard_bounds(network.config, config.batch)) > 1
        list(
            train(
                network,
                make_data(validate=True),
                config,
                rng=np.random.default_rng(5),
                workers=workers,
            )
        )
        results.add(network.flat.tobytes())
    assert len(results) == 1


# --- validation -------------------------------------------------------------------------------------------


def confusing_data():
    """Data whose held-out part is unlike the rest, so that validation soon gets worse."""
    rng = np.random.default_rng(3)
    series = [wavy(rng, 60, trend=0) for _ in range(3)]
    for values in series:
        values[-HORIZON:] = values[-HORIZON - 1] + 0.1 * (values[-HORIZON - 1] - values[-HORIZON:])
    return make_data(panel_of(*series), validate=True)


def test_early_stopping_restores_the_best_weights():
    """Training stops after `patience` passes without progress, with the weights of the best pass."""
    config = dataclasses.replace(CONFIG, steps=600, patience=3, rate=2e-2)
    data = confusing_data()
    network = make_network()
    events, outcome = run(network, data, config)
    looks = [event for event in events if event.step % config.check_every == 0]
    best = min(looks, key=lambda event: event.validation)
    assert outcome.steps == best.step
    assert outcome.validation == best.validation == looks[-1].best
    assert looks[-1].step == best.step + 3 * config.check_every < config.steps
    again = make_network()
    without = dataclasses.replace(data, validation=None, validation_known=None)
    run_for(outcome.steps, again, without, config)
    assert network.flat.tobytes() == again.flat.tobytes()


def stops_at(looks, patience):
    """The pass that ends `patience` passes in a row without progress, and the number of all such passes."""
    waits, best, in_vain = 0, math.inf, 0
    for number, validation in enumerate(looks, 1):
        if validation < best:
            in_vain, waits, best = in_vain + waits, 0, validation
        else:
            waits += 1
        if waits == patience:
            return number, in_vain
    return None, in_vain


def test_passes_without_progress_are_counted_anew_after_progress():
    """Training stops at the first pass that ends `patience` passes in a row without progress."""
    data = make_data(validate=True)
    config = dataclasses.replace(
        CONFIG, steps=300, rate=4e-2, check_every=2, average=0.0, schedule="constant"
    )
    events, _ = run(make_network(), data, config)
    looks = [event.validation for event in events if event.step % 2 == 0]
    telling = [
        patience
        for patience in range(1, 40)
        if stops_at(looks, patience)[0] and stops_at(looks, patience)[1] >= patience
    ]
    for patience in telling[:3]:
        events, _ = run(make_network(), data, dataclasses.replace(config, patience=patience))
        assert events[-1].step == 2 * stops_at(looks, patience)[0]
    assert telling, "the example has no late progress"


def test_a_validation_loss_that_is_not_finite_is_no_best():
    """A validation pass after one that gave NaN can still be better."""
    looks = []

    def first_look(series, origins):
        looks.append(len(series) == 3)  # validation has three windows, training sixteen
        return np.full(len(series), looks[-1] and sum(looks) == 1)

    events, outcome = run(make_network(), spoiled(make_data(validate=True), first_look))
    assert events[0].validation == math.inf
    assert outcome.steps > CONFIG.check_every
    assert math.isfinite(outcome.validation)


def test_patience_zero_never_stops():
    """With patience 0 all steps are taken, and still the best weights are kept."""
    config = dataclasses.replace(CONFIG, steps=100, patience=0, rate=2e-2)
    events, outcome = run(make_network(), confusing_data(), config)
    assert events[-1].step == 100
    assert outcome.steps < 100


def test_validation_loss_is_the_mean_loss_of_its_windows():
    """The validation loss is that of the averaged weights on the held-out windows."""
    data = make_data(validate=True)
    network = make_network()
    _, outcome = run(network, data, dataclasses.replace(CONFIG, check_every=40))
    series, origins = data.validation
    batch = data.windows.batch(series, origins, data.validation_known)
    outputs = network.predict(batch.inputs, mask=batch.mask)
    assert batch.weights is None
    assert outcome.validation == pytest.approx(np.abs(outputs - batch.targets).mean(), rel=1e-5)


def test_validation_draws_nothing():
    """Validation does not change the trained weights."""
    one, other = make_network(), make_network()
    data = make_data(validate=True)
    often = dataclasses.replace(CONFIG, check_every=1)
    _, outcome = run(one, data, often)
    run_for(outcome.steps, other, dataclasses.replace(data, validation=None), often)
    assert one.flat.tobytes() == other.flat.tobytes()


def test_nothing_after_known_is_learned():
    """Garbage after the known rows changes no byte of the weights; nor after the validation's end."""
    rng = np.random.default_rng(0)
    panel = panel_of(*(wavy(rng, n) for n in (60, 50, 40)))
    validated, known = panel.lengths - 7, panel.lengths - 7 - HORIZON

    def weights(panel, *, validate):
        fitted = fit_transform(panel, known, log=False, seasons=(7,), horizon=HORIZON)
        windows = Windows(panel, fitted, lookback=LOOKBACK, segment=SEGMENT, horizon=HORIZON, gaps=False)
        data = TrainingData(windows, index_windows(known, LOOKBACK, HORIZON), known)
        if validate:
            held = (np.arange(3), known)
            data = dataclasses.replace(data, validation=held, validation_known=validated)
        network = make_network()
        _, outcome = run(network, data)
        return network.flat.tobytes(), outcome

    assert weights(panel, validate=False) == weights(with_garbage(panel, known), validate=False)
    assert weights(panel, validate=True) == weights(with_garbage(panel, validated), validate=True)
    assert weights(panel, validate=True) != weights(with_garbage(panel, known, garbage=[5.0]), validate=True)


# --- the guard ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spoiled_steps", [{2, 3}, {1, 30, 39}, {36}, {26, 27}])
def test_the_guard_rolls_back_and_lowers_the_rate(spoiled_steps):
    """After a loss that is not finite, weights and optimiser go back and the rate is halved, as by hand."""

    def data():
        steps = iter(range(1, 41))
        return spoiled(
            make_data(), lambda series, origins: np.full(len(series), next(steps) in spoiled_steps)
        )

    by_hand, _, rescues = hand_loop(make_network(), data(), CONFIG, steps=40)
    assert rescues == len(spoiled_steps)
    network = make_network()
    events, outcome = run(network, data())
    assert outcome.rescues == rescues
    np.testing.assert_allclose(network.flat, by_hand, rtol=2e-3, atol=2e-5)
    assert events[-1].rate == pytest.approx(one_cycle(CONFIG, 39) / 2**rescues)


def test_divergence_is_an_error():
    """A loss that stays non-finite ends in DivergenceError, after RESCUES rollbacks and no change."""
    network = make_network()
    start = network.flat.copy()
    steps = []

    def always(series, origins):
        steps.append(1)
        return np.full(len(series), True)

    with pytest.raises(DivergenceError, match=f"{RESCUES} times") as caught:
        run(network, spoiled(make_data(), always))
    assert len(steps) == RESCUES + 1
    assert "--rate" in caught.value.hint
    assert network.flat.tobytes() == start.tobytes()


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_an_absurd_rate_is_a_divergence_and_no_warning(optimizer):
    """The guard handles overflow: it rescues the run or raises an error."""
    config = dataclasses.replace(
        CONFIG, rate=1e25, loss="mse", optimizer=optimizer, clip=0.0, schedule="constant", steps=200
    )
    network = make_network(cell="rnn")
    with pytest.raises(DivergenceError):
        run(network, make_data(validate=True), config)


# --- interruption ------------------------------------------------------------------------------------------


def start(network, data, *, keep, looks):
    """A training that has yielded `looks` events."""
    generator = train(network, data, CONFIG, rng=np.random.default_rng(5), workers=1, keep_on_interrupt=keep)
    events = [next(generator) for _ in range(looks)]
    return generator, events


def test_interruption_is_passed_on():
    """Ctrl-C ends training with KeyboardInterrupt unless asked otherwise."""
    generator, _ = start(make_network(), make_data(validate=True), keep=False, looks=2)
    with pytest.raises(KeyboardInterrupt):
        generator.throw(KeyboardInterrupt)


def test_interruption_keeps_the_best_weights_if_asked():
    """With keep_on_interrupt the best weights so far stay, and the outcome says it was interrupted."""
    network, again = make_network(), make_network()
    data = make_data(validate=True)
    generator, events = start(network, data, keep=True, looks=2)
    with pytest.raises(StopIteration) as stopped:
        generator.throw(KeyboardInterrupt)
    outcome = stopped.value.value
    assert outcome.interrupted
    assert outcome.validation == events[-1].best
    run_for(outcome.steps, again, dataclasses.replace(data, validation=None))
    assert network.flat.tobytes() == again.flat.tobytes()


def test_interruption_without_validation_keeps_the_average():
    """Without a validation pass, the average of the steps taken is kept, and the steps are counted."""
    network, again = make_network(), make_network()
    generator, events = start(network, make_data(), keep=True, looks=1)
    with pytest.raises(StopIteration) as stopped:
        generator.throw(KeyboardInterrupt)
    assert stopped.value.value.interrupted
    assert stopped.value.value.steps == events[-1].step == EVENT_EVERY
    run_for(EVENT_EVERY, again, make_data())
    assert network.flat.tobytes() == again.flat.tobytes()


# --- events -----------------------------------------------------------------------------------------------


def test_events_tell_where_training_is():
    """An event every EVENT_EVERY steps and at every validation pass, the last one at the end."""
    config = dataclasses.replace(CONFIG, steps=37, check_every=8)
    events, _ = run(make_network(), make_data(validate=True), config, label=("refit", 1, 3))
    expected = sorted({*range(EVENT_EVERY, 38, EVENT_EVERY), *range(8, 38, 8), 37})
    assert [event.step for event in events] == expected
    assert {(event.stage, event.member, event.members, event.steps) for event in events} == {
        ("refit", 1, 3, 37)
    }
    assert events[0].validation is not None
    assert all(event.best <= event.validation for event in events)
    assert all(event.windows_per_second > 0 and event.seconds > 0 for event in events)
    assert [event.last for event in events] == [False] * (len(events) - 1) + [True]


def test_training_lets_go_of_its_workspaces():
    """A trained network keeps its weights, not the memory of its steps."""
    network = make_network()
    run(network, make_data(validate=True))
    assert not network.workspaces.idle
    assert network.predict(np.zeros((4, SEGMENT, 16), np.float32)).shape == (HORIZON, 16)


# --- going on ---------------------------------------------------------------------------------------------


def states_of(network, data, config, seed):
    """The states of an undisturbed training, and the result in the last one."""
    events, outcome = run(network, data, config, seed=seed, state_every=0.0)
    states = [event.state for event in events]
    weights, last = states[-1].result
    assert weights.tobytes() == network.flat.tobytes()
    assert last == outcome
    return states[:-1], outcome


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("optimizer", "dropout"), [("adam", 0.0), ("adam", 0.2), ("sgd", 0.0)])
def test_training_goes_on_from_any_state_to_the_same_bytes(seed, optimizer, dropout):
    """Weights, outcome and events are those of a training that was never interrupted."""
    config = dataclasses.replace(CONFIG, optimizer=optimizer, steps=90, patience=2, rate=2e-2)
    network, data = make_network(dropout=dropout), make_data(validate=True)
    states, outcome = states_of(network, data, config, seed)
    assert len(states) > 3
    events, _ = run(make_network(dropout=dropout), data, config, seed=seed)
    for number, state in enumerate(states, 1):
        assert state.result is None
        other = make_network(dropout=dropout, seed=9)
        rest, again = run(other, data, config, seed=99, state=state)
        assert other.flat.tobytes() == network.flat.tobytes()
        assert again == outcome
        assert [(event.step, event.loss, event.best) for event in rest] == [
            (event.step, event.loss, event.best) for event in events[number:]
        ]


def test_the_guard_goes_on_too():
    """After a state, a roll back goes to the same weights and the same rate as without one."""

    def data(first):
        steps = iter(range(first, 41))
        return spoiled(make_data(), lambda series, origins: np.full(len(series), next(steps) in {3, 36}))

    network = make_network()
    states, outcome = states_of(network, data(1), CONFIG, 5)
    assert outcome.rescues == 2
    for number, state in enumerate(states, 1):
        other = make_network(seed=9)
        assert run(other, data(1 + EVENT_EVERY * number), CONFIG, seed=99, state=state)[1] == outcome
        assert other.flat.tobytes() == network.flat.tobytes()


def test_the_curve_has_every_validation_pass():
    """The outcome has step and loss of each pass, its least is the validation loss, and JSON keeps it."""
    events, outcome = run(make_network(), make_data(validate=True))
    assert outcome.curve == tuple((e.step, e.validation) for e in events if e.step % CONFIG.check_every == 0)
    assert min(loss for _, loss in outcome.curve) == outcome.validation
    assert Outcome.of(json.loads(json.dumps(dataclasses.asdict(outcome)))) == outcome


def test_states_come_only_where_they_are_asked_for():
    """Without `state_every` no event has a state; with a long time between them, only the last one has."""
    events, _ = run(make_network(), make_data())
    assert not any(event.state for event in events)
    events, _ = run(make_network(), make_data(), state_every=3600.0)
    assert [event.state is not None for event in events] == [False] * 3 + [True]
