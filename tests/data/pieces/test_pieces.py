"""Pieces of a data set: all rows, each once, no series in two pieces, and where each row comes from."""

from collections import defaultdict
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecaster.data.pieces.files import files_of, fingerprint
from forecaster.data.pieces.piece import head, read_piece
from forecaster.data.pieces.scatter import piece_of, scatter
from forecaster.data.pieces.survey import survey
from forecaster.errors import DataError, StorageError

COLUMNS = ("id", "t", "y")


def write(folder, ids, cuts=(), group=4, names=None):
    """Rows with these ids, the row number as value, in several files; the folder."""
    bounds = [0, *sorted(cuts), len(ids)]
    table = pa.table({"id": ids, "t": list(range(len(ids))), "y": [float(n) for n in range(len(ids))]})
    for number, (start, stop) in enumerate(pairwise(bounds)):
        name = names[number] if names else f"part-{number:03d}.parquet"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.slice(start, stop - start), folder / name, row_group_size=group)
    return folder


def rows_of(pieces, columns=COLUMNS):
    """(id, value) of the rows of each piece."""
    tables = [read_piece(piece, columns) for piece in pieces]
    return [
        list(zip(*(table.columns[name].to_pylist() for name in ("id", "y")), strict=True))
        for table in tables
        if table is not None
    ]


def check(ids, parts):
    """Every row once, those of a series in their order and in one piece."""
    assert sorted(value for rows in parts for _, value in rows) == list(range(len(ids)))
    pieces = defaultdict(set)
    for number, rows in enumerate(parts):
        last = {}
        for name, value in rows:
            assert ids[int(value)] == name and value > last.get(name, -1)
            last[name] = value
            pieces[name].add(number)
    assert all(len(each) == 1 for each in pieces.values())


an_id = st.sampled_from(["a", "b", "c", "d", "ä", "zz", "10", "9", ""]) | st.text("xy", max_size=3)
some_ids = st.lists(an_id, min_size=1, max_size=40)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=some_ids, ordered=st.booleans(), cuts=st.sets(st.integers(1, 39), max_size=4),
       group=st.integers(1, 9), size=st.integers(1, 12))  # fmt: skip
def test_rows_are_neither_lost_nor_doubled(tmp_path_factory, ids, ordered, cuts, group, size):
    """Of series in order by a survey, of any others by scattering; the survey knows which is which."""
    folder = tmp_path_factory.mktemp("set")
    if ordered:
        ids = sorted(ids, key=str.encode)
    write(folder, ids, [cut for cut in cuts if cut < len(ids)], group)
    files = files_of(folder)
    found = survey(files, "id", size)
    runs = [name for name, before in zip(ids, [None, *ids], strict=False) if name != before]
    keys = [name.encode() for name in runs]
    in_order = all(one < other for one, other in pairwise(keys))
    assert found.rows == len(ids)
    assert (found.pieces is not None) == (in_order and group_size(files) <= 8 * size)
    if found.pieces is not None:
        parts = rows_of(found.pieces)
        check(ids, parts)
        assert found.series == len(set(ids))
        assert all(len(rows) >= size for rows in parts[:-1])
        with_last = [len(rows) for rows in parts]
        longest = max(ids.count(name) for name in ids)
        assert max(with_last) < size + longest
    (folder / "_work").mkdir()
    check(ids, rows_of(scatter(files, "id", COLUMNS, size, folder / "_work")))


def group_size(files):
    """The largest row group."""
    return max(max(file.groups) for file in files)


def test_whole_numbers_as_ids(tmp_path):
    """Their order is that of numbers: 9 before 10."""
    files = files_of(write(tmp_path, [8, 8, 9, 10, 10, 11]))
    found = survey(files, "id", 2)
    assert [[name for name, _ in rows] for rows in rows_of(found.pieces)] == [[8, 8], [9, 10, 10], [11]]


def test_spaces_around_ids_mean_nothing(tmp_path):
    """A series that is written with and without them stays whole, as when it is read."""
    files = files_of(write(tmp_path, ["a", "a ", " a", "b", "b", "b"]))
    assert survey(files, "id", 2).series == 2
    assert len(set(piece_of(pa.array(["a", " a", "a  "]), 50).tolist())) == 1


def test_missing_ids_are_brought_to_be_refused(tmp_path):
    """They are in no order, and in one piece: reading it says where they are."""
    ids = ["a", None, "b", None]
    files = files_of(write(tmp_path, ids))
    assert survey(files, "id", 2).pieces is None
    (tmp_path / "_work").mkdir()
    assert sum(map(len, rows_of(scatter(files, "id", COLUMNS, 2, tmp_path / "_work")))) == 4


