"""Update: honest on held-out rows, nothing done without new ones, the old model where it is better."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from panels import wavy

from forecaster.config import Options, ReadConfig
from forecaster.errors import DataError, ModelError, UsageError
from forecaster.evaluation.backtest import held_out
from forecaster.model.model import Model, hashes
from forecaster.pipeline.predict import predict
from forecaster.pipeline.train import train
from forecaster.pipeline.update import update
from forecaster.training import update as training_update
from forecaster.training.update import Part, new_rows

HORIZON = 4
TINY = Options(horizon=HORIZON, hidden=8, steps=25, members=2, batch=32, workers=1, pretrained=False)
OLD = 90


def series(name, seed, rows=120, start=0):
    """The rows of a daily series from number `start` on."""
    values = wavy(np.random.default_rng(seed), 140)[start:rows]
    days = pd.date_range("2024-01-01", periods=rows)[start:]
    return pd.DataFrame({"id": name, "ds": days, "y": values})


@pytest.fixture(scope="module")
def table():
    """Two daily series of 120 rows."""
    return pd.concat([series("a", 0), series("b", 1)], ignore_index=True)


def cut(table, rows):
    """The first `rows` days."""
    return table[table["ds"] < pd.Timestamp("2024-01-01") + pd.Timedelta(days=rows)].reset_index(drop=True)


@pytest.fixture(scope="module")
def model(table):
    """Trained on 90 of them."""
    return train(cut(table, OLD), TINY).model


@pytest.fixture(scope="module")
def updated(model, table):
    return update(model, table)


def file_of(model, folder):
    model.save(folder / "x.model")
    return (folder / "x.model").read_bytes()


def accepted(model, table, monkeypatch):
    """The updated model, whatever the errors are."""
    monkeypatch.setattr("forecaster.pipeline.update._worse", lambda *given: False)
    return update(model, table)


def test_nothing_new_is_nothing_done(model, table, tmp_path):
    """The same rows again, or fewer: the model itself comes back, and nothing is trained."""
    for rows in (OLD, OLD - 10):
        events = []
        result = update(model, cut(table, rows), on_event=events.append)
        assert (result.outcome, result.rows, result.report) == ("nothing new", 0, None)
        assert result.model is model
        assert not events


def test_updating_twice_changes_nothing(model, table, tmp_path, monkeypatch):
    """What an update has learned is not new to the next one; the model comes back from its file as it is."""
    once = accepted(model, table, monkeypatch)
    assert (once.outcome, once.rows) == ("updated", 60)
    content = file_of(once.model, tmp_path)
    again = update(Model.load(tmp_path / "x.model"), table)
    assert again.outcome == "nothing new"
    assert file_of(again.model, tmp_path) == content


def test_an_update_is_repeatable(model, table, tmp_path, monkeypatch):
    """The same model and rows give the same bytes, with any number of workers and from the file too."""
    content = file_of(accepted(model, table, monkeypatch).model, tmp_path)
    file_of(model, tmp_path)
    loaded = Model.load(tmp_path / "x.model")
    monkeypatch.setattr("forecaster.training.worker_processes.LEAST_STEPS", 1)
    assert file_of(update(loaded, table, workers=2).model, tmp_path) == content


def test_both_models_are_reported_on_rows_that_neither_has_seen(model, table, monkeypatch):
    """The report has both, on the newest rows; the old one's errors are those of its forecasts from there."""
    result = accepted(model, table, monkeypatch)
    report = result.report
    assert report.methods[:2] == ("model", "model before")
    assert report.end == "2024-04-29"
    rows = new_rows(result.loaded.panel, np.array([OLD, OLD]), HORIZON)
    assert report.origins == len(rows.tested)
    errors = []
    for origin in rows.tested[:, 0]:
        frame = predict(model, cut(table, origin)).to_frame().merge(table, on=["id", "ds"])
        errors.append((frame["y"] - frame["forecast"]).abs().groupby(frame["id"]).mean().to_numpy())
    assert report.value("model before", "mae") == pytest.approx(np.mean(errors), rel=1e-6)
    assert result.model.facts.report["overall"]["model before"]["mae"] == report.value("model before", "mae")


@pytest.mark.parametrize("first", [105, 116])
def test_what_is_held_out_changes_no_forecast_of_it(model, table, first, monkeypatch):
    """Whatever the held-out rows hold, networks learn nothing of them, nor a blend of its own targets."""
    seen = []
    original = training_update.try_new_rows

    def trying(*given):
        seen.append(original(*given))
        return seen[-1]

    monkeypatch.setattr("forecaster.pipeline.update.try_new_rows", trying)
    garbage = table.copy()
    late = garbage["ds"] >= pd.Timestamp("2024-01-01") + pd.Timedelta(days=first)
    garbage.loc[late, "y"] = np.random.default_rng(first).uniform(-1e3, 1e3, late.sum())
    for each in (table, garbage):
        update(model, each)
    clean, dirty = seen
    assert len(clean.new) == 5
    number = 0 if first == 105 else -1  # the first origin of those held out, or the last: all before is alike
    assert clean.old[number].tobytes() == dirty.old[number].tobytes()
    for part, points in clean.new.items():
        alike = points[number].tobytes() == dirty.new[part][number].tobytes()
        assert alike or (first == 105 and part.blend)  # a blend may know of targets of other origins
    assert any(points[number].tobytes() != clean.old[number].tobytes() for points in clean.new.values())


