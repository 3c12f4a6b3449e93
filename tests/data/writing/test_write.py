"""Writing: what is written reads back, and a reader sees the old file or the new one."""

import gzip
import io
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from forecaster.data.labels import Names, times_as_strings
from forecaster.data.load import load
from forecaster.data.writing.atomic import atomic_write
from forecaster.data.writing.export import export_panel
from forecaster.data.writing.write import check_destination, write_table
from forecaster.errors import StorageError, UsageError


def table(values: list[float]) -> pd.DataFrame:
    """A table as of a forecast."""
    times = pd.date_range("2024-01-31 06:00", periods=len(values), freq="6h")
    return pd.DataFrame(
        {"unique_id": [f"s{row}" for row in range(len(values))], "ds": times, "forecast": values}
    )


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".json"])
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
@examples(20)
def test_every_format_reads_back(
    tmp_path_factory: pytest.TempPathFactory, ending: str, values: list[float]
) -> None:
    """Numbers come back to the last bit, times and ids unchanged, from each format."""
    frame, path = table(values), tmp_path_factory.mktemp("out") / f"x{ending}"
    write_table(frame, path)
    if ending == ".parquet":
        back = pd.read_parquet(path)
    elif ending == ".json":
        back = pd.DataFrame(json.loads(path.read_text()))
    else:
        back = pd.read_csv(path, sep="\t" if "tsv" in ending else ",", dtype=str)
    assert back["forecast"].astype(object).map(float).tolist() == values
    assert pd.to_datetime(back["ds"]).tolist() == frame["ds"].tolist()
    assert back["unique_id"].tolist() == frame["unique_id"].tolist()


@pytest.mark.parametrize("format", ["csv", "json", "parquet"])
@pytest.mark.parametrize("destination", [None, "-"])
def test_stdout(monkeypatch: pytest.MonkeyPatch, format: str, destination: str | None) -> None:
    """Without a file the bytes go to stdout, Parquet too."""
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer))
    write_table(table([1.5]), destination, format=format)
    data = buffer.getvalue()
    if format == "parquet":
        assert pd.read_parquet(io.BytesIO(data))["forecast"].tolist() == [1.5]
    else:
        text = data.decode()
        assert (
            text
            == {
                "csv": "unique_id,ds,forecast\ns0,2024-01-31 06:00:00,1.5\n",
                "json": '[{"unique_id": "s0", "ds": "2024-01-31 06:00:00", "forecast": 1.5}]\n',
            }[format]
        )


def test_formulas_are_inert_in_csv(tmp_path: Path) -> None:
    """Text that a spreadsheet would compute gets a quote; all else, also ids such as -12, is left alone."""
    computed = ["=1+1", "+a", "-1+2", "@x", "\tx", "＝1", "＋a", "－1", "＠x"]
    plain = ["-12", "+1", "-1.5e3", "plain", "a=b"]
    frame = pd.DataFrame({"=id": computed + plain, "y": -1.0})
    write_table(frame, tmp_path / "x.csv")
    back = pd.read_csv(tmp_path / "x.csv")
    assert back["'=id"].tolist() == ["'" + text for text in computed] + plain
    assert back["y"].tolist() == [-1.0] * len(back)
    write_table(frame, tmp_path / "x.json")
    assert json.loads((tmp_path / "x.json").read_text())[0] == {"=id": "=1+1", "y": -1.0}


