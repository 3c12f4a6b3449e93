"""Predict in pieces: the same forecasts as at once, whatever the order of rows, the engine, and what dies."""

import dataclasses
import json
import os
import signal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecaster.config import Options, ReadConfig
from forecaster.data.storage import files as storage
from forecaster.data.writing import data_set
from forecaster.errors import DataError, LockedError, MemoryLimitError, StaleError, StorageError, UsageError
from forecaster.model.lock import lock
from forecaster.pipeline import in_pieces
from forecaster.pipeline.engines.engine import FEWER
from forecaster.pipeline.engines.processes import InTurn, Processes
from forecaster.pipeline.in_pieces import Asked, predict_in_pieces
from forecaster.pipeline.predict import predict_pretrained

OPTIONS = Options(horizon=6)
ASKED = Asked(None, "pretrained", OPTIONS)
SERIES, ROWS = 23, 40


@pytest.fixture
def table():
    """Monthly series of a season and noise, in order of their ids."""
    rng = np.random.default_rng(0)
    level, phase = np.exp(rng.normal(4, 1, (SERIES, 1))), rng.integers(0, 12, (SERIES, 1))
    season = 1 + 0.2 * np.sin(2 * np.pi * (np.arange(ROWS) + phase) / 12)
    values = level * (season + 0.05 * rng.standard_normal((SERIES, ROWS)))
    times = pd.date_range("2021-01", periods=ROWS, freq="MS")
    ids = np.repeat([f"s{number:02d}" for number in range(SERIES)], ROWS)
    return pd.DataFrame({"name": ids, "month": np.tile(times, SERIES), "demand": values.ravel()})


def source(folder, table, files=3):
    """The table as a data set."""
    folder.mkdir(exist_ok=True)
    for number, part in enumerate(np.array_split(np.arange(len(table)), files)):
        part = pa.Table.from_pandas(table.iloc[part], preserve_index=False)
        pq.write_table(part, folder / f"part-{number}.parquet", row_group_size=100)
    return folder


def run(data, folder, engine=None, asked=ASKED, rows=200, **more):
    return predict_in_pieces(data, folder, asked, engine or InTurn(), piece_rows=rows, **more)


