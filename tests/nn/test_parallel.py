"""Sharded batches: the same bytes for any number of workers, the right mean, errors that reach the caller."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from forecaster.config import NetworkConfig, TrainingConfig
from forecaster.errors import ForecasterError
from forecaster.nn.batch import Batch
from forecaster.nn.cells import CELLS
from forecaster.nn.compiled_layer import SWITCH, forms
from forecaster.nn.losses import make_loss
from forecaster.nn.network import Network
from forecaster.nn.parallel import COLUMNS, ShardedNetwork, shard_bounds

T, B, F, H, K = 5, 300, 3, 128, 4
LOSS = make_loss(TrainingConfig(loss="mse"))
SIDE = {"known": 6, "static": 2, "categories": (9,)}
"""Numbers that are read beside the steps, by a decoder of two segments."""


def make(cell="gru", hidden=H, dropout=0.25, dtype=np.float32, segment=None, side=False):
    sizes = {"inputs": F, "hidden": hidden, "layers": 2, "outputs": K, **(SIDE if side else {})}
    config = NetworkConfig(cell=cell, output_segment=segment, dropout=dropout, **sizes)
    network = Network(config, rng=np.random.default_rng(0), dtype=dtype)
    for name, value in network.parameters.items():
        if "static" in name or "known" in name:
            value += 0.1  # they begin at zero
    return network


def make_batch(side=False):
    rng = np.random.default_rng(1)
    inputs, targets = rng.standard_normal((T, F, B)), rng.standard_normal((K, B))
    mask, weights = rng.random((T, B)) > 0.2, rng.uniform(0.5, 2, (K, B))
    weights[rng.random((K, B)) < 0.2] = 0
    targets[weights == 0] = np.nan
    if not side:
        return Batch(inputs, targets, mask, weights)
    ahead, static = rng.standard_normal((2, SIDE["known"], B)), rng.standard_normal((SIDE["static"], B))
    return Batch(inputs, targets, mask, weights, ahead, static, rng.integers(10, size=(1, B)))


def gatherer(batch):
    def gather(start, stop):
        columns = {
            name: None if value is None else value[..., start:stop] for name, value in vars(batch).items()
        }
        return Batch(**columns)

    return gather


@pytest.mark.parametrize(
    ("segment", "side"), [(None, False), (3, False), (3, True)], ids=["direct", "segments", "side inputs"]
)
@pytest.mark.parametrize("cell", CELLS)
def test_any_number_of_workers_gives_the_same_bytes(cell, segment, side):
    """Loss, gradient and predictions keep every byte with 1, 2 and 4 workers."""
    results = set()
    gather = gatherer(make_batch(side))
    for workers in (1, 2, 4):
        network = make(cell, segment=segment, side=side)
        assert len(shard_bounds(network.config, B)) > 1
        with ShardedNetwork(network, workers=workers) as sharded:
            for _ in range(3):
                loss, gradient = sharded.loss_and_gradient(
                    gather, B, LOSS, rng=np.random.default_rng(2), unroll=3
                )
                results.add((loss, gradient.tobytes(), sharded.predict(gather, B).tobytes()))
    assert len(results) == 1


@pytest.mark.parametrize("side", [False, True], ids=["steps alone", "side inputs"])
@pytest.mark.parametrize("weighted", [True, False])
def test_mean_loss_and_gradient_of_the_whole_batch(weighted, side):
    """Shards together give the mean loss over the weights, and its gradient, as one run over all columns."""
    network = make(dropout=0, dtype=np.float64, segment=3 if side else None, side=side)
    batch = make_batch(side)
    if not weighted:
        batch = replace(batch, targets=np.nan_to_num(batch.targets), weights=None)
    outputs, cache = network.forward(batch.inputs, mask=batch.mask, side=batch.side)
    total, d_outputs = LOSS(outputs, batch.targets, batch.weights)
    weight = outputs.size if batch.weights is None else batch.weights.sum()
    with ShardedNetwork(network) as sharded:
        loss, gradient = sharded.loss_and_gradient(gatherer(batch), B, LOSS)
        predictions = sharded.predict(gatherer(batch), B)
    assert loss == pytest.approx(total / weight, rel=1e-12)
    wanted = network.backward(cache, d_outputs).flat / weight
    np.testing.assert_allclose(gradient, wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(predictions, outputs, rtol=1e-9)


def test_a_batch_without_weight_teaches_nothing():
    """If all weights are zero, loss and gradient are zero, not NaN."""
    batch = make_batch()
    empty = Batch(batch.inputs, np.full((K, B), np.nan), None, np.zeros((K, B)))
    with ShardedNetwork(make()) as sharded:
        loss, gradient = sharded.loss_and_gradient(gatherer(empty), B, LOSS)
    assert loss == 0
    assert not gradient.any()


def test_prediction_needs_no_targets_and_no_columns():
    """Prediction works on batches without targets, and on no series at all."""
    network = make()
    with ShardedNetwork(network) as sharded:
        assert sharded.predict(gatherer(Batch(make_batch().inputs)), B).shape == (K, B)
        assert sharded.predict(gatherer(Batch(make_batch().inputs)), 0).shape == (K, 0)


def test_learning_needs_targets():
    """A batch without targets is an error when learning."""
    with ShardedNetwork(make()) as sharded, pytest.raises(ForecasterError, match="needs targets"):
        sharded.loss_and_gradient(gatherer(Batch(make_batch().inputs)), B, LOSS)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_worker_reaches_the_caller(workers):
    """An error in `gather` is raised in the caller's thread."""

    def gather(start, stop):
        raise KeyError("no such window")

    with ShardedNetwork(make(), workers=workers) as sharded, pytest.raises(KeyError, match="no such window"):
        sharded.loss_and_gradient(gather, B, LOSS)


def test_it_works_inside_its_block_only():
    """Outside the `with` block there are no threads, which is an error."""
    sharded = ShardedNetwork(make())
    for _ in range(2):
        with pytest.raises(ForecasterError, match="inside its `with` block"):
            sharded.predict(gatherer(make_batch()), B)
        with sharded:
            sharded.predict(gatherer(make_batch()), B)


def test_blas_has_one_thread_inside_and_gets_its_threads_back():
    """BLAS uses one thread inside the block and all its threads after it."""

    def threads():
        return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]

    before = threads()
    with ShardedNetwork(make()):
        assert set(threads()) == {1}
    assert threads() == before


@given(
    size=st.integers(1, 5000),
    hidden=st.integers(1, 512),
    cell=st.sampled_from(list(CELLS)),
)
def test_shards_cover_the_batch_once(size, hidden, cell):
    """Shards follow each other, cover all columns, and differ in width by a panel's columns at most."""
    bounds = shard_bounds(NetworkConfig(cell=cell, hidden=hidden), size)
    assert bounds[0][0] == 0
    assert bounds[-1][1] == size
    assert all(a[1] == b[0] for a, b in itertools.pairwise(bounds))
    widths = [stop - start for start, stop in bounds]
    assert min(widths) > 0
    assert all(start % COLUMNS == 0 for start, _ in bounds)
    assert max(widths) - min(widths) < 2 * COLUMNS


@pytest.mark.parametrize("kernels", ["numpy", "compiled"])
def test_small_batches_stay_whole(kernels, monkeypatch):
    """A batch too small to gain by threads is one shard."""
    if kernels == "compiled" and not forms():
        pytest.skip("there are no compiled kernels here")
    monkeypatch.setenv(SWITCH, kernels)
    assert len(shard_bounds(NetworkConfig(hidden=16), 32)) == 1
    assert len(shard_bounds(NetworkConfig(hidden=128), 256)) > 1
