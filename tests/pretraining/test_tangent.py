"""The tangent of a pretrained network: where it touches, forecast and slope are those of the network."""

import numpy as np
import pytest
from panels import panel_of, wavy
from stand_ins import stand_in

from forecaster.pretraining.network import SIDE
from forecaster.pretraining.tangent import Tangent
from forecaster.pretraining.zero_shot import zero_shot

FREQUENCIES = {"D": (7,), "MS": (12,), "h": (24,), "YS": (1,)}


@pytest.mark.parametrize("alias", FREQUENCIES)
@pytest.mark.parametrize("horizon", [2, 60])
def test_it_touches_the_network(alias, horizon):
    """At the first series both forecast the same, and the slope in a direction is the same for both."""
    rng = np.random.default_rng(0)
    y, direction = wavy(rng, 200), rng.normal(size=200)

    def medians(small, networks):
        panel = panel_of(*(y + step * direction for step in (0, small, -small)), seasons=FREQUENCIES[alias],
                         alias=alias)  # fmt: skip
        power = np.ones(3)
        result = zero_shot(panel, panel.lengths, horizon, networks, price=np.zeros(3, bool), power=power)
        return result[SIDE]

    real = medians(0.03, stand_in)
    tangent = medians(0.0003, lambda kind: Tangent.to(stand_in(kind)))
    np.testing.assert_allclose(tangent[0], real[0], rtol=1e-5)
    slopes = [(found[1] - found[2]) / (2 * small) for found, small in ((real, 0.03), (tangent, 0.0003))]
    np.testing.assert_allclose(slopes[1], slopes[0], rtol=0.03, atol=0.03 * np.abs(slopes[0]).mean())
