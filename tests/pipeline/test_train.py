"""Train, predict, evaluate as a whole: nothing after an origin leaks, everything repeats to the byte."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from panels import GARBAGE, wavy

from forecaster.config import Options, ReadConfig
from forecaster.errors import DataError, ModelError, UsageError
from forecaster.methods.blend import DEMAND
from forecaster.pipeline import evaluate as evaluate_module
from forecaster.pipeline.evaluate import evaluate
from forecaster.pipeline.inspect import inspect
from forecaster.pipeline.predict import predict
from forecaster.pipeline.train import train
from forecaster.training import fit as fitting

HORIZON = 4
TINY = Options(horizon=HORIZON, hidden=8, steps=25, members=2, batch=32, workers=1)


def frame_of(series, *, freq="D", end="2024-03-30"):
    """A long table of {id: values} that end together; NaN for gaps."""
    parts = [
        pd.DataFrame({"id": name, "ds": pd.date_range(end=end, periods=len(y), freq=freq), "y": y})
        for name, y in series.items()
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def table():
    """Three daily series with a weekly season, of different lengths; one has gaps."""
    rng = np.random.default_rng(0)
    return frame_of({"a": wavy(rng, 90), "b": wavy(rng, 75, gaps=0.08), "c": wavy(rng, 60, level=300.0)})


@pytest.fixture(scope="module")
def training(table):
    return train(table, TINY)


def file_of(model, folder):
    """The bytes of the model's file."""
    model.save(folder / "x.model")
    return (folder / "x.model").read_bytes()


def learned(model):
    """What a model has learned, to the byte: configuration, weights and blend."""
    members = [(member.config, member.network.flat.tobytes()) for member in model.members]
    return members, model.blend


def cut(table, rows):
    """The table without the newest `rows` of each series."""
    keep = table.groupby("id").cumcount(ascending=False) >= rows
    return table[keep].reset_index(drop=True)


def with_garbage(table, rows, *, seed, columns=("y",)):
    """The newest `rows` of each series replaced by garbage; the very last value stays a number."""
    rng = np.random.default_rng(seed)
    late = (table.groupby("id").cumcount(ascending=False) < rows).to_numpy()
    last = (table.groupby("id").cumcount(ascending=False) == 0).to_numpy()
    changed = table.copy()
    for column in columns:
        changed.loc[late, column] = rng.choice(GARBAGE, size=late.sum())
        changed.loc[last, column] = rng.choice([1e30, -5.0, 0.0], size=last.sum())
    return changed


# --- nothing after an origin leaks --------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_garbage_in_the_test_part_changes_nothing_learned(table, seed):
    """THE test: whatever the held-out rows hold, weights, blend, configuration and forecasts from the origin
    keep every byte."""
    options = dataclasses.replace(TINY, refit=False)
    known = cut(table, HORIZON)
    clean = train(table, options).model
    dirty = train(with_garbage(table, HORIZON, seed=seed), options).model
    assert learned(clean) == learned(dirty)
    one, other = (predict(model, known).point for model in (clean, dirty))
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("seed", range(2))
def test_garbage_in_covariates_of_the_test_part_changes_nothing_learned(table, seed):
    """The same for covariates: the network learns from those before the origin only."""
    options = dataclasses.replace(TINY, refit=False)
    read = ReadConfig(target=("y",), covariates=("heat",))
    rich = table.assign(heat=np.random.default_rng(1).normal(size=len(table)))
    garbage = with_garbage(rich, HORIZON, seed=seed, columns=("y", "heat"))
    models = [train(each, options, read).model for each in (rich, garbage)]
    assert learned(models[0]) == learned(models[1])


@pytest.fixture(scope="module")
def informed():
    """A table with a covariate known ahead, which moves the target, and one of the past only."""
    rng = np.random.default_rng(5)
    series = {name: wavy(rng, rows, level=60.0) for name, rows in (("a", 90), ("b", 75), ("c", 60))}
    rich = frame_of(series).assign(heat=lambda t: rng.normal(size=len(t)), price=rng.normal(20, 5, 225))
    rich["y"] += 1.5 * rich["price"]
    return rich


