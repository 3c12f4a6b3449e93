"""Which columns of a data set are used: ids are found also where each row that is looked at has its own."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecaster.config import ReadConfig
from forecaster.data.pieces.columns import columns_used
from forecaster.data.pieces.files import files_of
from forecaster.errors import UsageError

SERIES, ROWS = 4000, 10


def rows_in_any_order(folder, name, ids, files):
    """A row of each id and day, shuffled, and a number of the row that names nothing."""
    order = np.random.default_rng(0).permutation(SERIES * ROWS)
    days = np.datetime64("2026-01-01", "s") + np.arange(ROWS) * np.timedelta64(1, "D")
    columns = {
        "row_key": [f"r{number}" for number in range(SERIES * ROWS)],
        "day": np.tile(days, SERIES)[order],
        "sales": order * 0.5,
        name: np.repeat(ids, ROWS)[order],
    }
    table = pa.table(columns)
    for number in range(files):
        some = table.slice(number * len(table) // files, len(table) // files)
        pq.write_table(some, folder / f"{number}.parquet", row_group_size=len(table) // 2)
    return files_of(folder)


@pytest.mark.parametrize("files", [1, 2])
@pytest.mark.parametrize(
    ("name", "ids"),
    [("sku", np.arange(SERIES)), ("article", np.array([f"a{number}" for number in range(SERIES)]))],
)
def test_ids_of_many_series_in_any_order(tmp_path, name, ids, files):
    """Few rows of each series are seen at first: the id is told by all rows of some of them."""
    config, columns, _ = columns_used(rows_in_any_order(tmp_path, name, ids, files), ReadConfig())
    assert (config.layout, config.id, config.target) == ("long", name, ("sales",))
    assert sorted(columns) == sorted(["day", "sales", name])


def test_a_column_that_never_repeats_names_no_series(tmp_path):
    """A key of each row is no id, though it looks like one; without another column it is an error."""
    files = rows_in_any_order(tmp_path, "other_key", np.array(["x"] * SERIES), 2)
    with pytest.raises(UsageError, match="no column that names series"):
        columns_used(files, ReadConfig())
