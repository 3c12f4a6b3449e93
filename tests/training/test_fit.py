"""What networks learn from while the newest rows are held out for validation."""

import dataclasses

import numpy as np
import pytest
from panels import informed_panel, rows_of

from forecaster.config import Options
from forecaster.training import fit as fitting
from forecaster.training.plan import split


class Seen(Exception):
    """Ends the fit when the networks would train."""


def effect_that_networks_see(monkeypatch, panel, horizon):
    """The effect taken out of the panel that networks train on."""
    views = []

    def stop(view, *_):
        views.append(view)
        raise Seen

    monkeypatch.setattr(fitting.ensemble, "fit", stop)
    with pytest.raises(Seen):
        fitting.fit(panel, panel.lengths, horizon, Options(pretrained=False, members=1))
    return views[0].removed.effect


def test_networks_see_no_effect_that_the_validation_part_has_shown(monkeypatch):
    """Other targets in the validation part change nothing of what is taken out of the rows before it."""
    panel, horizon = informed_panel(), 7
    train = split(panel.lengths, horizon).train
    assert (train > 0).any()
    held = (rows_of(panel) >= np.repeat(train, panel.lengths)) & np.repeat(train > 0, panel.lengths)
    values = panel.values.copy()
    values[held, 0] += 3 * np.sin(np.arange(held.sum()))
    changed = dataclasses.replace(panel, values=values)
    first, second = (effect_that_networks_see(monkeypatch, each, horizon) for each in (panel, changed))
    assert first.any()
    np.testing.assert_array_equal(first, second)
