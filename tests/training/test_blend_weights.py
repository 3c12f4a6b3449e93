"""The origins at which the components are tried before they are weighed."""

import numpy as np
import pytest

from forecaster.training import blend_weights
from forecaster.training.blend_weights import validation_origins
from forecaster.training.plan import split


def test_a_very_long_series_is_tried_at_fewer_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Origins times rows stay within MOST_ROWS, down to LEAST_ORIGINS; the first and the last one stay."""
    parts = split(np.array([5000]), 10)
    many, _ = validation_origins(parts, 10)
    monkeypatch.setattr(blend_weights, "MOST_ROWS", 5000 * 20)
    fewer, blocks = validation_origins(parts, 10)
    assert len(fewer) == 21 < len(many)
    assert fewer[[0, -1]].tolist() == many[[0, -1]].tolist()
    assert (np.diff(blocks) >= 0).all()
    monkeypatch.setattr(blend_weights, "MOST_ROWS", 1)
    assert len(validation_origins(parts, 10)[0]) == blend_weights.LEAST_ORIGINS + 1