def test_dates_zones_and_missing_cells(tmp_path: Path) -> None:
    """Plain dates stay plain, zones are written as offsets, missing cells are empty or null."""
    days = pd.DataFrame(
        {"d": pd.date_range("2024-01-01", periods=2), "y": [1.0, np.nan], "t": ["a", None], "n": [1, 2]}
    )
    write_table(days, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == "d,y,t,n\n2024-01-01,1.0,a,1\n2024-01-02,,,2\n"
    write_table(days, tmp_path / "x.json")
    assert json.loads((tmp_path / "x.json").read_text())[1] == {
        "d": "2024-01-02",
        "y": None,
        "t": None,
        "n": 2,
    }
    aware = pd.DataFrame({"d": pd.date_range("2024-01-01", periods=1, tz="Asia/Kolkata")})
    write_table(aware, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == "d\n2024-01-01 00:00:00+05:30\n"


@pytest.mark.parametrize(("step", "last"), [("1s", "02"), ("200ms", "00.400"), ("1500us", "00.003000")])
def test_times_of_one_column_have_equally_many_digits(tmp_path: Path, step: str, last: str) -> None:
    """Fractions of a second are written for all times of a column, or for none."""
    times = pd.date_range("2024-01-01 10:26:00", periods=3, freq=step)
    write_table(pd.DataFrame({"t": times}), tmp_path / "x.csv")
    rows = (tmp_path / "x.csv").read_text().split("\n")[1:-1]
    assert rows[-1] == f"2024-01-01 10:26:{last}"
    assert len({len(row) for row in rows}) == 1
    names = Names("t", None, "y")
    assert times_as_strings(times.as_unit("ns").asi8, names) == rows


def test_gzip_has_no_clock(tmp_path: Path) -> None:
    """The same table gives the same compressed bytes at any time, under any name."""
    write_table(table([1.0]), tmp_path / "a.csv.gz")
    write_table(table([1.0]), tmp_path / "b.csv.gz")
    data = (tmp_path / "a.csv.gz").read_bytes()
    assert data == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress(data).startswith(b"unique_id")


def test_unknown_ending(tmp_path: Path) -> None:
    """An unknown ending is a UsageError with the known ones, and nothing is written."""
    for call in (lambda path: write_table(table([1.0]), path), check_destination):
        with pytest.raises(UsageError, match="no known ending") as caught:
            call(tmp_path / "x.xlsx")
        assert ".parquet" in caught.value.hint
    assert list(tmp_path.iterdir()) == []
    check_destination("-")
    check_destination(tmp_path / "x.csv")
    write_table(table([1.0]), tmp_path / "report", format="json")
    assert json.loads((tmp_path / "report").read_text())


def test_atomic_write_keeps_the_mode(tmp_path: Path) -> None:
    """A replaced file keeps its mode; a new one has what the umask allows; no temporary file stays."""
    old = tmp_path / "old"
    old.write_bytes(b"old")
    old.chmod(0o640)
    atomic_write(old, lambda file: file.write(b"new"))
    assert (old.read_bytes(), stat.S_IMODE(old.stat().st_mode)) == (b"new", 0o640)
    mask = os.umask(0o027)
    try:
        atomic_write(tmp_path / "fresh", lambda file: file.write(b"x"))
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "old"]


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("ours")]
)
def test_failed_write_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    """Whatever goes wrong while writing, the old file is whole and nothing else remains."""
    path = tmp_path / "model"
    path.write_bytes(b"old")

    def fail(file) -> None:
        file.write(b"half")
        raise error

    expected = StorageError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected, match="No space left" if isinstance(error, OSError) else None):
        atomic_write(path, fail)
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["model"]


def test_link_stays_a_link(tmp_path: Path) -> None:
    """Writing to a symbolic link replaces the file it points to."""
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    atomic_write(tmp_path / "link", lambda file: file.write(b"new"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_missing_folder(tmp_path: Path) -> None:
    """A folder that is not there is a StorageError."""
    with pytest.raises(StorageError, match="cannot be written: No such file"):
        atomic_write(tmp_path / "none" / "x", lambda file: file.write(b"x"))


def test_a_kill_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    """SIGKILL in the middle of a write, when nothing can be cleaned up, leaves the old file whole."""
    path = tmp_path / "model"
    path.write_bytes(b"old")
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from forecaster.data.writing.write import atomic_write\n"
        "def write(file):\n"
        "    file.write(b'half' * 100_000)\n"
        "    file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "atomic_write(Path(sys.argv[1]), write)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    atomic_write(path, lambda file: file.write(b"new"))
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
def test_exported_times_keep_their_type(tmp_path: Path, tz: str | None) -> None:
    """A Parquet export holds timestamps, in the zone of the source; a CSV export the text of the source."""
    days = pd.date_range("2024-01-01", periods=20, tz=tz)
    panel = load(pd.DataFrame({"ds": days, "y": np.arange(20.0)})).panel
    export_panel(panel, tmp_path / "x.parquet")
    export_panel(panel, tmp_path / "x.csv")
    assert pd.read_parquet(tmp_path / "x.parquet")["time"].tolist() == days.tolist()
    assert pd.read_csv(tmp_path / "x.csv")["time"].iloc[0] == (
        "2024-01-01 00:00:00+01:00" if tz else "2024-01-01"
    )
