"""Softmax cross-entropy against its formula, its gradient against central differences, and class vectors."""

import math

import numpy as np
import pytest

from forecaster.errors import ForecasterError
from forecaster.nn.gradcheck import check_coordinates
from forecaster.nn.sequences.cross_entropy import likeliest, likeliest_one_hot, one_hot, softmax_cross_entropy

T, K, B = 2, 4, 3


def make_case(*, steps=True):
    """Scores (T, K, B), classes and weights (T, B); without steps (K, B) and (B,)."""
    rng = np.random.default_rng(0)
    lead = (T,) if steps else ()
    scores = 2 * rng.standard_normal((*lead, K, B))
    return scores, rng.integers(K, size=(*lead, B)), rng.uniform(0.5, 2, (*lead, B))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("steps", [False, True])
def test_value_is_the_weighted_sum_of_the_naive_formula(steps, weighted):
    """The value is the sum of weight times -log of the softmax at the class."""
    scores, classes, weights = make_case(steps=steps)
    wanted = 0.0
    for index in np.ndindex(classes.shape):
        column = scores[(*index[:-1], slice(None), index[-1])]
        probability = math.exp(column[classes[index]]) / sum(math.exp(score) for score in column)
        wanted -= (weights[index] if weighted else 1) * math.log(probability)
    assert softmax_cross_entropy(scores, classes, weights if weighted else None)[0] == pytest.approx(wanted)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("steps", [False, True])
def test_slope_equals_central_differences(steps, weighted):
    """The slope is the derivative of the value by each score."""
    scores, classes, weights = make_case(steps=steps)
    w = weights if weighted else None
    slope = softmax_cross_entropy(scores, classes, w)[1]
    check_coordinates(lambda: softmax_cross_entropy(scores, classes, w)[0], scores, slope)


def test_a_class_without_weight_may_be_any_number():
    """Where the weight is zero the class is not read, and the slope is zero."""
    scores, classes, weights = make_case()
    weights[1, 2] = 0
    wanted, wanted_slope = softmax_cross_entropy(scores, classes, weights)
    classes[1, 2] = -999
    value, slope = softmax_cross_entropy(scores, classes, weights)
    assert value == wanted
    np.testing.assert_array_equal(slope, wanted_slope)
    assert not slope[1, :, 2].any()


def test_large_scores_do_not_overflow():
    """Scores in the thousands give the exact loss."""
    scores = np.array([[1000.0], [0.0], [-1000.0]])
    assert softmax_cross_entropy(scores, np.array([0]))[0] == 0
    assert softmax_cross_entropy(scores, np.array([2]))[0] == 2000


def test_the_slope_has_the_precision_of_the_scores():
    """float64 weights do not lift a float32 network to float64."""
    scores, classes, weights = make_case()
    assert softmax_cross_entropy(scores.astype(np.float32), classes, weights)[1].dtype == np.float32


@pytest.mark.parametrize("wrong", [-1, K])
def test_a_class_that_does_not_exist_is_an_error(wrong):
    """A class outside 0 … K-1 is named, not wrapped around."""
    scores, classes, _ = make_case()
    classes[0, 1] = wrong
    with pytest.raises(ForecasterError, match=f"from 0 to {K - 1}, found .*{wrong}"):
        softmax_cross_entropy(scores, classes)


@pytest.mark.parametrize("shape", [(T, B + 1), (B,), (T + 1, B)])
def test_classes_that_do_not_fit_the_scores_are_an_error(shape):
    """Scores and classes must agree in steps and batch; nothing is broadcast."""
    with pytest.raises(ForecasterError, match="do not fit"):
        softmax_cross_entropy(make_case()[0], np.zeros(shape, int))


def test_weights_that_do_not_fit_the_classes_are_an_error():
    """Weights must have the shape of the classes; nothing is broadcast."""
    scores, classes, weights = make_case()
    with pytest.raises(ForecasterError, match="Weights"):
        softmax_cross_entropy(scores, classes, weights[:1])


def test_one_hot_is_undone_by_likeliest():
    """A one-hot vector has its one at the class, and the likeliest class of it is that class."""
    classes = make_case()[1]
    vectors = one_hot(classes, K)
    assert vectors.shape == (T, K, B)
    assert (vectors.sum(axis=1) == 1).all()
    np.testing.assert_array_equal(likeliest(vectors), classes)
    np.testing.assert_array_equal(likeliest_one_hot(5 * vectors - 2), vectors)