def test_a_worse_model_is_not_taken(model, table, monkeypatch):
    """Where the updated model is worse on the held-out rows, the old one stays, with the report of both."""
    original = training_update.try_new_rows

    def spoiled(*given):
        trial = original(*given)
        return dataclasses.replace(trial, new={part: new + 50.0 for part, new in trial.new.items()})

    monkeypatch.setattr("forecaster.pipeline.update.try_new_rows", spoiled)
    result = update(model, table)
    assert result.outcome == "kept"
    assert result.model is model
    metric, new, old = result.errors
    assert new > old
    assert result.to_json()["errors"] == {"metric": metric, "updated": new, "before": old}


def with_errors(monkeypatch, of_part):
    """Let each part forecast with `of_part(part)` (V, 1, 1) times the errors of the old model."""
    original = training_update.try_new_rows

    def trying(model, panel, rows, *given):
        trial = original(model, panel, rows, *given)
        actual = held_out(panel, rows.tested, model.horizon)
        count = (len(rows.tested), 1, 1)
        new = {part: actual + np.resize(of_part(part), count) * (trial.old - actual) for part in trial.new}
        return dataclasses.replace(trial, new=new)

    monkeypatch.setattr("forecaster.pipeline.update.try_new_rows", trying)


@pytest.mark.parametrize(
    "best", [Part(True, 1.0), Part(True, 0.5), Part(True, 0.0), Part(False, 1.0), Part(False, 0.5)]
)
def test_what_is_better_on_held_out_rows_is_taken(model, table, best, monkeypatch):
    """All of the model, unless that is worse; then the best part: only networks, or blend, or half of it."""
    with_errors(monkeypatch, lambda part: 0.9 if part == best else 1.5)
    result = update(model, table)
    assert result.outcome == "updated"
    assert result.errors[1] == pytest.approx(0.9 * result.errors[2])
    old, new = (each.members[0].network.flat.tobytes() for each in (model, result.model))
    assert (old != new) == best.networks
    assert (result.model.blend != model.blend) == (best.blend > 0)
    assert sum(result.model.blend.weights.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("factors", "outcome"),
    [
        ([1.009], "updated"),
        ([1.02], "kept"),
        ([1.0, 1.0, 1.0, 1.0, 1.0, 3.0], "updated"),
        ([1.3, 1.2], "kept"),
    ],
)
def test_what_counts_as_worse(model, table, factors, outcome, monkeypatch):
    """More than 1 %, unless it is as different from window to window as chance would have it."""
    with_errors(monkeypatch, lambda part: np.array(factors))
    one = table[table["id"] == "a"]
    result = update(model, one)
    assert result.report.origins >= 6
    assert result.errors[1] > result.errors[2]
    assert result.outcome == outcome


def test_an_updated_model_has_learned_the_new_rows(model, table, monkeypatch):
    """Networks, blend weights, sizes of errors, memory and facts follow the new rows; configurations stay."""
    result = accepted(model, table, monkeypatch)
    new = result.model
    for before, after in zip(model.members, new.members, strict=True):
        assert after.config == before.config
        assert 1e-5 < np.abs(after.network.flat - before.network.flat).max() < 1.0
    assert new.facts.rows == 240
    assert new.facts.last == result.loaded.panel.time.max()
    assert new.facts.training["updates"] == 1
    assert new.facts.training["steps"] == model.facts.training["steps"]
    assert not np.array_equal(new.distribution.ratios, model.distribution.ratios)
    assert new.held.times.max() > model.held.times.max()
    assert set(new.held.forecasts) == set(model.held.forecasts)
    shifted = table.copy()
    newest = shifted["ds"] >= pd.Timestamp("2024-04-28")
    shifted.loc[newest, "y"] += 0.5
    other = accepted(model, shifted, monkeypatch).model
    assert other.members[0].network.flat.tobytes() != new.members[0].network.flat.tobytes()


def test_the_memory_does_not_grow_for_ever(model, table, monkeypatch):
    """Of each update's origins and those before, the newest are kept; a second update goes on from there."""
    monkeypatch.setattr(training_update, "VALIDATED", 3)
    new = model
    for rows in (100, 110, 120):
        result = accepted(new, cut(table, rows), monkeypatch)
        new = result.model
        assert result.outcome == "updated"
        assert len(np.unique(new.held.blocks)) <= 4
        assert (np.diff(new.held.blocks) >= 0).all()


