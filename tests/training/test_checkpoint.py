"""Checkpoints: a training killed at any of them ends with the same bytes as one that nothing disturbed."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from panels import panel_of, wavy

from forecaster.config import Options
from forecaster.errors import StorageError
from forecaster.pipeline.train import train
from forecaster.training import checkpoint as module
from forecaster.training import ensemble, worker_processes
from forecaster.training.checkpoint import Checkpoint, checkpoint_file
from forecaster.training.plan import plan, split

HORIZON = 3
OPTIONS = Options(
    horizon=HORIZON, hidden=6, steps=20, batch=16, members=2, workers=1, dropout=0.1, pretrained=False
)


@pytest.fixture(scope="module")
def table():
    """One series of 50 days."""
    values = wavy(np.random.default_rng(0), 50)
    return pd.DataFrame({"day": pd.date_range("2024-01-01", periods=50), "y": values})


@pytest.fixture(autouse=True)
def _all_the_time(monkeypatch):
    """A checkpoint at every event."""
    monkeypatch.setenv("FORECAST_CHECKPOINT_SECONDS", "0")


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """The bytes of every checkpoint written, in order."""
    contents = []
    original = module.atomic_write

    def write(path, fill):
        original(path, fill)
        contents.append(path.read_bytes())

    monkeypatch.setattr(module, "atomic_write", write)
    return contents


def run(table, folder, options, *, left=None, resume=True):
    """The bytes of the model trained beside a checkpoint with the content `left`, and what was said."""
    path = checkpoint_file(folder / "x.model")
    path.unlink(missing_ok=True)
    if left is not None:
        path.write_bytes(left)
    said = []
    result = train(table, options, checkpoint=Checkpoint(path, said.append, resume=resume))
    result.model.save(folder / "x.model")
    return (folder / "x.model").read_bytes(), said


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("validated", [True, False])
def test_a_run_killed_at_any_checkpoint_ends_with_the_same_bytes(table, kept, tmp_path, seed, validated):
    """From every checkpoint, a second run goes on to the model of a run that nothing disturbed."""
    options = dataclasses.replace(OPTIONS, seed=seed)
    table = table if validated else table.iloc[:8]
    whole, said = run(table, tmp_path, options)
    assert not said
    checkpoints = list(kept)
    assert len(checkpoints) >= 4  # two of each network and stage
    for content in checkpoints:
        kept.clear()
        again, said = run(table, tmp_path, options, left=content)
        assert again == whole
        assert said == ["going on where an interrupted training of the same data and settings stopped"]
        assert len(kept) == len(checkpoints) - checkpoints.index(content) - 1  # nothing is trained twice


@pytest.mark.parametrize("seed", range(3))
def test_members_in_parallel_go_on_too(kept, tmp_path, seed, monkeypatch):
    """From every checkpoint of worker processes, networks end with the same bytes as without a kill."""
    monkeypatch.setattr(worker_processes, "LEAST_STEPS", 1)
    panel = panel_of(wavy(np.random.default_rng(seed), 60), seasons=(7,))
    options = dataclasses.replace(OPTIONS, seed=seed, workers=2)
    parts = split(panel.lengths, HORIZON)
    configs = plan(panel, parts.train, HORIZON, options)

    def weights(left=None):
        path = tmp_path / "checkpoint"
        path.unlink(missing_ok=True)
        if left is not None:
            path.write_bytes(left)
        checkpoint = Checkpoint(path, lambda text: None)
        checkpoint.begin(panel, options)
        fitted = ensemble.fit(panel, parts, configs, options, None, checkpoint)
        return [(item.member.network.flat.tobytes(), item.outcome) for item in fitted]

    whole = weights()
    checkpoints = list(kept)
    assert len(checkpoints) == 4
    for content in checkpoints:
        kept.clear()
        assert weights(content) == whole
        assert len(kept) == len(checkpoints) - checkpoints.index(content) - 1  # nothing is trained twice


@pytest.mark.parametrize("changed", ["data", "settings", "versions of the program"])
def test_a_changed_training_starts_anew(table, kept, tmp_path, monkeypatch, changed):
    """Other data, settings or versions: it says so, and the model is that of a run without a checkpoint."""
    run(table, tmp_path, OPTIONS)
    left, options = kept[2], OPTIONS
    if changed == "data":
        table = table.assign(y=table["y"] + (table.index == 5))
    elif changed == "settings":
        options = dataclasses.replace(OPTIONS, rate=1e-3)
    else:
        monkeypatch.setattr(module, "version", lambda name: "0.0.0")
    fresh, _ = run(table, tmp_path, options)
    again, said = run(table, tmp_path, options, left=left)
    assert again == fresh
    assert said == [f"an interrupted training was not the same ({changed} differ): training starts anew"]


def test_another_number_of_cores_is_no_change(table, kept, tmp_path):
    """The number of workers never changes the result, so it may change in between."""
    whole, _ = run(table, tmp_path, OPTIONS)
    again, said = run(table, tmp_path, dataclasses.replace(OPTIONS, workers=3), left=kept[3])
    assert again == whole
    assert said[0].startswith("going on")


def test_a_damaged_checkpoint_is_refused(table, kept, tmp_path):
    """Cut off, with flipped bits or empty: it says so and starts anew."""
    whole, _ = run(table, tmp_path, OPTIONS)
    content = kept[3]
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    for damaged in (b"", content[:middle], flipped, b"{}" * 500):
        again, said = run(table, tmp_path, OPTIONS, left=damaged)
        assert again == whole
        assert len(said) == 1
        assert "cannot be used" in said[0]
        assert "training starts anew" in said[0]


def test_a_checkpoint_can_be_left_aside(table, kept, tmp_path):
    """`resume=False` starts anew without a word, and writes checkpoints of its own."""
    whole, _ = run(table, tmp_path, OPTIONS)
    count = len(kept)
    again, said = run(table, tmp_path, OPTIONS, left=kept[3], resume=False)
    assert (again, said, len(kept)) == (whole, [], 2 * count)


def test_a_checkpoint_that_cannot_be_written_is_no_error(table, tmp_path, monkeypatch):
    """On a full disk training goes on; it says so once."""

    def full(path, write):
        raise StorageError("'x' cannot be written: No space left on device")

    monkeypatch.setattr(module, "atomic_write", full)
    _, said = run(table, tmp_path, OPTIONS)
    assert said == ["training goes on without checkpoints: 'x' cannot be written: No space left on device"]


def test_a_short_training_writes_none(table, kept, tmp_path, monkeypatch):
    """The first checkpoint comes after some seconds."""
    monkeypatch.delenv("FORECAST_CHECKPOINT_SECONDS")
    run(table, tmp_path, OPTIONS)
    assert not kept


def test_a_slow_disk_gets_fewer(table, kept, tmp_path, monkeypatch):
    """Writing takes at most a hundredth of the time, after the first."""
    monkeypatch.setenv("FORECAST_CHECKPOINT_SECONDS", "1e-9")
    quick, clock = module.atomic_write, [0.0]

    def slow(path, fill):
        quick(path, fill)
        clock[0] += 1000.0

    def ticking():
        clock[0] += 1.0
        return clock[0]

    monkeypatch.setattr(module, "atomic_write", slow)
    monkeypatch.setattr(module.time, "monotonic", ticking)
    run(table, tmp_path, OPTIONS)
    assert len(kept) == 1


def test_infinite_moments_are_kept(tmp_path):
    """Arrays come back bit by bit, with what is not finite."""
    values = np.array([np.inf, -np.inf, np.nan, -0.0, 1e-45], np.float32)
    state = module.State({"smooth": float("nan")}, {"a": values, "step": np.array(3.0)})
    identity, states = module._decoded(module._encoded({"data": "x"}, {"train 0 ab": state}))
    assert identity == {"data": "x"}
    back = states["train 0 ab"]
    assert back.arrays["a"].tobytes() == values.tobytes()
    assert back.arrays["step"] == 3.0
    assert np.isnan(back.facts["smooth"])