BESIDE = ReadConfig(target=("y",), covariates=("heat",), known=("price",))


@pytest.fixture(scope="module")
def from_informed(informed):
    """What is learned of it."""
    model = train(informed, dataclasses.replace(TINY, refit=False), BESIDE).model
    assert any(member.config.known == ("price",) for member in model.members)
    return model


@pytest.mark.parametrize("columns", [("y", "heat"), ("price",)])
def test_garbage_in_the_test_part_changes_nothing_learned_beside_known_covariates(
    informed, from_informed, columns
):
    """Neither targets and past-only covariates there, nor known covariates, which the forecasts of the report
    alone read."""
    garbage = with_garbage(informed, HORIZON, seed=0, columns=columns)
    garbage["price"] = garbage["price"].fillna(0.0).clip(-1000, 1000)
    dirty = train(garbage, dataclasses.replace(TINY, refit=False), BESIDE).model
    assert learned(from_informed) == learned(dirty)


@pytest.fixture
def scored(monkeypatch):
    """The forecasts that were scored, in the order in which they were."""
    seen = []
    original = evaluate_module.score

    def score(backtest):
        forecasts = backtest.point | {f"{level}": each for level, each in backtest.quantiles.items()}
        seen.append({name: values.copy() for name, values in forecasts.items()})
        return original(backtest)

    monkeypatch.setattr(evaluate_module, "score", score)
    return seen


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("seed", range(2))
def test_garbage_after_the_last_origin_changes_no_forecast_of_a_backtest(table, scored, refit, seed):
    """What follows the last origin changes no forecast, the model's or a baseline's, from any origin."""
    options = dataclasses.replace(TINY, refit=refit)
    for each in (table, with_garbage(table, HORIZON, seed=seed)):
        evaluate(each, options, origins=3, step=2)
    assert scored[0].keys() == scored[1].keys()
    for name, values in scored[0].items():
        assert values.shape[:2] == (3, 3)
        assert values.tobytes() == scored[1][name].tobytes(), name


def test_garbage_after_the_last_origin_changes_no_forecast_beside_known_covariates(informed, scored):
    """Targets and past-only covariates change nothing; known covariates in the last horizon change the
    forecast from the last origin only."""
    price = with_garbage(informed, HORIZON - 1, seed=0, columns=("price",)).fillna({"price": 0.0})
    price["price"] = price["price"].clip(0, 40)
    for each in (informed, with_garbage(informed, HORIZON, seed=0, columns=("y", "heat")), price):
        evaluate(each, TINY, BESIDE, origins=2, step=HORIZON)
    assert scored[0].keys() == scored[1].keys()
    for name, values in scored[0].items():
        assert values.tobytes() == scored[1][name].tobytes(), name
        assert values[0].tobytes() == scored[2][name][0].tobytes(), name
    moves = (scored[0]["model"][1] != scored[2]["model"][1]).any(axis=0)
    assert moves[1:].all() and not moves[0]


def test_garbage_after_the_first_origin_changes_nothing_trained_before_it(table, scored):
    """The backtest trains before the first origin: later rows do not change the forecast from it."""
    late = 2 * 3 + HORIZON
    positive = table.copy()
    newest = positive.groupby("id").cumcount(ascending=False) < late
    positive.loc[newest, "y"] = positive.loc[newest, "y"].fillna(1.0) * 40 + 7
    for each in (table, positive):
        evaluate(each, TINY, origins=3, step=3)
    assert scored[0]["model"][0].tobytes() == scored[1]["model"][0].tobytes()
    assert scored[0]["model"][1].tobytes() != scored[1]["model"][1].tobytes()


def test_refit_learns_from_the_newest_rows(table):
    """With refit the model that is saved has seen the test part too; without, it has not."""
    shifted = table.copy()
    newest = shifted.groupby("id").cumcount(ascending=False) < HORIZON
    shifted.loc[newest, "y"] *= 1.5
    for refit, alike in ((True, False), (False, True)):
        options = dataclasses.replace(TINY, refit=refit)
        models = [train(each, options).model for each in (table, shifted)]
        assert (learned(models[0])[0] == learned(models[1])[0]) == alike


