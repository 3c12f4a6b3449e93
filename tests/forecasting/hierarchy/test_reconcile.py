"""Forecasts of a hierarchy add up, as the formula with all its matrices has it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from panels import panel_of

from forecaster.data.series.hierarchy.tree import NONE, TOTAL, tree_of
from forecaster.forecasting.hierarchy.reconcile import reconciled, rounded, tree_at

SEEDS = st.integers(0, 2**32 - 1)


def some_tree(rng, *, depth=3):
    """The tree of random ids of `depth` parts, with all sums above them."""
    parts = rng.integers(0, 3, size=(rng.integers(1, 12), depth))
    ids = {"/".join("abc"[place] for place in row) for row in parts}
    upper = {each.rsplit("/", cut)[0] for each in ids for cut in range(1, depth)}
    return tree_of(sorted(ids | upper | {TOTAL}))


def naive_matrix(tree):
    """The summing matrix S (S, B) of the series at the bottom."""
    bottom = np.flatnonzero(~tree.is_sum)
    matrix = np.zeros((len(tree.parent), len(bottom)))
    for column, series in enumerate(bottom):
        at = series
        while at != NONE:
            matrix[at, column] = 1
            at = tree.parent[at]
    return matrix, bottom


def naive_minimum_trace(tree, point, variance):
    """S (Sᵀ W⁻¹ S)⁻¹ Sᵀ W⁻¹ ŷ with the variance of a sum as that of its series, for one step (S,)."""
    matrix, bottom = naive_matrix(tree)
    inverse = np.diag(1 / (matrix @ variance[bottom]))
    return matrix @ np.linalg.solve(matrix.T @ inverse @ matrix, matrix.T @ inverse @ point)


@given(SEEDS)
def test_minimum_trace_is_the_projection(seed):
    """Once up and once down the tree gives what the matrices give."""
    rng = np.random.default_rng(seed)
    tree = some_tree(rng)
    point = rng.normal(100, 30, (len(tree.parent), 3))
    variance = rng.uniform(0.1, 10, point.shape)
    found = reconciled(tree, point, variance, "mint")
    for step in range(3):
        expected = naive_minimum_trace(tree, point[:, step], variance[:, step])
        np.testing.assert_allclose(found[:, step], expected, rtol=1e-8)


@given(SEEDS, st.sampled_from(["mint", "bottom-up"]))
def test_forecasts_add_up(seed, how):
    """To 1e-9 of the sum of sizes. Certain series do not move, and forecasts that add up stay."""
    rng = np.random.default_rng(seed)
    tree = some_tree(rng)
    point = rng.normal(0, 1, (len(tree.parent), 2)) * 10.0 ** rng.integers(-6, 9, (len(tree.parent), 1))
    variance = rng.uniform(0, 1, point.shape) * 10.0 ** rng.integers(-6, 9, (len(tree.parent), 1))
    variance[rng.random(len(variance)) < 0.3] = 0.0
    found = reconciled(tree, point, variance, how)
    matrix, bottom = naive_matrix(tree)
    size = matrix @ np.abs(found[bottom])
    assert (np.abs(found - matrix @ found[bottom]) <= 1e-9 * size).all()
    certain = bottom[(variance[bottom] == 0).all(axis=1)]
    np.testing.assert_array_equal(found[certain], point[certain])
    if how == "bottom-up":
        np.testing.assert_array_equal(found[bottom], point[bottom])
    agreed = tree.summed(point)
    np.testing.assert_allclose(
        reconciled(tree, agreed, variance, how), agreed, rtol=1e-9, atol=1e-9 * size.max()
    )


def hierarchy(*columns):
    """A panel of a/x, a/y, b/x and their sums, from three columns (n,)."""
    first, second, third = (np.asarray(each, float) for each in columns)
    both = first + second
    series = {"a": both, "a/x": first, "a/y": second, "b": third, "b/x": third, TOTAL: both + third}
    panel = panel_of(*series.values())
    return type(panel)(**{**vars_of(panel), "ids": tuple(series), "levels": (TOTAL, "1", "2")})


def vars_of(panel):
    """The fields of a panel."""
    return {name: getattr(panel, name) for name in panel.__dataclass_fields__}


def test_a_sum_whose_series_are_not_all_there_stands_for_itself():
    """Where a series is not forecast, the sums above it are not what is left; other sums stay sums."""
    rng = np.random.default_rng(0)
    panel = hierarchy(*rng.random((3, 20)))
    whole = tree_at(panel, panel.lengths)
    assert whole.is_sum.tolist() == [True, False, False, True, False, True]
    part = panel.only(np.repeat([name != "a/y" for name in panel.ids], panel.lengths))
    left = tree_at(part, part.lengths)
    assert dict(zip(part.ids, left.is_sum.tolist(), strict=True)) == {
        "a": False, "a/x": False, "b": True, "b/x": False, TOTAL: True,
    }  # fmt: skip
    point = rng.random((5, 1))
    found = dict(zip(part.ids, reconciled(left, point, point, "bottom-up")[:, 0], strict=True))
    assert found["a"] == point[0, 0] and found[TOTAL] == pytest.approx(found["a"] + found["b"])


def test_what_follows_an_origin_changes_no_tree():
    """Rows after the origin are not compared; forecasts that begin at different times do not add up."""
    rng = np.random.default_rng(0)
    panel = hierarchy(*rng.random((3, 20)))
    values = panel.values.copy()
    late = np.arange(len(values)) % 20 >= 15
    values[late] = 10**6 * rng.random((late.sum(), 1))
    changed = type(panel)(**{**vars_of(panel), "values": values})
    origins = np.full(len(panel), 15)
    for each in (panel, changed):
        np.testing.assert_array_equal(tree_at(each, origins).parent, tree_at(panel, panel.lengths).parent)
    assert tree_at(panel, np.array([15, 15, 15, 15, 15, 14])) is None
    assert not tree_at(changed, panel.lengths).is_sum.any()


@given(SEEDS)
def test_whole_numbers_add_up_near_the_forecasts(seed):
    """No number moves by one or more, wherever it is in the tree; what is not whole stays as it is."""
    rng = np.random.default_rng(seed)
    tree = some_tree(rng)
    values = tree.summed(rng.uniform(0, 3, (len(tree.parent), 2)))
    whole = rng.random(len(values)) < 0.8
    found = tree.summed(rounded(tree, values, whole))
    matrix, bottom = naive_matrix(tree)
    np.testing.assert_allclose(found, matrix @ found[bottom], atol=1e-9)
    assert (found[bottom[whole[bottom]]] % 1 == 0).all() and (found >= 0).all()
    np.testing.assert_array_equal(found[bottom[~whole[bottom]]], values[bottom[~whole[bottom]]])
    alone = [set(bottom[column > 0]) <= set(np.flatnonzero(whole)) for column in matrix]
    assert (np.abs(found - values)[alone] < 1).all()


def test_many_small_counts_keep_their_sum():
    """A hundred series of 0.3 add up to 30, not to none."""
    tree = tree_of([*(f"a/{number}" for number in range(100)), "a", TOTAL])
    values = tree.summed(np.full((102, 1), 0.3))
    found = tree.summed(rounded(tree, values, np.ones(102, np.bool_)))
    assert found[-1] == found[-2] == 30 and set(found[:100, 0]) == {0.0, 1.0}