def test_ids_of_several_columns_and_of_folders(tmp_path):
    """A joined id, and one that the names of folders give, are ids as when all is read at once."""
    write(tmp_path, ["x", "x", "y", "x"], [2], names=["shop=1/a.parquet", "shop=2/a.parquet"])
    files = files_of(tmp_path)
    columns = ("shop", *COLUMNS)
    found = survey(files, "shop+id", 1)
    assert found.series is None  # 2/y comes before 2/x
    (tmp_path / "_work").mkdir()
    pieces = scatter(files, "shop+id", columns, 1, tmp_path / "_work")
    tables = [table for piece in pieces if (table := read_piece(piece, columns)) is not None]
    pairs = [[table.columns[name].to_pylist() for name in ("shop", "id")] for table in tables]
    ids = [list(zip(*pair, strict=True)) for pair in pairs]
    assert sorted(row for part in ids for row in set(part)) == [("1", "x"), ("2", "x"), ("2", "y")]
    assert sorted(row for part in ids for row in part) == [("1", "x"), ("1", "x"), ("2", "x"), ("2", "y")]
    assert all("shop" in table.keys for table in tables)
    assert survey(files, "shop", 1).series == 2


def test_each_file_a_series(tmp_path):
    """Without an id column, files are cut between, and keep the names of their series."""
    files = files_of(write(tmp_path, ["-"] * 9, [3, 4], names=["k.parquet", "l.parquet", "m.parquet"]))
    found = survey(files, None, 4)
    stems = [[part.stem for part in read_piece(piece, ("t",)).parts] for piece in found.pieces]
    assert stems == [["k", "l"], ["m"]]


@pytest.mark.parametrize("scattered", [False, True])
def test_where_a_row_comes_from(tmp_path, scattered):
    """Messages name the file and row of the data set, not those of the piece."""
    files = files_of(write(tmp_path, ["a", "a", "b", "c", "c", "c"], [4], group=2))
    work = tmp_path / "_work"
    work.mkdir()
    (piece,) = scatter(files, "id", COLUMNS, 6, work) if scattered else survey(files, "id", 6).pieces
    table = read_piece(piece, COLUMNS)
    places = {value: table.where(row) for row, value in enumerate(table.columns["y"].to_pylist())}
    assert places[1.0].startswith("part-000.parquet, row 1")
    assert "part-001.parquet" in places[5.0] and "row 1" in places[5.0]


def test_a_file_that_changes_is_refused(tmp_path):
    """Between the survey and the reading of a piece, and its fingerprint is another."""
    files = files_of(write(tmp_path, ["a", "b", "c"]))
    found = survey(files, "id", 1)
    write(tmp_path, ["a", "b", "b", "c"])
    assert fingerprint(files_of(tmp_path)) != fingerprint(files)
    with pytest.raises(DataError, match="changed since it was listed"):
        read_piece(found.pieces[0], COLUMNS)


def test_what_is_no_data_set(tmp_path):
    """Text, damaged files, files of other columns, no rows, no file."""
    (tmp_path / "a.csv").write_text("id,t,y\n")
    with pytest.raises(DataError, match="no Parquet file"):
        files_of(tmp_path)
    (tmp_path / "a.csv").rename(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="damaged Parquet"):
        files_of(tmp_path)
    write(tmp_path, [], names=["a.parquet"])
    with pytest.raises(DataError, match="no rows"):
        files_of(tmp_path)
    pq.write_table(pa.table({"id": ["a"], "z": [1]}), tmp_path / "b.parquet")
    with pytest.raises(DataError, match="different columns"):
        files_of(tmp_path)
    with pytest.raises(StorageError):
        files_of(tmp_path / "missing")


def test_numbers_of_different_types(tmp_path):
    """Whole numbers in one file and decimals in the next are one column."""
    pq.write_table(pa.table({"id": ["a", "b"], "t": [1, 1], "y": [1, 2]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"id": ["a", "b"], "t": [2, 2], "y": [1.5, 2.5]}), tmp_path / "b.parquet")
    files = files_of(tmp_path)
    assert survey(files, "id", 2).pieces is None
    (tmp_path / "_work").mkdir()
    (part,) = rows_of(scatter(files, "id", COLUMNS, 9, tmp_path / "_work"))
    assert sorted(part) == [("a", 1.0), ("a", 1.5), ("b", 2.0), ("b", 2.5)]


def test_the_head_of_a_file(tmp_path):
    """The first rows with all columns, to see what they are."""
    (file,) = files_of(write(tmp_path, ["a", "b", "c"]))
    table = head(file, 2)
    assert table.rows == 2 and list(table.columns) == list(COLUMNS)
    assert table.columns["y"].to_pylist() == [0.0, 1.0]