def test_series_come_and_go(model, table, monkeypatch):
    """A new series is learned and has forecasts; one that is gone is named by number; both are said."""
    changed = pd.concat([table[table["id"] == "a"], series("c", 2, start=60)], ignore_index=True)
    result = accepted(model, changed, monkeypatch)
    assert result.rows == 30 + 60
    assert result.notes == (
        "1 of 2 series are new to the model.",
        "1 of the 2 series that the model knows are not in the data.",
    )
    assert result.model.series.tolist() == hashes(["a", "c"]).tolist()
    assert result.model.facts.series == 2
    assert len(predict(result.model, changed).to_frame()) == 2 * HORIZON
    assert update(result.model, changed).outcome == "nothing new"


def test_fewer_new_rows_than_a_horizon(model, table, monkeypatch):
    """One new row is enough: it is held out, then learned."""
    result = accepted(model, cut(table, OLD + 1), monkeypatch)
    assert (result.outcome, result.rows, result.report.windows) == ("updated", 2, 2)
    assert update(result.model, cut(table, OLD + 1)).outcome == "nothing new"


def test_only_the_newest_rows(model, table, monkeypatch):
    """Without the history an update learns from what there is, and says so; too few rows are an error."""
    result = accepted(model, table[table["ds"] >= "2024-03-01"], monkeypatch)
    assert "The data begins at 2024-03-01, that of the training at 2024-01-01" in result.notes[0]
    assert result.model.facts.first == model.facts.first
    newest = accepted(model, table[table["ds"] >= "2024-03-28"], monkeypatch).model
    assert newest.blend == model.blend  # what it remembers is not in the data
    assert newest.held.times.tolist() == model.held.times.tolist()
    with pytest.raises(DataError, match="an update needs 6") as caught:
        update(model, table[table["ds"] >= "2024-04-23"])
    assert "whole history" in caught.value.hint


def test_rows_without_a_value(model, table):
    """Where none of the newest rows has a value, there is nothing to compare by: the old model stays."""
    empty = table.copy()
    empty.loc[empty["ds"] >= pd.Timestamp("2024-03-31"), "y"] = np.nan
    assert update(model, empty).outcome == "nothing new"


def test_a_model_without_memory_keeps_its_weights(model, table, monkeypatch):
    """As older versions wrote it: the networks go on, weights and sizes of errors stay."""
    older = dataclasses.replace(model, held=None)
    new = accepted(older, table, monkeypatch).model
    assert new.held is None
    assert new.blend == model.blend
    assert np.array_equal(new.distribution.ratios, model.distribution.ratios)
    assert new.members[0].network.flat.tobytes() != model.members[0].network.flat.tobytes()


def test_models_of_the_first_format_cannot_be_updated(model, table):
    """They have neither the ids of their series nor a distribution of errors."""
    older = dataclasses.replace(model, distribution=None, series=None, held=None)
    with pytest.raises(ModelError, match="before models could be updated") as caught:
        update(older, table)
    assert "forecast train" in caught.value.hint


def test_other_columns_or_frequency(model, table):
    """A column that is gone, or another frequency: the data does not fit the model."""
    with pytest.raises(ModelError, match="has no column 'y'") as caught:
        update(model, table.rename(columns={"y": "z"}))
    assert "--target" in caught.value.hint
    hourly = table.assign(ds=pd.date_range("2024-01-01", periods=len(table), freq="h"))
    with pytest.raises(ModelError, match="frequency"):
        update(model, hourly)
    with pytest.raises(UsageError, match="has no column 'w'"):
        update(model, table, ReadConfig(target=("w",)))


def test_the_source_is_read_again(model):
    """Without data the model's source is read; a table in memory cannot be."""
    with pytest.raises(UsageError, match="a table in memory") as caught:
        update(model)
    assert "forecast update DATA" in caught.value.hint


def test_ctrl_c_leaves_the_model_alone(model, table, tmp_path, monkeypatch):
    """An interruption is passed on, and nothing of the model has changed."""
    content = file_of(model, tmp_path)
    monkeypatch.setattr("forecaster.pipeline.update._worse", lambda *given: False)

    def interrupt(event):
        if event.stage == "refit":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        update(dataclasses.replace(model), table, on_event=interrupt)
    assert file_of(model, tmp_path) == content


@pytest.mark.parametrize(
    ("lengths", "seen", "known", "origins"),
    [
        ([100], [60], [80], [[60], [64], [68], [72], [76], [80], [84], [88], [92], [96]]),
        ([100], [97], [97], [[97]]),
        ([100, 50], [90, 50], [95, 50], [[90, -1], [93, -1], [96, -1]]),
        ([100, 40], [100, 0], [100, 30], [[-1, 20], [-1, 24], [-1, 28], [-1, 32], [-1, 36]]),
    ],
)
def test_origins_lie_in_the_new_rows(lengths, seen, known, origins):
    """Half of the new rows are held out, at least a horizon; of a new series half of what is new."""
    from panels import panel_of

    panel = panel_of(*(np.arange(float(n)) for n in lengths))
    rows = new_rows(panel, np.array(seen), 4)
    assert rows.known.tolist() == known
    found = rows.origins.tolist()
    assert found[0] == origins[0]
    assert found[-1] == origins[-1]
    assert {tuple(each) for each in origins} <= {tuple(each) for each in found} or len(found) < len(origins)
