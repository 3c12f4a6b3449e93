"""Facts of each series: numbers, two states and words, one value a series."""

import numpy as np
import pandas as pd
import pytest

from forecaster.config import ReadConfig
from forecaster.data.load import load
from forecaster.errors import DataError, UsageError

CONFIG = ReadConfig(id="shop", target=("y",), static=("kind", "size"))
NAN = np.nan


def shops() -> pd.DataFrame:
    """Three shops, one of them without sales."""
    facts = {"c": ("small", 1.5), "a": ("large", 3.0), "b": ("small", NAN), "empty": ("huge", 9.0)}
    parts = [
        pd.DataFrame(
            {
                "day": pd.date_range("2024-01-01", periods=20),
                "shop": name,
                "y": NAN if name == "empty" else np.arange(20) % 7 + 1.0,
                "kind": kind,
                "size": size,
            }
        )
        for name, (kind, size) in facts.items()
    ]
    return pd.concat(parts)


def test_one_value_a_series() -> None:
    """Words have codes in their order, those of series that are left out none; missing facts are counted."""
    loaded = load(shops().sample(frac=1, random_state=1), CONFIG)
    static = loaded.panel.static
    assert static is not None
    assert (static.names, static.words) == (("kind", "size"), (("large", "small"), None))
    np.testing.assert_array_equal(static.values, [[0, 3], [1, NAN], [1, 1.5]])
    (missing,) = (finding for finding in loaded.findings if finding.code == "K009")
    assert (missing.count, "'size': 'b'" in missing.message) == (1, True)
    assert loaded.uses["kind"] == "static"
    assert loaded.panel.names.static == ("kind", "size")


def test_a_cell_in_one_row_is_enough() -> None:
    """Further rows may be empty."""
    table = shops().reset_index(drop=True)
    table.loc[table.index % 20 != 7, "kind"] = None
    static = load(table, CONFIG).panel.static
    assert static is not None
    assert static.values[:, 0].tolist() == [0, 1, 1]


def test_several_values() -> None:
    """The error names line, both values and the option for what changes."""
    table = shops().reset_index(drop=True)
    table.loc[45, "kind"] = "new"
    with pytest.raises(
        DataError, match="row 45, column 'kind': 'new', where series 'b' had 'small'"
    ) as error:
        load(table, CONFIG)
    assert "--known" in error.value.hint


def test_wide_tables_have_none() -> None:
    """No row belongs to one series."""
    table = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=20), "a": 1.5, "b": 2.5, "kind": "x"})
    with pytest.raises(UsageError, match="wide table"):
        load(table, ReadConfig(target=("a", "b"), static=("kind",)))


def test_words_of_a_model() -> None:
    """Codes are those of the model's words; an unknown word gets the next one, and is counted."""
    loaded = load(shops(), CONFIG, words={"kind": ("big", "large", "tiny"), "size": None})
    assert loaded.panel.static is not None
    assert loaded.panel.static.words == (("big", "large", "tiny"), None)
    assert loaded.panel.static.values[:, 0].tolist() == [1, 3, 3]
    (unseen,) = (finding for finding in loaded.findings if finding.code == "K007")
    assert (unseen.count, "'small'" in unseen.message) == (2, True)


def test_a_model_of_numbers_reads_no_words() -> None:
    """What the model knows as numbers must be numbers."""
    with pytest.raises(DataError, match="'small' is not a number"):
        load(shops().astype(str), CONFIG, words={"kind": None, "size": None})


def test_an_empty_column() -> None:
    """A fact that no series has is an error."""
    with pytest.raises(DataError, match="'kind': no value at all"):
        load(shops().assign(kind=None), CONFIG)
