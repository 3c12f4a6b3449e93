"""What a user sets: rates of false alarms, and times."""

import numpy as np
import pytest
from panels import panel_of

from forecaster.data.labels import Names
from forecaster.errors import UsageError
from forecaster.monitoring.rate import LONGEST, chance_of_step, time_of

DAILY = panel_of(np.arange(50.0))
HOURLY = panel_of(np.arange(50.0), alias="h")


def test_rates_per_time_and_per_step() -> None:
    """One a week is one in 168 hours, and one in seven days; usually never more than one in 168 steps."""
    assert chance_of_step("1/w", HOURLY) == pytest.approx(1 / 168)
    assert chance_of_step("1/4w", DAILY) == pytest.approx(1 / 28)
    assert chance_of_step("0.5/2W", DAILY) == pytest.approx(0.5 / 14)
    assert chance_of_step("0.5 / 1000", DAILY) == pytest.approx(0.0005)
    assert chance_of_step("1/90min", panel_of(np.arange(9.0), alias="min")) == pytest.approx(1 / 90)
    assert chance_of_step(None, HOURLY) == pytest.approx(1 / 168)
    assert chance_of_step(None, DAILY) == pytest.approx(LONGEST)
    months = panel_of(np.arange(50.0), alias="MS")
    assert chance_of_step(None, months) == pytest.approx(LONGEST)


@pytest.mark.parametrize(
    "text", ["", "1", "w", "1/", "0/w", "1/0", "-1/w", "1/w/w", "1/y", "1/w", "1/2", "x" * 99]
)
def test_rates_that_cannot_be(text: str) -> None:
    """Each is named, with what can be."""
    with pytest.raises(UsageError, match="false_alarms cannot be") as caught:
        chance_of_step(text, DAILY)
    assert "1/1000" in caught.value.hint
    assert 0 < chance_of_step("1/1000", DAILY) < 1


def test_times() -> None:
    """Without a zone in that of the table, else as they are."""
    hour = 3600 * 10**9
    plain, berlin = Names("ds", None, "y"), Names("ds", None, "y", tz="Europe/Berlin")
    assert time_of("1970-01-02T01:30", plain) == 25 * hour + hour // 2
    assert time_of("1970-01-02", berlin) == 23 * hour
    assert time_of("1970-01-02T00:00+02:00", berlin) == 22 * hour
    for text, names in (
        ("yesterday", plain),
        ("1970-01-02T00:00Z", plain),
        ("", berlin),
        ("9999-01-01", plain),
    ):
        with pytest.raises(UsageError, match="since cannot be") as caught:
            time_of(text, names)
        assert "2024-05-01" in caught.value.hint
