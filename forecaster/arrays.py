"""Types of NumPy arrays, once for all; a comment or docstring beside each use gives the shape."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Float32s: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Array: TypeAlias = NDArray[np.floating[Any]]
"""Of either precision: networks train in float32, and gradients are checked in float64."""