def test_the_blend_is_weighed_by_the_test_too(table, monkeypatch):
    """With refit, weights are fitted twice: on the validation origins, then with the test origins too."""
    seen, original = [], fitting.choose_weights

    def choose(panel, blend, forecasts, origins, blocks, groups):
        seen.append((forecasts, origins, blocks))
        return original(panel, blend, forecasts, origins, blocks, groups)

    monkeypatch.setattr(fitting, "choose_weights", choose)
    train(table, TINY)
    (forecasts, origins, blocks), (more, joined, numbers) = seen
    assert joined[:-2].tolist() == origins.tolist()
    assert joined[-1].tolist() == [each - HORIZON for each in table.groupby("id").size()]
    assert numbers.tolist() == [*blocks.tolist(), blocks.max() + 1, blocks.max() + 2]
    for name, values in forecasts.items():
        assert more[name][:-2].tobytes() == values.tobytes()
        assert np.isfinite(more[name][-1]).all() or name in DEMAND


def test_a_backtest_trains_as_train_does(table):
    """The model of a backtest is that of `train` on the table cut off at the first origin, to the byte."""
    model = train(cut(table, 2 * HORIZON), TINY).model
    one = evaluate(table, TINY, origins=2).report.to_json()
    assert one == evaluate(table, TINY, origins=2, model=model).report.to_json()