def content(folder):
    """Names and bytes of the parts."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("part-*"))}


@pytest.mark.parametrize("how", ["in order", "by time", "shuffled"])
def test_the_forecasts_are_those_of_the_whole_table(tmp_path, table, how):
    """Rows of a series together, apart as in a log by time, or anywhere."""
    if how == "by time":
        table = table.sort_values("month", kind="stable")
    if how == "shuffled":
        table = table.sample(frac=1, random_state=0)
    written = run(source(tmp_path / "data", table), tmp_path / "out")
    assert (written.series, written.rows, written.read) == (SERIES, 6 * SERIES, SERIES * ROWS)
    found = pd.read_parquet(tmp_path / "out").sort_values(["name", "month"], ignore_index=True)
    whole = predict_pretrained(table, OPTIONS).to_frame().sort_values(["name", "month"], ignore_index=True)
    assert len(content(tmp_path / "out")) == written.pieces > 2
    pd.testing.assert_frame_equal(found, whole, rtol=1e-6, check_dtype=False)
    assert not (tmp_path / "out" / "_work").exists()


def test_the_same_bytes_by_any_engine(tmp_path, table):
    """Of one process, or several."""
    data = source(tmp_path / "data", table)
    run(data, tmp_path / "one")
    run(data, tmp_path / "two", Processes(2))
    assert content(tmp_path / "one") == content(tmp_path / "two")
    manifests = [json.loads((tmp_path / name / "_manifest.json").read_text()) for name in ("one", "two")]
    assert manifests[0] == manifests[1]


class Stops:
    """An engine that is stopped after some pieces."""

    workers = 1

    def __init__(self, pieces):
        self.pieces = pieces

    def map(self, work, shared, pieces):
        for number, piece in enumerate(pieces):
            if number == self.pieces:
                raise KeyboardInterrupt
            yield number, work(shared, piece)


@pytest.mark.parametrize("how", ["in order", "by time"])
def test_a_run_that_was_stopped_goes_on(tmp_path, table, how):
    """What it had done is not done again, and the end is the same, to the byte."""
    table = table if how == "in order" else table.sort_values("month", kind="stable")
    data = source(tmp_path / "data", table)
    run(data, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(data, tmp_path / "out", Stops(2))
    assert not (tmp_path / "out" / "_manifest.json").exists()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("part-*")}
    assert len(before) == 2
    written = run(data, tmp_path / "out")
    assert written.before == 2
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    again = run(data, tmp_path / "out", Stops(0))  # nothing is left to do
    assert again.before == again.pieces and again.rows == written.rows


def test_a_part_that_is_lost_is_made_again(tmp_path, table):
    """A note of it is not enough, nor is a file of another size."""
    data = source(tmp_path / "data", table)
    run(data, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(data, tmp_path / "out", Stops(3))
    (tmp_path / "out" / "part-00000.parquet").unlink()
    (tmp_path / "out" / "part-00001.parquet").write_bytes(b"PAR1")
    assert run(data, tmp_path / "out").before == 1
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_the_folder_of_another_run_is_refused(tmp_path, table):
    """With what is different: settings, data; and a folder with other files."""
    data = source(tmp_path / "data", table)
    run(data, tmp_path / "out")
    with pytest.raises(StorageError, match="another setting of the forecast"):
        run(data, tmp_path / "out", asked=Asked(None, "pretrained", Options(horizon=5)))
    source(data, table.iloc[:-1])
    with pytest.raises(StorageError, match="another source"):
        run(data, tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(StorageError, match="holds other files"):
        run(data, tmp_path / "mine")


def test_the_manifest_says_what_is_there(tmp_path, table):
    """Each file with its size, digest, rows and series; and it has the documented shape."""
    jsonschema = pytest.importorskip("jsonschema")
    from pathlib import Path

    run(source(tmp_path / "data", table), tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "_manifest.json").read_text())
    schema = Path(__file__).parents[2] / "docs" / "schemas" / "manifest-1.json"
    jsonschema.validate(manifest, json.loads(schema.read_text()))
    for file in manifest["files"]:
        path = tmp_path / "out" / file["file"]
        assert (path.stat().st_size, pq.read_metadata(path).num_rows) == (file["bytes"], file["rows"])
    assert sum(file["series"] for file in manifest["files"]) == manifest["series"] == SERIES


def test_an_error_names_the_file_and_row_of_the_source(tmp_path, table):
    """Also where the rows were brought together first."""
    table = table.sort_values("month", kind="stable").astype({"demand": object})
    table.iloc[500, 2] = "a lot"
    table["demand"] = table["demand"].astype(str)
    with pytest.raises(DataError, match=r"part-1.parquet, row 193") as caught:
        run(source(tmp_path / "data", table), tmp_path / "out")
    assert "a lot" in str(caught.value)


def test_findings_are_those_of_all_pieces(tmp_path, table):
    """Each once, with the counts of all."""
    table = table.drop(index=[5, 6, 405])
    written = run(source(tmp_path / "data", table), tmp_path / "out")
    (gaps,) = (finding for finding in written.findings if finding.code == "D002")
    assert gaps.count == 3 and "1 more piece" in gaps.message


def test_old_data_is_no_data_set(tmp_path, table):
    """With --max-age: an error instead of the manifest."""
    asked = Asked(None, "pretrained", OPTIONS, max_age="1d")
    with pytest.raises(StaleError):
        run(source(tmp_path / "data", table), tmp_path / "out", asked=asked)
    assert not (tmp_path / "out" / "_manifest.json").exists()


def test_each_file_a_series(tmp_path, table):
    """A folder of files without an id column."""
    (tmp_path / "data").mkdir()
    for name, part in table.groupby("name"):
        part = pa.Table.from_pandas(part[["month", "demand"]], preserve_index=False)
        pq.write_table(part, tmp_path / "data" / f"{name}.parquet")
    with pytest.raises(UsageError, match="no column that names series"):
        run(tmp_path / "data", tmp_path / "out")
    written = run(tmp_path / "data", tmp_path / "out", read=ReadConfig(layout="files"))
    assert written.series == SERIES
    found = pd.read_parquet(tmp_path / "out")
    assert sorted(set(found["series"])) == sorted(set(table["name"]))


def test_what_needs_the_whole_table(tmp_path, table):
    """A hierarchy, and a table of one series."""
    data = source(tmp_path / "data", table)
    with pytest.raises(UsageError, match="hierarchy"):
        run(data, tmp_path / "out", read=ReadConfig(hierarchy=("name",)))
    alone = pa.Table.from_pandas(table[["month", "demand"]][:ROWS], preserve_index=False)
    pq.write_table(alone, tmp_path / "one.parquet")
    with pytest.raises(DataError, match="no column that names the series"):
        run(tmp_path / "one.parquet", tmp_path / "out")


def test_a_worker_that_is_killed(tmp_path, table, monkeypatch):
    """Its piece is forecast by another: nothing is lost or doubled."""
    data = source(tmp_path / "data", table)
    run(data, tmp_path / "whole")
    killed = []

    def kill(what, done, total):
        if what == in_pieces.FORECASTING and done == 1 and not killed:
            worker = next(iter(engine.crew.workers.values()))
            os.kill(worker.process.pid, signal.SIGKILL)
            killed.append(worker)

    engine = Processes(2)
    run(data, tmp_path / "out", engine, on_step=kill)
    assert killed and content(tmp_path / "out") == content(tmp_path / "whole")


def test_two_runs_at_once(tmp_path, table):
    """The second is refused while the first is at work, whatever it has done."""
    data = source(tmp_path / "data", table)
    with pytest.raises(KeyboardInterrupt):
        run(data, tmp_path / "out", Stops(1))
    with (
        lock(tmp_path / "out" / "_work" / "run.json"),
        pytest.raises(LockedError, match="another run is writing"),
    ):
        run(data, tmp_path / "out")
    assert run(data, tmp_path / "out").before == 1


def test_the_folder_is_told_by_its_slash():
    """out/ is a folder, out is none."""
    assert data_set.is_folder("out/") and not data_set.is_folder("out") and not data_set.is_folder("/")


@pytest.mark.parametrize("how", ["in order", "by time"])
def test_from_bucket_to_bucket(tmp_path, table, bucket, how):
    """A data set elsewhere, forecast into a folder elsewhere, stopped in between: the same bytes."""
    table = table if how == "in order" else table.sort_values("month", kind="stable")
    for path in source(tmp_path / "data", table).iterdir():
        bucket.put(f"data/{path.name}", path.read_bytes())
    run(tmp_path / "data", tmp_path / "whole")
    data, out = (bucket / "data").url, f"{(bucket / 'out/today').url}/"
    with pytest.raises(KeyboardInterrupt):
        run(data, out, Stops(2))
    assert run(data, out).before == 2
    parts = content(tmp_path / "whole")
    names = [f"out/today/{name}" for name in ("_manifest.json", *parts)]
    assert [key for key in bucket.keys() if key.startswith("out/")] == names  # noqa: SIM118 - no mapping
    assert all(storage.read(bucket / f"out/today/{name}") == part for name, part in parts.items())
    with pytest.raises(StorageError, match="another setting"):
        run(data, out, asked=Asked(None, "pretrained", Options(horizon=5)))


def test_pieces_without_any_value(tmp_path, table):
    """The first, and the last, have none: their series are left out, as those of a whole table are."""
    table.loc[table["name"].isin(["s00", "s01", "s02", "s03", "s04", "s20", "s21", "s22"]), "demand"] = np.nan
    written = run(source(tmp_path / "data", table), tmp_path / "out")
    (found,) = [finding for finding in written.findings if finding.code == "V004"]
    assert (written.series, found.count, found.severity) == (SERIES - 8, 8, "repair")
    assert "'s00'" in found.message
    with pytest.raises(DataError, match="V004"):
        run(tmp_path / "data", tmp_path / "strict", read=ReadConfig(strict=True))


def test_series_of_another_frequency(tmp_path, table):
    """Series in later pieces that are apart by several steps of the first piece are refused, unless told."""
    other = table["name"] > "s15"
    years = pd.date_range("1980-01", periods=ROWS, freq="YS")
    table.loc[other, "month"] = np.tile(years, other.sum() // ROWS)
    data = source(tmp_path / "data", table)
    with pytest.raises(DataError, match="another frequency than MS") as error:
        run(data, tmp_path / "out")
    assert "--freq" in error.value.hint
    assert run(data, tmp_path / "told", read=ReadConfig(freq="MS")).series == SERIES


def test_what_was_complete_may_be_old_now(tmp_path, table):
    """The same command on another day ends as it would in a new folder; another --max-age loses no work."""
    data, asked = source(tmp_path / "data", table), dataclasses.replace(ASKED, max_age="2d")
    with pytest.raises(StaleError):
        run(data, tmp_path / "out", asked=asked)
    written = run(data, tmp_path / "out", asked=dataclasses.replace(ASKED, max_age="any"))
    assert written.before == written.pieces
    with pytest.raises(StaleError, match="--max-age is 2d"):
        run(data, tmp_path / "out", asked=asked)


@pytest.mark.parametrize("how", ["gone", "cut off"])
def test_a_complete_data_set_that_lost_a_part(tmp_path, table, how):
    """It is not complete, although its manifest is there."""
    data, part = source(tmp_path / "data", table), tmp_path / "out" / "part-00001.parquet"
    run(data, tmp_path / "out")
    if how == "gone":
        part.unlink()
    else:
        part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(StorageError, match=r"part-00001\.parquet is gone or cut off"):
        run(data, tmp_path / "out")


class TooLittle(InTurn):
    """An engine whose workers lack memory."""

    def map(self, *_):
        raise MemoryLimitError("a process has died", hint=FEWER)


def test_what_helps_where_a_worker_lacks_memory(tmp_path, table):
    """Fewer workers, and smaller pieces: both are options of this command."""
    data = source(tmp_path / "data", table)
    with pytest.raises(MemoryLimitError) as error:
        run(data, tmp_path / "out", TooLittle())
    assert error.value.hint == "Use fewer --workers. Or make smaller pieces: --piece-rows."
