"""A sample of a source: the same from pieces and from the whole, in any order, by any engine."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from forecaster.config import Options, ReadConfig
from forecaster.errors import DataError, MemoryLimitError, UsageError
from forecaster.pipeline.engines.processes import InTurn, Processes
from forecaster.pipeline.sampling import draw, one_pass
from forecaster.pipeline.sampling.one_pass import Wanted
from forecaster.pipeline.sampling.report import Gain, weighted_errors
from forecaster.pipeline.sampling.source import sample_of
from forecaster.pipeline.train import train

SIZE, HELD, SERIES = 100, 30, 160
SMALL = Options(horizon=4, steps=20, members=1, hidden=8, workers=1)
READ = ReadConfig(static=("kind",))


@pytest.fixture(autouse=True)
def small_set(monkeypatch):
    """Few series are held out, and pieces are small."""
    monkeypatch.setattr(draw, "HELD", HELD)
    monkeypatch.setattr(one_pass, "PIECE_ROWS", 900)


@pytest.fixture(scope="module")
def table():
    """Daily series of several lengths and sizes, one of a rare kind, with a fact of each."""
    rng = np.random.default_rng(2)
    parts = []
    for number in range(SERIES):
        rows = int(rng.choice([24, 30, 70]))
        size = 10.0 ** rng.integers(0, 3) if number else 1e6
        y = size * (2 + np.sin(np.arange(rows) / 7 * 6.28) + rng.random(rows))
        day = pd.date_range("2024-01-01", periods=rows)
        kind = "ab"[number % 2]
        parts.append(pd.DataFrame({"shop": f"s{number:03d}", "day": day, "y": y.round(2), "kind": kind}))
    return pd.concat(parts, ignore_index=True)


def written(table, folder, files=3):
    folder.mkdir()
    cuts = np.linspace(0, len(table), files + 1).astype(int)
    for number in range(files):
        part = table.iloc[cuts[number] : cuts[number + 1]]
        part.to_parquet(folder / f"part-{number}.parquet", row_group_size=400)
    return folder


def drawn_from(where, size=SIZE, engine=None, seed=0, read=READ):
    return sample_of(where, Wanted(size, read, seed=seed), engine or InTurn())


def same(one, other):
    """Two samples are equal, in their facts and all their rows."""
    assert one.to_json() == other.to_json()
    assert one.drawn == other.drawn
    for a, b in ((one.loaded.panel, other.loaded.panel), (one.held, other.held)):
        assert a.ids == b.ids
        assert np.array_equal(a.values, b.values, equal_nan=True) and np.array_equal(a.time, b.time)
        assert np.array_equal(a.static.values, b.static.values)


def test_pieces_and_the_whole_give_the_same_sample(table, tmp_path):
    """In order, shuffled, as CSV or as a DataFrame; in pieces of any size; by one worker or two."""
    whole = drawn_from(table)
    assert (whole.series, len(whole.drawn.sampled), len(whole.drawn.held)) == (SERIES, SIZE, HELD)
    assert whole.rows == len(table)
    ordered = written(table, tmp_path / "ordered")
    pieces = drawn_from(ordered)
    same(pieces, whole)
    assert pieces.loaded.source == str(ordered)
    same(drawn_from(ordered, engine=Processes(2)), whole)
    shuffled = table.sample(frac=1, random_state=1)
    same(drawn_from(written(shuffled, tmp_path / "shuffled", files=5)), whole)
    shuffled.to_csv(tmp_path / "all.csv", index=False)
    same(drawn_from(tmp_path / "all.csv"), whole)
    assert drawn_from(table, seed=1).drawn != whole.drawn


def test_the_rare_are_drawn_and_the_rows_are_those_of_the_source(table, tmp_path):
    """The one series of its stratum is in the sample, or held out; each series has all of its rows."""
    found = drawn_from(written(table, tmp_path / "set"))
    rare = [each for each in found.to_json()["strata"] if each["series"] == 1]
    assert rare and all(each["sampled"] + each["held_out"] == 1 for each in rare)
    for panel in (found.loaded.panel, found.held):
        for place, name in enumerate(panel.ids):
            own = panel.target[panel.offsets[place] : panel.offsets[place + 1]]
            assert np.array_equal(own, table.y[table.shop == name])
    assert not {*found.held.ids} & {*found.loaded.panel.ids}


def test_series_without_any_value_are_left_out(table, tmp_path):
    """Also where they are all of a piece, the first one or a later one."""
    empty = table.shop.isin([f"s{number:03d}" for number in (*range(40), *range(100, 140))])
    found = drawn_from(written(table.assign(y=table.y.where(~empty)), tmp_path / "set"))
    assert found.series == SERIES - 80 and not set(found.loaded.panel.ids) & set(table.shop[empty])


def test_each_file_is_a_series(table, tmp_path):
    """A folder of one file a series, without an id column, where it is said that they are."""
    folder = tmp_path / "files"
    folder.mkdir()
    for name, own in table.groupby("shop"):
        own[["day", "y"]].to_parquet(folder / f"{name}.parquet")
    found = drawn_from(folder, read=ReadConfig(layout="files"))
    assert found.drawn == drawn_from(table, read=ReadConfig()).drawn
    with pytest.raises(UsageError, match="--layout files"):
        drawn_from(folder, read=ReadConfig())


def test_what_cannot_be_sampled(table, tmp_path):
    """One series, and sums of a hierarchy; with what to do."""
    one = table[table.shop == "s001"]
    with pytest.raises(UsageError, match="this data has one\nLeave out --sample-series"):
        drawn_from(one, read=ReadConfig())
    with pytest.raises(UsageError, match="hierarchy"):
        drawn_from(table, read=ReadConfig(hierarchy=("shop",)))
    table.assign(y="x").to_parquet(tmp_path / "words.parquet")
    with pytest.raises((DataError, UsageError)):
        drawn_from(tmp_path / "words.parquet", read=ReadConfig(target=("y",)))


def test_a_message_names_the_row_of_the_source(table, tmp_path):
    """A doubled row of a sampled series is named by its file and row there."""
    rows = table.sort_values(["shop", "day"])
    id = drawn_from(table).drawn.sampled[0].id
    at = int(np.flatnonzero(rows.shop == id)[3])
    doubled = pd.concat([rows.iloc[: at + 1], rows.iloc[at : at + 1].assign(y=-1.0), rows.iloc[at + 1 :]])
    doubled.to_parquet(tmp_path / "set.parquet", row_group_size=900)
    with pytest.raises(DataError, match=f"row {at}"):
        drawn_from(tmp_path / "set.parquet", read=ReadConfig(static=("kind",), id="shop"))


def test_training_reports_on_series_that_it_never_saw(table, tmp_path):
    """The report has both kinds of series, weights, and what half of the sample would have given."""
    folder = written(table, tmp_path / "set")
    training = train(folder, SMALL, READ, sample_series=SIZE, engine=InTurn())
    found = training.sample
    assert training.model.facts.series == SIZE == training.report.scored
    assert found.held.scored == HELD and found.gain is None  # half of 100 is too few
    assert not {*found.held.ids} & {*training.report.ids}
    facts = training.model.facts.training["sample"]
    assert (facts["series"], facts["sampled"], facts["held_out"]) == (SERIES, SIZE, HELD)
    assert facts["held_out_series"]["ids"] == []
    assert "a sample: 100 of 160 series" in " ".join(training.notes)
    assert training.model.card()["sample"] == facts and "sample" not in training.model.card()["training"]


def test_held_out_rows_have_no_part_in_the_draw(table):
    """Other values in the newest rows give the same sample."""
    late = table.groupby("shop").cumcount(ascending=False) < SMALL.horizon
    changed = table.assign(y=np.where(late, table.y * 3 + 1, table.y))
    one, other = (drawn_from(each) for each in (table, changed))
    assert one.drawn == other.drawn and one.to_json() == other.to_json()


def test_half_a_sample_shows_what_more_series_gain(table, monkeypatch):
    """With a sample large enough, a model of half of it is compared on the series held out."""
    monkeypatch.setattr("forecaster.pipeline.sampling.report.LEAST", 40)
    found = train(table, SMALL, READ, sample_series=SIZE).sample  # read whole, the same sample
    assert found.gain.series == SIZE // 2 and abs(found.gain.difference) < 1 and found.gain.half_width > 0
    assert "of a model of 50 of the 100 series is" in found.notes[-1]
    little, much, unsure = (
        dataclasses.replace(found, gain=Gain(50, *gain)).notes[-1]
        for gain in ((0.004, 0.003), (0.05, 0.03), (0.05, np.nan))
    )
    assert "0.4 % higher (95 % interval 0.1 to 0.7 %): more series would hardly help." in little
    assert "5.0 % higher (95 % interval 2.0 to 8.0 %): more series help, such as --sample-series 200." in much
    assert unsure.endswith("5.0 % higher.")


def test_fewer_series_than_asked_for(table):
    """All are trained on, none is held out, and it is said."""
    training = train(table, SMALL, READ, sample_series=5000)
    assert training.model.facts.series == SERIES and training.sample.held is None
    assert "all are in the sample of 5,000" in training.notes[-1]


def test_weights_stand_for_the_whole():
    """A mean over sampled series, each counted for those of its stratum, by hand."""

    class Two:
        ids, methods, metrics = ("a", "b"), ("model",), ("mae", "skill")
        per_series = np.array([[[1.0, 4.0], [0, 0]]])

    assert weighted_errors(Two, {"a": 3.0, "b": 1.0}) == {"model": {"mae": 7 / 4}}


@pytest.mark.parametrize("kind", ["parquet", "csv", "frame"])
def test_memory_that_does_not_suffice_names_the_sample(table, tmp_path, monkeypatch, kind):
    """Where the data does not fit, the hint says how to train on a part of it; of a sample it does not."""

    def runs_out(*_, **__):
        raise MemoryError

    where = table
    if kind != "frame":
        where = tmp_path / f"all.{kind}"
        table.to_parquet(where) if kind == "parquet" else table.to_csv(where, index=False)
    monkeypatch.setattr("forecaster.pipeline.train.load", runs_out)
    with pytest.raises(MemoryLimitError, match="--sample-series auto") as error:
        train(where, SMALL, READ)
    assert ("write the data as Parquet" in error.value.hint) == (kind != "parquet")
