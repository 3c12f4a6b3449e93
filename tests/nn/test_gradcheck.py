"""The gradient check detects wrong gradients, prints both values, and restores the point."""

import numpy as np
import pytest

from forecaster.errors import ForecasterError
from forecaster.nn.gradcheck import check_coordinates, check_directions


def cubic():
    """A function of a point, and its gradient."""
    point = np.random.default_rng(0).standard_normal((3, 4))
    return (lambda: float((point**3).sum())), point, 3 * point**2


def check(kind, function, point, gradient):
    if kind == "directions":
        return check_directions(function, point, gradient, rng=np.random.default_rng(1), name="w")
    return check_coordinates(function, point, gradient, name="w")


kinds = pytest.mark.parametrize("kind", ["directions", "coordinates"])


@kinds
def test_a_right_gradient_passes(kind):
    """The largest relative error is tiny, and the point keeps its bytes."""
    function, point, gradient = cubic()
    before = point.tobytes()
    assert check(kind, function, point, gradient) < 1e-8
    assert point.tobytes() == before


@kinds
@pytest.mark.parametrize("wrong", [1.0001, -1, np.nan])
def test_a_wrong_gradient_is_found(kind, wrong):
    """The message names the array and prints both values."""
    function, point, gradient = cubic()
    gradient[1, 2] *= wrong
    with pytest.raises(ForecasterError, match=r"w.*gradient says .*, central differences say .*relative"):
        check(kind, function, point, gradient)


def test_the_coordinate_is_named():
    """A single wrong partial derivative is named by its index."""
    function, point, gradient = cubic()
    gradient[2, 3] = 0
    with pytest.raises(ForecasterError, match=r"w\[2, 3\]: the gradient says 0,"):
        check_coordinates(function, point, gradient, name="w")


@kinds
def test_the_point_is_put_back_when_the_function_fails(kind):
    """An error in the function passes through and leaves the point unchanged."""
    _, point, gradient = cubic()
    before = point.tobytes()

    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        check(kind, fail, point, gradient)
    assert point.tobytes() == before


@kinds
def test_a_flat_function_has_gradient_zero(kind):
    """Zero against zero is no error."""
    point = np.ones(3)
    assert check(kind, lambda: 4.0, point, np.zeros(3)) == 0
