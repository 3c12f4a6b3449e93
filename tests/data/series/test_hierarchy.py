"""Hierarchies: which series are sums of others, what is known of a sum, and which tables are refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import found

from forecaster.config import Limits, ReadConfig
from forecaster.data.load import load
from forecaster.data.series.hierarchy.tree import NONE, TOTAL, levels_of, sums_of, tree_of
from forecaster.errors import DataError, UsageError
from forecaster.features.view import possible

DAYS = pd.date_range("2024-01-01", periods=40)
SHOPS = {"north/a": 1.0, "north/b": 2.0, "south/a": 4.0}


def table(series, *, column="id"):
    """A long table of {id: values}; values may be a number, to which a wave is added; NaN: no row."""
    parts = []
    for name, values in series.items():
        y = values * (10 + np.arange(40) % 7) if np.isscalar(values) else np.asarray(values, float)
        parts.append(pd.DataFrame({column: name, "ds": DAYS, "y": y}))
    return pd.concat(parts, ignore_index=True).dropna()


def read(series, hierarchy=("id",), **settings):
    """The table as loaded."""
    return load(table(series), ReadConfig(hierarchy=hierarchy, **settings))


def column(panel, name):
    """The target of a series by its id."""
    series = panel.ids.index(name)
    return panel.target[panel.offsets[series] : panel.offsets[series + 1]]


def test_all_levels_are_series():
    """The total, each prefix and each id is a series; a sum is that of its rows."""
    panel = read(SHOPS).panel
    assert panel.ids == ("north", "north/a", "north/b", "south", "south/a", TOTAL)
    assert panel.levels == (TOTAL, "level 1", "level 2")
    assert levels_of(panel) == ("level 1", "level 2", "level 2", "level 1", "level 2", TOTAL)
    wave = 10 + np.arange(40) % 7
    np.testing.assert_allclose(column(panel, "north"), 3 * wave, rtol=1e-12)
    np.testing.assert_allclose(column(panel, TOTAL), 7 * wave, rtol=1e-12)
    assert sums_of(panel).tolist() == [True, False, False, True, False, True]


def test_columns_are_the_parts_of_an_id():
    """Named by their columns, the levels have these names, and the joined id reads again as it is."""
    rows = table(SHOPS)
    rows[["region", "shop"]] = rows.pop("id").str.split("/", expand=True).to_numpy()
    loaded = load(rows, ReadConfig(hierarchy=("region", "shop")))
    assert loaded.panel.levels == (TOTAL, "region", "region/shop")
    assert loaded.panel.names.id == loaded.read.id == "region+shop"
    again = load(rows, loaded.read)
    assert again.panel.ids == loaded.panel.ids == read(SHOPS).panel.ids
    with pytest.raises(UsageError, match="different series"):
        load(rows, ReadConfig(hierarchy=("region", "shop"), id="shop"))
    with pytest.raises(UsageError, match="no column 'town'"):
        load(rows, ReadConfig(hierarchy=("region", "town")))


def test_columns_of_a_wide_table_add_up():
    """The columns of a wide table are series, which forecasts call `series`; ids of one part have a total."""
    wide = pd.DataFrame({"ds": DAYS, "a": np.arange(40.0), "b": 1.0 + np.arange(40) % 3})
    panel = load(wide, ReadConfig(hierarchy=("series",), target=("a", "b"))).panel
    assert panel.ids == ("a", "b", TOTAL)
    np.testing.assert_allclose(column(panel, TOTAL), column(panel, "a") + column(panel, "b"))


def test_without_the_option_nothing_changes_but_a_finding():
    """Ids of parts stay series of their own; a finding says what to type, and that works."""
    loaded = load(table(SHOPS))
    assert loaded.panel.ids == tuple(SHOPS) and not loaded.panel.levels
    assert "--hierarchy id" in found(loaded, "A001").action
    for series in (
        {"a": 1.0, "b": 2.0, "c": 3.0},
        {"a/x": 1.0, "b/x": 2.0, "c/x": 3.0},
        {"a/x": 1.0, "a": 2.0},
    ):
        assert "A001" not in {each.code for each in load(table(series)).findings}


def test_a_gap_makes_a_sum_unknown_not_smaller():
    """Where one series has no value, its sums have none; others have."""
    gap = 2.0 * (10 + np.arange(40) % 7)
    gap[20:23] = np.nan
    loaded = read(SHOPS | {"north/b": gap})
    for name in ("north/b", "north", TOTAL):
        assert np.flatnonzero(np.isnan(column(loaded.panel, name))).tolist() == [20, 21, 22]
    assert np.isfinite(column(loaded.panel, "south")).all()
    assert found(loaded, "A003").count == 6


def test_a_later_series_counts_as_nothing_before():
    """A sum goes back to the first of its series; a warning names those that begin later."""
    late = np.where(np.arange(40) < 25, np.nan, 5.0 + np.arange(40) % 2)
    loaded = read(SHOPS | {"south/b": late})
    south = column(loaded.panel, "south")
    assert len(column(loaded.panel, "south/b")) == 15 and len(south) == 40
    np.testing.assert_allclose(south[:25], 4.0 * (10 + np.arange(25) % 7))
    np.testing.assert_allclose(south[25:], 4.0 * (10 + np.arange(25, 40) % 7) + late[25:])
    assert found(loaded, "A004").severity == "warning" and "south/b" in found(loaded, "A004").message


@pytest.mark.parametrize(("last", "code"), [(36, "A005"), (10, "A006")])
def test_a_series_that_ends_earlier(last, code):
    """A little earlier: its newest rows are missing, and those of its sums. Long before: it counts while it
    lasted, and is no series any more. All series end together."""
    early = np.where(np.arange(40) > last, np.nan, 3.0 + np.arange(40) % 4)
    loaded = read(SHOPS | {"north/c": early})
    panel, total = loaded.panel, column(loaded.panel, TOTAL)
    others = 7.0 * (10 + np.arange(40) % 7)
    np.testing.assert_allclose(total[: last + 1], others[: last + 1] + early[: last + 1])
    assert set(panel.time[panel.offsets[1:] - 1]) == {panel.time.max()}
    assert "north/c" in found(loaded, code).message
    if code == "A005":
        assert np.isnan(total[last + 1 :]).all() and np.isnan(column(panel, "north/c")[last + 1 :]).all()
    else:
        np.testing.assert_allclose(total[last + 1 :], others[last + 1 :])
        assert "north/c" not in panel.ids


def test_sums_that_a_table_has_are_left_out():
    """Series with fewer parts are compared with the sums and left out; other numbers are refused."""
    given = {"north": 3.0, "total": 7.0, "All shops": 7.0}
    loaded = read(SHOPS | given)
    assert loaded.panel.ids == read(SHOPS).panel.ids
    assert found(loaded, "A007").count == 3
    with pytest.raises(DataError, match="'north' has fewer parts than others, and is no sum of them: 31 at"):
        read(SHOPS | {"north": 3.0 + np.where(np.arange(40) == 0, 28.0, 3 * (9.0 + np.arange(40) % 7))})


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (SHOPS | {"north/sum": 3.0}, "'north/sum' is the sum of the 2 others beside it"),
        (SHOPS | {"east/a": 2.0, "all/a": 9.0}, "'all' is the sum of the 3 others beside it"),
        (SHOPS | {"total/x": 5.0}, "is called 'total'"),
        (SHOPS | {"north/": 1.0}, "has an empty part"),
        (SHOPS | {"east": 1.0}, "'east' has fewer parts"),
    ],
)
def test_ids_that_do_not_fit_a_hierarchy(series, message):
    """Sums among other series would count twice; each part has a name; all ids have as many parts."""
    with pytest.raises(DataError, match=message):
        read(series)


def test_a_value_that_holds_the_separator():
    """Two columns make ids of two parts."""
    rows = table(SHOPS)
    rows["region"], rows["shop"] = "north", rows.pop("id")
    with pytest.raises(DataError, match="a value holds /"):
        load(rows, ReadConfig(hierarchy=("region", "shop")))


def test_what_does_not_add_up_is_refused():
    """One series has no sums; rows at other times and sums hardly ever known cannot be used."""
    one = pd.DataFrame({"ds": DAYS, "y": np.arange(40.0)})
    with pytest.raises((DataError, UsageError)):
        load(one, ReadConfig(hierarchy=("series",)))
    with pytest.raises(DataError, match="directions"):
        load(table(SHOPS), ReadConfig(hierarchy=("id",)), limits=Limits(circular=360))
    rows = table(SHOPS)
    rows.loc[rows["id"] == "south/a", "ds"] += pd.Timedelta(hours=6)
    with pytest.raises(DataError, match="at other times"):
        load(rows, ReadConfig(hierarchy=("id",), freq="D"))
    odd, even = (np.where(np.arange(40) % 2 == left, np.nan, 1.0 + np.arange(40)) for left in (0, 1))
    with pytest.raises(DataError, match="'a' is known at 1 of 40 rows"):
        read({"a/x": odd, "a/y": even}, freq="D")


def test_covariates_of_sums_are_means():
    """The covariate of a sum is the mean of those of its series."""
    rows = table(SHOPS)
    rows["price"] = (
        rows["id"].map({"north/a": 1.0, "north/b": 4.0, "south/a": 10.0}) + np.arange(len(rows)) % 2
    )
    panel = load(rows, ReadConfig(hierarchy=("id",), covariates=("price",))).panel
    price = dict(zip(panel.ids, np.split(panel.values[:, 1], panel.offsets[1:-1]), strict=True))
    np.testing.assert_allclose(price[TOTAL], (price["north/a"] + price["north/b"] + price["south/a"]) / 3)


def test_limits_of_a_user_are_of_the_series_not_of_their_sums():
    """At most 40 in each shop is no limit of all shops, and no finding about them."""
    loaded = load(table(SHOPS), ReadConfig(hierarchy=("id",)), limits=Limits(upper=70.0))
    panel = loaded.panel
    limits = possible(panel, panel.lengths, 3, scales="each", limits=Limits(upper=70.0)).limits
    assert (limits.upper == 70.0).tolist() == [False, True, True, False, True, False]
    assert "V012" not in {each.code for each in loaded.findings}


PARTS = st.lists(st.text("ab", min_size=1, max_size=2), min_size=2, max_size=2).map("/".join)


@given(st.lists(PARTS, min_size=1, max_size=8, unique=True), st.booleans())
def test_each_sum_of_a_tree_is_that_of_the_ids_below(ids, drop):
    """A sum is that of all series whose id begins with its own, also where a level is left out."""
    upper = {each.split("/")[0] for each in ids} if not drop else set()
    names = (*ids, *sorted(upper), TOTAL)
    tree = tree_of(names)
    values = np.arange(1.0, len(names) + 1) ** 2
    summed = dict(zip(names, tree.summed(values), strict=True))
    below = {name: [each for each in ids if name == TOTAL or each.startswith(f"{name}/")] for name in names}
    for name in names:
        expected = sum(values[names.index(each)] for each in below[name] or [name])
        assert summed[name] == expected
    assert (tree.parent == NONE).sum() == 1