def test_a_backtest_trains_again_where_it_is_asked_to(table):
    """With refit=1 each origin has its own model, with refit=2 two of them share one."""
    for refit in (1, 2):
        found = evaluate(table, TINY, origins=4, refit=refit).backtest
        for number in range(4):
            back = (4 - number // refit * refit) * HORIZON
            model = train(cut(table, back), TINY).model
            frame = predict(model, cut(table, (4 - number) * HORIZON))
            assert found.point["model"][number].tobytes() == frame.point.tobytes()
            assert found.interval(80)[0][number].tobytes() == frame.lower[0].tobytes()


def test_the_report_is_what_the_forecasts_are_worth(table):
    """The model's MAE in a backtest is that of its forecasts from a table cut off at each origin."""
    model = train(cut(table, 3 * HORIZON), TINY).model
    report = evaluate(table, model=model, origins=3).report
    errors = {name: [] for name in "abc"}
    for back in (3, 2, 1):
        frame = predict(model, cut(table, back * HORIZON)).to_frame()
        joined = frame.merge(table, on=["id", "ds"])
        assert len(joined) <= 3 * HORIZON
        for name, part in joined.dropna().groupby("id"):
            errors[name] += list((part["y"] - part["forecast"]).abs())
    by_hand = np.mean([np.mean(values) for values in errors.values()])
    assert report.value("model", "mae") == pytest.approx(by_hand, rel=1e-6)


# --- the same again --------------------------------------------------------------------------------------


def test_the_same_command_gives_the_same_bytes(table, training, tmp_path):
    """Training twice writes the same file and the same forecasts."""
    again = train(table, TINY)
    assert file_of(again.model, tmp_path) == file_of(training.model, tmp_path)
    one, other = (predict(each.model, table).to_frame() for each in (training, again))
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_threads_change_no_byte(table, training, tmp_path):
    """The number of workers changes neither the model nor its file."""
    for workers in (2, None):
        again = train(table, dataclasses.replace(TINY, workers=workers))
        assert file_of(again.model, tmp_path) == file_of(training.model, tmp_path)


def test_another_seed_gives_another_model(table, training):
    """The seed is what randomness depends on."""
    other = train(table, dataclasses.replace(TINY, seed=1)).model
    assert learned(other) != learned(training.model)


def test_order_of_rows_changes_no_byte(table, training):
    """Rows in any order give the same model and forecasts."""
    mixed = table.sample(frac=1, random_state=3, ignore_index=True)
    again = train(mixed, TINY)
    assert learned(again.model) == learned(training.model)
    assert again.report.to_json() == training.report.to_json()
    one, other = (predict(training.model, each).point for each in (table, mixed))
    assert one.tobytes() == other.tobytes()


BYTES = """
import hashlib
import numpy as np, pandas as pd
from forecaster.config import Options
from forecaster.pipeline.predict import predict
from forecaster.pipeline.train import train
rng = np.random.default_rng(0)
n = 120
days = pd.date_range("2020-01-01", periods=n)
walks = 50 + np.cumsum(rng.normal(size=(30, n)), axis=1) + 5 * np.sin(np.arange(n))
frame = pd.concat([pd.DataFrame({"id": str(s), "ds": days, "y": y}) for s, y in enumerate(walks)])
model = train(frame, Options(horizon=4, hidden=24, steps=12, batch=600, members=2)).model
found = predict(model, frame)
point = np.concatenate([found.point[None], found.lower, found.upper])
digest = hashlib.sha256(point.tobytes() + repr(model.blend.weights).encode())
for name, values in sorted(model.distribution.to_arrays().items()):
    digest.update(values.tobytes())
for member in model.members:
    digest.update(member.network.flat.tobytes())
print(digest.hexdigest())
"""


def test_cores_change_no_byte():
    """However many threads the linear algebra may use, the result is the same to the byte."""
    digests = set()
    for threads in ("1", "2"):
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, threads)
        run = subprocess.run(
            [sys.executable, "-c", BYTES], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(run.stdout)
    assert len(digests) == 1


# --- train -----------------------------------------------------------------------------------------------


def test_a_model_remembers_where_it_comes_from(table, training):
    """Facts hold columns, frequency, span, steps, seed and the report."""
    facts = training.model.facts
    assert (facts.names.time, facts.names.id, facts.names.target) == ("ds", "id", "y")
    assert (facts.frequency.alias, facts.series, facts.rows, facts.source) == ("D", 3, 225, "")
    assert pd.Timestamp(facts.first) == pd.Timestamp("2024-01-01")  # 90 days before the end
    assert pd.Timestamp(facts.last) == pd.Timestamp("2024-03-30")
    assert facts.training["seed"] == 0
    assert facts.training["refit"] is True
    assert all(1 <= steps <= TINY.steps for steps in facts.training["steps"])
    assert facts.report == training.report.to_json()
    assert facts.versions["numpy"] == np.__version__


def test_repairs_are_remembered(table):
    """What was repaired on reading is counted in the model's facts."""
    doubled = pd.concat([table, table.iloc[:2]])
    assert train(doubled, TINY).model.facts.repairs["D001"] == 2


def test_refit_takes_the_steps_that_validation_chose(table):
    """The refit takes as many steps as up to the best validation pass, whose loss is stored."""
    last, best = {}, {}

    def listen(event):
        last[event.stage, event.member] = event
        if event.validation is not None and event.validation == event.best:
            best.setdefault(event.member, {}).setdefault(event.validation, event.step)

    options = dataclasses.replace(TINY, steps=200, rate=3e-2, patience=2)
    facts = train(table, options, on_event=listen).model.facts.training
    for member, (steps, validation) in enumerate(zip(facts["steps"], facts["validation"], strict=True)):
        assert last["refit", member].step == last["refit", member].steps == steps
        assert validation == last["train", member].best
        assert steps == best[member][validation]
    assert max(event.steps for event in last.values()) == 200


def test_a_report_of_few_windows_says_so(table, training):
    """Where the report rests on a handful of windows, a note says so."""
    note = next(note for note in training.notes if "rests on 5 held-out windows" in note)
    assert "`forecast evaluate`" in note


def test_every_horizon_row_is_held_out(table, training):
    """The report covers the last horizons of every series, at most an eighth of its rows."""
    report = training.report
    assert (report.horizon, report.scored, report.origins) == (HORIZON, 3, 2)
    assert report.end.startswith("2024-03-30")
    assert set(report.methods) >= {"model", "naive", "drift", "mean"}


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("layers", [1, 2])
def test_every_cell_works(table, cell, layers):
    """Each cell trains, and is what the model says it is."""
    options = dataclasses.replace(TINY, cell=cell, layers=layers, dropout=0.1, steps=10)
    model = train(table, options).model
    assert model.card()["members"]["network 1"]["cell"] == cell
    assert np.isfinite(predict(model, table).point).all()


@pytest.mark.parametrize("loss", ["mse", "huber", "pinball"])
def test_every_loss_works(table, loss):
    """Each loss trains a model."""
    model = train(table, dataclasses.replace(TINY, loss=loss, unroll=1, optimizer="sgd")).model
    assert np.isfinite(predict(model, table).point).all()


def test_interruption_without_asking(table):
    """Ctrl-C while progress is shown ends training."""

    def interrupt(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(table, TINY, on_event=interrupt)


@pytest.mark.parametrize(("stage", "member"), [("train", 0), ("train", 1), ("refit", 0)])
def test_interruption_keeps_the_best_if_asked(table, training, stage, member):
    """With keep_on_interrupt, Ctrl-C at any stage gives a model that forecasts, and says so."""
    heard = []

    def interrupt(event):
        heard.append(event)
        if (event.stage, event.member) == (stage, member):
            raise KeyboardInterrupt

    options = dataclasses.replace(TINY, keep_on_interrupt=True, steps=100)
    result = train(table, options, on_event=interrupt)
    assert result.interrupted
    assert (heard[-1].stage, heard[-1].member) == (stage, member)
    assert np.isfinite(predict(result.model, table).point).all()
    assert result.report is not None
    assert not training.interrupted


# --- predict -----------------------------------------------------------------------------------------------


def test_predict_continues_every_series(table, training):
    """One row for each series and step, from the day after its newest row."""
    frame = predict(training.model, table).to_frame()
    assert list(frame.columns) == ["id", "ds", "forecast", "lo_80", "hi_80", "lo_95", "hi_95"]
    for name, part in frame.groupby("id"):
        last = table.loc[table["id"] == name, "ds"].max()
        assert part["ds"].tolist() == list(pd.date_range(last, periods=HORIZON + 1)[1:])
    bounds = frame[["lo_95", "lo_80", "forecast", "hi_80", "hi_95"]].to_numpy()
    assert (np.diff(bounds, axis=1) >= 0).all()


def test_predict_reads_again_what_the_model_remembers(table, tmp_path, monkeypatch):
    """Without data the source is read again, from wherever one stands, and rows that came since count."""
    monkeypatch.chdir(tmp_path)
    table.to_csv("x.csv", index=False, sep=";")
    model = train("x.csv", TINY).model
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    first = predict(model).to_frame()
    pd.testing.assert_frame_equal(first, predict(model, tmp_path / "x.csv").to_frame())
    with (tmp_path / "x.csv").open("a") as file:
        file.write("a;2024-03-31;21.5\n")  # so a goes on a day longer than b
    again = predict(model).to_frame()
    assert again.loc[again["id"] == "a", "ds"].min() == pd.Timestamp("2024-04-01")
    assert again.loc[again["id"] == "b", "ds"].min() == first.loc[first["id"] == "b", "ds"].min()


def test_predict_on_a_file_of_another_dialect(table, tmp_path):
    """Another file may be written otherwise; only the names of its columns are remembered."""
    table.to_csv(tmp_path / "x.csv", index=False, sep=";")
    table.to_csv(tmp_path / "y.tsv", index=False, sep="\t", date_format="%d %B %Y", encoding="utf-16")
    table.to_parquet(tmp_path / "z.parquet")
    model = train(tmp_path / "x.csv", TINY).model
    expected = predict(model).point
    for name in ("y.tsv", "z.parquet"):
        np.testing.assert_allclose(predict(model, tmp_path / name).point, expected, rtol=1e-9)


def test_lines_above_one_table_are_not_looked_for_in_another(table, tmp_path):
    """A preamble, a decimal comma and the like belong to the file that has them."""
    text = table.to_csv(index=False, sep=";", decimal=",")
    (tmp_path / "x.csv").write_text("exported by hand\nsecond line\n" + text)
    model = train(tmp_path / "x.csv", TINY, ReadConfig(skip=2, decimal=",")).model
    expected = predict(model).point
    np.testing.assert_allclose(predict(model, table).point, expected, rtol=1e-9)
    table.to_csv(tmp_path / "y.csv", index=False)
    np.testing.assert_allclose(predict(model, tmp_path / "y.csv").point, expected, rtol=1e-9)


@pytest.mark.parametrize(("source", "words"), [("", "a table in memory"), ("-", "standard input")])
def test_predict_cannot_read_again_what_is_gone(training, source, words):
    """A table in memory or a stream has to be given again."""
    facts = dataclasses.replace(training.model.facts, source=source)
    with pytest.raises(UsageError, match=words) as caught:
        predict(dataclasses.replace(training.model, facts=facts))
    assert "forecast predict DATA" in caught.value.hint


def test_predict_a_series_never_seen(training):
    """A series that was not in the training is forecast like any other."""
    rng = np.random.default_rng(9)
    frame = predict(training.model, frame_of({"new": wavy(rng, 50), "other": wavy(rng, 40)})).to_frame()
    assert set(frame["id"]) == {"new", "other"}
    assert np.isfinite(frame["forecast"]).all()


def test_predict_reports_its_findings(table, training):
    """Findings about the data come with the forecast."""
    doubled = pd.concat([table, table.iloc[:2]])
    assert "D001" in {finding.code for finding in predict(training.model, doubled).findings}


def test_data_of_another_frequency_is_refused(training):
    """Hourly data does not fit a daily model."""
    hourly = frame_of({"a": wavy(np.random.default_rng(0), 90)}, freq="h")
    with pytest.raises(ModelError, match=r"frequency D.*frequency h"):
        predict(training.model, hourly)
    with pytest.raises(ModelError, match=r"frequency D.*frequency h"):
        evaluate(hourly, model=training.model)


def test_data_with_other_columns_is_refused(table, training):
    """The columns that the model stores must be in the data, or be set again."""
    renamed = table.rename(columns={"ds": "day"})
    with pytest.raises(UsageError, match="no column 'ds'"):
        predict(training.model, renamed)
    found = predict(training.model, renamed, read=ReadConfig(time="day")).to_frame()
    assert "day" in found.columns


def test_covariates_go_in_and_matter():
    """A covariate that holds the next day's value improves forecasts, and is required for them."""
    rng = np.random.default_rng(2)
    push = rng.choice([-1.0, 1.0], size=300)
    y = 20 + 5 * np.concatenate([[0.0], push[:-1]]) + 0.1 * rng.normal(size=300)
    rich = frame_of({"a": y}).assign(push=push)
    options = Options(horizon=1, hidden=16, steps=400, members=1, workers=1)
    with_push = ReadConfig(target=("y",), covariates=("push",))
    plain, informed = (
        evaluate(rich, options, read, origins=20).report.value("model", "mae")
        for read in (ReadConfig(target=("y",)), with_push)
    )
    assert informed < 0.5 * plain
    model = train(rich, options, with_push).model
    assert model.facts.names.covariates == ("push",)
    with pytest.raises(UsageError, match="no column 'push'"):
        predict(model, rich[["id", "ds", "y"]])


# --- data of all kinds --------------------------------------------------------------------------------------


def healthy(result, table):
    """Assert that a training gives finite forecasts with intervals in order; returns the frame."""
    frame = predict(result.model, table).to_frame()
    bounds = frame[["lo_95", "lo_80", "forecast", "hi_80", "hi_95"]].to_numpy()
    assert np.isfinite(bounds).all()
    assert (np.diff(bounds, axis=1) >= -1e-9).all()
    return frame


def test_the_network_knows_the_gaps(table, training):
    """Where known rows are missing the network sees which, and the forecasts are finite."""
    assert all(member.config.gaps for member in training.model.members)
    healthy(training, table)
    whole = table[table["id"] == "a"]
    assert not any(member.config.gaps for member in train(whole, TINY).model.members)


@pytest.mark.parametrize("value", [0.0, 0.1, 7.0, -3.0, 1e9])
def test_a_constant_series(value):
    """A constant is forecast as that constant, with intervals of no width, and no error is reported."""
    constant = frame_of({"a": np.full(60, value)})
    result = train(constant, TINY)
    frame = healthy(result, constant)
    for column in ("forecast", "lo_95", "hi_95"):
        np.testing.assert_allclose(frame[column], value, rtol=1e-6)
    assert result.report.value("model", "mae") == pytest.approx(0, abs=1e-6 * (1 + abs(value)))


def test_a_constant_beside_others(table):
    """A constant among moving series stays what it is, though the networks learn from all."""
    for value in (5.0, -0.01):
        both = pd.concat([table, frame_of({"z": np.full(70, value)})])
        frame = healthy(train(both, TINY), both)
        np.testing.assert_array_equal(frame.loc[frame["id"] == "z", "forecast"], value)


@pytest.mark.parametrize("rows", [3, 4, 5, 6, 8, 11, 13])
def test_a_short_series(rows):
    """With a handful of rows there is a model or a clear error, and a note where nothing is held out."""
    short = frame_of({"a": 5 + np.random.default_rng(rows).random(rows)})
    options = dataclasses.replace(TINY, horizon=2)
    if rows < 4:
        with pytest.raises(DataError, match="needs at least 4 rows"):
            train(short, options)
        return
    result = train(short, options)
    healthy(result, short)
    if result.report is None:
        assert "No error report" in result.notes[0]
        assert result.model.facts.report is None


def test_long_and_very_short_series_together():
    """Series of one, two or three rows beside long ones: all are forecast, and a note counts them."""
    rng = np.random.default_rng(0)
    mixed = frame_of({name: wavy(rng, n) for name, n in zip("abcde", (80, 60, 3, 2, 1), strict=True)})
    result = train(mixed, TINY)
    frame = healthy(result, mixed)
    assert len(frame) == 5 * HORIZON
    assert any(
        "3 of 5 series are too short" in note and "the model is trained on them" in note
        for note in result.notes
    )
    kept = train(mixed, dataclasses.replace(TINY, refit=False))
    assert any("the model is not trained on them" in note for note in kept.notes)
    assert result.report.scored == 2


def test_negative_and_zero_values(table):
    """Data with zeros and negatives is forecast without logarithms."""
    rng = np.random.default_rng(0)
    signed = frame_of({"a": wavy(rng, 80) - 25, "b": np.round(rng.normal(size=80))})
    result = train(signed, TINY)
    assert not result.model.blend.log
    healthy(result, signed)


@pytest.mark.parametrize("back", [1, 3, 5, 7, 9])
def test_a_first_zero_near_the_end(back):
    """A series whose first zero came lately trains, and forecasts from what it was trained on."""
    y = wavy(np.random.default_rng(0), 80)
    y[-back] = 0.0
    late = frame_of({"a": y})
    healthy(train(late, TINY), late)


def test_a_zero_that_a_model_in_logarithms_meets(table, training):
    """Zeros that come after the training are a matter of their series alone, in forecast and backtest."""
    assert training.model.blend.log
    zero = table.copy()
    late = zero.groupby("id").cumcount(ascending=False) == HORIZON + 1
    zero.loc[late & (zero["id"] == "a"), "y"] = 0.0
    frame, whole = healthy(training, zero), healthy(training, table)
    others = (frame["id"] != "a").to_numpy()
    for column in ("forecast", "lo_95", "hi_95"):
        np.testing.assert_allclose(frame[column][others], whole[column][others], rtol=0.05)
    zero.loc[late, "y"] = 0.0
    for options in (TINY, dataclasses.replace(TINY, log=False), dataclasses.replace(TINY, log=True)):
        assert evaluate(zero, options, origins=3).report.origins == 3


def test_logarithms_that_a_user_asks_for(table):
    """`log` is for every series that has logarithms; one with a zero keeps its units."""
    zero = table.copy()
    zero.loc[(zero["id"] == "a") & (zero.groupby("id").cumcount() == 20), "y"] = 0.0
    for log in (True, False):
        result = train(zero, dataclasses.replace(TINY, log=log))
        assert result.model.blend.log == log
        assert {member.config.log for member in result.model.members} == {log}
        healthy(result, zero)


def test_a_falling_series():
    """Also where a trend leads below zero the bounds are in order."""
    rng = np.random.default_rng(0)
    falling = frame_of({"a": np.linspace(100, 1, 80) + 0.5 * rng.random(80)})
    healthy(train(falling, dataclasses.replace(TINY, horizon=15)), falling)


def test_a_history_that_outgrows_a_season():
    """Hours that hold two weeks only together with their newest rows train and forecast, and so do fewer."""
    hours = frame_of({"a": wavy(np.random.default_rng(0), 340, season=24, trend=0)}, freq="h")
    result = train(hours, dataclasses.replace(TINY, horizon=12))
    healthy(result, hours)
    healthy(result, cut(hours, 250))


def test_a_horizon_longer_than_the_history(table, training):
    """A horizon too long for the data is a DataError; one too long for the model is a ModelError."""
    with pytest.raises(DataError, match="needs at least 92 rows") as caught:
        train(table, dataclasses.replace(TINY, horizon=90))
    assert "--horizon" in caught.value.hint
    with pytest.raises(ModelError, match=f"{HORIZON} steps ahead, not {HORIZON + 1}"):
        predict(training.model, table, horizon=HORIZON + 1)


def test_intervals_cover_what_they_promise():
    """On random walks about 80 and 95 percent of what comes next lies inside."""
    rng = np.random.default_rng(4)
    walks = {f"w{n:02d}": 100 + np.cumsum(rng.normal(size=160)) for n in range(40)}
    whole = frame_of(walks)
    known = cut(whole, HORIZON)
    frame = predict(train(known, TINY).model, known).to_frame()
    actual = frame.merge(whole, on=["id", "ds"])
    for level, low, high in ((80, 0.7, 0.9), (95, 0.88, 1.0)):
        inside = actual["y"].between(actual[f"lo_{level}"], actual[f"hi_{level}"]).mean()
        assert low <= inside <= high


# --- evaluate ---------------------------------------------------------------------------------------------


def test_a_model_that_has_seen_the_origin_is_refused(table, training):
    """Errors on rows that the model was trained on would look too small."""
    with pytest.raises(ModelError, match=r"trained on data up to 2024-03-30.*too small") as caught:
        evaluate(table, model=training.model)
    assert "--model" in caught.value.hint


def test_a_model_may_be_scored_on_newer_rows(table):
    """A model trained before the first origin is scored on what came after, also at fewer steps."""
    model = train(cut(table, 2 * HORIZON), TINY).model
    assert evaluate(table, model=model, origins=2).report.windows == 6
    shorter = evaluate(table, Options(horizon=2), model=model, origins=2).report
    assert shorter.horizon == 2


def test_a_backtest_counts_its_origins(table):
    """Origins lie `step` apart, by default a horizon."""
    report = evaluate(table, TINY, origins=4, step=3).report
    assert (report.origins, report.windows, report.horizon) == (4, 12, HORIZON)
    report = evaluate(table, TINY, origins=2).report
    assert report.start.startswith("2024-03-23")  # two horizons before the end


def test_a_backtest_that_leaves_little_to_learn_from(table):
    """Where next to nothing precedes the first origin it still runs, and with less it says how many fit."""
    short = frame_of({"a": 5 + np.random.default_rng(0).random(12)})
    options = dataclasses.replace(TINY, horizon=2)
    assert evaluate(short, options, origins=9, step=1).report.origins == 9
    with pytest.raises(UsageError, match="10 origins") as caught:
        evaluate(short, options, origins=10, step=1)
    assert "--origins 9" in caught.value.hint


def test_inspect_reads_and_nothing_more(table):
    """`inspect` says what was understood."""
    loaded = inspect(table)
    assert loaded.panel.ids == ("a", "b", "c")
    assert loaded.panel.frequency.alias == "D"
